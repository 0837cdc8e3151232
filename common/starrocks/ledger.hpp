// SPDX-License-Identifier: Apache-2.0
// Ledger: which changes of the stream each target table contains already, which belong to a load that has to be made
// again, and how far the checkpoint may move. It is pure bookkeeping: no files, no network, no clock.
//
// It follows the stream (start, begin, changed, commit, boundary) and keeps what was executed since the checkpoint's
// position G in segments between boundaries. A table pins the newest segment when it gets its first change that is
// not durable; G moves to the end of the segment before the oldest pin. So a transaction costs the same however many
// tables there are, and memory depends on the tables at work, not on the number of transactions.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/checkpoint.hpp"
#include "common/model/record.hpp"
#include "common/starrocks/batch.hpp"

namespace cdc::starrocks {

class Ledger {
  struct Segment {
    GtidSet gtids;
    BinlogPosition end;
    std::string server_uuid;
    std::int64_t ts_ms = 0;
    bool closed = false;  // has a boundary
    bool copied = false;  // see copied()
    unsigned pins = 0;
  };

 public:
  using TableId = std::size_t;
  using Pin = std::list<Segment>::iterator;
  enum class Place { contained, redo, next };

  // `saved`: the checkpoint file's content, nullopt for a first run. `target`: where changes go, "URLS, MAP".
  // `accept_change`: another target is accepted, and a stream with another filter or time zone than the file's.
  Ledger(std::optional<Checkpoint> saved, std::string job, std::string target, bool accept_change);

  // ---- The stream, in its order. DataError when the order breaks the grammar.

  // RefusedError when the stream does not fit: it lacks transactions behind G, or is of another server or family.
  // ConfigError when filter or time zone differ. Later starts (a reconnect, another file) must fit what has been read.
  void start(const StartRecord& record);
  bool started() const { return started_; }
  void begin(const BeginRecord& record);
  bool in_transaction() const { return transaction_.has_value(); }
  // A batch that were closed now would have a part of the open transaction in it.
  bool has_changes() const {
    return transaction_ && transaction_->last && !transaction_->snapshot && !transaction_->repeated && !transaction_->behind;
  }
  // The change `seq` of the open transaction has been read whole (the second line of an update); `pos` is its record's.
  void told(std::uint64_t seq, std::uint64_t pos);
  // Whether the change is in `table`, in the load to redo, or in neither.
  Place place(TableId table, std::uint64_t seq);
  // The change has been taken as a whole, in every table that wants it.
  void changed(std::uint64_t seq);
  // DataError when it does not end the open transaction, or when not all changes of that have been told.
  void check(const CommitRecord& record) const;
  void commit(const CommitRecord& record);
  // A ddl outside a transaction, a heartbeat, the end.
  void boundary(const std::optional<std::string>& gtids, const BinlogPosition& position, std::int64_t ts_ms);
  // An initial copy is complete: the checkpoint says so once G is here.
  void copied();
  // The open transaction's changes have been dropped.
  void abandon_transaction() { transaction_.reset(); }
  const TransactionId& transaction() const { return transaction_->id; }

  // ---- Tables

  // Of the target table "db.table".
  TableId table(const std::string& target);
  const TableProgress& progress(TableId table) const { return tables_[table].saved->second; }
  const std::string& target(TableId table) const { return tables_[table].saved->first; }
  std::size_t tables() const { return tables_.size(); }

  // The table has something that G has not; when all loads are durable, something behind the end of what was read.
  bool is_beyond(TableId table) const { return is_beyond(progress(table)); }

  // G stays before everything that comes from now on until the pin is gone.
  Pin pin();
  void unpin(Pin pin);

  // Whether mark() can say where the stream is now, for tables that have taken all their changes so far.
  bool can_mark() const;
  Mark mark(TableId table) const;
  // The load in flight that the file told of must be made again from the stream; G is pinned by the caller.
  void redo(TableId table);
  bool redoing(TableId table) const { return tables_[table].redo.has_value(); }
  // Every change of the load to redo has passed; its mark, with the chunks of an initial copy that really came.
  bool redo_complete(TableId table) const { return redo_complete(tables_[table]); }
  Mark end_redo(TableId table);

