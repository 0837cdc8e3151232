// SPDX-License-Identifier: Apache-2.0
// PositionFinder: position questions to a live server, answered from its binlog with as little reading as can
// be: first events of files, a binary search over them, one file scanned. Each question opens a dump on a
// connection of its own (non-blocking, closed as soon as the answer is known), which needs REPLICATION SLAVE.
// First events are remembered: a file never changes its start. Errors: ServerError, DecodeError "FILE:POS:
// …".
//
// The sets of places and scans include gtid_purged, because PREVIOUS_GTIDS does not name everything executed
// before a file: GTIDs given by SET GLOBAL gtid_purged, or applied with log_replica_updates=OFF, are in no
// binlog (seen on 9.7), and the server refuses a set without them all the same.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/mysql/binlog_stream.hpp"
#include "common/mysql/connection.hpp"
#include "common/mysql/position_scan.hpp"
#include "common/mysql/server.hpp"

namespace cdc {

// XA transactions that were looked for in the log.
struct FoundPrepared {
  PreparedXas prepared;
  std::set<XaId> ended;   // not open any more at the place
  bool all_read = false;  // what is in neither is not in the log
};

class PositionFinder {
 public:
  // `files` and `purged`: Server::binlog_files() and gtid_purged(). scan_to() and file_start() do without the
  // files. What the hook throws leaves the question; it must not answer `stop`.
  PositionFinder(ConnectOptions options, std::vector<BinlogFile> files, GtidSet purged, WaitHook wait = {});

  // The format, PREVIOUS_GTIDS (as it is, without gtid_purged) and first commit time of a file; nothing when
  // it is listed but gone.
  const FileStart& file_start(const std::string& file);
  // What the offset is and the complete set there. Reads the file up to it.
  PositionScan scan_to(const BinlogPosition& position);
  // The first transaction that the set lacks: where a dump by this set begins to send. A start there by file
  // and offset sends what the set lacks, and again those members of the set that come later (set - gtid_set).
  // nullopt when the oldest file begins beyond the set: the server has purged what the set lacks.
  std::optional<FoundPlace> place_of(const GtidSet& set);
  // The first transaction in binlog order whose commit time is at or after `timestamp_ms`. Files are chosen
  // by the commit times of their first transactions, which grow unless the server's clock was set back.
  FoundPlace first_at(std::int64_t timestamp_ms);

  // The first transaction behind the end of `file`, which must be one of the files.
  FoundPlace first_behind(const std::string& file);
  // The first transaction in binlog order that is a member of `set`; nullopt when the binlog has none.
  std::optional<FoundPlace> first_of(const GtidSet& set);

  // Where each of these XA transactions was prepared, if it still is at the place given with it. Reads whole
  // files from there backwards, and begins no further one once `limit` bytes were read.
  FoundPrepared find_prepared(const std::map<XaId, BinlogPosition>& wanted, std::uint64_t limit);

  // MariaDB: whether the binlog names this transaction, as one of its own or as the last before it. A server
  // that lacks it accepts it all the same when it knows a greater number of the same domain and server.
  bool has(const MariadbGtid& gtid);

  // The newest file that begins within `set`, where the server begins to read for it; nullopt as of
  // place_of().
  std::optional<std::string> first_file_for(const GtidSet& set);

  // Bytes of events taken from the server since the last call.
  std::uint64_t take_bytes_read();

 private:
  using Wanted = std::function<bool(const Transaction&)>;
  FoundPlace find_from(const std::string& file, const Wanted& wanted);
  BinlogStream open_dump(const std::string& file) const;

  ConnectOptions options_;
  std::vector<BinlogFile> files_;
  GtidSet purged_;
  WaitHook wait_;
  std::map<std::string, FileStart> starts_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace cdc
