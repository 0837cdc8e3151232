// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/teller.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/error.hpp"

namespace cdc::tail {

namespace {

// Whether a `table` record of both would be the same. They may differ in what it does not tell, such as the
// subtype of a geometry, which rows events know and information_schema does not.
bool same_told(const TableSchema& a, const TableSchema& b) {
  const auto told = [](const Column& column) {
    return std::tie(column.name, column.type_text, column.nullable, column.default_text, column.generated,
                    column.invisible, column.charset, column.excluded);
  };
  return a.primary_key == b.primary_key &&
         std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [&](const Column& x, const Column& y) { return told(x) == told(y); });
}

}  // namespace

Teller::Teller(ChangeSink& sink, Output& output, StartRecord start, std::chrono::milliseconds heartbeat)
    : sink_(sink), output_(output), heartbeat_(heartbeat), start_(std::move(start)) {}

void Teller::set_executed(std::optional<GtidSet> executed) {
  if (executed) {
    ledger_.emplace(std::move(*executed));
  } else {
    ledger_.reset();
  }
}

void Teller::set_server(std::string uuid, std::string version) {
  start_.server_uuid = std::move(uuid);
  start_.server_version = std::move(version);
  started_ = false;
  boundary_ = {};
}

void Teller::start_at(const BinlogPosition& position) {
  if (started_) return;
  started_ = true;
  start_.gtid_set.reset();
  if (ledger_) {
    start_.gtid_set = ledger_->executed().text();
    std::string in_start;
    ledger_->take(in_start);
  }
  start_.position = position;
  if (!open_) boundary_ = position;
  sink_.start(start_);
  boundary_told();
  output_.record_done();
}

void Teller::assign_gtid(std::optional<std::string>& slot, const Gtid& gtid) {
  if (!ledger_ || gtid.empty()) {
    slot.reset();
    return;
  }
  if (!slot) slot.emplace();
  printer_.assign(*slot, gtid);
}

void Teller::take_gtids(std::optional<std::string>& slot) {
  if (!ledger_) {
    slot.reset();
    return;
  }
  if (!slot) slot.emplace();
  ledger_->take(*slot);
}

void Teller::open(const Transaction& transaction) {
  const bool same = transaction.gtid.empty() ? transaction.begin_pos == begin_.position.pos &&
                                                   transaction.file == begin_.position.file
                                             : transaction.gtid == gtid_;
  if (interrupted_ && !same) {
    throw TemporaryError("the connection broke inside transaction " +
                         begin_.gtid.value_or(begin_.position.text()) +
                         ", and this server does not send that one next");
  }
  open_ = true;
  next_seq = 0;
  inner_ddls_ = 0;
  gtid_ = transaction.gtid;
  begin_.position.file = transaction.file;
  begin_.position.pos = transaction.begin_pos;
  if (interrupted_) {
    if (changes_ == 0) caught_up();  // only its begin was told
    return;
  }
  begin_told_ = false;
  changes_ = 0;
  inner_ddls_told_ = 0;
  begin_.ts_ms = transaction.original_commit_ms;
  begin_.server_id = transaction.server_id;
}

void Teller::tell_begin() {
  if (!started_) {  // after a reconnect to another server, inside a transaction
    start_at(begin_.position);
    begin_told_ = false;
  }
  if (begin_told_) return;
  begin_told_ = true;
  assign_gtid(begin_.gtid, gtid_);
  sink_.begin(begin_);
  rows_.gtid.reset();
  if (begin_.gtid) rows_.gtid = *begin_.gtid;
  rows_.ts_ms = begin_.ts_ms;
  output_.record_done();
}

void Teller::tell_table(const std::shared_ptr<const TableSchema>& schema) {
  if (rows_.table == schema) return;
  std::shared_ptr<const TableSchema>& told = told_tables_[schema->name];
  if (told == schema) return;
  if (!told || !same_told(*told, *schema)) sink_.table(*schema);
  told = schema;
  output_.record_done();
}

const RowsContext& Teller::rows_of(const std::shared_ptr<const TableSchema>& schema, std::string_view file,
                                   std::uint64_t pos) {
  if (rows_.table != schema) rows_.table = schema;
  ++rows_.serial;
  rows_.file = file;
  rows_.pos = pos;
  return rows_;
}

void Teller::tell_inner_ddl(DdlRecord& record) {
  if (inner_ddls_++ < inner_ddls_told_) return;  // told before the connection broke
  tell_begin();
  ++inner_ddls_told_;
  assign_gtid(record.gtid, gtid_);
  record.gtids.reset();
  record.ts_ms = begin_.ts_ms;
  record.server_id = begin_.server_id;
  sink_.ddl(record);
  output_.record_done();
}

