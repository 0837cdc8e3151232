// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/ledger.hpp"

#include <algorithm>
#include <limits>

#include "common/base/error.hpp"

namespace cdc::starrocks {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

bool is(const OpenTransaction& open, const TransactionId& id) {
  return id.gtid.empty() ? open.gtid.empty() && open.begin == id.begin : open.gtid == id.gtid.text();
}

bool contains(const Mark& mark, const TransactionId& id) {
  return id.gtid.empty() ? mark.position && id.begin < *mark.position : mark.gtids.contains(id.gtid);
}

TransactionId id_of(const OpenTransaction& open) {
  return {open.gtid.empty() ? Gtid() : Gtid::parse(open.gtid).value_or(Gtid()), open.begin};
}

std::string text_of(const TransactionId& id) { return id.gtid.empty() ? id.begin.text() : id.gtid.text(); }

Gtid parse_gtid(const std::string& text) {
  const auto gtid = Gtid::parse(text);
  if (!gtid) throw DataError("malformed GTID '" + text + "'");
  return *gtid;
}

}  // namespace

Ledger::Ledger(std::optional<Checkpoint> saved, std::string job, std::string target, bool accept_change)
    : fresh_(!saved), accept_change_(accept_change) {
  if (saved) state_ = std::move(*saved);
  if (!state_.target.empty() && state_.target != target && !accept_change)
    throw ConfigError("the checkpoint is of another target (--accept-change goes on): it says " + state_.target +
                      ", this run " + target);
  // A file that cdc-check or cdc-tail made has no target and fits every one.
  if (state_.target.empty()) accept_change_ = true;
  if (state_.job.empty()) state_.job = std::move(job);
  state_.target = std::move(target);
  for (auto it = state_.tables.begin(); it != state_.tables.end(); ++it)
    tables_.push_back({.saved = it, .redo = {}, .chunks = {}, .redo_chunks = {}});
}

// ---- The stream

void Ledger::check_fit(const StartRecord& record, bool accept_change) {
  if (record.gtid_set.has_value() != has_gtids())
    throw RefusedError(has_gtids() ? "the stream has no GTIDs, but the checkpoint has"
                                   : "the stream has GTIDs, but the checkpoint has none");
  if (has_gtids()) {
    check_gap(record, *state_.gtid_set);
  } else if (record.server_uuid != state_.server_uuid) {
    throw RefusedError("the stream is of server " + record.server_uuid + ", the checkpoint of " + state_.server_uuid +
                       "; without GTIDs one cannot go on from the other");
  } else if (record.position > state_.position) {
    throw RefusedError("the stream starts at " + record.position.text() + ", behind the checkpoint's " +
                       state_.position.text() + ": what lies between would be lost");
  }
  if (accept_change) return;
  if (record.filter != state_.filter)
    throw ConfigError("the stream has another filter than the checkpoint (--accept-change goes on): it says " +
                      record.filter + ", the checkpoint " + state_.filter);
  if (record.time_zone != state_.time_zone)
    throw ConfigError("the stream has time zone " + record.time_zone + ", the checkpoint " + state_.time_zone +
                      " (--accept-change goes on)");
}

void Ledger::check_gap(const StartRecord& record, const GtidSet& set) const {
  const GtidSet lost = GtidSet::parse(*record.gtid_set) - set;
  if (!lost.empty())
    throw RefusedError("the stream starts behind transactions that have not been loaded: " + lost.text());
}

void Ledger::start(const StartRecord& record) {
  if (started_) {
    if (has_gtids() && record.gtid_set) check_gap(record, executed_);
    if (!has_gtids() || !record.gtid_set) check_fit(record, true);
    if (server_uuid_ != record.server_uuid) read_to_ = record.position;
    server_uuid_ = record.server_uuid;
    if (has_gtids()) repeating_ = executed_ - GtidSet::parse(*record.gtid_set);
    return;
  }
  if (fresh_) {
    if (record.gtid_set) state_.gtid_set = GtidSet::parse(*record.gtid_set);
    state_.position = record.position;
    state_.server_uuid = record.server_uuid;
  } else {
    check_fit(record, accept_change_);
  }
  if (state_.filter != record.filter) state_.copied = false;
  state_.filter = record.filter;
  state_.time_zone = record.time_zone;
  if (record.gtid_set) executed_ = GtidSet::parse(*record.gtid_set);
  read_to_ = record.position;
  server_uuid_ = record.server_uuid;
  caught_up_ = has_gtids() ? executed_.contains(*state_.gtid_set) : read_to_ >= state_.position;
  started_ = dirty_ = true;
}

