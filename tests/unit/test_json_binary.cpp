// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <bit>
#include <string>
#include <string_view>

#include "common/base/error.hpp"
#include "common/binlog/json_binary.hpp"
#include "common/binlog/json_diff.hpp"

using cdc::DecodeError;
using namespace std::string_literals;

namespace {

std::string print(const std::string& document) {
  cdc::OutBuffer out;
  cdc::append_json_binary(out, cdc::as_bytes(document));
  return std::string(out.view());
}

std::string patch(const std::string& document, const std::string& diffs) {
  cdc::OutBuffer out;
  cdc::append_json_patched(out, cdc::as_bytes(document), cdc::as_bytes(diffs));
  return std::string(out.view());
}

std::string u16(std::size_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8)};
}
std::string u64(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}
std::string double_document(double value) {
  return "\x0b" + u64(std::bit_cast<std::uint64_t>(value));
}

constexpr char kSmallArray = 2;

// An array of `count` elements that all are the container `inner` (its type byte in front).
std::string array_of(const std::string& inner, std::size_t count) {
  const std::size_t head = 4 + 3 * count;
  std::string bytes = u16(count) + u16(head + inner.size() - 1);
  for (std::size_t i = 0; i < count; ++i) bytes += inner.substr(0, 1) + u16(head);
  return kSmallArray + bytes + inner.substr(1);
}

// {"a": 1, "b": [1, 2]}
const std::string kDocument = "\x00"s + u16(2) + u16(32) + u16(18) + u16(1) + u16(19) + u16(1) + "\x05" +
                              u16(1) + "\x02" + u16(20) + "ab" + u16(2) + u16(10) + "\x05" + u16(1) + "\x05" +
                              u16(2) + "\0\0"s;

std::string diff(char operation, const std::string& path, const std::string& value = {}) {
  std::string bytes = operation + std::string(1, static_cast<char>(path.size())) + path;
  if (operation != '\2') bytes += static_cast<char>(value.size()) + value;
  return bytes;
}
constexpr char kReplace = 0, kInsert = 1, kRemove = 2;
const std::string kSeven = "\x05\x07\0"s;

}  // namespace

// What the server printed for these; tests/data/rows/json has the rest.
TEST_CASE("numbers as the server prints them in documents") {
  CHECK(print(double_document(1)) == "1.0");
  CHECK(print(double_document(-0.0)) == "-0.0");
  CHECK(print(double_document(1e15)) == "1e15");
  CHECK(print(double_document(1e14)) == "100000000000000.0");
  CHECK(print(double_document(-1955911981443228.8)) == "-1955911981443228.8");
  CHECK(print(double_document(5e-324)) == "5e-324");
  CHECK(print(double_document(-1.5e-7)) == "-0.00000015");
}

TEST_CASE("documents as the format describes them") {
  CHECK(print(kDocument) == R"({"a": 1, "b": [1, 2]})");
  CHECK(print("") == "null");
  CHECK(print("\x04\x01") == "true");
  CHECK(print("\x0c\x02hi") == "\"hi\"");
  CHECK(print("\x0f\xfc\x01x") == "\"base64:type252:eA==\"");
}

TEST_CASE("malformed documents") {
  CHECK_THROWS_AS(print("\x00"s), DecodeError);                      // no head
  CHECK_THROWS_AS(print("\x02"s + u16(1) + u16(400)), DecodeError);  // longer than there is
  CHECK_THROWS_AS(print("\x02"s + u16(100) + u16(4)), DecodeError);  // more elements than bytes
  CHECK_THROWS_AS(print("\x02"s + u16(1) + u16(7) + "\x0c" + u16(0)),
                  DecodeError);  // a value that holds its container
  CHECK_THROWS_AS(print("\x02"s + u16(1) + u16(7) + "\x0c" + u16(900)), DecodeError);  // behind the end
  CHECK_THROWS_AS(print("\x00"s + u16(1) + u16(11) + u16(900) + u16(1) + "\x04" + u16(0)),
                  DecodeError);                                         // key
  CHECK_THROWS_AS(print("\x04\x07"), DecodeError);                      // no literal
  CHECK_THROWS_AS(print("\x0d"), DecodeError);                          // no type
  CHECK_THROWS_AS(print("\x0c\x05hi"), DecodeError);                    // string past the end
  CHECK_THROWS_AS(print("\x0c\xff\xff\xff\xff\xff\xff"), DecodeError);  // endless length
  CHECK_THROWS_AS(print("\x0c\x01\xff"), DecodeError);                  // no UTF-8
  CHECK_THROWS_AS(print(double_document(std::bit_cast<double>(0x7ff0000000000000))), DecodeError);
  CHECK_THROWS_AS(print("\x0f\xf6\x02\x04\x09"), DecodeError);         // DECIMAL(4,9)
  CHECK_THROWS_AS(print("\x0f\x0c\x09" + u64(0) + "x"), DecodeError);  // DATETIME of nine bytes
  CHECK_THROWS_AS(print("\x0f\x0c\x08" + u64(~0ULL)), DecodeError);    // negative DATETIME
}

