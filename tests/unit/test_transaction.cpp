// SPDX-License-Identifier: Apache-2.0
// The oracles: SHOW BINLOG EVENTS says where GTID events begin, and so where transactions end; the server
// says which GTIDs it has executed; and each fixture's SQL says how its transactions end.
#include <doctest/doctest.h>

#include <set>

#include "binlog_fixture.hpp"
#include "common/binlog/payload.hpp"
#include "common/binlog/transaction.hpp"

using cdc::Event;
using cdc::EventReader;
using cdc::EventType;
using cdc::Transaction;
using cdc::TransactionEnd;
using cdc::TransactionStep;
using cdc::TransactionTracker;

namespace {

// All events of a fixture's files in order, those of payloads included; calls seen(event, step) behind each.
template <typename Seen>
void replay(const std::string& name, TransactionTracker& tracker, bool expand, Seen seen) {
  EventReader reader;
  cdc::PayloadReader payload;
  for (const std::string& file : cdc::fixture::files_of(name)) {
    cdc::fixture::File source(name, file);
    while (const std::optional<cdc::RawEvent> raw = source.next()) {
      const Event event = reader.read(*raw);
      seen(event, tracker.feed(event));
      if (event.type() != EventType::transaction_payload || !expand) continue;
      payload.open(event);
      while (const std::optional<Event> inner = payload.next()) seen(*inner, tracker.feed(*inner));
    }
  }
}

std::vector<Transaction> transactions(const std::string& name, bool expand = true) {
  TransactionTracker tracker(expand ? TransactionTracker::Payloads::expanded
                                    : TransactionTracker::Payloads::closed);
  std::vector<Transaction> found;
  replay(name, tracker, expand, [&](const Event&, TransactionStep step) {
    CHECK_FALSE(tracker.abandoned());
    if (step == TransactionStep::end || step == TransactionStep::whole)
      found.push_back(tracker.transaction());
  });
  return found;
}

// One letter a transaction.
std::string ends(const std::vector<Transaction>& found) {
  std::string text;
  for (const Transaction& transaction : found) {
    switch (transaction.end) {
      case TransactionEnd::commit:
        text += 'c';
        break;
      case TransactionEnd::rollback:
        text += 'r';
        break;
      case TransactionEnd::statement:
        text += 's';
        break;
      case TransactionEnd::xa_prepare:
        text += 'P';
        break;
      case TransactionEnd::xa_commit:
        text += 'C';
        break;
      case TransactionEnd::xa_rollback:
        text += 'R';
        break;
      case TransactionEnd::payload:
        text += 'p';
        break;
      default:
        text += '?';
    }
  }
  return text;
}

std::string executed(const std::vector<Transaction>& found) {
  cdc::GtidSet set;
  for (const Transaction& transaction : found) set.add(transaction.gtid);
  return set.text();
}

std::string told_by_server(const std::string& name) {
  const std::string text = cdc::fixture::read_whole(cdc::fixture::directory(name) / "server.txt");
  const auto lines = cdc::split(text, '\n');
  return std::string(lines.at(1));
}

// Ends of events behind which no transaction is open: those followed by a GTID event or by one outside of
// all.
std::set<std::string> boundaries(const std::string& name) {
  static const std::set<std::string> outside = {
      "Gtid",           "Anonymous_Gtid", "Gtid_tagged_log_event", "Rotate",
      "Previous_gtids", "Gtid_list",      "Binlog_checkpoint",     "Format_desc"};
  std::set<std::string> found;
  const auto rows = cdc::fixture::read_tsv(cdc::fixture::directory(name) / "events.tsv");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + 1 == rows.size() || outside.count(rows[i + 1][2]) != 0)
      found.insert(rows[i][0] + ":" + rows[i][4]);
  }
  return found;
}

}  // namespace

TEST_CASE("transactions end where the next GTID event begins") {
  for (const std::string& name : cdc::fixture::names()) {
    if (name == "mysql56-nogtid") continue;
    CAPTURE(name);
    const std::set<std::string> oracle = boundaries(name);
    for (const bool expand : {true, false}) {
      std::set<std::string> found;
      TransactionTracker tracker(expand ? TransactionTracker::Payloads::expanded
                                        : TransactionTracker::Payloads::closed);
      replay(name, tracker, expand, [&](const Event& event, TransactionStep) {
        if (tracker.inside()) return;
        CHECK(tracker.boundary_file() == event.file);
        CHECK(tracker.boundary_pos() == event.end_pos);
        found.insert(std::string(event.file) + ":" + std::to_string(event.end_pos));
      });
      CHECK(found == oracle);
    }
  }
}

TEST_CASE("a GTID is executed at its transaction's end, and all of them then are") {
  for (const std::string& name : cdc::fixture::names()) {
    CAPTURE(name);
    CHECK(executed(transactions(name)) == told_by_server(name));
    CHECK(executed(transactions(name, false)) == told_by_server(name));
  }
}

