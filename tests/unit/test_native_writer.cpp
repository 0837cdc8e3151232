// SPDX-License-Identifier: Apache-2.0
// Every line is read back with RapidJSON, validating its UTF-8; expected texts are those of cdc-changes(5).
#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <cmath>
#include <memory>
#include <random>

#include "common/json/native_writer.hpp"

using cdc::Column;
using cdc::ColumnType;
using cdc::NativeWriter;
using cdc::OutBuffer;
using cdc::RowsContext;
using cdc::TableSchema;
using cdc::Value;

namespace {

Value text(std::string_view v) {
  return Value::of_text(Value::Kind::text, v);
}

Value timestamp() {
  Value value;
  value.kind = Value::Kind::timestamp;
  value.timestamp = {0, 0};
  return value;
}

Column column(const std::string& name, ColumnType type = ColumnType::varchar) {
  Column column;
  column.name = name;
  column.type = type;
  return column;
}

std::shared_ptr<const TableSchema> schema(const std::string& db, const std::string& table,
                                          std::vector<Column> columns) {
  auto made = std::make_shared<TableSchema>();
  made->name = {db, table};
  made->columns = std::move(columns);
  return made;
}

RowsContext context(std::shared_ptr<const TableSchema> table, std::uint64_t serial = 1) {
  RowsContext rows;
  rows.serial = serial;
  rows.table = std::move(table);
  rows.gtid = "u:23";
  rows.ts_ms = 1763710000123;
  rows.file = "binlog.000002";
  rows.pos = 1301;
  return rows;
}

rapidjson::Document parsed(std::string_view line) {
  INFO(line);
  REQUIRE(line.ends_with("}\n"));
  REQUIRE(line.find('\n') == line.size() - 1);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag>(line.data(),
                                                                                             line.size());
  REQUIRE_FALSE(document.HasParseError());
  REQUIRE(document.IsObject());
  return document;
}

std::string keys(const rapidjson::Value& object) {
  std::string keys;
  for (auto it = object.MemberBegin(), end = object.MemberEnd(); it < end; ++it)
    keys += std::string(it->name.GetString(), it->name.GetStringLength()) + " ";
  return keys;
}

std::string string_of(const rapidjson::Value& value) {
  REQUIRE(value.IsString());
  return {value.GetString(), value.GetStringLength()};
}

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string_view::npos);
    lines.emplace_back(text.substr(at, end - at + 1));
    at = end + 1;
  }
  return lines;
}

const std::string kNasty[] = {
    "\"",       "\\",         "\n",        std::string(1, '\0'),
    "\x01\x1f", "\x7f",       "</script>", "\u00e9",
    "\u2028",   "\U0001F600", "{}[],:",    "a long text without anything special in it at all",
    ""};

}  // namespace

