// SPDX-License-Identifier: Apache-2.0
// What information_schema says of the tables that -t names, and what the binlog between the position and the
// server's end does to them. information_schema shows an account only what it has some privilege on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/binlog/table_map.hpp"
#include "common/model/schema.hpp"
#include "common/mysql/connection.hpp"
#include "tools/cdc-check/facts.hpp"
#include "tools/cdc-check/position_facts.hpp"

namespace cdc::check {

struct ColumnFacts {
  std::string name;
  std::string data_type;    // "decimal"
  std::string column_type;  // "decimal(65,30)", "bigint unsigned"
  std::string charset;      // "" when not text
  std::string extra;        // "auto_increment", "STORED GENERATED INVISIBLE", …
  std::uint64_t precision = 0, characters = 0;
};

struct TableFacts {
  TableName name;
  bool is_view = false, partitioned = false;
  std::string engine;
  std::vector<ColumnFacts> columns;
  std::vector<std::string> primary_key;  // in key order
  std::vector<std::string>
      cascades;  // foreign keys that change rows of this table: "orders_fk ON DELETE CASCADE"
  std::vector<std::string> triggers;
  const ColumnFacts* column(const std::string& wanted) const;
};

// DDL behind the position that names a table.
struct TableChange {
  TableName table;
  BinlogPosition position;
};

// The log from the position on, as far as it was read.
struct TableActivity {
  std::map<TableName, std::uint64_t> rows_events;
  std::vector<TableChange> changes;
  // The definition of each table's first rows, and what keeps the table of now from being that: "column 3 is
  // int there and bigint here".
  std::map<TableName, std::shared_ptr<const TableMap>> first_maps;
  std::map<TableName, std::string> differences;
  XaBehind xas;
  std::uint64_t anonymous = 0;  // transactions without GTID
  std::uint64_t bytes = 0;
  std::uint64_t distance = 0;  // bytes from the position to the server's end
  bool complete = false;       // read up to there
  std::string refused;  // the server broke the dump off: a transaction that gtid_mode does not let pass
};

struct TablesFacts {
  std::vector<std::string> globs;  // of -t; empty: no table is asked about
  std::vector<TableFacts> tables;
  std::optional<TableActivity> activity;
  std::string no_activity;  // why not
};

// Whether "db.table" matches one of the globs.
bool matches(const std::vector<std::string>& globs, const TableName& name);

TablesFacts gather_tables(Connection& connection, const std::vector<std::string>& globs);

// Reads what a start at the position would be sent, at most `limit` bytes; nothing when nobody wants to know: no
// tables are named, and no XA transaction can have ended there.
void gather_activity(const ConnectOptions& options, const ServerFacts& server, const PositionFacts& position,
                     std::uint64_t limit, TablesFacts& tables);
// Holds the first rows that were met against the live tables.
void compare_definitions(Connection& connection, TablesFacts& tables);

}  // namespace cdc::check
