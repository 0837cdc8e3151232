// SPDX-License-Identifier: Apache-2.0
// The checkpoint file: how far a pipe has come, as one JSON object, replaced atomically. `position` is the last
// boundary durable in every target table; each target table has its own mark beyond it and at most one load in
// flight. The file is the whole state of cdc-load: it is on disk before the bytes it speaks of are on the wire.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/gtid.hpp"
#include "common/model/position.hpp"
#include "common/model/record.hpp"

namespace cdc {

constexpr int kCheckpointVersion = 1;

// A place inside a transaction: its GTID or, without GTIDs, the position of its begin; and the last change contained.
struct OpenTransaction {
  std::string gtid;       // "" without GTIDs
  BinlogPosition begin;
  std::uint64_t seq = 0;
  bool operator==(const OpenTransaction&) const = default;
};

// What one target table contains beyond the checkpoint's own position: a set, not an order, so that it survives
// another commit order after a failover. Without GTIDs `position` takes the place of `gtids`.
struct Mark {
  GtidSet gtids;
  std::optional<BinlogPosition> position;
  std::vector<OpenTransaction> open;          // contained in part
  std::map<TableName, SnapshotChunk> chunks;  // by source table: the last chunk contained of its initial copy
  bool operator==(const Mark&) const = default;
};

// A load that may have been sent. It can be rebuilt from the stream: the rows in (from, to] of one table.
struct LoadIntent {
  std::string label;
  Mark from, to;
  std::uint64_t rows = 0, bytes = 0;
  std::string sha256;             // of the body, hex
  std::int64_t first_sent_ms = 0;  // epoch
  std::int64_t last_sent_ms = 0;   // of the newest attempt
  std::string witness;             // label committed in the same database before the first attempt, "" if none
  std::int64_t timeout_s = 0;
  bool suspect = false;  // StarRocks said Success with counters that are not ours: an operator has to look
  bool operator==(const LoadIntent&) const = default;
};

struct TableProgress {
  Mark done;
  std::optional<LoadIntent> load;
  bool operator==(const TableProgress&) const = default;
};

struct Checkpoint {
  std::string job;                   // random, made once: part of every label
  std::optional<GtidSet> gtid_set;   // nullopt: the server has no GTIDs
  BinlogPosition position;
  std::string server_uuid;
  std::int64_t ts_ms = 0;            // commit time of the last transaction contained
  std::string filter = "{}";         // JSON object, as in the start record; {} when cdc-check made the file
  std::string time_zone;             // "" likewise
  std::string target;                // fingerprint of map and destination; "" when cdc-tail wrote it
  bool copied = false;               // an initial copy of all that `filter` captures has ended by `position`
  std::map<std::string, TableProgress> tables;     // by target "db.table"
  std::map<std::string, std::string> witnesses;    // by target database: its last committed label
  // By source table: ALTER statements read since rows of it came last, oldest first.
  std::map<TableName, std::vector<std::string>> alters;
  bool operator==(const Checkpoint&) const = default;

  // DataError (65) naming the member when the text is not exactly a checkpoint: a missing, unknown or repeated
  // member or the lack of the final newline is an error too, because whoever writes the file back would lose what
  // it did not understand. ConfigError (78) when it is of another version. `filter` comes back without blanks.
  static Checkpoint parse(std::string_view text);
  std::string text() const;  // one line, ends with a newline

  // nullopt when the file is missing; errors name the file.
  static std::optional<Checkpoint> load(const std::string& path);
  // Durable when it returns (replace_file). IoError (74).
  void save(const std::string& path) const;
};

// "P" → the lock that guards it, "P.lock".
std::string checkpoint_lock_path(const std::string& path);

}  // namespace cdc
