// SPDX-License-Identifier: Apache-2.0
// Lines written by hand after cdc-changes(5), and what NativeWriter writes.
#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "common/base/fd.hpp"
#include "common/json/native_writer.hpp"
#include "common/json/record_parser.hpp"
#include "common/json/record_reader.hpp"

using cdc::RecordKind;
using cdc::RecordReader;
using cdc::RecordView;

namespace {

// A file in memory that is read from its start.
class Input {
 public:
  explicit Input(std::string_view text) : fd_(::memfd_create("input", MFD_CLOEXEC)) {
    cdc::write_all(fd_.get(), text, "memfd");
    ::lseek(fd_.get(), 0, SEEK_SET);
  }
  int fd() const { return fd_.get(); }

 private:
  cdc::UniqueFd fd_;
};

const RecordView* read(RecordReader& reader) {
  for (;;) {
    if (const RecordView* view = reader.next()) return view;
    if (!reader.fill()) return nullptr;
  }
}

std::string error_of(std::string_view text) {
  const Input input(text);
  RecordReader reader(input.fd(), "in");
  try {
    while (read(reader)) {
    }
  } catch (const cdc::Error& error) {
    CHECK(error.exit_code() == cdc::ExitCode::bad_data);
    return error.message();
  }
  return "";
}

const std::string kRow =
    R"({"kind":"+I","db":"shop","table":"orders","gtid":null,"ts_ms":1,"file":"b.000001","pos":4,"seq":0,"data":{"id":1}})";

}  // namespace

TEST_CASE("rows come with raw values") {
  const Input input(
      R"({"kind":"-U","db":"sh\"op","table":"ord\u0065rs","gtid":"u:23","ts_ms":-1,"file":"b","pos":18446744073709551615,)"
      R"("seq":7,"json_null":["j","k\n"],"data":{"id":18446744073709551615,"price":"12.30","a\"b":"x\\\"}","j":null,)"
      R"("doc":{"a":[1,{"b":"]}"}]},"list":[[],{}],"f":-1.5e3,"t":true}})"
      "\n"
      R"({ "kind" : "+I" , "db" : "shop" , "table" : "orders" , "gtid" : null , "ts_ms" : 1, "later": [1,{"x":2}],)"
      R"( "pos" : 4 , "seq" : 0 , "snapshot" : true , "data" : { "id" : 1 , "n" : "x" } , "file" : "b" } )"
      "\n");
  RecordReader reader(input.fd(), "in");
  const RecordView* view = read(reader);
  REQUIRE(view);
  CHECK(view->kind == RecordKind::update_before);
  CHECK(view->db == "sh\"op");
  CHECK(view->table == "orders");
  CHECK(view->gtid == "u:23");
  CHECK(view->pos == UINT64_MAX);
  CHECK(view->seq == 7);
  CHECK(view->json_null == std::vector<std::string_view>{"j", "k\n"});
  REQUIRE(view->fields.size() == 8);
  CHECK(view->fields[0].name == "id");
  CHECK(view->fields[0].value == "18446744073709551615");
  CHECK(view->fields[1].value == "\"12.30\"");
  CHECK(view->fields[2].name == "a\\\"b");
  CHECK(view->fields[2].value == R"("x\\\"}")");
  CHECK(view->fields[4].value == R"({"a":[1,{"b":"]}"}]})");
  CHECK(view->fields[5].value == "[[],{}]");
  CHECK(view->fields[6].value == "-1.5e3");
  CHECK(view->data.front() == '{');
  CHECK(view->data.ends_with(R"("t":true})"));
  CHECK_FALSE(view->snapshot);

  view = read(reader);
  REQUIRE(view);
  CHECK_FALSE(view->gtid.has_value());
  CHECK(view->snapshot);
  CHECK(view->json_null.empty());
  CHECK(view->data == R"({ "id" : 1 , "n" : "x" })");
  REQUIRE(view->fields.size() == 2);
  CHECK(view->fields[0].value == "1");
  CHECK(view->fields[1].value == "\"x\"");
  CHECK(read(reader) == nullptr);
  CHECK(reader.unfinished() == 0);
}

