// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/ledger.hpp"

#include <algorithm>
#include <limits>

#include "common/base/error.hpp"

namespace cdc::starrocks {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

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
  // The map behind the URLs.
  const auto map = [](std::string_view text) { return text.substr(std::min(text.find(", "), text.size())); };
  if (!state_.target.empty() && map(state_.target) != map(target)) require_even();
  // A file that cdc-check or cdc-tail made has no target and fits every one, and every filter.
  of_no_target_ = state_.target.empty();
  if (state_.job.empty()) state_.job = std::move(job);
  state_.target = std::move(target);
  for (auto it = state_.tables.begin(); it != state_.tables.end(); ++it)
    tables_.push_back({.saved = it, .redo = {}, .chunks = {}, .redo_chunks = {}});
}

// ---- The stream

void Ledger::check_fit(const StartRecord& record, const GtidSet& executed, const BinlogPosition& read_to) const {
  if (record.gtid_set.has_value() != has_gtids())
    throw RefusedError(has_gtids() ? "the stream has no GTIDs, but the checkpoint has"
                                   : "the stream has GTIDs, but the checkpoint has none");
  if (has_gtids()) {
    const GtidSet lost = GtidSet::parse(*record.gtid_set) - executed;
    if (!lost.empty())
      throw RefusedError("the stream starts behind transactions that have not been loaded: " + lost.text());
  } else if (record.server_uuid != state_.server_uuid) {
    throw RefusedError("the stream is of server " + record.server_uuid + ", the checkpoint of " + state_.server_uuid +
                       "; without GTIDs one cannot go on from the other");
  } else if (record.position > read_to) {
    throw RefusedError("the stream starts at " + record.position.text() + ", behind " + read_to.text() +
                       ", up to where it is known: what lies between would be lost");
  }
}

void Ledger::require_even() const {
  for (const auto& [name, progress] : state_.tables)
    if (is_beyond(progress))
      throw ConfigError(name + " is not just where the checkpoint is: let a run with the options of the one before come to its "
                               "end, then change map or filter");
}

void Ledger::check_options(const StartRecord& record) const {
  if (record.filter != state_.filter)
    throw ConfigError("the stream has another filter than the checkpoint (--accept-change goes on): it says " +
                      record.filter + ", the checkpoint " + state_.filter);
  if (record.time_zone != state_.time_zone)
    throw ConfigError("the stream has time zone " + record.time_zone + ", the checkpoint " + state_.time_zone +
                      " (--accept-change goes on)");
}

void Ledger::start(const StartRecord& record) {
  if (started_) {
    check_fit(record, executed_, read_to_);
    if (!accept_change_) check_options(record);  // or transactions would count as read that were read in part
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
    check_fit(record, state_.gtid_set.value_or(GtidSet()), state_.position);
    if (!accept_change_ && !of_no_target_) check_options(record);
    if (!of_no_target_ && record.filter != state_.filter) require_even();
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
  next.ts_ms = record.ts_ms;
  if (has_gtids() && !record.gtid && !record.snapshot)
    throw ConfigError("a transaction without GTID at " + record.position.text() +
                      " in a stream with GTIDs; set gtid_mode=ON or OFF on the source");
  if (transaction_) {
    const bool again = transaction_->snapshot == next.snapshot &&
                       (next.id.gtid.empty() ? transaction_->id == next.id : transaction_->id.gtid == next.id.gtid);
    if (again) return;  // told again after a reconnect
    throw DataError("transaction " + next.id.text() + " begins before " + transaction_->id.text() + " has ended");
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
    if (const OpenTransaction* part = find_part(done, id)) table.skip_to = part->seq + 1;
    if (table.redo && contains(*table.redo, id)) {
      table.redo_to = kAll;
    } else if (const OpenTransaction* part = table.redo ? find_part(*table.redo, id) : nullptr) {
      table.redo_to = part->seq + 1;
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
  return open_too && std::any_of(mark.open.begin(), mark.open.end(), [this](const OpenTransaction& open) {
           return !in_checkpoint(id_of(open)) && !has_executed(id_of(open));
         });
}

void Ledger::told(std::uint64_t seq, std::uint64_t pos) {
  Transaction& open = *transaction_;
  if (open.last_told && seq <= *open.last_told) {
    // Without GTIDs the lines of two transactions look alike when what lay between them is gone.
    if (!has_gtids() && pos > open.last_pos) throw DataError("change " + std::to_string(seq) + " behind later ones");
    return;
  }
  open.last_told = seq;
  open.last_pos = pos;
  ++open.changes;
}

void Ledger::changed(std::uint64_t seq) {
  if (!transaction_->last || seq > *transaction_->last) transaction_->last = seq;
}

void Ledger::check(const CommitRecord& record) const {
  const Gtid gtid = record.gtid ? parse_gtid(*record.gtid) : Gtid();
  if (!(gtid == transaction_->id.gtid) || (!has_gtids() && record.ts_ms != transaction_->ts_ms))
    throw DataError("the commit of " + (gtid.empty() ? "another transaction" : gtid.text()) + " ends transaction " +
                    transaction_->id.text());
  if (record.changes != transaction_->changes)
    throw DataError("transaction " + transaction_->id.text() + " has " + std::to_string(record.changes) + " changes, but " +
                    std::to_string(transaction_->changes) + " have come: lines are missing");
}

void Ledger::commit(const CommitRecord& record) {
  if (!transaction_) {
    // The line may be there twice.
    const bool known = record.gtid ? executed_.contains(parse_gtid(*record.gtid)) : record.position <= read_to_;
    if (!started_ || !known) throw DataError("a commit without its begin");
    return;
  }
  check(record);
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
  if (transaction_) throw DataError("transaction " + transaction_->id.text() + " has no commit");
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

}  // namespace cdc::starrocks
