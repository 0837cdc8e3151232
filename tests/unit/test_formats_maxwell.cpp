// SPDX-License-Identifier: Apache-2.0
// The oracle is Maxwell's documentation (docs/dataformat.md, docs/bootstrapping.md), its row/RowMap.java and
// the statements and outputs of its own tests (src/test/resources/sql/json).
#include "common/json/maxwell_writer.hpp"
#include "tests/unit/formats_fixture.hpp"

using namespace formats_fixture;
using cdc::DdlClass;
using cdc::MaxwellWriter;
using cdc::OutBuffer;

namespace {

// `value` in a column, as the text behind "c":
std::string told(Column made, const Value& value) {
  OutBuffer out;
  MaxwellWriter writer(out, {});
  made.name = "c";
  writer.begin(begin_record());
  const Cells row{value};
  writer.insert(rows_of(table({std::move(made)})), 0, row);
  writer.commit(commit_record());
  const std::string line = lines(out.view()).at(0);
  parsed(line);
  const std::string mark = "\"data\":{\"c\":";
  const std::size_t from = line.find(mark) + mark.size();
  return line.substr(from, line.size() - 2 - from);
}

}  // namespace

TEST_CASE("maxwell: the fields of a transaction; only its last row says commit") {
  OutBuffer out;
  MaxwellWriter writer(out, {});
  const auto schema = orders();
  const Cells a = order(1, "12.30", "new"), b = order(1, "12.30", "paid"), c = order(2, "1.00", "new");
  writer.begin(begin_record());
  writer.insert(rows_of(schema), 0, a);
  CHECK(out.empty());  // it may be the last one
  writer.update(rows_of(schema, 2, 1400), 1, a, b);
  CHECK(parsed_lines(out).size() == 1);
  writer.remove(rows_of(schema, 3, 1500), 2, c);
  writer.commit(commit_record());
  writer.begin(begin_record("u:24", 2000));
  writer.insert(rows_of(schema, 4), 0, c);
  writer.commit(commit_record("u:24"));
  const auto told_lines = parsed_lines(out);
  REQUIRE(told_lines.size() == 4);
  CHECK(keys(told_lines[0]) == "database table type ts xid xoffset position gtid data ");
  CHECK(keys(told_lines[1]) == "database table type ts xid xoffset position gtid data old ");
  CHECK(keys(told_lines[2]) == "database table type ts xid commit position gtid data ");
  CHECK(keys(told_lines[3]) == "database table type ts xid commit position gtid data ");
  const char* const types[] = {"insert", "update", "delete", "insert"};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(string_of(told_lines[i]["type"]) == types[i]);
    CHECK(string_of(told_lines[i]["database"]) == "shop");
    CHECK(string_of(told_lines[i]["table"]) == "orders");
    CHECK(told_lines[i]["ts"].GetInt64() == 1763710000);
  }
  CHECK(told_lines[0]["xoffset"].GetInt() == 0);
  CHECK(told_lines[1]["xoffset"].GetInt() == 1);
  CHECK(told_lines[2]["commit"].IsTrue());
  CHECK(string_of(told_lines[1]["position"]) == "binlog.000002:1400");
  CHECK(string_of(told_lines[1]["gtid"]) == "u:23");
  CHECK(keys(told_lines[1]["data"]) == "id price status ");
  CHECK(keys(told_lines[1]["old"]) == "status ");
  CHECK(string_of(told_lines[1]["old"]["status"]) == "new");
  CHECK(string_of(told_lines[1]["data"]["status"]) == "paid");
  // xid says which rows belong together.
  CHECK(told_lines[0]["xid"].GetUint64() == told_lines[2]["xid"].GetUint64());
  CHECK(told_lines[2]["xid"].GetUint64() != told_lines[3]["xid"].GetUint64());
  CHECK(told_lines[3]["xid"].GetUint64() < (std::uint64_t{1} << 53));
}

TEST_CASE("maxwell: a transaction that is cut off has no commit; one that goes on elsewhere stays one") {
  OutBuffer out;
  MaxwellWriter writer(out, {});
  const auto schema = orders();
  const Cells a = order(1, "1", "x");
  writer.begin(begin_record());
  writer.insert(rows_of(schema), 0, a);
  writer.start({});  // a reconnect to another server, where the transaction lies elsewhere
  writer.begin(begin_record("u:23", 777));
  writer.insert(rows_of(schema, 2), 1, a);
  writer.end({});
  const auto told_lines = parsed_lines(out);
  REQUIRE(told_lines.size() == 2);
  CHECK_FALSE(told_lines[1].HasMember("commit"));
  CHECK(told_lines[1]["xoffset"].GetInt() == 1);
  CHECK(told_lines[0]["xid"].GetUint64() == told_lines[1]["xid"].GetUint64());
}

