// SPDX-License-Identifier: Apache-2.0
// DDL for StarRocks from the definition of a table of MySQL. Pure text; the types are those that why_not_into() lets
// every value of the source into, lengths are bytes of UTF-8. Refused is what StarRocks has no type for in that place.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/schema.hpp"
#include "common/starrocks/row_plan.hpp"

namespace cdc::starrocks {

// "VARCHAR(80)"; RefusedError when a key cannot have the type.
std::string target_type(const Column& column, bool in_key);

// CREATE TABLE IF NOT EXISTS of a Primary Key table: added columns and key first, hashed by the key, everything else
// as the cluster has it by default. RefusedError when `source` has no primary key.
std::string create_table_sql(const TableName& target, const TableSchema& source, const RowOptions& options);

// ALTER TABLE … ADD COLUMN for columns of `source`, by index. `defaults`: for each the text that old rows have, nullopt
// for NULL.
std::string add_columns_sql(const TableName& target, const TableSchema& source, const std::vector<std::size_t>& columns,
                            const std::vector<std::optional<std::string>>& defaults);

// What the rows that were there before column `column` have in it: `text`, nullopt for NULL. `why_not`, if not "", says
// why that cannot be told or is not the same in all of them. `ddl`: statements of the source, oldest first; the ADD
// COLUMN among them is believed, and else the default of `source`, unless the column may have been renamed.
struct OldRows {
  std::optional<std::string> text;
  std::string why_not;
};
OldRows old_rows_value(const TableSchema& source, std::size_t column, const std::vector<std::string>& ddl,
                       bool may_be_renamed);

// Quoted for StarRocks: `name`, 'text'.
std::string quoted_name(std::string_view name);
std::string quoted_text(std::string_view text);

}  // namespace cdc::starrocks
