// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/result_row.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/time_zone.hpp"
#include "common/binlog/collation.hpp"
#include "common/json/value_writer.hpp"

namespace cdc {

namespace {

constexpr std::size_t kHeader = 1;
constexpr std::size_t kNullBitsOffset = 2;  // of the null bitmap in rows of results

bool is_number_of_labels(const Column& column) {
  return column.type == ColumnType::enumeration || column.type == ColumnType::set;
}

// DATE, DATETIME, TIMESTAMP: a length of 0, 4, 7 or 11, and that many bytes.
Value::Temporal read_wire_date(ByteReader& reader) {
  const std::uint8_t length = reader.u8();
  ByteReader parts = reader.sub(length);
  Value::Temporal temporal{};
  if (length == 0) return temporal;
  temporal.year = parts.u16();
  temporal.month = parts.u8();
  temporal.day = parts.u8();
  if (length == 4) return temporal;
  temporal.hour = parts.u8();
  temporal.minute = parts.u8();
  temporal.second = parts.u8();
  if (length > 7) temporal.microsecond = parts.u32();
  return temporal;
}

Value temporal_value(Value::Kind kind, const Value::Temporal& temporal, std::uint32_t fsp) {
  Value value;
  value.kind = kind;
  value.fsp = static_cast<std::uint8_t>(fsp);
  value.temporal = temporal;
  return value;
}

// TIME: a length of 0, 8 or 12; sign, days, clock, microseconds.
Value read_wire_time(ByteReader& reader, std::uint32_t fsp) {
  const std::uint8_t length = reader.u8();
  ByteReader parts = reader.sub(length);
  Value::Temporal temporal{};
  bool negative = false;
  if (length > 0) {
    negative = parts.u8() != 0;
    const std::uint32_t days = parts.u32();
    if (days > 34) parts.fail("TIME of " + std::to_string(days) + " days");
    temporal.hour = static_cast<std::uint16_t>(24 * days + parts.u8());
    temporal.minute = parts.u8();
    temporal.second = parts.u8();
    if (length > 8) temporal.microsecond = parts.u32();
  }
  Value value = temporal_value(Value::Kind::time, temporal, fsp);
  value.negative = negative;
  return value;
}

// The session's time zone is UTC.
Value timestamp_value(const Value::Temporal& utc, std::uint32_t fsp) {
  if (utc.year == 0) return temporal_value(Value::Kind::datetime, {}, fsp);
  Value value;
  value.kind = Value::Kind::timestamp;
  value.fsp = static_cast<std::uint8_t>(fsp);
  const auto hour = static_cast<std::uint8_t>(utc.hour);
  value.timestamp = {seconds_from_civil({utc.year, utc.month, utc.day, hour, utc.minute, utc.second}),
                     utc.microsecond};
  return value;
}

// SELECT fills a ZEROFILL column up with zeros, the binlog does not.
std::string_view without_zerofill(std::string_view decimal, Arena& arena) {
  const std::size_t sign = decimal.starts_with('-') ? 1 : 0;
  std::size_t zeros = 0;
  while (sign + zeros + 1 < decimal.size() && decimal[sign + zeros] == '0' && decimal[sign + zeros + 1] != '.') ++zeros;
  if (zeros == 0) return decimal;
  if (sign == 0) return decimal.substr(zeros);
  char* const out = arena.allocate(decimal.size() - zeros);
  out[0] = '-';
  std::copy(decimal.begin() + static_cast<std::ptrdiff_t>(1 + zeros), decimal.end(), out + 1);
  return {out, decimal.size() - zeros};
}

Value string_value(std::string_view bytes, const Column& column, DecodeContext& context) {
  if (column.collation == 0 || column.collation == kBinaryCollation) {
    // MariaDB's INET4, INET6 and UUID come as their text.
    const bool as_text = column.type == ColumnType::string && !column.type_text.starts_with("binary");
    return Value::of_text(as_text ? Value::Kind::text : Value::Kind::bytes, bytes);
  }
  std::string_view text = context.text.decode(column.collation, bytes, context.arena);
  if (column.type == ColumnType::string)
    while (text.ends_with(' ')) text.remove_suffix(1);
  return Value::of_text(Value::Kind::text, text);
}

Value text_value(ByteReader& reader, const Column& column, DecodeContext& context) {
  const std::string_view bytes = reader.lenenc_text();
  switch (column.type) {
    case ColumnType::newdecimal:
      return Value::of_text(Value::Kind::decimal, without_zerofill(bytes, context.arena));
    case ColumnType::bit: {
      ByteReader bits(as_bytes(bytes));
      return Value::of_uint(bits.be_width(bytes.size()));
    }
    case ColumnType::json:
      return Value::of_text(Value::Kind::json, bytes);
    case ColumnType::geometry:
      return Value::of_text(bytes.empty() ? Value::Kind::bytes : Value::Kind::geometry, bytes);
    case ColumnType::vector:
      return Value::of_text(Value::Kind::vector, bytes);
    default:
      return string_value(bytes, column, context);
  }
}

std::uint64_t read_integer(ByteReader& reader, WireShape shape) {
  constexpr std::array<std::size_t, 5> kWidths{0, 1, 2, 4, 8};
  return reader.u_width(kWidths.at(static_cast<std::size_t>(shape)));
}

Value number_value(ByteReader& reader, const Column& column, WireShape shape, DecodeContext& context) {
  if (column.type == ColumnType::year) return Value::of_uint(read_integer(reader, shape));
  if (is_number_of_labels(column)) {
    const std::uint64_t number = read_integer(reader, shape);
    ByteReader as_stored({reinterpret_cast<const std::uint8_t*>(&number), sizeof number});
    return decode_value(as_stored, column, context);
  }
  // As the binlog stores them, but for MEDIUMINT, which the wire gives a fourth byte.
  const Value value = decode_value(reader, column, context);
  if (column.type == ColumnType::int24) reader.skip(1);
  return value;
}

Value read_value(ByteReader& reader, const Column& column, WireShape shape, DecodeContext& context) {
  switch (shape) {
    case WireShape::date: {
      const Value::Temporal temporal = read_wire_date(reader);
      if (column.type == ColumnType::timestamp2) return timestamp_value(temporal, column.meta);
      if (column.type == ColumnType::date) return temporal_value(Value::Kind::date, temporal, 0);
      return temporal_value(Value::Kind::datetime, temporal, column.meta);
    }
    case WireShape::time:
      return read_wire_time(reader, column.meta);
    case WireShape::text:
      return text_value(reader, column, context);
    case WireShape::nothing:
      reader.fail("a value of a column that was not asked for");
    default:
      return number_value(reader, column, shape, context);
  }
}

void skip_wire_value(ByteReader& reader, WireShape shape) {
  switch (shape) {
    case WireShape::date:
    case WireShape::time:
      return reader.skip(reader.u8());
    case WireShape::text:
      reader.lenenc_text();
      return;
    case WireShape::float32:
      return reader.skip(4);
    case WireShape::float64:
      return reader.skip(8);
    default:
      read_integer(reader, shape);
  }
}

// With an exponent, which makes it an approximate number to the server, too.
std::string shortest(double number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, number, std::chars_format::scientific).ptr};
}

