// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "common/binlog/ddl.hpp"
#include "common/binlog/payload.hpp"
#include "common/binlog/table_map.hpp"
#include "common/mysql/binlog_stream.hpp"
#include "common/mysql/table_definitions.hpp"
#include "tools/cdc-check/checks.hpp"
#include "tools/cdc-check/table_facts.hpp"

namespace cdc::check {
namespace {

// Follows a stream of events and notes what concerns the tables.
class Follower {
 public:
  explicit Follower(TablesFacts& tables) : tables_(tables), activity_(tables.activity.emplace()) {}

  void follow(EventSource& source, std::uint64_t limit) {
    while (const std::optional<RawEvent> raw = source.next()) {
      if (activity_.bytes >= limit) return;
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
    const TransactionStep step = tracker_.feed(event);
    const bool begun = step == TransactionStep::begin || step == TransactionStep::whole;
    if (begun && tracker_.transaction().gtid.empty()) ++activity_.anonymous;
    if (step == TransactionStep::end || step == TransactionStep::whole)
      activity_.xas.follow(tracker_.transaction());
    if (event.type() == EventType::table_map) {
      const auto map = maps_.add(event, reader_.format().mariadb);
      if (!matches(tables_.globs, map->name)) return;
      ++activity_.rows_events[map->name];
      activity_.first_maps.try_emplace(map->name, map);
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
  if (tables.globs.empty() && !(position.asked && may_have_xas_behind(server, position))) return;
  if (!position.position || !position.start.ok()) {
    tables.no_activity = position.asked ? "the position is none to start from" : "no position given";
    return;
  }
  if (!server.files) {
    tables.no_activity = server.files.refusal;
    return;
  }
  Follower follower(tables);
  for (const BinlogFile& file : *server.files)
    if (compare_binlog_names(file.name, position.position->file) >= 0) tables.activity->distance += file.size;
  tables.activity->distance -= std::min(tables.activity->distance, position.position->pos);
  const auto give_up = [&](const std::string& why) {
    tables.activity.reset();  // a part of unknown extent would look like all
    tables.no_activity = why;
  };
  try {
    DumpRequest request;
    if (position.by_set)
      request.executed = position.given_set;
    else
      request.position = *position.position;
    request.stop_at_end = true;
    BinlogStream stream(Connection(options), request);
    follower.follow(stream, limit);
  } catch (const ServerError& error) {
    if (error.transient()) throw;
    if (is_refused_kind(error))
      tables.activity->refused = error.message();
    else
      give_up(error.message());
  } catch (const DecodeError& error) {
    give_up(error.message());
  }
}

void compare_definitions(Connection& connection, TablesFacts& tables) {
  if (!tables.activity) return;
  for (const auto& [name, map] : tables.activity->first_maps) {
    std::string what;
    try {
      // What is not to be seen is told by table.exists.
      if (const std::optional<LiveTable> live = read_live_table(connection, name))
        what = difference(*map, *live);
    } catch (const DataError& error) {
      what = error.message();
    }
    if (!what.empty()) tables.activity->differences.emplace(name, what);
  }
}

}  // namespace cdc::check
