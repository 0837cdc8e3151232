// SPDX-License-Identifier: Apache-2.0
// Outflow: the target tables, from changes to durable loads. Each table has an open batch, sealed batches behind it,
// and at most one load in flight. A load's intent is in the checkpoint file before the first byte is sent; what
// became of it is decided by the label's state alone. All in one thread; the loader's threads only talk to StarRocks.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log.hpp"
#include "common/starrocks/batch.hpp"
#include "common/starrocks/ledger.hpp"
#include "common/starrocks/row_plan.hpp"
#include "tools/cdc-load/label_memory.hpp"
#include "tools/cdc-load/loader.hpp"
#include "tools/cdc-load/options.hpp"
#include "tools/cdc-load/report.hpp"

namespace cdc::load {

struct Totals {
  std::uint64_t rows = 0, bytes = 0, loads = 0, retries = 0, dead_letters = 0;
};

class Outflow {
 public:
  using Clock = std::chrono::steady_clock;
  using TableId = starrocks::Ledger::TableId;

  // `labels_kept`: as LabelMemory.
  Outflow(const LoadOptions& options, starrocks::Ledger& ledger, const Log& log, std::function<std::uint64_t()> labels_kept);

  // Learns how the loads of an earlier run ended; before anything is read. Calls `wait` until fd() can be read.
  // RefusedError, TemporaryError.
  void settle_earlier(const std::function<void()>& wait);

  TableId table(const TableName& target);
  // How the next changes of the table become rows. RefusedError when a load in doubt cannot be made again.
  void prepare(TableId table, const starrocks::RowPlan& plan);

  // Closes the table's open batch, that no change of another definition goes with it. RefusedError when the batch cannot
  // end here, such as behind changes of a transaction whose commit is not known.
  void close(TableId table, bool commit_known);
  // Whether the table has closed batches that are not durable.
  bool busy(TableId table) const;

  // One change of the open transaction, at `place`. RowRejected, ConfigError, DataError of the plan.
  void upsert(TableId table, starrocks::Ledger::Place place, const starrocks::RowPlan& plan, const RecordView& row);
  void remove(TableId table, starrocks::Ledger::Place place, const starrocks::RowPlan& plan, const RecordView& row);
  // Writes a line that cannot be loaded to the dead letter file.
  void reject(std::string_view line, std::string_view reason);

  // A chunk of an initial copy is at its end. If all its rows changed meanwhile, no load will say that it is contained.
  void chunk_taken(TableId table);

  // The changes so far stay, or are gone back to the last commit().
  void commit();
  void rollback();

  // Takes outcomes, closes batches that are due, starts loads, saves the checkpoint when it is time.
  // `at_change`: a change is complete, so that a batch may end here.
  void pump(bool at_change);
  // Whether there is room for more changes, or nothing that would make room.
  bool accepting() const;
  // pump() has thrown: what is wrong is a load or the checkpoint, not a record, and nothing may go on.
  bool broken() const { return broken_; }
  // A limit has been reached since the last pump().
  bool pressing() const { return pressing_; }
  // The open transaction is larger than a batch or memory.
  bool outgrown() const { return outgrown_; }
  // prepare() would close the open batch.
  bool reshapes(TableId table, const starrocks::RowPlan& plan) const;
  // Loads everything that is whole, waits, and saves. Calls `wait` whenever there is nothing to do but wait.
  template <typename Wait>
  void drain(Wait wait) {
    for (draining_ = true;;) {
      pump(true);
      if (idle()) break;
      wait();
    }
    save(true);
    draining_ = false;
  }

  int fd() const { return loader_ ? loader_->fd() : -1; }
  // When pump() has something to do without any outcome.
  Clock::time_point next_deadline() const;
  void save(bool now);

  const Totals& totals() const { return totals_; }
  std::size_t in_flight() const { return in_flight_; }
  std::uint64_t memory() const;

 private:
  struct Sealed {
    std::shared_ptr<const starrocks::Batch> batch;
    Mark to;
    std::optional<starrocks::Ledger::Pin> pin;
    std::string columns;
    bool redo = false;
    std::string sha256;  // of the whole batch, "" until it is known
  };
  struct Range {
    std::size_t first = 0, count = 0;
  };
  struct Flight {
    std::vector<Range> todo;  // the last one is being loaded
    unsigned failures = 0;
    bool begun = false;  // has an intent
    bool running = false;
    bool only_settle = false;  // the rows of a load in doubt came back different
    bool doubtful = false;     // an attempt under this label may have been made, or be on its way
    Clock::time_point retry_at{};
  };
  struct Table {
    TableName name;
    std::shared_ptr<starrocks::Batch> open, redo;
    std::optional<starrocks::Ledger::Pin> open_pin, redo_pin;
    std::string columns, shape, redo_columns;
    bool keyed = false, forgotten = false, touched = false;
    Clock::time_point opened{}, not_before{};
    std::chrono::milliseconds interval{0};  // between loads, after too many versions
    std::deque<Sealed> sealed;
    std::optional<Flight> flight;
  };

  starrocks::Batch& batch_for(TableId id, starrocks::Ledger::Place place);
  void add(TableId id, starrocks::Ledger::Place place, const starrocks::RowPlan& plan, const RecordView& row, bool remove);
  void seal(TableId id);
  void seal_due(bool at_change);
  void seal_redo();
  bool due(const Table& table, bool at_change, Clock::time_point now) const;
  TableId largest() const;
  bool idle() const;

  void launch(TableId id, std::vector<LoadJob>& jobs);
  void hash(TableId id);
  LoadJob new_load(TableId id);
  LoadJob redo_load(TableId id);
  LoadJob job_of(TableId id, bool send);
  void send(std::vector<LoadJob> jobs);
  void print(const LoadJob& job);
  void take(LoadOutcome outcome);
  void loaded(TableId id, const LoadOutcome& outcome);
  void failed(TableId id, const LoadOutcome& outcome);
  void rejected(TableId id, const LoadOutcome& outcome);
  void retry(TableId id, const std::string& why);
  void give_up(TableId id);
  void part_done(TableId id);
  Mark part_mark(TableId id) const;

  const LoadOptions& options_;
  starrocks::Ledger& ledger_;
  const Log& log_;
  std::unique_ptr<Loader> loader_;
  Report report_;
  LabelMemory label_memory_;
  std::uint64_t most_buffered_;
  std::vector<Table> tables_;
  std::vector<TableId> touched_;
  OutBuffer key_, object_;
  bool pressing_ = false, outgrown_ = false, draining_ = false, broken_ = false;
  std::size_t in_flight_ = 0;
  std::uint64_t serial_ = 0;
  Clock::time_point saved_at_{};
  std::minstd_rand random_{std::random_device{}()};
  Totals totals_;
};

}  // namespace cdc::load
