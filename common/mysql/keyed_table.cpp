// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/keyed_table.hpp"

#include <algorithm>
#include <utility>

#include "common/base/text.hpp"
#include "common/binlog/collation.hpp"
#include "common/binlog/table_map.hpp"
#include "common/mysql/live_table.hpp"

namespace cdc {

namespace {

bool is_label_number(const Column& column) {
  return column.type == ColumnType::enumeration || column.type == ColumnType::set;
}

constexpr std::uint8_t kGeometryTypes = 8;  // Field::geometry_type

bool is_string(const Column& column) {
  return column.type == ColumnType::varchar || column.type == ColumnType::string || column.type == ColumnType::blob;
}

// Text in the key of a table: the name of its character set and collation, a prefix, the direction.
constexpr const char* kKeyQuery =
    "SELECT s.COLUMN_NAME, s.SUB_PART, s.COLLATION, c.CHARACTER_SET_NAME, c.COLLATION_NAME "
    "FROM information_schema.STATISTICS s JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = s.TABLE_SCHEMA "
    "AND c.TABLE_NAME = s.TABLE_NAME AND c.COLUMN_NAME = s.COLUMN_NAME WHERE s.INDEX_NAME = 'PRIMARY' ";

std::vector<KeyPart> read_key(Connection& connection, const TableSchema& schema) {
  const ResultSet result = connection.query(
      kKeyQuery + std::string("AND s.TABLE_SCHEMA = ") + connection.quote(schema.name.db) +
      " AND s.TABLE_NAME = " + connection.quote(schema.name.table) + " ORDER BY s.SEQ_IN_INDEX");
  std::vector<KeyPart> key;
  for (const std::vector<Field>& row : result.rows) {
    if (row[1]) return {};  // a prefix
    KeyPart part;
    const auto found = std::find_if(schema.columns.begin(), schema.columns.end(),
                                    [&](const Column& column) { return column.name == row[0]; });
    if (found == schema.columns.end()) return {};
    if (found->type == ColumnType::set && key.empty()) return {};
    part.column = static_cast<std::size_t>(found - schema.columns.begin());
    part.descending = row[2] == "D";
    if (!is_label_number(*found)) {
      part.charset = row[3].value_or("");
      part.collation = row[4].value_or("");
    }
    key.push_back(std::move(part));
  }
  return key;
}

// What a table map of binlog_row_metadata=FULL does not tell.
void forget_what_no_map_tells(Column& column) {
  column.default_text.reset();
  column.default_known = false;
  column.generated.clear();
  const bool of_mariadb = column.type == ColumnType::string && column.collation == kBinaryCollation &&
                          !column.type_text.starts_with("binary");
  const std::string subtype = column.type_text == "geometrycollection" ? "geomcollection" : column.type_text;
  for (std::uint8_t i = 1; column.type == ColumnType::geometry && i < kGeometryTypes; ++i) {
    Column typed = column;
    typed.geometry_type = i;
    if (column_type_text(typed) == subtype) column.geometry_type = i;
  }
  if (column.type == ColumnType::vector) return;  // a map tells its dimension, too
  if (of_mariadb) return;  // INET6, UUID: their text needs their name
  if (const CharacterSet* charset = find_charset(column.collation); charset != nullptr && !column.charset.empty())
    column.charset = charset->name;
  column.type_text = column_type_text(column);
}

std::string literal(const Column& column, const KeyPart& part, const std::string& text) {
  const std::string hex = "x'" + to_hex(as_bytes(text)) + "'";
  if (!part.charset.empty()) return "_" + part.charset + " " + hex + " COLLATE " + part.collation;
  if (is_string(column) && (column.type != ColumnType::string || column.type_text.starts_with("binary"))) return hex;
  // A number or a time as the server prints it; from a checkpoint it could be anything.
  const bool harmless =
      !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF+-.: e") == std::string::npos;
  if (!harmless) throw DataError("'" + text + "' is no value of the key column " + column.name);
  const bool is_number = is_label_number(column) || column.type == ColumnType::bit ||
                         column.type == ColumnType::newdecimal || column.type == ColumnType::year ||
                         column.type <= ColumnType::float64 || column.type == ColumnType::longlong ||
                         column.type == ColumnType::int24;
  if (!is_number) return "'" + text + "'";
  if (text.find_first_not_of("0123456789+-.e") != std::string::npos)
    throw DataError("'" + text + "' is no number, as the key column " + column.name + " holds");
  return text;
}

// An ENUM has no ranges but of one value each: of numbers behind this one, all that there are.
std::string labels_behind(const Column& column, const KeyPart& part, const std::string& text) {
  const std::optional<std::uint64_t> number = parse_uint(text);
  if (!number) throw DataError("'" + text + "' is no number of a label of the key column " + column.name);
  const std::uint64_t first = part.descending ? 0 : *number + 1;
  const std::uint64_t end = part.descending ? *number : column.labels.size() + 1;
  std::string list;
  for (std::uint64_t i = first; i < end; ++i) list += (list.empty() ? "" : ",") + std::to_string(i);
  return list.empty() ? "FALSE" : Connection::quote_name(column.name) + " IN (" + list + ")";
}

std::string behind_one(const Column& column, const KeyPart& part, const std::string& text) {
  if (column.type == ColumnType::enumeration && !column.labels.empty()) return labels_behind(column, part, text);
  return Connection::quote_name(column.name) + (part.descending ? " < " : " > ") + literal(column, part, text);
}

// (a, b) > (x, y) in the form of which the server makes ranges: a > x OR (a = x AND b > y).
std::string behind(const KeyedTable& table, const std::vector<std::string>& after) {
  std::string condition, equal;
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    const KeyPart& part = table.key[i];
    const Column& column = table.schema->columns[part.column];
    if (i > 0) condition += " OR ";
    condition += "(" + equal + behind_one(column, part, after[i]) + ")";
    equal += Connection::quote_name(column.name) + " = " + literal(column, part, after[i]) + " AND ";
  }
  return condition;
}

}  // namespace

