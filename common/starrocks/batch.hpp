// SPDX-License-Identifier: Apache-2.0
// Batch: the changes of one target table between two marks, as the rows of one load. A keyed batch has one row
// for each key, its last state, in the order in which the keys first came; a batch without keys has every row in the
// order of the stream. The same changes in the same order always give the same bytes.
//
// Changes of the newest transaction can be taken back (rollback) until commit() or seal(). A sealed batch does not
// change any more and may be read by other threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/starrocks/mark.hpp"
#include "common/starrocks/rope.hpp"

namespace cdc::starrocks {

class Batch;

// Rows of a batch as a JSON array: text in parts, one behind the other. Lives as long as the batch does not change.
class Body {
 public:
  // `count` rows from `first` on.
  Body(const Batch& batch, std::size_t first, std::size_t count);

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t rows() const { return count_; }
  // The part at the cursor, which moves on; "" behind the last one. The first one is at 0.
  std::string_view part(std::size_t& cursor) const;
  template <typename Take>
  void for_each_part(Take take) const {
    std::size_t cursor = 0;
    for (std::string_view text = part(cursor); !text.empty(); text = part(cursor)) take(text);
  }

 private:
  const Batch& batch_;
  std::size_t first_, count_;
  std::uint64_t bytes_ = 0;
};

class Batch {
 public:
  // `keep_lines`: remember the line that each row came from, for a dead letter.
  Batch(bool keyed, bool keep_lines) : keyed_(keyed), keep_lines_(keep_lines) {}

  // `row` is a JSON object; it takes the place of an earlier row with the same key.
  void put(std::string_view key, std::string_view row, std::string_view line);
  // Without keys. `seq` is the change's within its transaction.
  void append(const TransactionId& transaction, std::uint64_t seq, std::string_view row, std::string_view line);

  void commit();    // the changes since the last commit() stay
  void rollback();  // they are gone
  void seal();      // as commit(), for ever

  bool keyed() const { return keyed_; }
  bool empty() const { return rows_.empty(); }
  std::size_t rows() const { return rows_.size(); }
  std::uint64_t bytes() const { return live_bytes_; }
  // Rows and bytes that came since the last commit().
  std::size_t open_rows() const { return open_rows_; }
  std::uint64_t open_bytes() const { return open_bytes_; }
  // Everything that is allocated, spare room included.
  std::size_t memory() const;

  std::string_view row(std::size_t index) const { return rows_[index].substr(0, rows_[index].size() - 1); }
  std::string_view line(std::size_t index) const { return keep_lines_ ? lines_[index] : std::string_view(); }
  // Without keys: what a table contains that has this batch up to row `index`, if `from` was there before it.
  Mark mark_after(std::size_t index, const Mark& from) const;

 private:
  friend class Body;
  struct Undo {
    std::uint32_t row;
    std::string_view text, line;  // before the open transaction
  };
  struct Run {  // rows of one transaction
    std::size_t first;
    TransactionId transaction;
  };

  struct Slot {
    std::uint32_t hash = 0, row = 0;  // of a key, and its index + 1; 0 is free
  };

  Slot* find(std::string_view key, std::uint32_t hash);
  void enter(Slot slot);  // whose key is not there yet
  void grow_slots();
  std::string_view store(std::string_view row, std::string_view line, std::string_view& kept_line);
  void compact();

  bool keyed_, keep_lines_;
  Rope text_, key_text_;                // rows with a comma behind each, and lines; keys
  std::vector<std::string_view> rows_;  // "{…},"
  std::vector<std::string_view> lines_;
  std::vector<std::string_view> keys_;
  std::vector<std::uint32_t> touched_;  // keyed: the number of the transaction that changed the row last
  std::vector<Slot> slots_;             // of keys_, open addressing
  std::vector<std::uint64_t> seqs_;     // without keys
  std::vector<Run> runs_;               // without keys
  // Text that is no longer of use stays until there is twice as much as after the last clean-up.
  static constexpr std::uint64_t kCompactFrom = std::uint64_t{1} << 20;
  std::uint64_t live_bytes_ = 0, stored_bytes_ = 0, compact_at_ = kCompactFrom;

  std::uint32_t transaction_ = 1;
  std::size_t committed_rows_ = 0, open_rows_ = 0;
  std::uint64_t open_bytes_ = 0;
  std::vector<Undo> undo_;
};

}  // namespace cdc::starrocks
