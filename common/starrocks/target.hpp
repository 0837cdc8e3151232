// SPDX-License-Identifier: Apache-2.0
// A table of StarRocks as its metadata tells it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/schema.hpp"

namespace cdc::starrocks {

enum class TableModel { primary_key, duplicate_key, unique_key, aggregate_key };

struct TargetColumn {
  std::string name;
  std::string type;        // upper case, without parameters: "VARCHAR", "LARGEINT", "BOOLEAN"
  std::uint64_t size = 0;  // bytes of CHAR, VARCHAR and VARBINARY, 0 = not known; precision of DECIMAL
  std::uint64_t scale = 0;
  bool nullable = true;
  bool has_default = false;
  bool generated = false;  // computed by StarRocks: takes no value
  bool operator==(const TargetColumn&) const = default;
};

struct TargetTable {
  TableName name;
  TableModel model = TableModel::duplicate_key;
  std::vector<TargetColumn> columns;
  std::vector<std::string> key;  // in order

  // In any case, as StarRocks compares them; nullptr when there is none.
  const TargetColumn* find(std::string_view column) const;
};

// SHOW CREATE TABLE, the one statement that tells types and model alike in all versions: information_schema calls
// LARGEINT "bigint unsigned" and BOOLEAN a tinyint, and up to 3.2 leaves COLUMN_KEY empty. DataError for anything but
// a native table's.
TargetTable parse_create_table(const TableName& name, std::string_view sql);

// A MySQL column type text taken apart: "decimal(10,2) unsigned" is decimal, {10, 2}, unsigned.
struct MysqlType {
  std::string base;  // lower case
  std::vector<std::uint64_t> sizes;
  bool is_unsigned = false;

  static MysqlType parse(std::string_view text);
  bool is_binary() const;    // BINARY, VARBINARY, BLOBs
  bool is_text() const;      // CHAR, VARCHAR, TEXTs, ENUM, SET
  bool is_temporal() const;  // DATE, DATETIME, TIMESTAMP
  bool is_geometry() const;  // GEOMETRY, POINT and so on
};

// Why a column of this type cannot be loaded into `target` without loss; "" when it can.
std::string why_not_into(const MysqlType& source, const TargetColumn& target);

}  // namespace cdc::starrocks
