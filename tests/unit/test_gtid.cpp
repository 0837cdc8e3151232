// SPDX-License-Identifier: Apache-2.0
// What texts are accepted and how they print was asked of a MySQL 9.7.4 server with GTID_SUBTRACT(text, '');
// bodies of PREVIOUS_GTIDS events are cut from its binlogs. The algebra is compared with sets of single
// numbers.
#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "common/model/gtid.hpp"

using cdc::Gtid;
using cdc::GtidSet;
using cdc::GtidSource;
using cdc::Uuid;

namespace {

const std::string kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

Uuid uuid(int last) {
  Uuid uuid;
  uuid.bytes[15] = static_cast<std::uint8_t>(last);
  return uuid;
}

std::string message_of(const std::string& text) {
  try {
    GtidSet::parse(text);
  } catch (const cdc::DataError& error) {
    return error.message();
  }
  return "accepted";
}

GtidSet decode(std::string_view bytes) {
  cdc::ByteReader reader(cdc::as_bytes(bytes));
  GtidSet set = GtidSet::decode(reader);
  CHECK(reader.at_end());
  return set;
}

}  // namespace

TEST_CASE("GTID sets that the server accepts, and how it prints them") {
  const std::string upper = "3E11FA47-71CA-11E1-9E33-C80AA9429562";
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {" , ,,  ,\n", ""},
      {upper, ""},
      {upper + ":5-3", ""},
      {upper + ":5-0", ""},
      {upper + ":tag", ""},
      {upper + ":1", kUuid + ":1"},
      {upper + " : 1 - 3 ", kUuid + ":1-3"},
      {"\t\n\r\v\f" + upper + "\n:\t1\n-\r2\n,\n", kUuid + ":1-2"},
      {upper + ":1:2:3:7-9", kUuid + ":1-3:7-9"},
      {upper + ":9-12:1-10", kUuid + ":1-12"},
      {upper + ":1-3:2", kUuid + ":1-3"},
      {upper + ":1, ," + upper + ":2,", kUuid + ":1-2"},
      {"{" + upper + "}:1", kUuid + ":1"},
      {"3E11FA4771CA11E19E33C80AA9429562:1", kUuid + ":1"},
      {upper + ":010", kUuid + ":10"},
      {upper + ":00000000000000000000000000001-5", kUuid + ":1-5"},
      {upper + ":1-9223372036854775806", kUuid + ":1-9223372036854775806"},
      {upper + ":T:5", kUuid + ":t:5"},
      {upper + ":_x:1:7", kUuid + ":_x:1:7"},
      {upper + ": tag : 1", kUuid + ":tag:1"},
      {upper + ":tag:tag2:1", kUuid + ":tag2:1"},
      {upper + ":1:tag", kUuid + ":1"},
      {upper + ":1:tag," + upper + ":2", kUuid + ":1-2"},
      {upper + ":1:tag:5," + upper + ":tag:6", kUuid + ":1:tag:5-6"},
      {upper + ":tag:1:other:5:9:tag:2", kUuid + ":other:5:9:tag:1-2"},
      {upper + ":b:1:a_:1:a9:1:aa:1:a:1:_:1:99:_a:1:_9:1",
       kUuid + ":_:1:99:_9:1:_a:1:a:1:a9:1:a_:1:aa:1:b:1"},
      {upper + ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1", kUuid + ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1"},
      {"ffffffff-0000-0000-0000-000000000000:z:4:a:5:6:1,00000000-0000-0000-0000-000000000000:1",
       "00000000-0000-0000-0000-000000000000:1,ffffffff-0000-0000-0000-000000000000:a:1:5-6:z:4"},
  };
  for (const auto& [text, canonical] : cases) {
    const GtidSet set = GtidSet::parse(text);
    CHECK(set.text() == canonical);
    CHECK(set.empty() == canonical.empty());
    CHECK(GtidSet::parse(canonical) == set);
  }
}

