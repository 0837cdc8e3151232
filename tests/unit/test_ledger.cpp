// SPDX-License-Identifier: Apache-2.0
// The ledger under a naive loader that dies at any step: random streams over several tables, batches closed at random
// places, loads that end well, never arrive or arrive although nobody heard of it; each new run gets the file that the
// last one saved. In the end every table has had every change exactly once, in order.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

#include "common/starrocks/ledger.hpp"

using cdc::Checkpoint;
using cdc::GtidSet;
using cdc::Mark;
using cdc::starrocks::Ledger;
using Place = Ledger::Place;

namespace {

const std::string kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
constexpr unsigned kTables = 3;

struct Change {
  unsigned table;
  std::uint64_t id;  // unique
};
struct Transaction {
  std::uint64_t gno;
  std::vector<Change> changes;
};

class World {
 public:
  World(unsigned seed, bool gtids) : random_(seed), gtids_(gtids) {
    std::uint64_t id = 0;
    for (std::uint64_t gno = 1; gno <= 40; ++gno) {
      Transaction transaction{gno, {}};
      for (unsigned n = below(6); n > 0; --n) transaction.changes.push_back({below(kTables), ++id});
      for (const Change& change : transaction.changes) wanted_[change.table].push_back(change.id);
      stream_.push_back(std::move(transaction));
    }
  }

  void run() {
    for (int runs = 0; !finished_; ++runs) {
      REQUIRE(runs < 2000);
      one_run();
    }
    for (unsigned table = 0; table < kTables; ++table) CHECK(in_table_[table] == wanted_[table]);
    CHECK(saved_->position.pos == 1400);
    if (gtids_) CHECK(saved_->gtid_set->text() == kUuid + ":1-40");
  }

 private:
  struct Sealed {
    std::vector<std::uint64_t> rows;
    Mark to;
    std::optional<Ledger::Pin> pin;
    bool redo = false;
  };
  struct Table {
    std::vector<std::uint64_t> open, redo;
    std::optional<Ledger::Pin> open_pin, redo_pin;
    std::vector<Sealed> sealed;
  };
  struct Died {};

  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  void may_die() {
    if (below(60) == 0) throw Died();
  }
  static cdc::BinlogPosition at(std::uint64_t pos) { return {"b.000001", pos}; }
  std::optional<std::string> gtid(std::uint64_t gno) const {
    return gtids_ ? std::optional(kUuid + ":" + std::to_string(gno)) : std::nullopt;
  }

  void save(Ledger& ledger) {
    const Checkpoint checkpoint = ledger.checkpoint();
    CHECK(Checkpoint::parse(checkpoint.text()) == checkpoint);
    saved_ = checkpoint;
    ledger.saved();
  }

  void one_run() {
    Ledger ledger(saved_, "job", "target", false);
    std::vector<Table> tables(kTables);
    for (unsigned i = 0; i < kTables; ++i) REQUIRE(ledger.table("t." + std::to_string(i)) == i);
    try {
      for (unsigned i = 0; i < kTables; ++i) settle(ledger, tables[i], i);
      read(ledger, tables);
      for (unsigned i = 0; i < kTables; ++i) {
        seal(ledger, tables[i], i);
        while (!tables[i].sealed.empty()) load(ledger, tables[i], i);
      }
      save(ledger);
      finished_ = true;
    } catch (const Died&) {
    }
  }

  // Step 2: the load of the run before was made, or has to be made again.
  void settle(Ledger& ledger, Table& table, unsigned id) {
    if (!ledger.progress(id).load) return;
    if (made_.contains(ledger.intent(id).label)) {
      ledger.committed(id);
    } else {
      table.redo_pin = ledger.pin();
      ledger.redo(id);
    }
  }

  void read(Ledger& ledger, std::vector<Table>& tables) {
    // cdc-tail starts at the file's position; a file is read from its start.
    const bool replay = !saved_ || below(3) == 0;
    const std::uint64_t first = replay ? 1 : (saved_->position.pos - 1000) / 10 + 1;
    cdc::StartRecord start{"server", "9", std::nullopt, at(1000 + 10 * (first - 1)), "{}", "+00:00"};
    if (gtids_) start.gtid_set = first == 1 ? "" : kUuid + ":1-" + std::to_string(first - 1);
    ledger.start(start);
    save(ledger);
    for (const Transaction& transaction : stream_) {
      if (transaction.gno < first) continue;
      tell(ledger, tables, transaction);
      may_die();
      after_change(ledger, tables, true);
      if (below(5) == 0) save(ledger);
    }
  }