  // ALTER statements of a source table of which no row has come since; kept with G, which may move past them.
  void add_alter(const TableName& source, const std::string& sql);
  std::vector<std::string> alters(const TableName& source) const;
  void drop_alters(const TableName& source);

  // ---- Loads

  void intend(TableId table, LoadIntent intent);
  LoadIntent& intent(TableId table) { return *tables_[table].saved->second.load; }
  // An attempt is about to be made; it has to be saved first.
  void sending(TableId table, std::int64_t now_ms);
  // Committed, but not what was sent: nobody goes on before an operator has looked.
  void suspect(TableId table);
  // The load in flight is durable: the table contains everything up to its mark.
  // `finished`: visible, so that StarRocks forgets it before any load that was sent later.
  void committed(TableId table, bool finished = true);
  // The load in flight was not made and never will be.
  void aborted(TableId table) {
    tables_[table].saved->second.load.reset();
    dirty_ = true;
  }
  // All changes up to `mark` are in the table, or were not to be.
  void contained(TableId table, Mark mark);
  // The last label that was committed in a database, "" when there is none.
  std::string witness(std::string_view db) const;

  // Everything as it is to be saved, with G as far as it may go.
  const Checkpoint& checkpoint();
  // Whether it has changed since saved() was called.
  bool dirty();
  void saved() { dirty_ = false; }

 private:
  struct Transaction {
    TransactionId id;
    std::optional<SnapshotChunk> snapshot;
    bool repeated = false;         // has been read before in this run
    bool behind = false;           // in G
    std::optional<std::uint64_t> last;  // the last change taken
    std::optional<std::uint64_t> last_told;
    std::uint64_t last_pos = 0, changes = 0;  // of the change told last; how many were told, each once
    std::int64_t ts_ms = 0;
    std::uint64_t serial = 0;
  };
  struct Table {
    std::map<std::string, TableProgress>::iterator saved;
    std::optional<Mark> redo;
    std::map<TableName, SnapshotChunk> chunks, redo_chunks;  // by source: the last one that was taken
    // For the open transaction `serial`: changes below skip_to are contained, below redo_to to redo.
    std::uint64_t serial = 0, skip_to = 0, redo_to = 0;
  };

  bool has_gtids() const { return state_.gtid_set.has_value(); }
  bool has_executed(const TransactionId& id) const {  // read wholly in this run or before its start
    return id.gtid.empty() ? id.begin < read_to_ : executed_.contains(id.gtid);
  }
  bool in_checkpoint(const TransactionId& id) const {
    return id.gtid.empty() ? id.begin < state_.position : state_.gtid_set->contains(id.gtid);
  }
  void resolve(Table& table);
  void resolve_chunk(Table& table);
  bool is_ahead(const Mark& mark, bool open_too) const;
  bool redo_complete(const Table& table) const;
  // Against the transactions that are not missing if the stream comes behind them: those of `executed`, or before `read_to`.
  void check_fit(const StartRecord& record, const GtidSet& executed, const BinlogPosition& read_to) const;
  void check_options(const StartRecord& record) const;
  static bool is_beyond(const TableProgress& progress) {
    const Mark& done = progress.done;
    return progress.load || !done.gtids.empty() || done.position || !done.open.empty();
  }
  // ConfigError unless every table is just at G: what one has beyond it is not what it would have under another map.
  void require_even() const;
  void advance();
  void trim(Mark& mark) const;

  Checkpoint state_;  // position, gtid_set: G
  bool fresh_, accept_change_, of_no_target_ = false, started_ = false, dirty_ = false;
  std::vector<Table> tables_;
  std::optional<Transaction> transaction_;
  std::uint64_t serial_ = 0;

  GtidSet executed_;       // start's set and all boundaries since
  BinlogPosition read_to_;  // the last boundary
  std::string server_uuid_;
  bool caught_up_ = false;  // executed_ ⊇ G
  GtidSet repeating_;       // in executed_, not yet told again since the last start
  GtidSet ahead_;           // executed_ − G
  std::list<Segment> segments_;
};

}  // namespace cdc::starrocks
