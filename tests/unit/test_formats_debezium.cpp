// SPDX-License-Identifier: Apache-2.0
// The oracle is Debezium's documentation of its MySQL connector (events, data types) and, for field names,
// data/Envelope.java, AbstractSourceInfoStructMaker.java and BinlogSourceInfoStructMaker.java.
#include <limits>

#include "common/json/debezium_writer.hpp"
#include "tests/unit/formats_fixture.hpp"

using namespace formats_fixture;
using cdc::DdlClass;
using cdc::DebeziumWriter;
using cdc::OutBuffer;

namespace {

const std::string kSourceFields =
    "version connector name ts_ms ts_us ts_ns snapshot db sequence table server_id gtid file pos row thread "
    "query ";

DebeziumWriter::Options options(bool rows_only = false) {
  return {rows_only, fixed_clock};
}

// `value` in a column, as the text behind "c":
std::string told(Column made, const Value& value) {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  made.name = "c";
  const Cells row{value};
  writer.begin(begin_record());
  writer.insert(rows_of(table({std::move(made)})), 0, row);
  const std::string line = lines(out.view()).at(0);
  parsed(line);
  const std::string mark = "\"after\":{\"c\":";
  const std::size_t from = line.find(mark) + mark.size();
  return line.substr(from, line.find("},\"source\"") - from);
}

Column of(ColumnType type, bool nullable = true, std::uint32_t meta = 0) {
  Column made = column("c", type);
  made.nullable = nullable;
  made.meta = meta;
  return made;
}

}  // namespace

TEST_CASE("debezium: the envelope") {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  const auto schema = orders();
  const auto other = table({column("n", ColumnType::long_int)});
  other->name = {"shop", "other"};
  const Cells a = order(1, "12.30", "new"), b = order(1, "12.30", "paid"), n{Value::of_int(5)};
  writer.start({});
  writer.table(*schema);
  writer.begin(begin_record());
  const auto inserts = rows_of(schema, 1);
  writer.insert(inserts, 0, a);
  writer.insert(inserts, 1, b);
  writer.insert(rows_of(other, 2), 2, n);
  writer.update(rows_of(schema, 3), 3, a, b);
  writer.remove(rows_of(schema, 4, 1500), 4, b);
  writer.commit(commit_record());
  writer.heartbeat({});
  writer.begin(begin_record("u:24"));
  writer.insert(rows_of(schema, 5), 0, a);
  writer.commit(commit_record("u:24"));
  writer.end({});
  const auto told_lines = parsed_lines(out);
  REQUIRE(told_lines.size() == 6);
  const std::string ops = "cccudc";
  const int rows[] = {0, 1, 0, 0, 0, 0}, totals[] = {1, 2, 3, 4, 5, 1}, per_table[] = {1, 2, 1, 3, 4, 1};
  for (std::size_t i = 0; i < told_lines.size(); ++i) {
    CAPTURE(i);
    const auto& line = told_lines[i];
    CHECK(keys(line) == "before after source transaction op ts_ms ts_us ts_ns ");
    CHECK(string_of(line["op"]) == ops.substr(i, 1));
    CHECK(line["before"].IsNull() == (ops[i] == 'c'));
    CHECK(line["after"].IsNull() == (ops[i] == 'd'));
    CHECK(line["ts_ms"].GetInt64() == kNowUs / 1000);
    CHECK(line["ts_us"].GetInt64() == kNowUs);
    CHECK(line["ts_ns"].GetInt64() == kNowUs * 1000);
    CHECK(line["source"]["row"].GetInt() == rows[i]);
    CHECK(line["transaction"]["total_order"].GetInt() == totals[i]);
    CHECK(line["transaction"]["data_collection_order"].GetInt() == per_table[i]);
    std::string source = keys(line["source"]);
    CHECK(source.size() == kSourceFields.size());
    for (auto it = line["source"].MemberBegin(); it != line["source"].MemberEnd(); ++it) {
      CHECK(kSourceFields.find(it->name.GetString() + std::string(" ")) != std::string::npos);
    }
  }
  const auto& source = told_lines[4]["source"];
  CHECK(string_of(source["connector"]) == "mysql");
  CHECK(source["ts_ms"].GetInt64() == 1763710000123);
  CHECK(source["ts_us"].GetInt64() == 1763710000123000);
  CHECK(source["ts_ns"].GetInt64() == 1763710000123000000);
  CHECK(string_of(source["snapshot"]) == "false");
  CHECK(string_of(source["db"]) == "shop");
  CHECK(string_of(source["table"]) == "orders");
  CHECK(source["server_id"].GetInt() == 42);
  CHECK(string_of(source["gtid"]) == "u:23");
  CHECK(string_of(source["file"]) == "binlog.000002");
  CHECK(source["pos"].GetInt() == 1500);
  for (const char* key : {"sequence", "thread", "query"}) CHECK(source[key].IsNull());
  CHECK(string_of(told_lines[4]["transaction"]["id"]) == "u:23");
  CHECK(string_of(told_lines[3]["before"]["status"]) == "new");
  CHECK(string_of(told_lines[3]["after"]["status"]) == "paid");
}

