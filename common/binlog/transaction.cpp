// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/transaction.hpp"

#include <utility>

#include "common/binlog/gtid_events.hpp"

namespace cdc {

void follow_prepared(const Transaction& ended, PreparedXas& prepared) {
  if (!ended.xid) return;
  if (ended.end == TransactionEnd::xa_prepare) {
    prepared.insert_or_assign(*ended.xid, PreparedXa{ended.gtid, {ended.file, ended.begin_pos}});
  } else if (ended.end == TransactionEnd::xa_commit || ended.end == TransactionEnd::xa_rollback) {
    prepared.erase(*ended.xid);
  }
}

TransactionStep TransactionTracker::feed(const Event& event) {
  abandoned_ = false;
  is_query_ = false;
  TransactionStep step = TransactionStep::inside;
  switch (event.type()) {
    case EventType::gtid:
    case EventType::anonymous_gtid:
    case EventType::gtid_tagged:
    case EventType::mariadb_gtid:
      step = feed_gtid(event);
      break;
    case EventType::query:
    case EventType::mariadb_query_compressed:
      step = feed_query(event);
      break;
    case EventType::xid:
      step = close(event, TransactionEnd::commit);
      break;
    case EventType::xa_prepare:
      step = feed_xa_prepare(event);
      break;
    case EventType::incident:
      step = close(event, TransactionEnd::incident);
      break;
    case EventType::transaction_payload:
      step = payloads_ == Payloads::closed ? feed_closed_payload(event) : continue_with(event);
      break;
    // The log goes on in another file, or behind a crash. Nothing of a transaction is in two files.
    case EventType::rotate:
    case EventType::stop:
    case EventType::format_description:
    case EventType::previous_gtids:
    case EventType::mariadb_gtid_list:
      abandon();
      step = TransactionStep::outside;
      break;
    case EventType::intvar:
    case EventType::rand:
    case EventType::user_var:
    case EventType::table_map:
    case EventType::rows_query:
    case EventType::mariadb_annotate_rows:
    case EventType::view_change:
    case EventType::begin_load_query:
    case EventType::append_block:
    case EventType::delete_file:
    case EventType::execute_load_query:
      step = continue_with(event);
      break;
    case EventType::heartbeat:
    case EventType::heartbeat_v2:
    case EventType::transaction_context:
    case EventType::mariadb_binlog_checkpoint:
    case EventType::mariadb_start_encryption:
      step = TransactionStep::outside;
      break;
    default:
      step = feed_other(event);
  }
  if (!inside_) mark_boundary(event);
  return step;
}

TransactionStep TransactionTracker::feed_other(const Event& event) {
  if (is_rows_event(event.type())) return continue_with(event);
  if (event.type() != EventType::ignorable && (event.header.flags & EventHeader::kIgnorable) == 0) {
    throw DecodeError(4, "event type " + std::to_string(static_cast<unsigned>(event.type())) +
                             " is not known and must not be ignored");
  }
  return inside_ ? TransactionStep::inside : TransactionStep::outside;
}

void TransactionTracker::mark_boundary(const Event& event) {
  if (boundary_file_ != event.file) boundary_file_ = event.file;
  boundary_pos_ = event.end_pos;
}

void TransactionTracker::abandon() {
  if (!std::exchange(inside_, false)) return;
  abandoned_ = true;
  transaction_.end = TransactionEnd::abandoned;
  previous_ = transaction_;
}

void TransactionTracker::open(const Event& event) {
  abandon();
  inside_ = true;
  in_group_ = false;
  transaction_.gtid = {};
  transaction_.has_gtid_event = false;
  if (transaction_.file != event.file) transaction_.file = event.file;
  transaction_.begin_pos = event.begin_pos;
  transaction_.commit_ms = transaction_.original_commit_ms = std::int64_t{event.header.timestamp} * 1000;
  transaction_.length = 0;
  transaction_.server_id = event.header.server_id;
  transaction_.without_effect = false;
  transaction_.end = TransactionEnd::open;
  transaction_.end_pos = 0;
  transaction_.xid.reset();
}

TransactionStep TransactionTracker::close(const Event& event, TransactionEnd end) {
  const bool whole = !inside_;
  if (whole) open(event);
  inside_ = false;
  transaction_.end = end;
  transaction_.end_pos = event.end_pos;
  return whole ? TransactionStep::whole : TransactionStep::end;
}

// An event that never ends a transaction, and begins one where none is open.
TransactionStep TransactionTracker::continue_with(const Event& event) {
  if (inside_) return TransactionStep::inside;
  open(event);
  return TransactionStep::begin;
}

TransactionStep TransactionTracker::feed_gtid(const Event& event) {
  GtidEvent gtid = decode_gtid(event);
  open(event);
  transaction_.gtid = std::move(gtid.gtid);
  transaction_.has_gtid_event = true;
  transaction_.length = gtid.transaction_length;
  const std::uint64_t commit = gtid.immediate_commit_us;
  const std::uint64_t original = gtid.original_commit_us != 0 ? gtid.original_commit_us : commit;
  if (original != 0) transaction_.original_commit_ms = static_cast<std::int64_t>(original / 1000);
  if (commit != 0) {
    transaction_.commit_ms = static_cast<std::int64_t>(commit / 1000);
  } else if (original != 0) {
    transaction_.commit_ms = transaction_.original_commit_ms;
  }
  if (gtid.mariadb) {
    transaction_.xid = std::move(gtid.mariadb->xid);
    transaction_.without_effect = gtid.mariadb->without_effect;
    in_group_ = !gtid.mariadb->standalone;  // MariaDB's GTID event is the BEGIN as well
  }
  return TransactionStep::begin;
}

TransactionStep TransactionTracker::feed_query(const Event& event) {
  query_ = decode_query(event, query_scratch_);
  is_query_ = true;
  statement_ = classify_statement(query_.sql);
  switch (statement_) {
    case StatementKind::begin:
    case StatementKind::xa_start: {
      // Without GTID events a BEGIN inside BEGIN shows that the one before was never ended.
      const bool first = !inside_ || (in_group_ && !transaction_.has_gtid_event);
      if (first) open(event);
      in_group_ = true;
      if (statement_ == StatementKind::xa_start) transaction_.xid = parse_xa_id(query_.sql);
      return first ? TransactionStep::begin : TransactionStep::inside;
    }
    case StatementKind::commit:
      return close(event, TransactionEnd::commit);
    case StatementKind::rollback:
      return close(event, TransactionEnd::rollback);
    case StatementKind::savepoint:
    case StatementKind::xa_end:
      return continue_with(event);
    case StatementKind::xa_prepare:
      return close_xa(event, TransactionEnd::xa_prepare);
    case StatementKind::xa_commit:
      return close_xa(event, TransactionEnd::xa_commit);
    case StatementKind::xa_rollback:
      return close_xa(event, TransactionEnd::xa_rollback);
    default:
      break;
  }
  return inside_ && in_group_ ? TransactionStep::inside : close(event, TransactionEnd::statement);
}

// XA COMMIT and XA ROLLBACK end the open XA transaction itself when it was never prepared; else they stand
// alone and end one that is in doubt.
TransactionStep TransactionTracker::close_xa(const Event& event, TransactionEnd end) {
  const bool of_open_group = inside_ && in_group_ && end != TransactionEnd::xa_prepare;
  bool one_phase = false;
  std::optional<XaId> xid = parse_xa_id(query_.sql, &one_phase);
  if (of_open_group || one_phase) {
    end = end == TransactionEnd::xa_rollback ? TransactionEnd::rollback : TransactionEnd::commit;
  }
  const TransactionStep step = close(event, end);
  if (xid) transaction_.xid = std::move(xid);
  return step;
}

TransactionStep TransactionTracker::feed_xa_prepare(const Event& event) {
  XaPrepareEvent prepare = decode_xa_prepare(event);
  const TransactionStep step =
      close(event, prepare.one_phase ? TransactionEnd::commit : TransactionEnd::xa_prepare);
  transaction_.xid = std::move(prepare.xid);
  return step;
}

// The first inner event is BEGIN or XA START. An XA transaction's is read to its end, which tells of how many
// phases it is.
TransactionStep TransactionTracker::feed_closed_payload(const Event& event) {
  if (!payload_reader_) payload_reader_.emplace();
  payload_reader_->open(event);
  std::optional<Event> inner = payload_reader_->next();
  const bool is_xa = inner && inner->type() == EventType::query &&
                     classify_statement(decode_query(*inner, query_scratch_).sql) == StatementKind::xa_start;
  if (!is_xa) return close(event, TransactionEnd::payload);
  while (inner && inner->type() != EventType::xa_prepare) inner = payload_reader_->next();
  if (!inner) return close(event, TransactionEnd::payload);
  XaPrepareEvent prepare = decode_xa_prepare(*inner);
  const TransactionStep step =
      close(event, prepare.one_phase ? TransactionEnd::commit : TransactionEnd::xa_prepare);
  transaction_.xid = std::move(prepare.xid);
  return step;
}

void TransactionTracker::reset() {
  inside_ = in_group_ = abandoned_ = is_query_ = false;
}

}  // namespace cdc
