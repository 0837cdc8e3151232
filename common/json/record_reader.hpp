// SPDX-License-Identifier: Apache-2.0
// Reads change records, cdc-changes(5), from a descriptor: large blocks, cut into lines, one RecordView a line.
// The views of a record live until the next call of next() or fill(). A row's values are kept as the raw text of
// their JSON, so that 64-bit integers and decimals stay exact. Lines are cut first and parsed one by one: a bad
// line is named by its number, and nothing behind it is misread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"
#include "common/model/record.hpp"

namespace cdc {

// A member of a row's data, both as in the input: the name between its quotes, escapes and all, and the value
// as a JSON token ("text" with its quotes) or a whole object or array.
struct RawField {
  std::string_view name, value;
};

// One line. `kind` and `line` are always there; the others only for rows.
struct RecordView {
  RecordKind kind = RecordKind::start;
  std::string_view line;  // without the newline
  bool same_table = false;  // db and table are those of the row before
  std::string_view db, table;
  std::optional<std::string_view> gtid;
  std::uint64_t pos = 0;
  std::uint64_t seq = 0;
  bool snapshot = false;
  std::string_view data;  // "{…}"
  std::vector<RawField> fields;            // of data, in order
  std::vector<std::string_view> json_null;  // columns that hold the JSON value null

  bool is_row() const { return kind >= RecordKind::insert && kind <= RecordKind::remove; }
};

class RecordReader {
 public:
  static constexpr std::size_t kMaxLine = std::size_t{1} << 30;

  // `name` is for messages. The descriptor stays the caller's.
  RecordReader(int fd, std::string name, std::size_t max_line = kMaxLine);
  ~RecordReader();

  // The next whole line that has been read already; nullptr when there is none. DataError "NAME:LINE: …" when
  // it is no record. Unknown members are ignored.
  const RecordView* next();
  // One read(2); false at the end of the input. IoError(no_input); DataError when a line is longer than allowed.
  bool fill();
  // The bytes behind the last newline: at the end of the input, a line that was cut off.
  std::size_t unfinished() const { return end_ - begin_; }

  std::string where() const { return name_ + ":" + std::to_string(line_number_); }
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  struct Parser;
  void parse(std::string_view line);
  void make_room();

  int fd_;
  std::string name_;
  std::size_t max_line_;
  std::unique_ptr<char[]> buffer_;  // bytes [begin_, end_) are unread, [begin_, searched_) hold no newline
  std::size_t capacity_, begin_ = 0, end_ = 0, searched_ = 0;
  std::uint64_t bytes_read_ = 0, line_number_ = 0;
  RecordView view_;
  std::string db_, table_;  // of the last row that RowScanner has not taken
  std::unique_ptr<Parser> parser_;
};

}  // namespace cdc