  void tell(Ledger& ledger, std::vector<Table>& tables, const Transaction& transaction) {
    const std::uint64_t begin = 1000 + 10 * (transaction.gno - 1);
    if (transaction.changes.empty()) return ledger.boundary(gtid(transaction.gno), at(begin + 10), 1);
    ledger.begin({gtid(transaction.gno), 1, at(begin), std::nullopt});
    for (std::size_t seq = 0; seq < transaction.changes.size(); ++seq) {
      ledger.told(seq, begin + seq);
      const Change& change = transaction.changes[seq];
      Table& table = tables[change.table];
      switch (ledger.place(change.table, seq)) {
        case Place::contained:
          break;
        case Place::redo:
          table.redo.push_back(change.id);
          break;
        case Place::next:
          if (table.open.empty()) table.open_pin = ledger.pin();
          table.open.push_back(change.id);
      }
      ledger.changed(seq);
      may_die();
      after_change(ledger, tables, false);
    }
    ledger.commit({gtid(transaction.gno), gtid(transaction.gno), 1, at(begin + 10), transaction.changes.size(), std::nullopt});
  }

  void after_change(Ledger& ledger, std::vector<Table>& tables, bool boundary) {
    for (unsigned i = 0; i < kTables; ++i) {
      Table& table = tables[i];
      if (ledger.redoing(i) && ledger.redo_complete(i)) {
        table.sealed.insert(table.sealed.begin(), {table.redo, ledger.end_redo(i), table.redo_pin, true});
        table.redo.clear();
      }
      if (below(boundary ? 6 : 12) == 0) seal(ledger, table, i);
      if (!table.sealed.empty() && !ledger.redoing(i) && below(3) == 0) load(ledger, table, i);
    }
  }

  void seal(Ledger& ledger, Table& table, unsigned id) {
    if (table.open.empty() || !ledger.can_mark()) return;
    table.sealed.push_back({table.open, ledger.mark(id), table.open_pin, false});
    table.open.clear();
  }

  // One load, made or not, heard of or not.
  void load(Ledger& ledger, Table& table, unsigned id) {
    REQUIRE_FALSE(ledger.redoing(id));
    const Sealed sealed = table.sealed.front();
    std::string text;
    for (const std::uint64_t row : sealed.rows) text += std::to_string(row) + ",";
    if (sealed.redo) {
      CHECK(ledger.intent(id).sha256 == text);  // the same changes as in the run before
    } else {
      cdc::LoadIntent intent;
      intent.label = "label " + std::to_string(++labels_);
      intent.to = sealed.to;
      intent.sha256 = text;
      ledger.intend(id, intent);
      save(ledger);
    }
    may_die();
    if (below(4) == 0) throw Died();  // it never arrived
    REQUIRE(made_.insert(ledger.intent(id).label).second);
    in_table_[id].insert(in_table_[id].end(), sealed.rows.begin(), sealed.rows.end());
    may_die();
    ledger.committed(id);
    if (sealed.pin) ledger.unpin(*sealed.pin);
    table.sealed.erase(table.sealed.begin());
  }

  std::mt19937 random_;
  bool gtids_;
  std::vector<Transaction> stream_;
  std::map<unsigned, std::vector<std::uint64_t>> wanted_, in_table_;
  std::set<std::string> made_;
  std::optional<Checkpoint> saved_;
  unsigned labels_ = 0;
  bool finished_ = false;
};

Ledger ledger_of(const cdc::StartRecord& start) {
  Ledger ledger(std::nullopt, "job", "target", false);
  ledger.start(start);
  return ledger;
}

cdc::StartRecord start(const std::string& set) { return {"server", "9", set, {"b.000001", 100}, "{}", "+00:00"}; }

}  // namespace

TEST_CASE("every change exactly once, whatever dies") {
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    World(seed, true).run();
    World(seed, false).run();
  }
}