TEST_CASE("maxwell: without GTIDs there is no gtid; excluded columns stay out") {
  OutBuffer out;
  MaxwellWriter writer(out, {});
  const auto schema = orders();
  schema->columns[1].excluded = true;
  auto rows = rows_of(schema);
  rows.gtid.reset();
  const Cells a = order(1, "12.30", "new"), b = order(2, "12.40", "new");
  writer.begin(begin_record());
  writer.update(rows, 0, a, b);
  writer.commit(commit_record());
  const auto line = parsed(lines(out.view()).at(0));
  CHECK(keys(line) == "database table type ts xid commit position data old ");
  CHECK(keys(line["data"]) == "id status ");
  CHECK(keys(line["old"]) == "id ");
}

TEST_CASE("maxwell: a minimal row image") {
  // update test_table set a='avalue3' where id = 2, with the key in the before image and `a` in the after
  // image
  OutBuffer out;
  MaxwellWriter writer(out, {});
  const Cells before{Value::of_int(2), Value(), Value()}, after{Value(), Value(), text("avalue3")};
  writer.begin(begin_record());
  writer.update(rows_of(orders()), 0, before, after);
  writer.commit(commit_record());
  const auto line = parsed(lines(out.view()).at(0));
  CHECK(keys(line["data"]) == "id status ");
  CHECK_FALSE(line.HasMember("old"));
}

TEST_CASE("maxwell: values") {
  const Column plain = column("c", ColumnType::longlong);
  CHECK(told(column("c", ColumnType::bit), Value::of_uint(14913110)) == "14913110");
  CHECK(told(column("c", ColumnType::bit), Value::of_uint(18446744073709551615U)) == "18446744073709551615");
  CHECK(told(plain, Value::of_uint(18446744073709551615U)) == "18446744073709551615");
  CHECK(told(plain, Value::of_int(-1)) == "-1");
  CHECK(told(plain, Value::of_null()) == "null");
  CHECK(told(column("c", ColumnType::newdecimal), Value::of_text(Kind::decimal, "-12.30")) == "-12.30");
  CHECK(told(column("c", ColumnType::float64), Value::of_double(4.2341)) == "4.2341");
  CHECK(told(column("c", ColumnType::varchar), text("I am a creature of light.")) ==
        "\"I am a creature of light.\"");
  CHECK(told(column("c", ColumnType::blob), Value::of_text(Kind::bytes, {"\0\1\2\3", 4})) == "\"AAECAw==\"");
  CHECK(told(column("c", ColumnType::year), Value::of_uint(2026)) == "2026");
  CHECK(told(column("c", ColumnType::json), Value::of_text(Kind::json, "{\"foo\": [1, 2]}")) ==
        "{\"foo\": [1, 2]}");

  const Column small = labelled(column("c", ColumnType::enumeration), {"foo", "bar"});
  CHECK(told(small, text("bar")) == "\"bar\"");
  CHECK(told(small, text("")) == "null");
  CHECK(told(labelled(small, {"", "bar"}), text("")) == "\"\"");
  const Column set = labelled(column("c", ColumnType::set), {"foo", "bar", "baz"});
  CHECK(told(set, text("bar,baz")) == "[\"bar\",\"baz\"]");
  CHECK(told(set, text("foo")) == "[\"foo\"]");
  CHECK(told(set, text("")) == "[]");
  CHECK(told(set, Value::of_null()) == "null");
}

TEST_CASE("maxwell: temporal values") {
  const Column any = column("c", ColumnType::datetime2);
  CHECK(told(any, temporal(Kind::datetime, 6, at(1, 1, 1))) == "\"0001-01-01 00:00:00.000000\"");
  CHECK(told(any, temporal(Kind::datetime, 3, at(2012, 1, 1, 22, 32, 34, 123000))) ==
        "\"2012-01-01 22:32:34.123\"");
  CHECK(told(any, temporal(Kind::datetime, 0, at(0, 0, 0))) == "\"0000-00-00 00:00:00\"");
  CHECK(told(any, temporal(Kind::date, 0, at(0, 0, 0))) == "\"0000-00-00\"");
  CHECK(told(any, temporal(Kind::time, 6, at(0, 0, 0, 12, 23, 33, 123456))) == "\"12:23:33.123456\"");
  CHECK(told(any, timestamp(1325457154, 123400, 4)) == "\"2012-01-01 22:32:34.1234\"");
}

