// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "common/base/error.hpp"
#include "common/json/value_writer.hpp"

using cdc::OutBuffer;
using cdc::Value;

namespace {

Value text(std::string_view v) {
  return Value::of_text(Value::Kind::text, v);
}

Value temporal(Value::Kind kind, Value::Temporal parts, std::uint8_t fsp, bool negative = false) {
  Value value;
  value.kind = kind;
  value.temporal = parts;
  value.fsp = fsp;
  value.negative = negative;
  return value;
}

Value timestamp(std::int64_t seconds, std::uint32_t microsecond, std::uint8_t fsp) {
  Value value;
  value.kind = Value::Kind::timestamp;
  value.timestamp = {seconds, microsecond};
  value.fsp = fsp;
  return value;
}

std::string json(const Value& value, const cdc::TimeZone& zone = {}) {
  OutBuffer out(1);
  cdc::write_value(out, value, zone);
  return std::string(out.view());
}

}  // namespace

TEST_CASE("values as MySQL's text form has them") {
  using Kind = Value::Kind;
  CHECK(json(Value::of_null()) == "null");
  CHECK(json(Value::of_int(INT64_MIN)) == "-9223372036854775808");
  CHECK(json(Value::of_uint(UINT64_MAX)) == "18446744073709551615");
  CHECK(json(Value::of_float(0.1F)) == "0.1");
  CHECK(json(Value::of_double(1e20)) == "1e20");
  CHECK(json(Value::of_text(Kind::decimal, "-12.30")) == "\"-12.30\"");
  CHECK(json(text("a\"b")) == "\"a\\\"b\"");
  CHECK(json(Value::of_text(Kind::bytes, std::string_view("\0\xff", 2))) == "\"AP8=\"");
  CHECK(json(Value::of_text(Kind::bytes, "")) == "\"\"");
  CHECK(json(Value::of_text(Kind::json, "{\"a\": [1, null]}")) == "{\"a\": [1, null]}");

  CHECK(json(temporal(Kind::date, {2026, 0, 11, 3, 0, 0, 0}, 0)) == "\"2026-11-03\"");
  CHECK(json(temporal(Kind::date, {0, 0, 0, 0, 0, 0, 0}, 0)) == "\"0000-00-00\"");
  CHECK(json(temporal(Kind::date, {2026, 0, 11, 0, 0, 0, 0}, 0)) == "\"2026-11-00\"");
  CHECK(json(temporal(Kind::datetime, {9999, 23, 12, 31, 59, 58, 999999}, 6)) ==
        "\"9999-12-31 23:59:58.999999\"");
  CHECK(json(temporal(Kind::datetime, {1, 2, 3, 4, 5, 6, 120000}, 2)) == "\"0001-03-04 02:05:06.12\"");
  CHECK(json(temporal(Kind::datetime, {0, 0, 0, 0, 0, 0, 0}, 3)) == "\"0000-00-00 00:00:00.000\"");
  CHECK(json(temporal(Kind::time, {0, 838, 0, 0, 59, 59, 0}, 0, true)) == "\"-838:59:59\"");
  CHECK(json(temporal(Kind::time, {0, 8, 0, 0, 0, 1, 500}, 4)) == "\"08:00:01.0005\"");
  CHECK(json(temporal(Kind::time, {0, 100, 0, 0, 0, 0, 1}, 6)) == "\"100:00:00.000001\"");

  CHECK(json(timestamp(0, 0, 0)) == "\"1970-01-01 00:00:00\"");
  CHECK(json(timestamp(1763710000, 123456, 3)) == "\"2025-11-21 07:26:40.123\"");
  CHECK(json(timestamp(1763710000, 0, 0), cdc::TimeZone("+08:00")) == "\"2025-11-21 15:26:40\"");
  CHECK(json(timestamp(1763710000, 0, 0), cdc::TimeZone("Europe/Berlin")) == "\"2025-11-21 08:26:40\"");

  const std::string point("\xe6\x10\0\0\1\1\0\0\0", 9);
  CHECK(json(Value::of_text(Kind::geometry, point)) == "{\"srid\":4326,\"wkb\":\"AQEAAAA=\"}");
  const std::string floats("\0\0\x80\x3f\0\0\0\xbf", 8);
  CHECK(json(Value::of_text(Kind::vector, floats)) == "[1,-0.5]");
  CHECK(json(Value::of_text(Kind::vector, "")) == "[]");
}

TEST_CASE("values without a JSON form are refused") {
  using Kind = Value::Kind;
  CHECK_THROWS_AS(json(Value::of_double(std::nan(""))), cdc::DataError);
  CHECK_THROWS_AS(json(Value::of_text(Kind::geometry, "abc")), cdc::DataError);
  CHECK_THROWS_AS(json(Value::of_text(Kind::vector, "abc")), cdc::DataError);
  CHECK_THROWS_AS(json(Value::of_text(Kind::vector, std::string_view("\0\0\xc0\x7f", 4))), cdc::DataError);
}
