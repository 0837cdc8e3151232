// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/binlog/decimal.hpp"

namespace {

std::string decimal(std::vector<std::uint8_t> bytes, unsigned precision, unsigned scale) {
  cdc::ByteReader reader(bytes);
  cdc::Arena arena;
  std::string text(cdc::read_decimal(reader, precision, scale, arena));
  CHECK(reader.at_end());
  return text;
}

}  // namespace

// The first two are the examples of decimal2bin() in strings/decimal.cc; tests/data/rows/decimals has every
// shape.
TEST_CASE("DECIMAL as the server packs it") {
  CHECK(decimal({0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2}, 14, 4) == "1234567890.1234");
  CHECK(decimal({0x7e, 0xf2, 0x04, 0xc7, 0x2d, 0xfb, 0x2d}, 14, 4) == "-1234567890.1234");
  CHECK(decimal({0x80}, 1, 0) == "0");
  CHECK(decimal({0x8c, 0x1e}, 4, 2) == "12.30");
  CHECK(decimal({0x73, 0xe1}, 4, 2) == "-12.30");
  CHECK(decimal({0x80, 0x05}, 4, 2) == "0.05");
  CHECK(decimal({0xb2}, 2, 2) == "0.50");
}

TEST_CASE("a negative zero loses its sign") {
  CHECK(decimal({0x7f, 0xff}, 4, 2) == "0.00");
  CHECK(decimal({0x7f}, 1, 0) == "0");
}

TEST_CASE("sizes of DECIMAL") {
  CHECK(cdc::decimal_size(65, 30) == 30);
  CHECK(cdc::decimal_size(10, 0) == 5);
  CHECK(cdc::decimal_size(9, 9) == 4);
  CHECK(cdc::decimal_size(0, 0) == 0);
  CHECK(cdc::decimal_size(66, 0) == 0);
  CHECK(cdc::decimal_size(31, 31) == 0);
  CHECK(cdc::decimal_size(2, 3) == 0);
}

TEST_CASE("DECIMAL that no server wrote") {
  CHECK_THROWS_AS(decimal({0x80, 0x64}, 4, 2), cdc::DecodeError);              // a pair of digits of 100
  CHECK_THROWS_AS(decimal({0xff, 0xff, 0xff, 0xff}, 9, 0), cdc::DecodeError);  // nine digits of 2^31 - 1
  CHECK_THROWS_AS(decimal({0x80}, 4, 2), cdc::DecodeError);                    // too short
  CHECK_THROWS_AS(decimal({0x80, 0x80, 0x80, 0x80, 0x80}, 66, 0), cdc::DecodeError);  // no such type
}