TEST_CASE("a row of the same table as the one before is known, whoever has written the two") {
  const auto row = [](std::string_view db, std::string_view table, bool as_told) {
    return std::string(as_told ? "" : " ") + R"({"kind":"+I","db":")" + std::string(db) + R"(","table":")" + std::string(table) +
           R"(","gtid":null,"ts_ms":1,"file":"b","pos":4,"seq":0,"data":{}})" "\n";
  };
  const std::pair<std::string_view, std::string_view> tables[] = {{"a", "t"}, {"a", "t"}, {"b", "t"}, {"b", "u"}, {"b", "u"}, {"a", "u"}};
  for (unsigned forms = 0; forms < 64; ++forms) {
    std::string text;
    for (std::size_t i = 0; i < 6; ++i) text += row(tables[i].first, tables[i].second, (forms >> i & 1) != 0);
    const Input input(text);
    RecordReader reader(input.fd(), "in");
    std::string same, names;
    while (const RecordView* view = read(reader)) {
      same += view->same_table ? '=' : '.';
      names += std::string(view->db) + std::string(view->table) + " ";
      CHECK(view->data == "{}");
    }
    CHECK(same == ".=..=.");
    CHECK(names == "at at bt bu bu au ");
  }
}

TEST_CASE("one changed byte of what cdc-tail writes means what it means to a JSON parser") {
  // A blank behind the brace sends a line to the general parser, which is the oracle.
  const auto told = [](const std::string& line) {
    const Input input(kRow + "\n" + line + "\n");
    RecordReader reader(input.fd(), "in");
    read(reader);
    std::string text;
    try {
      const RecordView& view = *read(reader);
      if (!view.is_row()) return std::string("no row");
      const auto add = [&](std::string_view part) { text.append(part).append("|"); };
      add(cdc::record_kind_text(view.kind));
      for (const std::string_view part : {view.db, view.table, view.gtid.value_or("none"), view.data}) add(part);
      for (const std::uint64_t number : {view.pos, view.seq, std::uint64_t{view.same_table}, std::uint64_t{view.snapshot}})
        add(std::to_string(number));
      for (const cdc::RawField& field : view.fields) add(std::string(field.name) + "=" + std::string(field.value));
      for (const std::string_view name : view.json_null) add(name);
    } catch (const cdc::Error&) {
      text = "refused";
    }
    return text;
  };
  const std::string lines[] = {
      kRow,
      R"({"kind":"-U","db":"shöp","table":"o","gtid":"u:1","ts_ms":-17,"file":"b.000001","pos":1844674407370955161,)"
      R"("seq":9999999999999999999,"data":{}})",
      R"({"kind":"+U","db":"shop","table":"orders","gtid":null,"ts_ms":1,"file":"b.000001","pos":4,"seq":3,"snapshot":true,)"
      R"("data":{"id":-1.5e3,"a\"b":"x\\\"}é and much more of it","n":null,"doc":{"a": [1, {"b": "]}"}]},"t":true,"f":false}})"};
  for (const std::string& line : lines) {
    REQUIRE(told(line) == told("{ " + line.substr(1)));
    REQUIRE(told(line) != "refused");
    for (std::size_t at = 1; at < line.size(); ++at) {
      for (const char c : std::string_view("\"\\{}[]:,019-.+eEtn aU\x01\t\x7f\x80\xc3")) {
        std::string changed = line;
        changed[at] = c;
        std::string longer = line;
        longer.insert(at, 1, c);
        for (const std::string& text : {changed, longer, line.substr(0, at) + line.substr(at + 1)}) {
          const std::string fast = told(text);
          if (fast != told("{ " + text.substr(1))) FAIL_CHECK(text << " was read as " << fast);
        }
      }
    }
  }
}

