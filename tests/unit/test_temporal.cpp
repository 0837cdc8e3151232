// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/binlog/temporal.hpp"

using cdc::Value;

namespace {

// "-838:59:59.000000", "2024-02-29 00:00:00.000000", "@1.000000": every part of the value.
std::string parts(const Value& value) {
  char text[80];
  const Value::Temporal& t = value.temporal;
  if (value.kind == Value::Kind::timestamp)
    std::snprintf(text, sizeof text, "@%lld.%06u", static_cast<long long>(value.timestamp.seconds),
                  value.timestamp.microsecond);
  else if (value.kind == Value::Kind::time)
    std::snprintf(text, sizeof text, "%s%02u:%02u:%02u.%06u", value.negative ? "-" : "", t.hour, t.minute,
                  t.second, t.microsecond);
  else
    std::snprintf(text, sizeof text, "%04u-%02u-%02u %02u:%02u:%02u.%06u", t.year, t.month, t.day, t.hour,
                  t.minute, t.second, t.microsecond);
  return text;
}

using Read = Value (*)(cdc::ByteReader&);
std::string read(Read function, std::vector<std::uint8_t> bytes) {
  cdc::ByteReader reader(bytes);
  const Value value = function(reader);
  CHECK(reader.at_end());
  return parts(value);
}
using ReadFsp = Value (*)(cdc::ByteReader&, unsigned);
std::string read(ReadFsp function, unsigned fsp, std::vector<std::uint8_t> bytes) {
  cdc::ByteReader reader(bytes);
  const Value value = function(reader, fsp);
  CHECK(value.fsp == fsp);
  CHECK(reader.at_end());
  return parts(value);
}

}  // namespace

// The table above my_time_packed_from_binary() in mysys/my_time.cc.
TEST_CASE("TIME with a fraction, negative") {
  CHECK(read(cdc::read_time2, 2, {0x80, 0x00, 0x01, 0x00}) == "00:00:01.000000");
  CHECK(read(cdc::read_time2, 2, {0x80, 0x00, 0x00, 0x00}) == "00:00:00.000000");
  CHECK(read(cdc::read_time2, 2, {0x7f, 0xff, 0xff, 0xff}) == "-00:00:00.010000");
  CHECK(read(cdc::read_time2, 2, {0x7f, 0xff, 0xff, 0xf6}) == "-00:00:00.100000");
  CHECK(read(cdc::read_time2, 2, {0x7f, 0xff, 0xff, 0x00}) == "-00:00:01.000000");
  CHECK(read(cdc::read_time2, 2, {0x7f, 0xff, 0xfe, 0xff}) == "-00:00:01.010000");
  CHECK(read(cdc::read_time2, 2, {0x7f, 0xff, 0xfe, 0xf6}) == "-00:00:01.100000");
}

// Packed by hand after "Date and Time Data Type Representation" of the internals manual.
TEST_CASE("dates, times of day and instants") {
  CHECK(read(cdc::read_date, {0x5d, 0xd0, 0x0f}) == "2024-02-29 00:00:00.000000");  // 2024 << 9 | 2 << 5 | 29
  CHECK(read(cdc::read_date, {0, 0, 0}) == "0000-00-00 00:00:00.000000");
  CHECK(read(cdc::read_datetime2, 0, {0x80, 0, 0, 0, 0}) == "0000-00-00 00:00:00.000000");
  // (2024 * 13 + 2) << 22 | 29 << 17 | 12 << 12 | 34 << 6 | 56
  CHECK(read(cdc::read_datetime2, 3, {0x99, 0xb2, 0xba, 0xc8, 0xb8, 0x04, 0xce}) ==
        "2024-02-29 12:34:56.123000");
  CHECK(read(cdc::read_timestamp2, 6, {0, 0, 0, 1, 0x0f, 0x42, 0x3f}) == "@1.999999");
  CHECK(read(cdc::read_timestamp2, 0, {0xff, 0xff, 0xff, 0xff}) == "@4294967295.000000");
  CHECK(read(cdc::read_timestamp2, 2, {0, 0, 0, 0, 0}) == "0000-00-00 00:00:00.000000");
}

TEST_CASE("the formats of before MySQL 5.6") {
  CHECK(read(cdc::read_time_old, {0xa7, 0xf5, 0x7f}) == "838:59:59.000000");  // 8385959
  CHECK(read(cdc::read_time_old, {0xff, 0xff, 0xff}) == "-00:00:01.000000");  // -1
  CHECK(read(cdc::read_timestamp_old, {1, 0, 0, 0}) == "@1.000000");
  CHECK(read(cdc::read_timestamp_old, {0, 0, 0, 0}) == "0000-00-00 00:00:00.000000");
  CHECK(read(cdc::read_datetime_old, {0x80, 0xc5, 0xaa, 0x8b, 0x68, 0x12, 0, 0}) ==
        "2024-02-29 12:34:56.000000");
}

TEST_CASE("the packed forms in documents") {
  constexpr std::int64_t kSecond = 1 << 24;
  CHECK(parts(cdc::unpack_time(-(kSecond + 500'000))) == "-00:00:01.500000");
  CHECK(parts(cdc::unpack_time(kSecond * (838 << 12 | 59 << 6 | 59))) == "838:59:59.000000");
  constexpr std::int64_t kNoon = ((((std::int64_t{2024} * 13 + 2) << 5 | 29) << 17) | 12 << 12) * kSecond + 7;
  CHECK(parts(cdc::unpack_datetime(kNoon)) == "2024-02-29 12:00:00.000007");
  CHECK(parts(cdc::unpack_date(kNoon)) == "2024-02-29 00:00:00.000000");
}

TEST_CASE("temporals that no server wrote") {
  CHECK_THROWS_AS(read(cdc::read_date, {0xbd, 0xd1, 0x0f}), cdc::DecodeError);            // month 13
  CHECK_THROWS_AS(read(cdc::read_date, {0xff, 0x4f, 0x4e}), cdc::DecodeError);            // month 15
  CHECK_THROWS_AS(read(cdc::read_time2, 0, {0x80, 0x00, 0x3c}), cdc::DecodeError);        // second 60
  CHECK_THROWS_AS(read(cdc::read_time2, 0, {0xff, 0xff, 0xff}), cdc::DecodeError);        // hour 2047
  CHECK_THROWS_AS(read(cdc::read_time2, 2, {0x80, 0x00, 0x00, 0x64}), cdc::DecodeError);  // 100 hundredths
  CHECK_THROWS_AS(read(cdc::read_datetime2, 0, {0x7f, 0, 0, 0, 0}), cdc::DecodeError);    // negative
  CHECK_THROWS_AS(read(cdc::read_datetime2, 7, {0x80, 0, 0, 0, 0, 0, 0, 0, 0}), cdc::DecodeError);   // fsp 7
  CHECK_THROWS_AS(read(cdc::read_timestamp2, 6, {0, 0, 0, 1, 0x0f, 0x42, 0x40}), cdc::DecodeError);  // 10^6
  CHECK_THROWS_AS(read(cdc::read_time_old, {0x3c, 0, 0}), cdc::DecodeError);  // second 60
  CHECK_THROWS_AS(read(cdc::read_datetime_old, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
                  cdc::DecodeError);
  CHECK_THROWS_AS(cdc::unpack_datetime(-1), cdc::DecodeError);
}
