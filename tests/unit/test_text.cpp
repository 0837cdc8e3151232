// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "common/base/text.hpp"

using cdc::OutBuffer;

namespace {

std::string of_double(double value) {
  OutBuffer out(1);
  cdc::append_double(out, value);
  return std::string(out.view());
}

std::string of_float(float value) {
  OutBuffer out(1);
  cdc::append_float(out, value);
  return std::string(out.view());
}

std::string json_string(std::string_view text) {
  OutBuffer out(1);
  cdc::append_json_string(out, text);
  return std::string(out.view());
}

}  // namespace

TEST_CASE("integers and padded numbers") {
  OutBuffer out(1);
  cdc::append_int(out, INT64_MIN);
  out.append(' ');
  cdc::append_uint(out, UINT64_MAX);
  out.append(' ');
  cdc::append_padded(out, 42, 6);
  cdc::append_padded(out, 7, 1);
  CHECK(out.view() == "-9223372036854775808 18446744073709551615 0000427");
}

TEST_CASE("integers around every power of ten and of two") {
  const auto both = [](std::uint64_t value) {
    OutBuffer out(1);
    cdc::append_uint(out, value);
    REQUIRE(out.view() == std::to_string(value));
    out.clear();
    cdc::append_int(out, static_cast<std::int64_t>(0 - value));
    REQUIRE(out.view() == std::to_string(static_cast<std::int64_t>(0 - value)));
  };
  for (std::uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10)
    for (const std::uint64_t value : {power - 1, power, power + 1, power * 9}) both(value);
  for (unsigned bits = 0; bits < 64; ++bits)
    for (const std::uint64_t value : {(std::uint64_t{1} << bits) - 1, std::uint64_t{1} << bits}) both(value);
}

// What a MySQL 9.7 server prints for SELECT <number>e0.
TEST_CASE("doubles look as MySQL prints them") {
  CHECK(of_double(0) == "0");
  CHECK(of_double(-0.0) == "-0");
  CHECK(of_double(1) == "1");
  CHECK(of_double(100000) == "100000");
  CHECK(of_double(123456.789e3) == "123456789");
  CHECK(of_double(1e14) == "100000000000000");
  CHECK(of_double(1e15) == "1e15");
  CHECK(of_double(123456789012345) == "123456789012345");
  CHECK(of_double(1234567890123456) == "1.234567890123456e15");
  CHECK(of_double(12345678901234567e0) == "1.2345678901234568e16");
  CHECK(of_double(0.0001) == "0.0001");
  CHECK(of_double(1e-5) == "0.00001");
  CHECK(of_double(1e-15) == "0.000000000000001");
  CHECK(of_double(1.234567890123456e-15) == "0.000000000000001234567890123456");
  CHECK(of_double(1e-16) == "1e-16");
  CHECK(of_double(1.5e-16) == "1.5e-16");
  CHECK(of_double(1e20) == "1e20");
  CHECK(of_double(0.1 + 0.2) == "0.30000000000000004");
  CHECK(of_double(1.7976931348623157e308) == "1.7976931348623157e308");
  CHECK(of_double(2.2250738585072014e-308) == "2.2250738585072014e-308");
  CHECK(of_double(std::numeric_limits<double>::denorm_min()) == "5e-324");
}

TEST_CASE("numbers that JSON cannot say are refused") {
  CHECK_THROWS_AS(of_double(std::nan("")), cdc::DataError);
  CHECK_THROWS_AS(of_double(INFINITY), cdc::DataError);
  CHECK_THROWS_AS(of_float(-INFINITY), cdc::DataError);
}

TEST_CASE("any double and float reads back as itself and is a JSON number") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = of_double(value);
    CAPTURE(text);
    REQUIRE(std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr)) ==
            std::bit_cast<std::uint64_t>(value));
    rapidjson::Document document;
    REQUIRE_FALSE(document.Parse(text.c_str()).HasParseError());
  }
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    const std::string text = of_float(value);
    CAPTURE(text);
    REQUIRE(std::bit_cast<std::uint32_t>(std::strtof(text.c_str(), nullptr)) ==
            std::bit_cast<std::uint32_t>(value));
  }
  CHECK(of_float(0.1F) == "0.1");
  CHECK(of_float(16777216.0F) == "16777216");
}

