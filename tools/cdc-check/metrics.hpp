// SPDX-License-Identifier: Apache-2.0
// The numbers behind the checks: how far the position is from the server's end and from being purged, and how
// the binlog grows. For thresholds, perfdata and Prometheus alike. nullopt is "not known", never a guess.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/mysql/position_finder.hpp"
#include "tools/cdc-check/facts.hpp"
#include "tools/cdc-check/position_facts.hpp"

namespace cdc::check {

// For how long the server keeps a file after it was last written.
struct Retention {
  std::optional<std::int64_t> seconds;  // nullopt: not known, or for ever
  bool forever = false;                 // nothing is purged by age
  std::string source;  // the setting, "binlog_expire_logs_seconds 2592000", or why it is not known
  // The oldest files are purged beyond this size: Percona's binlog_space_limit, MariaDB's
  // max_binlog_total_size (11.4). nullopt: no limit.
  std::optional<std::uint64_t> space_limit;
};
Retention retention_of(const ServerFacts& server);

// Seconds until the log from the position's file on has outgrown `limit`; nullopt while it does not grow.
std::optional<std::int64_t> seconds_until_full(std::uint64_t limit, std::uint64_t bytes_needed,
                                               double growth);

struct Metrics {
  std::optional<std::uint64_t> binlog_files, binlog_bytes;
  std::optional<double> growth;  // bytes a second, from the oldest file's first transaction until now
  std::optional<std::int64_t> oldest_age_s;  // of the oldest transaction in the binlog
  std::optional<std::uint64_t> lag_bytes, lag_files,
      lag_transactions;                     // from the position to the server's end
  std::optional<std::int64_t> lag_s;        // age of the first transaction that is not processed; 0: none
  std::optional<std::int64_t> headroom_s;   // until the position's file may be purged
  bool in_newest_file = false;              // headroom_s counts from its rotation, which is still to come
  bool by_space = false;                    // headroom_s is that of the space limit, the sooner one
  std::optional<std::int64_t> retention_s;  // how long a file is kept
  std::optional<std::int64_t> checkpoint_age_s;  // since the checkpoint file was written
  std::optional<std::uint64_t> dump_threads;     // sessions that read the binlog now
  std::optional<std::int64_t> replica_lag_s;     // of the source itself, the worst of its channels
  std::uint64_t bytes_read = 0;                  // of binlog, for the ages
};

// Reads the first events of up to three files for their times. `checkpoint` is the file's path, "" for none.
Metrics measure(const ServerFacts& server, const PositionFacts& position, PositionFinder& finder,
                const std::string& checkpoint);

// "3 days 4 h", "12 min", "40 s".
std::string duration_text(std::int64_t seconds);

}  // namespace cdc::check
