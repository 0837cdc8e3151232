// SPDX-License-Identifier: Apache-2.0
// Error texts as servers and connectors wrote them: of 9.7.4 seen here, of others from their sources and
// public logs.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tools/cdc-check/explain.hpp"

namespace {

std::string kind_of(std::string_view text) {
  const auto explanation = cdc::check::explain(text);
  return explanation ? std::string(explanation->kind) : "";
}

const std::string kSource = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

std::string purged_text(const std::string& sent, const std::string& missing) {
  return "Cannot replicate because the source purged required binary logs. Replicate the missing "
         "transactions from "
         "elsewhere, or provision a new replica from backup. Consider increasing the source's binary log "
         "expiration "
         "period. The GTID set sent by the replica is '" +
         sent + "', and the missing transactions are '" + missing + "'";
}

}  // namespace

TEST_CASE("every generation of the purged text") {
  CHECK(kind_of("Got fatal error 1236 from master when reading data from binary log: 'The slave is "
                "connecting using "
                "CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary logs containing "
                "GTIDs that "
                "the slave requires.'") == "purged");
  CHECK(
      kind_of("The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has "
              "purged "
              "binary logs containing GTIDs that the slave requires. Replicate the missing transactions from "
              "elsewhere, or provision a new slave from backup.") == "purged");
  CHECK(kind_of("Cannot replicate because the master purged required binary logs. Replicate the missing "
                "transactions "
                "from elsewhere, or provision a new slave from backup.") == "purged");
  CHECK(kind_of(purged_text(kSource + ":5-9", kSource + ":1-4")) == "purged");
  CHECK(kind_of("Could not find GTID state requested by slave in any binlog files. Probably the slave state "
                "is too old "
                "and required binlog files have been purged.") == "purged");
  CHECK(kind_of("Some of the GTIDs needed to replicate have been already purged") == "purged");
}

TEST_CASE("the other classes, in old and new words") {
  const std::vector<std::pair<std::string, std::string>> texts{
      {"Slave has more GTIDs than the master has, using the master's SERVER_UUID. This may indicate that the "
       "end of the "
       "binary log was truncated",
       "replica_has_more"},
      {"Replica has more GTIDs than the source has, using the source's SERVER_UUID.", "replica_has_more"},
      {"Error: connecting slave requested to start from GTID 0-1-100, which is not in the master's binlog",
       "replica_has_more"},
      {"Request to dump GTID when @@GLOBAL_.GTID_MODE <> ON.", "gtid_mode"},
      {"The replication sender thread cannot start in AUTO_POSITION mode: this server has GTID_MODE = OFF "
       "instead of ON.",
       "gtid_mode"},
      {"Could not find first log file name in binary log index file", "no_such_file"},
      {"Could not find first log file name in binary log index file while looking for the oldest binary log "
       "that contains "
       "any GTID that is not in the given gtid set",
       "broken_index"},
      {"Client requested master to start replication from position > file size", "pos_too_large"},
      {"Client requested source to start replication from position < 4", "pos_too_small"},
      {"bogus data in log event; the first event 'binlog.000002' at 300", "inside_event"},
      {"log event entry exceeded max_allowed_packet; Increase max_allowed_packet on source", "inside_event"},
      {"Slave can not handle replication events with the checksum that master is configured to log",
       "checksum"},
      {"A slave with the same server_uuid/server_id as this slave has connected to the master",
       "duplicate_id"},
      {"Binary log is not open", "log_bin_off"},
      {"Misconfigured master - master server_id is 0", "server_id_zero"},
      {"Cannot replicate anonymous transaction when AUTO_POSITION = 1, at file ./binlog.000006, position "
       "244.",
       "anonymous"},
      {"Cannot replicate GTID-transaction when @@GLOBAL.GTID_MODE = OFF, at file", "gtid_event"},
      {"Malformed GTID set encoding.", "malformed"}};
  for (const auto& [text, kind] : texts) {
    CAPTURE(text);
    CHECK(kind_of(text) == kind);
  }
  CHECK(kind_of("You have an error in your SQL syntax").empty());
  CHECK(kind_of("").empty());
}

TEST_CASE("a text that a log has broken into lines is still read, with its sets") {
  const auto explanation =
      cdc::check::explain(purged_text(kSource + ":38952437-38961148", kSource + ":1-\n38823122"));
  REQUIRE(explanation);
  CHECK(explanation->sent == cdc::GtidSet::parse(kSource + ":38952437-38961148"));
  CHECK(explanation->missing == cdc::GtidSet::parse(kSource + ":1-38823122"));
}

TEST_CASE("the sets of the incident tell that they were collected, and what lies between") {
  const auto explanation =
      cdc::check::explain(purged_text(kSource + ":38952437-38961148", kSource + ":1-38823122"));
  REQUIRE(explanation);
  const std::string text = explanation_text(*explanation);
  CHECK(text.find("129,314 transactions") != std::string::npos);
  CHECK(text.find(kSource + ":1-38961148") != std::string::npos);
}

TEST_CASE(
    "sets that were really purged, an empty set, and the list that is the wrong way round are told apart") {
  const auto findings = [](const std::string& sent, const std::string& missing) {
    return explanation_text(cdc::check::explain(purged_text(sent, missing)).value());
  };
  CHECK(findings(kSource + ":1-100", kSource + ":101-200").find("they are lost here") != std::string::npos);
  CHECK(findings("", kSource + ":1-200").find("sent the empty set") != std::string::npos);
  CHECK(findings(kSource + ":1-200", kSource + ":50-60").find("wrong way round") != std::string::npos);
}
