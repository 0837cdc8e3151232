// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/position_facts.hpp"

#include <algorithm>

namespace cdc::check {
namespace {

// The sets the server answers from. MariaDB's counterpart of gtid_purged is at the start of its oldest file.
ServerSets server_sets(const ServerFacts& facts, const std::optional<GtidSet>& oldest_previous) {
  ServerSets sets;
  sets.executed = facts.executed.value.value_or(GtidSet());
  sets.purged = facts.purged.value.value_or(GtidSet());
  sets.owned = facts.owned.value.value_or(GtidSet());
  sets.binlog_state = facts.binlog_state.value.value_or(std::vector<MariadbGtid>());
  sets.uuid = Uuid::parse(facts.uuid);
  sets.gtid_mode = facts.gtid_mode;
  sets.version = facts.version;
  if (facts.mariadb()) sets.purged = oldest_previous.value_or(GtidSet());
  return sets;
}

class Gatherer {
 public:
  Gatherer(const ServerFacts& server, PositionFinder& finder, PositionFacts& facts)
      : server_(server), finder_(finder), facts_(facts) {}

  void run() {
    const bool can_dump_by_set = facts_.sets.gtid_mode == GtidMode::on;
    facts_.by_set = facts_.given_set && (can_dump_by_set || !facts_.given_position);
    facts_.position_is_history = facts_.by_set && facts_.from_checkpoint;
    switch (facts_.mode) {
      case StartupMode::initial:
        break;
      case StartupMode::earliest:
        at_earliest();
        break;
      case StartupMode::latest:
        at_latest();
        break;
      case StartupMode::timestamp:
        at_time();
        break;
      case StartupMode::specific:
        if (facts_.given_position && !facts_.position_is_history) at_position(*facts_.given_position);
        if (facts_.by_set) at_set(*facts_.given_set);
    }
  }

 private:
  template <typename Question>
  auto read(std::string question, Question&& ask) {
    struct Record {
      Gatherer& gatherer;
      std::string question;
      ~Record() { gatherer.facts_.readings.push_back({question, gatherer.finder_.take_bytes_read()}); }
    } record{*this, std::move(question)};
    return ask();
  }

  void at_earliest() {
    if (!server_.files) return refuse(server_.files.refusal);
    if (server_.files->empty()) return refuse("the server has no binlog files");
    facts_.given_position = BinlogPosition{server_.files->front().name, 4};
    at_position(*facts_.given_position);
  }

  void at_latest() {
    if (!server_.end) return refuse(server_.end.refusal);
    if (!*server_.end) return refuse("log_bin is off");
    facts_.position = (*server_.end)->position;
    if (server_.gtid_mode != GtidMode::off) facts_.complete = (*server_.end)->executed;
  }

  void at_time() {
    if (!server_.files) return refuse(server_.files.refusal);
    if (server_.files->empty()) return refuse("the server has no binlog files");
    const FoundPlace place = read("where the commit time is reached",
                                  [&] { return finder_.first_at(*facts_.given_timestamp_ms); });
    facts_.position = place.position;
    facts_.complete = place.gtid_set;
    facts_.prepared = place.prepared;
    facts_.first = place.first;
    facts_.last_commit_ms = place.last_commit_ms;
    facts_.start = predict_found(facts_.sets, place, false);
  }

  void at_position(const BinlogPosition& position) {
    facts_.position = position;
    if (server_.files && !is_listed(position.file)) {
      facts_.start = refused(facts_.sets.version, StartError::no_such_file);
      return;
    }
    facts_.scan = read("what " + position.text() + " is", [&] { return finder_.scan_to(position); });
    facts_.complete = facts_.scan->gtid_set;
    facts_.prepared = facts_.scan->prepared;
    facts_.first = facts_.scan->next;
    facts_.last_commit_ms = facts_.scan->last_commit_ms;
    facts_.start = predict_by_position(facts_.sets, *facts_.scan);
    if (!facts_.start.ok() || facts_.first || !server_.files) return;
    const FoundPlace place =
        read("what follows " + position.file, [&] { return finder_.first_behind(position.file); });
    facts_.first = place.first;
    facts_.start = predict_found(facts_.sets, place, false);
  }

