// SPDX-License-Identifier: Apache-2.0
// TableCopy: how far the initial copy of one table is, and which of its rows the stream has told meanwhile.
// Those are left out of the pages: the stream knows them better. Of the thread that reads the binlog.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "common/binlog/rows.hpp"
#include "common/model/gtid.hpp"
#include "common/model/schema.hpp"
#include "tools/cdc-tail/page_queue.hpp"

namespace cdc::tail {

struct CopiedTable {
  TableName name;
  std::uint64_t rows = 0, bytes = 0;  // the server's estimates
  bool keyed = true;  // its primary key is one that pages can follow
};

class TableCopy {
 public:
  enum class State : std::uint8_t { waiting, copying, complete, gone };

  TableCopy(CopiedTable table, std::size_t number) : table_(std::move(table)), number_(number) {}

  const TableName& name() const { return table_.name; }
  const CopiedTable& table() const { return table_; }
  std::size_t number() const { return number_; }
  State state() const { return state_; }
  bool ended() const { return state_ >= State::complete; }
  void set_state(State state) { state_ = state; }
  void set_keyed() { table_.keyed = true; }

  // Rows of a table without key cannot be told before its copy: nobody could say which rows they change.
  bool withholds() const { return !table_.keyed && !ended(); }

  // The stream tells, or withholds, these changes.
  void touch(const TableSchema& schema, const RowImages& images);
  void touch() { touched_now_ = true; }
  // The transaction that touched it is complete, and ends at `boundary`.
  void transaction_ended(const Gtid& gtid, const BinlogPosition& boundary);

  // Touches from here on are behind the place that a page is asked for.
  std::uint64_t touches() const { return first_touch_ + keys_.size(); }
  void forget_touches_before(std::uint64_t touch);
  void forget_touches();
  // Pages asked for before are of no use: a DDL, or more keys touched than are worth remembering.
  bool stale() const { return stale_ && state_ == State::copying; }
  void mark_stale() { stale_ = true; }

  // Whether the row of `key` was touched since; make it for one page.
  class Touched {
   public:
    Touched(const TableCopy& copy, std::uint64_t since);
    bool empty() const { return keys_.empty(); }
    bool contains(const KeyedTable& definition, std::span<const Value> row);

   private:
    std::vector<std::string_view> keys_;  // sorted
    std::string scratch_;
  };

  enum class Verdict : std::uint8_t { accepted, later, retry };
  // Of a view of a table without key, at `boundary`.
  Verdict judge(const Page& view, const BinlogPosition& boundary) const;

  // Of the copy as told so far.
  std::vector<std::string> told_to, order;  // the last key told, and KeyedTable::key_texts of its key
  std::uint64_t next_chunk = 0, rows_told = 0;
  unsigned tries = 0;  // of views

 private:
  struct Touch {
    Gtid gtid;
    BinlogPosition end;
  };
  CopiedTable table_;
  std::size_t number_;
  State state_ = State::waiting;
  std::deque<std::string> keys_;  // touched, the first is number first_touch_
  std::uint64_t first_touch_ = 0;
  std::size_t key_bytes_ = 0;
  bool stale_ = false, touched_now_ = false;
  std::vector<Touch> transactions_;  // that touched a table without key since forget_touches()
};

}  // namespace cdc::tail
