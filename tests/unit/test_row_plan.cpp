// SPDX-License-Identifier: Apache-2.0
// How records become rows of a load. What StarRocks makes of a value: its manual, "Stream Load" and "JSON".
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/fd.hpp"
#include "common/json/record_reader.hpp"
#include "common/starrocks/row_plan.hpp"

using cdc::RecordReader;
using namespace cdc::starrocks;

namespace {

cdc::TableSchema schema(const std::vector<std::pair<const char*, const char*>>& columns, std::vector<std::size_t> key = {0}) {
  cdc::TableSchema made{{"shop", "orders"}, {}, std::move(key), true};
  for (const auto& [name, type] : columns) {
    cdc::Column column;
    column.name = name;
    column.type_text = type;
    made.columns.push_back(column);
  }
  return made;
}

// The object that a row becomes, or why it does not.
std::string object(const RowPlan& plan, const std::string& data, bool remove = false, const std::string& json_null = "") {
  const cdc::UniqueFd fd(::memfd_create("row", MFD_CLOEXEC));
  const std::string nulls = json_null.empty() ? "" : ",\"json_null\":[\"" + json_null + "\"]";
  cdc::write_all(fd.get(), R"({"kind":"+I","db":"shop","table":"orders","gtid":null,"ts_ms":1,"file":"b","pos":4,"seq":0)" +
                               nulls + ",\"data\":" + data + "}\n", "memfd");
  ::lseek(fd.get(), 0, SEEK_SET);
  RecordReader reader(fd.get(), "in");
  reader.fill();
  const cdc::RecordView* view = reader.next();
  REQUIRE(view != nullptr);
  cdc::OutBuffer out;
  try {
    plan.append_object(*view, remove, out);
  } catch (const RowRejected& error) {
    return error.message();
  }
  return std::string(out.view());
}

TargetTable target(std::vector<TargetColumn> columns, std::vector<std::string> key = {"id"},
                   TableModel model = TableModel::primary_key) {
  return {{"ods", "t"}, model, std::move(columns), std::move(key)};
}

const TargetColumn kId{"id", "BIGINT", 0, 0, false, false, false};

}  // namespace

TEST_CASE("values go as they came") {
  const RowPlan plan(schema({{"id", "bigint unsigned"}, {"price", "decimal(20,2)"}, {"note", "text"}}), nullptr, {});
  const std::string data = R"({"id":18446744073709551615,"price":"12.30","note":"a\n\u0001\"ä"})";
  CHECK(object(plan, data) == R"({"__op":0,)" + data.substr(1));
  CHECK(object(plan, data, true) == R"({"__op":1,)" + data.substr(1));
  CHECK(plan.columns_header().empty());
  const RowPlan keyless(schema({{"id", "int"}}, {}), nullptr, {});
  CHECK(object(keyless, R"({"id":1})") == R"({"id":1})");
}

