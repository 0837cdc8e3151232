// SPDX-License-Identifier: Apache-2.0
// Predictions from sets alone. The numbers are those of the incident in cdc(7); the texts and the order of
// the server's conditions are those of sql/rpl_source.cc.
#include <doctest/doctest.h>

#include "tools/cdc-check/position_facts.hpp"
#include "tools/cdc-check/prediction.hpp"

namespace {

using cdc::GtidSet;
using cdc::check::StartError;

const std::string kOwn = "11111111-1111-1111-1111-111111111111";
const std::string kOther = "22222222-2222-2222-2222-222222222222";

GtidSet own(const std::string& intervals) {
  return GtidSet::parse(kOwn + ":" + intervals);
}

cdc::check::ServerSets incident() {
  cdc::check::ServerSets sets;
  sets.executed = own("1-38970000");
  sets.purged = own("1-38823122");
  sets.uuid = cdc::Uuid::parse(kOwn);
  sets.version = cdc::ServerVersion::parse("9.7.4", "");
  return sets;
}

}  // namespace

TEST_CASE("the collected set of the incident is refused as purged") {
  const auto start = predict_by_set(incident(), own("38952437-38961148"));
  CHECK(start.error == StartError::purged);
  CHECK_FALSE(start.server_accepts);
  CHECK(start.transactions == own("1-38823122"));
  CHECK(start.server_text == "Cannot replicate because the source purged required binary logs");
}

TEST_CASE("the restart of a collector is foretold with what the usual repair replays") {
  const auto restart = predict_restart_of_collector(incident(), own("1-38952436"));
  CHECK_FALSE(restart.ok);
  CHECK(restart.error == StartError::purged);
  CHECK(restart.replays == own("38823123-38952436"));
  CHECK(restart.replays.count() == 129314);
}

TEST_CASE("while nothing is purged the collector is sent everything again") {
  auto sets = incident();
  sets.purged = GtidSet();
  const auto restart = predict_restart_of_collector(sets, own("1-100"));
  CHECK_FALSE(restart.ok);
  CHECK(restart.error == StartError::none);
  CHECK(restart.replays_all);
  CHECK(restart.replays == own("1-100"));
}

TEST_CASE("at the very beginning of history collecting is enough, and without GTIDs nobody collects") {
  auto sets = incident();
  CHECK(predict_restart_of_collector(sets, GtidSet()).ok);
  sets.gtid_mode = cdc::GtidMode::off;
  CHECK(predict_restart_of_collector(sets, own("1-100")).ok);
}

TEST_CASE("the complete set is a good start") {
  const auto start = predict_by_set(incident(), own("1-38961148"));
  CHECK(start.ok());
  CHECK(start.server_accepts);
}

TEST_CASE("the server looks for its own lost transactions before it looks for purged ones") {
  const auto start = predict_by_set(incident(), own("5-38970001"));
  CHECK(start.error == StartError::replica_has_more);
  CHECK(start.transactions == own("38970001"));
}

TEST_CASE("a transaction that is being committed is not more than the server has") {
  auto sets = incident();
  sets.owned = own("38970001");
  CHECK(predict_by_set(sets, own("1-38970001")).ok());
}

TEST_CASE("foreign transactions are accepted by the server and judged by us") {
  const auto start = predict_by_set(incident(), own("1-38961148") + GtidSet::parse(kOther + ":1-3"));
  CHECK(start.error == StartError::foreign_gtids);
  CHECK(start.server_accepts);
  CHECK(start.transactions == GtidSet::parse(kOther + ":1-3"));
}

TEST_CASE("tags need 8.3, GTID dumps need gtid_mode ON, MariaDB sets need MariaDB") {
  auto sets = incident();
  const GtidSet tagged = own("1-38961148:blue:1");
  sets.executed.add(own("blue:1"));
  CHECK(predict_by_set(sets, tagged).ok());
  sets.version = cdc::ServerVersion::parse("8.0.40", "");
  CHECK(predict_by_set(sets, tagged).error == StartError::tags_unsupported);
  CHECK(predict_by_set(sets, GtidSet::parse("0-1-100")).error == StartError::wrong_gtid_kind);
  sets.gtid_mode = cdc::GtidMode::on_permissive;
  CHECK(predict_by_set(sets, own("1-38961148")).error == StartError::gtid_mode);
}

TEST_CASE("older servers say master and slave") {
  auto sets = incident();
  sets.version = cdc::ServerVersion::parse("8.0.22", "");
  CHECK(predict_by_set(sets, own("5")).server_text ==
        "Cannot replicate because the master purged required binary logs");
  sets.version = cdc::ServerVersion::parse("5.6.40-log", "");
  CHECK(predict_by_set(sets, own("5"))
            .server_text.starts_with("The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = "
                                     "1, but the master has purged"));
  CHECK(cdc::check::refused(sets.version, StartError::pos_too_large).server_text ==
        "Client requested master to start replication from position > file size");
  CHECK(predict_by_set(sets, own("1-38970001")).server_text ==
        "Slave has more GTIDs than the master has, using the master's SERVER_UUID");
}

TEST_CASE("holes are what the server sends although the set has newer ones") {
  CHECK(cdc::check::holes_below(own("1-20"), own("1-7:9-10")) == own("8"));
  CHECK(cdc::check::holes_below(own("1-20"), own("1-10")).empty());
  CHECK(cdc::check::holes_below(own("1-7:9-10"), own("1-7:9-10")).empty());
  CHECK(cdc::check::holes_below(own("1-10:15-20"), own("1-10")).empty());
  CHECK(cdc::check::holes_below(own("1-20") + GtidSet::parse(kOther + ":1-5"), own("5-6")) == own("1-4"));
}

TEST_CASE("a set looks collected when all that it lacks is older than all it has") {
  CHECK(cdc::check::looks_collected(own("38952437-38961148"), own("1-38823122")));
  CHECK_FALSE(cdc::check::looks_collected(own("1-100"), own("101-200")));
  CHECK_FALSE(cdc::check::looks_collected(GtidSet(), own("1-200")));
  CHECK_FALSE(cdc::check::looks_collected(own("1-5:300"), own("6-200")));
}

TEST_CASE("5.6.24 does not ask for gtid_mode before it compares sets") {
  cdc::check::ServerSets sets;
  sets.uuid = cdc::Uuid::parse(kOwn);
  sets.gtid_mode = cdc::GtidMode::off;
  sets.version = cdc::ServerVersion::parse("5.6.24-log", "");
  CHECK(predict_by_set(sets, own("1-5")).error == StartError::replica_has_more);
  CHECK(predict_by_set(sets, GtidSet()).error == StartError::gtid_mode);
  sets.version = cdc::ServerVersion::parse("5.6.40-log", "");
  CHECK(predict_by_set(sets, own("1-5")).error == StartError::gtid_mode);
}

TEST_CASE("connectors that fill gaps skip holes of their set, and what comes late into the server's") {
  auto sets = incident();
  sets.executed = own("1-38970000:38970005");
  CHECK(skipped_by_filling(sets, std::nullopt) == own("38970001-38970004"));
  // Holes that are purged are an error, not a loss; 38900000 is still there.
  const auto given = own("1-5:7-38899999:38900001-38970000:38970005");
  CHECK(skipped_by_filling(sets, given) == own("38900000:38970001-38970004"));
  sets.executed = own("1-38970000");
  CHECK(skipped_by_filling(sets, own("1-38960000")).empty());
  sets.gtid_mode = cdc::GtidMode::on_permissive;
  CHECK(skipped_by_filling(sets, given).empty());
}
