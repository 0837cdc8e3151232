// SPDX-License-Identifier: Apache-2.0
// What the command line of cdc-tail said, checked for form but not yet held against a server or a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time_zone.hpp"
#include "common/binlog/charset.hpp"
#include "common/json/formats.hpp"
#include "common/model/position.hpp"
#include "common/mysql/connection.hpp"
#include "common/mysql/table_definitions.hpp"
#include "tools/cdc-tail/filter.hpp"

namespace cdc::tail {

struct Options {
  std::vector<std::string> files;  // binlogs to read; "-" is standard input; empty: read from the server
  std::optional<ConnectOptions> connect;  // nullopt: files without a server

  StartPoint start;
  StopPoint stop;
  std::string checkpoint;  // path, "" for none
  bool save_checkpoint = false, accept_change = false;

  // The initial copy: of all captured tables with startup mode `initial`, else of these, "db.table".
  std::vector<std::string> snapshot_tables;
  std::uint64_t snapshot_chunk_rows = 8192;
  unsigned snapshot_parallel = 2;  // tables at a time

  FilterRules filter;
  bool all_ddl = false, allow_statement_dml = false;
  UnknownNames unknown_names = UnknownNames::refuse;

  Format format = Format::native;
  FormatOptions format_options;
  bool line_buffered = false;
  BadText bad_text = BadText::refuse;
  std::uint64_t max_count = 0;                  // changes; 0: no limit
  std::chrono::milliseconds heartbeat{10'000};  // 0: none
  unsigned max_retries = 20;                    // in a row, after a connection that worked
  bool show_progress = false;

  bool copies() const { return start.mode == StartupMode::initial || !snapshot_tables.empty(); }
};

}  // namespace cdc::tail