void Ledger::begin(const BeginRecord& record) {
  if (!started_) throw DataError("a transaction before the start record");
  Transaction next;
  next.id.begin = record.position;
  if (record.gtid) next.id.gtid = parse_gtid(*record.gtid);
  next.snapshot = record.snapshot;
  if (has_gtids() && !record.gtid && !record.snapshot)
    throw ConfigError("a transaction without GTID at " + record.position.text() +
                      " in a stream with GTIDs; set gtid_mode=ON or OFF on the source");
  if (transaction_) {
    const bool again = transaction_->snapshot == next.snapshot &&
                       (next.id.gtid.empty() ? transaction_->id == next.id : transaction_->id.gtid == next.id.gtid);
    if (again) return;  // told again after a reconnect
    throw DataError("transaction " + text_of(next.id) + " begins before " + text_of(transaction_->id) + " has ended");
  }
  if (!next.snapshot) {
    next.repeated = has_executed(next.id);
    next.behind = in_checkpoint(next.id);
  }
  next.serial = ++serial_;
  transaction_ = std::move(next);
}

Ledger::Place Ledger::place(TableId id, std::uint64_t seq) {
  if (transaction_->last && seq <= *transaction_->last) return Place::contained;
  Table& table = tables_[id];
  if (table.serial != transaction_->serial) resolve(table);
  return seq < table.skip_to ? Place::contained : seq < table.redo_to ? Place::redo : Place::next;
}

void Ledger::resolve(Table& table) {
  const TransactionId& id = transaction_->id;
  const Mark& done = table.saved->second.done;
  table.serial = transaction_->serial;
  table.skip_to = table.redo_to = 0;
  if (transaction_->snapshot) {
    resolve_chunk(table);
  } else if (transaction_->repeated || transaction_->behind || contains(done, id)) {
    table.skip_to = kAll;
  } else {
    if (done.open && is(*done.open, id)) table.skip_to = done.open->seq + 1;
    if (table.redo && contains(*table.redo, id)) {
      table.redo_to = kAll;
    } else if (table.redo && table.redo->open && is(*table.redo->open, id)) {
      table.redo_to = table.redo->open->seq + 1;
    }
  }
}

// A chunk has no GTID, and after a restart other bounds. But its rows are the source's at its boundary, so that taking
// them is right, and taking them again does no harm, wherever the table has nothing of later; and where it has, the
// chunk lies before the table's mark and is contained.
void Ledger::resolve_chunk(Table& table) {
  const bool told_again = has_gtids() ? !repeating_.empty() : transaction_->id.begin < read_to_;
  if (!caught_up_ || told_again || is_ahead(table.saved->second.done, true)) {
    table.skip_to = kAll;
  } else if (table.redo && !redo_complete(table)) {
    table.redo_to = kAll;
  }
}

// Whether the mark has something that this run has not read; `open_too`: or not wholly.
bool Ledger::is_ahead(const Mark& mark, bool open_too) const {
  if (!executed_.contains(mark.gtids) || (mark.position && read_to_ < *mark.position)) return true;
  return open_too && mark.open && !in_checkpoint(id_of(*mark.open)) && !has_executed(id_of(*mark.open));
}

void Ledger::changed(std::uint64_t seq) {
  if (!transaction_->last || seq > *transaction_->last) transaction_->last = seq;
}

