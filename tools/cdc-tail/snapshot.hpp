// SPDX-License-Identifier: Apache-2.0
// Snapshot: the initial copy of tables while their changes are told, without locks and without a seam. Pages of
// tables are read by threads; here, on the thread that reads the binlog, they are told as chunks at the first
// boundary that has all they can show, without the rows that the stream has told since they were asked for.
// DESIGN.md has the algorithm and its proof.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/log.hpp"
#include "common/binlog/ddl.hpp"
#include "common/binlog/value_decoder.hpp"
#include "tools/cdc-tail/options.hpp"
#include "tools/cdc-tail/page_reader.hpp"
#include "tools/cdc-tail/snapshot_plan.hpp"
#include "tools/cdc-tail/table_copy.hpp"
#include "tools/cdc-tail/teller.hpp"

namespace cdc::tail {

class Snapshot {
 public:
  // All references must outlive it. `on_chunk` is told of every chunk that is complete, `on_void` of a table whose
  // chunks are to be forgotten, `on_end` when all tables are complete; `waits` is called while the stream is held up
  // for a table without key, and says whether to give up.
  struct Hooks {
    std::function<void(const SnapshotChunk&)> on_chunk;
    std::function<void(const TableName&)> on_void;
    std::function<void()> on_end;
    std::function<bool()> waits;
  };
  Snapshot(CopyPlan plan, const Options& options, const TableFilter& filter, ChangeSink& sink, Output& output,
           Teller& teller, const Log& log, Hooks hooks);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // --- the stream, in order
  // The copy whose progress depends on changes of the table; nullptr: none.
  TableCopy* find(const TableName& name);
  void ddl(const DdlInfo& info);
  void transaction_ended(const Gtid& gtid);
  // Between transactions: tells what can be told. True when --max-count ended it inside a chunk.
  bool at_boundary();
  // The dump comes over a new connection, perhaps of another server: every page is read again from there.
  void reconnected(const ServerAddress& address, const std::string& server_uuid, std::uint32_t server_id);

  bool finished() const { return finished_; }
  // Readable when at_boundary() has something to do.
  int wake_fd() const { return queue_ && !finished_ ? queue_->wake_fd() : -1; }
  // "3 of 20 tables, 1200000 rows, 41 %, 600000 rows/s, 12 s left"
  std::string status_text() const;

 private:
  using Clock = std::chrono::steady_clock;

  void start();
  void start_threads();
  void stop_threads();
  void activate_next();
  void finish_if_done();
  TableCopy& add(CopiedTable table);
  void add_renamed(const DdlInfo& info);
  void altered(TableCopy& copy, DdlClass ddl_class);
  void restart(TableCopy& copy, bool from_the_start);
  void restart_stale();
  void collect();
  void tell_ready();
  // Whether the page is dealt with.
  bool handle(Page& page);
  bool open_view(TableCopy& copy, const Page& view);
  void tell_whole(TableCopy& copy);
  void tell_chunk(TableCopy& copy, const Page& page);
  void tell_row(const RowsContext& context, const Page& page, std::size_t row, TableCopy::Touched& touched);
  void drop_pages_of(const TableCopy& copy);
  void end(TableCopy& copy, TableCopy::State state);
  Job job_of(TableCopy& copy);
  Told told(const TableCopy& copy);
  void warn_of_views() const;

  CopyPlan plan_;
  const Options& options_;
  const TableFilter& filter_;
  ChangeSink& sink_;
  Output& output_;
  Teller& teller_;
  const Log& log_;
  Hooks hooks_;
  std::deque<TableCopy> copies_;
  std::map<TableName, TableCopy*> by_name_;
  std::unique_ptr<PageQueue> queue_;
  std::vector<std::unique_ptr<PageReader>> readers_;
  std::vector<std::thread> threads_;
  std::deque<Page> waiting_;  // read, not told
  DecodeContext decode_;
  bool started_ = false, finished_ = false, limit_reached_ = false;
  std::size_t active_ = 0;
  Clock::time_point began_ = Clock::now();
};

}  // namespace cdc::tail
