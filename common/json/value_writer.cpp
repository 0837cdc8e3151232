// SPDX-License-Identifier: Apache-2.0
#include "common/json/value_writer.hpp"

#include <cassert>
#include <cstring>

#include "common/base/bytes.hpp"
#include "common/base/digits.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace cdc {

namespace {

// Quotes, sign, "838:59:59" or "9999-12-31 23:59:59", point and six digits.
constexpr std::size_t kTemporalSize = 32;

char* write_fraction(char* to, std::uint32_t microsecond, unsigned fsp) {
  if (fsp == 0) return to;
  *to++ = '.';
  return put_digits(to, microsecond / static_cast<std::uint32_t>(kPowersOfTen[6 - fsp]), fsp);
}

char* write_date(char* to, const Value::Temporal& date) {
  to = put_two_digits(to, date.year / 100U);
  to = put_two_digits(to, date.year % 100U);
  *to++ = '-';
  to = put_two_digits(to, date.month);
  *to++ = '-';
  return put_two_digits(to, date.day);
}

char* write_clock(char* to, const Value::Temporal& time, unsigned fsp) {
  if (time.hour > 99) *to++ = static_cast<char>('0' + time.hour / 100);
  to = put_two_digits(to, time.hour % 100U);
  *to++ = ':';
  to = put_two_digits(to, time.minute);
  *to++ = ':';
  to = put_two_digits(to, time.second);
  return write_fraction(to, time.microsecond, fsp);
}

Value::Temporal local_time(const Value::Timestamp& timestamp, const TimeZone& zone) {
  const CivilTime civil = zone.local(timestamp.seconds);
  return {static_cast<std::uint16_t>(civil.year),
          civil.hour,
          civil.month,
          civil.day,
          civil.minute,
          civil.second,
          timestamp.microsecond};
}

void append_datetime(OutBuffer& out, const Value::Temporal& temporal, unsigned fsp) {
  char* to = out.reserve(kTemporalSize);
  *to++ = '"';
  to = write_date(to, temporal);
  *to++ = ' ';
  to = write_clock(to, temporal, fsp);
  *to++ = '"';
  out.commit(to);
}

void append_date(OutBuffer& out, const Value::Temporal& temporal) {
  char* to = out.reserve(kTemporalSize);
  *to++ = '"';
  to = write_date(to, temporal);
  *to++ = '"';
  out.commit(to);
}

void append_time(OutBuffer& out, const Value& value) {
  char* to = out.reserve(kTemporalSize);
  *to++ = '"';
  if (value.negative) *to++ = '-';
  to = write_clock(to, value.temporal, value.fsp);
  *to++ = '"';
  out.commit(to);
}

// `text` has nothing to escape.
void append_quoted(OutBuffer& out, std::string_view text) {
  char* to = out.reserve(text.size() + 2);
  *to++ = '"';
  std::memcpy(to, text.data(), text.size());
  to += text.size();
  *to++ = '"';
  out.commit(to);
}

void append_bytes(OutBuffer& out, std::string_view bytes) {
  out.append('"');
  append_base64(out, as_bytes(bytes));
  out.append('"');
}

void append_geometry(OutBuffer& out, std::string_view geometry) {
  std::uint32_t srid = 0;
  if (geometry.size() < sizeof srid)
    throw DataError("geometry of " + std::to_string(geometry.size()) + " bytes");
  std::memcpy(&srid, geometry.data(), sizeof srid);
  out.append("{\"srid\":");
  append_uint(out, srid);
  out.append(",\"wkb\":");
  append_bytes(out, geometry.substr(sizeof srid));
  out.append('}');
}

void append_vector(OutBuffer& out, std::string_view floats) {
  float number = 0;
  if (floats.size() % sizeof number != 0)
    throw DataError("vector of " + std::to_string(floats.size()) + " bytes");
  out.append('[');
  for (std::size_t at = 0; at < floats.size(); at += sizeof number) {
    if (at > 0) out.append(',');
    std::memcpy(&number, floats.data() + at, sizeof number);
    append_float(out, number);
  }
  out.append(']');
}

}  // namespace

void write_value(OutBuffer& out, const Value& value, const TimeZone& zone) {
  switch (value.kind) {
    case Value::Kind::absent:
      assert(false);
      [[fallthrough]];
    case Value::Kind::null:
      return out.append("null");
    case Value::Kind::int64:
      return append_int(out, value.i64);
    case Value::Kind::uint64:
      return append_uint(out, value.u64);
    case Value::Kind::float32:
      return append_float(out, value.f32);
    case Value::Kind::float64:
      return append_double(out, value.f64);
    case Value::Kind::decimal:
      return append_quoted(out, value.text);
    case Value::Kind::date:
      return append_date(out, value.temporal);
    case Value::Kind::time:
      return append_time(out, value);
    case Value::Kind::datetime:
      return append_datetime(out, value.temporal, value.fsp);
    case Value::Kind::timestamp:
      return append_datetime(out, local_time(value.timestamp, zone), value.fsp);
    case Value::Kind::text:
      return append_json_string(out, value.text);
    case Value::Kind::bytes:
      return append_bytes(out, value.text);
    case Value::Kind::json:
      return out.append(value.text);
    case Value::Kind::geometry:
      return append_geometry(out, value.text);
    case Value::Kind::vector:
      return append_vector(out, value.text);
  }
}

}  // namespace cdc