TEST_CASE("the checkpoint stays before what is not durable, and segments are few") {
  Ledger ledger = ledger_of(start(kUuid + ":1-5"));
  const auto a = ledger.pin();
  for (int i = 6; i < 1000; ++i) {
    const auto b = ledger.pin();
    ledger.boundary(kUuid + ":" + std::to_string(i), {"b.000001", 100 + static_cast<std::uint64_t>(i)}, i);
    ledger.unpin(b);
  }
  CHECK(ledger.checkpoint().gtid_set->text() == kUuid + ":1-5");
  CHECK(ledger.checkpoint().position.pos == 100);
  const auto c = ledger.pin();
  ledger.boundary(kUuid + ":1000", {"b.000001", 2000}, 1000);
  ledger.unpin(a);
  CHECK(ledger.checkpoint().gtid_set->text() == kUuid + ":1-999");
  CHECK(ledger.checkpoint().position.pos == 1099);
  CHECK(ledger.checkpoint().ts_ms == 999);
  ledger.unpin(c);
  CHECK(ledger.checkpoint().gtid_set->text() == kUuid + ":1-1000");
  CHECK(ledger.checkpoint().position.pos == 2000);
}

namespace {

const cdc::TableName kSource{"shop", "a"}, kOther{"shop", "b"};

cdc::SnapshotChunk chunk(const cdc::TableName& source, std::uint64_t number, bool last = false) {
  return {source, number, {"id int"}, {}, {"MQ=="}, last};
}
cdc::BinlogPosition at(std::uint64_t pos) { return {"b.000001", pos}; }
void boundary(Ledger& ledger, std::uint64_t gno) { ledger.boundary(kUuid + ":" + std::to_string(gno), at(100 * gno), 1); }

// Tells a chunk at the boundary behind transaction `gno`; where its rows belong.
Place tell_chunk(Ledger& ledger, Ledger::TableId table, std::uint64_t gno, const cdc::SnapshotChunk& chunk) {
  ledger.begin({std::nullopt, 1, at(100 * gno), chunk});
  ledger.told(0, 100 * gno);
  const Place place = ledger.place(table, 0);
  ledger.changed(0);
  ledger.commit({std::nullopt, "", 1, at(100 * gno), 1, chunk});
  return place;
}

Checkpoint saved_at_five() {
  Checkpoint saved;
  saved.gtid_set = GtidSet::parse(kUuid + ":1-5");
  saved.position = at(500);
  saved.server_uuid = "server";
  saved.time_zone = "+00:00";
  saved.target = "target";
  return saved;
}

}  // namespace

TEST_CASE("chunks of two tables that go into one") {
  Ledger ledger = ledger_of(start(kUuid + ":1-5"));
  const auto table = ledger.table("ods.all");
  CHECK(tell_chunk(ledger, table, 5, chunk(kSource, 0)) == Place::next);
  CHECK(tell_chunk(ledger, table, 5, chunk(kSource, 1, true)) == Place::next);
  CHECK(tell_chunk(ledger, table, 5, chunk(kOther, 0)) == Place::next);
  const Mark mark = ledger.mark(table);
  REQUIRE(mark.chunks.size() == 2);
  CHECK(mark.chunks.at(kSource) == chunk(kSource, 1, true));
  CHECK(mark.chunks.at(kOther) == chunk(kOther, 0));
}

// After a restart chunks have other bounds: number 1 of this run may reach beyond number 3 of the run before.
TEST_CASE("a chunk counts by where it is told, not by its number") {
  Checkpoint saved = saved_at_five();
  Mark& done = saved.tables["ods.a"].done;
  done.gtids = GtidSet::parse(kUuid + ":7");
  done.chunks[kSource] = chunk(kSource, 3);
  Ledger ledger(saved, "job", "target", false);
  ledger.start(start(kUuid + ":1-3"));
  CHECK(tell_chunk(ledger, 0, 3, chunk(kSource, 4)) == Place::contained);  // before the checkpoint's position
  for (const std::uint64_t gno : {4U, 5U, 6U}) {
    boundary(ledger, gno);
    CHECK(tell_chunk(ledger, 0, gno, chunk(kSource, 4)) == Place::contained);  // the table has 7 already
  }
  CHECK(ledger.mark(0).chunks.at(kSource) == chunk(kSource, 3));
  boundary(ledger, 7);
  CHECK(tell_chunk(ledger, 0, 7, chunk(kSource, 1)) == Place::next);
  CHECK(ledger.mark(0).chunks.at(kSource) == chunk(kSource, 1));
  ledger.start(start(kUuid + ":1-6"));  // the same lines again
  CHECK(tell_chunk(ledger, 0, 6, chunk(kSource, 2)) == Place::contained);
  boundary(ledger, 7);
  CHECK(tell_chunk(ledger, 0, 7, chunk(kSource, 2)) == Place::next);
}

