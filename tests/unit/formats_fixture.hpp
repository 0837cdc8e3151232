// SPDX-License-Identifier: Apache-2.0
// What the tests of the output formats share: values, a table with one column of a type, a transaction around
// rows, and lines read back with RapidJSON, which validates their UTF-8.
#pragma once

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/model/record.hpp"

namespace formats_fixture {

using cdc::Column;
using cdc::ColumnType;
using cdc::Value;
using Kind = cdc::Value::Kind;

constexpr std::int64_t kNowUs = 1763710009123456;
inline std::int64_t fixed_clock() {
  return kNowUs;
}

inline Value text(std::string_view v) {
  return Value::of_text(Kind::text, v);
}
inline Value temporal(Kind kind, unsigned fsp, Value::Temporal t, bool negative = false) {
  Value value;
  value.kind = kind;
  value.fsp = static_cast<std::uint8_t>(fsp);
  value.negative = negative;
  value.temporal = t;
  return value;
}
// Temporal's members in the order of reading.
inline Value::Temporal at(unsigned year, unsigned month, unsigned day, unsigned hour = 0, unsigned minute = 0,
                          unsigned second = 0, unsigned microsecond = 0) {
  return {static_cast<std::uint16_t>(year),
          static_cast<std::uint16_t>(hour),
          static_cast<std::uint8_t>(month),
          static_cast<std::uint8_t>(day),
          static_cast<std::uint8_t>(minute),
          static_cast<std::uint8_t>(second),
          microsecond};
}
inline Value timestamp(std::int64_t seconds, unsigned microsecond = 0, unsigned fsp = 0) {
  Value value;
  value.kind = Kind::timestamp;
  value.fsp = static_cast<std::uint8_t>(fsp);
  value.timestamp = {seconds, microsecond};
  return value;
}

inline Column column(const std::string& name, ColumnType type, const std::string& type_text = "x") {
  Column column;
  column.name = name;
  column.type = type;
  column.type_text = type_text;
  column.nullable = true;
  return column;
}
inline Column labelled(Column column, std::vector<std::string> labels) {
  column.labels = std::move(labels);
  return column;
}

inline std::shared_ptr<cdc::TableSchema> table(std::vector<Column> columns,
                                               std::vector<std::size_t> key = {}) {
  auto made = std::make_shared<cdc::TableSchema>();
  made->name = {"shop", "orders"};
  made->columns = std::move(columns);
  made->primary_key = std::move(key);
  return made;
}

// A table of orders: id (the key), price, status.
inline std::shared_ptr<cdc::TableSchema> orders() {
  auto made = table(
      {column("id", ColumnType::long_int, "int"), column("price", ColumnType::newdecimal, "decimal(10,2)"),
       column("status", ColumnType::varchar, "varchar(20)")},
      {0});
  made->columns[2].collation = 255;
  return made;
}
using Cells = std::vector<Value>;
inline Cells order(std::int64_t id, std::string_view price, std::string_view status) {
  return {Value::of_int(id), Value::of_text(Kind::decimal, price), text(status)};
}

inline cdc::RowsContext rows_of(std::shared_ptr<const cdc::TableSchema> schema, std::uint64_t serial = 1,
                                std::uint64_t pos = 1301) {
  cdc::RowsContext rows;
  rows.serial = serial;
  rows.table = std::move(schema);
  rows.gtid = "u:23";
  rows.ts_ms = 1763710000123;
  rows.file = "binlog.000002";
  rows.pos = pos;
  return rows;
}
inline cdc::BeginRecord begin_record(const std::string& gtid = "u:23", std::uint64_t pos = 1124) {
  cdc::BeginRecord record;
  record.gtid = gtid;
  record.ts_ms = 1763710000123;
  record.position = {"binlog.000002", pos};
  record.server_id = 42;
  return record;
}
inline cdc::CommitRecord commit_record(const std::string& gtid = "u:23", std::uint64_t changes = 1) {
  cdc::CommitRecord record;
  record.gtid = record.gtids = gtid;
  record.ts_ms = 1763710000123;
  record.position = {"binlog.000002", 1544};
  record.changes = changes;
  return record;
}
inline cdc::DdlRecord ddl_record(cdc::DdlClass ddl_class, std::vector<cdc::TableName> tables,
                                 const std::string& sql) {
  cdc::DdlRecord record;
  record.ddl_class = ddl_class;
  record.tables = std::move(tables);
  record.db = "shop";
  record.gtid = record.gtids = "u:24";
  record.ts_ms = 1763710000123;
  record.position = {"binlog.000002", 2000};
  record.sql = sql;
  return record;
}

inline std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string_view::npos);
    lines.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

inline rapidjson::Document parsed(const std::string& line) {
  INFO(line);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag>(line.data(),
                                                                                             line.size());
  REQUIRE_FALSE(document.HasParseError());
  REQUIRE(document.IsObject());
  return document;
}
inline std::vector<rapidjson::Document> parsed_lines(const cdc::OutBuffer& out) {
  std::vector<rapidjson::Document> documents;
  for (const std::string& line : lines(out.view())) documents.push_back(parsed(line));
  return documents;
}

// Names of the members, in order, each followed by a blank.
inline std::string keys(const rapidjson::Value& object) {
  REQUIRE(object.IsObject());
  std::string keys;
  for (auto it = object.MemberBegin(), end = object.MemberEnd(); it < end; ++it)
    keys += it->name.GetString() + std::string(" ");
  return keys;
}
inline std::string string_of(const rapidjson::Value& value) {
  REQUIRE(value.IsString());
  return {value.GetString(), value.GetStringLength()};
}

// Well-known binary of a geometry and, in front, MySQL's SRID.
class Wkb {
 public:
  explicit Wkb(std::uint32_t srid = 0) { number(srid); }
  Wkb& type(std::uint32_t type) {
    bytes_ += '\1';
    return number(type);
  }
  Wkb& number(std::uint32_t number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  Wkb& point(double x, double y) {
    for (const double coordinate : {x, y})
      bytes_.append(reinterpret_cast<const char*>(&coordinate), sizeof coordinate);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }
  Value value() const { return Value::of_text(Kind::geometry, bytes_); }

 private:
  std::string bytes_;
};

}  // namespace formats_fixture