TEST_CASE("debezium: an update of the key is a delete and a create") {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  const Cells a = order(1, "12.30", "new"), b = order(2, "12.30", "new");
  writer.begin(begin_record());
  writer.update(rows_of(orders()), 0, a, b);
  const auto told_lines = parsed_lines(out);
  REQUIRE(told_lines.size() == 2);
  CHECK(string_of(told_lines[0]["op"]) == "d");
  CHECK(told_lines[0]["before"]["id"].GetInt() == 1);
  CHECK(told_lines[0]["after"].IsNull());
  CHECK(string_of(told_lines[1]["op"]) == "c");
  CHECK(told_lines[1]["after"]["id"].GetInt() == 2);
  CHECK(told_lines[1]["before"].IsNull());
}

TEST_CASE("debezium: without GTIDs a transaction is its place; the same one goes on after a reconnect") {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  auto begin = begin_record();
  begin.gtid.reset();
  auto rows = rows_of(orders());
  rows.gtid.reset();
  const Cells a = order(1, "1", "x");
  writer.begin(begin);
  writer.insert(rows, 0, a);
  writer.begin(begin);
  rows.serial = 2;
  writer.insert(rows, 1, a);
  const auto told_lines = parsed_lines(out);
  CHECK(string_of(told_lines.at(0)["transaction"]["id"]) == "file=binlog.000002,pos=1124");
  CHECK(told_lines.at(0)["source"]["gtid"].IsNull());
  CHECK(told_lines.at(1)["transaction"]["total_order"].GetInt() == 2);
}

TEST_CASE("debezium: numbers, text and bytes") {
  CHECK(told(of(ColumnType::long_int), Value::of_int(-5)) == "-5");
  CHECK(told(of(ColumnType::longlong), Value::of_uint(18446744073709551615U)) == "18446744073709551615");
  CHECK(told(of(ColumnType::float64), Value::of_double(5.18)) == "5.18");
  CHECK(told(of(ColumnType::newdecimal), Value::of_text(Kind::decimal, "-12.30")) == "-12.30");
  CHECK(told(of(ColumnType::newdecimal), Value::of_text(Kind::decimal, "12345678901234567890.10")) ==
        "12345678901234567890.10");
  CHECK(told(of(ColumnType::year), Value::of_uint(2026)) == "2026");
  CHECK(told(of(ColumnType::varchar), text("a\"b")) == "\"a\\\"b\"");
  CHECK(told(labelled(of(ColumnType::enumeration), {"a"}), text("a")) == "\"a\"");
  CHECK(told(labelled(of(ColumnType::set), {"a", "b"}), text("a,b")) == "\"a,b\"");
  CHECK(told(of(ColumnType::blob), Value::of_text(Kind::bytes, {"\0\1\2\3", 4})) == "\"AAECAw==\"");
  CHECK(told(of(ColumnType::json), Value::of_text(Kind::json, "{\"a\": 1}")) == "\"{\\\"a\\\": 1}\"");
  CHECK(told(of(ColumnType::json), Value::of_text(Kind::json, "null")) == "\"null\"");
  CHECK(told(of(ColumnType::long_int), Value::of_null()) == "null");
  const float numbers[] = {1, 0.5};
  std::string vector(sizeof numbers, '\0');
  std::memcpy(vector.data(), numbers, sizeof numbers);
  CHECK(told(of(ColumnType::vector), Value::of_text(Kind::vector, vector)) == "[1,0.5]");
}

