// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/intake.hpp"

#include <algorithm>

#include "common/base/text.hpp"
#include "common/binlog/sql_lexer.hpp"

namespace cdc::load {

using starrocks::Ledger;
using starrocks::RowPlan;
using starrocks::RowRejected;
using Place = Ledger::Place;

namespace {

bool is_destructive(DdlClass ddl_class) {
  return ddl_class == DdlClass::drop || ddl_class == DdlClass::truncate || ddl_class == DdlClass::rename ||
         ddl_class == DdlClass::partition;
}

// MariaDB's CREATE OR REPLACE TABLE: a DROP before the CREATE.
bool replaces_table(std::string_view sql) {
  SqlLexer lexer(sql, 0);
  skip_set_statement(lexer);
  return lexer.accept("CREATE") && lexer.accept("OR") && lexer.accept("REPLACE");
}

// Every word of a statement as the name of a table, in `db` unless one is written in front of it.
std::set<TableName> names_in(std::string_view sql, const std::string& db) {
  std::set<TableName> names;
  for (SqlLexer lexer(sql, 0); !lexer.token().at_end();) {
    const SqlToken token = lexer.token();
    lexer.next();
    if (token.kind == SqlToken::Kind::symbol) continue;  // in quotes of any kind: ANSI_QUOTES is not known
    names.insert({db, token.name()});
    SqlLexer ahead = lexer;
    if (ahead.accept_symbol('.') && !ahead.token().at_end()) names.insert({token.name(), ahead.token().name()});
  }
  return names;
}

constexpr std::chrono::seconds kLongestWait{60};

// Servers differ in whether the case of a name matters; a statement too many does no harm.
TableName folded(const TableName& name) { return {lower_ascii(name.db), lower_ascii(name.table)}; }

std::string_view moved(std::string_view view, const char* from, const char* to) {
  return view.data() == nullptr ? view : std::string_view(to + (view.data() - from), view.size());
}

}  // namespace

void Intake::Held::keep(const RecordView& view) {
  line.assign(view.line);
  row.kind = view.kind;
  row.seq = view.seq;
  row.line = line;
  row.data = moved(view.data, view.line.data(), line.data());
  row.fields = view.fields;
  for (RawField& field : row.fields) {
    field.name = moved(field.name, view.line.data(), line.data());
    field.value = moved(field.value, view.line.data(), line.data());
  }
  has_json_null = !view.json_null.empty();
  row.json_null.clear();  // the before image is loaded as a delete only, of which StarRocks reads the key
}

void Intake::take(const RecordView& record) {
  if (held_ && record.kind != RecordKind::update_after && record.kind != RecordKind::update_before)
    throw DataError("an update's first line (-U) without its second (+U)");
  if (end_ && record.kind != RecordKind::start && record.kind != RecordKind::end)
    throw DataError("a record behind the end of the stream");
  switch (record.kind) {
    case RecordKind::start:
      ledger_.start(parser_.start(record.line));
      end_.reset();
      outflow_.save(true);
      break;
    case RecordKind::table:
      table(parser_.table(record.line));
      break;
    case RecordKind::begin: {
      const BeginRecord begin = parser_.begin(record.line);
      ledger_.begin(begin);
      if (begin.snapshot) ledger_.place(source(begin.snapshot->table).table, 0);
      break;
    }
    case RecordKind::commit: {
      const CommitRecord commit = parser_.commit(record.line);
      ledger_.commit(commit);
      replaying_ = false;
      boundary();
      if (commit.snapshot) outflow_.chunk_taken(source(commit.snapshot->table).table);
      break;
    }
    case RecordKind::ddl:
      ddl(parser_.ddl(record.line));
      break;
    case RecordKind::snapshot_end:
    case RecordKind::heartbeat: {
      const HeartbeatRecord heartbeat = parser_.heartbeat(record.line);
      ledger_.boundary(heartbeat.gtids, heartbeat.position, heartbeat.ts_ms);
      if (record.kind == RecordKind::snapshot_end) ledger_.copied();
      boundary();
      break;
    }
    case RecordKind::end: {
      EndRecord end = parser_.end(record.line);
      if (!ledger_.in_transaction() && ledger_.started())
        ledger_.boundary(end.gtids, end.position, ledger_.checkpoint().ts_ms);
      end_ = std::move(end);
      if (!ledger_.in_transaction()) boundary();
      break;
    }
    default:
      row(record);
  }
}

bool Intake::abandon() {
  const bool open = ledger_.in_transaction() || held_;
  held_ = replaying_ = false;
  spool_.clear();
  outflow_.rollback();
  if (ledger_.in_transaction()) ledger_.abandon_transaction();
  return open;
}

void Intake::boundary() { outflow_.commit(); }

Intake::Source& Intake::source(const TableName& name) {
  const auto [it, is_new] = sources_.try_emplace(name);
  if (is_new) {
    it->second.name = name;
    it->second.target = options_.routes.target(name);
    it->second.table = outflow_.table(it->second.target);
  }
  return it->second;
}

void Intake::table(TableSchema schema) {
  Source& source = this->source(schema.name);
  if (source.schema == schema) return;
  source.schema = std::move(schema);
  source.plan.reset();  // made when a row needs it
}

void Intake::row(const RecordView& record) {
  if (!ledger_.in_transaction()) {
    if (ledger_.started()) throw DataError("a row outside of a transaction");
    if (!options_.checkpoint.empty())
      throw RefusedError("rows without boundaries (cdc-tail --rows-only) cannot go with a checkpoint");
  }
  if (!record.same_table || last_ == nullptr) last_ = &source({std::string(record.db), std::string(record.table)});
  Source& source = *last_;
  if (ledger_.in_transaction() && !replaying_ && record.kind != RecordKind::update_before) ledger_.told(record.seq, record.pos);
  if (!spool_.empty() && !replaying_) return put_aside(record, source);
  const bool same = record.kind == RecordKind::update_before && record.seq == before_.row.seq;  // told twice
  if (held_ && record.kind != RecordKind::update_after && !same)
    throw DataError("an update's first line (-U) without its second (+U)");
  const Place place = ledger_.in_transaction() ? ledger_.place(source.table, record.seq) : Place::next;
  if (place == Place::contained) {
    held_ = false;
    if (record.kind != RecordKind::update_before) ledger_.changed(record.seq);
    return;
  }
  make_plan(source);
  require_key(record, source);
  if (!replaying_ && !held_ && ledger_.has_changes() &&
      (outflow_.outgrown() || outflow_.reshapes(source.table, *source.plan)))
    return spool_.append(record.line);
  outflow_.prepare(source.table, *source.plan);
  if (record.kind == RecordKind::update_before) {
    before_.keep(record);
    held_ = true;
    return;
  }
  change(record, source, place);
  held_ = false;
  if (ledger_.in_transaction()) {
    ledger_.changed(record.seq);
  } else {
    outflow_.commit();
  }
}

void Intake::make_plan(Source& source) {
  if (source.plan) return;
  if (!source.schema) throw DataError("rows of " + source.name.text() + " without its table record");
  if (options_.alter_tables && !catalog_.missing(source.target, *source.schema).empty()) add_columns(source);
  source.plan = std::make_unique<RowPlan>(*source.schema, catalog_.table(source.target, *source.schema), options_.rows);
  ledger_.drop_alters(folded(source.name));
  for (const std::string& notice : source.plan->notices())
    if (told_.insert(notice).second) log_.warning(notice);
}

// Between two batches, with nothing of the table in flight: StarRocks has lost rows of loads that were under way
// (issue 34377).
void Intake::add_columns(Source& source) {
  outflow_.close(source.table, replaying_);
  for (outflow_.pump(at_change()); outflow_.busy(source.table); outflow_.pump(at_change())) wait_(kLongestWait);
  catalog_.add_columns(source.target, *source.schema, ledger_.alters(folded(source.name)));
}

void Intake::require_key(const RecordView& record, const Source& source) const {
  if (source.plan->keyed() || (record.kind == RecordKind::insert && !record.snapshot)) return;
  throw RefusedError((record.snapshot ? "an initial copy of " : "an update or delete in ") + source.name.text() + ", but " +
                     (source.schema->primary_key.empty() ? "it" : source.target.text()) + " has no primary key: only " +
                     (record.snapshot ? "new rows" : "inserts") + " can be loaded");
}

void Intake::put_aside(const RecordView& record, Source& source) {
  if (ledger_.place(source.table, record.seq) != Place::contained) {
    // Adding columns to the target for rows that are only inserted can wait until they are loaded.
    if (record.kind != RecordKind::insert || !options_.alter_tables) make_plan(source);
    if (source.plan) require_key(record, source);
  }
  spool_.append(record.line);
}

void Intake::replay(const RecordView& commit, const std::function<void()>& pace) {
  if (spool_.empty()) return;
  ledger_.check(parser_.commit(commit.line));
  replaying_ = true;
  RecordReader reader(spool_.rewind(), "a large transaction");
  do {
    while (const RecordView* record = reader.next()) {
      row(*record);
      if (outflow_.pressing()) pace();
    }
    pace();
  } while (reader.fill());
  spool_.clear();
}

void Intake::change(const RecordView& record, Source& source, Place place) {
  if (record.kind != RecordKind::update_after) return put(record, record.kind == RecordKind::remove, source, place);
  if (!held_ || before_.row.seq != record.seq) throw DataError("an update's second line (+U) without its first (-U)");
  const bool json_null = before_.has_json_null || !record.json_null.empty();
  if (before_.row.data == record.data && !json_null) return;  // nothing has changed
  if (!source.plan->same_key(before_.row, record)) put(before_.row, true, source, place);
  put(record, false, source, place);
}

// A row that StarRocks cannot hold goes to the dead letters. Both rows of a change of key may: what is deleted is not
// there then, and what is inserted does not depend on it.
void Intake::put(const RecordView& row, bool remove, Source& source, Place place) {
  try {
    remove ? outflow_.remove(source.table, place, *source.plan, row) : outflow_.upsert(source.table, place, *source.plan, row);
  } catch (RowRejected& error) {
    if (options_.dead_letter.empty()) {
      if (ledger_.in_transaction() && !ledger_.transaction().gtid.empty())
        error.add_context("change " + std::to_string(row.seq) + " of transaction " + ledger_.transaction().gtid.text());
      throw;
    }
    outflow_.reject(row.line, error.message());
  }
}

// Whether changes of the table are, or were, loaded, or go to a table that is there.
bool Intake::is_loaded(const TableName& name) {
  const TableName target = folded(options_.routes.target(name));
  for (const auto& [known, source] : sources_)
    if (folded(known) == folded(name)) return true;
  for (Outflow::TableId id = 0; id < ledger_.tables(); ++id)
    if (lower_ascii(ledger_.target(id)) == target.text()) return true;
  return catalog_.tables(options_.routes.target(name).db).contains(target.table);
}

// What a statement that is not carried out would change, "" for nothing that is loaded.
std::string Intake::spoiled_by(const DdlRecord& record) {
  if (record.tables) {
    if (is_destructive(record.ddl_class)) return record.tables->empty() ? "" : record.tables->front().text();
    if (replaces_table(record.sql))
      for (const TableName& table : *record.tables)
        if (is_loaded(table)) return table.text();
    return "";
  }
  if (is_destructive(record.ddl_class)) return "tables that are not named";  // DROP DATABASE
  for (const TableName& table : names_in(record.sql, record.db))
    if (is_loaded(table)) return table.text();
  return "";
}

void Intake::ddl(const DdlRecord& record) {
  // Also without --alter-tables, which may be what the next run is given.
  if (record.tables && record.ddl_class == DdlClass::alter)
    for (const TableName& table : *record.tables) ledger_.add_alter(folded(table), record.sql);
  if (!options_.ignore_ddl)
    if (const std::string name = spoiled_by(record); !name.empty())
      throw RefusedError("this changes " + name + " and is not carried out by cdc-load: " + record.sql +
                         " (do there what is needed, then go on with --ignore-ddl)");
  if (ledger_.in_transaction()) return;
  ledger_.boundary(record.gtids, record.position, record.ts_ms);
  boundary();
}

}  // namespace cdc::load