TEST_CASE("maxwell: geometries are well-known text") {
  const Column any = column("c", ColumnType::geometry);
  CHECK(told(any, Wkb().type(1).point(3, 2).value()) == "\"POINT (3 2)\"");
  Wkb collection;
  collection.type(7)
      .number(2)
      .type(1)
      .point(1, 1)
      .type(2)
      .number(4)
      .point(0, 1)
      .point(1, 2)
      .point(2, 3)
      .point(3, 4);
  CHECK(told(any, collection.value()) ==
        "\"GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 1, 1 2, 2 3, 3 4))\"");
  Wkb polygon(4326);
  polygon.type(3).number(2).number(4).point(0, 0).point(9, 0).point(9, 9).point(0, 0);
  polygon.number(4).point(1, 1).point(2, 1).point(2, 2.5).point(1, 1);
  CHECK(told(any, polygon.value()) == "\"POLYGON ((0 0, 9 0, 9 9, 0 0), (1 1, 2 1, 2 2.5, 1 1))\"");
  CHECK(told(any, Wkb().type(4).number(2).type(1).point(0, 0).type(1).point(-1, 1).value()) ==
        "\"MULTIPOINT ((0 0), (-1 1))\"");
  CHECK(told(any, Wkb().type(6).number(1).type(3).number(1).number(1).point(0, 0).value()) ==
        "\"MULTIPOLYGON (((0 0)))\"");
  CHECK(told(any, Wkb().type(7).number(0).value()) == "\"GEOMETRYCOLLECTION EMPTY\"");
}

TEST_CASE("maxwell: a geometry that is none names its column and leaves nothing behind") {
  Wkb nested;
  for (int i = 0; i < 1002; ++i) nested.type(7).number(1);
  nested.type(7).number(0);
  const std::string good = Wkb().type(1).point(1, 1).bytes();
  const std::string bad[] = {"",
                             "abc",
                             std::string(4, '\0'),
                             good.substr(0, good.size() - 1),
                             good + "x",
                             Wkb().type(8).bytes(),
                             Wkb().type(2).number(0xffffffff).bytes(),
                             nested.bytes()};
  for (const std::string& bytes : bad) {
    OutBuffer out;
    MaxwellWriter writer(out, {});
    writer.begin(begin_record());
    const Cells row{Value::of_text(Kind::geometry, bytes)};
    const auto rows = rows_of(table({column("place", ColumnType::geometry)}));
    CHECK_THROWS_WITH(writer.insert(rows, 0, row), doctest::Contains("shop.orders.place"));
    writer.end({});
    CHECK(out.empty());
  }
}

TEST_CASE("maxwell: a column that changed is one whose value prints differently") {
  const auto bytes = [](Kind kind) {
    return std::pair{Value::of_text(kind, "a"), Value::of_text(kind, "b")};
  };
  const std::pair<Value, Value> different[] = {
      {Value::of_int(1), Value::of_int(-1)},
      {Value::of_uint(1), Value::of_uint(2)},
      {Value::of_int(1), Value::of_null()},
      {Value::of_float(0.5F), Value::of_float(0.25F)},
      {Value::of_float(0.0F), Value::of_float(-0.0F)},
      {Value::of_double(0.0), Value::of_double(-0.0)},
      {timestamp(1), timestamp(2)},
      {timestamp(1, 1, 6), timestamp(1, 2, 6)},
      {temporal(Kind::datetime, 6, at(2026, 1, 1)), timestamp(1767225600)},
      {temporal(Kind::time, 0, at(0, 0, 0, 1)), temporal(Kind::time, 0, at(0, 0, 0, 1), true)},
      {temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 6, 7)),
       temporal(Kind::datetime, 6, at(2, 2, 3, 4, 5, 6, 7))},
      {temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 6, 7)),
       temporal(Kind::datetime, 6, at(1, 1, 3, 4, 5, 6, 7))},
      {temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 6, 7)),
       temporal(Kind::datetime, 6, at(1, 2, 2, 4, 5, 6, 7))},
      {temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 6, 7)),
       temporal(Kind::datetime, 6, at(1, 2, 3, 3, 5, 6, 7))},
      {temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 6, 7)),
       temporal(Kind::datetime, 6, at(1, 2, 3, 4, 4, 6, 7))},
      {temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 6, 7)),
       temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 5, 7))},
      {temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 6, 7)),
       temporal(Kind::datetime, 6, at(1, 2, 3, 4, 5, 6, 6))},
      bytes(Kind::decimal),
      bytes(Kind::text),
      bytes(Kind::bytes),
      bytes(Kind::json),
      bytes(Kind::geometry),
      bytes(Kind::vector)};
  for (const auto& [a, b] : different) {
    CHECK_FALSE(cdc::same_value(a, b));
    CHECK(cdc::same_value(a, a));
    CHECK(cdc::same_value(b, b));
  }
  CHECK(cdc::same_value(Value::of_null(), Value::of_null()));
}