TEST_CASE("a stream, byte for byte") {
  OutBuffer out(1);
  NativeWriter writer(out, {});
  writer.start({"uuid", "9.7.4", "u:1-20", {"binlog.000002", 197}, "{\"tables\":[\"shop.*\"]}", "+00:00"});
  TableSchema orders;
  orders.name = {"shop", "orders"};
  orders.columns = {column("id", ColumnType::longlong), column("price", ColumnType::newdecimal),
                    column("secret"), column("name")};
  orders.columns[0].type_text = "bigint unsigned";
  orders.columns[1].type_text = "decimal(10,2)";
  orders.columns[1].nullable = true;
  orders.columns[1].default_text = "0.00";
  orders.columns[1].generated = "stored";
  orders.columns[2].excluded = true;
  orders.columns[3].type_text = "varchar(20)";
  orders.columns[3].invisible = true;
  orders.columns[3].charset = "utf8mb4";
  orders.primary_key = {2, 0};
  const auto shared = std::make_shared<const TableSchema>(orders);
  writer.table(*shared);
  writer.begin({"u:23", 1763710000123, {"binlog.000002", 1124}, {}});
  const RowsContext rows = context(shared);
  const Value before[] = {Value::of_uint(1), Value::of_text(Value::Kind::decimal, "100.00"), text("s"),
                          Value()};
  const Value after[] = {Value::of_uint(1), Value::of_null(), text("s"), text("x")};
  writer.insert(rows, 0, before);
  writer.update(rows, 1, before, after);
  writer.remove(rows, 2, after);
  writer.commit({"u:23", "u:21-23", 1763710000123, {"binlog.000002", 1544}, 3, {}});
  writer.ddl({cdc::DdlClass::alter,
              {{{"shop", "orders"}}},
              "shop",
              "u:24",
              "u:24",
              5,
              {"binlog.000002", 1700},
              "ALTER\nTABLE"});
  writer.ddl({cdc::DdlClass::other, {}, "", {}, {}, 5, {"binlog.000002", 1800}, "?"});
  writer.heartbeat({"u:25-90", {"binlog.000002", 9001}, 6});
  writer.end({0, "stop position reached", false, "", {"binlog.000002", 9001}});
  writer.end({75, "signal", true, {}, {"binlog.000002", 9001}});

  CHECK(
      out.view() ==
      R"json({"kind":"start","version":1,"server_uuid":"uuid","server_version":"9.7.4","gtid_set":"u:1-20","file":"binlog.000002","pos":197,"filter":{"tables":["shop.*"]},"time_zone":"+00:00"}
{"kind":"table","db":"shop","table":"orders","columns":[{"name":"id","type":"bigint unsigned","nullable":false},{"name":"price","type":"decimal(10,2)","nullable":true,"default":"0.00","generated":"stored"},{"name":"name","type":"varchar(20)","nullable":false,"invisible":true,"charset":"utf8mb4"}],"pk":["id"]}
{"kind":"begin","gtid":"u:23","ts_ms":1763710000123,"file":"binlog.000002","pos":1124}
{"kind":"+I","db":"shop","table":"orders","gtid":"u:23","ts_ms":1763710000123,"file":"binlog.000002","pos":1301,"seq":0,"data":{"id":1,"price":"100.00"}}
{"kind":"-U","db":"shop","table":"orders","gtid":"u:23","ts_ms":1763710000123,"file":"binlog.000002","pos":1301,"seq":1,"data":{"id":1,"price":"100.00"}}
{"kind":"+U","db":"shop","table":"orders","gtid":"u:23","ts_ms":1763710000123,"file":"binlog.000002","pos":1301,"seq":1,"data":{"id":1,"price":null,"name":"x"}}
{"kind":"-D","db":"shop","table":"orders","gtid":"u:23","ts_ms":1763710000123,"file":"binlog.000002","pos":1301,"seq":2,"data":{"id":1,"price":null,"name":"x"}}
{"kind":"commit","gtid":"u:23","gtids":"u:21-23","ts_ms":1763710000123,"file":"binlog.000002","pos":1544,"changes":3}
{"kind":"ddl","class":"alter","tables":[["shop","orders"]],"db":"shop","gtid":"u:24","gtids":"u:24","ts_ms":5,"file":"binlog.000002","pos":1700,"sql":"ALTER\nTABLE"}
{"kind":"ddl","class":"other","tables":null,"db":"","gtid":null,"gtids":null,"ts_ms":5,"file":"binlog.000002","pos":1800,"sql":"?"}
{"kind":"heartbeat","gtids":"u:25-90","file":"binlog.000002","pos":9001,"ts_ms":6}
{"kind":"end","status":0,"reason":"stop position reached","gtids":"","file":"binlog.000002","pos":9001}
{"kind":"end","status":75,"reason":"signal","partial":true,"gtids":null,"file":"binlog.000002","pos":9001}
)json");
  for (const std::string& line : lines(out.view())) parsed(line);
}

TEST_CASE("rows of a snapshot") {
  OutBuffer out;
  NativeWriter writer(out, {});
  const cdc::SnapshotChunk chunk{{"shop", "a\"b"}, 3, {"a int", "b int"}, {}, {"MQ==", "Mg=="}, true};
  writer.begin({{}, 7, {"binlog.000002", 1124}, chunk});
  RowsContext rows = context(schema("shop", "a\"b", {column("id")}));
  rows.snapshot = true;
  rows.gtid.reset();
  writer.insert(rows, 0, std::vector<Value>{Value::of_int(1)});
  writer.commit({{}, "", 7, {"binlog.000002", 1124}, 1, chunk});
  const std::vector<std::string> told = lines(out.view());
  const std::string object =
      R"("snapshot":{"db":"shop","table":"a\"b","chunk":3,"key":["a int","b int"],"from":[],"to":["MQ==","Mg=="],"last":true}})"
      "\n";
  CHECK(told[0] == R"({"kind":"begin","gtid":null,"ts_ms":7,"file":"binlog.000002","pos":1124,)" + object);
  CHECK(
      told[1] ==
      R"({"kind":"+I","db":"shop","table":"a\"b","gtid":null,"ts_ms":1763710000123,"file":"binlog.000002","pos":1301,"seq":0,"snapshot":true,"data":{"id":1}})"
      "\n");
  CHECK(
      told[2] ==
      R"({"kind":"commit","gtid":null,"gtids":"","ts_ms":7,"file":"binlog.000002","pos":1124,"changes":1,)" +
          object);
}