  void at_set(const GtidSet& set) {
    facts_.start = predict_by_set(facts_.sets, set);
    facts_.first.reset();
    const StartError error = facts_.start.error;
    if (error == StartError::purged && looks_collected(set, facts_.start.transactions)) repair(set);
    if (!facts_.start.server_accepts && error != StartError::gtid_mode) return;
    facts_.complete = set;
    if (!server_.files) {  // the verdict needs no file, only the set's place does
      facts_.refusal = server_.files.refusal;
      return;
    }
    if (!holes_below(facts_.sets.executed, set).empty()) repair(set);
    facts_.first_file =
        read("in which file the server begins to read", [&] { return finder_.first_file_for(set); });
    if (is_cut_off(facts_.first_file)) {
      facts_.start = refused(facts_.sets.version, StartError::broken_index);
      return;
    }
    const auto place =
        read("where the set's first missing transaction is", [&] { return finder_.place_of(set); });
    if (!place) return;
    if (!facts_.scan) facts_.position = place->position;
    facts_.prepared = place->prepared;
    facts_.first = place->first;
    facts_.last_commit_ms = place->last_commit_ms;
    if (facts_.start.ok() && server_.mariadb()) look_for(set, *place);
    if (facts_.start.ok()) facts_.start = predict_found(facts_.sets, *place, true);
  }

  // MariaDB compares numbers when it accepts a position, and names when it sends: what the binlog does not
  // have makes it skip the domain up to a later transaction of the same server.
  void look_for(const GtidSet& set, const FoundPlace& place) {
    GtidSet absent;
    for (const auto& [domain, gtid] : set.mariadb()) {
      const bool there = read("whether the binlog has " + Gtid::of(gtid).text(),
                              [&, &gtid = gtid] { return finder_.has(gtid); });
      if (!there) absent.add(gtid);
    }
    if (absent.empty()) return;
    facts_.start = {StartError::foreign_gtids, true, absent, ""};
    facts_.first.reset();
    facts_.repaired = place.gtid_set;
  }

  // The set that holds when all of `set` was collected behind its first member in the binlog.
  void repair(const GtidSet& set) {
    if (!server_.files || server_.mariadb()) return;
    const auto place = read("where the set's first transaction is", [&] { return finder_.first_of(set); });
    if (place && place->gtid_set) facts_.repaired = *place->gtid_set + set;
  }

  bool is_listed(const std::string& name) const {
    return std::any_of(server_.files->begin(), server_.files->end(),
                       [&](const BinlogFile& file) { return file.name == name; });
  }

  // The server looks for the file to begin with from the newest on, and stops at one that is listed but gone.
  bool is_cut_off(const std::optional<std::string>& first_file) const {
    return std::any_of(server_.files->begin(), server_.files->end(), [&](const BinlogFile& file) {
      return file.size == 0 && (!first_file || compare_binlog_names(file.name, *first_file) >= 0);
    });
  }

  void refuse(const std::string& reason) {
    facts_.refusal = reason;
    facts_.start = {StartError::unknown, false, {}, ""};
  }

