// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <memory>
#include <string>

#include "common/base/error.hpp"
#include "tools/cdc-tail/table_copy.hpp"

using cdc::BinlogPosition;
using cdc::Column;
using cdc::Gtid;
using cdc::GtidSet;
using cdc::RowImages;
using cdc::TableSchema;
using cdc::Value;
using cdc::tail::Page;
using cdc::tail::TableCopy;

namespace {

const std::string kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

// A table (v, b, a) whose key is (a, b).
TableSchema schema() {
  TableSchema schema;
  schema.name = {"shop", "orders"};
  for (const char* name : {"v", "b", "a"}) {
    Column column;
    column.name = name;
    schema.columns.push_back(column);
  }
  schema.primary_key = {2, 1};
  return schema;
}

cdc::KeyedTable keyed() {
  cdc::KeyedTable table;
  table.schema = std::make_shared<const TableSchema>(schema());
  for (const std::size_t column : table.schema->primary_key) {
    cdc::KeyPart part;
    part.column = column;
    table.key.push_back(part);
  }
  return table;
}

using Row = std::array<Value, 3>;
Row row(std::int64_t a, std::string_view b, std::int64_t v = 0) {
  return {Value::of_int(v), Value::of_text(Value::Kind::text, b), Value::of_int(a)};
}

TableCopy copying(bool with_key = true) {
  TableCopy copy({.name = {"shop", "orders"}, .rows = 0, .bytes = 0, .keyed = with_key}, 0);
  copy.set_state(TableCopy::State::copying);
  return copy;
}

void touch(TableCopy& copy, const Row* before, const Row* after) {
  RowImages images;
  if (before != nullptr) images.before = *before;
  if (after != nullptr) images.after = *after;
  copy.touch(schema(), images);
}

bool touched(const TableCopy& copy, std::uint64_t since, const Row& row) {
  return TableCopy::Touched(copy, since).contains(keyed(), row);
}

Gtid gtid(int number) { return *Gtid::parse(kUuid + ":" + std::to_string(number)); }

}  // namespace

TEST_CASE("a change touches the key of before and the key of after") {
  TableCopy copy = copying();
  const Row one = row(1, "x"), two = row(2, "x"), three = row(3, "x"), four = row(4, "x");
  touch(copy, nullptr, &one);
  touch(copy, &two, &three);
  touch(copy, &four, nullptr);
  for (const Row& each : {one, two, three, four}) CHECK(touched(copy, 0, each));
  CHECK_FALSE(touched(copy, 0, row(5, "x")));
  CHECK_FALSE(touched(copy, 0, row(1, "y")));
}

TEST_CASE("keys are compared as they are told, column by column") {
  TableCopy copy = copying();
  const Row word = row(1, "a"), empty = row(12, "");
  touch(copy, &word, &word);
  touch(copy, nullptr, &empty);
  CHECK(copy.touches() == 2);
  CHECK(touched(copy, 0, row(1, "a", 99)));
  for (const Row& other : {row(1, "A"), row(1, "a "), row(1, ""), row(1, "2"), row(2, "a")}) CHECK_FALSE(touched(copy, 0, other));
}

TEST_CASE("what was touched before a page was asked for is not held against it") {
  TableCopy copy = copying();
  const Row one = row(1, ""), two = row(2, ""), three = row(3, "");
  touch(copy, nullptr, &one);
  const std::uint64_t asked = copy.touches();
  touch(copy, nullptr, &two);
  CHECK_FALSE(touched(copy, asked, one));
  CHECK(touched(copy, asked, two));
  const std::uint64_t next = copy.touches();
  copy.forget_touches_before(asked);
  CHECK(touched(copy, asked, two));
  touch(copy, &three, nullptr);
  copy.forget_touches_before(next);
  CHECK_FALSE(touched(copy, next, two));
  CHECK(touched(copy, next, three));
  CHECK(copy.touches() == 3);
  copy.forget_touches();
  CHECK(copy.touches() == 3);
  CHECK(TableCopy::Touched(copy, copy.touches()).empty());
}

TEST_CASE("changes before the copy of the table begins are not remembered, and those without end void its pages") {
  TableCopy copy = copying();
  copy.set_state(TableCopy::State::waiting);
  const Row one = row(1, "");
  touch(copy, nullptr, &one);
  CHECK(copy.touches() == 0);
  copy.set_state(TableCopy::State::copying);
  for (std::int64_t i = 0; i < 200'000 && !copy.stale(); ++i) {
    const Row each = row(i, "0123456789");
    touch(copy, nullptr, &each);
  }
  CHECK(copy.stale());
  copy.forget_touches();
  CHECK_FALSE(copy.stale());
}

TEST_CASE("a row that lacks a column cannot be told for the first time") {
  TableCopy copy = copying();
  Row cut = row(1, "");
  cut[0] = Value{};
  REQUIRE(cut[0].is_absent());
  CHECK_THROWS_AS(touch(copy, nullptr, &cut), const cdc::ConfigError&);
  touch(copy, &cut, nullptr);  // a before image may
}

TEST_CASE("a view of a table without key must be before or behind each change, and it must be known which") {
  Page view;
  view.low = GtidSet::parse(kUuid + ":1-5");
  view.high = {"binlog.000002", 1000};
  const auto verdict = [&](int number, std::uint64_t end, std::uint64_t at = 1000) {
    TableCopy copy = copying(false);
    copy.touch();
    copy.transaction_ended(gtid(number), {"binlog.000002", end});
    return copy.judge(view, {"binlog.000002", at});
  };
  using Verdict = TableCopy::Verdict;
  CHECK(verdict(5, 900) == Verdict::accepted);
  CHECK(verdict(5, 1000) == Verdict::accepted);
  CHECK(verdict(6, 900) == Verdict::retry);    // perhaps in the view
  CHECK(verdict(5, 1001, 1100) == Verdict::retry);  // withheld, and behind it
  CHECK(verdict(5, 900, 999) == Verdict::later);
  view.low = GtidSet();  // a server on which nothing was executed yet
  CHECK(verdict(1, 900) == Verdict::retry);
  view.low.reset();  // MariaDB: in the view is what lies before
  CHECK(verdict(6, 900) == Verdict::accepted);
  CHECK(verdict(6, 1001, 1100) == Verdict::retry);
}

TEST_CASE("transactions that do not touch the table are no matter for its view") {
  TableCopy copy = copying(false);
  copy.transaction_ended(gtid(9), {"binlog.000002", 10});
  copy.touch();
  copy.transaction_ended(gtid(3), {"binlog.000002", 20});
  copy.transaction_ended(gtid(8), {"binlog.000002", 30});
  Page view;
  view.low = GtidSet::parse(kUuid + ":1-5");
  view.high = {"binlog.000002", 30};
  CHECK(copy.judge(view, view.high) == TableCopy::Verdict::accepted);
  CHECK(copy.withholds());
}
