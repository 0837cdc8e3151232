// SPDX-License-Identifier: Apache-2.0
// The side of Ledger that knows tables, marks and loads; the stream is in ledger.cpp.
#include "common/starrocks/ledger.hpp"

#include <algorithm>

namespace cdc::starrocks {

// ---- Tables

Ledger::TableId Ledger::table(const std::string& target) {
  const auto [it, is_new] = state_.tables.try_emplace(target);
  if (is_new) {
    tables_.push_back({.saved = it, .redo = {}, .chunks = {}, .redo_chunks = {}});
    return tables_.size() - 1;
  }
  const auto found = std::find_if(tables_.begin(), tables_.end(), [&wanted = it](const Table& table) { return table.saved == wanted; });
  return static_cast<TableId>(found - tables_.begin());
}

Ledger::Pin Ledger::pin() {
  if (segments_.empty() || segments_.back().closed) segments_.emplace_back();
  ++segments_.back().pins;
  return std::prev(segments_.end());
}

void Ledger::unpin(Pin pin) {
  if (--pin->pins > 0 || pin == segments_.begin()) return;
  // Nothing holds G between this segment and the one before.
  Segment& before = *std::prev(pin);
  before.gtids.add(pin->gtids);
  before.copied = before.copied || pin->copied;
  if (pin->closed) {
    before.closed = true;
    before.ts_ms = pin->ts_ms;
    if (!pin->end.file.empty()) {
      before.end = pin->end;
      before.server_uuid = pin->server_uuid;
    }
  }
  segments_.erase(pin);
}

bool Ledger::can_mark() const { return !transaction_ || !transaction_->last || !transaction_->snapshot; }

Mark Ledger::mark(TableId id) const {
  const Table& table = tables_[id];
  const Mark& done = table.saved->second.done;
  Mark mark;
  mark.gtids = ahead_;
  mark.gtids.add(done.gtids);
  if (!has_gtids()) {
    mark.position = done.position && *done.position > read_to_ ? *done.position : read_to_;
    if (*mark.position <= state_.position) mark.position.reset();
  }
  mark.chunks = table.chunks;
  mark.chunks.insert(done.chunks.begin(), done.chunks.end());
  mark.open = done.open;
  drop_contained_parts(mark);
  const bool inside = transaction_ && transaction_->last && !transaction_->repeated && !transaction_->behind;
  if (inside) add_part(mark, transaction_->id, *transaction_->last);
  return mark;
}

void Ledger::redo(TableId id) {
  Table& table = tables_[id];
  const Mark& done = table.saved->second.done;
  table.redo = table.saved->second.load->to;
  table.redo->gtids.subtract(done.gtids);
  std::erase_if(table.redo->open, [&](const OpenTransaction& open) {
    return std::find(done.open.begin(), done.open.end(), open) != done.open.end();
  });
}

bool Ledger::redo_complete(const Table& table) const {
  if (!started_ || is_ahead(*table.redo, false)) return false;
  Mark rest = *table.redo;
  if (transaction_ && transaction_->last)
    std::erase_if(rest.open, [this](const OpenTransaction& open) {
      return is(open, transaction_->id) && *transaction_->last >= open.seq;
    });
  return !is_ahead(rest, true);
}

Mark Ledger::end_redo(TableId id) {
  Table& table = tables_[id];
  Mark mark = table.saved->second.load->to;
  mark.chunks = std::move(table.redo_chunks);
  const Mark& done = table.saved->second.done;
  mark.chunks.insert(done.chunks.begin(), done.chunks.end());
  table.redo.reset();
  table.redo_chunks.clear();
  return mark;
}

void Ledger::add_alter(const TableName& source, const std::string& sql) {
  std::vector<std::string>& statements = state_.alters[source];
  if (!statements.empty() && statements.back() == sql) return;  // told again
  statements.push_back(sql);
  dirty_ = true;
}

std::vector<std::string> Ledger::alters(const TableName& source) const {
  const auto found = state_.alters.find(source);
  return found == state_.alters.end() ? std::vector<std::string>{} : found->second;
}

void Ledger::drop_alters(const TableName& source) {
  if (state_.alters.erase(source) > 0) dirty_ = true;
}

// ---- Loads

void Ledger::intend(TableId id, LoadIntent intent) {
  tables_[id].saved->second.load = std::move(intent);
  dirty_ = true;
}

void Ledger::sending(TableId id, std::int64_t now_ms) {
  intent(id).last_sent_ms = now_ms;
  dirty_ = true;
}

void Ledger::suspect(TableId id) {
  intent(id).suspect = true;
  dirty_ = true;
}

void Ledger::contained(TableId id, Mark mark) {
  TableProgress& progress = tables_[id].saved->second;
  // A batch may have been closed before the load to redo came back, without its mark: what a table contains only grows.
  const Mark& done = progress.done;
  mark.gtids.add(done.gtids);
  if (done.position && (!mark.position || *mark.position < *done.position)) mark.position = done.position;
  for (const OpenTransaction& open : done.open) add_part(mark, id_of(open), open.seq);
  trim(mark);
  progress.done = std::move(mark);
  progress.load.reset();
  dirty_ = true;
}

void Ledger::committed(TableId id, bool finished) {
  const LoadIntent& load = intent(id);
  const std::string& target = this->target(id);
  if (finished) state_.witnesses[target.substr(0, target.find('.'))] = load.label;
  contained(id, load.to);
}

std::string Ledger::witness(std::string_view db) const {
  const auto found = state_.witnesses.find(std::string(db));
  return found == state_.witnesses.end() ? "" : found->second;
}

const Checkpoint& Ledger::checkpoint() {
  advance();
  return state_;
}

bool Ledger::dirty() {
  advance();
  return dirty_;
}

void Ledger::advance() {
  bool moved = false;
  while (!segments_.empty() && segments_.front().pins == 0) {
    const Segment& segment = segments_.front();
    if (segment.copied) state_.copied = moved = true;
    if (segment.closed) {
      moved = true;
      if (has_gtids()) state_.gtid_set->add(segment.gtids);
      ahead_.subtract(segment.gtids);
      state_.ts_ms = segment.ts_ms;
      if (!segment.end.file.empty()) {
        state_.position = segment.end;
        state_.server_uuid = segment.server_uuid;
      }
    }
    segments_.pop_front();
  }
  if (!moved) return;
  dirty_ = true;
  for (auto& [name, progress] : state_.tables) {
    trim(progress.done);
    if (!progress.load) continue;
    trim(progress.load->from);
    trim(progress.load->to);
  }
}

// Takes away what G has.
void Ledger::trim(Mark& mark) const {
  if (has_gtids()) mark.gtids.subtract(*state_.gtid_set);
  if (mark.position && *mark.position <= state_.position) mark.position.reset();
  drop_contained_parts(mark);
  std::erase_if(mark.open, [this](const OpenTransaction& open) { return in_checkpoint(id_of(open)); });
}

}  // namespace cdc::starrocks