// No other text of up to 15 (FLOAT: 6) digits reads back as the same number, so its own is the shortest.
TEST_CASE("a number of few digits is told with those digits") {
  std::mt19937_64 random(2);
  const auto text_of = [](std::uint64_t digits, unsigned decimals) {
    std::string text = std::to_string(digits);
    if (text.size() <= decimals) text.insert(0, decimals + 1 - text.size(), '0');
    if (decimals == 0) return text;
    text.insert(text.size() - decimals, 1, '.');
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  };
  for (unsigned i = 0; i < 20000; ++i) {
    const std::string text = text_of(random() % 1'000'000'000'000'000 >> (i % 50), i % 9);
    REQUIRE(of_double(std::strtod(text.c_str(), nullptr)) == text);
    REQUIRE(of_double(-std::strtod(text.c_str(), nullptr)) == "-" + text);
    const std::string shorter = text_of(random() % 1'000'000 >> (i % 20), i % 7);
    REQUIRE(of_float(std::strtof(shorter.c_str(), nullptr)) == shorter);
  }
}

TEST_CASE("JSON strings: every byte at every place") {
  // Lengths around the word and vector sizes of the scanner, each special byte at each place.
  const std::string specials("\"\\\b\f\n\r\t\0\x01\x1f\x7f/<", 13);
  for (std::size_t size = 0; size <= 40; ++size) {
    std::string text(size, 'x');
    const std::string longer = text + "yyyyyyyyyyyyyyyyy";  // no zero behind the text ends a scan by luck
    REQUIRE(json_string(std::string_view(longer).substr(0, size)) == '"' + text + '"');
    for (std::size_t at = 0; at < size; ++at) {
      for (const char special : specials) {
        text.assign(size, 'x');
        text[at] = special;
        if (at % 3 == 0) text[size - 1] = special;
        const std::string json = json_string(text);
        rapidjson::Document document;
        document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
        REQUIRE_FALSE(document.HasParseError());
        REQUIRE(std::string(document.GetString(), document.GetStringLength()) == text);
      }
    }
  }
  CHECK(json_string("a\"b\\c\n\x01\x1f") == R"("a\"b\\c\n\u0001\u001f")");
  CHECK(json_string("\x7f </ \u00e9 \U0001F600") == "\"\x7f </ \u00e9 \U0001F600\"");
}

TEST_CASE("a string of nothing but escapes grows the buffer") {
  const std::string text(10000, '\x02');
  CHECK(json_string(text).size() == 60002);
}

// RFC 4648 §10.
TEST_CASE("base64") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xfb\xff\xfe", "+//+"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(cdc::to_base64(cdc::as_bytes(bytes)) == text);
    OutBuffer out(1);
    cdc::append_base64(out, cdc::as_bytes(bytes));
    CHECK(out.view() == text);
    CHECK(cdc::from_base64(text) == bytes);
  }
  for (const char* bad :
       {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zm9-", "=Zm9", "Zg==Zg=="}) {
    CAPTURE(bad);
    CHECK_FALSE(cdc::from_base64(bad).has_value());
  }
  CHECK(cdc::to_hex(cdc::as_bytes(std::string("\x00\xff\x1a", 3))) == "00ff1a");
}

// The boundaries of table 3-7 of the Unicode standard.
TEST_CASE("well-formed UTF-8") {
  for (const char* good :
       {"", "ascii only, longer than eight", "\u00e9", "\u20ac", "\U0001F600", "\xc2\x80", "\xdf\xbf",
        "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(good);
    CHECK(cdc::is_valid_utf8(good));
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "eightascii\xc3", "1234567\xc3\x28"}) {
    CAPTURE(bad);
    CHECK_FALSE(cdc::is_valid_utf8(bad));
  }
}

