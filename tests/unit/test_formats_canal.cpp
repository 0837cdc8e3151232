// SPDX-License-Identifier: Apache-2.0
// The oracle is canal's source: protocol/FlatMessage.java for the fields, MQMessageUtils.java for what is
// null or left out, LogEventConvert.java and RowsLogBuffer.java for values and their java.sql.Types.
#include <limits>

#include "common/json/canal_writer.hpp"
#include "tests/unit/formats_fixture.hpp"

using namespace formats_fixture;
using cdc::CanalWriter;
using cdc::DdlClass;
using cdc::OutBuffer;

namespace {

const std::string kFields = "id database table pkNames isDdl type es ts sql sqlType mysqlType data old gtid ";

CanalWriter::Options options(bool rows_only = false) {
  return {cdc::TimeZone(), rows_only, fixed_clock};
}

struct Told {
  bool is_null;
  std::string text;
  int sql_type;
};

Told told(Column made, const Value& value) {
  OutBuffer out;
  CanalWriter writer(out, options());
  made.name = "c";
  const Cells row{value};
  writer.insert(rows_of(table({std::move(made)})), 0, row);
  const auto line = parsed(lines(out.view()).at(0));
  const rapidjson::Value& cell = line["data"][0]["c"];
  return {cell.IsNull(), cell.IsNull() ? "" : string_of(cell), line["sqlType"]["c"].GetInt()};
}

void check(const Column& made, const Value& value, const std::string& expected, int sql_type) {
  const Told is = told(made, value);
  CAPTURE(expected);
  CHECK_FALSE(is.is_null);
  CHECK(is.text == expected);
  CHECK(is.sql_type == sql_type);
}

}  // namespace

TEST_CASE("canal: the fields of the three kinds of changes") {
  OutBuffer out;
  CanalWriter writer(out, options());
  const auto schema = orders();
  const Cells a = order(1, "12.30", "new"), b = order(1, "12.30", "paid");
  writer.start({});
  writer.table(*schema);
  writer.begin(begin_record());
  writer.insert(rows_of(schema), 0, a);
  writer.update(rows_of(schema, 2), 1, a, b);
  writer.remove(rows_of(schema, 3), 2, b);
  writer.commit(commit_record());
  writer.heartbeat({});
  writer.end({});
  const auto told_lines = parsed_lines(out);
  REQUIRE(told_lines.size() == 3);
  const char* const types[] = {"INSERT", "UPDATE", "DELETE"};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& line = told_lines[i];
    CHECK(keys(line) == kFields);
    CHECK(line["id"].GetUint64() == i + 1);
    CHECK(string_of(line["type"]) == types[i]);
    CHECK(line["isDdl"].IsFalse());
    CHECK(string_of(line["sql"]).empty());
    CHECK(line["es"].GetInt64() == 1763710000123);
    CHECK(line["ts"].GetInt64() == kNowUs / 1000);
    CHECK(string_of(line["gtid"]) == "u:23");
    REQUIRE(line["pkNames"].Size() == 1);
    CHECK(string_of(line["pkNames"][0]) == "id");
    CHECK(keys(line["sqlType"]) == "id price status ");
    CHECK(string_of(line["mysqlType"]["price"]) == "decimal(10,2)");
    REQUIRE(line["data"].Size() == 1);
    CHECK(keys(line["data"][0]) == "id price status ");
  }
  CHECK(told_lines[0]["old"].IsNull());
  CHECK(told_lines[2]["old"].IsNull());
  REQUIRE(told_lines[1]["old"].Size() == 1);
  CHECK(keys(told_lines[1]["old"][0]) == "status ");
  CHECK(string_of(told_lines[1]["old"][0]["status"]) == "new");
  CHECK(string_of(told_lines[1]["data"][0]["status"]) == "paid");
}

