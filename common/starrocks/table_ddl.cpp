// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/table_ddl.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace cdc::starrocks {
namespace {

constexpr std::uint64_t kMaxLength = 1048576;  // of VARCHAR and VARBINARY
constexpr std::uint64_t kMaxPrecision = 38;    // of DECIMAL in all versions
constexpr std::uint64_t kTimeLength = 17;      // -838:59:59.000000
constexpr std::uint64_t kLengthOfAdded = 255;

std::string sized(const char* type, std::uint64_t bytes) {
  return std::string(type) + "(" + std::to_string(std::clamp<std::uint64_t>(bytes, 1, kMaxLength)) + ")";
}

// The most bytes of UTF-8 that a character of a MySQL character set can take.
std::uint64_t utf8_bytes(std::string_view charset) {
  if (charset == "ascii") return 1;
  constexpr std::array<std::string_view, 6> kBeyondBmp{"", "utf8mb4", "utf16", "utf16le", "utf32", "gb18030"};
  return std::find(kBeyondBmp.begin(), kBeyondBmp.end(), charset) == kBeyondBmp.end() ? 3 : 4;
}

// The bytes of UTF-8 that `bytes` bytes of a character set can become.
std::uint64_t converted_bytes(std::string_view charset, std::uint64_t bytes) {
  const bool same = charset == "" || charset == "ascii" || charset == "utf8" || charset == "utf8mb3" || charset == "utf8mb4";
  return same ? bytes : 3 * bytes;  // one byte of latin1 may be a sign of three, two of UTF-16 also
}

// ENUM('a','it''s') and SET: the longest value that a row may have, in bytes.
std::uint64_t longest_label(std::string_view type_text, bool is_set) {
  std::uint64_t longest = 0, all = 0, length = 0, labels = 0;
  bool inside = false;
  for (std::size_t i = type_text.find('('); i < type_text.size(); ++i) {
    if (type_text[i] != '\'') {
      length += inside ? 1 : 0;
    } else if (inside && i + 1 < type_text.size() && type_text[i + 1] == '\'') {
      ++length;
      ++i;
    } else if (inside) {
      inside = false;
      longest = std::max(longest, length);
      all += length;
      ++labels;
    } else {
      inside = true;
      length = 0;
    }
  }
  return is_set ? all + (labels ? labels - 1 : 0) : longest;
}

std::optional<std::string> integer_type(const MysqlType& type) {
  struct Rule {
    std::string_view base;
    const char *plain, *is_unsigned;
  };
  constexpr std::array<Rule, 7> kRules{{{"tinyint", "TINYINT", "SMALLINT"},
                                        {"smallint", "SMALLINT", "INT"},
                                        {"mediumint", "INT", "INT"},
                                        {"int", "INT", "BIGINT"},
                                        {"integer", "INT", "BIGINT"},
                                        {"bigint", "BIGINT", "LARGEINT"},
                                        {"year", "SMALLINT", "SMALLINT"}}};
  for (const Rule& rule : kRules)
    if (type.base == rule.base) return type.is_unsigned ? rule.is_unsigned : rule.plain;
  if (type.base != "bit") return std::nullopt;
  const std::uint64_t bits = type.sizes.empty() ? 1 : type.sizes[0];
  return bits == 1 ? "BOOLEAN" : bits < 64 ? "BIGINT" : "LARGEINT";
}

std::string text_type(const Column& column, const MysqlType& type) {
  if (type.base == "enum" || type.base == "set")
    return sized("VARCHAR", longest_label(column.type_text, type.base == "set"));
  if (type.base == "tinytext") return sized("VARCHAR", converted_bytes(column.charset, 255));
  if (type.base == "text") return sized("VARCHAR", converted_bytes(column.charset, 65535));
  if (type.base == "mediumtext" || type.base == "longtext") return sized("VARCHAR", kMaxLength);
  return sized("VARCHAR", (type.sizes.empty() ? 1 : type.sizes[0]) * utf8_bytes(column.charset));
}

std::uint64_t binary_bytes(const MysqlType& type) {
  if (type.base == "tinyblob") return 255;
  if (type.base == "blob") return 65535;
  if (type.base == "mediumblob" || type.base == "longblob") return kMaxLength;
  return type.sizes.empty() ? 1 : type.sizes[0];
}

std::string decimal_type(const MysqlType& type, bool in_key) {
  const std::uint64_t precision = type.sizes.empty() ? 10 : type.sizes[0], scale = type.sizes.size() > 1 ? type.sizes[1] : 0;
  if (in_key || precision > kMaxPrecision) return sized("VARCHAR", precision + 3);  // sign, zero, point
  return "DECIMAL(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
}

std::string column_sql(const Column& column, bool in_key, bool nullable) {
  return quoted_name(column.name) + " " + target_type(column, in_key) + (nullable ? " NULL" : " NOT NULL");
}

std::string name_list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "(" : ", ") + quoted_name(name);
  return text + ")";
}

}  // namespace

