// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/snapshot_plan.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace cdc::tail {

namespace {

constexpr std::size_t kMostTables = 1'000'000;

// The last two columns: columns of the primary key, and those of them that are only prefixes.
constexpr const char* kTablesQuery =
    "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.ENGINE, t.TABLE_ROWS, t.DATA_LENGTH, t.TABLE_TYPE, COUNT(s.COLUMN_NAME), "
    "COUNT(s.SUB_PART) FROM information_schema.TABLES t LEFT JOIN information_schema.STATISTICS s "
    "ON s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME AND s.INDEX_NAME = 'PRIMARY' "
    "WHERE t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND t.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', "
    "'performance_schema') GROUP BY t.TABLE_SCHEMA, t.TABLE_NAME, t.ENGINE, t.TABLE_ROWS, t.DATA_LENGTH, t.TABLE_TYPE "
    "ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME";

void require(Server& server, const char* variable, std::string_view wanted) {
  const std::optional<std::string> value = server.variable(variable);
  if (!value || lower_ascii(*value).starts_with(wanted)) return;
  throw ConfigError(server.connection().name() + ": an initial copy needs " + variable + "=" + std::string(wanted) +
                    ", it is " + *value);
}

bool is_asked_for(const Options& options, const TableName& name) {
  return std::any_of(options.snapshot_tables.begin(), options.snapshot_tables.end(),
                     [&](const std::string& wanted) { return wanted == name.text(); });
}

// Tables whose first key column is a SET: pages cannot follow that (keyed_table.hpp).
constexpr const char* kSetKeysQuery =
    "SELECT s.TABLE_SCHEMA, s.TABLE_NAME FROM information_schema.STATISTICS s JOIN information_schema.COLUMNS c "
    "ON c.TABLE_SCHEMA = s.TABLE_SCHEMA AND c.TABLE_NAME = s.TABLE_NAME AND c.COLUMN_NAME = s.COLUMN_NAME "
    "WHERE s.INDEX_NAME = 'PRIMARY' AND s.SEQ_IN_INDEX = 1 AND c.DATA_TYPE = 'set'";

// A copy that has ended says all of what was captured then; a table of later is told from its creation on.
bool is_whole(const Options& options, const TableFilter& filter, const std::optional<Checkpoint>& checkpoint) {
  if (options.start.mode != StartupMode::initial) return false;
  return !checkpoint || !checkpoint->copied || checkpoint->filter != filter.canonical();
}

// What any table has, or may have, beyond the checkpoint's own position.
GtidSet contained_in(const Checkpoint& checkpoint) {
  GtidSet gtids;
  const auto add = [&](const Mark& mark) {
    gtids.add(mark.gtids);
    for (const OpenTransaction& open : mark.open)
      if (const std::optional<Gtid> gtid = Gtid::parse(open.gtid)) gtids.add(*gtid);
  };
  for (const auto& [target, progress] : checkpoint.tables) {
    add(progress.done);
    if (progress.load) add(progress.load->to);
  }
  return gtids;
}

std::map<TableName, SnapshotChunk> marks_of(const Checkpoint& checkpoint) {
  std::map<TableName, SnapshotChunk> marks;
  for (const auto& [target, progress] : checkpoint.tables) {
    for (const auto& [table, chunk] : progress.done.chunks) {
      SnapshotChunk& mark = marks.try_emplace(table, chunk).first->second;
      if (mark.chunk > chunk.chunk) mark = chunk;  // it goes to several targets
    }
  }
  return marks;
}

void check_table(const CopiedTable& table, const std::string& engine, const std::string& type, Bound bound) {
  const std::string advice = "; leave it out with -x '" + table.name.text() + "'";
  if (type == "SYSTEM VERSIONED")
    throw ConfigError("table " + table.name.text() + " is system-versioned: its changes tell rows of the past that no " +
                      "SELECT shows" + advice);
  if (engine != "InnoDB")
    throw ConfigError("table " + table.name.text() + " is of engine " + engine +
                      ", which has no consistent reads" + advice);
  if (!table.keyed && bound == Bound::locks) {
    throw ConfigError("table " + table.name.text() +
                      " has no primary key that pages can follow, and without GTIDs of MySQL 8.0 or later " +
                      "it cannot be copied without locking it" + advice);
  }
}

}  // namespace

CopyPlan plan_copy(Server& server, const Options& options, const TableFilter& filter,
                   const std::optional<Checkpoint>& checkpoint) {
  CopyPlan plan;
  if (!options.copies()) return plan;
  if (checkpoint) {
    plan.marks = marks_of(*checkpoint);
    plan.contained = contained_in(*checkpoint);
  }
  plan.whole = is_whole(options, filter, checkpoint);
  const Bound bound = bound_of(server);
  std::set<TableName> by_sets;
  for (const std::vector<Field>& row : server.connection().query(kSetKeysQuery, kMostTables).rows)
    by_sets.insert({row[0].value_or(""), row[1].value_or("")});
  std::vector<std::string> missing = options.snapshot_tables;
  for (const std::vector<Field>& row : server.connection().query(kTablesQuery, kMostTables).rows) {
    CopiedTable table;
    table.name = {row[0].value_or(""), row[1].value_or("")};
    if (!filter.captures(table.name) || !(plan.whole || is_asked_for(options, table.name))) continue;
    std::erase(missing, table.name.text());
    table.rows = parse_uint(row[3].value_or("")).value_or(0);
    table.bytes = parse_uint(row[4].value_or("")).value_or(0);
    table.keyed = row[6] != "0" && row[7] == "0" && !by_sets.contains(table.name);
    if (const auto mark = plan.marks.find(table.name); mark != plan.marks.end() && mark->second.last) continue;
    check_table(table, row[2].value_or("none"), row[5].value_or(""), bound);
    plan.tables.push_back(std::move(table));
  }
  if (!plan.tables.empty()) {
    require(server, "binlog_format", "row");
    require(server, "binlog_row_image", "full");
  }
  if (!missing.empty())
    throw RefusedError("--snapshot-table=" + missing.front() + ": no such table among those that -t and -x capture");
  plan.settings.connect = *options.connect;
  plan.settings.server_uuid = server.uuid();
  plan.settings.server_id = server.server_id();
  plan.settings.bound = bound;
  plan.settings.full_metadata = lower_ascii(server.variable("binlog_row_metadata").value_or("")) == "full";
  plan.settings.chunk_rows = options.snapshot_chunk_rows;
  plan.settings.max_retries = options.max_retries;
  if (const std::optional<BinlogEnd> end = server.end()) plan.caught_up = end->position;
  return plan;
}

}  // namespace cdc::tail
