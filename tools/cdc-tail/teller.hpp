// SPDX-License-Identifier: Apache-2.0
// Teller: keeps the grammar of the record stream (common/model/record.hpp). It is told of every transaction,
// and tells only those with something to tell: `begin` comes before the first row, `gtids` gathers what went
// by in silence, heartbeats come between transactions, `end` last. It also knows what a reconnect in the
// middle of a transaction needs: how much of it was told.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/binlog/transaction.hpp"
#include "common/model/record.hpp"
#include "common/mysql/ddl_look_ahead.hpp"
#include "tools/cdc-tail/ledger.hpp"
#include "tools/cdc-tail/output.hpp"

namespace cdc::tail {

class Teller {
 public:
  using Clock = std::chrono::steady_clock;

  // `start` holds filter and time zone; server and position come with the source. Heartbeat 0: only before
  // the end.
  Teller(ChangeSink& sink, Output& output, StartRecord start, std::chrono::milliseconds heartbeat);

  // --- where events come from
  // The complete set where telling begins; nullopt: transactions have no GTIDs.
  void set_executed(std::optional<GtidSet> executed);
  // Another server from here on: `start` is told (again), and inside a transaction its `begin`.
  void set_server(std::string uuid, std::string version);
  // Tells `start` unless it was.
  void start_at(const BinlogPosition& position);
  bool started() const { return started_; }
  bool has_gtids() const { return ledger_.has_value(); }
  const std::string& server_uuid() const { return start_.server_uuid; }
  const std::string& server_version() const { return start_.server_version; }

  // --- a transaction, in this order
  void open(const Transaction& transaction);
  void tell_begin();
  void tell_table(const std::shared_ptr<const TableSchema>& schema);
  // Context for the rows of one rows event.
  const RowsContext& rows_of(const std::shared_ptr<const TableSchema>& schema, std::string_view file,
                             std::uint64_t pos);
  std::uint64_t next_seq = 0;  // of the open transaction: its row changes so far, told or not
  void count_change() {
    ++changes_;
    ++total_changes_;
  }
  void tell_inner_ddl(DdlRecord& record);
  // Its end: `commit` if something was told.
  void close(const Transaction& transaction, const BinlogPosition& behind);
  // Its end, when it was one statement.
  void close_with_ddl(const Transaction& transaction, DdlRecord& record, const BinlogPosition& behind);
  // Its end, without counting as executed: prepared, or never completed. Nothing of it may have been told.
  void forget() { open_ = false; }
  bool is_open() const { return open_; }
  bool begin_told() const { return begin_told_; }
  std::uint64_t changes() const { return changes_; }  // told of the open transaction
  // Of rows in the open transaction.
  RowsPlace place_of(const Event& rows) const {
    return {begin_.position, gtid_, {std::string(rows.file), rows.begin_pos}, rows.end_pos};
  }
  // Executed without a transaction of its own in the stream.
  void complete(const Gtid& gtid) {
    if (ledger_) ledger_->complete(gtid);
  }
  void complete(const GtidSet& gtids) {
    if (ledger_) ledger_->complete(gtids);
  }

  // --- a reconnect
  // The open transaction will be read again from its begin.
  void interrupt();
  bool interrupted() const { return interrupted_; }
  // The transaction was read again up to and with the last change told.
  void caught_up() { interrupted_ = false; }

  // --- between transactions
  void reached(const BinlogPosition& boundary);
  void heartbeat_if_due(Clock::time_point now);
  // When the next one is due; max() when there is none now.
  Clock::time_point heartbeat_due() const;
  // A chunk of the initial copy as a pseudo-transaction at the boundary reached: its begin and, unless it was,
  // its table. The rows follow by the context; they count as changes.
  const RowsContext& open_chunk(SnapshotChunk chunk, std::int64_t read_ms,
                                const std::shared_ptr<const TableSchema>& schema);
  void close_chunk();
  // Every table of the initial copy is complete.
  void tell_snapshot_end() { tell_heartbeat(true); }
  // Before the end: the position that no boundary has told yet, as a heartbeat.
  void settle();
  // `record` needs status, reason and partial.
  void end(EndRecord& record);

  // --- for the checkpoint and for people
  const BinlogPosition& boundary() const { return boundary_; }
  const GtidSet* executed() { return ledger_ ? &ledger_->executed() : nullptr; }
  std::int64_t last_commit_ms() const { return last_commit_ms_; }
  std::uint64_t total_changes() const { return total_changes_; }

 private:
  void assign_gtid(std::optional<std::string>& slot, const Gtid& gtid);
  void take_gtids(std::optional<std::string>& slot);
  void complete_transaction(const Transaction& transaction, const BinlogPosition& behind);
  void boundary_told();
  void tell_heartbeat(bool snapshot_end = false);

  ChangeSink& sink_;
  Output& output_;
  std::chrono::milliseconds heartbeat_;
  GtidPrinter printer_;
  std::optional<Ledger> ledger_;

  StartRecord start_;
  bool started_ = false;
  BinlogPosition boundary_;  // newest place between transactions
  BinlogPosition told_boundary_;
  std::int64_t last_commit_ms_ = 0;
  // When that was, as of the next look at the clock: looking once a transaction would cost too much.
  Clock::time_point last_boundary_told_ = Clock::now();
  bool boundary_is_new_ = false;
  std::uint64_t total_changes_ = 0;

  // The open transaction. Records are kept from one to the next for the memory of their strings.
  bool open_ = false, begin_told_ = false, interrupted_ = false;
  Gtid gtid_;
  std::uint64_t changes_ = 0;
  unsigned inner_ddls_ = 0, inner_ddls_told_ = 0;  // read, told (apart after a reconnect)
  BeginRecord begin_;
  CommitRecord commit_;
  RowsContext rows_;
  std::map<TableName, std::shared_ptr<const TableSchema>> told_tables_;
};

}  // namespace cdc::tail
