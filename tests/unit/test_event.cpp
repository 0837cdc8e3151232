// SPDX-License-Identifier: Apache-2.0
// The oracle of the fixtures is SHOW BINLOG EVENTS: its every line is made again from the decoded events.
#include <doctest/doctest.h>
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <map>

#include "binlog_fixture.hpp"
#include "common/binlog/ddl.hpp"
#include "common/binlog/event.hpp"
#include "common/binlog/event_bodies.hpp"
#include "common/binlog/gtid_events.hpp"
#include "common/binlog/payload.hpp"
#include "common/binlog/table_map.hpp"

using namespace std::string_literals;
using cdc::Event;
using cdc::EventReader;
using cdc::EventType;
using cdc::RawEvent;

namespace {

std::string type_in_show(EventType type) {
  static const std::map<EventType, std::string> names = {
      {EventType::format_description, "Format_desc"},
      {EventType::gtid_tagged, "Gtid_tagged_log_event"},
      {EventType::anonymous_gtid, "Anonymous_Gtid"},
      {EventType::user_var, "User var"},
      {EventType::rand, "RAND"},
      {EventType::xa_prepare, "XA_prepare"},
      {EventType::mariadb_gtid, "Gtid"},
      {EventType::mariadb_gtid_list, "Gtid_list"},
      {EventType::mariadb_binlog_checkpoint, "Binlog_checkpoint"},
      {EventType::mariadb_annotate_rows, "Annotate_rows"},
      {EventType::mariadb_query_compressed, "Query_compressed"},
      {EventType::mariadb_write_rows_compressed_v1, "Write_rows_compressed_v1"},
      {EventType::mariadb_update_rows_compressed_v1, "Update_rows_compressed_v1"},
      {EventType::mariadb_delete_rows_compressed_v1, "Delete_rows_compressed_v1"},
  };
  if (const auto found = names.find(type); found != names.end()) return found->second;
  std::string name = cdc::lower_ascii(cdc::event_type_name(type));
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::string gtid_info(const Event& event) {
  const cdc::GtidEvent gtid = cdc::decode_gtid(event);
  if (!gtid.mariadb) {
    return "SET @@SESSION.GTID_NEXT= '" + (gtid.gtid.empty() ? "ANONYMOUS" : gtid.gtid.text()) + "'";
  }
  std::string head;
  if (gtid.mariadb->prepared_xa) {
    head = "XA START " + gtid.mariadb->xid.value().text() + " ";
  } else if (!gtid.mariadb->standalone) {
    head = "BEGIN ";
  }
  return head + "GTID " + gtid.gtid.text();
}

std::string query_info(const Event& event, bool mariadb) {
  std::string scratch;
  const cdc::QueryEvent query = cdc::decode_query(event, scratch);
  std::string info(query.sql);
  const bool plain = cdc::classify_statement(query.sql) == cdc::StatementKind::ddl ||
                     cdc::classify_statement(query.sql) == cdc::StatementKind::dml;
  const bool database = query.sql.starts_with("CREATE DATABASE") || query.sql.starts_with("DROP DATABASE");
  const bool suppressed =
      !plain || database || query.sql.starts_with("DROP TEMPORARY");  // LOG_EVENT_SUPPRESS_USE_F
  if (!suppressed && !query.db.empty()) info = "use `" + std::string(query.db) + "`; " + info;
  if (query.ddl_xid && !mariadb) info += " /* xid=" + std::to_string(*query.ddl_xid) + " */";
  return info;
}

// Whether nobody reads the body.
bool is_unread(EventType type) {
  constexpr std::array kUnread{EventType::xid, EventType::rand, EventType::user_var, EventType::rows_query,
                               EventType::mariadb_annotate_rows, EventType::mariadb_binlog_checkpoint};
  return std::find(kUnread.begin(), kUnread.end(), type) != kUnread.end();
}

// The last column of SHOW BINLOG EVENTS.
std::string info_in_show(const Event& event, const EventReader& reader) {
  switch (event.type()) {
    case EventType::format_description:
      return "Server ver: " + reader.format().server_version +
             ", Binlog ver: " + std::to_string(reader.format().binlog_version);
    case EventType::previous_gtids: {
      std::string text = cdc::decode_previous_gtids(event).text();
      for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; at += 2)
        text.insert(at + 1, "\n");
      return text;
    }
    case EventType::mariadb_gtid_list:
      return "[" + cdc::decode_previous_gtids(event).text() + "]";
    case EventType::gtid:
    case EventType::gtid_tagged:
    case EventType::anonymous_gtid:
    case EventType::mariadb_gtid:
      return gtid_info(event);
    case EventType::query:
    case EventType::mariadb_query_compressed:
      return query_info(event, reader.format().mariadb);
    case EventType::xa_prepare: {
      const cdc::XaPrepareEvent prepare = cdc::decode_xa_prepare(event);
      return prepare.one_phase ? "XA COMMIT " + prepare.xid.text() + " ONE PHASE"
                               : "XA PREPARE " + prepare.xid.text();
    }
    case EventType::rotate: {
      const cdc::RotateEvent rotate = cdc::decode_rotate(event);
      return std::string(rotate.file) + ";pos=" + std::to_string(rotate.pos);
    }
    case EventType::table_map: {
      const cdc::TableMap map = cdc::decode_table_map(event, reader.format().mariadb);
      return "table_id: " + std::to_string(map.table_id) + " (" + map.name.text() + ")";
    }
    case EventType::transaction_payload: {
      const cdc::PayloadHeader header = cdc::PayloadHeader::decode(event);
      return "compression='ZSTD', decompressed_size=" + std::to_string(header.uncompressed_size) + " bytes";
    }
    default:
      return cdc::is_rows_event(event.type()) ? "table_id: " + std::to_string(event.reader().u48()) : "";
  }
}

struct Lines {
  std::vector<std::vector<std::string>> rows;
  std::size_t at = 0;