TEST_CASE("debezium: BIT(1) is a boolean, longer ones little-endian bytes of their size") {
  CHECK(told(of(ColumnType::bit, true, 1), Value::of_uint(0)) == "false");
  CHECK(told(of(ColumnType::bit, true, 1), Value::of_uint(1)) == "true");
  CHECK(told(of(ColumnType::bit, true, 2), Value::of_uint(3)) == "\"Aw==\"");          // 03
  CHECK(told(of(ColumnType::bit, true, 16), Value::of_uint(0x0102)) == "\"AgE=\"");    // 02 01
  CHECK(told(of(ColumnType::bit, true, 17), Value::of_uint(0x010203)) == "\"AwIB\"");  // 03 02 01
  CHECK(told(of(ColumnType::bit, true, 64), Value::of_uint(std::uint64_t{1} << 63)) == "\"AAAAAAAAAIA=\"");
}

TEST_CASE("debezium: dates and times, adaptive_time_microseconds") {
  const Column date = of(ColumnType::date), datetime = of(ColumnType::datetime2),
               time = of(ColumnType::time2), stamp = of(ColumnType::timestamp2);
  CHECK(told(date, temporal(Kind::date, 0, at(1970, 1, 2))) == "1");
  CHECK(told(date, temporal(Kind::date, 0, at(1969, 12, 31))) == "-1");
  CHECK(told(date, temporal(Kind::date, 0, at(9999, 12, 31))) == "2932896");
  CHECK(told(datetime, temporal(Kind::datetime, 0, at(2018, 6, 20, 6, 37, 3))) == "1529476623000");
  CHECK(told(datetime, temporal(Kind::datetime, 3, at(2018, 6, 20, 6, 37, 3, 123000))) == "1529476623123");
  CHECK(told(datetime, temporal(Kind::datetime, 4, at(2018, 6, 20, 6, 37, 3, 123400))) == "1529476623123400");
  CHECK(told(datetime, temporal(Kind::datetime, 6, at(1969, 12, 31, 23, 59, 59, 999999))) == "-1");
  CHECK(told(time, temporal(Kind::time, 0, at(0, 0, 0, 0, 0, 1))) == "1000000");
  CHECK(told(time, temporal(Kind::time, 6, at(0, 0, 0, 838, 59, 58, 999999), true)) == "-3020398999999");
  CHECK(told(stamp, timestamp(1529501823)) == "\"2018-06-20T13:37:03Z\"");
  CHECK(told(stamp, timestamp(1529501823, 120000, 3)) == "\"2018-06-20T13:37:03.120Z\"");
  CHECK(told(stamp, timestamp(0, 5, 6)) == "\"1970-01-01T00:00:00.000005Z\"");
}

TEST_CASE("debezium: a date that does not exist is null, or the epoch where null is not allowed") {
  const std::tuple<ColumnType, Kind, std::string> cases[] = {
      {ColumnType::date, Kind::date, "0"},
      {ColumnType::datetime2, Kind::datetime, "0"},
      {ColumnType::timestamp2, Kind::datetime, "\"1970-01-01T00:00:00Z\""}};
  for (const auto& [type, kind, epoch] : cases) {
    for (const auto& no_date : {at(0, 0, 0), at(2026, 0, 0), at(2026, 2, 0), at(2026, 2, 30)}) {
      CHECK(told(of(type), temporal(kind, 0, no_date)) == "null");
      CHECK(told(of(type, false), temporal(kind, 0, no_date)) == epoch);
    }
  }
  CHECK(told(of(ColumnType::date), temporal(Kind::date, 0, at(2024, 2, 29))) == "19782");
}

TEST_CASE("debezium: geometries") {
  Column point = of(ColumnType::geometry);
  point.geometry_type = 1;
  const std::string wkb = "\"AQEAAAAAAAAAAAAIQAAAAAAAAABA\"";  // 01, 1, 3.0, 2.0
  CHECK(told(point, Wkb().type(1).point(3, 2).value()) ==
        "{\"x\":3,\"y\":2,\"wkb\":" + wkb + ",\"srid\":null}");
  CHECK(told(of(ColumnType::geometry), Wkb(4326).type(1).point(3, 2).value()) ==
        "{\"wkb\":" + wkb + ",\"srid\":4326}");
}

