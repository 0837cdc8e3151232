// SPDX-License-Identifier: Apache-2.0
// Which tables an initial copy is of, and whether this server allows one: asked once, at the start.
#pragma once

#include <map>
#include <vector>

#include "common/model/checkpoint.hpp"
#include "common/mysql/server.hpp"
#include "tools/cdc-tail/filter.hpp"
#include "tools/cdc-tail/options.hpp"
#include "tools/cdc-tail/page_reader.hpp"
#include "tools/cdc-tail/table_copy.hpp"

namespace cdc::tail {

struct CopyPlan {
  bool whole = false;  // of all that is captured, not of some tables
  CopySettings settings;
  std::vector<CopiedTable> tables;
  // Where the copy of a table goes on, from the checkpoint: its last chunk told.
  std::map<TableName, SnapshotChunk> marks;
  // No page is read before the stream is here: pages must not be older than what any table has already.
  BinlogPosition caught_up;
  GtidSet contained;
};

// Without tables when nothing was asked for, or all is complete. ConfigError (78) when the server logs or stores
// rows in a way that makes a copy without locks impossible; says what to change. RefusedError (69) when a table
// of --snapshot-table is not there or not captured.
CopyPlan plan_copy(Server& server, const Options& options, const TableFilter& filter,
                   const std::optional<Checkpoint>& checkpoint);

}  // namespace cdc::tail
