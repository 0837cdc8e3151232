// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <rapidjson/document.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "common/base/fd.hpp"
#include "common/model/checkpoint.hpp"

using cdc::Checkpoint;
using cdc::GtidSet;
using cdc::Mark;

namespace {

const std::string kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Checkpoint checkpoint() {
    Checkpoint c;
    c.job = text();
    if (coin()) c.gtid_set = gtids();
    c.position = position();
    c.server_uuid = text();
    c.ts_ms = static_cast<std::int64_t>(random_());
    c.filter = coin() ? "{}" : R"({"tables":["shop.*","a\"\\\u0001b"],"all":true,"n":-5,"x":{"y":null}})";
    c.time_zone = text();
    c.target = text();
    c.copied = coin();
    for (std::size_t i = random_() % 4; i > 0; --i) {
      cdc::TableProgress progress;
      progress.done = mark();
      if (coin()) progress.load = load();
      c.tables[text()] = progress;
    }
    for (std::size_t i = random_() % 3; i > 0; --i) c.witnesses[text()] = text();
    for (std::size_t i = random_() % 3; i > 0; --i) c.alters[{text(), text()}] = {text(), text()};
    return c;
  }

 private:
  bool coin() { return random_() % 2 == 0; }
  std::string text() {
    static const std::string kPieces[] = {"a",    "shop.orders",        "\"", "\\",         "\n",
                                          "\x01", std::string(1, '\0'), "é",  "\U0001F600", "</"};
    std::string text;
    for (std::size_t i = random_() % 5; i > 0; --i) text += kPieces[random_() % std::size(kPieces)];
    return text;
  }
  cdc::BinlogPosition position() { return {text(), random_()}; }
  GtidSet gtids() {
    GtidSet set;
    for (std::size_t i = random_() % 4; i > 0; --i) {
      const std::uint64_t start = 1 + random_() % 1000;
      set.add({*cdc::Uuid::parse(kUuid), coin() ? "tag" : ""}, {start, start + 1 + random_() % 50});
    }
    return set;
  }
  Mark mark() {
    Mark mark;
    mark.gtids = gtids();
    if (coin()) mark.position = position();
    while (coin()) mark.open.push_back({text(), position(), random_()});
    for (std::size_t i = random_() % 3; i > 0; --i) {
      const cdc::TableName table{text(), text()};
      mark.chunks[table] = {table, random_(), {text()}, {text()}, {text(), text()}, coin()};
    }
    return mark;
  }
  cdc::LoadIntent load() {
    return {.label = text(),
            .from = mark(),
            .to = mark(),
            .rows = random_(),
            .bytes = random_(),
            .sha256 = text(),
            .first_sent_ms = static_cast<std::int64_t>(random_()),
            .last_sent_ms = static_cast<std::int64_t>(random_()),
            .witness = text(),
            .timeout_s = -1,
            .suspect = coin()};
  }

  std::mt19937_64 random_;
};

Checkpoint example() {
  Checkpoint c;
  c.job = "5f2a";
  c.gtid_set = GtidSet::parse(kUuid + ":1-5");
  c.position = {"binlog.000123", 4711};
  c.server_uuid = kUuid;
  c.ts_ms = 1763710000123;
  c.time_zone = "+00:00";
  c.tables["ods.orders"].done.gtids = GtidSet::parse(kUuid + ":7");
  c.witnesses["ods"] = "cdc_1";
  return c;
}

// The outcome of parsing: "" or "65 message".
std::string outcome(const std::string& text) {
  try {
    Checkpoint::parse(text);
    return "";
  } catch (const cdc::Error& error) {
    return std::to_string(static_cast<int>(error.exit_code())) + " " + error.message();
  }
}

// The example's text with one piece replaced.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = example().text();
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

struct TemporaryDirectory {
  std::string path = "/tmp/cdc-unit-XXXXXX";
  TemporaryDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("a checkpoint has the members that the manual names") {
  rapidjson::Document document;
  const std::string text = example().text();
  REQUIRE_FALSE(document.Parse(text.c_str()).HasParseError());
  std::string names;
  for (const auto& member : std::as_const(document).GetObject())
    names += std::string(member.name.GetString()) + " ";
  CHECK(names == "version job gtid_set file pos server_uuid ts_ms filter time_zone target copied tables witnesses ");
  CHECK(document["version"].GetInt() == 1);
  CHECK(std::string(document["gtid_set"].GetString()) == kUuid + ":1-5");
  CHECK(document["pos"].GetUint64() == 4711);
  CHECK(document["tables"]["ods.orders"]["load"].IsNull());
  CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("what is written reads back as itself") {
  Generator generator(7);
  for (int round = 0; round < 1000; ++round) {
    const Checkpoint c = generator.checkpoint();
    const std::string text = c.text();
    CAPTURE(text);
    const Checkpoint back = Checkpoint::parse(text);
    REQUIRE(back == c);
    REQUIRE(back.text() == text);
  }
}

TEST_CASE("no part of a checkpoint is a checkpoint") {
  Generator generator(8);
  for (int round = 0; round < 20; ++round) {
    const std::string text = generator.checkpoint().text();
    for (std::size_t size = 0; size < text.size(); ++size) {
      CAPTURE(size);
      REQUIRE_THROWS_AS(Checkpoint::parse(text.substr(0, size)), cdc::DataError);
    }
  }
}

TEST_CASE("a damaged checkpoint is refused or means something else, but never crashes") {
  const std::string text = Generator(11).checkpoint().text();
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'\0', '"', '{', '\\', '9', '\xff'}) {
      std::string damaged = text;
      damaged[at] = byte;
      const std::string told = outcome(damaged);
      REQUIRE((told.empty() || told.starts_with("65 ") || told.starts_with("78 ")));
    }
  }
}