TEST_CASE("a chunk in a table that has part of a later transaction") {
  Checkpoint saved = saved_at_five();
  saved.tables["ods.a"].done.open = {{kUuid + ":6", at(500), 3}};
  Ledger ledger(saved, "job", "target", false);
  ledger.start(start(kUuid + ":1-5"));
  CHECK(tell_chunk(ledger, 0, 5, chunk(kSource, 0)) == Place::contained);
  boundary(ledger, 6);
  CHECK(tell_chunk(ledger, 0, 6, chunk(kSource, 0)) == Place::next);
}

TEST_CASE("a chunk beside a load to redo") {
  Checkpoint saved = saved_at_five();
  cdc::LoadIntent load;
  load.to.gtids = GtidSet::parse(kUuid + ":6-7");
  load.to.chunks[kSource] = chunk(kSource, 2);
  saved.tables["ods.a"].load = load;
  Ledger ledger(saved, "job", "target", false);
  ledger.redo(0);
  ledger.start(start(kUuid + ":1-5"));
  boundary(ledger, 6);
  CHECK(tell_chunk(ledger, 0, 6, chunk(kSource, 1)) == Place::redo);
  boundary(ledger, 7);
  CHECK(ledger.redo_complete(0));
  CHECK(tell_chunk(ledger, 0, 7, chunk(kSource, 2)) == Place::next);
  CHECK(ledger.end_redo(0).chunks.at(kSource) == chunk(kSource, 1));
  CHECK(ledger.mark(0).chunks.at(kSource) == chunk(kSource, 2));
}

TEST_CASE("streams that do not fit are refused") {
  Checkpoint saved;
  saved.gtid_set = GtidSet::parse(kUuid + ":1-5");
  saved.position = {"b.000001", 100};
  saved.server_uuid = "server";
  saved.time_zone = "+00:00";
  saved.target = "target";
  const auto begin_with = [&](const cdc::StartRecord& record, bool accept = false) {
    Ledger(saved, "job", "target", accept).start(record);
  };
  begin_with(start(kUuid + ":1-5"));
  begin_with(start(kUuid + ":1-3"));
  CHECK_THROWS_WITH_AS(begin_with(start(kUuid + ":1-7")),
                       ("the stream starts behind transactions that have not been loaded: " + kUuid + ":6-7").c_str(),
                       cdc::RefusedError);
  cdc::StartRecord other = start(kUuid + ":1-5");
  other.filter = R"({"tables":["x"]})";
  CHECK_THROWS_AS(begin_with(other), cdc::ConfigError);
  begin_with(other, true);
  other = start("");
  other.gtid_set.reset();
  CHECK_THROWS_AS(begin_with(other), cdc::RefusedError);
  CHECK_THROWS_AS(Ledger(saved, "job", "elsewhere", false), cdc::ConfigError);
  saved.gtid_set.reset();
  begin_with(other);
  other.position.pos = 101;
  CHECK_THROWS_AS(begin_with(other), cdc::RefusedError);
  other.position.pos = 99;
  other.server_uuid = "another";
  CHECK_THROWS_AS(begin_with(other), cdc::RefusedError);
}

TEST_CASE("the order of records is checked") {
  Ledger ledger = ledger_of(start(""));
  CHECK_THROWS_AS(ledger.commit({kUuid + ":1", kUuid + ":1", 1, {"b.000001", 200}, 0, std::nullopt}), cdc::DataError);
  ledger.begin({kUuid + ":1", 1, {"b.000001", 100}, std::nullopt});
  CHECK_THROWS_AS(ledger.begin({kUuid + ":2", 1, {"b.000001", 150}, std::nullopt}), cdc::DataError);
  ledger.begin({kUuid + ":1", 1, {"c.000009", 700}, std::nullopt});  // again, by another server
  CHECK_THROWS_AS(ledger.boundary("", {"b.000001", 200}, 1), cdc::DataError);
  CHECK_THROWS_AS(ledger.commit({kUuid + ":2", kUuid + ":2", 1, {"b.000001", 200}, 0, std::nullopt}), cdc::DataError);
  ledger.commit({kUuid + ":1", kUuid + ":1", 1, {"b.000001", 200}, 0, std::nullopt});
  ledger.commit({kUuid + ":1", kUuid + ":1", 1, {"b.000001", 200}, 0, std::nullopt});  // the line is there twice
  CHECK_THROWS_AS(ledger.begin({std::nullopt, 1, {"b.000001", 200}, std::nullopt}), cdc::ConfigError);
  CHECK_THROWS_AS(ledger.boundary(std::nullopt, {"b.000001", 300}, 1), cdc::DataError);
  ledger.begin({kUuid + ":2", 1, {"b.000001", 200}, std::nullopt});
  for (const std::uint64_t seq : {0U, 0U, 3U, 0U}) ledger.told(seq, 210);  // seq counts what is not told, too
  CHECK_THROWS_WITH_AS(ledger.commit({kUuid + ":2", kUuid + ":2", 1, {"b.000001", 300}, 3, std::nullopt}),
                       ("transaction " + kUuid + ":2 has 3 changes, but 2 have come: lines are missing").c_str(), cdc::DataError);
  ledger.commit({kUuid + ":2", kUuid + ":2", 1, {"b.000001", 300}, 2, std::nullopt});
}