TEST_CASE("canal: no key, no GTID, excluded and absent columns, an update that changes nothing") {
  OutBuffer out;
  CanalWriter writer(out, options());
  const auto schema = orders();
  schema->primary_key.clear();
  schema->columns[1].excluded = true;
  auto rows = rows_of(schema);
  rows.gtid.reset();
  const Cells a{Value::of_int(1), text("1"), Value()};
  writer.update(rows, 0, a, a);
  const auto line = parsed(lines(out.view()).at(0));
  CHECK(line["pkNames"].IsNull());
  CHECK(string_of(line["gtid"]).empty());
  CHECK(keys(line["data"][0]) == "id ");
  CHECK(keys(line["mysqlType"]) == "id status ");
  REQUIRE(line["old"].Size() == 1);
  CHECK(keys(line["old"][0]).empty());
}

TEST_CASE("canal: an excluded column of the key is not named either") {
  OutBuffer out;
  CanalWriter writer(out, options());
  const auto schema = orders();
  schema->primary_key = {2, 0};
  schema->columns[0].excluded = true;
  const Cells a = order(1, "1", "x");
  writer.insert(rows_of(schema), 0, a);
  const auto line = parsed(lines(out.view()).at(0));
  REQUIRE(line["pkNames"].Size() == 1);
  CHECK(string_of(line["pkNames"][0]) == "status");
}

TEST_CASE("canal: every value is a string") {
  check(column("c", ColumnType::tiny), Value::of_int(-128), "-128", -6);
  check(column("c", ColumnType::short_int), Value::of_int(1), "1", 5);
  check(column("c", ColumnType::int24), Value::of_int(1), "1", 4);
  check(column("c", ColumnType::long_int), Value::of_int(1), "1", 4);
  check(column("c", ColumnType::longlong), Value::of_int(-1), "-1", -5);
  check(column("c", ColumnType::newdecimal), Value::of_text(Kind::decimal, "-0.50"), "-0.50", 3);
  check(column("c", ColumnType::float32), Value::of_float(1.5F), "1.5", 7);
  check(column("c", ColumnType::float64), Value::of_double(4.2341), "4.2341", 8);
  check(column("c", ColumnType::bit), Value::of_uint(255), "255", -7);
  check(column("c", ColumnType::year), Value::of_uint(2026), "2026", 12);
  check(column("c", ColumnType::year), Value::of_uint(0), "0000", 12);
  check(column("c", ColumnType::json), Value::of_text(Kind::json, "{\"a\": 1}"), "{\"a\": 1}", 12);
  check(column("c", ColumnType::date), temporal(Kind::date, 0, at(2026, 2, 3)), "2026-02-03", 91);
  check(column("c", ColumnType::time2), temporal(Kind::time, 2, at(0, 0, 0, 838, 59, 58, 120000), true),
        "-838:59:58.12", 92);
  check(column("c", ColumnType::datetime2), temporal(Kind::datetime, 0, at(0, 0, 0)), "0000-00-00 00:00:00",
        93);
  check(column("c", ColumnType::timestamp2), timestamp(0, 0, 3), "1970-01-01 00:00:00.000", 93);
  const Told null = told(column("c", ColumnType::long_int), Value::of_null());
  CHECK(null.is_null);
  CHECK(null.sql_type == 4);
}

TEST_CASE("canal: an unsigned value that its signed type cannot hold has the next wider type") {
  const auto is_unsigned = [](ColumnType type) {
    Column made = column("c", type);
    made.is_unsigned = true;
    return made;
  };
  check(is_unsigned(ColumnType::tiny), Value::of_uint(127), "127", -6);
  check(is_unsigned(ColumnType::tiny), Value::of_uint(128), "128", 5);
  check(is_unsigned(ColumnType::short_int), Value::of_uint(65535), "65535", 4);
  check(is_unsigned(ColumnType::int24), Value::of_uint(16777215), "16777215", 4);
  check(is_unsigned(ColumnType::long_int), Value::of_uint(2147483647), "2147483647", 4);
  check(is_unsigned(ColumnType::long_int), Value::of_uint(4294967295), "4294967295", -5);
  check(is_unsigned(ColumnType::longlong), Value::of_uint(18446744073709551615U), "18446744073709551615", 3);
}

