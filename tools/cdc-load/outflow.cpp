// SPDX-License-Identifier: Apache-2.0
// The side of Outflow that takes changes and closes batches; loads are in outflow_loads.cpp.
#include "tools/cdc-load/outflow.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"

namespace cdc::load {

using starrocks::Batch;
using starrocks::Ledger;
using starrocks::RowPlan;
using Place = Ledger::Place;

namespace {

constexpr std::chrono::seconds kSaveEvery{1};

}  // namespace

Outflow::Outflow(const LoadOptions& options, Ledger& ledger, const Log& log, std::function<std::uint64_t()> labels_kept)
    : options_(options),
      ledger_(ledger),
      log_(log),
      report_(options.dry_run ? "" : options.report),
      label_memory_(std::move(labels_kept)),
      // A compressed body may be as large as its batch.
      most_buffered_(options.compression == starrocks::Compression::none ? options.memory : options.memory / 2) {
  if (!options.dry_run) loader_ = std::make_unique<Loader>(options.endpoint, options.parallel);
  for (TableId id = 0; id < ledger.tables(); ++id) {
    const std::string& target = ledger.target(id);
    const std::size_t dot = target.find('.');
    tables_.push_back({});
    tables_.back().name = {target.substr(0, dot), dot == std::string::npos ? "" : target.substr(dot + 1)};
  }
}

Outflow::TableId Outflow::table(const TableName& target) {
  const TableId id = ledger_.table(target.text());
  if (id == tables_.size()) {
    tables_.push_back({});
    tables_.back().name = target;
  }
  return id;
}

bool Outflow::reshapes(TableId id, const RowPlan& plan) const {
  const Table& table = tables_[id];
  return table.open && !table.open->empty() && table.shape != plan.shape();
}

void Outflow::prepare(TableId id, const RowPlan& plan) {
  Table& table = tables_[id];
  if (table.shape == plan.shape() && table.open) return;
  if (table.open && !table.open->empty()) {
    if (!ledger_.can_mark()) throw RefusedError(table.name.text() + ": rows of a chunk of the initial copy have two shapes");
    seal(id);
  }
  table.shape = plan.shape();
  table.columns = plan.columns_header();
  table.keyed = plan.keyed();
  table.open = std::make_shared<Batch>(table.keyed, !options_.dead_letter.empty());
  if (ledger_.redoing(id) && !table.redo) table.redo = std::make_shared<Batch>(table.keyed, !options_.dead_letter.empty());
  if (table.forgotten && !table.keyed && options_.assume == Assume::nothing)
    throw RefusedError("StarRocks does not know any more whether load " + ledger_.intent(id).label + " of " +
                       table.name.text() +
                       " was made, and the table has no primary key. Look whether its rows are there, then say "
                       "--assume=applied or --assume=absent");
}

void Outflow::close(TableId id, bool commit_known) {
  const Table& table = tables_[id];
  const bool open = table.open && table.open->open_rows() > 0 && !commit_known;
  const bool waits = ledger_.redoing(id) && !ledger_.redo_complete(id);
  if (open || waits || (table.open && !table.open->empty() && !ledger_.can_mark()))
    throw RefusedError(table.name.text() + ": its columns cannot be changed between these two changes; do it by hand");
  seal(id);
}

bool Outflow::busy(TableId id) const { return ledger_.redoing(id) || !tables_[id].sealed.empty(); }

Batch& Outflow::batch_for(TableId id, Place place) {
  Table& table = tables_[id];
  if (!table.touched) {
    table.touched = true;
    touched_.push_back(id);
  }
  if (place == Place::redo) {
    if (!table.redo->empty() && table.redo_columns != table.columns)
      throw RefusedError(table.name.text() + ": the changes of a load in doubt come back in two shapes");
    table.redo_columns = table.columns;
    return *table.redo;
  }
  if (table.open->empty()) {
    table.opened = Clock::now();
    if (!table.open_pin) table.open_pin = ledger_.pin();
  }
  return *table.open;
}

void Outflow::add(TableId id, Place place, const RowPlan& plan, const RecordView& row, bool remove) {
  object_.clear();
  plan.append_object(row, remove, object_);
  Batch& batch = batch_for(id, place);
  if (plan.keyed()) {
    key_.clear();
    plan.append_key(row, key_);
    batch.put(key_.view(), object_.view(), row.line);
  } else {
    batch.append(ledger_.in_transaction() ? ledger_.transaction() : starrocks::TransactionId{}, row.seq, object_.view(),
                 row.line);
  }
  if (batch.rows() >= options_.batch_rows || batch.bytes() >= options_.batch_bytes) pressing_ = true;
  if (batch.open_rows() >= options_.batch_rows || batch.open_bytes() >= options_.batch_bytes) outgrown_ = true;
}

void Outflow::upsert(TableId id, Place place, const RowPlan& plan, const RecordView& row) {
  add(id, place, plan, row, false);
}

void Outflow::remove(TableId id, Place place, const RowPlan& plan, const RecordView& row) {
  add(id, place, plan, row, true);
}

void Outflow::reject(std::string_view line, std::string_view reason) {
  if (totals_.dead_letters >= options_.dead_letter_max)
    throw RefusedError(std::to_string(totals_.dead_letters) + " rows are in " + options_.dead_letter +
                       " already (--dead-letter-max)");
  const UniqueFd file(::open(options_.dead_letter.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file) throw IoError(ExitCode::io, options_.dead_letter, errno);
  OutBuffer out;
  out.append("{\"reason\":");
  append_json_string(out, reason);
  out.append(",\"record\":");
  out.append(line);
  out.append("}\n");
  write_all(file.get(), out.view(), options_.dead_letter);
  if (::fsync(file.get()) != 0) throw IoError(ExitCode::io, options_.dead_letter, errno);
  ++totals_.dead_letters;
}

void Outflow::chunk_taken(TableId id) {
  const Table& table = tables_[id];
  const bool idle = (!table.open || table.open->empty()) && table.sealed.empty() && !ledger_.progress(id).load;
  if (idle) ledger_.contained(id, ledger_.mark(id));
}

void Outflow::commit() {
  for (const TableId id : touched_) {
    Table& table = tables_[id];
    table.touched = false;
    table.open->commit();
    if (table.redo) table.redo->commit();
    if (table.open->rows() >= options_.batch_rows || table.open->bytes() >= options_.batch_bytes) pressing_ = true;
  }
  touched_.clear();
  outgrown_ = false;
}

void Outflow::rollback() {
  for (const TableId id : touched_) {
    Table& table = tables_[id];
    table.touched = false;
    table.open->rollback();
    if (table.redo) table.redo->rollback();
    if (table.open->empty() && table.open_pin) {
      ledger_.unpin(*table.open_pin);
      table.open_pin.reset();
    }
  }
  touched_.clear();
  outgrown_ = false;
}

// ---- Closing batches

void Outflow::seal(TableId id) {
  Table& table = tables_[id];
  if (!table.open || table.open->empty()) return;
  table.open->seal();
  table.sealed.push_back({table.open, ledger_.mark(id), table.open_pin, table.columns, false, ""});
  table.open_pin.reset();
  table.open = std::make_shared<Batch>(table.keyed, !options_.dead_letter.empty());
}

bool Outflow::due(const Table& table, bool at_change, Clock::time_point now) const {
  if (!table.open || table.open->empty()) return false;
  const Batch& open = *table.open;
  const bool full = open.rows() >= options_.batch_rows || open.bytes() >= options_.batch_bytes;
  if (!ledger_.in_transaction())
    return full || draining_ || now - table.opened >= std::chrono::milliseconds(options_.batch_time_ms);
  // A transaction is cut only when it alone is too large for a batch.
  return at_change && full && (open.open_rows() >= options_.batch_rows || open.open_bytes() >= options_.batch_bytes);
}

void Outflow::seal_due(bool at_change) {
  const Clock::time_point now = Clock::now();
  const bool boundary = !ledger_.in_transaction();
  for (TableId id = 0; id < tables_.size(); ++id) {
    const Table& table = tables_[id];
    // Behind a load in flight, or one that waits, a batch goes on growing up to its limits.
    const bool busy = !table.sealed.empty();
    const bool full = table.open && (table.open->rows() >= options_.batch_rows || table.open->bytes() >= options_.batch_bytes);
    if (due(table, at_change, now) && (!busy || full || draining_) && ledger_.can_mark()) seal(id);
  }
  if (memory() < most_buffered_) return;
  if (!boundary && !at_change) {
    outgrown_ = true;
    return;
  }
  const TableId id = largest();
  if (id < tables_.size() && ledger_.can_mark()) seal(id);
}

// The load in doubt is made again from exactly its changes.
void Outflow::seal_redo() {
  for (TableId id = 0; id < tables_.size(); ++id) {
    Table& table = tables_[id];
    if (!ledger_.redoing(id) || !ledger_.redo_complete(id)) continue;
    if (!table.redo) table.redo = std::make_shared<Batch>(table.keyed, false);
    table.redo->seal();
    table.sealed.push_front({table.redo, ledger_.end_redo(id), table.redo_pin, table.redo_columns, true, ""});
    table.redo.reset();
    table.redo_pin.reset();
  }
}

Outflow::TableId Outflow::largest() const {
  TableId found = tables_.size();
  std::size_t most = 0;
  for (TableId id = 0; id < tables_.size(); ++id) {
    const Table& table = tables_[id];
    if (!table.open || table.open->empty() || table.open->memory() <= most) continue;
    most = table.open->memory();
    found = id;
  }
  return found;
}

std::uint64_t Outflow::memory() const {
  std::uint64_t bytes = 0;
  for (const Table& table : tables_) {
    if (table.open) bytes += table.open->memory();
    if (table.redo) bytes += table.redo->memory();
    for (const Sealed& sealed : table.sealed) bytes += sealed.batch->memory();
  }
  return bytes;
}

bool Outflow::accepting() const {
  if (memory() < most_buffered_) return true;
  // What waits for a load to redo waits for more changes.
  for (TableId id = 0; id < tables_.size(); ++id)
    if (!tables_[id].sealed.empty() && !ledger_.redoing(id)) return false;
  return true;
}

bool Outflow::idle() const {
  for (TableId id = 0; id < tables_.size(); ++id) {
    const Table& table = tables_[id];
    if (ledger_.redoing(id)) continue;  // waits for changes that this run has not had
    if (!table.sealed.empty() || (table.open && !table.open->empty())) return false;
  }
  return true;
}

// ---- Turning the wheel

void Outflow::pump(bool at_change) {
  broken_ = true;
  pressing_ = false;
  if (loader_)
    for (LoadOutcome& outcome : loader_->take()) take(std::move(outcome));
  seal_redo();
  seal_due(at_change);
  std::vector<LoadJob> jobs;
  const Clock::time_point now = Clock::now();
  for (TableId id = 0; id < tables_.size(); ++id) {
    if (in_flight_ >= options_.parallel) break;
    const Table& table = tables_[id];
    if (table.sealed.empty() || ledger_.redoing(id)) continue;  // what is to redo comes first
    if (table.flight ? !table.flight->running && now >= table.flight->retry_at : now >= table.not_before) launch(id, jobs);
  }
  if (!jobs.empty()) send(std::move(jobs));
  save(false);
  broken_ = false;
}

Outflow::Clock::time_point Outflow::next_deadline() const {
  Clock::time_point next = Clock::now() + std::chrono::seconds(60);
  const bool boundary = !ledger_.in_transaction();
  for (TableId id = 0; id < tables_.size(); ++id) {
    const Table& table = tables_[id];
    const bool may_start = in_flight_ < options_.parallel && !table.sealed.empty() && !ledger_.redoing(id);
    if (may_start && !(table.flight && table.flight->running))
      next = std::min(next, table.flight ? table.flight->retry_at : table.not_before);
    if (boundary && table.open && !table.open->empty() && table.sealed.empty())
      next = std::min(next, table.opened + std::chrono::milliseconds(options_.batch_time_ms));
  }
  if (!options_.checkpoint.empty() && ledger_.dirty()) next = std::min(next, saved_at_ + kSaveEvery);
  return next;
}

void Outflow::save(bool now) {
  if (options_.checkpoint.empty() || options_.dry_run || !ledger_.started() || !ledger_.dirty()) return;
  if (!now && Clock::now() - saved_at_ < kSaveEvery) return;
  ledger_.checkpoint().save(options_.checkpoint);
  ledger_.saved();
  saved_at_ = Clock::now();
}

}  // namespace cdc::load