TEST_CASE("numbers, sizes and durations of the command line") {
  CHECK(cdc::parse_uint("18446744073709551615") == UINT64_MAX);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "1x", "18446744073709551616"}) {
    CAPTURE(bad);
    CHECK_FALSE(cdc::parse_uint(bad).has_value());
  }
  CHECK(cdc::parse_size("0") == 0);
  CHECK(cdc::parse_size("10") == 10);
  CHECK(cdc::parse_size("3k") == 3072);
  CHECK(cdc::parse_size("64M") == 67108864);
  CHECK(cdc::parse_size("2G") == 2147483648);
  for (const char* bad : {"", "k", "1T", "1 k", "1.5M", "-1M", "17179869184G"}) {
    CAPTURE(bad);
    CHECK_FALSE(cdc::parse_size(bad).has_value());
  }
  CHECK(cdc::parse_duration_ms("250ms") == 250);
  CHECK(cdc::parse_duration_ms("10") == 10000);
  CHECK(cdc::parse_duration_ms("10s") == 10000);
  CHECK(cdc::parse_duration_ms("2m") == 120000);
  CHECK(cdc::parse_duration_ms("24h") == 86400000);
  for (const char* bad : {"", "s", "ms", "1d", "1.5s", "-1s", "10 s", "9223372036854775807s"}) {
    CAPTURE(bad);
    CHECK_FALSE(cdc::parse_duration_ms(bad).has_value());
  }
}

// `date -d … +%s` of coreutils, times 1000.
TEST_CASE("points in time") {
  CHECK(cdc::parse_timestamp_ms("1763710000123") == 1763710000123);
  CHECK(cdc::parse_timestamp_ms("2026-11-21T10:00:00Z") == 1795255200000);
  CHECK(cdc::parse_timestamp_ms("2026-11-21 10:00:00.1z") == 1795255200100);
  CHECK(cdc::parse_timestamp_ms("2026-11-21T10:00:00.123999+08:00") == 1795226400123);
  CHECK(cdc::parse_timestamp_ms("2024-02-29T23:59:59-05:30") == 1709270999000);
  CHECK(cdc::parse_timestamp_ms("1969-12-31T23:59:59.500Z") == -500);
  for (const char* bad :
       {"", "2026-11-21", "2026-11-21T10:00:00", "2026-11-21T10:00Z", "2026-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T10:60:00Z",
        "2026-11-21T10:00:00.Z", "2026-11-21T10:00:00Zx", "2026-11-21T10:00:00+0800",
        "2026-11-21T10:00:00+24:00", "-5", "9223372036854775808"}) {
    CAPTURE(bad);
    CHECK_FALSE(cdc::parse_timestamp_ms(bad).has_value());
  }
}

TEST_CASE("globs") {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const Case cases[] = {{"", "", true},
                        {"", "a", false},
                        {"*", "", true},
                        {"*", "shop.orders", true},
                        {"shop.*", "shop.a", true},
                        {"shop.*", "shopxa", false},
                        {"*.orders", "a.b.orders", true},
                        {"a*b*c", "aXbbYbc", true},
                        {"a*b*c", "aXbbYb", false},
                        {"?", "", false},
                        {"?", "\u00e9", true},
                        {"??", "\u00e9", false},
                        {"a?c", "abc", true},
                        {"[a-c]x", "bx", true},
                        {"[a-c]x", "dx", false},
                        {"[!a-c]x", "dx", true},
                        {"[!a-c]x", "bx", false},
                        {"[]]", "]", true},
                        {"[a-]", "-", true},
                        {"[\\]x]", "]", true},
                        {"[x", "[x", true},
                        {"[x", "x", false},
                        {"\\*", "*", true},
                        {"\\*", "a", false},
                        {"a\\", "a\\", true},
                        {"Shop", "shop", false},
                        {"[!x]y", "\u00e9y", true},
                        {"**a", "bba", true},
                        {"orders_[0-9][0-9]", "orders_07", true}};
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CAPTURE(c.text);
    CHECK(cdc::glob_match(c.pattern, c.text) == c.matches);
  }
  // A star that tries every place must not cost a power of the length.
  CHECK_FALSE(cdc::glob_match("*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST_CASE("split, trim, lower") {
  CHECK(cdc::split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
  CHECK(cdc::split("", ',') == std::vector<std::string_view>{""});
  CHECK(cdc::trim(" \t a b\r\n") == "a b");
  CHECK(cdc::trim(" \n").empty());
  CHECK(cdc::lower_ascii("AZ\u00c9z") == "az\u00c9z");
}
