// SPDX-License-Identifier: Apache-2.0
// The definition of a table as far as a change needs it: what the rows events say (types, sign, charset),
// and what has to come from elsewhere (names, keys, labels, defaults) when row metadata is MINIMAL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cdc {

// enum_field_types (include/field_types.h) as found in TABLE_MAP_EVENT after unpacking STRING into ENUM and SET; MariaDB's compressed types 140, 141.
enum class ColumnType : std::uint8_t {
  decimal_old = 0, tiny = 1, short_int = 2, long_int = 3, float32 = 4, float64 = 5, null = 6, timestamp = 7,
  longlong = 8, int24 = 9, date = 10, time = 11, datetime = 12, year = 13, newdate = 14, varchar = 15, bit = 16,
  timestamp2 = 17, datetime2 = 18, time2 = 19, typed_array = 20, mariadb_blob_compressed = 140,
  mariadb_varchar_compressed = 141, vector = 242, json = 245, newdecimal = 246, enumeration = 247, set = 248,
  tiny_blob = 249, medium_blob = 250, long_blob = 251, blob = 252, var_string = 253, string = 254, geometry = 255,
};

struct Column {
  // From the table map.
  ColumnType type = ColumnType::null;
  // By type: bytes of VARCHAR/CHAR, length bytes of BLOB/JSON/GEOMETRY/VECTOR (1..4), precision << 8 | scale of
  // NEWDECIMAL, bits of BIT, fractional digits of temporals, pack length of ENUM/SET, 4/8 of FLOAT/DOUBLE.
  std::uint32_t meta = 0;
  bool nullable = false;
  bool is_unsigned = false;
  std::uint16_t collation = 0;  // MySQL collation id; 63 binary, 0 not known (not a character column)

  // From the table map's optional metadata or the server's information_schema.
  std::string name;
  std::vector<std::string> labels;  // ENUM and SET, UTF-8
  bool invisible = false;
  std::uint8_t geometry_type = 0;  // Field::geometry_type
  std::uint32_t vector_dimension = 0;

  // What a `table` record tells. `type_text` is MySQL's column type text ("int unsigned", "varchar(32)").
  std::string type_text;
  std::string charset;                      // "" when not a character column
  std::optional<std::string> default_text;  // as information_schema.COLUMNS.COLUMN_DEFAULT; nullopt when none or not known
  bool default_known = false;               // false: a binlog with full metadata tells no defaults
  std::string generated;                    // "", "virtual" or "stored"

  bool excluded = false;  // --exclude-column: neither its definition nor its values are told

  bool operator==(const Column&) const = default;
};

struct TableName {
  std::string db, table;
  auto operator<=>(const TableName&) const = default;
  std::string text() const { return db + "." + table; }
};

// Immutable once shared: a changed definition is a new object, so that writers may cache by address.
struct TableSchema {
  TableName name;
  std::vector<Column> columns;
  std::vector<std::size_t> primary_key;  // indices into columns, in key order; empty when there is none
  bool named = true;                     // false: names are "@1", "@2", …
  bool operator==(const TableSchema&) const = default;
};

}  // namespace cdc
