// SPDX-License-Identifier: Apache-2.0
// Every byte offset of the captured binlogs, against what SHOW BINLOG EVENTS said of the same files: there, a
// transaction begins with its GTID row and ends where the next GTID row, ROTATE or STOP begins.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "binlog_fixture.hpp"
#include "common/mysql/position_scan.hpp"

namespace {

using cdc::GtidSet;
using cdc::Place;

struct Shown {
  std::uint64_t begin, end;
  std::string type, info;
  bool starts() const {
    return type == "Gtid" || type == "Anonymous_Gtid" || type == "Gtid_tagged_log_event";
  }
  bool outside() const {
    for (const char* name :
         {"Format_desc", "Previous_gtids", "Gtid_list", "Binlog_checkpoint", "Rotate", "Stop"})
      if (type == name) return true;
    return false;
  }
};

std::vector<Shown> shown_events(const std::string& name, const std::string& file) {
  std::vector<Shown> events;
  for (const auto& row : cdc::fixture::read_tsv(cdc::fixture::directory(name) / "events.tsv"))
    if (row[0] == file)
      events.push_back({std::stoull(row[1]), std::stoull(row[4]), row[2], row.size() > 5 ? row[5] : ""});
  return events;
}

// What the rows say of one offset.
struct Expected {
  Place place = Place::boundary;
  std::uint64_t before = 4, after = 0;
  GtidSet set;
  std::map<std::string, std::uint64_t> prepared;  // by identifier, where their transaction begins
};

// "XA PREPARE X'61',X'',1" and "XA COMMIT X'61',X'',1", which are the last event of their transaction.
void follow_xa(const Shown& event, std::uint64_t begin, std::map<std::string, std::uint64_t>& prepared) {
  const auto words = cdc::split(event.info, ' ');
  if (words.size() != 3 || words[0] != "XA") return;
  if (words[1] == "PREPARE") prepared[std::string(words[2])] = begin;
  if (words[1] == "COMMIT" || words[1] == "ROLLBACK") prepared.erase(std::string(words[2]));
}

// The last word that is a GTID: "SET @@SESSION.GTID_NEXT= 'uuid:1'", "BEGIN GTID 0-1-2".
std::optional<cdc::Gtid> gtid_in(const std::string& info) {
  std::optional<cdc::Gtid> found;
  for (std::string_view word : cdc::split(info, ' ')) {
    if (word.starts_with('\'')) word = word.substr(1, word.size() - 2);
    if (const auto gtid = cdc::Gtid::parse(word)) found = gtid;
  }
  return found;
}

GtidSet first_set(const Shown& event) {
  std::string text;
  for (const char c : event.info)
    if (c != '[' && c != ']') text += c;
  return GtidSet::parse(text);
}

Expected expect(const std::vector<Shown>& events, std::uint64_t pos) {
  Expected expected;
  if (pos > events.back().end) {
    expected.place = Place::behind_end;
    pos = events.back().end;
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Shown& event = events[i];
    if (event.type == "Previous_gtids" || event.type == "Gtid_list") expected.set = first_set(event);
    if (event.outside()) {
      if (event.end <= pos) expected.before = event.end;
      if (event.begin < pos && pos < event.end) {
        expected = {Place::inside_event, event.begin, event.end, expected.set, expected.prepared};
        return expected;
      }
      continue;
    }
    REQUIRE(event.starts());
    std::size_t last = i;
    while (last + 1 < events.size() && !events[last + 1].starts() && !events[last + 1].outside()) ++last;
    const std::uint64_t end = events[last].end;
    if (end <= pos) {
      expected.before = end;
      if (const auto gtid = gtid_in(event.info)) expected.set.add(*gtid);
      follow_xa(events[last], event.begin, expected.prepared);
    } else if (event.begin < pos) {
      const bool starts_event =
          std::any_of(events.begin(), events.end(), [&](const Shown& e) { return e.begin == pos; });
      expected.place = starts_event ? Place::inside_transaction : Place::inside_event;
      expected.before = event.begin;
      expected.after = end;
      return expected;
    }
    i = last;
  }
  if (expected.place == Place::boundary) expected.before = expected.after = pos;
  return expected;
}

// Where the file's own set is known: it is read with whatever comes first behind the offset.
std::uint64_t behind_set(const std::vector<Shown>& events) {
  for (const Shown& event : events)
    if (event.type == "Previous_gtids" || event.type == "Gtid_list") return event.end;
  return 4;
}

}  // namespace

