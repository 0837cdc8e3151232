// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/start.hpp"

#include <algorithm>
#include <utility>

#include "common/base/error.hpp"
#include "common/mysql/position_finder.hpp"

namespace cdc::tail {

namespace {

constexpr std::uint64_t kFirstEvent = 4;

// Why `scan.position` is no place to start from, and where there are some. "" when it is one.
std::string objection(const PositionScan& scan) {
  const std::string& file = scan.position.file;
  const auto at = [&](std::uint64_t pos) { return BinlogPosition{file, pos}.text(); };
  std::string what = scan.position.text();
  switch (scan.place) {
    case Place::boundary:
      return "";
    case Place::before_start:
      return what + " is in the file's head; its first event is at " + at(kFirstEvent);
    case Place::behind_end:
      return what + " is behind the end of the file" + (scan.file_end ? ", " + at(*scan.file_end) : "");
    case Place::inside_event:
      what +=
          " is inside the event " + scan.event_type + " that begins at " + std::to_string(scan.event_begin);
      break;
    case Place::inside_transaction:
      what += " is inside a transaction";
      break;
  }
  if (scan.open && scan.open->has_gtid_event) what += " (" + scan.open->gtid.text() + ")";
  what += "; start before it, at " + at(scan.before);
  if (scan.after) what += ", or behind it, at " + at(*scan.after);
  return what;
}

class Planner {
 public:
  Planner(Server& server, const Options& options, const WaitHook& wait)
      : server_(server), options_(options), wait_(wait), by_gtid_(server.can_dump_by_gtid()) {
    start_.server_uuid = server.uuid();
    start_.server_version = server.version().text;
  }

  Start from_checkpoint(const Checkpoint& checkpoint) {
    // MariaDB has no uuid: what the place means is not known, nor needed.
    const bool same_server = !server_.uuid().empty() && checkpoint.server_uuid == server_.uuid();
    if (!checkpoint.gtid_set && !same_server) {
      throw RefusedError("the checkpoint's position " + checkpoint.position.text() +
                         " without GTIDs is of server " + checkpoint.server_uuid + ", this one is " +
                         server_.uuid());
    }
    if (checkpoint.gtid_set && !by_gtid_) {
      throw RefusedError("the checkpoint is a GTID set, and gtid_mode of this server is " +
                         std::string(gtid_mode_text(server_.gtid_mode())));
    }
    if (!checkpoint.gtid_set) {
      from_position(checkpoint.position);
    } else {
      from_set(*checkpoint.gtid_set);
      if (same_server) start_.position = checkpoint.position;
    }
    return std::move(start_);
  }

  Start from(const StartPoint& point) {
    switch (point.mode) {
      case StartupMode::earliest:
        from_oldest();
        break;
      case StartupMode::initial:  // the tables as they are (snapshot.hpp), and every change from before that on
      case StartupMode::latest:
        from_end();
        break;
      case StartupMode::timestamp:
        from_time(*point.timestamp_ms);
        break;
      case StartupMode::specific:
        if (point.position) {
          from_position(*point.position);
          require_agreement(point);
        } else {
          if (!by_gtid_) {
            throw RefusedError("--gtid-set: gtid_mode of this server is " +
                               std::string(gtid_mode_text(server_.gtid_mode())));
          }
          from_set(*point.gtid_set);
        }
    }
    if (start_.executed) require_not_purged(server_, *start_.executed);
    return std::move(start_);
  }

 private:
  PositionFinder finder() {
    return {*options_.connect, server_.binlog_files(), by_gtid_ ? server_.gtid_purged() : GtidSet(),
            wait_};
  }

  // Where by GTIDs: the complete set, without what is only prepared there; without: position only.
  void set_place(const BinlogPosition& position, const std::optional<GtidSet>& executed, PreparedXas prepared = {}) {
    start_.position = position;
    prepared_ = std::move(prepared);
    if (by_gtid_) start_.executed = without_prepared(executed.value_or(GtidSet()), prepared_);
  }

  void from_oldest() {
    const std::vector<BinlogFile> files = server_.binlog_files();
    if (files.empty()) throw RefusedError("the server has no binlog files");
    const std::string& oldest = files.front().name;
    GtidSet executed = finder().file_start(oldest).previous_gtids.value_or(GtidSet());
    if (by_gtid_) executed.add(server_.gtid_purged());  // has more: see position_finder.hpp
    set_place({oldest, kFirstEvent}, executed);
  }

  void from_end() {
    const BinlogEnd end = end_of_log(server_);
    if (!by_gtid_) return set_place(end.position, std::nullopt);
    // A transaction is in the log a moment before it is in gtid_executed, so the set may be of a little
    // earlier than the position: telling starts where the first transaction is that the set lacks.
    start_.executed = end.executed;
    start_.settled = end.position;
  }

  void from_set(const GtidSet& executed) {
    start_.executed = executed;
    try {
      if (const std::optional<BinlogEnd> end = server_.end()) start_.settled = end->position;
    } catch (const ServerError& error) {
      if (error.exit_code() != ExitCode::denied) throw;  // only to tell `start` sooner; a dump needs less
    }
    require_not_purged(server_, executed);
    const GtidSet unknown = unknown_to(server_, executed);
    if (!unknown.empty()) {
      throw RefusedError("the position has transactions that this server has never executed: " + unknown.text() +
                         " (another server, or a replica that is behind?)");
    }
  }