  const ServerFacts& server_;
  PositionFinder& finder_;
  PositionFacts& facts_;
};

void take_request(const PositionRequest& request, PositionFacts& facts) {
  if (request.checkpoint) {
    facts.last_commit_ms = request.checkpoint->ts_ms;
    facts.given_position = request.checkpoint->position;
    facts.given_set = request.checkpoint->gtid_set;
    facts.recorded_uuid = request.checkpoint->server_uuid;
    facts.from_checkpoint = true;
  } else if (request.start) {
    facts.mode = request.start->mode;
    facts.given_position = request.start->position;
    facts.given_set = request.start->gtid_set;
    facts.given_timestamp_ms = request.start->timestamp_ms;
  }
  facts.asked = request.checkpoint || (request.start && request.start->mode != StartupMode::initial);
}

// What the server accepts although it is another history: found when all else is in order.
void judge_silent_cases(const ServerFacts& server, PositionFacts& facts) {
  if (!facts.start.ok()) return;
  const bool other_server =
      !facts.recorded_uuid.empty() && !server.uuid.empty() && facts.recorded_uuid != server.uuid;
  if (other_server && !facts.by_set) {
    facts.start = {StartError::other_server, true, {}, ""};
  } else if (facts.by_set && facts.given_position && facts.scan && facts.scan->gtid_set && !other_server &&
             without_prepared(*facts.scan->gtid_set, facts.prepared) !=
                 without_prepared(*facts.given_set, facts.prepared)) {
    facts.start = {StartError::set_disagrees, true, {}, ""};
  }
}

void tell_what_is_sent(PositionFacts& facts) {
  if (!facts.start.server_accepts || !facts.complete || facts.sets.mariadb()) return;
  facts.sends = facts.sets.executed - *facts.complete;
  facts.replays = facts.by_set ? holes_below(facts.sets.executed, *facts.given_set) : GtidSet();
}

}  // namespace

std::optional<GtidSet> usable_set(const PositionFacts& position) {
  std::optional<GtidSet> set = position.complete ? position.complete : position.repaired;
  if (!set) return set;
  PreparedXas open = position.prepared;
  for (const auto& [xid, transaction] : position.xa.open)
    if (transaction.prepared) open.emplace(xid, *transaction.prepared);
  return without_prepared(std::move(*set), open);
}

bool looks_collected(const GtidSet& set, const GtidSet& missing) {
  bool shares_source = false;
  for (const auto& [source, intervals] : missing.mysql()) {
    const auto had = set.mysql().find(source);
    if (had == set.mysql().end()) continue;
    shares_source = true;
    if (std::prev(intervals.end())->second > had->second.begin()->first) return false;
  }
  return shares_source;
}

PositionFacts gather_position(const PositionRequest& request, const ServerFacts& facts,
                              PositionFinder& finder) {
  PositionFacts position;
  take_request(request, position);
  if (!position.asked) return position;
  position.sets = server_sets(facts, std::nullopt);
  try {
    if (facts.files && !facts.files->empty())
      position.oldest_previous = finder.file_start(facts.files->front().name).previous_gtids;
    position.readings.push_back({"what precedes the oldest file", finder.take_bytes_read()});
    position.sets = server_sets(facts, position.oldest_previous);
    Gatherer(facts, finder, position).run();
  } catch (const DecodeError& error) {
    position.damage = error.message();
    position.start = {StartError::unknown, false, {}, ""};
  } catch (const ServerError& error) {
    if (error.transient()) throw;
    constexpr unsigned kFatalErrorReadingBinlog = 1236;
    if (is_missing_file(error)) {
      position.start = refused(facts.version, StartError::broken_index);
    } else if (error.number() == kFatalErrorReadingBinlog && !facts.files) {
      position.start = refused(facts.version, StartError::no_such_file);
    } else {
      position.refusal = error.exit_code() == ExitCode::denied ? lacking(facts.account, "REPLICATION SLAVE")
                                                               : error.message();
      position.start = {StartError::unknown, false, {}, ""};
    }
  }
  judge_silent_cases(facts, position);
  tell_what_is_sent(position);
  if (!position.by_set && position.complete && position.mode != StartupMode::latest)
    position.restart = predict_restart_of_collector(position.sets, *position.complete);
  position.restart.skips =
      skipped_by_filling(position.sets, position.by_set ? position.given_set : std::nullopt);
  return position;
}

}  // namespace cdc::check
