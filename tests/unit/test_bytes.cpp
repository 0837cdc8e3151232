// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "common/base/bytes.hpp"

using cdc::ByteReader;
using cdc::DecodeError;

TEST_CASE("reads are little endian and advance") {
  const std::uint8_t bytes[] = {0x01, 0x02, 0x03, 0xff, 0xff, 0xfe};
  ByteReader reader{cdc::ByteView{bytes}};
  CHECK(reader.u16() == 0x0201);
  CHECK(reader.u8() == 3);
  CHECK(reader.i24() == -65537);
  CHECK(reader.at_end());
}

TEST_CASE("a read past the end throws and does not move the cursor") {
  const std::uint8_t bytes[] = {1, 2, 3};
  ByteReader reader{cdc::ByteView{bytes}, 100};
  reader.skip(1);
  CHECK_THROWS_AS(reader.u32(), DecodeError);
  CHECK(reader.offset() == 101);
  try {
    reader.bytes(900);
    FAIL("no error");
  } catch (const DecodeError& error) {
    CHECK(error.offset() == 101);
    CHECK(error.message() == "at offset 101: length 900 past end (2 left)");
  }
}

TEST_CASE("length-encoded integers") {
  const std::uint8_t bytes[] = {250, 0xfc, 0x34, 0x12, 0xfd, 1, 0, 1, 0xfe, 1, 0, 0, 0, 0, 0, 0, 0x80, 0xfb};
  ByteReader reader{cdc::ByteView{bytes}};
  CHECK(reader.lenenc() == 250);
  CHECK(reader.lenenc() == 0x1234);
  CHECK(reader.lenenc() == 0x10001);
  CHECK(reader.lenenc() == 0x8000000000000001ULL);
  CHECK_THROWS_AS(reader.lenenc(), DecodeError);
}
