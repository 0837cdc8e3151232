// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/explain.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "tools/cdc-check/checks.hpp"
#include "tools/cdc-check/position_facts.hpp"

namespace cdc::check {
namespace {

struct Pattern {
  std::string_view text;  // in lower case, with the newer words and single blanks
  std::string_view kind, meaning, advice, worded_by;
};

constexpr std::string_view kGarbled =
    "The offset is not where an event begins, so that the server takes other bytes for an event's header; or "
    "the file is "
    "damaged. It is no problem of packet sizes.";
constexpr std::string_view kFindBoundary =
    "cdc-check --file NAME --pos N tells whether the offset is a boundary, and the nearest ones.";
constexpr std::string_view kLostAnchor =
    "The server cannot find the binlog file to begin with: its index and its files do not fit together.";

// The more particular text stands before the one that it contains.
constexpr std::array<Pattern, 47> kPatterns{{
    {"has purged binary logs containing gtids that the replica requires. replicate the missing", "purged",
     "The client's GTID set lacks transactions that the server has purged.", "",
     "MySQL 5.7 (later releases)"},
    {"has purged binary logs containing gtids that the replica requires", "purged",
     "The client's GTID set lacks transactions that the server has purged.", "", "MySQL 5.6 and 5.7"},
    {"because the source purged required binary logs", "purged",
     "The client's GTID set lacks transactions that the server has purged.", "", "MySQL 8.0 to 9.x"},
    {"because the present server has purged required binary logs", "purged",
     "The client's GTID set lacks transactions that the server has purged: its own note of it, in its error "
     "log.",
     "", "MySQL 8.0 to 9.x"},
    {"could not find gtid state requested by replica in any binlog files", "purged",
     "The client's GTID position is older than the oldest binlog file, or lacks a domain that is.",
     "Name every domain in the position. If the transactions were really not processed: a new snapshot.",
     "MariaDB"},
    {"which is not in the source's binlog. since the source's binlog contains gtids with higher sequence "
     "numbers",
     "replica_has_more",
     "The client has a transaction that the server never executed: both went their own way from there.",
     "Find out which server the client's transaction came from, and make a new snapshot if it was lost.",
     "MariaDB"},
    {"which is not in the source's binlog", "replica_has_more",
     "The client has a transaction that is not in the server's binlog: the server lost its newest "
     "transactions, or is another one.",
     "Connect to the server that the position is of, or make a new snapshot.", "MariaDB"},
    {"the binlog on the source is missing the gtid", "purged",
     "The transaction that the client asks to begin behind is not in the binlog, though later ones are "
     "(gtid_strict_mode).",
     "Use the GTID of a transaction that is in the binlog.", "MariaDB"},
    {"has more gtids than the source has", "replica_has_more",
     "The client's set has transactions numbered by this server that it does not have: it lost its newest "
     "ones in a crash (sync_binlog, "
     "innodb_flush_log_at_trx_commit not 1) or was rebuilt from an older backup.",
     "The destination is ahead of the source: compare them. cdc-check --gtid-set SET names the transactions "
     "and the set without them.",
     "MySQL 5.6 to 9.x"},
    {"cannot start in auto_position mode", "gtid_mode",
     "A dump by GTID set was asked for, and gtid_mode is not ON.",
     "Set gtid_mode = ON in steps, or start by file and offset: cdc-check --format=file-pos.",
     "MySQL 5.7 to 9.x"},
    {"request to dump gtid when", "gtid_mode", "A dump by GTID set was asked for, and gtid_mode is not ON.",
     "Set gtid_mode = ON, or start by file and offset.", "MySQL 5.6 and 5.7"},
    {"found old binary log without gtids while looking", "gtid_mode",
     "The binlog that would have to be read was written without GTIDs: gtid_mode was not ON then, or is not.",
     "Start by file and offset, or behind the change to GTIDs.", "MySQL 5.6 to 9.x"},
    {"while looking for the oldest binary log that contains any gtid", "broken_index", kLostAnchor,
     "Compare SHOW BINARY LOGS with the files; PURGE BINARY LOGS TO the oldest that is there.",
     "MySQL 5.6 to 9.x"},
    {"could not find first log file name in binary log index file", "no_such_file",
     "The binlog file that was asked for is not there: purged, or of another server.",
     "cdc-check --file NAME --pos N shows which files there are; go on by GTID set, or make a new snapshot.",
     "all versions"},
    {"start replication from position < 4", "pos_too_small",
     "The offset is below 4, where the first event begins.", "Use 4.", "all versions"},
    {"start replication from position > file size", "pos_too_large",
     "The file ends before the offset: the position is of another server, or the server lost the end of its "
     "binlog in a crash.",
     kFindBoundary, "all versions"},
    {"start replication from impossible position", "pos_too_large",
     "The offset is below 4 or behind the file's end: it is of another server, or the server lost the end of "
     "its binlog in a crash.",
     kFindBoundary, "MySQL 5.6 and older, MariaDB"},
    {"cannot replicate anonymous transaction when auto_position", "anonymous",
     "The dump by GTID set has come to a transaction without GTID, from a time when gtid_mode was not ON.",
     "Start behind it: cdc-check --file NAME --pos N --format=gtid-set at the first file that was begun with "
     "gtid_mode ON.",
     "MySQL 5.7 to 9.x"},
    {"cannot replicate anonymous transaction when", "anonymous",
     "The dump has come to a transaction without GTID, and gtid_mode is ON now.",
     "Start behind it, or read it while gtid_mode is ON_PERMISSIVE.", "MySQL 5.7 to 9.x"},
    {"cannot replicate gtid-transaction when", "gtid_event",
     "The dump has come to a transaction with GTID, and gtid_mode is OFF now.",
     "Read it while gtid_mode is OFF_PERMISSIVE.", "MySQL 5.7 to 9.x"},
    {"bogus data in log event", "inside_event", kGarbled, kFindBoundary, "all versions"},
    {"log event entry exceeded max_allowed_packet", "inside_event", kGarbled, kFindBoundary, "all versions"},
    {"binlog truncated in the middle of event", "inside_event",
     "An event ends behind the file's end. The offset is not where an event begins, or the disk was full.",
     kFindBoundary, "all versions"},
    {"did not pass crc check", "damaged",
     "The checksum of an event is wrong: the file is damaged, or the offset is inside an event.",
     kFindBoundary, "MySQL 5.6 to 9.x"},
    {"did not pass checksum", "damaged",
     "The checksum of an event is wrong: the file is damaged, or the offset is inside an event.",
     kFindBoundary, "MariaDB"},
    {"could not find format_description_event in binlog file", "damaged",
     "The file does not begin like a binlog.", kFindBoundary, "all versions"},
    {"memory allocation failed reading log event", "inside_event", kGarbled, kFindBoundary, "all versions"},
    {"could not find next log", "broken_index",
     "The next binlog file is missing: removed by hand, without PURGE BINARY LOGS.",
     "Restore the file, or start behind it with a new snapshot.", "all versions"},
    {"could not open log file", "broken_index",
     "A listed binlog file cannot be opened: removed by hand, or rights of the server's user.",
     "Look at the file and its rights.", "all versions"},
    {"encrypted replication log file", "encrypted", "The key of an encrypted binlog file is not to be had.",
     "Look at the server's keyring.", "MySQL 8.0 to 9.x"},
    {"replication events with the checksum that source", "checksum",
     "The client did not tell that it understands checksums.",
     "The client must SET @source_binlog_checksum (before 8.0.26 @master_binlog_checksum) before the dump; "
     "or a newer client.",
     "MySQL 5.6 to 9.x"},
    {"with the same server_uuid/server_id as this replica has connected", "duplicate_id",
     "Another reader with the same server id (or replica uuid) has connected, and the server closed this "
     "one.",
     "Give each job a server id of its own; connectors with parallel readers need a range.",
     "MySQL 5.6 to 9.x"},
    {"binary log is not open and failed to open index file", "broken_index",
     "The binlog was closed by an error while it was read, and its index file cannot be opened.",
     "Look at the server's error log, the disk and the rights of the index file.", "MySQL 8.0 to 9.x"},
    {"while looking for gtid position in binlog", "broken_index", kLostAnchor,
     "Compare SHOW BINARY LOGS with the files; PURGE BINARY LOGS TO the oldest that is there.", "MariaDB"},
    {"corrupt binlog", "damaged", "A GTID event cannot be read: the file is damaged.", kFindBoundary,
     "MariaDB"},
    {"event crc check failed", "damaged",
     "The checksum of an event is wrong: the file is damaged, or the offset is inside an event.",
     kFindBoundary, "MySQL 5.6 to 9.x"},
    {"replication event checksum verification failed", "damaged",
     "The checksum of an event is wrong: the file is damaged, or the offset is inside an event.",
     kFindBoundary, "all versions"},
    {"i/o error reading", "damaged", "The server cannot read the file: the disk, or a file that is cut off.",
     "Look at the server's error log and at the file.", "all versions"},
    {"error switching to the next log", "broken_index", "The server could not go on to the next binlog file.",
     "Compare SHOW BINARY LOGS with the files.", "MySQL 5.6 and MariaDB"},
    {"unknown error reading log event", "damaged", "The server cannot read an event, for no reason it knows.",
     kFindBoundary, "MySQL 5.6 and MariaDB"},
    {"as it has already a running dump thread", "duplicate_id",
     "Another reader with the same server id is connected already.",
     "Give each job a server id of its own; connectors with parallel readers need a range.", "MariaDB"},
    {"with the same server_uuid/server_id is already connected", "duplicate_id",
     "Another reader with the same server id is connected already.",
     "Give each job a server id of its own; connectors with parallel readers need a range.", "MariaDB"},
    {"binary log is not open", "log_bin_off", "The server writes no binlog.",
     "Set log_bin = binlog in my.cnf and restart.", "all versions"},
    {"misconfigured source", "server_id_zero", "The server's server_id is 0.",
     "SET PERSIST server_id = 1; or server_id = 1 in my.cnf.", "all versions"},
    {"some of the gtids needed to replicate have been already purged", "purged",
     "The connector compared its stored set with the server's and found purged transactions that the set "
     "lacks.",
     "", "Debezium, Flink CDC and SeaTunnel, not the server"},
    {"but this is no longer available on the server", "purged",
     "The connector looked for its stored file or set on the server and did not find it.", "",
     "Debezium, not the server"},
    {"malformed gtid set", "malformed",
     "The client sent a GTID set that the server cannot read: intervals out of order, or tags to a server "
     "before 8.3.",
     "cdc-check --gtid-set SET prints it in the server's form with --format=gtid-set.", "MySQL 5.6 to 9.x"},
}};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// Lower case, the newer words, every run of blanks one blank.
std::string normalized(std::string_view text) {
  std::string out;
  for (const char c : lower_ascii(text)) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  replace_all(out, "slave", "replica");
  replace_all(out, "master", "source");
  return out;
}

// The set between quotes behind `before`, which is in neutral words; nullopt when there is none.
std::optional<GtidSet> set_behind(const std::string& text, std::string_view before) {
  std::size_t begin = text.find(before);
  if (begin == std::string::npos) return std::nullopt;
  begin = text.find('\'', begin + before.size() - 1);
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t end = text.find('\'', begin + 1);
  if (end == std::string::npos) return std::nullopt;
  try {
    return GtidSet::parse(std::string_view(text).substr(begin + 1, end - begin - 1));
  } catch (const Error&) {
    return std::nullopt;
  }
}

// What lies between the missing transactions and the sent ones: neither purged nor sent.
GtidSet gap_between(const GtidSet& missing, const GtidSet& sent) {
  GtidSet gap;
  for (const auto& [source, intervals] : missing.mysql()) {
    const auto had = sent.mysql().find(source);
    if (had == sent.mysql().end()) continue;
    const std::uint64_t end = std::prev(intervals.end())->second, begin = had->second.begin()->first;
    if (end < begin) gap.add(source, {end, begin});
  }
  return gap;
}

void judge_sets(Explanation& explanation) {
  if (!explanation.sent || !explanation.missing) return;
  const GtidSet& sent = *explanation.sent;
  const GtidSet& missing = *explanation.missing;
  explanation.advice =
      "If the missing transactions were really not processed they are lost here: make a new snapshot, or "
      "read them from a server "
      "that still has them.";
  if (sent.empty()) {
    explanation.findings.push_back(
        "The client sent the empty set: it asked for all transactions from the first one on.");
    explanation.advice =
        "Start from a position: cdc-check --startup-mode=earliest --format=gtid-set prints the oldest that "
        "works.";
  } else if (sent.contains(missing)) {
    explanation.findings.push_back(
        "The transactions called missing are all in the set that was sent: the server computed the list the "
        "wrong way round, "
        "as it does when its oldest file begins beyond the set.");
  } else if (looks_collected(sent, missing)) {
    const GtidSet gap = gap_between(missing, sent);
    explanation.findings.push_back(
        "The sent set has " + transactions(sent) +
        " and begins behind everything that is missing: it was collected "
        "from a bare file and offset on, and is not all that was processed before.");
    explanation.findings.push_back("The missing ones (" + transactions(missing) +
                                   ") are those before the start; nothing the job needs was purged "
                                   "as far as this text tells.");
    if (!gap.empty())
      explanation.findings.push_back("Adding only gtid_purged to the set would replay what lies between, " +
                                     brief(gap) + " (" + transactions(gap) + ").");
    explanation.findings.push_back("If the numbers have no gaps, the complete set is " +
                                   brief(sent + missing + gap));
    explanation.advice =
        "cdc-check --gtid-set with the sent set, on this server, computes the complete set from the binlog; "
        "start the job from that.";
  }
}

}  // namespace

std::optional<Explanation> explain(std::string_view text) {
  const std::string plain = normalized(text);
  const auto found = std::find_if(kPatterns.begin(), kPatterns.end(), [&](const Pattern& pattern) {
    return plain.find(pattern.text) != std::string::npos;
  });
  if (found == kPatterns.end()) return std::nullopt;
  Explanation explanation{found->kind, found->meaning, found->advice, found->worded_by, {}, {}, {}};
  if (found->kind == "purged") {
    explanation.sent = set_behind(plain, "the gtid set sent by the replica is '");
    explanation.missing = set_behind(plain, "missing transactions are '");
    judge_sets(explanation);
    if (explanation.advice.empty())
      explanation.advice =
          "The text names no sets: cdc-check --gtid-set with the set of the job's last checkpoint tells "
          "which transactions are missing "
          "and whether the set was collected from a bare file and offset on.";
  }
  return explanation;
}

std::string explanation_text(const Explanation& explanation) {
  std::string out = std::string(explanation.kind) + ": " + std::string(explanation.meaning) + "\n";
  out += "  worded by  " + std::string(explanation.worded_by) + "\n";
  if (explanation.sent) out += "  sent       " + brief(*explanation.sent) + "\n";
  if (explanation.missing) out += "  missing    " + brief(*explanation.missing) + "\n";
  for (const std::string& finding : explanation.findings) out += "  " + finding + "\n";
  return out + "\nWhat to do:\n  " + std::string(explanation.advice) + "\n";
}

std::string explanation_json(const Explanation& explanation) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> json(buffer);
  const auto string = [&](std::string_view text) {
    json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  };
  const auto member = [&](const char* name, std::string_view text) {
    json.Key(name);
    string(text);
  };
  json.StartObject();
  member("error", explanation.kind);
  member("meaning", explanation.meaning);
  member("worded_by", explanation.worded_by);
  if (explanation.sent) member("sent", explanation.sent->text());
  if (explanation.missing) member("missing", explanation.missing->text());
  json.Key("findings");
  json.StartArray();
  for (const std::string& finding : explanation.findings) string(finding);
  json.EndArray();
  json.Key("advice");
  json.StartArray();
  string(explanation.advice);
  json.EndArray();
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

}  // namespace cdc::check
