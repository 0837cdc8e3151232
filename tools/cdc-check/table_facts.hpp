// SPDX-License-Identifier: Apache-2.0
// What information_schema says of the tables that -t names, and what the binlog between the position and the
// server's end does to them. information_schema shows an account only what it has some privilege on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

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

struct TableActivity {
  std::map<TableName, std::uint64_t> rows_events;
  std::vector<TableChange> changes;
  std::uint64_t bytes = 0;
  bool complete = false;  // read up to the server's end
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

// Reads the binlog from the position to the end, if that is no more than `limit` bytes.
void gather_activity(const ConnectOptions& options, const ServerFacts& server, const PositionFacts& position,
                     std::uint64_t limit, TablesFacts& tables);

}  // namespace cdc::check