TEST_CASE("how MySQL 9.7 ends transactions") {
  const std::vector<Transaction> found = transactions("mysql-transactions");
  CHECK(ends(found) ==
        "ssscccccccccPCPRcPCccsssssc"
        "s");
  CHECK(ends(transactions("mysql-transactions", false)) ==
        "ssscccccccccPCPRpPCccsssssc"
        "s");
  CHECK(transactions("mysql-transactions", false)[17].xid == found[17].xid);
  CHECK(found[11].xid->text() == "X'61',X'',1");
  CHECK(found[12].xid->text() == "X'6774726964',X'627175616c',7");
  CHECK(found[13].xid == found[12].xid);
  CHECK(found[14].xid->text() == "X'00ff',X'',1");
  CHECK(found[15].xid == found[14].xid);
  CHECK(found[17].xid->text() == "X'7a',X'',1");
  CHECK(found[18].xid == found[17].xid);
  CHECK_FALSE(found[19].xid);
  CHECK(found[7].gtid.mysql.source.tag == "tag");
  CHECK(found[8].gtid.text() == "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7");
  for (const Transaction& transaction : found) {
    CHECK(transaction.has_gtid_event);
    CHECK(transaction.end_pos - transaction.begin_pos == transaction.length);
    CHECK_FALSE(transaction.without_effect);
  }
}

TEST_CASE("commit times") {
  const std::vector<Transaction> found = transactions("mysql-transactions");
  CHECK(found[9].original_commit_ms == 1700000000123);
  CHECK(found[9].commit_ms > 1795250000000);
  // SET timestamp falsifies the header, not the commit time.
  CHECK(found[10].original_commit_ms == found[10].commit_ms);
  CHECK(found[10].commit_ms >= found[9].commit_ms);
  for (const Transaction& transaction : transactions("mysql56-transactions")) {
    CHECK(transaction.commit_ms % 1000 == 0);
    CHECK(transaction.commit_ms == transaction.original_commit_ms);
    CHECK(transaction.commit_ms > 1795250000000);
  }
}

TEST_CASE("how transactions without GTIDs begin and end") {
  CHECK(ends(transactions("mysql-plain")) == "ssccsrs");
  const std::vector<Transaction> found = transactions("mysql56-nogtid");
  CHECK(ends(found) ==
        "ssscccc"
        "scs"
        "crss");
  std::vector<std::string> begins;
  for (const Transaction& transaction : found) {
    CHECK(transaction.gtid.empty());
    CHECK_FALSE(transaction.has_gtid_event);
    begins.push_back(std::to_string(transaction.begin_pos));
  }
  // In SHOW BINLOG EVENTS: each BEGIN and each statement outside; the RAND before CREATE TABLE d.
  std::vector<std::string> oracle;
  bool in_group = false, behind_variables = false;
  for (const auto& row : cdc::fixture::read_tsv(cdc::fixture::directory("mysql56-nogtid") / "events.tsv")) {
    const bool variable = row[2] == "RAND" || row[2] == "User var";
    if (!in_group && !behind_variables && (row[2] == "Query" || variable)) oracle.push_back(row[1]);
    behind_variables = variable;
    if (row.size() > 5 && row[5] == "BEGIN") in_group = true;
    if (row[2] == "Xid" || (row.size() > 5 && (row[5] == "COMMIT" || row[5] == "ROLLBACK"))) in_group = false;
  }
  CHECK(begins == oracle);
}

TEST_CASE("how MySQL 5.6 with GTIDs and MariaDB end transactions") {
  CHECK(ends(transactions("mysql56-transactions")) ==
        "ssscccccc"
        "ss");
  const std::vector<Transaction> found = transactions("mariadb-transactions");
  CHECK(ends(found) ==
        "sss"
        "ccccc"
        "c"
        "PCPR"
        "ccc"
        "s"
        "c"
        "sssss"
        "cs");
  CHECK(found[9].xid->text() == "X'6774726964',X'627175616c',7");
  CHECK(found[10].xid == found[9].xid);
  CHECK(found[12].xid == found[11].xid);
  CHECK(found[13].gtid.mariadb.domain == 3);
  // ALTER in two phases: the first has no effect.
  CHECK(found[19].without_effect);
  CHECK_FALSE(found[18].without_effect);
  CHECK_FALSE(found[20].without_effect);
}

TEST_CASE("steps of a transaction") {
  TransactionTracker tracker;
  std::string steps;
  replay("mysql-transactions", tracker, true, [&](const Event& event, TransactionStep step) {
    if (event.begin_pos > 1200 || event.file != "binlog.000001") return;
    steps += "obiew"[static_cast<int>(step)];
    if (event.type() == EventType::query) {
      CHECK(tracker.query() != nullptr);
    } else {
      CHECK(tracker.query() == nullptr);
    }
  });
  CHECK(steps ==
        "oo"
        "be"
        "be"
        "be"
        "biiiie"
        "bi");
  CHECK(tracker.transaction().end == TransactionEnd::statement);
  CHECK_FALSE(tracker.inside());
}

