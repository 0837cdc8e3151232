// SPDX-License-Identifier: Apache-2.0
// What a server will answer to a dump, and what will become of a connector that starts there and comes back
// later. Pure functions of sets and scans, so that a test can hold each of them against a real server. The
// order of the conditions is the server's: Binlog_sender::check_start_file in sql/rpl_source.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/gtid.hpp"
#include "common/mysql/connection.hpp"
#include "common/mysql/position_scan.hpp"
#include "common/mysql/server.hpp"

namespace cdc::check {

enum class StartError {
  none,
  // The server refuses, errno 1236:
  log_bin_off,
  server_id_zero,
  gtid_mode,
  replica_has_more,
  purged,
  no_such_file,
  pos_too_small,
  pos_too_large,
  anonymous,     // an ANONYMOUS_GTID event while it sends by GTID set, or with gtid_mode ON
  gtid_event,    // a GTID event with gtid_mode OFF
  broken_index,  // a listed file that it would have to read is not there
  // The server sends something wrong, or fails with whatever the bytes look like:
  inside_event,
  // The server accepts, but should not:
  inside_transaction,
  other_server,
  foreign_gtids,
  set_disagrees,
  // The request cannot be made:
  tags_unsupported,
  wrong_gtid_kind,
  unknown,  // what is needed to know may not be asked or read
};
std::string_view start_error_text(StartError error);  // "replica_has_more"; "" for none

// What a server knows of sets.
struct ServerSets {
  GtidSet executed, purged, owned;        // MariaDB: purged is the GTID list of the oldest file
  std::vector<MariadbGtid> binlog_state;  // MariaDB: the last of every domain and server
  std::optional<Uuid> uuid;
  GtidMode gtid_mode = GtidMode::on;
  ServerVersion version;
  bool mariadb() const { return version.flavor == Flavor::mariadb; }
};

struct StartPrediction {
  StartError error = StartError::none;
  bool server_accepts = true;
  GtidSet transactions;     // that the error is about: missing and purged, or more than the server has
  std::string server_text;  // how its message begins, "" when it has none for this
  bool ok() const { return error == StartError::none; }
};

// A dump by GTID set. What the binlog holds at its start is judged by predict_first().
StartPrediction predict_by_set(const ServerSets& sets, const GtidSet& set);
// A dump from the scanned position.
StartPrediction predict_by_position(const ServerSets& sets, const PositionScan& scan);
// An otherwise good start, by the first transaction that comes.
StartPrediction predict_first(const ServerSets& sets, const Transaction& first, bool by_set);
StartPrediction predict_found(const ServerSets& sets, const FoundPlace& place, bool by_set);
StartPrediction refused(const ServerVersion& version, StartError error, GtidSet transactions = {});

// Who starts from the position.
enum class Consumer { generic, cdc_tail, seatunnel, flink, debezium };
std::optional<Consumer> parse_consumer(std::string_view text);
std::string_view consumer_text(Consumer consumer);  // "cdc-tail"

struct RestartPrediction {
  bool ok = true;
  StartError error = StartError::none;
  bool replays_all = false;  // no error, but everything before the position again
  // Sent again although it lies before the position: at once, or once gtid_purged is added to silence the
  // error.
  GtidSet replays;
  // Of skipped_by_filling(): never sent to a connector that fills gaps.
  GtidSet skips;
};

// A connector that starts at a bare file and offset, where `complete` is executed, collects the GTIDs it
// sees, and later resumes by that set alone.
RestartPrediction predict_restart_of_collector(const ServerSets& sets, const GtidSet& complete);

// What is lost on a connector that takes gaps in its set for processed, as SeaTunnel and Flink CDC do since
// they guess at incomplete sets: holes of the set it was given that are still in the binlog, and numbers that
// the server's own set lacks below its newest, if they come yet (replicas that commit out of order, groups).
GtidSet skipped_by_filling(const ServerSets& sets, const std::optional<GtidSet>& given);
// Numbers that `executed` lacks below its newest of the same source.
GtidSet gaps_of(const GtidSet& executed);

// Members of executed - set that are older than a member of `set` of the same source: holes, sent again or
// late.
GtidSet holes_below(const GtidSet& executed, const GtidSet& set);

}  // namespace cdc::check
