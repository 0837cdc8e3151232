// SPDX-License-Identifier: Apache-2.0
#include "common/base/text.hpp"
#include "common/binlog/ddl.hpp"
#include "common/binlog/payload.hpp"
#include "common/binlog/table_map.hpp"
#include "common/mysql/binlog_stream.hpp"
#include "tools/cdc-check/checks.hpp"
#include "tools/cdc-check/table_facts.hpp"

namespace cdc::check {
namespace {

// Follows a stream of events and notes what concerns the tables.
class Follower {
 public:
  explicit Follower(TablesFacts& tables) : tables_(tables), activity_(tables.activity.emplace()) {}

  void follow(EventSource& source) {
    while (const std::optional<RawEvent> raw = source.next()) {
      activity_.bytes += raw->bytes.size();
      const Event event = reader_.read(*raw);
      if (event.artificial) continue;
      feed(event);
      if (event.type() != EventType::transaction_payload) continue;
      payloads_.open(event);
      while (const std::optional<Event> inner = payloads_.next()) feed(*inner);
    }
    activity_.complete = true;
  }

 private:
  void feed(const Event& event) {
    tracker_.feed(event);
    if (event.type() == EventType::table_map) {
      const TableName& name = maps_.add(event, reader_.format().mariadb)->name;
      if (matches(tables_.globs, name)) ++activity_.rows_events[name];
    } else if (const QueryEvent* query = tracker_.query()) {
      note_definition(event, *query);
    }
  }

  void note_definition(const Event& event, const QueryEvent& query) {
    const DdlInfo ddl = parse_ddl(query.sql, query.db, query.sql_mode);
    // What is only created now had no rows with another definition before.
    if (ddl.kind != StatementKind::ddl || !ddl.tables || ddl.ddl_class == DdlClass::create) return;
    for (const TableName& name : *ddl.tables)
      if (matches(tables_.globs, name))
        activity_.changes.push_back({name, {std::string(event.file), event.begin_pos}});
  }

  TablesFacts& tables_;
  TableActivity& activity_;
  EventReader reader_;
  TransactionTracker tracker_;
  TableMapCache maps_;
  PayloadReader payloads_;
};

}  // namespace

void gather_activity(const ConnectOptions& options, const ServerFacts& server, const PositionFacts& position,
                     std::uint64_t limit, TablesFacts& tables) {
  if (tables.globs.empty()) return;
  if (!position.position || !position.start.ok()) {
    tables.no_activity = position.asked ? "the position is none to start from" : "no position given";
    return;
  }
  if (!server.files) {
    tables.no_activity = server.files.refusal;
    return;
  }
  std::uint64_t distance = 0;
  for (const BinlogFile& file : *server.files)
    if (compare_binlog_names(file.name, position.position->file) >= 0) distance += file.size;
  if (distance > limit + position.position->pos) {
    tables.no_activity = bytes_text(distance) + " of binlog are more than --scan-limit, " + bytes_text(limit);
    return;
  }
  try {
    DumpRequest request;
    request.position = *position.position;
    request.stop_at_end = true;
    BinlogStream stream(Connection(options), request);
    Follower(tables).follow(stream);
  } catch (const ServerError& error) {
    if (error.transient()) throw;
    tables.activity.reset();  // half of it would look like all
    tables.no_activity = error.message();
  } catch (const DecodeError& error) {
    tables.activity.reset();  // half of it would look like all
    tables.no_activity = error.message();
  }
}

}  // namespace cdc::check
