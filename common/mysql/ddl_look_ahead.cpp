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

struct DdlLookAhead::Dump {
  Dump(Connection connection, const DumpRequest& request)
      : from(request.position), stream(std::move(connection), request) {}
  BinlogPosition from;
  BinlogStream stream;
  EventReader reader{false};
};

DdlLookAhead::DdlLookAhead(std::function<Connection()> connect) : connect_(std::move(connect)) {}
DdlLookAhead::~DdlLookAhead() = default;

void DdlLookAhead::open(const BinlogPosition& from, bool stop_at_end) {
  DumpRequest request;
  request.position = from;
  request.stop_at_end = stop_at_end;
  dump_ = std::make_unique<Dump>(connect_(), request);
}

std::string DdlLookAhead::read_on(const RowsPlace& place, const std::optional<BinlogPosition>& end) {
  if (place.transaction.file.empty()) return "nobody knows the name of its binlog file";
  const bool kept = dump_ != nullptr;
  const std::string from = reached_.value_or(place.transaction).text();
  const auto unreadable = [&](const Error& error) {
    rest();
    return "the server's log cannot be read from " + from + " on (" + error.message() + ")";
  };
  try {
    if (!reached_ && !find(place, end)) {
      rest();
      return "the server's " + place.transaction.text() + " is another transaction";
    }
    if (!dump_) open(*reached_, !end);
    while (const std::optional<Event> event = next(end)) take(*event);
    if (!end) rest();
  } catch (const DecodeError& error) {  // the place is inside an event: the log is not the one that it was
    return unreadable(error);
  } catch (const ServerError& error) {
    if (!error.transient()) return unreadable(error);
    rest();
    if (!kept) throw;
    return read_on(place, end);  // it may have been given up long ago
  }
  return "";
}

std::string DdlLookAhead::read_between(const BinlogPosition& from, const BinlogPosition& to) {
  try {
    open(from, true);
    while (const std::optional<Event> event = next(to)) take(*event);
  } catch (const DecodeError& error) {
    return error.message();
  } catch (const ServerError& error) {
    if (error.transient()) throw;
    return error.message();
  }
  return reached_ && *reached_ >= to ? "" : "the server's log ends before " + to.text();
}

// Whether the log has the transaction of `place`. The dump is then behind its first event.
bool DdlLookAhead::find(const RowsPlace& place, const std::optional<BinlogPosition>& end) {
  constexpr std::uint64_t kFewBytes = 1 << 20;
  if (end && place.transaction >= *end) return false;
  open(place.transaction, !end);
  const std::optional<Event> event = next(end);
  if (!event || !begins(*event, place)) return false;
  take(*event);
  // The caller has the rows event, and a second copy of a large one would be a matter of memory.
  if (place.rows_end > reached_->pos + kFewBytes) {
    reached_->pos = place.rows_end;
    rest();
  }
  return true;
}

// Over what the dump sends besides the events of the log. nullopt: `end` is reached, or the end of the dump.
std::optional<Event> DdlLookAhead::next(const std::optional<BinlogPosition>& end) {
  const BinlogPosition& from = dump_->from;
  while (!end || !reached_ || *reached_ < *end) {
    const std::optional<RawEvent> raw = dump_->stream.next();
    if (!raw) return std::nullopt;
    const Event event = dump_->reader.read(*raw);
    // Beyond 4 GiB a dump begins at the file's start.
    if (!event.artificial && (event.file != from.file || event.begin_pos >= from.pos)) return event;
  }
  return std::nullopt;
}

void DdlLookAhead::take(const Event& event) {
  note(event);
  if (!reached_) reached_.emplace();
  if (reached_->file != event.file) reached_->file = event.file;
  reached_->pos = event.end_pos;
}

void DdlLookAhead::rest() {
  dump_.reset();
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
