// SPDX-License-Identifier: Apache-2.0
// The ledger against the plain thing: a set of everything, and a set of what was not told.
#include <doctest/doctest.h>

#include <random>

#include "tools/cdc-tail/ledger.hpp"

using cdc::Gtid;
using cdc::GtidSet;
using cdc::tail::Ledger;

namespace {

const std::string kOne = "3e11fa47-71ca-11e1-9e33-c80aa9429562", kTwo = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

Gtid gtid(const std::string& text) {
  return Gtid::parse(text).value();
}
std::string taken(Ledger& ledger) {
  std::string text = "what was there before";
  ledger.take(text);
  return text;
}

}  // namespace

TEST_CASE("what is completed is told once, numbers in a row as one range") {
  Ledger ledger(GtidSet::parse(kOne + ":1-10"));
  CHECK_FALSE(ledger.has_untold());
  CHECK(taken(ledger) == "");
  ledger.complete(gtid(kOne + ":11"));
  CHECK(ledger.has_untold());
  CHECK(taken(ledger) == kOne + ":11");
  CHECK_FALSE(ledger.has_untold());
  for (const char* const number : {":12", ":13", ":14"}) ledger.complete(gtid(kOne + number));
  CHECK(taken(ledger) == kOne + ":12-14");
  CHECK(ledger.executed() == GtidSet::parse(kOne + ":1-14"));
  CHECK(taken(ledger) == "");
}

TEST_CASE("other sources, tags, gaps, and sets from elsewhere") {
  Ledger ledger(GtidSet{});
  ledger.complete(gtid(kOne + ":1"));
  ledger.complete(gtid(kOne + ":3"));
  ledger.complete(gtid(kTwo + ":tag:7"));
  ledger.complete(GtidSet::parse(kOne + ":2:9"));
  CHECK(taken(ledger) == kOne + ":1-3:9," + kTwo + ":tag:7");
  ledger.complete(gtid(kOne + ":10"));
  CHECK(taken(ledger) == kOne + ":10");
  CHECK(ledger.executed() == GtidSet::parse(kOne + ":1-3:9-10," + kTwo + ":tag:7"));
}

TEST_CASE("anonymous transactions leave no trace") {
  Ledger ledger(GtidSet{});
  ledger.complete(Gtid{});
  CHECK_FALSE(ledger.has_untold());
  CHECK(taken(ledger) == "");
  CHECK(ledger.executed().empty());
}

TEST_CASE("MariaDB's GTIDs") {
  Ledger ledger(GtidSet::parse("0-1-100"));
  ledger.complete(gtid("0-1-101"));
  ledger.complete(gtid("0-2-102"));
  CHECK(taken(ledger) == "0-2-102");
  CHECK(ledger.executed() == GtidSet::parse("0-2-102"));
}

TEST_CASE("random histories: told parts are disjoint and make up the whole") {
  std::mt19937 random(7);
  for (int history = 0; history < 200; ++history) {
    const GtidSet start = GtidSet::parse(kOne + ":1-5");
    Ledger ledger(start);
    GtidSet all = start, untold;
    std::uint64_t next = 6;
    for (int step = 0; step < 100; ++step) {
      const unsigned kind = random() % 8;
      if (kind == 0) {
        std::string text;
        ledger.take(text);
        CHECK(GtidSet::parse(text) == untold);
        untold.clear();
        CHECK_FALSE(ledger.has_untold());
        continue;
      }
      if (kind == 1) {
        CHECK(ledger.executed() == all);
        continue;
      }
      if (kind == 2) next += random() % 3;
      const Gtid one = kind == 3 ? gtid(kTwo + ":" + std::to_string(1 + random() % 1000))
                                 : gtid(kOne + ":" + std::to_string(next++));
      if (all.contains(one)) continue;  // a server gives a number once
      ledger.complete(one);
      all.add(one);
      untold.add(one);
      CHECK(ledger.has_untold());
    }
    CHECK(ledger.executed() == all);
  }
}