  void check(const Event& event, const EventReader& reader) {
    REQUIRE(at < rows.size());
    const std::vector<std::string>& row = rows[at++];
    CAPTURE(event.place());
    CHECK(row[0] == event.file);
    CHECK(row[1] == std::to_string(event.in_payload ? event.end_pos : event.begin_pos));
    CHECK(row[2] == type_in_show(event.type()));
    CHECK(row[3] == std::to_string(event.header.server_id));
    CHECK(row[4] == std::to_string(event.end_pos));
    if (is_unread(event.type())) return;
    std::string told = row.size() > 5 ? row[5] : "";
    std::string made = info_in_show(event, reader);
    if (cdc::is_rows_event(event.type())) told = told.substr(0, told.find(" flags:"));
    if (event.type() == EventType::mariadb_gtid)
      told = told.substr(0, std::min(told.find(" START ALTER"), told.find(" COMMIT ALTER")));
    CHECK(told == made);
  }
};

std::string with_length(std::string event) {
  const auto length = static_cast<std::uint32_t>(event.size());
  std::memcpy(event.data() + 9, &length, 4);
  return event;
}

// An event as a dump sends it.
std::string make_event(EventType type, std::uint32_t log_pos, std::uint16_t flags, const std::string& body) {
  std::string event(cdc::EventHeader::kSize, '\0');
  event[4] = static_cast<char>(type);
  std::memcpy(event.data() + 13, &log_pos, 4);
  std::memcpy(event.data() + 17, &flags, 2);
  return with_length(event + body);
}
std::string with_checksum(std::string event) {
  event = with_length(event + "    ");
  const std::uint32_t crc = libdeflate_crc32(0, event.data(), event.size() - 4);
  std::memcpy(event.data() + event.size() - 4, &crc, 4);
  return event;
}
std::string make_rotate(std::uint64_t pos, const std::string& file) {
  return make_event(EventType::rotate, 0, cdc::EventHeader::kArtificial,
                    std::string(reinterpret_cast<const char*>(&pos), 8) + file);
}
// A real one of 9.7 with checksums on, as it is repeated at the start of a dump: no position.
std::string format_event() {
  std::string bytes =
      cdc::fixture::read_whole(cdc::fixture::directory("mysql-transactions") / "binlog.000001");
  std::string event = bytes.substr(4, 123);
  std::memset(event.data() + 13, 0, 4);
  return with_checksum(event.substr(0, event.size() - 4));
}
RawEvent raw_of(const std::string& bytes) {
  return RawEvent{cdc::as_bytes(bytes), {}, 0};
}

}  // namespace

TEST_CASE("every event of the fixtures is what SHOW BINLOG EVENTS says") {
  for (const std::string& name : cdc::fixture::names()) {
    Lines lines{cdc::fixture::read_tsv(cdc::fixture::directory(name) / "events.tsv")};
    EventReader reader;
    cdc::PayloadReader payload;
    for (const std::string& file : cdc::fixture::files_of(name)) {
      cdc::fixture::File source(name, file);
      while (const std::optional<RawEvent> raw = source.next()) {
        const Event event = reader.read(*raw);
        lines.check(event, reader);
        if (event.type() != EventType::transaction_payload) continue;
        payload.open(event);
        while (const std::optional<Event> inner = payload.next()) lines.check(*inner, reader);
      }
      CHECK(reader.pos() == source.bytes().size());
    }
    CHECK(lines.at == lines.rows.size());
  }
}

