// SPDX-License-Identifier: Apache-2.0
#include "rows_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/base/time_zone.hpp"
#include "common/binlog/event.hpp"
#include "common/binlog/rows.hpp"
#include "common/binlog/table_map.hpp"

namespace cdc::test {

namespace {

// A cell as text that compares: nullopt NULL, "absent" what no image told.
using Cell = std::optional<std::string>;
using Row = std::vector<Cell>;
constexpr std::string_view kAbsent = "absent";

struct Table {
  std::vector<Column> columns;     // what information_schema told: name, type_text, collation
  std::vector<std::string> kinds;  // by column: how SELECT printed it
  std::map<std::string, Row> expected, rows;
};

std::string printf_text(const char* format, auto... values) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, format, values...);
  return {text, static_cast<std::size_t>(size)};
}

std::string upper_hex(std::string_view bytes) {
  std::string text = to_hex(as_bytes(bytes));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  return text;
}

std::string fraction(std::uint32_t microsecond, unsigned fsp) {
  return fsp == 0 ? "" : "." + printf_text("%06u", microsecond).substr(0, fsp);
}

std::string temporal_text(const Value& value) {
  const Value::Temporal& t = value.temporal;
  const std::string date =
      printf_text("%04u-%02u-%02u", unsigned{t.year}, unsigned{t.month}, unsigned{t.day});
  const std::string time =
      printf_text("%02u:%02u:%02u", unsigned{t.hour}, unsigned{t.minute}, unsigned{t.second}) +
      fraction(t.microsecond, value.fsp);
  if (value.kind == Value::Kind::date) return date;
  if (value.kind == Value::Kind::time) return (value.negative ? "-" : "") + time;
  return date + " " + time;
}

std::string timestamp_text(const Value& value) {
  const CivilTime t = civil_from_seconds(value.timestamp.seconds);
  return printf_text("%04d-%02u-%02u %02u:%02u:%02u", t.year, unsigned{t.month}, unsigned{t.day},
                     unsigned{t.hour}, unsigned{t.minute}, unsigned{t.second}) +
         fraction(value.timestamp.microsecond, value.fsp);
}

Cell cell_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::absent:
      return std::string(kAbsent);
    case Value::Kind::null:
      return std::nullopt;
    case Value::Kind::int64:
      return std::to_string(value.i64);
    case Value::Kind::uint64:
      return std::to_string(value.u64);
    case Value::Kind::float32:
      return printf_text("%.9g", static_cast<double>(value.f32));
    case Value::Kind::float64:
      return printf_text("%.17g", value.f64);
    case Value::Kind::decimal:
      return std::string(value.text);
    case Value::Kind::date:
    case Value::Kind::time:
    case Value::Kind::datetime:
      return temporal_text(value);
    case Value::Kind::timestamp:
      return timestamp_text(value);
    case Value::Kind::text:
    case Value::Kind::json:
    case Value::Kind::bytes:
    case Value::Kind::geometry:
    case Value::Kind::vector:
      return upper_hex(value.text);
  }
  return "?";
}

Cell printed_cell(std::string_view kind, std::string_view printed) {
  if (printed == "NULL") return std::nullopt;
  const std::string text(printed);
  if (kind == "float") return printf_text("%.9g", static_cast<double>(std::strtof(text.c_str(), nullptr)));
  if (kind == "double") return printf_text("%.17g", std::strtod(text.c_str(), nullptr));
  return text;
}

// The labels of "enum('a','it''s')".
std::vector<std::string> labels_of(std::string_view type_text) {
  std::vector<std::string> labels;
  for (std::size_t i = type_text.find('\''); i < type_text.size(); ++i) {
    std::string label;
    for (++i; type_text[i] != '\'' || type_text.substr(i, 2) == "''"; ++i) {
      if (type_text[i] == '\'') ++i;
      label += type_text[i];
    }
    labels.push_back(label);
    ++i;  // the comma or parenthesis
  }
  return labels;
}

Column described_column(const std::vector<std::string_view>& fields) {
  Column column;
  column.name = fields.at(1);
  column.type_text = fields.at(2);
  column.collation = static_cast<std::uint16_t>(*parse_uint(fields.at(3)));
  column.is_unsigned = column.type_text.find("unsigned") != std::string::npos;
  if (column.type_text.starts_with("enum(") || column.type_text.starts_with("set("))
    column.labels = labels_of(column.type_text);
  return column;
}

class Fixture {
 public:
  explicit Fixture(std::string_view name) : path_(std::string(CDC_TEST_DATA "/rows/").append(name)) {
    const std::string text = read_file(path_ + ".tsv", 1 << 24);
    Table* table = nullptr;
    for (const std::string_view line : split(text, '\n')) {
      const std::vector<std::string_view> fields = split(line, '\t');
      if (fields[0] == "table") {
        table = &tables_[std::string(fields.at(1))];
      } else if (fields[0] == "column") {
        table->columns.push_back(described_column(fields));
        table->kinds.emplace_back(fields.at(4));
      } else if (fields[0] == "row") {
        REQUIRE(fields.size() == table->kinds.size() + 1);
        Row row;
        for (std::size_t i = 1; i < fields.size(); ++i)
          row.push_back(printed_cell(table->kinds[i - 1], fields[i]));
        table->expected.emplace(row[0].value(), row);
      }
    }
  }

  std::map<std::string, Table>& tables() { return tables_; }