TEST_CASE("errors name the member") {
  CHECK(outcome(example().text()).empty());
  CHECK(outcome("") == "65 not a checkpoint, or cut off: at byte 0: The document is empty.");
  CHECK(outcome("[]\n") == "65 not a checkpoint: no JSON object");
  CHECK(outcome("{}\n") == "65 version: missing");
  CHECK(outcome(changed("\"version\":1", "\"version\":2")) ==
        "78 checkpoint of version 2, this program knows version 1");
  CHECK(outcome(changed("\"version\":1", "\"version\":0")).starts_with("78 "));
  CHECK(outcome(changed("\"version\":1", "\"version\":\"1\"")) == "65 version: not an unsigned integer");
  CHECK(outcome(changed("\"pos\":4711", "\"pos\":-1")) == "65 pos: not an unsigned integer");
  CHECK(outcome(changed("\"pos\":4711,", "")) == "65 pos: missing");
  CHECK(outcome(changed("\"pos\":4711", "\"pos\":4711,\"pos\":4711")) == "65 pos: there more than once");
  CHECK(outcome(changed("\"pos\":4711", "\"pos\":4711,\"extra\":0")) == "65 extra: unknown");
  CHECK(outcome(changed("\"job\":\"5f2a\"", "\"job\":null")) == "65 job: not a string");
  CHECK(outcome(changed("\"load\":null", "\"load\":[]")) == "65 tables.ods.orders.load: not an object");
  CHECK(outcome(changed("\"filter\":{}", "\"filter\":[]")) == "65 filter: not an object");
  CHECK(outcome(changed("\"filter\":{}", "\"filter\":{\"a\":1.5}")) ==
        "65 filter.a: holds a number that no filter has");
  CHECK(outcome(changed("\"open\":[]", "\"open\":[{\"gtid\":\"\",\"file\":\"f\",\"pos\":1}]")) ==
        "65 tables.ods.orders.done.open[].seq: missing");
  CHECK(outcome(changed(kUuid + ":7", kUuid + ":0"))
            .starts_with("65 tables.ods.orders.done.gtids: malformed GTID set"));
  CHECK(outcome(changed("{\"ods\":\"cdc_1\"}", "{\"ods\":\"cdc_1\",\"ods\":\"cdc_2\"}")) ==
        "65 witnesses.ods: there more than once");
  CHECK(outcome(example().text() + "x").starts_with("65 "));
  CHECK(outcome(example().text() + std::string("\0{", 2)).starts_with("65 "));
  CHECK(outcome("\xef\xbb\xbf{}").starts_with("65 "));
  CHECK(outcome(changed("\"filter\":{}", "\"filter\":" + std::string(100000, '['))).starts_with("65 "));
  std::string deep(1000, '[');
  deep += std::string(1000, ']');
  CHECK(outcome(changed("\"filter\":{}", "\"filter\":{\"a\":" + deep + "}")) ==
        "65 filter: nested too deeply");
}

TEST_CASE("a filter comes back in canonical form") {
  const std::string filter = R"({"t":["shop.*","\u00e9\u0041\/"],"n":true})";
  const std::string spaced = R"({ "t" : [ "shop.*", "\u00e9\u0041\/" ] , "n" : true })";
  CHECK(Checkpoint::parse(changed("{}", filter)).filter == "{\"t\":[\"shop.*\",\"\u00e9A/\"],\"n\":true}");
  CHECK(Checkpoint::parse(changed("{}", spaced)).filter == Checkpoint::parse(changed("{}", filter)).filter);
}

TEST_CASE("a checkpoint in a file") {
  const TemporaryDirectory directory;
  const std::string path = directory.path + "/shop.ckpt";
  CHECK_FALSE(Checkpoint::load(path).has_value());
  example().save(path);
  CHECK(Checkpoint::load(path) == example());
  cdc::replace_file(path, "{\"version\":1}\n");
  try {
    Checkpoint::load(path);
    FAIL("no error");
  } catch (const cdc::DataError& error) {
    CHECK(error.message() == path + ": job: missing");
  }
  cdc::replace_file(path, "{\"version\":7}\n");
  CHECK_THROWS_AS(Checkpoint::load(path), cdc::ConfigError);
  CHECK_THROWS_AS(Checkpoint::load(directory.path), cdc::IoError);
  CHECK_THROWS_AS(example().save(directory.path + "/none/x"), cdc::IoError);
  CHECK(cdc::checkpoint_lock_path(path) == path + ".lock");
}