TEST_CASE("events of a dump are where SHOW BINLOG EVENTS says") {
  std::size_t dumps = 0, heartbeats = 0;
  for (const std::string& name : cdc::fixture::names()) {
    std::map<std::string, std::vector<std::string>> rows;  // by "file:pos"
    for (const auto& row : cdc::fixture::read_tsv(cdc::fixture::directory(name) / "events.tsv")) {
      if (row[1] != row[4]) rows.emplace(row[0] + ":" + row[1], row);  // not what is inside payloads
    }
    for (const auto& entry : std::filesystem::directory_iterator(cdc::fixture::directory(name))) {
      if (entry.path().extension() != ".dump") continue;
      CAPTURE(entry.path().string());
      ++dumps;
      const std::string bytes = cdc::fixture::read_whole(entry.path());
      EventReader reader;
      cdc::ByteReader source(cdc::as_bytes(bytes));
      std::uint64_t last = 0;
      while (!source.at_end()) {
        const std::uint32_t length = source.u32();
        const Event event = reader.read(RawEvent{source.bytes(length), {}, 0});
        if (rows.count(std::string(event.file) + ":4") == 0) {  // behind what was captured
          heartbeats += event.type() == EventType::heartbeat || event.type() == EventType::heartbeat_v2;
          CHECK((event.end_pos == 4 || event.end_pos == last || event.begin_pos == last));
          last = event.end_pos;
          continue;
        }
        if (event.type() == EventType::rotate && event.artificial) last = event.end_pos;
        CHECK(event.begin_pos >= last);
        last = event.end_pos;
        if (event.artificial) {
          CHECK(event.begin_pos == event.end_pos);
          CHECK((event.end_pos == 4 ||
                 rows.count(std::string(event.file) + ":" + std::to_string(event.end_pos)) == 1));
          continue;
        }
        Lines line{{rows.at(std::string(event.file) + ":" + std::to_string(event.begin_pos))}};
        line.check(event, reader);
      }
    }
  }
  CHECK(dumps >= 9);
  CHECK(heartbeats >= 4);
}

namespace {

// How many events the reader took with one bit flipped, of all bits of the event.
std::size_t flips_taken(const EventReader& reader, const RawEvent& raw) {
  std::string bytes(cdc::as_text(raw.bytes));
  std::size_t taken = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    try {
      EventReader copy = reader;
      copy.read({cdc::as_bytes(bytes), raw.starts_file, raw.starts_pos});
      ++taken;
    } catch (const cdc::Error&) {
    }
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  return taken;
}

}  // namespace

TEST_CASE("a flipped bit anywhere in an event is found by the checksum") {
  std::size_t events = 0;
  for (const std::string& name : cdc::fixture::names()) {
    for (const std::string& file : cdc::fixture::files_of(name)) {
      CAPTURE(name);
      CAPTURE(file);
      cdc::fixture::File source(name, file);
      EventReader reader;
      while (const std::optional<RawEvent> raw = source.next()) {
        const EventReader before = reader;
        const Event event = reader.read(*raw);
        if (!reader.format().checksum) break;
        // The in-use flag of a format description is set without its checksum being told.
        CHECK(flips_taken(before, *raw) == (event.type() == EventType::format_description ? 1 : 0));
        ++events;
      }
    }
  }
  CHECK(events > 200);
}

TEST_CASE("without checksums cut or flipped events decode to something or to an error") {
  std::size_t errors = 0;
  for (const std::string& name : cdc::fixture::names()) {
    cdc::fixture::File source(name, "binlog.000001");
    EventReader reader(false);
    while (const std::optional<RawEvent> raw = source.next()) {
      const Event event = reader.read(*raw);
      if (event.type() == EventType::transaction_payload || event.body.size() > 1000) continue;
      for (std::size_t size = 0; size < event.body.size(); ++size) {
        Event cut = event;
        cut.body = event.body.first(size);
        try {
          info_in_show(cut, reader);
        } catch (const cdc::Error&) {
          ++errors;
        }
      }
      std::string bytes(cdc::as_text(event.body));
      for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        Event flipped = event;
        flipped.body = cdc::as_bytes(bytes);
        try {
          info_in_show(flipped, reader);
        } catch (const cdc::Error&) {
          ++errors;
        }
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      }
    }
  }
  CHECK(errors > 1000);
}

