// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

CheckResult skipped(const char* id, const std::string& why) {
  return {id, Status::skipped, why, ""};
}

std::string why_not_known(const PositionFacts& position) {
  if (!position.asked) return "no position given";
  if (!position.damage.empty()) return position.damage;
  if (!position.refusal.empty()) return position.refusal;
  return "not known, because the position is not";
}

const BinlogFile* listed(const CheckInput& in, const std::string& name) {
  if (!in.server.files) return nullptr;
  const auto& files = *in.server.files;
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const BinlogFile& f) { return f.name == name; });
  return found == files.end() ? nullptr : &*found;
}

// Whether a file and offset are what a start would go by; else why the check of them is skipped.
std::optional<CheckResult> no_offset(const char* id, const CheckInput& in) {
  if (!in.position.asked) return skipped(id, "no position given");
  if (!in.position.given_position) return skipped(id, "the position is not given as file and offset");
  if (in.position.position_is_history) return skipped(id, "the start goes by the checkpoint's GTID set");
  return std::nullopt;
}

std::string nearest_text(const PositionScan& scan) {
  const std::string& file = scan.position.file;
  std::string text = "Nearest boundaries: --file " + file + " --pos " + std::to_string(scan.before);
  if (scan.after) text += " before it, --pos " + std::to_string(*scan.after) + " behind it";
  return text + ".";
}

CheckResult check_file(const CheckInput& in) {
  constexpr const char* kId = "position.file";
  if (auto skip = no_offset(kId, in)) return *skip;
  const std::string& name = in.position.given_position->file;
  if (const BinlogFile* file = listed(in, name))
    return {kId, Status::ok, name + " is there, " + bytes_text(file->size), ""};
  if (!in.server.files) {
    if (in.position.scan) return {kId, Status::ok, name + " is there", ""};
    if (in.position.start.error != StartError::no_such_file) return skipped(kId, in.server.files.refusal);
  }
  std::string range = "the server has no binlog files";
  if (in.server.files && !in.server.files->empty())
    range = "the server has " + in.server.files->front().name + " to " + in.server.files->back().name;
  return {kId, in.position.by_set ? Status::note : Status::critical, name + " is not there: " + range,
          in.position.by_set
              ? ""
              : "The file is purged, or of another server: start from a GTID set that is known to be "
                "complete, or make a new snapshot."};
}

CheckResult check_offset(const CheckInput& in) {
  constexpr const char* kId = "position.offset";
  if (auto skip = no_offset(kId, in)) return *skip;
  if (!in.position.scan) return skipped(kId, why_not_known(in.position));
  const PositionScan& scan = *in.position.scan;
  const std::string pos = std::to_string(scan.position.pos);
  if (scan.place == Place::before_start)
    return {kId, Status::critical, pos + " is in the file's magic number: the first event is at 4",
            "Use --pos 4."};
  if (scan.place == Place::behind_end)
    return {kId, Status::critical,
            pos + " is behind the file's end, " + std::to_string(scan.file_end.value_or(4)),
            "The position is of another server, or the server lost the end of its binlog in a crash. " +
                nearest_text(scan)};
  constexpr std::uint64_t kProtocolLimit = std::uint64_t{1} << 32;
  if (scan.position.pos >= kProtocolLimit)
    return {kId, in.consumer == Consumer::cdc_tail ? Status::ok : Status::critical,
            pos + " is beyond 4 GiB: the protocol's request by file and offset has 32 bits for it",
            "Start by GTID set, which has no such limit."};
  return {kId, Status::ok, pos + " is within the file", ""};
}

CheckResult check_event(const CheckInput& in) {
  constexpr const char* kId = "position.event";
  if (auto skip = no_offset(kId, in)) return *skip;
  if (!in.position.scan) return skipped(kId, why_not_known(in.position));
  const PositionScan& scan = *in.position.scan;
  if (scan.place == Place::before_start || scan.place == Place::behind_end)
    return skipped(kId, "the offset is not in the file");
  if (scan.place != Place::inside_event) return {kId, Status::ok, "the offset is where an event begins", ""};
  return {kId, Status::critical,
          "the offset is inside the " + scan.event_type + " event at " + std::to_string(scan.event_begin) +
              ": the server does not check, and sends garbage or fails with \"bogus data\" or \"exceeded "
              "max_allowed_packet\"",
          nearest_text(scan)};
}