  void from_position(const BinlogPosition& position) {
    const std::vector<BinlogFile> files = server_.binlog_files();
    const auto is_asked = [&](const BinlogFile& file) { return file.name == position.file; };
    if (std::none_of(files.begin(), files.end(), is_asked)) {
      throw RefusedError(
          position.file + " is not on the server" +
          (files.empty() ? "" : "; it has " + files.front().name + " to " + files.back().name));
    }
    const PositionScan scan = finder().scan_to(position);
    if (const std::string why = objection(scan); !why.empty()) throw RefusedError(why);
    set_place(position, scan.gtid_set, scan.prepared);
  }

  void from_time(std::int64_t timestamp_ms) {
    const FoundPlace place = finder().first_at(timestamp_ms);
    set_place(place.position, place.gtid_set, place.prepared);
  }

  void require_agreement(const StartPoint& point) const {
    if (!point.gtid_set || !start_.executed) return;
    if (without_prepared(*point.gtid_set, prepared_) == *start_.executed) return;
    throw RefusedError("--gtid-set is not the set executed at " + point.position->text() + ", which is " +
                       start_.executed->text());
  }

  Server& server_;
  const Options& options_;
  const WaitHook& wait_;
  bool by_gtid_;
  PreparedXas prepared_;  // and open at the start, as far as it was read
  Start start_;
};

// MariaDB compares numbers only, and sends nothing of a domain in whose log it never meets the GTID asked for: a log that
// has gone on without it, under the numbers of another server.
GtidSet unknown_to_mariadb(Server& server, const GtidSet& executed) {
  const std::vector<MariadbGtid> state = server.gtid_binlog_state();
  GtidSet unknown;
  for (const auto& [domain, gtid] : executed.mariadb()) {
    const auto has = [&wanted = gtid](const MariadbGtid& newest) {
      return newest.domain == wanted.domain && newest.server_id == wanted.server_id && newest.sequence >= wanted.sequence;
    };
    if (std::none_of(state.begin(), state.end(), has)) unknown.add(gtid);
  }
  return unknown;
}

}  // namespace

ConnectOptions at_address(ConnectOptions options, const ServerAddress& address) {
  if (options.socket.empty() && !address.host.empty()) options.hosts = {address};
  return options;
}

BinlogEnd end_of_log(Server& server) {
  std::optional<BinlogEnd> end = server.end();
  if (!end) throw ConfigError(server.connection().name() + " writes no binlog (log_bin is OFF)");
  return *std::move(end);
}

Plan plan_from_server(Server& server, const Options& options, const std::optional<Checkpoint>& checkpoint,
                      const WaitHook& wait) {
  StopPoint stop = options.stop;
  // The server's end at start-up: before anything else is asked.
  if (stop.mode == StopMode::latest) stop.position = end_of_log(server).position;
  if (stop.gtid_set && server.gtid_mode() == GtidMode::off) {
    throw RefusedError("--stop-gtid-set: gtid_mode of this server is OFF");
  }
  Planner planner(server, options, wait);
  return {checkpoint ? planner.from_checkpoint(*checkpoint) : planner.from(options.start), std::move(stop)};
}

Plan plan_from_files(const Options& options, const std::optional<Checkpoint>& checkpoint) {
  Start start;
  start.from_files = true;
  const StartPoint& point = options.start;
  if (checkpoint) {
    if (checkpoint->gtid_set) {
      start.gate.executed = checkpoint->gtid_set;
    } else {
      start.gate.position = checkpoint->position;
    }
  } else if (point.mode == StartupMode::timestamp) {
    start.gate.timestamp_ms = point.timestamp_ms;
  } else if (point.mode == StartupMode::specific && point.position) {
    start.gate.position = point.position;
  } else if (point.mode == StartupMode::specific) {
    start.gate.executed = point.gtid_set;
  } else if (point.mode != StartupMode::earliest) {
    throw UsageError("binlog files can be read from earliest, specific or timestamp");
  }
  return {std::move(start), options.stop};
}

GtidSet unknown_to(Server& server, const GtidSet& executed) {
  if (server.mariadb()) return unknown_to_mariadb(server, executed);
  // What is being committed is in the log, and may have been told, before it is executed. In this order: what
  // ceases to be owned in between is executed then.
  const GtidSet owned = server.gtid_owned();
  return executed - owned - server.gtid_executed();
}

DumpRequest dump_request(const Options& options, const GtidSet* executed, const BinlogPosition& boundary) {
  DumpRequest request;
  if (executed != nullptr) {
    request.executed = *executed;
  } else {
    request.position = boundary;
  }
  request.stop_at_end = options.stop.mode == StopMode::latest && !options.copies();
  request.server_id = options.connect->server_id;
  return request;
}

void require_not_purged(Server& server, const GtidSet& executed) {
  const GtidSet purged = server.gtid_purged();
  if (executed.contains(purged)) return;
  const GtidSet missing = purged - executed, without = executed + purged;
  // Of an empty position the two are the same.
  throw RefusedError("the server has purged " + std::to_string(missing.count()) + " transactions that the position lacks" +
                     (missing == without ? "" : ": " + missing.text()) +
                     "; to go on without them: --gtid-set=" + without.text());
}

void check_successor(Server& server, const GtidSet* executed, bool is_another) {
  const std::string& name = server.connection().name();
  if (executed == nullptr) {
    if (is_another)
      throw RefusedError(name + " is not the server from before, and there are no GTIDs to go on by");
    return;
  }
  require_not_purged(server, *executed);
  if (!is_another) return;
  const GtidSet unknown = unknown_to(server, *executed);
  if (unknown.empty()) return;
  throw ServerError(ExitCode::temporary, 0, "HY000", true,
                    name + " lacks transactions that were told already: " + unknown.text());
}

}  // namespace cdc::tail
