// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/ddl_look_ahead.hpp"

#include <string_view>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/binlog/event_bodies.hpp"
#include "common/binlog/gtid_events.hpp"
#include "common/mysql/binlog_stream.hpp"

namespace cdc {

namespace {

bool is_gtid_event(EventType type) {
  return type == EventType::gtid || type == EventType::anonymous_gtid || type == EventType::gtid_tagged ||
         type == EventType::mariadb_gtid;
}

// Whether the first event of the transaction is what its place says.
bool begins(const Event& event, const RowsPlace& place) {
  if (event.begin_pos != place.transaction.pos || event.file != place.transaction.file) return false;
  return (is_gtid_event(event.type()) ? decode_gtid(event).gtid : Gtid{}) == place.gtid;
}

// Letters beyond ASCII are all one.
std::string folded(std::string_view name) {
  std::string out;
  for (const char c : lower_ascii(name)) {
    const bool ascii = static_cast<unsigned char>(c) < 0x80;
    if (ascii || out.empty() || out.back() != '\x80') out.push_back(ascii ? c : '\x80');
  }
  return out;
}

}  // namespace

TableName folded(const TableName& name) {
  return {folded(name.db), folded(name.table)};
}

std::string DdlLookAhead::read_on(const RowsPlace& place) {
  if (place.transaction.file.empty()) return "nobody knows the name of its binlog file";
  bool verified = reached_.has_value();
  const std::string unreadable = read(reached_.value_or(place.transaction), [&](const Event& event) {
    return std::exchange(verified, true) || begins(event, place);
  });
  if (!unreadable.empty()) return unreadable;
  return reached_ ? "" : "the server's " + place.transaction.text() + " is another transaction";
}

std::string DdlLookAhead::read_between(const BinlogPosition& from, const BinlogPosition& to) {
  return read(from,
              [&](const Event& event) { return BinlogPosition{std::string(event.file), event.begin_pos} < to; });
}

// Notes events while `wanted` says so.
std::string DdlLookAhead::read(const BinlogPosition& from, const std::function<bool(const Event&)>& wanted) {
  const std::string context = "the server's log cannot be read from " + from.text() + " on (";
  DumpRequest request;
  request.position = from;
  request.stop_at_end = true;
  EventReader reader(false);
  try {
    BinlogStream stream(connect_(), request);
    while (const std::optional<RawEvent> raw = stream.next()) {
      const Event event = reader.read(*raw);
      // Beyond 4 GiB a dump begins at the file's start.
      if (event.artificial || (event.file == from.file && event.begin_pos < from.pos)) continue;
      if (!wanted(event)) break;
      note(event);
      reached_ = BinlogPosition{std::string(reader.file()), reader.pos()};
    }
  } catch (const DecodeError& error) {  // the place is inside an event: the log is not the one that it was
    return context + error.message() + ")";
  } catch (const ServerError& error) {
    if (error.transient()) throw;
    return context + error.message() + ")";
  }
  return "";
}

void DdlLookAhead::note(const Event& event) {
  if (event.type() != EventType::query && event.type() != EventType::mariadb_query_compressed) return;
  constexpr std::uint16_t kUtf8mb4 = 45;  // utf8mb4_general_ci, where the event does not tell
  const QueryEvent query = decode_query(event, scratch_);
  if (classify_statement(query.sql) != StatementKind::ddl) return;
  arena_.reset();
  const std::uint16_t collation = query.client_collation != 0 ? query.client_collation : kUtf8mb4;
  note(parse_ddl(text_.decode(collation, query.sql, arena_), query.db, query.sql_mode),
       {std::string(event.file), event.begin_pos});
}

void DdlLookAhead::note(const DdlInfo& ddl, const BinlogPosition& at) {
  if (!ddl.tables) {
    databases_[folded(ddl.database)] = at;
    return;
  }
  for (const TableName& table : *ddl.tables) tables_[folded(table)] = at;
}

std::optional<BinlogPosition> DdlLookAhead::touched_behind(const BinlogPosition& position,
                                                           const TableName& table) const {
  std::optional<BinlogPosition> newest;
  const auto consider = [&](const auto& places, const auto& key) {
    const auto found = places.find(key);
    if (found == places.end() || found->second <= position) return;
    if (!newest || *newest < found->second) newest = found->second;
  };
  const TableName name = folded(table);
  consider(tables_, name);
  consider(databases_, name.db);
  consider(databases_, std::string());
  return newest;
}

}  // namespace cdc
