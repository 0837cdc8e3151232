// SPDX-License-Identifier: Apache-2.0
// What the fixtures of test_rows cannot hold: values that depend on missing metadata, and bytes no server
// wrote.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/binlog/collation.hpp"
#include "common/binlog/mariadb_types.hpp"
#include "common/binlog/rows.hpp"
#include "common/binlog/table_map.hpp"
#include "common/binlog/value_decoder.hpp"

using cdc::Column;
using cdc::ColumnType;
using cdc::DecodeContext;
using cdc::DecodeError;
using cdc::Value;
using Bytes = std::vector<std::uint8_t>;

namespace {

Column column_of(ColumnType type, std::uint32_t meta = 0) {
  Column column;
  column.type = type;
  column.meta = meta;
  return column;
}

// Decodes all of `bytes`, and passes over them, too.
Value decode(const Bytes& bytes, const Column& column, DecodeContext& context) {
  cdc::ByteReader reader(bytes), skipper(bytes);
  const Value value = cdc::decode_value(reader, column, context);
  cdc::skip_value(skipper, column);
  CHECK(reader.at_end());
  CHECK(skipper.at_end());
  return value;
}

bool fails(const Bytes& bytes, const Column& column) {
  DecodeContext context;
  cdc::ByteReader reader(bytes);
  try {
    cdc::decode_value(reader, column, context);
  } catch (const DecodeError&) {
    return true;
  }
  return false;
}

cdc::Event event_of(cdc::EventType type, const Bytes& body) {
  cdc::Event event;
  event.header.type = type;
  event.body = body;
  return event;
}

}  // namespace

TEST_CASE("without metadata: numbers for labels, bytes for text") {
  DecodeContext context;
  Value value = decode({2}, column_of(ColumnType::enumeration, 1), context);
  CHECK(value.kind == Value::Kind::uint64);
  CHECK(value.u64 == 2);
  value = decode({5, 1}, column_of(ColumnType::set, 2), context);
  CHECK(value.u64 == 0x105);
  const Bytes text{2, 'a', 0xff};
  value = decode(text, column_of(ColumnType::varchar, 255), context);
  CHECK(value.kind == Value::Kind::bytes);
  CHECK(value.text == "a\xff");
}

TEST_CASE("labels of character set binary need not be text") {
  for (const ColumnType type : {ColumnType::enumeration, ColumnType::set}) {
    Column column = column_of(type, 1);
    column.collation = cdc::kBinaryCollation;
    column.labels = {"\xc3\xa9", "\xff"};
    DecodeContext refuse, replace(cdc::BadText::replace);
    CHECK(decode({1}, column, refuse).text == "\xc3\xa9");
    CHECK_THROWS_AS(decode({2}, column, refuse), cdc::DataError);
    CHECK(decode({2}, column, replace).text == "\xef\xbf\xbd");
    CHECK(cdc::column_type_text(column).ends_with("('\xc3\xa9','\xef\xbf\xbd')"));
  }
}

TEST_CASE("what non-strict servers leave behind") {
  DecodeContext context;
  CHECK(decode({0, 0, 0, 0}, column_of(ColumnType::json, 4), context).text == "null");
  const Value value = decode({0, 0, 0, 0}, column_of(ColumnType::geometry, 4), context);
  CHECK(value.kind == Value::Kind::bytes);
  CHECK(value.text.empty());
}

TEST_CASE("values that no server wrote") {
  Column choice = column_of(ColumnType::enumeration, 1);
  choice.labels = {"a", "b"};
  CHECK_FALSE(fails({2}, choice));
  CHECK(fails({3}, choice));
  choice.type = ColumnType::set;
  CHECK_FALSE(fails({3}, choice));
  CHECK(fails({4}, choice));
  CHECK(fails({4}, column_of(ColumnType::set, 9)));
  CHECK(fails({1}, column_of(ColumnType::bit, 0)));
  CHECK(fails({1}, column_of(ColumnType::bit, 65)));
  CHECK(fails({1, 0}, column_of(ColumnType::blob, 5)));
  CHECK(fails({3, 0, 'x', 'y'}, column_of(ColumnType::blob, 2)));
  CHECK(fails({3, 0, 0, 0, 1, 2, 3}, column_of(ColumnType::geometry, 4)));
  CHECK(fails({5, 0}, column_of(ColumnType::string, 256)));
  CHECK(fails({2, 0x70, 0}, column_of(ColumnType::mariadb_varchar_compressed, 20)));        // method 7
  CHECK(fails({4, 0x89, 9, 1, 2}, column_of(ColumnType::mariadb_varchar_compressed, 20)));  // no zlib stream
  CHECK(
      fails({7, 0x8c, 0xff, 0xff, 0xff, 0xff, 1, 2}, column_of(ColumnType::mariadb_varchar_compressed, 20)));
}