CheckResult check_transaction(const CheckInput& in) {
  constexpr const char* kId = "position.transaction";
  if (auto skip = no_offset(kId, in)) return *skip;
  if (!in.position.scan) return skipped(kId, why_not_known(in.position));
  const PositionScan& scan = *in.position.scan;
  if (scan.place == Place::boundary) return {kId, Status::ok, "no transaction is open at the offset", ""};
  if (!scan.open) return skipped(kId, "the offset is in no transaction");
  const std::string gtid = scan.open->gtid.empty() ? "without GTID" : scan.open->gtid.text();
  return {kId, Status::critical,
          "the offset is inside the transaction " + gtid + ", " + scan.position.file + ":" +
              std::to_string(scan.open->begin_pos) + " to " +
              (scan.after ? std::to_string(*scan.after) : std::string("its unknown end")) +
              ": the server accepts it, and changes come without their table and transaction",
          nearest_text(scan)};
}

CheckResult check_readable(const CheckInput& in) {
  constexpr const char* kId = "position.readable";
  if (!in.position.asked) return skipped(kId, "no position given");
  if (!in.position.damage.empty())
    return {kId, Status::critical, "the binlog cannot be read: " + in.position.damage,
            "Start behind the damage, with a new snapshot of what was changed in between."};
  std::uint64_t bytes = 0;
  for (const Reading& reading : in.position.readings) bytes += reading.bytes;
  if (bytes == 0) return skipped(kId, "nothing had to be read");
  return {kId, Status::ok, "the " + bytes_text(bytes) + " of binlog that were read are in order", ""};
}

CheckResult check_complete_set(const CheckInput& in) {
  constexpr const char* kId = "position.gtid_set";
  if (!in.position.complete) return skipped(kId, why_not_known(in.position));
  if (in.server.gtid_mode == GtidMode::off && in.position.complete->empty())
    return skipped(kId, "gtid_mode is OFF");
  std::string where = in.position.position ? in.position.position->text() : "the position";
  if (in.position.scan && in.position.scan->place != Place::boundary)
    where = in.position.scan->position.file + ":" + std::to_string(in.position.scan->before);
  return {kId, Status::ok, "executed at " + where + ": " + brief(*in.position.complete), ""};
}

CheckResult check_agreement(const CheckInput& in) {
  constexpr const char* kId = "position.agreement";
  if (!in.position.given_position || !in.position.given_set || in.position.position_is_history)
    return skipped(kId, "file and GTID set are not both given");
  if (!in.position.scan || !in.position.scan->gtid_set) return skipped(kId, why_not_known(in.position));
  const GtidSet& there = *in.position.scan->gtid_set;
  const GtidSet& given = *in.position.given_set;
  if (without_prepared(there, in.position.prepared) == without_prepared(given, in.position.prepared))
    return {kId, Status::ok, "the GTID set is what is executed at the file and offset", ""};
  return {kId, Status::critical,
          "file and offset and GTID set are two positions: the set lacks " + brief(there - given) +
              " and has " + brief(given - there) + " beyond",
          "Use one of them; the complete set at the file and offset is " + there.text()};
}

CheckResult check_distance(const CheckInput& in) {
  constexpr const char* kId = "position.distance";
  if (!in.metrics.lag_bytes)
    return skipped(
        kId, in.position.position && !in.server.files ? in.server.files.refusal : why_not_known(in.position));
  std::string text = bytes_text(*in.metrics.lag_bytes) + " in " + grouped(*in.metrics.lag_files) +
                     (*in.metrics.lag_files == 1 ? " file" : " files");
  if (in.metrics.lag_transactions)
    text = grouped(*in.metrics.lag_transactions) +
           (*in.metrics.lag_transactions == 1 ? " transaction, " : " transactions, ") + text;
  if (in.metrics.lag_s && *in.metrics.lag_s > 0) text += ", " + duration_text(*in.metrics.lag_s);
  return {kId, Status::ok, text + " from here to the server's end", ""};
}

// --- the GTID set that was given

std::optional<CheckResult> no_set(const char* id, const CheckInput& in) {
  if (!in.position.asked) return skipped(id, "no position given");
  if (!in.position.given_set) return skipped(id, "the position is not given as GTID set");
  return std::nullopt;
}

std::string repair_advice(const CheckInput& in) {
  if (!in.position.repaired) return "";
  return "If it was collected by a connector that began at a bare file and offset, the complete set is\n" +
         in.position.repaired->text();
}

