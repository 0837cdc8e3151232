// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/live_table.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/text.hpp"
#include "common/binlog/collation.hpp"

namespace cdc {

namespace {

// How a type's metadata in a table map follows from information_schema.
enum class Meta : std::uint8_t { fixed, octets, precision_scale, bits, fraction, enum_labels, set_labels };

struct TypeRule {
  std::string_view data_type;
  ColumnType type;
  Meta meta;
  std::uint32_t fixed;
};

constexpr std::array kTypes{
    TypeRule{"tinyint", ColumnType::tiny, Meta::fixed, 0},
    TypeRule{"smallint", ColumnType::short_int, Meta::fixed, 0},
    TypeRule{"mediumint", ColumnType::int24, Meta::fixed, 0},
    TypeRule{"int", ColumnType::long_int, Meta::fixed, 0},
    TypeRule{"bigint", ColumnType::longlong, Meta::fixed, 0},
    TypeRule{"float", ColumnType::float32, Meta::fixed, 4},
    TypeRule{"double", ColumnType::float64, Meta::fixed, 8},
    TypeRule{"decimal", ColumnType::newdecimal, Meta::precision_scale, 0},
    TypeRule{"bit", ColumnType::bit, Meta::bits, 0},
    TypeRule{"year", ColumnType::year, Meta::fixed, 0},
    TypeRule{"date", ColumnType::date, Meta::fixed, 0},
    TypeRule{"time", ColumnType::time2, Meta::fraction, 0},
    TypeRule{"datetime", ColumnType::datetime2, Meta::fraction, 0},
    TypeRule{"timestamp", ColumnType::timestamp2, Meta::fraction, 0},
    TypeRule{"char", ColumnType::string, Meta::octets, 0},
    TypeRule{"binary", ColumnType::string, Meta::octets, 0},
    TypeRule{"varchar", ColumnType::varchar, Meta::octets, 0},
    TypeRule{"varbinary", ColumnType::varchar, Meta::octets, 0},
    TypeRule{"tinytext", ColumnType::blob, Meta::fixed, 1},
    TypeRule{"tinyblob", ColumnType::blob, Meta::fixed, 1},
    TypeRule{"text", ColumnType::blob, Meta::fixed, 2},
    TypeRule{"blob", ColumnType::blob, Meta::fixed, 2},
    TypeRule{"mediumtext", ColumnType::blob, Meta::fixed, 3},
    TypeRule{"mediumblob", ColumnType::blob, Meta::fixed, 3},
    TypeRule{"longtext", ColumnType::blob, Meta::fixed, 4},
    TypeRule{"longblob", ColumnType::blob, Meta::fixed, 4},
    TypeRule{"enum", ColumnType::enumeration, Meta::enum_labels, 0},
    TypeRule{"set", ColumnType::set, Meta::set_labels, 0},
    TypeRule{"json", ColumnType::json, Meta::fixed, 4},
    TypeRule{"vector", ColumnType::vector, Meta::fixed, 4},
    TypeRule{"geometry", ColumnType::geometry, Meta::fixed, 4},
    TypeRule{"point", ColumnType::geometry, Meta::fixed, 4},
    TypeRule{"linestring", ColumnType::geometry, Meta::fixed, 4},
    TypeRule{"polygon", ColumnType::geometry, Meta::fixed, 4},
    TypeRule{"multipoint", ColumnType::geometry, Meta::fixed, 4},
    TypeRule{"multilinestring", ColumnType::geometry, Meta::fixed, 4},
    TypeRule{"multipolygon", ColumnType::geometry, Meta::fixed, 4},
    TypeRule{"geometrycollection", ColumnType::geometry, Meta::fixed, 4},
    TypeRule{"geomcollection", ColumnType::geometry, Meta::fixed, 4},
    // MariaDB's; rows events carry them as BINARY.
    TypeRule{"inet4", ColumnType::string, Meta::fixed, 4},
    TypeRule{"inet6", ColumnType::string, Meta::fixed, 16},
    TypeRule{"uuid", ColumnType::string, Meta::fixed, 16},
};

// The order of the columns of kQuery.
enum Item : std::size_t {
  kName,
  kType,
  kDataType,
  kNullable,
  kDefault,
  kExtra,
  kCharset,
  kCollationId,
  kOctets,
  kPrecision,
  kScale,
  kFraction,
  kKeyPart,
};

std::string column_query(const Connection& connection, const TableName& name) {
  const std::string db = connection.quote(name.db), table = connection.quote(name.table);
  return "SELECT c.COLUMN_NAME, c.COLUMN_TYPE, c.DATA_TYPE, c.IS_NULLABLE, c.COLUMN_DEFAULT, c.EXTRA, "
         "c.CHARACTER_SET_NAME, l.ID, c.CHARACTER_OCTET_LENGTH, c.NUMERIC_PRECISION, c.NUMERIC_SCALE, "
         "c.DATETIME_PRECISION, k.SEQ_IN_INDEX FROM information_schema.COLUMNS c "
         "LEFT JOIN information_schema.COLLATIONS l ON l.COLLATION_NAME = c.COLLATION_NAME "
         "LEFT JOIN information_schema.STATISTICS k ON k.TABLE_SCHEMA = " +
         db + " AND k.TABLE_NAME = " + table +
         " AND k.INDEX_NAME = 'PRIMARY' AND k.COLUMN_NAME = c.COLUMN_NAME "
         "WHERE c.TABLE_SCHEMA = " +
         db + " AND c.TABLE_NAME = " + table + " ORDER BY c.ORDINAL_POSITION";
}

std::uint32_t number(const Field& field) {
  return field ? static_cast<std::uint32_t>(parse_uint(*field).value_or(0)) : 0;
}

char unescaped(char c) {
  return c == 'n' ? '\n' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
}

// "enum('a','it''s','C:\\\\')" → a, it's, C:\. The servers double quotes, and escape backslash, newline, return and NUL,
// whatever sql_mode says (append_unescaped in sql/unireg.cc, sql/table.cc).
std::vector<std::string> parse_labels(std::string_view type_text) {
  std::vector<std::string> labels;
  std::size_t at = type_text.find('\'');
  while (at < type_text.size() && type_text[at] == '\'') {
    std::string label;
    for (++at; at < type_text.size(); ++at) {
      if (type_text[at] == '\'' && (at + 1 == type_text.size() || type_text[at + 1] != '\'')) break;
      const bool escaped = type_text[at] == '\\' && at + 1 < type_text.size();
      if (escaped || type_text[at] == '\'') ++at;
      label.push_back(escaped ? unescaped(type_text[at]) : type_text[at]);
    }
    labels.push_back(std::move(label));
    at += 2;  // the quote and the comma
  }
  return labels;
}

std::uint32_t pack_length(Meta meta, std::size_t labels) {
  if (meta == Meta::enum_labels) return labels < 256 ? 1 : 2;
  const auto bytes = static_cast<std::uint32_t>((labels + 7) / 8);
  return bytes > 4 ? 8 : bytes;
}

void read_type(const std::vector<Field>& row, Column& column) {
  const std::string_view data_type = *row[kDataType];
  const auto rule = std::find_if(kTypes.begin(), kTypes.end(),
                                 [&](const TypeRule& candidate) { return candidate.data_type == data_type; });
  if (rule == kTypes.end())
    throw DataError("column " + column.name + " is of the unknown type " + column.type_text);
  column.type = rule->type;
  switch (rule->meta) {
    case Meta::fixed:
      column.meta = rule->fixed;
      break;
    case Meta::octets:
      column.meta = number(row[kOctets]);
      break;
    case Meta::precision_scale:
      column.meta = number(row[kPrecision]) << 8 | number(row[kScale]);
      break;
    case Meta::bits:
      column.meta = number(row[kPrecision]);
      break;
    case Meta::fraction:
      column.meta = number(row[kFraction]);
      break;
    case Meta::enum_labels:
    case Meta::set_labels:
      column.labels = parse_labels(column.type_text);
      column.meta = pack_length(rule->meta, column.labels.size());
      break;
  }
}

// MariaDB tells COMPRESSED only in the type text. A compressed value has a byte more than the declared length.
void read_compressed(Column& column) {
  if (column.type_text.find("COMPRESSED") == std::string::npos) return;
  if (column.type == ColumnType::varchar) {
    column.type = ColumnType::mariadb_varchar_compressed;
    ++column.meta;
  } else if (column.type == ColumnType::blob) {
    column.type = ColumnType::mariadb_blob_compressed;
  }
}

// information_schema has no collation for binary columns; table maps have it.
bool is_string(ColumnType type) {
  return type == ColumnType::string || type == ColumnType::varchar || type == ColumnType::blob;
}

Column read_column(const std::vector<Field>& row) {
  const std::string extra = lower_ascii(row[kExtra].value_or(""));
  const auto says = [&](std::string_view word) { return extra.find(word) != std::string::npos; };
  Column column;
  column.name = row[kName].value_or("");
  column.type_text = row[kType].value_or("");
  read_type(row, column);
  column.nullable = row[kNullable] == "YES";
  column.is_unsigned = column.labels.empty() && column.type_text.find(" unsigned") != std::string::npos;
  column.collation = static_cast<std::uint16_t>(number(row[kCollationId]));
  column.charset = row[kCharset].value_or("");
  // Of MariaDB's uca1400 collations no view has the numbers.
  if (column.collation == 0 && column.charset.empty() && is_string(column.type)) column.collation = kBinaryCollation;
  if (column.labels.empty()) read_compressed(column);
  column.default_text = row[kDefault];
  column.default_known = true;
  column.invisible = says("invisible");
  if (says("virtual generated")) column.generated = "virtual";
  if (says("stored generated") || says("persistent")) column.generated = "stored";
  return column;
}

}  // namespace

std::optional<LiveTable> read_live_table(Connection& connection, const TableName& name) {
  const ServerVersion& version = connection.server_version();
  if (version.flavor != Flavor::mariadb && version.at_least(8, 0, 30)) {
    // A generated invisible primary key is in every table map, whatever this variable says.
    connection.exec("SET SESSION show_gipk_in_create_table_and_information_schema = ON");
  }
  const ResultSet result = connection.query(column_query(connection, name));
  if (result.empty()) return std::nullopt;
  LiveTable table;
  std::vector<std::pair<std::uint32_t, std::size_t>> key;
  for (const std::vector<Field>& row : result.rows) {
    if (row[kKeyPart]) key.emplace_back(number(row[kKeyPart]), table.columns.size());
    table.columns.push_back(read_column(row));
  }
  std::sort(key.begin(), key.end());
  for (const auto& [part, column] : key) table.primary_key.push_back(column);
  return table;
}

}  // namespace cdc
