// SPDX-License-Identifier: Apache-2.0
// PositionFinder: position questions to a live server, answered from its binlog with as little reading as can
// be: first events of files, a binary search over them, one file scanned. Each question opens a dump on a
// connection of its own (non-blocking, closed as soon as the answer is known), which needs REPLICATION SLAVE.
// First events are remembered: a file never changes its start. Errors: ServerError, DecodeError "FILE:POS:
// …".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/mysql/connection.hpp"
#include "common/mysql/position_scan.hpp"
#include "common/mysql/server.hpp"

namespace cdc {

// Where a dump by GTID set begins to send.
struct SetPlace {
  // The first transaction that the set lacks begins here; the server's end when it lacks none. Starting here
  // by file and offset sends all that the set lacks, and also `repeated`.
  BinlogPosition position;
  GtidSet at_position;  // complete set there
  // Members of the set that are in the binlog behind the position: the set has holes or is of another order.
  GtidSet repeated;
  std::optional<Transaction> first;  // the first transaction sent; nullopt: none yet
  std::string first_file;            // where the server begins to read
};

struct TimePlace {
  BinlogPosition position;  // a boundary
  std::optional<GtidSet> gtid_set;
  std::optional<Transaction> first;  // nullopt: all are older, the position is the server's end
};

class PositionFinder {
 public:
  // `files`: Server::binlog_files(), oldest first. scan_to() and file_start() do without.
  PositionFinder(ConnectOptions options, std::vector<BinlogFile> files)
      : options_(std::move(options)), files_(std::move(files)) {}

  // The format, PREVIOUS_GTIDS and first commit time of a file.
  const FileStart& file_start(const std::string& file);
  // What the offset is and the complete set there. Reads the file up to it.
  PositionScan scan_to(const BinlogPosition& position);
  // RefusedError when the oldest file does not begin within the set: the server has purged what the set
  // lacks.
  SetPlace place_of(const GtidSet& set);
  // The first transaction in binlog order whose commit time is at or after `timestamp_ms`.
  TimePlace first_at(std::int64_t timestamp_ms);

  // Bytes of events taken from the server since the last call.
  std::uint64_t take_bytes_read();

 private:
  ConnectOptions options_;
  std::vector<BinlogFile> files_;
  std::map<std::string, FileStart> starts_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace cdc