TEST_CASE("maxwell: the rows of a copy") {
  OutBuffer out;
  MaxwellWriter writer(out, {});
  auto rows = rows_of(orders());
  rows.snapshot = true;
  rows.gtid.reset();
  auto begin = begin_record();
  begin.gtid.reset();
  begin.snapshot = cdc::SnapshotChunk{{"shop", "orders"}, 0, {}, {}, {}, true};
  auto commit = commit_record();
  commit.snapshot = begin.snapshot;
  writer.begin(begin);
  const Cells a = order(1, "1", "x");
  writer.insert(rows, 0, a);
  writer.commit(commit);
  const auto told_lines = parsed_lines(out);
  REQUIRE(told_lines.size() == 3);
  CHECK(string_of(told_lines[0]["type"]) == "bootstrap-start");
  CHECK(keys(told_lines[0]) == "database table type ts data ");
  CHECK(string_of(told_lines[1]["type"]) == "bootstrap-insert");
  CHECK(keys(told_lines[1]) == "database table type ts position data ");
  CHECK(string_of(told_lines[2]["type"]) == "bootstrap-complete");
  CHECK(keys(told_lines[2]["data"]).empty());
}

TEST_CASE("maxwell: DDL") {
  OutBuffer out;
  MaxwellWriter writer(out, {});
  writer.ddl(ddl_record(DdlClass::create, {{"shop", "a"}}, "create table a (i int)"));
  writer.ddl(ddl_record(DdlClass::drop, {{"shop", "a"}, {"shop", "b"}}, "drop table a, b"));
  writer.ddl(ddl_record(DdlClass::partition, {{"shop", "a"}}, "alter table a …"));
  writer.ddl(ddl_record(DdlClass::create, {}, "create database shop"));
  writer.ddl(ddl_record(DdlClass::truncate, {{"shop", "a"}}, "truncate a"));
  writer.ddl(ddl_record(DdlClass::other, {}, "create user x"));
  writer.heartbeat({});
  std::string types;
  for (const auto& line : parsed_lines(out)) types += string_of(line["type"]) + " ";
  CHECK(types == "table-create table-drop table-drop table-alter database-create ");
  const auto first = parsed(lines(out.view()).at(0));
  CHECK(keys(first) == "type database table ts sql position gtid ");
  CHECK(first["ts"].GetInt64() == 1763710000123);  // milliseconds, unlike rows
  CHECK(string_of(first["sql"]) == "create table a (i int)");

  OutBuffer rows_only;
  MaxwellWriter quiet(rows_only, {{}, true});
  const Cells a = order(1, "1", "x");
  quiet.begin(begin_record());
  quiet.insert(rows_of(orders()), 0, a);
  quiet.ddl(ddl_record(DdlClass::create, {{"shop", "a"}}, "create table a (i int)"));
  quiet.insert(rows_of(orders(), 2), 1, a);
  quiet.commit(commit_record());
  CHECK(parsed_lines(rows_only).size() == 2);

  OutBuffer inside;
  MaxwellWriter open(inside, {});
  open.begin(begin_record());
  open.insert(rows_of(orders()), 0, a);
  open.ddl(ddl_record(DdlClass::create, {{"shop", "b"}}, "create table b select …"));
  CHECK(string_of(parsed_lines(inside).at(0)["type"]) == "insert");
  CHECK(string_of(parsed_lines(inside).at(1)["type"]) == "table-create");
}
