// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/model/table_history.hpp"

using cdc::BinlogPosition;
using cdc::Column;
using cdc::TableHistory;
using cdc::TableName;
using cdc::TableSchema;

namespace {

const TableName kOrders{"shop", "orders"};

std::shared_ptr<const TableSchema> schema(std::string column, const TableName& name = kOrders) {
  Column key;
  key.type = cdc::ColumnType::long_int;
  key.name = std::move(column);
  key.type_text = "int";
  return std::make_shared<const TableSchema>(TableSchema{name, {key}, {0}, true});
}

BinlogPosition at(std::uint64_t pos) {
  return {"binlog.000007", pos};
}

// The name of the table's only column at that place; "" when it is not known.
std::string name_at(const TableHistory& history, std::uint64_t pos) {
  const auto found = history.find(kOrders, at(pos));
  return found ? found->columns[0].name : "";
}

std::string outcome(std::string_view text) {
  try {
    TableHistory::parse(text);
    return "";
  } catch (const cdc::Error& error) {
    return std::to_string(static_cast<int>(error.exit_code())) + " " + error.message();
  }
}

TableHistory two_spans() {
  TableHistory history;
  history.server = "one";
  history.read_to = at(400);
  CHECK(history.add(schema("a"), at(100)));
  CHECK(history.end(kOrders, at(200)));
  CHECK(history.add(schema("b"), at(300)));
  return history;
}

}  // namespace

TEST_CASE("A definition holds from its first rows to the statement that may change it") {
  TableHistory history = two_spans();
  CHECK(name_at(history, 99) == "");
  CHECK(name_at(history, 100) == "a");
  CHECK(name_at(history, 199) == "a");
  CHECK(name_at(history, 200) == "");
  CHECK(name_at(history, 300) == "b");
  CHECK(history.find(kOrders, {"binlog.1000000", 4})->columns[0].name == "b");
  CHECK(history.find({"shop", "order"}, at(100)) == nullptr);
}

TEST_CASE("What is read again adds nothing and ends nothing anew") {
  TableHistory history = two_spans();
  const TableHistory before = history;
  CHECK_FALSE(history.add(schema("a"), at(150)));
  CHECK_FALSE(history.end(kOrders, at(200)));
  CHECK_FALSE(history.add(schema("b"), at(300)));
  CHECK_FALSE(history.end({"shop", "other"}, at(400)));
  CHECK(history == before);
}

TEST_CASE("An end inside a span that seemed to go on") {
  TableHistory history = two_spans();
  CHECK(history.end(kOrders, at(150)));
  CHECK(name_at(history, 149) == "a");
  CHECK(name_at(history, 150) == "");
  CHECK(name_at(history, 300) == "b");
}

TEST_CASE("Another definition at a place takes the place of what was known from there on") {
  TableHistory history = two_spans();
  CHECK(history.add(schema("c"), at(150)));
  CHECK(name_at(history, 149) == "a");
  CHECK(name_at(history, 150) == "c");
  CHECK(name_at(history, 300) == "c");
}

TEST_CASE("What nobody will ask for is forgotten, and a table has a few spans at most") {
  TableHistory history = two_spans();
  history.forget_before(at(199));
  CHECK(name_at(history, 199) == "a");
  history.forget_before(at(200));
  CHECK(name_at(history, 199) == "");
  CHECK(name_at(history, 300) == "b");
  history.end(kOrders, at(500));
  history.forget_before(at(500));
  CHECK(history.tables.empty());
  for (std::uint64_t pos = 1000; pos < 2000; pos += 10) {
    history.add(schema("x"), at(pos));
    history.end(kOrders, at(pos + 5));
  }
  CHECK(history.tables.at(kOrders).size() == 8);
  CHECK(name_at(history, 1990) == "x");
}

TEST_CASE("A history survives its file, every member of a column included") {
  TableHistory history = two_spans();
  Column full = schema("é\"\\")->columns[0];
  full.type = cdc::ColumnType::enumeration;
  full.meta = 0xffffffff;
  full.nullable = full.is_unsigned = full.invisible = true;
  full.collation = 0xffff;
  full.labels = {"", "a,'b'", "\n"};
  full.geometry_type = 7;
  full.vector_dimension = 16383;
  full.charset = "utf8mb4";
  full.default_text = "";
  full.default_known = true;
  full.generated = "stored";
  const TableName odd{"a.b", "\"c\""};
  CHECK(history.add(std::make_shared<const TableSchema>(TableSchema{odd, {full, Column{}}, {1, 0}, true}), at(1)));
  CHECK(TableHistory::parse(history.text()) == history);
  CHECK(TableHistory::parse(TableHistory{}.text()) == TableHistory{});
}

TEST_CASE("A text that is not exactly a history is an error") {
  const std::string text = two_spans().text();
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string other = text;
    const std::size_t found = other.find(from);
    REQUIRE(found != std::string::npos);
    return other.replace(found, from.size(), to);
  };
  CHECK(outcome(text) == "");
  for (std::size_t size = 0; size < text.size(); ++size) CHECK(outcome(text.substr(0, size)).starts_with("65 "));
  CHECK(outcome(changed("\"version\":1", "\"version\":2")) ==
        "78 table history of version 2, this program knows version 1");
  CHECK(outcome(changed("\"server\"", "\"serve\"")) == "65 serve: unknown");
  CHECK(outcome(changed("\"type\":3", "\"type\":256")) == "65 spans[].columns[].type: too large");
  CHECK(outcome(changed("\"pk\":[0]", "\"pk\":[1]")) == "65 spans[].pk[]: no such column");
  CHECK(outcome(changed("\"pos\":300", "\"pos\":150")) == "65 spans[]: out of order");
}
