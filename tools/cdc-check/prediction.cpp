// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/prediction.hpp"

#include <array>
#include <iterator>
#include <utility>

namespace cdc::check {
namespace {

// What the server calls itself changed in 8.0.26; MariaDB keeps the old words. "replicate" and "replication"
// stay.
std::string in_words_of(const ServerVersion& version, std::string text) {
  if (version.flavor != Flavor::mariadb && version.at_least(8, 0, 26)) return text;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kOlder{
      {{"source", "master"}, {"Source", "Master"}, {"replica", "slave"}, {"Replica", "Slave"}}};
  for (const auto& [newer, older] : kOlder) {
    for (std::size_t at = text.find(newer); at != std::string::npos; at = text.find(newer, at)) {
      if (at + newer.size() < text.size() && text[at + newer.size()] == 't')
        at += newer.size();
      else
        text.replace(at, newer.size(), older);
    }
  }
  return text;
}

std::string_view server_text_of(StartError error, const ServerVersion& version) {
  const bool mariadb = version.flavor == Flavor::mariadb;
  switch (error) {
    case StartError::log_bin_off:
      return "Binary log is not open";
    case StartError::server_id_zero:
      return "Misconfigured source - source server_id is 0";
    case StartError::gtid_mode:
      if (version.at_least(5, 7, 22))
        return "The replication sender thread cannot start in AUTO_POSITION mode";
      if (version.at_least(5, 6, 40)) return "Request to dump GTID when @@GLOBAL_.GTID_MODE <> ON";
      // Seen on 5.6.24, which looks for a file to begin with, and finds none.
      return "Found old binary log without GTIDs while looking for the oldest binary log";
    case StartError::replica_has_more:
      return mariadb ? "Error: connecting slave requested to start from GTID"
                     : "Replica has more GTIDs than the source has, using the source's SERVER_UUID";
    case StartError::purged:
      if (mariadb) return "Could not find GTID state requested by slave in any binlog files";
      return version.at_least(8, 0) ? "Cannot replicate because the source purged required binary logs"
                                    : "The replica is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION "
                                      "= 1, but the source has "
                                      "purged binary logs containing GTIDs that the replica requires";
    case StartError::no_such_file:
      return "Could not find first log file name in binary log index file";
    case StartError::pos_too_small:
      if (mariadb) return "Client requested source to start replication from impossible position";
      return "Client requested source to start replication from position < 4";
    case StartError::pos_too_large:
      if (mariadb) return "Client requested source to start replication from impossible position";
      return "Client requested source to start replication from position > file size";
    case StartError::anonymous:
      return "Cannot replicate anonymous transaction when";
    case StartError::gtid_event:
      return "Cannot replicate GTID-transaction when @@GLOBAL.GTID_MODE = OFF";
    case StartError::broken_index:
      return "Could not open log file";
    default:
      return "";
  }
}

bool server_refuses(StartError error) {
  return error >= StartError::log_bin_off && error <= StartError::broken_index;
}

// The part of `set` that the server numbered itself, whatever the tag.
GtidSet own_part(const GtidSet& set, const std::optional<Uuid>& uuid) {
  GtidSet own;
  for (const auto& [source, intervals] : set.mysql())
    if (uuid && source.uuid == *uuid)
      for (const auto& [start, end] : intervals) own.add(source, {start, end});
  return own;
}

StartPrediction accepted_but(StartError error, GtidSet transactions = {}) {
  return {error, true, std::move(transactions), ""};
}

StartPrediction predict_by_mariadb_set(const ServerSets& sets, const GtidSet& set) {
  if (!set.mysql().empty()) return {StartError::wrong_gtid_kind, false, {}, ""};
  // check_slave_start_position() in sql/sql_repl.cc: the binlog must have had the GTID, by domain and server.
  // A domain that it does not have at all is accepted: the server may be one of several sources.
  GtidSet ahead;
  for (const auto& [domain, gtid] : set.mariadb()) {
    bool has_domain = false, has_gtid = false;
    for (const MariadbGtid& last : sets.binlog_state) {
      if (last.domain != domain) continue;
      has_domain = true;
      has_gtid |= last.server_id == gtid.server_id && last.sequence >= gtid.sequence;
    }
    if (has_domain && !has_gtid) ahead.add(gtid);
  }
  if (!ahead.empty()) return refused(sets.version, StartError::replica_has_more, ahead);
  if (!set.contains(sets.purged)) return refused(sets.version, StartError::purged, sets.purged - set);
  if (!sets.executed.contains(set)) return accepted_but(StartError::foreign_gtids, set - sets.executed);
  return {};
}

}  // namespace

std::string_view start_error_text(StartError error) {
  constexpr std::array<std::string_view, 20> kTexts{"",
                                                    "log_bin_off",
                                                    "server_id_zero",
                                                    "gtid_mode",
                                                    "replica_has_more",
                                                    "purged",
                                                    "no_such_file",
                                                    "pos_too_small",
                                                    "pos_too_large",
                                                    "anonymous",
                                                    "gtid_event",
                                                    "broken_index",
                                                    "inside_event",
                                                    "inside_transaction",
                                                    "other_server",
                                                    "foreign_gtids",
                                                    "set_disagrees",
                                                    "tags_unsupported",
                                                    "wrong_gtid_kind",
                                                    "unknown"};
  return kTexts[static_cast<std::size_t>(error)];
}

StartPrediction refused(const ServerVersion& version, StartError error, GtidSet transactions) {
  const bool by_server = server_refuses(error);
  return {error, false, std::move(transactions),
          by_server ? in_words_of(version, std::string(server_text_of(error, version))) : ""};
}

StartPrediction predict_by_set(const ServerSets& sets, const GtidSet& set) {
  if (sets.mariadb()) return predict_by_mariadb_set(sets, set);
  if (!set.mariadb().empty()) return {StartError::wrong_gtid_kind, false, {}, ""};
  // Early releases of 5.6 (seen on 5.6.24) do not ask for the mode, and find no file with GTIDs in the end.
  const bool asks_for_mode = sets.version.at_least(5, 6, 40);
  if (sets.gtid_mode != GtidMode::on && asks_for_mode) return refused(sets.version, StartError::gtid_mode);
  if (set.has_tags() && !sets.version.at_least(8, 3)) return {StartError::tags_unsupported, false, {}, ""};
  // The server looks at its own numbers only: it may have lost what it sent before a crash.
  const GtidSet more = own_part(set, sets.uuid) - (sets.executed + sets.owned);
  if (!more.empty()) return refused(sets.version, StartError::replica_has_more, more);
  if (const GtidSet missing = sets.purged - set; !missing.empty())
    return refused(sets.version, StartError::purged, missing);
  if (sets.gtid_mode != GtidMode::on) return refused(sets.version, StartError::gtid_mode);
  if (const GtidSet foreign = set - (sets.executed + sets.owned); !foreign.empty())
    return accepted_but(StartError::foreign_gtids, foreign);
  return {};
}

StartPrediction predict_by_position(const ServerSets& sets, const PositionScan& scan) {
  switch (scan.place) {
    case Place::before_start:
      return refused(sets.version, StartError::pos_too_small);
    case Place::behind_end:
      return refused(sets.version, StartError::pos_too_large);
    // What the server makes of the bytes cannot be foretold: an error, garbage, or by chance an event.
    case Place::inside_event:
      return {StartError::inside_event, false, {}, ""};
    case Place::inside_transaction:
      return accepted_but(StartError::inside_transaction);
    case Place::boundary:
      break;
  }
  if (scan.next) return predict_first(sets, *scan.next, false);
  return {};
}

StartPrediction predict_first(const ServerSets& sets, const Transaction& first, bool by_set) {
  if (sets.mariadb() || !first.has_gtid_event) return {};
  const bool anonymous = first.gtid.empty();
  if (anonymous && (by_set || sets.gtid_mode == GtidMode::on))
    return refused(sets.version, StartError::anonymous);
  if (!anonymous && sets.gtid_mode == GtidMode::off) return refused(sets.version, StartError::gtid_event);
  return {};
}

StartPrediction predict_found(const ServerSets& sets, const FoundPlace& place, bool by_set) {
  if (place.refused_kind)
    return refused(sets.version,
                   sets.gtid_mode == GtidMode::off ? StartError::gtid_event : StartError::anonymous);
  return place.first ? predict_first(sets, *place.first, by_set) : StartPrediction{};
}

std::optional<Consumer> parse_consumer(std::string_view text) {
  for (const Consumer consumer :
       {Consumer::generic, Consumer::cdc_tail, Consumer::seatunnel, Consumer::flink, Consumer::debezium})
    if (text == consumer_text(consumer)) return consumer;
  return std::nullopt;
}

std::string_view consumer_text(Consumer consumer) {
  constexpr std::array<std::string_view, 5> kTexts{"generic", "cdc-tail", "seatunnel", "flink", "debezium"};
  return kTexts[static_cast<std::size_t>(consumer)];
}

RestartPrediction predict_restart_of_collector(const ServerSets& sets, const GtidSet& complete) {
  RestartPrediction restart;
  if (!sets.mariadb()) {
    if (sets.gtid_mode != GtidMode::on || complete.empty()) return restart;
    restart.ok = false;
    restart.replays = complete - sets.purged;
    if (sets.purged.empty())
      restart.replays_all = true;
    else
      restart.error = StartError::purged;
    return restart;
  }
  // One GTID of a domain stands for all before it, so only domains in which nothing happens any more are
  // lacking.
  GtidSet idle;
  for (const auto& [domain, gtid] : complete.mariadb()) {
    const auto now = sets.executed.mariadb().find(domain);
    if (now == sets.executed.mariadb().end() || now->second.sequence <= gtid.sequence) idle.add(gtid);
  }
  // With one domain there is nothing else to see: a collector that saw nothing resumes where it began.
  const bool others =
      complete.mariadb().size() > 1 || sets.executed.mariadb().size() > complete.mariadb().size();
  if (idle.empty() || !others) return restart;
  restart.ok = false;
  restart.replays = idle - sets.purged;
  if (sets.purged.intersects(idle))
    restart.error = StartError::purged;
  else
    restart.replays_all = true;
  return restart;
}

GtidSet gaps_of(const GtidSet& executed) {
  GtidSet up_to_newest;
  for (const auto& [source, intervals] : executed.mysql())
    up_to_newest.add(source, {1, std::prev(intervals.end())->second});
  return up_to_newest - executed;
}

GtidSet skipped_by_filling(const ServerSets& sets, const std::optional<GtidSet>& given) {
  if (sets.mariadb() || sets.gtid_mode != GtidMode::on) return {};
  GtidSet skips = gaps_of(sets.executed);
  if (given) skips.add(holes_below(sets.executed, *given) - sets.purged);
  return skips;
}

GtidSet holes_below(const GtidSet& executed, const GtidSet& set) {
  GtidSet below;
  for (const auto& [source, intervals] : set.mysql())
    below.add(source, {1, std::prev(intervals.end())->second});
  return (executed - set).intersection(below);
}

}  // namespace cdc::check
