// SPDX-License-Identifier: Apache-2.0
// A table as the server's information_schema has it now, in the terms of a table map, so that the two can be
// compared. Source: MySQL manual "INFORMATION_SCHEMA COLUMNS"; types and metadata as
// Field::do_save_field_metadata (sql/field.cc) writes them.
#pragma once

#include <optional>
#include <vector>

#include "common/model/schema.hpp"
#include "common/mysql/connection.hpp"

namespace cdc {

struct LiveTable {
  std::vector<Column> columns;  // all but geometry_type and vector_dimension
  std::vector<std::size_t> primary_key;
};

// nullopt: there is no such table, or the user has no privilege on it. DataError for a type that is not
// known.
std::optional<LiveTable> read_live_table(Connection& connection, const TableName& name);

}  // namespace cdc