TEST_CASE("debezium: columns that the row image lacks") {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  auto schema = table({column("id", ColumnType::long_int), column("words", ColumnType::blob),
                       column("bytes", ColumnType::blob), column("n", ColumnType::long_int)},
                      {0});
  schema->columns[1].collation = 255;
  schema->columns[2].collation = 63;
  const Cells row{Value::of_int(1), Value(), Value(), Value()};
  writer.begin(begin_record());
  writer.insert(rows_of(schema), 0, row);
  const auto line = parsed(lines(out.view()).at(0));
  CHECK(keys(line["after"]) == "id words bytes ");
  CHECK(string_of(line["after"]["words"]) == "__debezium_unavailable_value");
  CHECK(string_of(line["after"]["bytes"]) == "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==");
}

TEST_CASE("debezium: the rows of a copy") {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  auto rows = rows_of(orders());
  rows.snapshot = true;
  const Cells a = order(1, "1", "x");
  writer.begin(begin_record());
  writer.insert(rows, 0, a);
  const auto line = parsed(lines(out.view()).at(0));
  CHECK(string_of(line["op"]) == "r");
  CHECK(string_of(line["source"]["snapshot"]) == "incremental");
}

TEST_CASE("debezium: truncates and schema changes") {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  writer.ddl(ddl_record(DdlClass::truncate, {{"shop", "orders"}}, "TRUNCATE orders"));
  writer.ddl(ddl_record(DdlClass::alter, {{"inventory", "customers"}}, "ALTER TABLE customers ADD x int"));
  writer.ddl(ddl_record(DdlClass::drop, {{"shop", "a"}, {"shop", "b"}}, "DROP TABLE a, b"));
  const auto told_lines = parsed_lines(out);
  REQUIRE(told_lines.size() == 3);
  CHECK(string_of(told_lines[0]["op"]) == "t");
  CHECK(string_of(told_lines[0]["source"]["table"]) == "orders");
  CHECK(keys(told_lines[1]) == "source ts_ms databaseName schemaName ddl tableChanges ");
  CHECK(keys(told_lines[1]["source"]).size() == kSourceFields.size());
  CHECK(string_of(told_lines[1]["databaseName"]) == "inventory");
  CHECK(told_lines[1]["schemaName"].IsNull());
  REQUIRE(told_lines[1]["tableChanges"].Size() == 1);
  CHECK(string_of(told_lines[1]["tableChanges"][0]["type"]) == "ALTER");
  CHECK(string_of(told_lines[1]["tableChanges"][0]["id"]) == "\"inventory\".\"customers\"");
  REQUIRE(told_lines[2]["tableChanges"].Size() == 2);
  CHECK(string_of(told_lines[2]["tableChanges"][1]["type"]) == "DROP");

  OutBuffer rows_only;
  DebeziumWriter quiet(rows_only, options(true));
  quiet.ddl(ddl_record(DdlClass::truncate, {{"shop", "orders"}}, "TRUNCATE orders"));
  CHECK(rows_only.empty());
}

TEST_CASE("debezium: of an update that cannot be told nothing is left behind") {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  const auto schema = table({column("id", ColumnType::long_int), column("f", ColumnType::float64)}, {0});
  const Cells a{Value::of_int(1), Value::of_double(1)};
  const Cells b{Value::of_int(2), Value::of_double(std::numeric_limits<double>::quiet_NaN())};
  writer.begin(begin_record());
  CHECK_THROWS_WITH(writer.update(rows_of(schema), 0, a, b), doctest::Contains("shop.orders.f"));
  CHECK(out.empty());
}

TEST_CASE("debezium: times of the epoch are numbers") {
  OutBuffer out;
  DebeziumWriter writer(out, options());
  auto rows = rows_of(orders());
  rows.ts_ms = 0;
  const Cells a = order(1, "1", "x");
  writer.begin(begin_record());
  writer.insert(rows, 0, a);
  CHECK(parsed(lines(out.view()).at(0))["source"]["ts_ns"].GetInt64() == 0);
}
