// SPDX-License-Identifier: Apache-2.0
// A table as it is copied page by page: its definition now, its primary key with the order in which the server
// keeps it, and the SELECT of the page behind a key. The server compares and sorts by the key's own collation;
// keys are named to it by their bytes, so nothing here knows an order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/model/schema.hpp"
#include "common/mysql/connection.hpp"

namespace cdc {

struct KeyPart {
  std::size_t column = 0;          // index into the schema's columns
  std::string charset, collation;  // of text, as the server names them; "" for anything else
  bool descending = false;
  bool operator==(const KeyPart&) const = default;
};

struct KeyedTable {
  std::shared_ptr<const TableSchema> schema;
  // Empty: no primary key, or one that pages cannot follow: over prefixes of columns, which sorts nothing, or with a
  // SET first, of which the server makes no ranges, so that each page would be sought from the start.
  std::vector<KeyPart> key;
  // A text for each key column: its name, type, collation and direction. A page behind a key goes on where the one
  // before ended only when these are the same.
  std::vector<std::string> key_texts;
};

// The definition as rows events of now would have it: with `full_metadata` (binlog_row_metadata=FULL) what a
// table map tells, else the server's information_schema. nullopt: no such table, or no privilege on it.
std::optional<KeyedTable> read_keyed_table(Connection& connection, const TableName& name, bool full_metadata);

// SELECT of all columns but the excluded ones (NULL in their place), in the key's order, of at most `limit` rows
// behind the key `after` (texts of ResultRow::key_text(), empty: from the first row). Without a key: all rows.
// DataError when `after` is no key of this table.
std::string page_query(const KeyedTable& table, const std::vector<std::string>& after, std::uint64_t limit);

}  // namespace cdc