TEST_CASE("types that no row holds are refused by name") {
  DecodeContext context;
  const Bytes bytes(8);
  for (const auto type : {ColumnType::typed_array, ColumnType::decimal_old, static_cast<ColumnType>(99)}) {
    cdc::ByteReader reader(bytes);
    CHECK_THROWS_AS(cdc::decode_value(reader, column_of(type), context), cdc::DataError);
    CHECK_THROWS_AS(cdc::skip_value(reader, column_of(type)), cdc::DataError);
  }
}

TEST_CASE("MariaDB's own temporals with fractions are refused when their type is known") {
  Column column = column_of(ColumnType::time);
  column.type_text = "time(3) /* mariadb-5.3 */";
  const Bytes bytes{0xb6, 0xba, 0xd2, 0x15};
  DecodeContext context;
  cdc::ByteReader reader(bytes);
  CHECK_THROWS_AS(cdc::decode_value(reader, column, context), cdc::DataError);
  column.type_text = "time /* mariadb-5.3 */";
  CHECK(decode({1, 0, 0}, column, context).temporal.second == 1);
}

TEST_CASE("bad text names row and column, or is replaced") {
  const Bytes body{1, 0, 0, 0, 0, 0, 1, 0, 2, 0xff, 0, 1, 'x', 1, 'y', 0, 1, 'x', 1, 0xc3};
  std::vector<Column> columns(2, column_of(ColumnType::varchar, 10));
  columns[0].collation = columns[1].collation = 255;
  columns[1].name = "title";
  const cdc::RowsEvent event(event_of(cdc::EventType::write_rows_v1, body));
  DecodeContext refusing;
  cdc::RowCursor cursor(event, columns, refusing);
  cdc::RowImages row;
  REQUIRE(cursor.next(row));
  CHECK(row.before.empty());
  CHECK(row.after[1].text == "y");
  CHECK(cursor.image().size() == 5);
  CHECK_THROWS_WITH_AS(cursor.next(row), "row 2: column 2 (title): not utf8mb4 text: bytes c3",
                       cdc::DataError);

  DecodeContext replacing(cdc::BadText::replace);
  cdc::RowCursor again(event, columns, replacing);
  REQUIRE(again.next(row));
  REQUIRE(again.next(row));
  CHECK(row.after[1].text == "\xef\xbf\xbd");
  CHECK_FALSE(again.next(row));
}

TEST_CASE("a partial update needs the document of the before image") {
  std::vector<Column> columns{column_of(ColumnType::tiny), column_of(ColumnType::json, 4)};
  // Before: id 1. After: options 1, bits 1, no NULL, no changes.
  const Bytes minimal{9, 0, 0, 0, 0, 0, 1, 0, 2, 0, 2, 1, 2, 0, 1, 1, 1, 0, 0, 0, 0, 0};
  const cdc::RowsEvent event(event_of(cdc::EventType::partial_update_rows, minimal));
  DecodeContext context;
  cdc::RowCursor cursor(event, columns, context);
  cdc::RowImages row;
  CHECK(cdc::count_rows(event, columns) == 1);
  CHECK_THROWS_AS(cursor.next(row), cdc::ConfigError);
  // Before: a NULL document.
  const Bytes null{9, 0, 0, 0, 0, 0, 1, 0, 2, 0, 2, 3, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0};
  const cdc::RowsEvent on_null(event_of(cdc::EventType::partial_update_rows, null));
  cdc::RowCursor null_cursor(on_null, columns, context);
  CHECK_THROWS_AS(null_cursor.next(row), DecodeError);
}

TEST_CASE("heads of rows events") {
  DecodeContext context;
  const std::vector<Column> one(1, column_of(ColumnType::tiny)), two(2, column_of(ColumnType::tiny));
  const Bytes body{9, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0xaa, 0xbb, 1, 1, 0, 7};
  const cdc::RowsEvent event(event_of(cdc::EventType::delete_rows, body));
  CHECK(event.table_id() == 9);
  CHECK(event.ends_statement());
  CHECK(event.extra_data().size() == 2);
  CHECK(event.change() == cdc::RowChange::remove);
  CHECK(cdc::count_rows(event, one) == 1);
  CHECK_THROWS_AS(cdc::count_rows(event, two), DecodeError);
  CHECK_THROWS_AS(cdc::RowCursor(event, two, context), DecodeError);
  // Rows without any column would never end.
  const Bytes empty{9, 0, 0, 0, 0, 0, 1, 0, 1, 0, 7};
  const cdc::RowsEvent none(event_of(cdc::EventType::write_rows_v1, empty));
  CHECK_THROWS_AS(cdc::count_rows(none, one), DecodeError);
  CHECK_THROWS_AS(cdc::RowsEvent(event_of(cdc::EventType::xid, body)), DecodeError);
  // More columns than bytes.
  const Bytes many{9, 0, 0, 0, 0, 0, 1, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
  CHECK_THROWS_AS(cdc::RowsEvent(event_of(cdc::EventType::write_rows_v1, many)), DecodeError);
}