namespace {

struct Script {
  TransactionTracker tracker;
  std::vector<std::string> bodies;
  std::uint64_t pos = 4;

  TransactionStep feed(EventType type, const std::string& body = "", std::uint16_t flags = 0) {
    Event event;
    event.header.type = type;
    event.header.timestamp = 1000;
    event.header.flags = flags;
    event.body = cdc::as_bytes(body);
    event.file = "log.000001";
    event.begin_pos = pos;
    event.end_pos = pos += 100;
    return tracker.feed(event);
  }
  TransactionStep query(const std::string& sql) {
    return feed(EventType::query, std::string(13, '\0') + std::string(1, '\0') + sql);
  }
  TransactionStep gtid(char number) {
    return feed(EventType::gtid, std::string(17, '\1') + number + std::string(7, '\0'));
  }
};

}  // namespace

TEST_CASE("a transaction that the log never ends is abandoned") {
  Script script;
  CHECK(script.gtid(1) == TransactionStep::begin);
  CHECK(script.query("BEGIN") == TransactionStep::inside);
  CHECK(script.feed(EventType::heartbeat) == TransactionStep::outside);
  CHECK(script.tracker.inside());
  CHECK(script.tracker.boundary_pos() == 0);
  CHECK(script.gtid(2) == TransactionStep::begin);
  CHECK(script.tracker.abandoned());
  CHECK(script.tracker.previous().gtid.mysql.gno == 1);
  CHECK(script.tracker.previous().end == TransactionEnd::abandoned);
  CHECK(script.tracker.transaction().gtid.mysql.gno == 2);
  CHECK(script.feed(EventType::format_description) == TransactionStep::outside);
  CHECK(script.tracker.abandoned());
  CHECK_FALSE(script.tracker.inside());
  CHECK(script.tracker.previous().gtid.mysql.gno == 2);
  CHECK(script.feed(EventType::format_description) == TransactionStep::outside);
  CHECK_FALSE(script.tracker.abandoned());
  CHECK(script.query("BEGIN") == TransactionStep::begin);
  CHECK(script.query("BEGIN") == TransactionStep::begin);
  CHECK(script.tracker.abandoned());
  CHECK(script.feed(EventType::xid) == TransactionStep::end);
}

TEST_CASE("a reset forgets the open transaction without calling it abandoned") {
  Script script;
  script.gtid(1);
  script.tracker.reset();
  CHECK_FALSE(script.tracker.inside());
  CHECK(script.gtid(1) == TransactionStep::begin);
  CHECK_FALSE(script.tracker.abandoned());
}

TEST_CASE("incidents, and XA statements that end their own transaction") {
  Script script;
  script.gtid(1);
  CHECK(script.feed(EventType::incident) == TransactionStep::end);
  CHECK(script.tracker.transaction().end == TransactionEnd::incident);
  CHECK(script.feed(EventType::incident) == TransactionStep::whole);
  CHECK(script.query("XA START X'61',X'',1") == TransactionStep::begin);
  CHECK(script.query("XA END X'61',X'',1") == TransactionStep::inside);
  CHECK(script.query("XA ROLLBACK X'61',X'',1") == TransactionStep::end);
  CHECK(script.tracker.transaction().end == TransactionEnd::rollback);
  script.query("XA START 'a'");
  CHECK(script.query("XA COMMIT 'a' ONE PHASE") == TransactionStep::end);
  CHECK(script.tracker.transaction().end == TransactionEnd::commit);
  CHECK(script.query("XA COMMIT 'b'") == TransactionStep::whole);
  CHECK(script.tracker.transaction().end == TransactionEnd::xa_commit);
  CHECK(script.tracker.transaction().xid->gtrid == "b");
}

TEST_CASE("savepoints and DDL inside BEGIN do not end it; DDL behind a GTID does") {
  Script script;
  script.gtid(1);
  script.query("BEGIN");
  CHECK(script.query("SAVEPOINT a") == TransactionStep::inside);
  CHECK(script.query("ROLLBACK TO `a`") == TransactionStep::inside);
  CHECK(script.query("CREATE TABLE t (a INT) START TRANSACTION") == TransactionStep::inside);
  CHECK(script.query("ROLLBACK") == TransactionStep::end);
  script.gtid(2);
  CHECK(script.feed(EventType::user_var) == TransactionStep::inside);
  CHECK(script.query("CREATE TABLE t (a INT)") == TransactionStep::end);
}

TEST_CASE("unknown events") {
  Script script;
  CHECK(script.feed(static_cast<EventType>(77), "", cdc::EventHeader::kIgnorable) ==
        TransactionStep::outside);
  script.gtid(1);
  CHECK(script.feed(static_cast<EventType>(77), "", cdc::EventHeader::kIgnorable) == TransactionStep::inside);
  CHECK_THROWS_AS(script.feed(static_cast<EventType>(77)), cdc::DecodeError);
}