std::string printed(const Value& value) {
  OutBuffer out(64);
  write_value(out, value, TimeZone());
  std::string_view text = out.view();
  if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
  return std::string(text);
}

}  // namespace

bool is_integer(WireShape shape) {
  return shape >= WireShape::int8 && shape <= WireShape::int64;
}

WireShape expected_shape(const Column& column) {
  switch (column.type) {
    case ColumnType::tiny:
      return WireShape::int8;
    case ColumnType::short_int:
    case ColumnType::year:
      return WireShape::int16;
    case ColumnType::int24:
    case ColumnType::long_int:
      return WireShape::int32;
    case ColumnType::longlong:
    case ColumnType::enumeration:
    case ColumnType::set:
      return WireShape::int64;
    case ColumnType::float32:
      return WireShape::float32;
    case ColumnType::float64:
      return WireShape::float64;
    case ColumnType::date:
    case ColumnType::datetime2:
    case ColumnType::timestamp2:
      return WireShape::date;
    case ColumnType::time2:
      return WireShape::time;
    default:
      return WireShape::text;
  }
}

ResultRow::ResultRow(ByteView row, std::span<const Column> columns, std::span<const WireShape> shapes)
    : row_(row), columns_(columns), shapes_(shapes) {}

bool ResultRow::is_null(std::size_t column) const {
  const std::size_t bit = column + kNullBitsOffset;
  return (row_[kHeader + bit / 8] >> (bit % 8) & 1) != 0;
}

ByteReader ResultRow::values() const {
  ByteReader reader(row_);
  reader.skip(kHeader + (columns_.size() + 7 + kNullBitsOffset) / 8);
  return reader;
}

std::span<const Value> ResultRow::decode(DecodeContext& context) {
  context.arena.reset();
  context.after.resize(columns_.size());
  ByteReader reader = values();
  std::size_t i = 0;
  try {
    for (; i < columns_.size(); ++i)
      context.after[i] = is_null(i) ? Value::of_null() : read_value(reader, columns_[i], shapes_[i], context);
    if (!reader.at_end()) reader.fail("bytes behind the last column");
  } catch (Error& error) {
    if (i < columns_.size()) error.add_context("column " + columns_[i].name);
    throw;
  }
  return context.after;
}

std::string ResultRow::key_text(std::size_t column) const {
  ByteReader reader = values();
  for (std::size_t i = 0; i < column; ++i)
    if (!is_null(i)) skip_wire_value(reader, shapes_[i]);
  const Column& key = columns_[column];
  const WireShape shape = shapes_[column];
  DecodeContext context;
  if (is_number_of_labels(key)) return std::to_string(read_integer(reader, shape));
  if (shape == WireShape::float32) return shortest(static_cast<double>(reader.f32()));
  if (shape == WireShape::float64) return shortest(reader.f64());
  if (shape != WireShape::text) return printed(read_value(reader, key, shape, context));
  if (key.type == ColumnType::bit || key.type == ColumnType::newdecimal)
    return printed(read_value(reader, key, shape, context));
  return std::string(reader.lenenc_text());
}

}  // namespace cdc