TEST_CASE("one changed byte of a begin or commit means what it means to a JSON parser") {
  cdc::RecordParser parser;
  const auto told = [&](std::string line, bool commit) {
    std::string text;
    try {
      if (commit) {
        const cdc::CommitRecord record = parser.commit(line);
        text = record.gtid.value_or("none") + "|" + record.gtids.value_or("none") + "|" + std::to_string(record.ts_ms) + "|" +
               record.position.text() + "|" + std::to_string(record.changes) + (record.snapshot ? "|" : "");
      } else {
        const cdc::BeginRecord record = parser.begin(line);
        text = record.gtid.value_or("none") + "|" + std::to_string(record.ts_ms) + "|" + record.position.text() +
               (record.snapshot ? "|" : "");
      }
    } catch (const cdc::DataError&) {
      text = "refused";
    }
    return text;
  };
  const std::string lines[] = {
      R"({"kind":"begin","gtid":"u:1","ts_ms":-17,"file":"b.000001","pos":12})",
      R"({"kind":"begin","gtid":null,"ts_ms":0,"file":"é","pos":4})",
      R"({"kind":"commit","gtid":"u:1","gtids":"u:1","ts_ms":1763710000123,"file":"b.000001","pos":12,"changes":10})",
      R"({"kind":"commit","gtid":null,"gtids":null,"ts_ms":1,"file":"b.000001","pos":4,"changes":0})"};
  for (const std::string& line : lines) {
    const bool commit = line.find("commit") != std::string::npos;
    REQUIRE(told(line, commit) == told("{ " + line.substr(1), commit));
    REQUIRE(told(line, commit) != "refused");
    const std::size_t members = line.find(',');  // whoever takes the record knows its kind
    for (std::size_t at = members; at <= line.size(); ++at) {
      for (const char c : std::string("\"\\{}[]:,019-.eEtn aU\x01\x7f\xc3") + '\0') {
        std::string longer = line;
        longer.insert(at, 1, c);
        std::string changed = line.substr(0, at) + c + (at < line.size() ? line.substr(at + 1) : "");
        for (const std::string& text : {changed, longer, line.substr(0, at)}) {
          const std::string fast = told(text, commit);
          if (fast != told("{ " + text.substr(1), commit)) FAIL_CHECK(text << " was read as " << fast);
        }
      }
    }
  }
}

TEST_CASE("lines of any length, in blocks of any size") {
  const std::string big(3 << 20, 'x');
  const std::string line =
      R"({"kind":"+I","db":"d","table":"t","gtid":null,"pos":4,"seq":0,"data":{"v":")" + big + "\"}}\n";
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  cdc::UniqueFd out(ends[0]), in(ends[1]);
  RecordReader reader(out.get(), "pipe");
  CHECK(reader.next() == nullptr);
  std::string_view left = line;
  const RecordView* view = nullptr;
  while (!left.empty()) {
    CHECK(view == nullptr);
    const std::size_t part = std::min<std::size_t>(left.size(), 60000);
    cdc::write_all(in.get(), left.substr(0, part), "pipe");
    left.remove_prefix(part);
    // a read takes no more than what the buffer has room for
    for (int pending = 1; pending > 0 && ::ioctl(out.get(), FIONREAD, &pending) == 0 && pending > 0;) CHECK(reader.fill());
    view = reader.next();
  }
  REQUIRE(view);
  CHECK(view->fields.at(0).value.size() == big.size() + 2);

  cdc::write_all(in.get(), kRow + "\n" + kRow, "pipe");
  in.reset();
  CHECK(read(reader) != nullptr);
  CHECK(read(reader) == nullptr);
  CHECK(reader.unfinished() == kRow.size());
}

