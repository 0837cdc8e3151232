// SPDX-License-Identifier: Apache-2.0
// Rows events: WRITE, UPDATE and DELETE, versions 1 and 2, PARTIAL_UPDATE_ROWS, and MariaDB's compressed ones.
// RowsEvent is the parsed head and a view of the rows; the event's bytes must outlive it (a compressed event's
// rows it owns). RowCursor decodes row by row: its images live until the next call, in the DecodeContext.
// Format: MySQL libs/mysql/binlog/event/rows_event.h; MariaDB sql/log_event.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/binlog/event.hpp"
#include "common/binlog/value_decoder.hpp"
#include "common/model/schema.hpp"
#include "common/model/value.hpp"

namespace cdc {

enum class RowChange : std::uint8_t { insert, update, remove };

class RowsEvent {
 public:
  // `event` is one that is_rows_event() tells. DecodeError when it is malformed.
  explicit RowsEvent(const Event& event);
  RowsEvent(const RowsEvent&) = delete;
  RowsEvent& operator=(const RowsEvent&) = delete;

  RowChange change() const { return change_; }
  // The number of the TABLE_MAP that names the table.
  std::uint64_t table_id() const { return table_id_; }
  std::uint16_t flags() const { return flags_; }
  // STMT_END_F: the statement ends here, and with it the meaning of table numbers.
  bool ends_statement() const { return (flags_ & 1) != 0; }
  // The extra row information of version 2 (NDB, partitions), as it is.
  ByteView extra_data() const { return extra_data_; }
  std::size_t column_count() const { return column_count_; }
  // Bit i: column i is in the before image (update, remove), in the after image (insert, update); else empty.
  ByteView before_columns() const { return before_columns_; }
  ByteView after_columns() const { return after_columns_; }
  // PARTIAL_UPDATE_ROWS: documents of the after image may be told as changes to those of the before image.
  bool is_partial() const { return partial_; }
  // The rows as they are stored.
  ByteReader rows() const { return rows_; }

 private:
  RowChange change_;
  bool partial_;
  std::uint64_t table_id_ = 0;
  std::uint16_t flags_ = 0;
  std::size_t column_count_ = 0;
  ByteView extra_data_, before_columns_, after_columns_;
  std::string inflated_;
  ByteReader rows_;
};

// Both have one Value for each column of the table, Kind::absent where the image leaves it out, or none at all
// when the change has no such image.
struct RowImages {
  std::span<const Value> before, after;
};

class RowCursor {
 public:
  // `columns` are those of the table map of event.table_id(); DecodeError when their number is another. All three
  // must outlive the cursor, and the context serves one cursor at a time.
  RowCursor(const RowsEvent& event, std::span<const Column> columns, DecodeContext& context);

  // The next row, or false at the end. Errors name row (from 1) and column. A partial update of a document that
  // the before image lacks is a ConfigError.
  bool next(RowImages& row);
  // The bytes of the row that next() gave last, as stored: equal bytes are equal changes. They live as long as
  // the event's.
  ByteView image() const { return image_; }

 private:
  // `column` tells how far it came.
  void read_image(ByteView present, std::size_t null_bytes, std::vector<Value>& image, std::size_t& column);
  void read_partial_image(std::size_t& column);
  Value apply_diffs(std::size_t column);

  const RowsEvent* event_;
  std::span<const Column> columns_;
  DecodeContext* context_;
  ByteReader reader_;
  ByteView image_;
  std::size_t before_null_bytes_ = 0, after_null_bytes_ = 0;
  std::uint64_t row_ = 0;
};

// How many rows the event holds, without decoding them. Errors as RowCursor::next() about lengths only.
std::uint64_t count_rows(const RowsEvent& event, std::span<const Column> columns);

}  // namespace cdc
