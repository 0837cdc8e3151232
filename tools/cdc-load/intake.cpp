// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/intake.hpp"

#include <algorithm>

#include "common/base/text.hpp"

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
  try {
    change(record, source, place);
  } catch (RowRejected& error) {
    if (options_.dead_letter.empty()) {
      if (ledger_.in_transaction() && !ledger_.transaction().gtid.empty())
        error.add_context("change " + std::to_string(record.seq) + " of transaction " + ledger_.transaction().gtid.text());
      throw;
    }
    outflow_.reject(record.line, error.message());
  }
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
  altered_.erase(folded(source.name));
  for (const std::string& notice : source.plan->notices())
    if (told_.insert(notice).second) log_.warning(notice);
}

// Between two batches, with nothing of the table in flight: StarRocks has lost rows of loads that were under way
// (issue 34377).
void Intake::add_columns(Source& source) {
  outflow_.close(source.table, replaying_);
  for (outflow_.pump(at_change()); outflow_.busy(source.table); outflow_.pump(at_change())) wait_(kLongestWait);
  catalog_.add_columns(source.target, *source.schema, altered_[folded(source.name)]);
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

void Intake::replay(const std::function<void()>& pace) {
  if (spool_.empty()) return;
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
  const RowPlan& plan = *source.plan;
  if (record.kind == RecordKind::insert) return outflow_.upsert(source.table, place, plan, record);
  if (record.kind == RecordKind::remove) return outflow_.remove(source.table, place, plan, record);
  if (!held_ || before_.row.seq != record.seq) throw DataError("an update's second line (+U) without its first (-U)");
  if (before_.row.data == record.data && record.json_null.empty()) return;  // nothing that is kept has changed
  if (!plan.same_key(before_.row, record)) outflow_.remove(source.table, place, plan, before_.row);
  outflow_.upsert(source.table, place, plan, record);
}

void Intake::ddl(const DdlRecord& record) {
  if (options_.alter_tables && record.tables && record.ddl_class == DdlClass::alter)
    for (const TableName& table : *record.tables) altered_[folded(table)].push_back(record.sql);
  if (!options_.ignore_ddl) {
    std::string name;
    if (record.tables) {
      if (is_destructive(record.ddl_class) && !record.tables->empty()) name = record.tables->front().text();
    } else {
      // Not understood: it counts when it names a table of ours.
      const std::string sql = lower_ascii(record.sql);
      for (const auto& [table, source] : sources_)
        if (sql.find(lower_ascii(table.table)) != std::string::npos) name = table.text();
    }
    if (!name.empty())
      throw RefusedError("this changes " + name + " and is not carried out by cdc-load: " + record.sql +
                         " (do there what is needed, then go on with --ignore-ddl)");
  }
  if (ledger_.in_transaction()) return;
  ledger_.boundary(record.gtids, record.position, record.ts_ms);
  boundary();
}

}  // namespace cdc::load