std::optional<KeyedTable> read_keyed_table(Connection& connection, const TableName& name, bool full_metadata) {
  std::optional<LiveTable> live = read_live_table(connection, name);
  if (!live) return std::nullopt;
  TableSchema schema{name, std::move(live->columns), std::move(live->primary_key), true};
  for (Column& column : schema.columns) {
    if (is_string(column) && column.charset.empty()) column.collation = kBinaryCollation;
    if (full_metadata) forget_what_no_map_tells(column);
  }
  KeyedTable table;
  table.key = read_key(connection, schema);
  for (const KeyPart& part : table.key) {
    const Column& column = schema.columns[part.column];
    table.key_texts.push_back(column.name + " " + column.type_text +
                              (part.collation.empty() ? "" : " COLLATE " + part.collation) +
                              (part.descending ? " DESC" : ""));
  }
  table.schema = std::make_shared<const TableSchema>(std::move(schema));
  return table;
}

std::string page_query(const KeyedTable& table, const std::vector<std::string>& after, std::uint64_t limit) {
  const TableSchema& schema = *table.schema;
  std::string sql = "SELECT ", order;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const Column& column = schema.columns[i];
    const std::string name = Connection::quote_name(column.name);
    const bool in_key = std::find(schema.primary_key.begin(), schema.primary_key.end(), i) != schema.primary_key.end();
    if (i > 0) sql += ", ";
    if (column.excluded && !in_key) {
      sql += "NULL";
    } else {
      sql += is_label_number(column) ? "CAST(" + name + " AS UNSIGNED)" : name;
    }
  }
  sql += " FROM " + Connection::quote_name(schema.name.db) + "." + Connection::quote_name(schema.name.table);
  if (table.key.empty()) return sql;
  if (!after.empty() && after.size() != table.key.size())
    throw DataError("a key of " + std::to_string(after.size()) + " columns for " + schema.name.text() +
                    ", whose key has " + std::to_string(table.key.size()));
  sql += " FORCE INDEX (PRIMARY)";
  if (!after.empty()) sql += " WHERE " + behind(table, after);
  for (const KeyPart& part : table.key) {
    order += order.empty() ? " ORDER BY " : ", ";
    order += Connection::quote_name(schema.columns[part.column].name) + (part.descending ? " DESC" : "");
  }
  return sql + order + " LIMIT " + std::to_string(limit);
}

}  // namespace cdc
