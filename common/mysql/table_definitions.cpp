// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/table_definitions.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/base/text.hpp"
#include "common/binlog/collation.hpp"
#include "common/mysql/server.hpp"

namespace cdc {

namespace {

// The table id is only a number of the server's table cache; all else is the definition.
bool same_definition(const TableMap& a, const TableMap& b) {
  return a.columns == b.columns && a.primary_key == b.primary_key && a.has_types == b.has_types &&
         a.has_names == b.has_names;
}

// nullopt: not to be had.
std::optional<BinlogPosition> log_end(Connection& session) {
  try {
    return end_position(session);
  } catch (const ServerError& error) {
    if (error.exit_code() != ExitCode::denied) throw;
    return std::nullopt;
  }
}

std::shared_ptr<const TableSchema> positional_schema(const TableMap& map) {
  TableSchema schema{map.name, map.columns, {}, false};
  for (std::size_t i = 0; i < schema.columns.size(); ++i)
    schema.columns[i].name = "@" + std::to_string(i + 1);
  return std::make_shared<const TableSchema>(std::move(schema));
}

// Types and metadata are the map's, for they are what the rows were written with; the rest is the live
// table's.
std::shared_ptr<const TableSchema> live_schema(const TableMap& map, LiveTable live) {
  TableSchema schema{map.name, std::move(live.columns), std::move(live.primary_key), true};
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    Column& column = schema.columns[i];
    const Column& written = map.columns[i];
    column.type = written.type;
    column.meta = written.meta;
    column.geometry_type = written.geometry_type;
    column.vector_dimension = written.vector_dimension;
    if (written.collation != 0) column.collation = written.collation;
  }
  return std::make_shared<const TableSchema>(std::move(schema));
}

// MySQL 5.6 temporals have two binary forms under one name (tables made before 5.6 keep the old one).
ColumnType modern(ColumnType type) {
  switch (type) {
    case ColumnType::timestamp:
      return ColumnType::timestamp2;
    case ColumnType::datetime:
      return ColumnType::datetime2;
    case ColumnType::time:
      return ColumnType::time2;
    case ColumnType::newdate:
      return ColumnType::date;
    default:
      return type;
  }
}

// Whether the rows of `map` were written with the types of `schema`, which was made for such a map.
bool fits(const TableMap& map, const TableSchema& schema) {
  const auto same = [&](const Column& written, const Column& known) {
    return written.type == known.type && written.meta == known.meta && written.nullable == known.nullable &&
           (!map.has_types || written.is_unsigned == known.is_unsigned) &&
           (written.collation == 0 || written.collation == known.collation) &&
           written.geometry_type == known.geometry_type && written.vector_dimension == known.vector_dimension;
  };
  return std::equal(map.columns.begin(), map.columns.end(), schema.columns.begin(), schema.columns.end(), same);
}

bool is_old_temporal(ColumnType type) {
  return type == ColumnType::time || type == ColumnType::datetime || type == ColumnType::timestamp;
}

// A damaged log may have any bytes for names.
void require_utf8(const TableMap& map) {
  if (!is_valid_utf8(map.name.db) || !is_valid_utf8(map.name.table)) throw DataError("the table's name is no UTF-8");
  for (std::size_t i = 0; i < map.columns.size(); ++i)
    if (!is_valid_utf8(map.columns[i].name))
      throw DataError("the name of column " + std::to_string(i + 1) + " is no UTF-8");
}

std::string column_difference(const Column& written, const Column& live, bool has_types) {
  const std::string then = "is " + column_type_text(written) + " in the binlog";
  const bool old_form = written.type != modern(written.type);
  if (modern(written.type) != live.type || (!old_form && written.meta != live.meta)) {
    return then + " and " + live.type_text + " now";
  }
  if (written.nullable != live.nullable) {
    return std::string(written.nullable ? "may" : "may not") + " be NULL in the binlog but not so now";
  }
  if (!has_types) return "";
  if (written.is_unsigned != live.is_unsigned) return then + " and " + live.type_text + " now";
  if (written.collation == 0 || live.collation == 0) return "";
  const CharacterSet* before = find_charset(written.collation);
  const CharacterSet* now = find_charset(live.collation);
  if (before == nullptr || now == nullptr || before->name == now->name) return "";
  return "has character set " + std::string(before->name) + " in the binlog and " + std::string(now->name) +
         " now";
}

}  // namespace

std::shared_ptr<const TableSchema> TableDefinitions::define(const std::shared_ptr<const TableMap>& map,
                                                            const RowsPlace& place) {
  Known& known = known_[map->name];
  if (known.map && (known.map == map || same_definition(*known.map, *map))) {
    known.map = map;
    remember(*map, known.schema, place);
    return known.schema;
  }
  std::shared_ptr<const TableSchema> schema = make(*map, place);
  // The same columns under another table id after an ALTER that changed nothing here: writers keep their
  // caches.
  if (!known.schema || *known.schema != *schema) known.schema = std::move(schema);
  known.map = map;
  remember(*map, known.schema, place);
  return known.schema;
}

void TableDefinitions::forget(const DdlInfo& ddl, const BinlogPosition& place) {
  if (ddl.tables && ddl.tables->empty()) return;
  const std::string database = folded(TableName{ddl.database, ""}).db;
  std::set<TableName> tables;
  for (const TableName& name : ddl.tables.value_or(std::vector<TableName>())) tables.insert(folded(name));
  const auto concerns = [&](const TableName& name) {
    const TableName own = folded(name);
    return ddl.tables ? tables.contains(own) : database.empty() || own.db == database;
  };
  for (auto& [name, known] : known_)
    if (concerns(name)) known.map.reset();
  if (!history_) return;
  for (const auto& [name, spans] : history_->tables)
    if (concerns(name) && history_->end(name, place)) has_news_ = true;
}