TEST_CASE("format descriptions of all families") {
  const auto format_of = [](const std::string& name) {
    cdc::fixture::File source(name, "binlog.000001");
    EventReader reader;
    reader.read(source.next().value());
    return reader.format();
  };
  CHECK(format_of("mysql-transactions").server_version_id == 90704);
  CHECK(format_of("mysql-transactions").checksum);
  CHECK_FALSE(format_of("mysql-transactions").mariadb);
  CHECK(format_of("mysql-transactions").post_header_length(EventType::write_rows) == 10);
  CHECK(format_of("mysql-transactions").post_header_length(EventType::gtid) == 42);
  CHECK_FALSE(format_of("mysql-plain").checksum);
  CHECK(format_of("mysql56-nogtid").server_version_id == 50624);
  CHECK(format_of("mysql56-nogtid").checksum);
  CHECK(format_of("mariadb-transactions").mariadb);
  CHECK(format_of("mariadb-transactions").server_version_id == 101118);
  CHECK(format_of("mariadb-transactions").post_header_length(EventType::mariadb_gtid) == 19);
}

TEST_CASE("commit clocks and versions of GTID events") {
  cdc::fixture::File source("mysql-transactions", "binlog.000001");
  EventReader reader;
  std::map<std::string, cdc::GtidEvent> by_gtid;
  std::map<std::string, std::uint64_t> begins;
  std::vector<std::uint64_t> starts;
  while (const std::optional<RawEvent> raw = source.next()) {
    const Event event = reader.read(*raw);
    if (event.type() != EventType::gtid && event.type() != EventType::gtid_tagged) continue;
    const cdc::GtidEvent gtid = cdc::decode_gtid(event);
    CHECK(gtid.immediate_server_version == 90704);
    CHECK(gtid.immediate_commit_us / 1000000 == doctest::Approx(1795255000).epsilon(0.2));
    CHECK(gtid.sequence_number == static_cast<std::int64_t>(starts.size()) + 1);
    CHECK(gtid.last_committed < gtid.sequence_number);
    if (!starts.empty()) CHECK(starts.back() == event.begin_pos);
    starts.push_back(event.begin_pos + gtid.transaction_length);
    by_gtid[gtid.gtid.text()] = gtid;
  }
  CHECK(starts.back() + 44 == source.bytes().size());  // the ROTATE
  const std::string server = by_gtid.begin()->first.substr(0, 36);
  CHECK(by_gtid.at(server + ":8").original_commit_us == 1700000000123456);
  CHECK(by_gtid.at(server + ":8").original_server_version == 90704);
  CHECK(by_gtid.at(server + ":9").original_commit_us == by_gtid.at(server + ":9").immediate_commit_us);
  CHECK(by_gtid.at(server + ":tag:1").original_commit_us ==
        by_gtid.at(server + ":tag:1").immediate_commit_us);
  CHECK(by_gtid.at(server + ":18").may_have_statements);
  CHECK_FALSE(by_gtid.at(server + ":9").may_have_statements);
}

TEST_CASE("query events tell charset and mode of the session") {
  cdc::fixture::File source("mysql-transactions", "binlog.000001");
  EventReader reader;
  std::string scratch;
  while (const std::optional<RawEvent> raw = source.next()) {
    const Event event = reader.read(*raw);
    if (event.type() != EventType::query) continue;
    const cdc::QueryEvent query = cdc::decode_query(event, scratch);
    CHECK(query.client_collation == 255);  // utf8mb4_0900_ai_ci of mysql --default-character-set=utf8mb4
    CHECK(query.server_collation == 255);
    CHECK((query.sql_mode & cdc::kSqlModeAnsiQuotes) == 0);
    CHECK(query.error_code == 0);
  }
}