TEST_CASE("canal: ENUM and SET are numbers") {
  const Column small = labelled(column("c", ColumnType::enumeration), {"foo", "bar"});
  check(small, text("bar"), "2", 4);
  check(small, text(""), "0", 4);
  std::vector<std::string> labels;
  for (int i = 1; i <= 64; ++i) labels.push_back("m" + std::to_string(i));
  const Column set = labelled(column("c", ColumnType::set), labels);
  check(set, text("m1,m3"), "5", -7);
  check(set, text("m64"), "9223372036854775808", -7);
  check(set, text(""), "0", -7);
}

TEST_CASE("canal: bytes are ISO-8859-1, text is text") {
  Column binary = column("c", ColumnType::blob);
  binary.collation = 63;
  // Each byte is one character: E4 is U+00E4, FF is U+00FF.
  check(binary, Value::of_text(Kind::bytes, {"\0a\xe4\xff", 4}), std::string("\0a\u00e4\u00ff", 6), 2004);
  Column words = column("c", ColumnType::blob);
  words.collation = 255;
  check(words, text("\u00e4"), "\u00e4", 2005);
  Column name = column("c", ColumnType::varchar);
  name.collation = 255;
  check(name, text("x"), "x", 12);
  name.type = ColumnType::string;
  check(name, text("x"), "x", 1);
  check(column("c", ColumnType::geometry), Value::of_text(Kind::geometry, {"\0\0\0\0\1", 5}),
        {"\0\0\0\0\1", 5}, 2004);
}

TEST_CASE("canal: DDL") {
  OutBuffer out;
  CanalWriter writer(out, options());
  const std::vector<cdc::TableName> one{{"shop", "a"}};
  const std::pair<DdlClass, std::string> statements[] = {{DdlClass::create, "CREATE TABLE a (i int)"},
                                                         {DdlClass::alter, "ALTER TABLE a ADD j int"},
                                                         {DdlClass::alter, " create index i on a (i)"},
                                                         {DdlClass::alter, "DROP INDEX i ON a"},
                                                         {DdlClass::partition, "ALTER TABLE a …"},
                                                         {DdlClass::drop, "DROP TABLE a"},
                                                         {DdlClass::truncate, "TRUNCATE a"},
                                                         {DdlClass::rename, "RENAME TABLE a TO b"},
                                                         {DdlClass::other, "CREATE VIEW v …"}};
  for (const auto& [ddl_class, sql] : statements) writer.ddl(ddl_record(ddl_class, one, sql));
  writer.ddl(ddl_record(DdlClass::create, {}, "CREATE DATABASE shop"));
  std::string types;
  for (const auto& line : parsed_lines(out)) {
    CHECK(keys(line) == kFields);
    CHECK(line["isDdl"].IsTrue());
    for (const char* key : {"pkNames", "sqlType", "mysqlType", "data", "old"}) CHECK(line[key].IsNull());
    types += string_of(line["type"]) + " ";
  }
  CHECK(types == "CREATE ALTER CINDEX DINDEX ALTER ERASE TRUNCATE RENAME QUERY QUERY ");
  const auto last = parsed(lines(out.view()).back());
  CHECK(string_of(last["database"]) == "shop");
  CHECK(string_of(last["table"]).empty());

  OutBuffer rows_only;
  CanalWriter quiet(rows_only, options(true));
  quiet.ddl(ddl_record(DdlClass::drop, one, "DROP TABLE a"));
  CHECK(rows_only.empty());
}

TEST_CASE("canal: a value that cannot be told leaves nothing behind") {
  OutBuffer out;
  CanalWriter writer(out, options());
  const Cells row{Value::of_double(std::numeric_limits<double>::infinity())};
  CHECK_THROWS_WITH(writer.insert(rows_of(table({column("f", ColumnType::float64)})), 0, row),
                    doctest::Contains("shop.orders.f"));
  CHECK(out.empty());
}
