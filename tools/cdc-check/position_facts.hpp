// SPDX-License-Identifier: Apache-2.0
// PositionFacts: what the position in question is on this server, as far as reading its binlog tells. Asked
// once; each question to the binlog is recorded with the bytes it read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/checkpoint.hpp"
#include "common/model/position.hpp"
#include "common/mysql/position_finder.hpp"
#include "tools/cdc-check/facts.hpp"
#include "tools/cdc-check/prediction.hpp"
#include "tools/cdc-check/xa_facts.hpp"

namespace cdc::check {

// What the user asks about. Without `start` and checkpoint: the source alone.
struct PositionRequest {
  std::optional<StartPoint> start;
  std::string origin;  // where it came from, for messages: "--file", "checkpoint shop.ckpt", "job.conf"
  std::optional<Checkpoint> checkpoint;
  bool first_run = false;  // a checkpoint file was named that does not exist
};

struct Reading {
  std::string question;  // "what binlog.000003:4711 is"
  std::uint64_t bytes = 0;
};

struct PositionFacts {
  bool asked = false;  // there is a position
  StartupMode mode = StartupMode::specific;
  std::optional<BinlogPosition> given_position;
  std::optional<GtidSet> given_set;
  std::optional<std::int64_t> given_timestamp_ms;
  std::string recorded_uuid;  // of the server a checkpoint was made on, "" when not known
  bool from_checkpoint = false;
  // Whether a reader that has both goes by the set.
  bool by_set = false;
  // The file and offset of a checkpoint tells where its job once was, perhaps on another server: not looked
  // at.
  bool position_is_history = false;

  // Where a start happens: the given file and offset, or the place of the set, time or mode.
  std::optional<BinlogPosition> position;
  std::optional<GtidSet> complete;        // all executed there; see usable_set()
  PreparedXas prepared;                   // XA transactions that the file says are open there
  XaFacts xa;                             // all of them, as far as is known: gather_xas()
  std::optional<PositionScan> scan;       // of a given file and offset
  std::optional<Transaction> first;       // the first transaction that will be sent, when it is there
  std::int64_t last_commit_ms = 0;        // of the newest transaction before it, 0 when not known
  std::optional<std::string> first_file;  // where the server begins to read for a set
  // A set that its connector collected from a bare start on, made whole; see repair_set().
  std::optional<GtidSet> repaired;
  std::string refusal;  // why position, complete or scan are not known
  std::string damage;   // what is wrong with the bytes of the binlog, "" when they could be read
  std::optional<GtidSet> oldest_previous;  // PREVIOUS_GTIDS of the oldest file

  ServerSets sets;
  StartPrediction start;
  // MySQL, when the server accepts: what is executed now and will be sent, and of that what is older than the
  // newest of the given set: sent again, or late.
  std::optional<GtidSet> sends, replays;
  RestartPrediction restart;  // of a connector that collects GTIDs, whoever the consumer is
  std::vector<Reading> readings;
};

// Reads what is needed on connections of its own. A refusal of the server is in the facts, a lost connection
// and bytes that are no binlog are thrown.
PositionFacts gather_position(const PositionRequest& request, const ServerFacts& facts,
                              PositionFinder& finder);

// The set to start from: complete there, or made whole, without XA PREPAREs whose rows are still to come.
std::optional<GtidSet> usable_set(const PositionFacts& position);

// Whether `set` looks collected: it lacks only purged transactions that are older than all it has.
bool looks_collected(const GtidSet& set, const GtidSet& missing);

}  // namespace cdc::check