TEST_CASE("bytes go as hexadecimal digits, which the load turns back") {
  const RowPlan plan(schema({{"id", "int"}, {"a`b", "varbinary(9)"}}), nullptr, {});
  CHECK(object(plan, R"({"id":1,"a`b":"AP8="})") == R"({"__op":0,"id":1,"a`b__hex":"00ff"})");
  CHECK(object(plan, R"({"id":1,"a`b":""})") == R"({"__op":0,"id":1,"a`b__hex":""})");
  CHECK(object(plan, R"({"id":1,"a`b":null})") == R"({"__op":0,"id":1,"a`b__hex":null})");
  CHECK(plan.columns_header() == "`id`,`a``b__hex`,`a``b`=to_binary(`a``b__hex`,'hex'),__op");
}

TEST_CASE("dates and the JSON value null by their options") {
  const cdc::TableSchema source = schema({{"id", "int"}, {"at", "datetime(6)"}, {"j", "json"}});
  RowOptions null_options;
  null_options.zero_dates = null_options.json_null = OnBadValue::null;
  const RowPlan strict(source, nullptr, {}), lenient(source, nullptr, null_options);
  for (const char* date : {"0000-00-00 00:00:00.000000", "2026-00-01 00:00:00.000000", "2026-01-00 00:00:00.000000"}) {
    const std::string row = R"({"id":1,"at":")" + std::string(date) + R"(","j":{"a":null}})";
    CHECK(object(strict, row).find("column at of shop.orders: StarRocks has no date") == 0);
    CHECK(object(lenient, row) == R"({"__op":0,"id":1,"at":null,"j":{"a":null}})");
  }
  const std::string fine = R"({"id":1,"at":"0001-01-01 00:00:00.000001","j":null})";
  CHECK(object(strict, fine) == R"({"__op":0,)" + fine.substr(1));
  CHECK(object(strict, fine, false, "j").find("column j of shop.orders: the JSON value null") == 0);
  CHECK(object(lenient, fine, false, "j") == R"({"__op":0,)" + fine.substr(1));
}

TEST_CASE("text is measured in bytes of UTF-8, escapes undone") {
  const TargetTable table = target({kId, {"v", "VARCHAR", 4}});
  const RowPlan plan(schema({{"id", "int"}, {"v", "varchar(9)"}}), &table, {});
  const auto fits = [&](const std::string& token) { return object(plan, R"({"id":1,"v":)" + token + "}").front() == '{'; };
  CHECK(fits(R"("abcd")"));
  CHECK(fits(R"("\n\n\n\n")"));
  CHECK(fits(R"("\u00e4\u00e4")"));
  CHECK(fits(R"("\ud834\udd1e")"));
  CHECK(fits("null"));
  CHECK_FALSE(fits(R"("abcde")"));
  CHECK_FALSE(fits(R"("äää")"));
  CHECK_FALSE(fits(R"("\u00e4\u00e4a")"));
  CHECK_FALSE(fits(R"("\ud834\udd1ea")"));
  const TargetTable binary = target({kId, {"v", "VARBINARY", 2}});
  const RowPlan bytes(schema({{"id", "int"}, {"v", "varbinary(9)"}}), &binary, {});
  CHECK(object(bytes, R"({"id":1,"v":"AAE="})") == R"({"__op":0,"id":1,"v__hex":"0001"})");
  CHECK(object(bytes, R"({"id":1,"v":"AAEC"})").find("3 bytes, the target has room for 2") != std::string::npos);
}

TEST_CASE("numbers into BOOLEAN are 0 or 1") {
  const TargetTable table = target({kId, {"flag", "BOOLEAN"}});
  const RowPlan plan(schema({{"id", "int"}, {"flag", "tinyint(1)"}}), &table, {});
  CHECK(object(plan, R"({"id":1,"flag":1})") == R"({"__op":0,"id":1,"flag":1})");
  CHECK(object(plan, R"({"id":1,"flag":2})").find("column flag of shop.orders: not 0 or 1: 2") == 0);
}

TEST_CASE("columns that only the target has keep their defaults only when the load names the others") {
  const TargetTable table = target({kId, {"v", "VARCHAR", 9}, {"made", "DATETIME", 0, 0, true, true}, {"sum", "INT", 0, 0, true, false, true}});
  const RowPlan plan(schema({{"ID", "int"}, {"V", "varchar(9)"}}), &table, {});
  CHECK(plan.columns_header() == "`id`,`v`,__op");
  CHECK(object(plan, R"({"ID":1,"V":"x"})") == R"({"__op":0,"id":1,"v":"x"})");
  REQUIRE(plan.notices().size() == 1);
  CHECK(plan.notices()[0] == "the source has no column made of ods.t: every row loaded has its default there");
}

TEST_CASE("the target's key is the key, and holds all of the source's") {
  const std::vector<TargetColumn> columns{kId, {"a", "INT"}, {"tag", "VARCHAR", 9}};
  RowOptions tagged;
  tagged.add_columns = {{"TAG", "{table}"}};
  const cdc::TableSchema source = schema({{"id", "int"}, {"a", "int"}}, {0, 1});
  const TargetTable wide = target(columns, {"tag", "a", "id"}), narrow = target(columns, {"id"});
  CHECK_NOTHROW(RowPlan(source, &wide, tagged));
  CHECK(object(RowPlan(source, &wide, tagged), R"({"id":1,"a":2})") == R"({"__op":0,"tag":"orders","id":1,"a":2})");
  CHECK_THROWS_AS(RowPlan(source, &narrow, tagged), cdc::RefusedError);
  CHECK_THROWS_AS(RowPlan(source, &wide, {}), cdc::RefusedError);  // nothing for tag
  tagged.add_columns[0].second = "0123456789";
  CHECK_THROWS_AS(RowPlan(source, &wide, tagged), cdc::RefusedError);  // longer than tag
}

TEST_CASE("names that do not fit into a header are refused") {
  std::vector<std::pair<const char*, const char*>> columns{{"id", "int"}};
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("column_with_a_long_name_" + std::to_string(i) + std::string(40, 'x'));
  for (const std::string& name : names) columns.emplace_back(name.c_str(), "int");
  CHECK_NOTHROW(RowPlan(schema(columns), nullptr, {}));  // needs none
  columns.emplace_back("raw", "blob");
  CHECK_THROWS_AS(RowPlan(schema(columns), nullptr, {}), cdc::RefusedError);
}

TEST_CASE("a key whose text changes with its digits is not in one load in two") {
  const auto shape = [](const char* key, const char* other) { return RowPlan(schema({{"id", key}, {"x", other}}), nullptr, {}).shape(); };
  CHECK(shape("datetime", "int") != shape("datetime(6)", "int"));
  CHECK(shape("decimal(10,1)", "int") != shape("decimal(10,2)", "int"));
  CHECK(shape("int", "datetime") == shape("bigint", "datetime(3)"));
}

TEST_CASE("bytes in a key go as hexadecimal digits in its own column") {
  const RowPlan plan(schema({{"id", "binary(2)"}, {"n", "int"}}), nullptr, {});
  CHECK(object(plan, R"({"id":"AP8=","n":1})") == R"({"__op":0,"id":"00ff","n":1})");
  CHECK(plan.columns_header().empty());
}