  // Calls `use(event, table name, columns)` for each rows event.
  void each_rows_event(
      const std::function<void(const Event&, const std::string&, const std::vector<Column>&)>& use) {
    const std::string file = read_file(path_ + ".binlog", 1 << 24);
    EventReader reader;
    std::map<std::uint64_t, std::pair<std::string, std::vector<Column>>> maps;
    for (std::size_t at = 4; at < file.size();) {
      std::uint32_t length;
      std::memcpy(&length, file.data() + at + 9, sizeof length);
      RawEvent raw{as_bytes(std::string_view(file).substr(at, length)), {}, 0};
      if (at == 4) raw.starts_file = "fixture", raw.starts_pos = at;
      at += length;
      const Event event = reader.read(raw);
      if (event.type() == EventType::table_map) {
        const TableMap map = decode_table_map(event, reader.format().mariadb);
        maps[map.table_id] = {map.name.table, merged(map)};
      } else if (is_rows_event(event.type())) {
        const auto& [name, columns] = maps.at(RowsEvent(event).table_id());
        use(event, name, columns);
      }
    }
  }

 private:
  // What the table map does not tell comes from information_schema.
  std::vector<Column> merged(const TableMap& map) {
    const Table& table = tables_.at(map.name.table);
    REQUIRE(map.columns.size() == table.columns.size());
    std::vector<Column> columns = map.columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Column& known = table.columns[i];
      if (map.has_names) CHECK(columns[i].name == known.name);
      columns[i].name = known.name;
      columns[i].type_text = known.type_text;
      if (!map.has_types) {
        columns[i].is_unsigned = known.is_unsigned;
        const bool binary = known.collation == 0 && columns[i].type == ColumnType::string;
        columns[i].collation = binary ? 63 : known.collation;
      }
      if (columns[i].labels.empty()) columns[i].labels = known.labels;
    }
    return columns;
  }

  std::string path_;
  std::map<std::string, Table> tables_;
};

void apply(Table& table, const RowImages& images) {
  Row before, after;
  for (const Value& value : images.before) before.push_back(cell_of(value));
  for (const Value& value : images.after) after.push_back(cell_of(value));
  Row stored(table.columns.size(), std::string(kAbsent));
  if (!before.empty()) {
    const auto found = table.rows.find(before[0].value());
    REQUIRE(found != table.rows.end());
    stored = found->second;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] == kAbsent || stored[i] == kAbsent) continue;
      CHECK_MESSAGE(before[i] == stored[i], table.columns[i].name, " of the before image");
    }
    table.rows.erase(found);
  }
  if (after.empty()) return;
  for (std::size_t i = 0; i < after.size(); ++i)
    if (after[i] != kAbsent) stored[i] = after[i];
  table.rows[stored[0].value()] = stored;
}

void compare(const std::string& name, const Table& table) {
  INFO("table " << name);
  CHECK(table.rows.size() == table.expected.size());
  std::size_t compared = 0;
  for (const auto& [key, expected] : table.expected) {
    const auto found = table.rows.find(key);
    REQUIRE_MESSAGE(found != table.rows.end(), "row ", key, " is missing");
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (found->second[i] == kAbsent) continue;
      ++compared;
      INFO("row " << key << " column " << table.columns[i].name << " " << table.columns[i].type_text);
      CHECK(found->second[i].value_or("NULL") == expected[i].value_or("NULL"));
    }
  }
  CHECK(compared > table.expected.size());
}

// Whatever can be decoded can be counted, and gives as many rows; anything else is an Error.
void decode_damaged(const Event& event, const std::vector<Column>& columns, DecodeContext& context) {
  std::uint64_t decoded = 0;
  try {
    const RowsEvent rows(event);
    RowCursor cursor(rows, columns, context);
    for (RowImages images; cursor.next(images); ++decoded)
      for (const auto image : {images.before, images.after})
        for (const Value& value : image)
          if (value.kind == Value::Kind::text || value.kind == Value::Kind::json)
            REQUIRE(is_valid_utf8(value.text));
          else
            cell_of(value);  // a sanitizer sees the bytes touched
  } catch (const Error&) {
    return;
  }
  CHECK(count_rows(RowsEvent(event), columns) == decoded);
}

}  // namespace

void check_fixture(std::string_view name) {
  CAPTURE(name);
  Fixture fixture(name);
  DecodeContext context;
  fixture.each_rows_event(
      [&](const Event& event, const std::string& table_name, const std::vector<Column>& columns) {
        const RowsEvent rows(event);
        RowCursor cursor(rows, columns, context);
        std::uint64_t count = 0;
        for (RowImages images; cursor.next(images); ++count) apply(fixture.tables().at(table_name), images);
        CHECK(count_rows(rows, columns) == count);
      });
  for (const auto& [table_name, table] : fixture.tables()) compare(table_name, table);
}

void damage_fixture(std::string_view name, std::size_t stride) {
  CAPTURE(name);
  Fixture fixture(name);
  DecodeContext refusing(BadText::refuse), replacing(BadText::replace);
  fixture.each_rows_event([&](const Event& event, const std::string&, const std::vector<Column>& columns) {
    for (std::size_t size = 0; size < event.body.size(); size += 1 + stride / 8) {
      const std::vector<std::uint8_t> cut(event.body.begin(),
                                          event.body.begin() + static_cast<std::ptrdiff_t>(size));
      Event damaged = event;
      damaged.body = cut;
      decode_damaged(damaged, columns, refusing);
    }
    std::vector<std::uint8_t> flipped(event.body.begin(), event.body.end());
    for (std::size_t bit = 0; bit < flipped.size() * 8; bit += stride) {
      const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
      flipped[bit / 8] ^= mask;
      Event damaged = event;
      damaged.body = flipped;
      decode_damaged(damaged, columns, bit % 16 < 8 ? refusing : replacing);
      flipped[bit / 8] ^= mask;
    }
  });
}

}  // namespace cdc::test