TEST_CASE("without GTIDs two transactions that lack the lines between them are told apart") {
  cdc::StartRecord record = start("");
  record.gtid_set.reset();
  Ledger ledger = ledger_of(record);
  ledger.begin({std::nullopt, 1, at(100), std::nullopt});
  ledger.told(0, 110);
  ledger.told(0, 110);
  CHECK_THROWS_AS(ledger.told(0, 210), cdc::DataError);  // of the next one
  CHECK_THROWS_AS(ledger.commit({std::nullopt, std::nullopt, 2, at(300), 1, std::nullopt}), cdc::DataError);
  ledger.commit({std::nullopt, std::nullopt, 1, at(200), 1, std::nullopt});
}

TEST_CASE("later starts fit what has been read") {
  Ledger ledger = ledger_of(start(kUuid + ":1-5"));
  boundary(ledger, 6);
  const auto begin_with = [&](const cdc::StartRecord& record) { ledger.start(record); };
  begin_with(start(kUuid + ":1-6"));
  CHECK_THROWS_AS(begin_with(start(kUuid + ":1-7")), cdc::RefusedError);
  cdc::StartRecord other = start(kUuid + ":1-6");
  other.filter = R"({"tables":["x"]})";
  CHECK_THROWS_AS(begin_with(other), cdc::ConfigError);
  other = start(kUuid + ":1-6");
  other.time_zone = "+01:00";
  CHECK_THROWS_AS(begin_with(other), cdc::ConfigError);

  cdc::StartRecord plain = start("");
  plain.gtid_set.reset();
  Ledger files = ledger_of(plain);
  const auto pin = files.pin();  // the checkpoint stays where it is
  files.boundary(std::nullopt, at(500), 1);
  plain.position = at(500);
  files.start(plain);
  plain.position = at(501);
  CHECK_THROWS_AS(files.start(plain), cdc::RefusedError);
  files.unpin(pin);
}

// After a change of server: the table has a part of :8, which this one tells later.
TEST_CASE("parts of several transactions in one mark") {
  Checkpoint saved = saved_at_five();
  const cdc::OpenTransaction eight{kUuid + ":8", at(500), 3}, six{kUuid + ":6", at(500), 1};
  saved.tables["ods.a"].done.open = {eight};
  Ledger ledger(saved, "job", "target", false);
  ledger.start(start(kUuid + ":1-5"));
  const auto pin = ledger.pin();
  ledger.begin({kUuid + ":6", 1, at(500), std::nullopt});
  for (const std::uint64_t seq : {0U, 1U}) {
    ledger.told(seq, 510);
    CHECK(ledger.place(0, seq) == Place::next);
    ledger.changed(seq);
  }
  REQUIRE(ledger.can_mark());
  CHECK(ledger.mark(0).open == std::vector{eight, six});
  ledger.contained(0, ledger.mark(0));
  CHECK(Checkpoint::parse(ledger.checkpoint().text()) == ledger.checkpoint());
  ledger.commit({kUuid + ":6", kUuid + ":6", 1, at(600), 2, std::nullopt});
  CHECK(ledger.mark(0).open == std::vector{eight});
  ledger.begin({kUuid + ":8", 1, at(600), std::nullopt});
  CHECK(ledger.place(0, 3) == Place::contained);
  CHECK(ledger.place(0, 4) == Place::next);
  for (std::uint64_t seq = 0; seq < 5; ++seq) {
    ledger.told(seq, 610);
    ledger.changed(seq);
  }
  ledger.commit({kUuid + ":8", kUuid + ":8", 1, at(700), 5, std::nullopt});
  ledger.contained(0, ledger.mark(0));
  ledger.unpin(pin);
  CHECK(ledger.checkpoint().tables.at("ods.a").done == Mark{});
}
