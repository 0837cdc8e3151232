// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/binlog/charset.hpp"

using cdc::Arena;
using cdc::BadText;
using cdc::TextDecoder;

namespace {

std::string bytes_of(std::uint32_t code, unsigned length) {
  std::string bytes;
  for (unsigned i = length; i != 0; --i) bytes.push_back(static_cast<char>(code >> (8 * (i - 1))));
  return bytes;
}

// Every code that scripts/make-charset-tables asked the server about, in its order.
std::vector<std::string> all_codes(std::string_view charset, bool multi_byte) {
  std::vector<std::string> codes;
  for (std::uint32_t code = 0; code <= 0xff; ++code) codes.push_back(bytes_of(code, 1));
  if (multi_byte)
    for (std::uint32_t code = 0x8000; code <= 0xffff; ++code) codes.push_back(bytes_of(code, 2));
  if (charset == "ujis" || charset == "eucjpms")
    for (std::uint32_t code = 0; code <= 0xffff; ++code) codes.push_back(bytes_of(0x8f0000 | code, 3));
  if (charset == "gb18030")
    for (std::uint32_t i = 0; i < 50'400; ++i)
      codes.push_back(bytes_of((0x81 + i / 12600) << 24 | (0x30 + i / 1260 % 10) << 16 |
                                   (0x81 + i / 10 % 126) << 8 | (0x30 + i % 10),
                               4));
  std::sort(codes.begin(), codes.end());
  return codes;
}

bool is_one_character(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }) == 1;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a') c = static_cast<char>(c - 32);
  return text;
}

std::string decode(std::string_view charset, std::string_view bytes, BadText bad_text = BadText::refuse) {
  TextDecoder decoder(bad_text);
  Arena arena;
  return std::string(decoder.decode(charset, bytes, arena));
}

using namespace std::string_view_literals;

}  // namespace

TEST_CASE("every code of every character set is what the server makes of it") {
  TextDecoder decoder;
  Arena arena;
  const std::string expected = cdc::read_file(CDC_TEST_DATA "/charsets.tsv", 1 << 16);
  for (const std::string_view line : cdc::split(expected, '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto fields = cdc::split(line, '\t');
    const std::string_view charset = fields.at(0);
    CAPTURE(charset);
    const bool multi_byte = charset == "big5" || charset == "cp932" || charset == "sjis" ||
                            charset == "ujis" || charset.starts_with("gb") || charset.starts_with("euc");
    std::size_t characters = 0;
    std::string text;
    for (const std::string& code : all_codes(charset, multi_byte)) {
      arena.reset();
      try {
        const std::string_view utf8 = decoder.decode(charset, code, arena);
        if (!is_one_character(utf8)) continue;
        if (characters++ != 0) text += '\n';
        text += upper(cdc::to_hex(cdc::as_bytes(code))) + "=" + upper(cdc::to_hex(cdc::as_bytes(utf8)));
      } catch (const cdc::DataError&) {
        continue;
      }
    }
    CHECK(std::to_string(characters) == fields.at(1));
    CHECK(std::to_string(crc32(0, reinterpret_cast<const Bytef*>(text.data()),
                               static_cast<uInt>(text.size()))) == fields.at(2));
  }
}

TEST_CASE("text that is UTF-8 already is not copied") {
  TextDecoder decoder;
  Arena arena;
  for (const std::string_view text :
       {"plain ASCII of some length"sv, "h\xc3\xa9"sv, ""sv, "\xf0\x9f\x98\x80"sv}) {
    CHECK(decoder.decode("utf8mb4", text, arena).data() == text.data());
    CHECK(decoder.decode(std::uint16_t{255}, text, arena) == text);
  }
  CHECK(decoder.decode("latin1", "plain", arena) == "plain");
}

TEST_CASE("Unicode character sets") {
  CHECK(decode("utf16", "\xd8\x3d\xde\x00\x00\x41"sv) ==
        "\xf0\x9f\x98\x80"
        "A");
  CHECK(decode("utf16le", "\x3d\xd8\x00\xde"sv) == "\xf0\x9f\x98\x80");
  CHECK(decode("utf32", "\x00\x10\xff\xff\x00\x00\x00\x41"sv) ==
        "\xf4\x8f\xbf\xbf"
        "A");
  CHECK(decode("ucs2", "\x4e\x00"sv) == "\xe4\xb8\x80");
  CHECK(decode("gb18030", "\x90\x30\x81\x30\xe3\x32\x9a\x35"sv) == "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

// What CONVERT(… USING …) answers with NULL or a question mark.
TEST_CASE("bytes that are no text are refused or replaced") {
  struct Case {
    std::string_view charset, bytes, replaced;
  };
  const std::string_view fffd = "\xef\xbf\xbd";
  for (const auto& [charset, bytes, replaced] :
       std::vector<Case>{{"utf8mb4",
                          "a\xff"
                          "b"sv,
                          "a\xef\xbf\xbd"
                          "b"sv},
                         {"utf8mb4", "\xed\xa0\x80"sv, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"sv},
                         {"utf8mb3", "\xc3"sv, fffd},
                         {"ascii", "\x80"sv, fffd},
                         {"cp1251", "\x98"sv, fffd},
                         {"utf16", "\xd8\x00\x00\x41"sv,
                          "\xef\xbf\xbd"
                          "A"sv},
                         {"utf16", "\xdc\x00"sv, fffd},
                         {"utf16", "\x41"sv, fffd},
                         {"utf32", "\x00\x11\x00\x00"sv, fffd},
                         {"utf32", "\x00\x00\xd8\x00"sv, fffd},
                         {"gbk", "\x81"sv, fffd},
                         {"gbk",
                          "\xfe\x50"
                          "a"sv,
                          "\xef\xbf\xbd"
                          "Pa"sv},
                         {"gb18030", "\xff\x30\x81\x30"sv,
                          "\xef\xbf\xbd"
                          "0\xef\xbf\xbd"
                          "0"sv},
                         {"gb18030", "\xfe\x39\xfe\x39"sv, fffd}}) {
    CAPTURE(charset);
    CAPTURE(cdc::to_hex(cdc::as_bytes(bytes)));
    CHECK_THROWS_AS(decode(charset, bytes), cdc::DataError);
    CHECK(decode(charset, bytes, BadText::replace) == replaced);
  }
  CHECK_THROWS_WITH_AS(decode("gbk", "ok \x81\xff"sv), "not gbk text: bytes 81ff", cdc::DataError);
  CHECK_THROWS_AS(decode("klingon", "x"), cdc::DataError);
}