TEST_CASE("a line that is no record is named") {
  CHECK(error_of(kRow + "\nhello\n").starts_with("in:2: "));
  CHECK(error_of("\n").starts_with("in:1: not a JSON object"));
  CHECK(error_of("[1]\n").starts_with("in:1: not a JSON object"));
  CHECK(error_of("{}\n") == "in:1: an empty object is no record");
  CHECK(error_of("{\"db\":\"x\"}\n") == "in:1: the first member is not \"kind\"");
  CHECK(error_of("{\"kind\":\"+D\"}\n") == "in:1: unknown kind of record");
  CHECK(error_of("{\"kind\":7}\n") == "in:1: member \"kind\" is no string");
  CHECK(error_of(kRow + " x\n") == "in:1: not a JSON object");
  CHECK(error_of(kRow + kRow + "\n") != "");
  CHECK(error_of(R"({"kind":"+I","db":"d","table":"t","gtid":null,"seq":0,"data":{}})" "\n") ==
        "in:1: a row without all of db, table, gtid, pos, seq and data");
  const auto with = [](std::string_view from, std::string_view to) {
    std::string row = kRow;
    row.replace(row.find(from), from.size(), to);
    return error_of(row + "\n");
  };
  CHECK(with("\"seq\":0", "\"seq\":-1") == "in:1: member \"seq\" is no unsigned integer");
  CHECK(with("\"pos\":4", "\"pos\":4.5") == "in:1: member \"pos\" is no unsigned integer");
  CHECK(with("{\"id\":1}", "[1]") == "in:1: member \"data\" is no object");
  CHECK(with("{\"id\":1}", "{\"id\":nil}") == "in:1: member \"id\" is no JSON value");
  CHECK(with("{\"id\":1}", "{\"id\":1x}") == "in:1: member \"id\" is no JSON value");
  CHECK(with("{\"id\":1}", "{\"id\":}") != "");
  CHECK(with("{\"id\":1}", "{\"id\":1") != "");
  CHECK(with("{\"id\":1}", "{\"id\":[1}") != "");
  CHECK(with("shop", "sh\x01op") != "");
  CHECK(with("shop", "sh\xffop") != "");
  CHECK(with("\"gtid\":null", "\"gtid\":1") == "in:1: member \"gtid\" is no string");
}

TEST_CASE("lines are bounded") {
  const Input input(std::string(5 << 20, ' '));
  RecordReader reader(input.fd(), "in", 2 << 20);
  CHECK_THROWS_WITH_AS(read(reader), "in:1: line of more than 2097152 bytes", cdc::DataError);
}