CheckResult check_purged(const CheckInput& in) {
  constexpr const char* kId = "gtid.purged";
  if (auto skip = no_set(kId, in)) return *skip;
  const GtidSet missing = in.position.sets.purged - *in.position.given_set;
  if (missing.empty()) return {kId, Status::ok, "nothing that the set lacks is purged", ""};
  const std::string advice = repair_advice(in);
  return {
      kId, Status::critical,
      "the set lacks " + brief(missing) + ", which is purged (" + transactions(missing) + ")",
      advice.empty()
          ? "If they were really not processed, they are lost here: make a new snapshot, or read them from a "
            "server that still has them."
          : advice};
}

CheckResult check_ahead(const CheckInput& in) {
  constexpr const char* kId = "gtid.replica_has_more";
  if (auto skip = no_set(kId, in)) return *skip;
  if (in.position.start.error != StartError::replica_has_more)
    return {kId, Status::ok, "the set has no GTID of this server that it never executed", ""};
  const GtidSet& more = in.position.start.transactions;
  return {kId, Status::critical,
          "the set has " + brief(more) +
              ", numbered by this server, which does not have them: it lost its newest transactions "
              "in a crash or was rebuilt from an older backup",
          "The destination has changes that the source has not: compare them, then start from\n" +
              (*in.position.given_set - more).text()};
}

// MariaDB's set is of last transactions, which are there or not; those before them are not asked about.
CheckResult check_foreign_mariadb(const CheckInput& in) {
  constexpr const char* kId = "gtid.foreign";
  if (in.position.start.error != StartError::foreign_gtids)
    return {kId, Status::ok, "the server knows the last transaction of every domain", ""};
  return {kId, Status::critical,
          "the binlog does not have " + in.position.start.transactions.text() +
              ": the server accepts the position by its number, and sends nothing of that domain up to the "
              "next transaction of the same server id",
          in.position.repaired ? "By its numbers alone the position is\n" + in.position.repaired->text()
                               : "Look for it on the former source."};
}

CheckResult check_foreign(const CheckInput& in) {
  constexpr const char* kId = "gtid.foreign";
  if (auto skip = no_set(kId, in)) return *skip;
  if (in.server.mariadb()) return check_foreign_mariadb(in);
  const GtidSet known = in.position.sets.executed + in.position.sets.owned;
  GtidSet foreign = *in.position.given_set - known;
  if (in.position.start.error == StartError::replica_has_more)
    foreign.subtract(in.position.start.transactions);
  if (foreign.empty()) return {kId, Status::ok, "the server has executed every GTID of the set", ""};
  return {kId, Status::critical,
          "the server never executed " + brief(foreign) +
              " and accepts the set silently: they were lost in a failover, or are "
              "of another cluster",
          "Look for them on the former source. Without them the set is\n" +
              (*in.position.given_set - foreign).text()};
}

CheckResult check_holes(const CheckInput& in) {
  constexpr const char* kId = "gtid.holes";
  if (auto skip = no_set(kId, in)) return *skip;
  const GtidSet holes =
      holes_below(in.position.sets.executed, *in.position.given_set) - in.position.sets.purged;
  if (holes.empty()) return {kId, Status::ok, "the set has no holes that the server will fill again", ""};
  return {kId, Status::warning,
          "the server will send " + brief(holes) + " (" + transactions(holes) +
              "), older than the newest of the set",
          in.position.repaired
              ? repair_advice(in)
              : "Right for a source that commits out of order; otherwise they are processed twice."};
}

CheckResult check_tags(const CheckInput& in) {
  constexpr const char* kId = "gtid.tags";
  if (auto skip = no_set(kId, in)) return *skip;
  if (!in.position.given_set->has_tags()) return {kId, Status::ok, "the set has no tags", ""};
  if (in.server.mariadb() || !in.server.version.at_least(8, 3))
    return {kId, Status::critical, "the set has tags, which servers before MySQL 8.3 do not understand",
            "Leave the tagged GTIDs out, or use the newer server."};
  if (in.consumer == Consumer::cdc_tail) return {kId, Status::ok, "the set has tags", ""};
  return {kId, Status::warning, "the set has tags: many connectors cannot parse or send them", ""};
}

CheckResult check_first_file(const CheckInput& in) {
  constexpr const char* kId = "gtid.first_file";
  if (auto skip = no_set(kId, in)) return *skip;
  if (!in.position.first_file) return skipped(kId, why_not_known(in.position));
  std::uint64_t bytes = 0, files = 0;
  for (const BinlogFile& file : *in.server.files)
    if (compare_binlog_names(file.name, *in.position.first_file) >= 0) bytes += file.size, ++files;
  return {kId, Status::ok,
          "the server will read from " + *in.position.first_file + " on: " + bytes_text(bytes) + " in " +
              std::to_string(files) + (files == 1 ? " file" : " files"),
          ""};
}