void Teller::complete_transaction(const Transaction& transaction, const BinlogPosition& behind) {
  if (interrupted_) {
    throw TemporaryError("transaction " + begin_.gtid.value_or(begin_.position.text()) +
                         " has fewer changes now than were told before the connection broke");
  }
  if (ledger_) ledger_->complete(transaction.gtid);
  last_commit_ms_ = transaction.original_commit_ms;
  boundary_ = behind;
  open_ = false;
}

void Teller::close(const Transaction& transaction, const BinlogPosition& behind) {
  complete_transaction(transaction, behind);
  if (!begin_told_) return;
  begin_told_ = false;
  commit_.gtid = begin_.gtid;
  take_gtids(commit_.gtids);
  commit_.ts_ms = begin_.ts_ms;
  commit_.position = behind;
  commit_.changes = changes_;
  sink_.commit(commit_);
  boundary_told();
  output_.record_done();
}

void Teller::close_with_ddl(const Transaction& transaction, DdlRecord& record, const BinlogPosition& behind) {
  complete_transaction(transaction, behind);
  assign_gtid(record.gtid, gtid_);
  take_gtids(record.gtids);
  record.ts_ms = begin_.ts_ms;
  record.server_id = begin_.server_id;
  sink_.ddl(record);
  boundary_told();
  output_.record_done();
}

void Teller::interrupt() {
  interrupted_ = interrupted_ || (open_ && begin_told_);
  open_ = false;
  if (ledger_) ledger_->executed();
}

// A dump by GTIDs begins at the start of a file, and passes over what is executed.
void Teller::reached(const BinlogPosition& boundary) {
  if (open_) return;
  if (boundary.file == boundary_.file) {
    boundary_.pos = std::max(boundary_.pos, boundary.pos);
  } else if (boundary > boundary_) {
    boundary_ = boundary;
  }
}

void Teller::heartbeat_if_due(Clock::time_point now) {
  if (boundary_is_new_) last_boundary_told_ = now;
  boundary_is_new_ = false;
  if (now >= heartbeat_due()) tell_heartbeat();
}

Teller::Clock::time_point Teller::heartbeat_due() const {
  const bool between = started_ && !open_ && !interrupted_;
  return between && heartbeat_.count() > 0 ? last_boundary_told_ + heartbeat_ : Clock::time_point::max();
}

const RowsContext& Teller::open_chunk(SnapshotChunk chunk, std::int64_t read_ms,
                                      const std::shared_ptr<const TableSchema>& schema) {
  open_ = begin_told_ = true;
  next_seq = changes_ = 0;
  gtid_ = {};
  begin_.gtid.reset();
  begin_.ts_ms = read_ms;
  begin_.position = boundary_;
  begin_.server_id = 0;
  begin_.snapshot = std::move(chunk);
  sink_.begin(begin_);
  rows_.gtid.reset();
  rows_.ts_ms = read_ms;
  rows_.snapshot = true;
  tell_table(schema);
  return rows_of(schema, boundary_.file, boundary_.pos);
}

void Teller::close_chunk() {
  open_ = begin_told_ = false;
  rows_.snapshot = false;
  commit_.gtid.reset();
  take_gtids(commit_.gtids);
  commit_.ts_ms = begin_.ts_ms;
  commit_.position = boundary_;
  commit_.changes = changes_;
  commit_.snapshot = std::exchange(begin_.snapshot, std::nullopt);
  sink_.commit(commit_);
  commit_.snapshot.reset();
  boundary_told();
  output_.record_done();
}

void Teller::tell_heartbeat(bool snapshot_end) {
  HeartbeatRecord record;
  record.snapshot_end = snapshot_end;
  take_gtids(record.gtids);
  record.position = boundary_;
  record.ts_ms = last_commit_ms_;
  sink_.heartbeat(record);
  boundary_told();
  output_.record_done();
}

void Teller::boundary_told() {
  told_boundary_ = boundary_;
  boundary_is_new_ = true;
}

void Teller::settle() {
  const bool between = started_ && !open_ && !interrupted_;
  if (between && (boundary_ != told_boundary_ || (ledger_ && ledger_->has_untold()))) tell_heartbeat();
}

void Teller::end(EndRecord& record) {
  take_gtids(record.gtids);
  record.position = boundary_;
  sink_.end(record);
}

}  // namespace cdc::tail
