// SPDX-License-Identifier: Apache-2.0
// PageQueue: where the thread that reads the binlog and those that read tables meet. The former says which
// tables are to be read and what it has told of them; the latter take jobs, one page each, and deliver. Pages
// wait here in the order of their keys; of each table that is active there are a few at most. Everything but the
// constructor may be called from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/fd.hpp"
#include "common/model/gtid.hpp"
#include "common/model/position.hpp"
#include "common/mysql/keyed_table.hpp"
#include "common/mysql/result_row.hpp"

namespace cdc::tail {

// What had been told when a page was asked for. A page must show all of it.
struct Told {
  std::shared_ptr<const GtidSet> executed;  // null without GTIDs
  BinlogPosition position;
  std::uint64_t touches = 0;  // of TableCopy: touched keys before this one are of transactions told by then
};

// Rows of one table as they lie in the result's packets.
struct Page {
  std::size_t table = 0;  // number
  unsigned generation = 0;
  std::shared_ptr<const KeyedTable> definition;
  std::vector<WireShape> shapes;
  OutBuffer bytes{0};
  std::vector<std::size_t> ends;  // of each row in `bytes`
  std::vector<std::string> from, to;
  bool last = false;
  BinlogPosition high;         // what the page can show is in the log before this place
  std::uint64_t touches = 0;   // Told::touches of its job
  std::int64_t read_ms = 0;    // since 1970
  bool gone = false;           // there is no such table, at `high` or before
  bool other_key = false;      // `from` is of another primary key than the table has
  std::exception_ptr failure;  // it cannot be read

  // Without key: first a page that only opens a view of the whole table, then its rows.
  bool opens_view = false;
  std::optional<GtidSet> low;  // in the view for sure; nullopt: just what lies before `high`
};

struct Job {
  std::size_t table = 0;
  TableName name;
  unsigned generation = 0;
  std::vector<std::string> after, key;  // of KeyedTable::key_texts, when `after` is not empty
  Told told;
};

class PageQueue {
 public:
  explicit PageQueue(std::size_t pages_each);

  // --- by the reader of the binlog
  // Pages of the table that were read, or are being read, are void: again from `job.after`. Its first job makes a
  // table known.
  void restart(Job job);
  void set_told(std::size_t table, Told told);
  void accept_view(std::size_t table);
  std::vector<Page> take();
  // Whether take() may have something.
  bool has_pages() const { return has_pages_.load(std::memory_order_acquire); }
  // A page taken was told or dropped.
  void release(std::size_t table, std::size_t pages = 1);
  void wait_for_page();  // some milliseconds at most
  void stop();
  // Readable when a page has come, until take().
  int wake_fd() const { return wake_.get(); }

  // --- by readers of tables
  // nullopt: stopped.
  std::optional<Job> next_job();
  // False: nobody wants it any more, nor what would follow.
  bool deliver(Page page);
  // Whether the view that was delivered is taken; false: close it.
  bool wait_for_verdict(const Job& job);
  bool stopped() const { return stopped_.load(); }

 private:
  struct Slot {
    TableName name;
    unsigned generation = 0;
    bool active = false, reading = false, view_accepted = false;
    std::size_t pages = 0;  // being read, ready, and taken
    std::vector<std::string> after, key;
    Told told;
  };
  bool has_room(const Slot& slot) const { return slot.pages < pages_each_; }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Slot> slots_;  // by number; readers wait with a reference to one
  std::deque<Page> ready_;
  std::size_t pages_each_;
  std::atomic<bool> has_pages_{false}, stopped_{false};
  UniqueFd wake_;
};

}  // namespace cdc::tail