TEST_CASE("nesting is limited to what the server allows") {
  std::string document = "\x02"s + u16(0) + u16(4);
  for (int depth = 1; depth < 100; ++depth) document = array_of(document, 1);
  CHECK(print(document).size() == 200);
  CHECK_THROWS_AS(print(array_of(document, 1)), DecodeError);
}

TEST_CASE("values that share bytes cannot multiply the work") {
  std::string document = "\x02"s + u16(0) + u16(4);
  for (int depth = 0; depth < 60; ++depth) document = array_of(document, 2);
  CHECK_THROWS_AS(print(document), DecodeError);
}

TEST_CASE("changes to documents") {
  CHECK(patch(kDocument, "") == R"({"a": 1, "b": [1, 2]})");
  CHECK(patch(kDocument, diff(kReplace, "$.a", kSeven)) == R"({"a": 7, "b": [1, 2]})");
  CHECK(patch(kDocument, diff(kInsert, "$.aa", kSeven)) == R"({"a": 1, "b": [1, 2], "aa": 7})");
  CHECK(patch(kDocument, diff(kInsert, "$.\"\\\"\\n\\u000b\"", kSeven)) ==
        R"({"a": 1, "b": [1, 2], "\"\n\u000b": 7})");
  CHECK(patch(kDocument, diff(kRemove, "$.a") + diff(kRemove, "$.b[0]")) == R"({"b": [2]})");
  CHECK(patch(kDocument, diff(kInsert, "$.b[1]", kSeven)) == R"({"a": 1, "b": [1, 7, 2]})");
  CHECK(patch(kDocument, diff(kInsert, "$.b[9]", kSeven)) == R"({"a": 1, "b": [1, 2, 7]})");
  CHECK(patch(kDocument, diff(kReplace, "$.b[last-1]", kSeven)) == R"({"a": 1, "b": [7, 2]})");
  CHECK(patch(kDocument, diff(kReplace, "$.a", kDocument) + diff(kReplace, "$.a.b[0]", kSeven)) ==
        R"({"a": {"a": 1, "b": [7, 2]}, "b": [1, 2]})");
}

TEST_CASE("changes that do not fit") {
  for (const std::string& diffs :
       {diff(kReplace, "$.c", kSeven), diff(kRemove, "$.c"), diff(kReplace, "$", kSeven),
        diff(kReplace, "$.a.x", kSeven), diff(kReplace, "$.b[2]", kSeven), diff(kRemove, "$.b[last-2]"),
        diff(kReplace, "$.b.x", kSeven), diff(kReplace, "$[0]", kSeven), diff(kInsert, "$.a", kSeven),
        diff(kInsert, "$.a[0]", kSeven), diff(kReplace, "$.", kSeven), diff(kReplace, "a", kSeven),
        diff(kReplace, "$.b[x]", kSeven), diff(kReplace, "$.b[0", kSeven), diff(kReplace, "$.\"a", kSeven),
        diff(kReplace, "$.a", ""), diff('\3', "$.a", kSeven), "\0"s, "\0\x09$"s}) {
    CAPTURE(diffs);
    CHECK_THROWS_AS(patch(kDocument, diffs), DecodeError);
  }
}