// Files that were deleted by hand, not purged: the server still believes that it can send their transactions.
CheckResult check_files(const CheckInput& in) {
  constexpr const char* kId = "gtid.files";
  if (in.server.mariadb()) return skipped(kId, "MariaDB has no gtid_purged");
  if (in.position.asked && !in.server.files) return skipped(kId, in.server.files.refusal);
  if (!in.position.asked || !in.position.oldest_previous) return skipped(kId, why_not_known(in.position));
  const GtidSet gone = *in.position.oldest_previous - in.position.sets.purged;
  if (gone.empty()) return {kId, Status::ok, "the binlog files begin where gtid_purged ends", ""};
  return {
      kId, Status::critical,
      "binlog files were removed by hand: " + brief(gone) + " is neither in the binlog nor in gtid_purged",
      "Restart the server, which computes gtid_purged from its files, and use PURGE BINARY LOGS."};
}

// Numbers that the server itself has left out.
CheckResult check_gaps(const CheckInput& in) {
  constexpr const char* kId = "gtid.gaps";
  if (in.server.mariadb()) return skipped(kId, "MariaDB's positions have no gaps");
  if (!in.server.executed) return skipped(kId, in.server.executed.refusal);
  const GtidSet gaps = gaps_of(*in.server.executed) - in.server.owned.value.value_or(GtidSet());
  if (gaps.empty()) return {kId, Status::ok, "gtid_executed has no gaps", ""};
  return {
      kId, Status::note,
      "gtid_executed lacks " + brief(gaps) + " (" + transactions(gaps) +
          "): they come late where a replica commits out of order or a group hands out blocks of numbers, "
          "or were never used",
      ""};
}

// The log behind the position, as far as it was read for the tables.
CheckResult check_anonymous_behind(const CheckInput& in) {
  constexpr const char* kId = "gtid.anonymous";
  const TableActivity& activity = *in.tables.activity;
  if (!activity.refused.empty())
    return {kId, Status::critical, "the dump will break off behind the position: " + activity.refused,
            in.server.gtid_mode == GtidMode::on
                ? "Start behind it, or read past it while gtid_mode is ON_PERMISSIVE."
                : "Read past it while gtid_mode is OFF_PERMISSIVE."};
  const std::string extent =
      activity.complete ? "up to the server's end" : "in the next " + bytes_text(activity.bytes);
  if (activity.anonymous == 0) return {kId, Status::ok, "all transactions " + extent + " have GTIDs", ""};
  return {kId, Status::warning,
          grouped(activity.anonymous) + " transactions without GTID " + extent +
              ": no set tells that they are processed",
          "Start behind them once gtid_mode is ON."};
}

CheckResult check_anonymous(const CheckInput& in) {
  constexpr const char* kId = "gtid.anonymous";
  if (!in.position.asked || in.server.mariadb())
    return skipped(kId, in.position.asked ? "MariaDB" : "no position given");
  if (in.position.start.error == StartError::anonymous)
    return {kId, Status::critical,
            "the first transaction has no GTID, and the server refuses to send it (gtid_mode " +
                std::string(gtid_mode_text(in.server.gtid_mode)) + ")",
            "Start behind the last transaction without GTID."};
  if (in.server.gtid_mode == GtidMode::off) return skipped(kId, "gtid_mode is OFF");
  if (in.position.scan && in.position.scan->anonymous > 0)
    return {kId, Status::note,
            std::to_string(in.position.scan->anonymous) +
                " transactions before the position have no GTID: no set tells that "
                "they are processed",
            ""};
  if (in.tables.activity) return check_anonymous_behind(in);
  if (!in.position.scan && !in.position.first) return skipped(kId, why_not_known(in.position));
  const std::string read = in.position.scan ? "the transactions of the file before the position have GTIDs"
                                            : "the first transaction has a GTID";
  return {kId, Status::ok, read + "; those behind it are read with -t, up to --scan-limit", ""};
}

}  // namespace

Results position_checks(const CheckInput& input) {
  constexpr std::array<Check, 18> kChecks{
      check_file,         check_offset,    check_event,    check_transaction, check_xa,    check_readable,
      check_complete_set, check_agreement, check_distance, check_purged,      check_ahead, check_foreign,
      check_holes,        check_tags,      check_gaps,     check_first_file,  check_files, check_anonymous};
  Results results;
  for (const Check check : kChecks) results.push_back(check(input));
  return results;
}

}  // namespace cdc::check
