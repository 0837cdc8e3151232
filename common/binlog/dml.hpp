// SPDX-License-Identifier: Apache-2.0
// Which tables a statement that was logged as text may change rows of, from the text alone: INSERT, REPLACE, UPDATE,
// DELETE, LOAD DATA, with or without WITH. Rather a table too many than one too few: each table that a multi-table
// statement names counts as changed. What triggers, stored functions and cascades change beyond that, no text tells.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/model/schema.hpp"

namespace cdc {

// Unqualified names are completed by `default_db`. nullopt: not understood, or a SELECT, CALL or DO, whose
// functions may change any table. `sql` and `sql_mode` as in parse_ddl(). Any input gives an answer.
std::optional<std::vector<TableName>> parse_dml_tables(std::string_view sql, std::string_view default_db,
                                                       std::uint64_t sql_mode);

}  // namespace cdc