TEST_CASE("JSON null is told apart from SQL NULL") {
  OutBuffer out;
  NativeWriter writer(out, {});
  std::vector<Column> columns = {column("a", ColumnType::json), column("b\"", ColumnType::json),
                                 column("c", ColumnType::json), column("d"), column("e", ColumnType::json)};
  columns[4].excluded = true;
  const Value null = Value::of_text(Value::Kind::json, "null");
  const RowsContext rows = context(schema("d", "t", columns));
  writer.insert(rows, 0, std::vector<Value>{null, null, Value::of_null(), text("null"), null});
  writer.insert(rows, 1,
                std::vector<Value>{Value::of_null(), Value::of_text(Value::Kind::json, "\"null\""), Value(),
                                   text("null"), null});
  const std::vector<std::string> told = lines(out.view());
  CHECK(
      told[0].ends_with(R"("seq":0,"json_null":["a","b\""],"data":{"a":null,"b\"":null,"c":null,"d":"null"}})"
                        "\n"));
  CHECK(told[1].ends_with(R"("seq":1,"data":{"a":null,"b\"":"null","d":"null"}})"
                          "\n"));
}

TEST_CASE("names and values of any content survive a JSON parser") {
  std::mt19937 random(9);
  const auto nasty = [&] {
    std::string text;
    for (auto i = random() % 4; i > 0; --i) text += kNasty[random() % std::size(kNasty)];
    return text;
  };
  OutBuffer out(1);
  NativeWriter writer(out, {});
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const std::string db = nasty(), table = nasty(), file = nasty(), gtid = nasty();
    std::vector<Column> columns;
    std::vector<std::string> values;
    for (auto i = random() % 12; i > 0; --i) {
      columns.push_back(column("c" + std::to_string(i) + nasty()));
      values.push_back(nasty());
    }
    std::vector<Value> row;
    for (const std::string& value : values) row.push_back(text(value));
    RowsContext rows = context(schema(db, table, columns), round);
    rows.file = file;
    rows.gtid = gtid;
    out.clear();
    writer.table(*rows.table);
    const std::size_t line = out.size();
    parsed(out.view());
    writer.insert(rows, round, row);
    const rapidjson::Document document = parsed(out.view().substr(line));
    REQUIRE(keys(document) == "kind db table gtid ts_ms file pos seq data ");
    REQUIRE(string_of(document["db"]) == db);
    REQUIRE(string_of(document["table"]) == table);
    REQUIRE(string_of(document["file"]) == file);
    REQUIRE(string_of(document["gtid"]) == gtid);
    REQUIRE(document["seq"].GetUint64() == round);
    const rapidjson::Value& data = document["data"];
    REQUIRE(data.MemberCount() == columns.size());
    for (rapidjson::SizeType i = 0; i < data.MemberCount(); ++i) {
      REQUIRE(string_of((data.MemberBegin() + i)->name) == columns[i].name);
      REQUIRE(string_of((data.MemberBegin() + i)->value) == values[i]);
    }
  }
}

TEST_CASE("other records with any content survive a JSON parser") {
  OutBuffer out(1);
  NativeWriter writer(out, {});
  for (const std::string& nasty : kNasty) {
    out.clear();
    TableSchema table;
    table.name = {nasty, nasty};
    table.columns = {column(nasty)};
    table.columns[0].type_text = table.columns[0].charset = nasty;
    table.columns[0].default_text = nasty;
    table.primary_key = {0};
    writer.start({nasty, nasty, nasty, {nasty, UINT64_MAX}, "{}", nasty});
    writer.table(table);
    writer.begin({nasty,
                  INT64_MIN,
                  {nasty, 0},
                  cdc::SnapshotChunk{{nasty, nasty}, 1, {nasty}, {nasty}, {nasty, nasty}, false}});
    writer.commit({nasty, nasty, 0, {nasty, 0}, 0, {}});
    writer.ddl(
        {cdc::DdlClass::drop, {{{nasty, nasty}, {nasty, ""}}}, nasty, nasty, nasty, 0, {nasty, 0}, nasty});
    writer.heartbeat({nasty, {nasty, 0}, 0});
    writer.end({0, nasty, false, nasty, {nasty, 0}});
    const std::vector<std::string> told = lines(out.view());
    REQUIRE(told.size() == 7);
    for (const std::string& line : told) parsed(line);
    CHECK(string_of(parsed(told[4])["sql"]) == nasty);
    CHECK(string_of(parsed(told[1])["columns"][0]["default"]) == nasty);
  }
}