void TableDefinitions::server_is(const std::string& identity) {
  if (identity == server_identity_) return;
  server_identity_ = identity;
  look_ahead_.reset();
  if (history_) keep_history(std::nullopt, {});
}

void TableDefinitions::keep_history(std::optional<TableHistory> earlier, const BinlogPosition& start) {
  gap_end_.reset();
  if (earlier && earlier->server == server_identity_) {
    history_ = std::move(earlier);
    history_->forget_before(start);
    if (history_->read_to < start) gap_end_ = start;
  } else {
    history_.emplace().server = server_identity_;
    has_news_ = true;  // what is kept is of no use any more
  }
}

const TableHistory& TableDefinitions::take_history(const BinlogPosition& reached) {
  if (!gap_end_ && reached > history_->read_to) history_->read_to = reached;
  has_news_ = false;
  return *history_;
}

void TableDefinitions::remember(const TableMap& map, const std::shared_ptr<const TableSchema>& schema,
                                const RowsPlace& place) {
  if (!history_ || map.has_names || !schema->named || place.rows.file.empty()) return;
  if (history_->add(schema, place.rows)) has_news_ = true;
}

// The definition that an earlier run, or this one, has proved for this place.
std::shared_ptr<const TableSchema> TableDefinitions::recall(const TableMap& map, const RowsPlace& place) {
  if (!history_) return nullptr;
  if (gap_end_) close_gap();
  std::shared_ptr<const TableSchema> schema = history_->find(map.name, place.rows);
  return schema && fits(map, *schema) ? schema : nullptr;
}

// The checkpoint is further on than the history was kept: what the log has in between may have ended its spans.
void TableDefinitions::close_gap() {
  const BinlogPosition from = history_->read_to;
  DdlLookAhead gap(server_->connect);
  const bool unknown = !gap.read_between(from, *std::exchange(gap_end_, std::nullopt)).empty();
  // A statement may stand at `from` itself.
  const BinlogPosition before{from.file, from.pos - 1};
  for (const auto& [name, spans] : history_->tables)
    if (unknown || gap.touched_behind(before, name)) history_->end(name, from);
}

std::shared_ptr<const TableSchema> TableDefinitions::make(const TableMap& map, const RowsPlace& place) {
  require_utf8(map);
  if (map.has_names) {
    TableSchema schema{map.name, map.columns, map.primary_key, true};
    if (server_ && has_old_temporals(map)) tell_old_fractions(schema);
    return std::make_shared<const TableSchema>(std::move(schema));
  }
  std::string reason = "there is no server to ask for them";
  if (server_) {
    if (std::shared_ptr<const TableSchema> schema = recall(map, place)) return schema;
    // First the definition, then the log: a DDL that comes in between is seen as one that may matter.
    std::optional<LiveTable> live = read_live_table(server_->session(), map.name);
    reason = live ? difference(map, *live) : "the server has no such table, or no privilege shows it";
    if (live && reason.empty()) reason = changed_since(map.name, place);
    if (live && reason.empty()) return live_schema(map, std::move(*live));
  }
  if (unknown_names_ == UnknownNames::positional) return positional_schema(map);
  throw ConfigError("table " + map.name.text() + ": its column names are not in the binlog " +
                    "(binlog_row_metadata is MINIMAL), and " + reason +
                    "; --positional-names calls them @1, @2, …, -x leaves the table out");
}

// MariaDB's temporals of before 10.1 may have a fraction, whose length the log tells in no way: the type's text does.
void TableDefinitions::tell_old_fractions(TableSchema& schema) {
  const std::optional<LiveTable> live = read_live_table(server_->session(), schema.name);
  for (Column& column : schema.columns) {
    if (!live || !is_old_temporal(column.type)) continue;
    for (const Column& now : live->columns)
      if (now.name == column.name && now.type == modern(column.type)) column.type_text = now.type_text;
  }
}

// Equal types prove nothing: two columns may have swapped their names, or two tables theirs, and labels of an
// ENUM their order. "" when the log proves that nothing touched the table since.
std::string TableDefinitions::changed_since(const TableName& name, const RowsPlace& place) {
  if (!look_ahead_) look_ahead_.emplace(server_->connect);
  const std::optional<BinlogPosition> end = log_end(server_->session());
  const bool is_read = end && look_ahead_->reached() && *look_ahead_->reached() >= *end;
  const std::string unreadable = is_read ? "" : look_ahead_->read_on(place, end);
  if (!unreadable.empty()) return "whether the table was changed since is not known, because " + unreadable;
  const std::optional<BinlogPosition> touched = look_ahead_->touched_behind(place.rows, name);
  return touched ? "the table may have been changed since, at " + touched->text() : "";
}

bool has_old_temporals(const TableMap& map) {
  return std::any_of(map.columns.begin(), map.columns.end(),
                     [](const Column& column) { return is_old_temporal(column.type); });
}

std::string difference(const TableMap& map, const LiveTable& live) {
  if (map.columns.size() != live.columns.size()) {
    return "it has " + std::to_string(map.columns.size()) + " columns in the binlog and " +
           std::to_string(live.columns.size()) + " now";
  }
  for (std::size_t i = 0; i < map.columns.size(); ++i) {
    const std::string found = column_difference(map.columns[i], live.columns[i], map.has_types);
    if (!found.empty())
      return "column " + std::to_string(i + 1) + " (" + live.columns[i].name + " now) " + found;
  }
  return "";
}

}  // namespace cdc
