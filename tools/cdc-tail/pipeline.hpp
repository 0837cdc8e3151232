// SPDX-License-Identifier: Apache-2.0
// Pipeline: events in, records out. It decides what belongs to the asked range (where telling starts and
// stops, exact to the transaction), and hands rows, statements and boundaries on. It does no I/O but what the
// table definitions ask the server, and knows nothing of sources: run.cpp feeds it from a dump, from files,
// and again after a reconnect.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "common/binlog/event.hpp"
#include "common/binlog/payload.hpp"
#include "common/binlog/transaction.hpp"
#include "tools/cdc-tail/options.hpp"
#include "tools/cdc-tail/prepared.hpp"
#include "tools/cdc-tail/rows.hpp"
#include "tools/cdc-tail/snapshot.hpp"
#include "tools/cdc-tail/teller.hpp"

namespace cdc::tail {

// What the source sends before the place where telling starts, to be read and passed over.
struct StartGate {
  std::optional<BinlogPosition> position;  // everything before this boundary
  std::optional<std::int64_t>
      timestamp_ms;                 // until the first transaction with this commit time or a later one
  std::optional<GtidSet> executed;  // these transactions, wherever they are
  bool closed() const { return position || timestamp_ms; }
};

// Where a run starts. From a server the set is known; files tell theirs in PREVIOUS_GTIDS.
struct Start {
  std::string server_uuid, server_version;
  bool from_files = false;
  std::optional<GtidSet> executed;         // the complete set at `position`
  std::optional<BinlogPosition> position;  // nullopt: where the first event to tell is found
  std::optional<BinlogPosition> settled;   // without position: no event to tell comes before this one
  StartGate gate;
};

class Pipeline {
 public:
  Pipeline(const Options& options, const TableFilter& filter, TableDefinitions& definitions, ChangeSink& sink,
           Output& output, StopPoint stop);

  // An initial copy goes on beside the stream; it ends before the run does.
  void set_snapshot(Snapshot* snapshot) {
    snapshot_ = snapshot;
    rows_.set_snapshot(snapshot);
  }
  // The rows of an XA transaction whose XA COMMIT begins at `commit` and whose XA PREPARE was not in the stream;
  // nullopt when they are nowhere. Without: they are nowhere.
  using PreparedSearch = std::function<std::optional<StoredEvents>(const XaId& xid, const BinlogPosition& commit)>;
  void set_prepared_search(PreparedSearch search) { prepared_search_ = std::move(search); }
  void begin(Start start);
  // The connection is new: events come again from the last boundary on.
  void reconnected();
  // And to another server, with files of its own.
  void server_changed(const std::string& uuid, const std::string& version, std::optional<BinlogPosition> stop_position);

  // True when the run is at its end, see stop_reason().
  bool feed(const RawEvent& raw);
  // True once the server's clock is past the stop time: what its log holds then is all that may belong before that
  // time. end_is() says how far that is.
  bool wants_end(std::int64_t server_now_ms) const;
  void end_is(BinlogPosition end) { end_at_stop_time_ = std::move(end); }
  // The source has nothing for now. True when that ends the run.
  bool idle();
  // The source has no more. Errors when that is too early.
  void input_ended();
  // Whether that leaves a transaction, or the way to the stop position, unread.
  bool lacks_the_end() const;

  const std::string& stop_reason() const { return stop_reason_; }
  bool partial() const { return rows_.limit_reached() && teller_.is_open(); }
  Teller& teller() { return teller_; }
  // Where the first dump is asked for when there are no GTIDs.
  BinlogPosition start_position() const { return start_.position.value_or(BinlogPosition{}); }

 private:
  void before_start(const RawEvent& raw);
  void check_order(std::string_view file) const;
  void handle(const Event& event);
  void outside(const Event& event);
  void begin_transaction(const Event& event);
  void inside(const Event& event, bool last);
  void table_or_rows(const Event& event);
  void tell_rows(const Event& event);
  void finish_transaction();
  void previous_gtids(const Event& event);
  void update_boundary();
  void at_boundary();
  void pass_gate();
  void pass_over_until(const BinlogPosition& place);
  bool is_behind_stop(std::string_view file, std::uint64_t pos) const;
  bool may_stop() const { return snapshot_ == nullptr || snapshot_->finished(); }
  void check_stop();
  void stop(std::string reason);

  // statements.cpp
  void statement(const Event& event, bool last);
  void ddl(const Event& event, bool last);
  void check_dml(const QueryEvent& query);
  std::string_view text_of(const QueryEvent& query);
  void finish_told(const Transaction& transaction);
  void tell_prepared(const Transaction& transaction);
  void tell_prepared_elsewhere(const Transaction& transaction);

  const Options& options_;
  const TableFilter& filter_;
  TableDefinitions& definitions_;
  Teller teller_;
  RowTeller rows_;
  EventReader reader_;
  TransactionTracker tracker_;
  PayloadReader payload_;
  TextDecoder sql_text_{BadText::replace};
  Arena sql_arena_;
  std::string sql_scratch_;

  Snapshot* snapshot_ = nullptr;
  Start start_;
  bool has_base_ = false;       // the complete set is known
  std::string next_file_;       // of files: what the last one said comes behind it; "" unknown
  bool muted_ = false;          // the open transaction lies before the start
  BinlogPosition gate_before_;  // newest boundary before a gate's position
  BinlogPosition boundary_;
  unsigned boundaries_ = 0;

  StopPoint stop_;
  std::optional<BinlogPosition> end_at_stop_time_;  // of the server's log
  GtidSet stop_left_;  // of stop_.gtid_set: neither executed at the start nor read since
  std::string stop_reason_;

  bool storing_ = false;  // the open transaction is an XA one, or may be rolled back: its events are kept
  StoredEvents stored_;
  PreparedTransactions prepared_;
  PreparedSearch prepared_search_;
  std::optional<DdlRecord> ddl_;  // of the statement that is the whole open transaction
};

}  // namespace cdc::tail