std::string quoted_name(std::string_view name) {
  std::string text = "`";
  for (const char c : name) text.append(c == '`' ? 2 : 1, c);
  return text + "`";
}

std::string quoted_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "'";
}

std::string target_type(const Column& column, bool in_key) {
  const MysqlType type = MysqlType::parse(column.type_text);
  if (const auto integer = integer_type(type)) return *integer;
  if (type.base == "decimal") return decimal_type(type, in_key);
  if (type.is_text()) return text_type(column, type);
  if (type.base == "date") return "DATE";
  if (type.is_temporal()) return "DATETIME";
  if (type.base == "time") return sized("VARCHAR", kTimeLength);
  const auto not_in_key = [&](std::string sql) {
    if (in_key) throw RefusedError("column " + column.name + ": a key of StarRocks cannot have type " + column.type_text);
    return sql;
  };
  if (type.base == "float") return not_in_key("FLOAT");
  if (type.base == "double") return not_in_key("DOUBLE");
  // A key cannot be VARBINARY: it is text of hexadecimal digits.
  if (type.is_binary()) return in_key ? sized("VARCHAR", 2 * binary_bytes(type)) : sized("VARBINARY", binary_bytes(type));
  if (type.base == "json" || type.base == "vector" || type.is_geometry()) return not_in_key("JSON");
  if (type.base == "inet4") return sized("VARCHAR", 15);
  if (type.base == "inet6") return sized("VARCHAR", 45);
  if (type.base == "uuid") return sized("VARCHAR", 36);
  throw RefusedError("column " + column.name + ": no type of StarRocks is known for " + column.type_text);
}

std::string create_table_sql(const TableName& target, const TableSchema& source, const RowOptions& options) {
  if (source.primary_key.empty())
    throw RefusedError(source.name.text() + " has no primary key; create a Duplicate Key table for it");
  std::vector<std::string> key, columns;
  for (const auto& [name, text] : options.add_columns) {
    key.push_back(name);
    const std::uint64_t bytes = added_value(text, source.name).size();
    columns.push_back(quoted_name(name) + " " + sized("VARCHAR", std::max(kLengthOfAdded, bytes)) + " NOT NULL");
  }
  for (const std::size_t part : source.primary_key) {
    key.push_back(source.columns[part].name);
    columns.push_back(column_sql(source.columns[part], true, false));
  }
  for (std::size_t i = 0; i < source.columns.size(); ++i) {
    if (std::find(source.primary_key.begin(), source.primary_key.end(), i) != source.primary_key.end()) continue;
    const Column& column = source.columns[i];
    const MysqlType type = MysqlType::parse(column.type_text);
    const bool becomes_null = (type.is_temporal() && options.zero_dates == OnBadValue::null) ||
                              (type.base == "json" && options.json_null == OnBadValue::null);
    columns.push_back(column_sql(column, false, column.nullable || becomes_null));
  }
  std::string sql = "CREATE TABLE IF NOT EXISTS " + quoted_name(target.db) + "." + quoted_name(target.table) + " (";
  for (std::size_t i = 0; i < columns.size(); ++i) sql += (i ? ", " : "") + columns[i];
  return sql + ") PRIMARY KEY" + name_list(key) + " DISTRIBUTED BY HASH" + name_list(key);
}

std::string add_columns_sql(const TableName& target, const TableSchema& source, const std::vector<std::size_t>& columns,
                            const std::vector<std::optional<std::string>>& defaults) {
  std::string sql = "ALTER TABLE " + quoted_name(target.db) + "." + quoted_name(target.table);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Column& column = source.columns[columns[i]];
    sql += (i ? "," : "") + (" ADD COLUMN " + column_sql(column, false, column.nullable));
    if (defaults[i]) sql += " DEFAULT " + quoted_text(*defaults[i]);
  }
  return sql;
}

}  // namespace cdc::starrocks