TEST_CASE("every offset of every captured binlog is what SHOW BINLOG EVENTS makes of it") {
  std::size_t offsets = 0, open_xas = 0;
  for (const std::string& name : cdc::fixture::names()) {
    if (name == "mysql56-nogtid") continue;  // its transactions do not begin with a GTID row
    for (const std::string& file : cdc::fixture::files_of(name)) {
      const std::vector<Shown> events = shown_events(name, file);
      if (events.empty()) continue;
      cdc::fixture::File source(name, file);
      for (std::uint64_t pos = 4; pos <= events.back().end + 3; ++pos, ++offsets) {
        CAPTURE(name);
        CAPTURE(file);
        CAPTURE(pos);
        source.rewind();
        const cdc::PositionScan scan = cdc::scan_position(source, {file, pos});
        const Expected expected = expect(events, pos);
        REQUIRE(scan.place == expected.place);
        if (expected.place != Place::behind_end) REQUIRE(scan.after == expected.after);
        REQUIRE(scan.before == expected.before);
        std::map<std::string, std::uint64_t> prepared;
        for (const auto& [xid, transaction] : scan.prepared) prepared[xid.text()] = transaction.begin.pos;
        REQUIRE(prepared == expected.prepared);
        if (!prepared.empty()) ++open_xas;
        const bool outside = std::any_of(events.begin(), events.end(), [&](const Shown& e) {
          return e.outside() && e.begin < pos && pos < e.end;
        });
        const bool within =
            expected.place == Place::inside_transaction || expected.place == Place::inside_event;
        REQUIRE(scan.open.has_value() == (within && !outside));
        const std::uint64_t known = std::max(pos, behind_set(events));
        REQUIRE(scan.gtid_set.value_or(GtidSet()).text() == expect(events, known).set.text());
      }
    }
  }
  CHECK(offsets > 20'000);
  CHECK(open_xas > 500);
}

TEST_CASE("without GTID events transactions are found all the same") {
  const std::string name = "mysql56-nogtid";
  const std::string file = cdc::fixture::files_of(name).front();
  cdc::fixture::File source(name, file);
  bool open = false, of_statement = false;  // begun by the variables of one statement
  for (const Shown& event : shown_events(name, file)) {
    source.rewind();
    const cdc::PositionScan scan = cdc::scan_position(source, {file, event.begin});
    CAPTURE(event.begin);
    CHECK((scan.place == Place::boundary) == !open);
    const bool variable = event.type == "RAND" || event.type == "User var" || event.type == "Intvar";
    const bool query = event.type == "Query";
    if (!open && (variable || (query && event.info == "BEGIN"))) {
      open = true;
      of_statement = variable;
    } else if (event.type == "Xid" ||
               (query && (of_statement || event.info == "COMMIT" || event.info == "ROLLBACK"))) {
      open = of_statement = false;
    }
  }
}

TEST_CASE("behind a transaction that a crash cut off is a place to start, and its GTID is not executed") {
  const std::string name = "mysql-transactions";
  const std::string file = cdc::fixture::files_of(name).front();
  const std::vector<Shown> events = shown_events(name, file);
  const auto xid = std::find_if(events.begin(), events.end(), [](const Shown& e) { return e.type == "Xid"; });
  const auto begin =
      std::find_if(std::make_reverse_iterator(xid), events.rend(), [](const Shown& e) { return e.starts(); });
  cdc::fixture::File source(name, file);
  source.bytes().erase(xid->begin, xid->end - xid->begin);
  const cdc::PositionScan scan = cdc::scan_position(source, {file, xid->begin});
  CHECK(scan.place == Place::boundary);
  CHECK(scan.before == xid->begin);
  CHECK_FALSE(scan.seen.contains(*gtid_in(begin->info)));
  source.rewind();
  const cdc::PositionScan inside = cdc::scan_position(source, {file, std::prev(xid)->begin});
  CHECK(inside.place == Place::inside_transaction);
  CHECK(inside.before == begin->begin);
}

TEST_CASE("where an XA transaction was prepared, for a reader of what comes behind") {
  for (const std::string name : {"mysql-transactions", "mariadb-transactions"}) {
    const std::string file = cdc::fixture::files_of(name).front();
    const std::vector<Shown> events = shown_events(name, file);
    const auto shown = [&](const std::string& info) {
      return std::find_if(events.begin(), events.end(), [&](const Shown& e) { return e.info == info; });
    };
    const std::string text = "X'6774726964',X'627175616c',7";
    const cdc::XaId xid = *cdc::parse_xa_id("XA COMMIT " + text);
    const auto prepare = shown("XA PREPARE " + text), commit = shown("XA COMMIT " + text);
    const auto begin = std::find_if(std::make_reverse_iterator(prepare), events.rend(),
                                    [](const Shown& e) { return e.starts(); });
    const auto search = [&](std::uint64_t before) {
      cdc::fixture::File source(name, file);
      std::map<cdc::XaId, cdc::PreparedSearch> searches{{xid, {{file, before}, std::nullopt, false}}};
      cdc::scan_prepared(source, searches);
      return searches.at(xid);
    };
    const cdc::PreparedSearch open = search(prepare->end);
    REQUIRE(open.prepared);
    CHECK(open.prepared->begin == cdc::BinlogPosition{file, begin->begin});
    CHECK(open.prepared->gtid == *gtid_in(begin->info));
    const cdc::PreparedSearch ended = search(commit->end);
    CHECK_FALSE(ended.prepared);
    CHECK(ended.ended);
    // Each has its own bound: another one's search goes on behind the end of this one.
    cdc::fixture::File source(name, file);
    const cdc::XaId rolled_back = *cdc::parse_xa_id("XA ROLLBACK X'00ff'");
    std::map<cdc::XaId, cdc::PreparedSearch> both{{xid, {{file, prepare->end}, std::nullopt, false}},
                                                  {rolled_back, {{file, events.back().end}, std::nullopt, false}}};
    cdc::scan_prepared(source, both);
    CHECK(both.at(xid).prepared);
    CHECK(both.at(rolled_back).ended);
    const cdc::PreparedSearch early = search(begin->begin);
    CHECK_FALSE(early.prepared);
    CHECK_FALSE(early.ended);
  }
}

TEST_CASE("the start of a file tells its set and its first commit, and reads no further") {
  const std::string name = "mysql-transactions";
  const std::string file = cdc::fixture::files_of(name).front();
  cdc::fixture::File source(name, file);
  cdc::FileStart start;
  cdc::scan_file_start(source, start);
  REQUIRE(start.previous_gtids);
  CHECK(start.previous_gtids->empty());
  CHECK(start.first_commit_ms.value_or(0) / 1000 >= start.created_s);
  CHECK(start.bytes_read == shown_events(name, file)[2].end - 4);
}

TEST_CASE("the first transaction of a kind is found with all that is executed before it") {
  const std::string name = "mysql-transactions";
  const std::string file = cdc::fixture::files_of(name).front();
  const std::vector<Shown> events = shown_events(name, file);
  std::vector<Shown> starts;
  std::copy_if(events.begin(), events.end(), std::back_inserter(starts),
               [](const Shown& e) { return e.starts(); });
  const Shown& fifth = starts.at(4);
  cdc::fixture::File source(name, file);
  cdc::FoundPlace place;
  cdc::find_transaction(
      source, [&](const cdc::Transaction& t) { return t.gtid == gtid_in(fifth.info); }, place);
  CHECK(place.position == cdc::BinlogPosition{file, fifth.begin});
  REQUIRE(place.first);
  CHECK(place.first->gtid == gtid_in(fifth.info));
  CHECK(place.gtid_set == expect(events, fifth.begin).set);
}
