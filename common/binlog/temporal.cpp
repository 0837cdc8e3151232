// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/temporal.hpp"

#include <array>
#include <string>

namespace cdc {

namespace {

constexpr unsigned kMaxFsp = 6;
constexpr std::uint32_t kMaxTimeHour = 838;
// Of the packed 64-bit forms: bits of the fraction, and of hour, minute and second above it.
constexpr unsigned kPackedFractionBits = 24, kDayTimeBits = 17;

struct Parts {
  std::uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0;
};

[[noreturn]] void fail_range(const char* type, std::size_t at) {
  throw DecodeError(at, std::string(type) + " out of range");
}

Value temporal(Value::Kind kind, const char* type, const Parts& parts, unsigned fsp, std::uint32_t max_hour,
               std::size_t at) {
  if (parts.year > 9999 || parts.month > 12 || parts.day > 31 || parts.hour > max_hour || parts.minute > 59 ||
      parts.second > 59 || parts.microsecond > 999'999)
    fail_range(type, at);
  Value value;
  value.kind = kind;
  value.fsp = static_cast<std::uint8_t>(fsp);
  value.temporal = {static_cast<std::uint16_t>(parts.year),       static_cast<std::uint16_t>(parts.hour),
                    static_cast<std::uint8_t>(parts.month),       static_cast<std::uint8_t>(parts.day),
                    static_cast<std::uint8_t>(parts.minute),      static_cast<std::uint8_t>(parts.second),
                    static_cast<std::uint32_t>(parts.microsecond)};
  return value;
}

Value date_of(const Parts& parts, std::size_t at) {
  return temporal(Value::Kind::date, "DATE", parts, 0, 0, at);
}
Value datetime_of(const Parts& parts, unsigned fsp, std::size_t at) {
  return temporal(Value::Kind::datetime, "DATETIME", parts, fsp, 23, at);
}
Value time_of(const Parts& parts, bool negative, unsigned fsp, std::size_t at) {
  Value value = temporal(Value::Kind::time, "TIME", parts, fsp, kMaxTimeHour, at);
  value.negative = negative;
  return value;
}

Value timestamp_of(std::uint32_t seconds, std::uint64_t microsecond, unsigned fsp, std::size_t at) {
  if (seconds == 0) return datetime_of({}, fsp, at);
  if (microsecond > 999'999) fail_range("TIMESTAMP", at);
  Value value;
  value.kind = Value::Kind::timestamp;
  value.fsp = static_cast<std::uint8_t>(fsp);
  value.timestamp = {seconds, static_cast<std::uint32_t>(microsecond)};
  return value;
}

void check_fsp(const ByteReader& reader, unsigned fsp) {
  if (fsp > kMaxFsp) reader.fail("more than 6 fractional digits declared: " + std::to_string(fsp));
}

// The stored fraction counts in units of the digits its bytes can hold.
std::uint64_t microseconds(std::uint64_t fraction, unsigned fsp) {
  static constexpr std::array<std::uint32_t, 4> kUnit{0, 10'000, 100, 1};
  return fraction * kUnit[fraction_size(fsp)];
}

// hour:minute:second in 10 (TIME) or 5 bits, 6 bits, 6 bits.
void split_day_time(std::uint64_t packed, Parts& parts) {
  parts.hour = packed >> 12;
  parts.minute = (packed >> 6) & 63;
  parts.second = packed & 63;
}
// (year * 13 + month) << 5 | day, above the time of day.
void split_datetime(std::uint64_t packed, Parts& parts) {
  const std::uint64_t date = packed >> kDayTimeBits;
  parts.day = date & 31;
  parts.month = (date >> 5) % 13;
  parts.year = (date >> 5) / 13;
  split_day_time(packed & ((1U << kDayTimeBits) - 1), parts);
}

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

Parts unpack_datetime_parts(std::int64_t packed) {
  if (packed < 0) fail_range("DATETIME", 0);
  const auto bits = static_cast<std::uint64_t>(packed);
  Parts parts;
  parts.microsecond = bits & ((1U << kPackedFractionBits) - 1);
  split_datetime(bits >> kPackedFractionBits, parts);
  return parts;
}

}  // namespace

Value read_date(ByteReader& reader) {
  const std::uint32_t packed = reader.u24();
  Parts parts;
  parts.day = packed & 31;
  parts.month = (packed >> 5) & 15;
  parts.year = packed >> 9;
  return date_of(parts, reader.offset());
}

// The whole number, fraction included, is stored as an offset from its middle; so a negative one reads as
// two's complement over all bytes.
Value read_time2(ByteReader& reader, unsigned fsp) {
  check_fsp(reader, fsp);
  const std::size_t fraction_bits = 8 * fraction_size(fsp);
  const auto stored = static_cast<std::int64_t>(reader.be_width(3 + fraction_size(fsp)));
  const std::int64_t whole = stored - (std::int64_t{0x800000} << fraction_bits);
  const std::uint64_t packed = magnitude(whole);
  Parts parts;
  parts.microsecond = microseconds(packed & ((std::uint64_t{1} << fraction_bits) - 1), fsp);
  split_day_time(packed >> fraction_bits, parts);
  return time_of(parts, whole < 0, fsp, reader.offset());
}

Value read_datetime2(ByteReader& reader, unsigned fsp) {
  check_fsp(reader, fsp);
  constexpr std::uint64_t kMiddle = 0x8000000000;
  const std::uint64_t stored = reader.be_width(5);
  const std::uint64_t fraction = reader.be_width(fraction_size(fsp));
  if (stored < kMiddle) fail_range("DATETIME", reader.offset());
  Parts parts;
  parts.microsecond = microseconds(fraction, fsp);
  split_datetime(stored - kMiddle, parts);
  return datetime_of(parts, fsp, reader.offset());
}

Value read_timestamp2(ByteReader& reader, unsigned fsp) {
  check_fsp(reader, fsp);
  const auto seconds = static_cast<std::uint32_t>(reader.be_width(4));
  const std::uint64_t fraction = reader.be_width(fraction_size(fsp));
  return timestamp_of(seconds, microseconds(fraction, fsp), fsp, reader.offset());
}

Value read_time_old(ByteReader& reader) {
  const std::int32_t stored = reader.i24();
  const std::uint64_t digits = magnitude(stored);
  Parts parts;
  parts.hour = digits / 10'000;
  parts.minute = digits / 100 % 100;
  parts.second = digits % 100;
  return time_of(parts, stored < 0, 0, reader.offset());
}

Value read_datetime_old(ByteReader& reader) {
  const std::uint64_t digits = reader.u64();
  const std::uint64_t date = digits / 1'000'000;
  Parts parts;
  parts.year = date / 10'000;
  parts.month = date / 100 % 100;
  parts.day = date % 100;
  parts.hour = digits / 10'000 % 100;
  parts.minute = digits / 100 % 100;
  parts.second = digits % 100;
  return datetime_of(parts, 0, reader.offset());
}

Value read_timestamp_old(ByteReader& reader) {
  const std::uint32_t seconds = reader.u32();
  return timestamp_of(seconds, 0, 0, reader.offset());
}

Value unpack_time(std::int64_t packed) {
  const std::uint64_t bits = magnitude(packed);
  Parts parts;
  parts.microsecond = bits & ((1U << kPackedFractionBits) - 1);
  split_day_time(bits >> kPackedFractionBits, parts);
  return time_of(parts, packed < 0, kMaxFsp, 0);
}

Value unpack_datetime(std::int64_t packed) {
  return datetime_of(unpack_datetime_parts(packed), kMaxFsp, 0);
}

Value unpack_date(std::int64_t packed) {
  Parts parts = unpack_datetime_parts(packed);
  parts.hour = parts.minute = parts.second = parts.microsecond = 0;
  return date_of(parts, 0);
}

}  // namespace cdc
