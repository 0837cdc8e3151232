// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <map>
#include <random>

#include "common/starrocks/batch.hpp"
#include "common/starrocks/label.hpp"

using cdc::starrocks::Batch;
using cdc::starrocks::Body;
using cdc::starrocks::TransactionId;

namespace {

std::string text(const Body& body) {
  std::string joined;
  body.for_each_part([&](std::string_view part) { joined += part; });
  CHECK(joined.size() == body.bytes());
  return joined;
}
std::string text(const Batch& batch) { return text(Body(batch, 0, batch.rows())); }

TransactionId transaction(std::uint64_t gno) {
  return {*cdc::Gtid::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:" + std::to_string(gno)), {"b.000001", gno}};
}

}  // namespace

TEST_CASE("a keyed batch has the last state of each key, in the order of the keys") {
  Batch batch(true, true);
  batch.put("2", "{\"v\":1}", "line 1");
  batch.put("1", "{\"v\":2}", "line 2");
  batch.put("2", "{\"v\":3}", "line 3");
  CHECK(text(batch) == R"([{"v":3},{"v":2}])");
  CHECK(text(Body(batch, 1, 1)) == R"([{"v":2}])");
  CHECK(text(Body(batch, 0, 1)) == R"([{"v":3}])");
  CHECK(batch.row(0) == "{\"v\":3}");
  CHECK(batch.line(0) == "line 3");
  batch.seal();
  CHECK(text(batch) == R"([{"v":3},{"v":2}])");
}

TEST_CASE("a transaction is taken back whole") {
  Batch batch(true, true);
  batch.put("1", "{\"v\":1}", "a");
  batch.commit();
  const std::string before = text(batch);
  batch.put("2", "{\"v\":2}", "b");
  batch.put("1", "{\"v\":3}", "c");
  batch.put("1", "{\"v\":4}", "d");
  CHECK(batch.open_rows() == 3);
  batch.rollback();
  CHECK(text(batch) == before);
  CHECK(batch.line(0) == "a");
  batch.put("2", "{\"v\":5}", "e");
  CHECK(text(batch) == R"([{"v":1},{"v":5}])");

  Batch rows(false, false);
  rows.append(transaction(1), 0, "{\"v\":1}", "");
  rows.commit();
  rows.append(transaction(2), 0, "{\"v\":2}", "");
  rows.rollback();
  rows.append(transaction(3), 4, "{\"v\":3}", "");
  CHECK(text(rows) == R"([{"v":1},{"v":3}])");
  CHECK(rows.mark_after(1, {}).open.at(0).seq == 4);
}

TEST_CASE("marks inside a batch without keys") {
  Batch batch(false, false);
  batch.append(transaction(5), 0, "{}", "");
  batch.append(transaction(5), 2, "{}", "");
  batch.append(transaction(7), 1, "{}", "");
  cdc::Mark from;
  from.gtids = cdc::GtidSet::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:3");
  cdc::Mark mark = batch.mark_after(0, from);
  CHECK(mark.gtids == from.gtids);
  CHECK(mark.open == std::vector<cdc::OpenTransaction>{{transaction(5).gtid.text(), {"b.000001", 5}, 0}});
  CHECK(batch.mark_after(1, from).open.at(0).seq == 2);
  mark = batch.mark_after(2, from);
  CHECK(mark.gtids.text() == "3e11fa47-71ca-11e1-9e33-c80aa9429562:3:5");
  const cdc::OpenTransaction seven{transaction(7).gtid.text(), {"b.000001", 7}, 1};
  CHECK(mark.open == std::vector{seven});
  // A part of a transaction that this server tells later stays one.
  const cdc::OpenTransaction nine{transaction(9).gtid.text(), {"a.000001", 9}, 3};
  from.open = {nine};
  CHECK(batch.mark_after(2, from).open == std::vector{nine, seven});
}

TEST_CASE("against a map, with rollbacks, for many sizes") {
  std::mt19937 random(1);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < 20; ++round) {
    Batch batch(true, true);
    std::map<std::string, std::string> committed, open;
    const unsigned keys = 1 + below(300);
    for (int transactions = 0; transactions < 60; ++transactions) {
      for (unsigned change = below(100); change > 0; --change) {
        const std::string key = std::to_string(below(keys));
        const std::string row = "{\"k\":\"" + key + "\",\"v\":\"" + std::string(below(3000), 'x') + "\"}";
        batch.put(key, row, row + " line");
        open[key] = row;
      }
      if (below(4) == 0) {
        batch.rollback();
        open = committed;
      } else {
        batch.commit();
        committed = open;
      }
    }
    REQUIRE(batch.rows() == committed.size());
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < batch.rows(); ++i) {
      const std::string row(batch.row(i));
      bytes += row.size() + 1;
      const std::string key = row.substr(6, row.find('"', 6) - 6);
      CHECK(committed.at(key) == row);
      CHECK(batch.line(i) == row + " line");
    }
    CHECK(batch.bytes() == bytes);
    CHECK(batch.memory() >= bytes);
    CHECK(batch.memory() < 6 * (2 * bytes + (1 << 20)));
  }
}

TEST_CASE("labels are bound to what they name") {
  Batch batch(false, false);
  batch.append(transaction(1), 0, "{\"v\":1}", "");
  const Body body(batch, 0, 1);
  // printf '[{"v":1}]' | sha256sum
  CHECK(cdc::starrocks::load_sha256(body, "") == "2f82c48b76c854095c5ff86fd0568fee6ea2cf16f807ca7d9dc73da5adff183d");
  // printf '[{"v":1}]\na' | sha256sum
  CHECK(cdc::starrocks::load_sha256(body, "a") == "5310b2b53e45f400c2d9066cc92670d529466a84f204329468006c03bd3d4234");
  const auto label = [](const std::string& job, const std::string& target, std::uint64_t seq, const std::string& hash) {
    cdc::Mark from, to;
    to.open = {{"", {"b.000001", 4}, seq}};
    return cdc::starrocks::make_label("cdc", job, target, from, to, hash);
  };
  const std::string one = label("j", "a.b", 1, "h");
  CHECK(one == label("j", "a.b", 1, "h"));
  CHECK(one.size() == 44);
  for (const std::string& other : {label("k", "a.b", 1, "h"), label("j", "a.c", 1, "h"), label("j", "a.b", 2, "h"),
                                   label("j", "a.b", 1, "i"), label("ja", ".b", 1, "h")})
    CHECK(one != other);
  CHECK(cdc::starrocks::is_label_prefix("cdc-1_x"));
  CHECK_FALSE(cdc::starrocks::is_label_prefix(""));
  CHECK_FALSE(cdc::starrocks::is_label_prefix("a.b"));
  CHECK_FALSE(cdc::starrocks::is_label_prefix(std::string(81, 'a')));
}