TEST_CASE("a dump's positions follow ROTATE, log_pos and HEARTBEAT") {
  EventReader reader;
  Event event = reader.read(raw_of(with_checksum(make_rotate(4, "binlog.000007"))));
  CHECK(event.artificial);
  CHECK(event.file == "binlog.000007");
  CHECK(event.end_pos == 4);
  event = reader.read(raw_of(format_event()));
  CHECK(event.artificial);
  CHECK(reader.pos() == 4);
  const std::string xid = with_checksum(make_event(EventType::xid, 1000, 0, "12345678"));
  event = reader.read(raw_of(xid));
  CHECK(event.begin_pos == 969);
  CHECK(event.end_pos == 1000);
  CHECK(event.body.size() == 8);
  event = reader.read(raw_of(with_checksum(make_event(EventType::heartbeat, 5000, 0, "binlog.000007"))));
  CHECK(event.artificial);
  CHECK(event.end_pos == 5000);
  const std::string v2 =
      "\x01\x0d"
      "binlog.000007"
      "\x02\x09\xfe\x00\x00\x00\x00\x01\x00\x00\x00"
      "\x00"s;
  event = reader.read(raw_of(with_checksum(make_event(EventType::heartbeat_v2, 0, 0, v2))));
  CHECK(event.end_pos == 0x100000000);
  event = reader.read(raw_of(with_checksum(make_rotate(4, "binlog.000008"))));
  CHECK(event.file == "binlog.000008");
  CHECK(event.place() == "binlog.000008:4: ROTATE");
}

TEST_CASE("positions beyond 4 GiB") {
  EventReader reader;
  reader.read(raw_of(make_rotate(0xffffff00, "binlog.000007")));  // without a checksum
  CHECK(reader.file() == "binlog.000007");
  reader.read(raw_of(format_event()));
  Event event = reader.read(raw_of(with_checksum(make_event(EventType::xid, 0xfffffff0, 0, "12345678"))));
  CHECK(event.end_pos == 0xfffffff0);
  event = reader.read(raw_of(with_checksum(make_event(EventType::xid, 15, 0, "12345678"))));
  CHECK(event.begin_pos == 0xfffffff0);
  CHECK(event.end_pos == 0x10000000f);
  event = reader.read(raw_of(with_checksum(make_event(EventType::heartbeat, 14, 0, "binlog.000007"))));
  CHECK(event.end_pos == 0x20000000e);
  const std::string mariadb =
      "\x01\x00\x00\x00\x03\x00\x00\x00"
      "binlog.000007"s;  // 8 bytes of position in front
  event = reader.read(raw_of(with_checksum(make_event(EventType::heartbeat, 0, 0, mariadb))));
  CHECK(event.end_pos == 0x300000001);
}

TEST_CASE("a file that does not start at its start") {
  cdc::fixture::File source("mysql-transactions", "binlog.000001");
  EventReader reader;
  reader.read(source.next().value());
  source.next();
  RawEvent raw = source.next().value();
  raw.starts_file = "binlog.000001";
  raw.starts_pos = 158;
  const Event event = reader.read(raw);
  CHECK(event.begin_pos == 158);
  CHECK(cdc::decode_gtid(event).gtid.mysql.gno == 1);
}

TEST_CASE("errors name file and position") {
  cdc::fixture::File source("mysql-transactions", "binlog.000001");
  EventReader reader;
  reader.read(source.next().value());
  std::string bytes(cdc::as_text(source.next()->bytes));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  try {
    reader.read(raw_of(bytes));
    FAIL("no error");
  } catch (const cdc::DecodeError& error) {
    CHECK(error.message() == "binlog.000001:127: PREVIOUS_GTIDS: wrong checksum");
    CHECK(error.exit_code() == cdc::ExitCode::bad_data);
  }
  EventReader lenient(false);
  lenient.read(cdc::fixture::File("mysql-transactions", "binlog.000001").next().value());
  CHECK_NOTHROW(lenient.read(raw_of(bytes)));
}

TEST_CASE("events before a format description, and lengths that lie") {
  EventReader reader;
  CHECK_THROWS_AS(reader.read(raw_of(make_event(EventType::xid, 100, 0, "12345678"))), cdc::DecodeError);
  std::string longer = make_event(EventType::xid, 100, 0, "12345678");
  longer += "x";
  CHECK_THROWS_AS(reader.read(raw_of(longer)), cdc::DecodeError);
  CHECK_THROWS_AS(reader.read(raw_of("short")), cdc::DecodeError);
  std::string old_version = format_event();
  old_version[19] = 3;
  CHECK_THROWS_AS(reader.read(raw_of(old_version)), cdc::DecodeError);
}

TEST_CASE("an encrypted MariaDB file is refused as a matter of configuration") {
  cdc::fixture::File source("mariadb-transactions", "binlog.000001");
  EventReader reader;
  reader.read(source.next().value());
  const std::string encryption =
      with_checksum(make_event(EventType::mariadb_start_encryption, 300, 0, std::string(17, '\1')));
  try {
    reader.read(raw_of(encryption));
    FAIL("no error");
  } catch (const cdc::Error& error) {
    CHECK(error.exit_code() == cdc::ExitCode::config);
  }
}
