// SPDX-License-Identifier: Apache-2.0
// Rows events: WRITE, UPDATE and DELETE, versions 1 and 2, PARTIAL_UPDATE_ROWS, and MariaDB's compressed ones.
// RowsEvent is the parsed head and a view of the rows; the event's bytes must outlive it (a compressed event's
// rows it owns). RowCursor decodes row by row: its images live until the next call, in the DecodeContext.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/binlog/value_decoder.hpp"
#include "common/model/schema.hpp"
#include "common/model/value.hpp"

namespace cdc {

enum class RowChange : std::uint8_t { insert, update, remove };

class RowsEvent {
 public:
  // Whether `event_type`, the type code of an event header, is one of those told above.
  static bool handles(std::uint8_t event_type);

  // `body` is the event without its header and checksum. DecodeError when it is malformed.
  RowsEvent(std::uint8_t event_type, ByteView body);
  RowsEvent(RowsEvent&&) noexcept = default;
  RowsEvent& operator=(RowsEvent&&) noexcept = default;

  RowChange change() const { return change_; }
  std::uint64_t table_id() const { return table_id_; }
  std::uint16_t flags() const { return flags_; }
  // STMT_END_F: table ids end here.
  bool ends_statement() const { return (flags_ & 1) != 0; }
  // The extra row information of version 2 (NDB, partitions), as it is.
  ByteView extra_data() const { return extra_data_; }
  std::size_t column_count() const { return column_count_; }
  // Bit i: column i is in the before image (update, remove), in the after image (insert, update); else empty.
  ByteView before_columns() const { return before_columns_; }
  ByteView after_columns() const { return after_columns_; }
  bool is_partial() const { return partial_; }
  ByteReader rows() const { return rows_; }

 private:
  RowChange change_;
  bool partial_ = false;
  std::uint64_t table_id_ = 0;
  std::uint16_t flags_ = 0;
  std::size_t column_count_ = 0;
  ByteView extra_data_, before_columns_, after_columns_;
  std::vector<std::uint8_t> inflated_;
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

 private:
  void read_image(ByteView present, std::vector<Value>& image, bool is_after);
  void read_columns(ByteView present, ByteView nulls, ByteView partial, std::vector<Value>& image, bool is_after);

  const RowsEvent* event_;
  std::span<const Column> columns_;
  DecodeContext* context_;
  ByteReader reader_;
  std::uint64_t row_ = 0;
};

// How many rows the event holds, without decoding them. Errors as RowCursor::next() about lengths only.
std::uint64_t count_rows(const RowsEvent& event, std::span<const Column> columns);

}  // namespace cdc