TEST_CASE("what is cached follows the rows event and the definition") {
  OutBuffer out;
  NativeWriter writer(out, {});
  RowsContext rows = context(schema("d", "one", {column("a")}), 1);
  const std::vector<Value> row = {Value::of_int(1)};
  writer.insert(rows, 0, row);
  rows.serial = 2;
  rows.pos = 99;
  rows.gtid.reset();
  writer.insert(rows, 1, row);
  const std::vector<std::string> told = lines(out.view());
  CHECK(parsed(told[0])["pos"].GetInt() == 1301);
  CHECK(parsed(told[1])["pos"].GetInt() == 99);
  CHECK(parsed(told[1])["gtid"].IsNull());

  // Definitions that come and go, many of them at addresses that were another's; in the end they are let go.
  const std::weak_ptr<const TableSchema> first = std::exchange(rows.table, nullptr);
  CHECK_FALSE(first.expired());
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const std::string name = "t" + std::to_string(i);
    out.clear();
    writer.insert(context(schema("d", name, {column("c_" + name)}), 100 + i), 0, row);
    const rapidjson::Document document = parsed(out.view());
    REQUIRE(string_of(document["table"]) == name);
    REQUIRE(document["data"].HasMember(("c_" + name).c_str()));
  }
  CHECK(first.expired());
}

TEST_CASE("a value that cannot be told leaves no part of its change behind") {
  OutBuffer out;
  NativeWriter writer(out, {});
  const RowsContext rows = context(schema("d", "t", {column("good"), column("bad")}));
  const std::vector<Value> good = {Value::of_int(1), Value::of_int(2)};
  const std::vector<Value> bad = {Value::of_int(1), Value::of_double(INFINITY)};
  writer.insert(rows, 0, good);
  const std::string before(out.view());
  CHECK_THROWS_AS(writer.insert(rows, 1, bad), cdc::DataError);
  CHECK(out.view() == before);
  try {
    writer.update(rows, 1, good, bad);
    FAIL("no error");
  } catch (const cdc::DataError& error) {
    CHECK(error.message().starts_with("d.t.bad: "));
  }
  CHECK(out.view() == before);
  writer.insert(rows, 1, good);
  CHECK(lines(out.view()).size() == 2);
}

TEST_CASE("options of the native format") {
  OutBuffer out;
  NativeWriter::Options options;
  options.rows_only = true;
  options.long_as_string = true;
  options.time_zone = cdc::TimeZone("+08:00");
  NativeWriter writer(out, options);
  const auto table = schema("d", "t",
                            {column("a", ColumnType::longlong), column("b", ColumnType::long_int),
                             column("c", ColumnType::longlong), column("d", ColumnType::timestamp2)});
  writer.start({});
  writer.table(*table);
  writer.begin({});
  writer.insert(
      context(table), 0,
      std::vector<Value>{Value::of_uint(UINT64_MAX), Value::of_int(-1), Value::of_null(), timestamp()});
  writer.commit({});
  writer.ddl({});
  writer.heartbeat({});
  writer.end({});
  const std::vector<std::string> told = lines(out.view());
  REQUIRE(told.size() == 1);
  CHECK(told[0].ends_with(R"("data":{"a":"18446744073709551615","b":-1,"c":null,"d":"1970-01-01 08:00:00"}})"
                          "\n"));
}

TEST_CASE("a row without columns is an empty object") {
  OutBuffer out;
  NativeWriter writer(out, {});
  writer.remove(context(schema("d", "t", {column("a")})), 0, std::vector<Value>{Value()});
  CHECK(out.view().ends_with("\"seq\":0,\"data\":{}}\n"));
}