TEST_CASE("what the native writer tells comes back") {
  cdc::OutBuffer out;
  cdc::NativeWriter writer(out, {});
  const cdc::StartRecord start{"uuid", "9.7.4", "u:1-5", {"b.000002", 197}, R"({"tables":["a.*"]})", "+00:00"};
  writer.start(start);
  cdc::TableSchema schema;
  schema.name = {"shop", "orders"};
  cdc::Column id, note;
  id.name = "id";
  id.type_text = "bigint unsigned";
  note.name = "no\"te";
  note.type_text = "varchar(20)";
  note.nullable = note.invisible = true;
  note.default_text = "x";
  note.default_known = true;
  note.generated = "stored";
  note.charset = "utf8mb4";
  schema.columns = {id, note};
  schema.primary_key = {0};
  writer.table(schema);
  const cdc::SnapshotChunk chunk{{"shop", "orders"}, 3, {"k char(1)"}, {"YQ=="}, {"Yg=="}, true};
  writer.begin({"u:6", 1763710000123, {"b.000002", 200}, chunk});
  writer.commit({"u:6", "u:6-7", 1763710000123, {"b.000002", 300}, 4, chunk});
  writer.ddl({cdc::DdlClass::rename, std::vector<cdc::TableName>{{"a", "b"}, {"c", "d"}}, "shop", "u:8", "u:8", 5,
              {"b.000002", 400}, "RENAME TABLE a.b TO c.d"});
  writer.ddl({cdc::DdlClass::other, std::nullopt, "shop", std::nullopt, std::nullopt, 5, {"b.000002", 500}, "?"});
  writer.heartbeat({"", {"b.000002", 600}, 6});
  writer.end({75, "lost", true, std::nullopt, {"b.000002", 700}});

  const Input input(out.view());
  RecordReader reader(input.fd(), "in");
  cdc::RecordParser parser;
  const auto line = [&](RecordKind kind) {
    const RecordView* view = read(reader);
    REQUIRE(view);
    REQUIRE(view->kind == kind);
    return view->line;
  };
  const cdc::StartRecord start_back = parser.start(line(RecordKind::start));
  CHECK(start_back.server_uuid == start.server_uuid);
  CHECK(start_back.server_version == start.server_version);
  CHECK(start_back.gtid_set == start.gtid_set);
  CHECK(start_back.position == start.position);
  CHECK(start_back.filter == start.filter);
  CHECK(start_back.time_zone == start.time_zone);
  CHECK(parser.table(line(RecordKind::table)) == schema);
  const cdc::BeginRecord begin = parser.begin(line(RecordKind::begin));
  CHECK(begin.gtid == "u:6");
  CHECK(begin.ts_ms == 1763710000123);
  CHECK(begin.position.text() == "b.000002:200");
  CHECK(begin.snapshot == chunk);
  const cdc::CommitRecord commit = parser.commit(line(RecordKind::commit));
  CHECK(commit.gtid == "u:6");
  CHECK(commit.gtids == "u:6-7");
  CHECK(commit.changes == 4);
  CHECK(commit.position.pos == 300);
  CHECK(commit.snapshot == chunk);
  const cdc::DdlRecord ddl = parser.ddl(line(RecordKind::ddl));
  CHECK(ddl.ddl_class == cdc::DdlClass::rename);
  REQUIRE(ddl.tables.has_value());
  CHECK((*ddl.tables)[1].text() == "c.d");
  CHECK(ddl.gtids == "u:8");
  CHECK(ddl.sql == "RENAME TABLE a.b TO c.d");
  const cdc::DdlRecord other = parser.ddl(line(RecordKind::ddl));
  CHECK_FALSE(other.tables.has_value());
  CHECK_FALSE(other.gtids.has_value());
  const cdc::HeartbeatRecord heartbeat = parser.heartbeat(line(RecordKind::heartbeat));
  CHECK(heartbeat.gtids == "");
  CHECK(heartbeat.position.pos == 600);
  const cdc::EndRecord end = parser.end(line(RecordKind::end));
  CHECK(end.status == 75);
  CHECK(end.reason == "lost");
  CHECK(end.partial);
  CHECK_FALSE(end.gtids.has_value());
  CHECK(end.position.pos == 700);
}

TEST_CASE("what a record lacks is named") {
  cdc::RecordParser parser;
  CHECK_THROWS_WITH_AS(parser.start(R"({"kind":"start","version":2})"),
                       "stream of version 2, this program knows version 1", cdc::ConfigError);
  CHECK_THROWS_WITH_AS(parser.begin(R"({"kind":"begin","gtid":null,"ts_ms":1,"file":"b"})"),
                       "member \"pos\" is missing", cdc::DataError);
  CHECK_THROWS_WITH_AS(parser.begin(R"({"kind":"begin","gtid":3,"ts_ms":1,"file":"b","pos":4})"),
                       "member \"gtid\" has the wrong type", cdc::DataError);
  CHECK_THROWS_WITH_AS(
      parser.table(R"({"kind":"table","db":"d","table":"t","columns":[{"name":"a","type":"int","nullable":true}],"pk":["b"]})"),
      "member \"pk\" names \"b\", which is no column", cdc::DataError);
  CHECK_THROWS_AS(parser.heartbeat(R"({"kind":"heartbeat")"), cdc::DataError);
  CHECK_THROWS_AS(parser.end(R"({"kind":"end","status":-1,"reason":"","gtids":"","file":"","pos":0})"), cdc::DataError);
}