TEST_CASE("GTID sets that the server refuses") {
  for (const char* rest : {":",
                           ":0",
                           ":1-",
                           ":1 "
                           "3e11fa47-71ca-11e1-9e33-c80aa9429562:2",
                           ":0x10",
                           ":+5",
                           ":-5",
                           ":9223372036854775807",
                           ":1-9223372036854775807",
                           ":99999999999999999999",
                           ":TaG_9:1-5:2tag:1",
                           ":tag:",
                           ":1:tag:",
                           ":1::2",
                           ":1x",
                           ":a-b:1",
                           ":tag-1:1",
                           ":tag 1",
                           ":t:0",
                           ":\u00e9:1",
                           ":1_2",
                           ":a$:1",
                           ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1",
                           ":1-5-7",
                           ":5:",
                           ":1,\xa0",
                           "0:1"}) {
    CAPTURE(rest);
    CHECK_THROWS_AS(GtidSet::parse(kUuid + rest), cdc::DataError);
  }
  for (const char* text :
       {":1", "x", "ANONYMOUS", "3e11fa47-71ca-11e1-9e33-c80aa942956:1",
        "3e11fa4771ca-11e1-9e33-c80aa9429562:1", "{3e11fa4771ca11e19e33c80aa9429562}:1",
        "{3e11fa47-71ca-11e1-9e33-c80aa9429562:1", "3e 11fa47-71ca-11e1-9e33-c80aa9429562:1"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(GtidSet::parse(text), cdc::DataError);
  }
  CHECK_THROWS_AS(GtidSet::parse(kUuid + ":1" + std::string("\0x", 2)), cdc::DataError);
  CHECK(message_of(kUuid + ":1x") == "malformed GTID set: expected a comma at character 39, found \"x\"");
  CHECK(message_of(kUuid + ":1-") ==
        "malformed GTID set: expected a transaction number (up to 9223372036854775806) at character 40, "
        "which is the end");
}

TEST_CASE("MariaDB positions") {
  const GtidSet set = GtidSet::parse(" 1-2-7,0-1-100 ");
  CHECK(set.text() == "0-1-100,1-2-7");
  CHECK(set.count() == 0);
  CHECK(set.contains(*Gtid::parse("0-5-99")));
  CHECK_FALSE(set.contains(*Gtid::parse("0-1-101")));
  CHECK_FALSE(set.contains(*Gtid::parse("2-1-1")));
  const GtidSet other = GtidSet::parse("0-1-101,1-2-7,3-1-1");
  CHECK((set + other).text() == "0-1-101,1-2-7,3-1-1");
  CHECK((other - set).text() == "0-1-101,3-1-1");
  CHECK((set - other).empty());
  CHECK(set.intersection(other).text() == "0-1-100,1-2-7");
  CHECK(set.intersects(other));
  CHECK_FALSE(set.contains(other));
  CHECK((set + other).contains(set));
  for (const char* bad : {"0-1", "0-1-", "0-1-1-1", "0-1-1 0-1-2", "0-1-1,0-2-2", "4294967296-1-1",
                          "0-1-18446744073709551616"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(GtidSet::parse(bad), cdc::DataError);
  }
  CHECK_THROWS_AS(GtidSet::parse("0-1-1," + kUuid + ":1"), cdc::DataError);
  CHECK_THROWS_AS(GtidSet::parse(kUuid + ":1,0-1-1"), cdc::DataError);
  CHECK(message_of("0-1-1,0-2-2") == "malformed GTID set: two GTIDs of domain 0");
}

TEST_CASE("single GTIDs") {
  for (const std::string& text : {kUuid + ":1", kUuid + ":tag_1:9223372036854775806",
                                  std::string("4294967295-1-18446744073709551615")}) {
    CAPTURE(text);
    const auto gtid = Gtid::parse(text);
    REQUIRE(gtid.has_value());
    CHECK(gtid->text() == text);
    GtidSet set;
    set.add(*gtid);
    CHECK(set.text() == text);
    CHECK(set.contains(*gtid));
    CHECK(Gtid::parse(text) == gtid);
  }
  CHECK(Gtid().text().empty());
  CHECK_FALSE(GtidSet().contains(Gtid()));
  CHECK_FALSE(*Gtid::parse(kUuid + ":1") == *Gtid::parse(kUuid + ":t:1"));
  for (const std::string& bad :
       {std::string(), kUuid, kUuid + ":", kUuid + ":0", kUuid + ":1-2", kUuid + ":tag", kUuid + ":1 ",
        kUuid + ":t:1:2", " " + kUuid + ":1", std::string("0-1"), std::string("0-1-2-3")}) {
    CAPTURE(bad);
    CHECK_FALSE(Gtid::parse(bad).has_value());
  }
}

TEST_CASE("the server's encoding of PREVIOUS_GTIDS") {
  const std::string plain(
      "\2\0\0\0\0\0\0\0"
      "\x11\x11\x11\x11\x22\x22\x33\x33\x44\x44\x55\x55\x55\x55\x55\x55\2\0\0\0\0\0\0\0"
      "\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0"
      "\x82\xfb\xe6\x63\xe5\x8e\x11\xf1\x87\x6a\x02\xfc\0\0\0\1\1\0\0\0\0\0\0\0"
      "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0",
      104);
  CHECK(decode(plain).text() ==
        "11111111-2222-3333-4444-555555555555:3:7,82fbe663-e58e-11f1-876a-02fc00000001:1");
  CHECK(decode(plain).encode() == plain);
  const std::string tagged(
      "\1\2\0\0\0\0\0\1"
      "\x82\xfb\xe6\x63\xe5\x8e\x11\xf1\x87\x6a\x02\xfc\0\0\0\1\0\1\0\0\0\0\0\0\0"
      "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
      "\x82\xfb\xe6\x63\xe5\x8e\x11\xf1\x87\x6a\x02\xfc\0\0\0\1\6abc\1\0\0\0\0\0\0\0"
      "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0",
      93);
  CHECK(decode(tagged).text() == "82fbe663-e58e-11f1-876a-02fc00000001:1:abc:1");
  CHECK(decode(tagged).encode() == tagged);
  CHECK(decode(std::string(8, '\0')).empty());
  CHECK(GtidSet().encode() == std::string(8, '\0'));

  for (const std::string& whole : {plain, tagged}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      CHECK_THROWS_AS(decode(whole.substr(0, size)), cdc::DecodeError);
    }
  }
}

TEST_CASE("lying encodings are refused without believing their counts") {
  const std::string header("\1\0\0\0\0\0\0\0", 8);
  const auto number = [](std::uint64_t value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const std::string source(16, 'u');
  CHECK_THROWS_AS(decode(std::string(7, '\xff') + '\0'), cdc::DecodeError);         // 2^56 - 1 sources
  CHECK_THROWS_AS(decode(std::string(7, '\0') + '\2'), cdc::DecodeError);           // format 2
  CHECK_THROWS_AS(decode(header + source + number(UINT64_MAX)), cdc::DecodeError);  // so many intervals
  const auto one = [&](std::uint64_t start, std::uint64_t end) {
    return decode(header + source + number(1) + number(start) + number(end));
  };
  CHECK(one(1, INT64_MAX).count() == cdc::kMaxGno);
  CHECK_THROWS_AS(one(0, 2), cdc::DecodeError);
  CHECK_THROWS_AS(one(2, 2), cdc::DecodeError);
  CHECK_THROWS_AS(one(3, 2), cdc::DecodeError);
  CHECK_THROWS_AS(one(1, UINT64_MAX), cdc::DecodeError);
  const std::string unordered = header + source + number(2) + number(5) + number(6) + number(1) + number(2);
  CHECK_THROWS_AS(decode(unordered), cdc::DecodeError);
  const auto with_tag = [&](const std::string& tag) {
    return decode(std::string("\1\1\0\0\0\0\0\1", 8) + source + tag + number(1) + number(1) + number(2));
  };
  CHECK(with_tag("\6abc").has_tags());
  CHECK_THROWS_AS(with_tag("\6aBc"), cdc::DecodeError);
  CHECK_THROWS_AS(with_tag("\2\x31"), cdc::DecodeError);
  CHECK_THROWS_AS(with_tag("\x42" + std::string(33, 'a')), cdc::DecodeError);
  CHECK_THROWS_AS(with_tag("\1"), cdc::DecodeError);
}

namespace {

// The obvious implementation: every transaction on its own.
struct NaiveSet {
  std::set<std::pair<GtidSource, std::uint64_t>> all;

  GtidSet to_set(std::mt19937& random) const {
    std::vector<std::pair<GtidSource, std::uint64_t>> shuffled(all.begin(), all.end());
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    GtidSet set;
    for (const auto& [source, gno] : shuffled) set.add(Gtid::of(source, gno));
    return set;
  }
};

bool same(const GtidSet& set, const NaiveSet& naive) {
  NaiveSet told;
  for (const auto& [source, intervals] : set.mysql()) {
    if (intervals.empty()) return false;
    std::uint64_t last = 0;
    for (const auto& [start, end] : intervals) {
      if (start <= last || end <= start) return false;  // unordered, touching or empty
      for (std::uint64_t gno = start; gno < end; ++gno) told.all.insert({source, gno});
      last = end;
    }
  }
  return told.all == naive.all;
}

NaiveSet random_naive(std::mt19937& random) {
  const GtidSource sources[] = {{uuid(1), ""}, {uuid(1), "tag"}, {uuid(2), ""}};
  std::uniform_int_distribution<std::size_t> pick(0, 2);
  std::uniform_int_distribution<std::uint64_t> start(1, 40), length(1, 8);
  std::uniform_int_distribution<int> stretches(0, 8);
  NaiveSet naive;
  for (int i = stretches(random); i > 0; --i) {
    const GtidSource& source = sources[pick(random)];
    const std::uint64_t first = start(random);
    for (std::uint64_t gno = first, end = first + length(random); gno < end; ++gno)
      naive.all.insert({source, gno});
  }
  return naive;
}

}  // namespace

TEST_CASE("the algebra is that of sets of single transactions") {
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    CAPTURE(round);
    const NaiveSet naive_a = random_naive(random), naive_b = random_naive(random);
    const GtidSet a = naive_a.to_set(random), b = naive_b.to_set(random);
    REQUIRE(same(a, naive_a));
    REQUIRE(a.count() == naive_a.all.size());

    NaiveSet sum = naive_a, difference, common;
    sum.all.insert(naive_b.all.begin(), naive_b.all.end());
    std::set_difference(naive_a.all.begin(), naive_a.all.end(), naive_b.all.begin(), naive_b.all.end(),
                        std::inserter(difference.all, difference.all.end()));
    std::set_intersection(naive_a.all.begin(), naive_a.all.end(), naive_b.all.begin(), naive_b.all.end(),
                          std::inserter(common.all, common.all.end()));
    REQUIRE(same(a + b, sum));
    REQUIRE(same(a - b, difference));
    REQUIRE(same(a.intersection(b), common));
    REQUIRE(a.intersects(b) == !common.all.empty());
    REQUIRE(a.contains(b) == (common.all == naive_b.all));
    REQUIRE((a + b).contains(a));
    for (std::uint64_t gno = 1; gno < 50; ++gno) {
      const GtidSource source{uuid(1), "tag"};
      REQUIRE(a.contains(Gtid::of(source, gno)) == naive_a.all.contains({source, gno}));
    }
    REQUIRE(GtidSet::parse(a.text()) == a);
    REQUIRE(decode(a.encode()) == a);
  }
}

TEST_CASE("sets with themselves") {
  GtidSet set = GtidSet::parse(kUuid + ":1-5:7");
  set.add(set);
  CHECK(set.text() == kUuid + ":1-5:7");
  CHECK(set.contains(set));
  set.subtract(set);
  CHECK(set.empty());
}

// The size that a set with many holes reaches on a busy multi-threaded replica.
TEST_CASE("a hundred thousand intervals, made and closed in any order") {
  constexpr std::uint64_t kCount = 100'000;
  std::vector<std::uint64_t> order(kCount);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(6);
  const GtidSource source{uuid(1), ""};
  GtidSet set;
  std::shuffle(order.begin(), order.end(), random);
  for (const std::uint64_t i : order) set.add(source, {2 * i + 1, 2 * i + 2});
  CHECK(set.mysql().at(source).size() == kCount);
  CHECK(set.count() == kCount);
  CHECK(GtidSet::parse(set.text()) == set);
  CHECK(decode(set.encode()) == set);
  GtidSet rest = set;
  rest.subtract(GtidSet::parse(uuid(1).text() + ":1-100000"));
  CHECK(rest.count() == kCount / 2);
  CHECK(set.contains(rest));
  CHECK_FALSE(rest.contains(set));
  std::shuffle(order.begin(), order.end(), random);
  for (const std::uint64_t i : order) set.add(source, {2 * i + 2, 2 * i + 3});
  CHECK(set.text() == uuid(1).text() + ":1-200000");
}

TEST_CASE("extending the newest interval allocates nothing") {
  GtidSet set = GtidSet::parse(kUuid + ":a_tag_longer_than_sixteen:1-5:9");
  Gtid gtid = *Gtid::parse(kUuid + ":a_tag_longer_than_sixteen:10");
  const auto before = ::mallinfo2().uordblks;
  for (int i = 0; i < 1000; ++i, ++gtid.mysql.gno) set.add(gtid);
  CHECK(::mallinfo2().uordblks == before);
  CHECK(set.text() == kUuid + ":a_tag_longer_than_sixteen:1-5:9-1009");
}