void Ledger::commit(const CommitRecord& record) {
  if (!transaction_) {
    // The line may be there twice.
    const bool known = record.gtid ? executed_.contains(parse_gtid(*record.gtid)) : record.position <= read_to_;
    if (!started_ || !known) throw DataError("a commit without its begin");
    return;
  }
  const Gtid gtid = record.gtid ? parse_gtid(*record.gtid) : Gtid();
  if (!(gtid == transaction_->id.gtid))
    throw DataError("the commit of " + gtid.text() + " ends transaction " + text_of(transaction_->id));
  if (transaction_->snapshot) {
    const SnapshotChunk& chunk = *transaction_->snapshot;
    for (Table& table : tables_)
      if (table.serial == transaction_->serial && table.skip_to == 0)
        (table.redo_to > 0 ? table.redo_chunks : table.chunks).insert_or_assign(chunk.table, chunk);
  }
  transaction_.reset();
  boundary(record.gtids, record.position, record.ts_ms);
}

void Ledger::boundary(const std::optional<std::string>& gtids, const BinlogPosition& position, std::int64_t ts_ms) {
  if (!started_) throw DataError("a record before the start record");
  if (transaction_) throw DataError("transaction " + text_of(transaction_->id) + " has no commit");
  if (gtids.has_value() != has_gtids()) throw DataError("member \"gtids\" does not fit the start record");
  GtidSet fresh;
  if (gtids) {
    fresh = GtidSet::parse(*gtids);
    if (!repeating_.empty()) repeating_.subtract(fresh);
    if (executed_.contains(fresh)) {
      if (position <= read_to_) return;  // told before
      fresh.clear();
    } else if (executed_.intersects(fresh)) {
      fresh.subtract(executed_);
    }
    executed_.add(fresh);
  } else if (position <= read_to_) {
    return;
  }
  read_to_ = position;
  if (!caught_up_) {
    caught_up_ = has_gtids() ? executed_.contains(*state_.gtid_set) : read_to_ >= state_.position;
    if (has_gtids()) fresh.subtract(*state_.gtid_set);
  }
  if (segments_.empty()) segments_.emplace_back();
  Segment& segment = segments_.back();
  segment.gtids.add(fresh);
  ahead_.add(fresh);
  segment.closed = true;
  segment.ts_ms = ts_ms;
  if (!caught_up_) return;  // G's own position is further on
  segment.end = position;
  segment.server_uuid = server_uuid_;
}

void Ledger::copied() {
  if (segments_.empty()) segments_.emplace_back();
  segments_.back().copied = true;
}

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

bool Ledger::can_mark(TableId id) const {
  if (!transaction_ || !transaction_->last || transaction_->repeated || transaction_->behind) return true;
  if (transaction_->snapshot) return false;
  // A mark has room for one open transaction.
  const Mark& done = tables_[id].saved->second.done;
  return !done.open || is(*done.open, transaction_->id) || has_executed(id_of(*done.open));
}

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
  const bool inside = transaction_ && transaction_->last && !transaction_->repeated && !transaction_->behind;
  if (inside && !contains(done, transaction_->id)) {
    std::uint64_t seq = *transaction_->last;
    if (done.open && is(*done.open, transaction_->id)) seq = std::max(seq, done.open->seq);
    mark.open = OpenTransaction{transaction_->id.gtid.text(), transaction_->id.begin, seq};
  } else if (done.open && !has_executed(id_of(*done.open))) {
    mark.open = done.open;
  }
  return mark;
}

void Ledger::redo(TableId id) {
  Table& table = tables_[id];
  table.redo = table.saved->second.load->to;
  table.redo->gtids.subtract(table.saved->second.done.gtids);
}

bool Ledger::redo_complete(const Table& table) const {
  const Mark& redo = *table.redo;
  if (!started_ || is_ahead(redo, false)) return false;
  if (!is_ahead(redo, true)) return true;
  return transaction_ && is(*redo.open, transaction_->id) && transaction_->last && *transaction_->last >= redo.open->seq;
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
  if (!mark.open && done.open && !has_executed(id_of(*done.open))) mark.open = done.open;
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
  if (mark.open && in_checkpoint(id_of(*mark.open))) mark.open.reset();
}

}  // namespace cdc::starrocks
