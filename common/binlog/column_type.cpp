// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "common/base/buffer.hpp"
#include "common/binlog/charset.hpp"
#include "common/binlog/collation.hpp"
#include "common/binlog/table_map.hpp"

namespace cdc {
namespace {

constexpr std::array<std::string_view, 8> kGeometryNames = {
    "geometry",   "point",           "linestring",   "polygon",
    "multipoint", "multilinestring", "multipolygon", "geomcollection"};
// By the number of length bytes.
constexpr std::array<std::string_view, 5> kTextNames = {"text", "tinytext", "text", "mediumtext", "longtext"};
constexpr std::array<std::string_view, 5> kBlobNames = {"blob", "tinyblob", "blob", "mediumblob", "longblob"};
constexpr std::string_view kCompressed = " /*M!100301 COMPRESSED*/";

std::string with_number(std::string_view name, std::uint64_t number) {
  return std::string(name) + "(" + std::to_string(number) + ")";
}

std::string numeric(const Column& column, std::string name) {
  if (column.is_unsigned) name += " unsigned";
  return name;
}

std::string temporal(const Column& column, std::string_view name) {
  return column.meta == 0 ? std::string(name) : with_number(name, column.meta);
}

std::string character(const Column& column, std::string_view text_name, std::string_view binary_name,
                      std::uint32_t bytes) {
  if (column.collation == kBinaryCollation) return with_number(binary_name, bytes);
  const CharacterSet* charset = find_charset(column.collation);
  return with_number(text_name, bytes / (charset == nullptr ? 1U : charset->mbmaxlen));
}

std::string large(const Column& column) {
  const std::size_t width = column.meta < kTextNames.size() ? column.meta : 0;
  return std::string((column.collation == kBinaryCollation ? kBlobNames : kTextNames)[width]);
}

// A label as the servers quote it in COLUMN_TYPE (append_unescaped in sql/unireg or sql/sql_show).
void append_quoted(std::string& out, std::string_view label) {
  out += '\'';
  for (const char c : label) {
    switch (c) {
      case '\0':
        out += "\\0";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\'':
        out += "''";
        break;
      default:
        out += c;
    }
  }
  out += '\'';
}

std::string labelled(const Column& column, std::string text) {
  if (column.labels.empty()) return text;
  TextDecoder utf8{BadText::replace};  // labels of character set binary need not be text
  Arena arena;
  text += '(';
  for (std::size_t i = 0; i < column.labels.size(); ++i) {
    if (i > 0) text += ',';
    append_quoted(text, utf8.decode("utf8mb4", column.labels[i], arena));
  }
  return text + ")";
}

}  // namespace

std::string column_type_text(const Column& column) {
  switch (column.type) {
    case ColumnType::tiny:
      return numeric(column, "tinyint");
    case ColumnType::short_int:
      return numeric(column, "smallint");
    case ColumnType::int24:
      return numeric(column, "mediumint");
    case ColumnType::long_int:
      return numeric(column, "int");
    case ColumnType::longlong:
      return numeric(column, "bigint");
    case ColumnType::float32:
      return numeric(column, "float");
    case ColumnType::float64:
      return numeric(column, "double");
    case ColumnType::decimal_old:
      return numeric(column, "decimal");
    case ColumnType::newdecimal:
      return numeric(column, "decimal(" + std::to_string(column.meta >> 8) + "," +
                                 std::to_string(column.meta & 0xff) + ")");
    case ColumnType::year:
      return "year";
    case ColumnType::bit:
      return with_number("bit", column.meta);
    case ColumnType::date:
    case ColumnType::newdate:
      return "date";
    case ColumnType::time:
    case ColumnType::time2:
      return temporal(column, "time");
    case ColumnType::datetime:
    case ColumnType::datetime2:
      return temporal(column, "datetime");
    case ColumnType::timestamp:
    case ColumnType::timestamp2:
      return temporal(column, "timestamp");
    case ColumnType::varchar:
    case ColumnType::var_string:
      return character(column, "varchar", "varbinary", column.meta);
    case ColumnType::string:
      return character(column, "char", "binary", column.meta);
    // A compressed value has one byte more than the declared length.
    case ColumnType::mariadb_varchar_compressed:
      return character(column, "varchar", "varbinary", column.meta - (column.meta > 0 ? 1 : 0))
          .append(kCompressed);
    case ColumnType::tiny_blob:
    case ColumnType::medium_blob:
    case ColumnType::long_blob:
    case ColumnType::blob:
      return large(column);
    case ColumnType::mariadb_blob_compressed:
      return large(column).append(kCompressed);
    case ColumnType::json:
      return "json";
    case ColumnType::geometry:
      return std::string(kGeometryNames[column.geometry_type % kGeometryNames.size()]);
    case ColumnType::vector:
      return column.vector_dimension == 0 ? "vector" : with_number("vector", column.vector_dimension);
    case ColumnType::enumeration:
      return labelled(column, "enum");
    case ColumnType::set:
      return labelled(column, "set");
    case ColumnType::null:
      return "null";
    case ColumnType::typed_array:
      break;  // never in a table
  }
  return "unknown(" + std::to_string(static_cast<unsigned>(column.type)) + ")";
}

}  // namespace cdc
