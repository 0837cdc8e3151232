// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/rows.hpp"

#include <new>

#include "common/base/error.hpp"
#include "common/binlog/event_bodies.hpp"

namespace cdc {

namespace {

struct Shape {
  RowChange change;
  bool version2 = false;
  bool partial = false;
  bool compressed = false;
};

Shape shape_of(const Event& event) {
  switch (event.type()) {
    case EventType::write_rows_v1:
      return {RowChange::insert};
    case EventType::update_rows_v1:
      return {RowChange::update};
    case EventType::delete_rows_v1:
      return {RowChange::remove};
    case EventType::write_rows:
      return {RowChange::insert, true};
    case EventType::update_rows:
      return {RowChange::update, true};
    case EventType::delete_rows:
      return {RowChange::remove, true};
    case EventType::partial_update_rows:
      return {RowChange::update, true, true};
    case EventType::mariadb_write_rows_compressed_v1:
      return {RowChange::insert, false, false, true};
    case EventType::mariadb_update_rows_compressed_v1:
      return {RowChange::update, false, false, true};
    case EventType::mariadb_delete_rows_compressed_v1:
      return {RowChange::remove, false, false, true};
    case EventType::mariadb_write_rows_compressed:
      return {RowChange::insert, true, false, true};
    case EventType::mariadb_update_rows_compressed:
      return {RowChange::update, true, false, true};
    case EventType::mariadb_delete_rows_compressed:
      return {RowChange::remove, true, false, true};
    default:
      event.reader().fail(event_type_name(event.type()) + " is no rows event");
  }
}

constexpr std::size_t bitmap_size(std::size_t bits) {
  return (bits + 7) / 8;
}

bool bit(ByteView bitmap, std::size_t i) {
  return (bitmap[i / 8] >> (i % 8) & 1) != 0;
}

// One bit for each column of an image, set when it is NULL.
std::size_t null_bitmap_size(ByteView present, std::size_t columns) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < columns; ++i) count += bit(present, i) ? 1U : 0U;
  return bitmap_size(count);
}

// A bitmap read bit by bit.
class BitReader {
 public:
  BitReader() = default;
  explicit BitReader(ByteView bits) : bits_(bits) {}
  bool next() { return bit(bits_, at_++); }

 private:
  ByteView bits_;
  std::size_t at_ = 0;
};

// The head of an after image of PARTIAL_UPDATE_ROWS: one bit for each JSON column of the table, in the image
// or not, set when the value is a list of changes; no bits at all when the row has none.
class PartialBits {
 public:
  PartialBits(ByteReader& reader, std::span<const Column> columns) {
    constexpr std::uint64_t kPartialJson = 1;
    const std::uint64_t options = reader.lenenc();
    if (options > kPartialJson) reader.fail("unknown row value options " + std::to_string(options));
    if (options == 0) return;
    std::size_t documents = 0;
    for (const Column& column : columns) documents += column.type == ColumnType::json ? 1U : 0U;
    bits_ = BitReader(reader.bytes(bitmap_size(documents)));
    told_ = true;
  }
  // Call for every column of the table in turn.
  bool next(const Column& column) { return told_ && column.type == ColumnType::json && bits_.next(); }

 private:
  bool told_ = false;
  BitReader bits_;
};

// The changes to a document, behind their length in four bytes.
ByteView read_diffs(ByteReader& reader) {
  const std::uint32_t length = reader.u32();
  return reader.bytes(length);
}

void check_columns(const RowsEvent& event, std::span<const Column> columns) {
  if (event.column_count() != columns.size())
    event.rows().fail("rows of " + std::to_string(event.column_count()) + " columns, the table map has " +
                      std::to_string(columns.size()));
}

// Passes over one image. `column` tells how far it came.
void skip_image(ByteReader& reader, ByteView present, std::size_t null_bytes, std::span<const Column> columns,
                std::size_t& column) {
  BitReader nulls(reader.bytes(null_bytes));
  for (column = 0; column < columns.size(); ++column)
    if (bit(present, column) && !nulls.next()) skip_value(reader, columns[column]);
}

void skip_partial_image(ByteReader& reader, ByteView present, std::size_t null_bytes,
                        std::span<const Column> columns, std::size_t& column) {
  PartialBits diffs(reader, columns);
  BitReader nulls(reader.bytes(null_bytes));
  for (column = 0; column < columns.size(); ++column) {
    const bool is_diff = diffs.next(columns[column]);
    if (!bit(present, column) || nulls.next()) continue;
    if (is_diff)
      read_diffs(reader);
    else
      skip_value(reader, columns[column]);
  }
}

bool has_before(const RowsEvent& event) {
  return event.change() != RowChange::insert;
}
bool has_after(const RowsEvent& event) {
  return event.change() != RowChange::remove;
}

// "row 3: column 7 (price)", the context of errors.
std::string place(std::uint64_t row, std::size_t column, std::span<const Column> columns) {
  std::string text = "row " + std::to_string(row);
  if (column < columns.size()) {
    text += ": column " + std::to_string(column + 1);
    if (!columns[column].name.empty()) text += " (" + columns[column].name + ")";
  }
  return text;
}

}  // namespace

RowsEvent::RowsEvent(const Event& event) {
  const Shape shape = shape_of(event);
  change_ = shape.change;
  partial_ = shape.partial;
  ByteReader reader = event.reader();
  table_id_ = reader.u48();
  flags_ = reader.u16();
  if (shape.version2) {
    const std::uint16_t length = reader.u16();  // of itself and the data
    if (length < 2) reader.fail("extra row data of " + std::to_string(length) + " bytes");
    extra_data_ = reader.bytes(length - 2U);
  }
  const std::uint64_t columns = reader.lenenc();
  if (columns > 8 * reader.left()) reader.fail("bitmap of " + std::to_string(columns) + " columns past end");
  column_count_ = columns;
  if (change_ != RowChange::insert) before_columns_ = reader.bytes(bitmap_size(column_count_));
  if (change_ != RowChange::remove) after_columns_ = reader.bytes(bitmap_size(column_count_));
  rows_ = reader;
  if (shape.compressed) {
    append_uncompressed(reader, inflated_);
    rows_ = ByteReader(as_bytes(inflated_));
  }
}

RowCursor::RowCursor(const RowsEvent& event, std::span<const Column> columns, DecodeContext& context)
    : event_(&event), columns_(columns), context_(&context), reader_(event.rows()) {
  check_columns(event, columns);
  if (has_before(event)) before_null_bytes_ = null_bitmap_size(event.before_columns(), columns.size());
  if (has_after(event)) after_null_bytes_ = null_bitmap_size(event.after_columns(), columns.size());
  // What an image leaves out stays absent over all rows.
  context.before.assign(has_before(event) ? columns.size() : 0, Value());
  context.after.assign(has_after(event) ? columns.size() : 0, Value());
  if (event.is_partial()) context.documents.assign(columns.size(), ByteView());
}

bool RowCursor::next(RowImages& row) {
  if (reader_.at_end()) return false;
  ++row_;
  context_->arena.reset();
  const ByteView rest = reader_.rest();
  std::size_t column = 0;
  try {
    if (has_before(*event_))
      read_image(event_->before_columns(), before_null_bytes_, context_->before, column);
    if (event_->is_partial())
      read_partial_image(column);
    else if (has_after(*event_))
      read_image(event_->after_columns(), after_null_bytes_, context_->after, column);
    image_ = rest.first(rest.size() - reader_.left());
    if (image_.empty()) reader_.fail("no column in it");
  } catch (Error& error) {
    error.add_context(place(row_, column, columns_));
    throw;
  }
  row = {context_->before, context_->after};
  return true;
}

void RowCursor::read_image(ByteView present, std::size_t null_bytes, std::vector<Value>& image,
                           std::size_t& column) {
  const bool keeps_documents = event_->is_partial();
  BitReader nulls(reader_.bytes(null_bytes));
  for (column = 0; column < columns_.size(); ++column) {
    if (!bit(present, column)) continue;
    if (nulls.next()) {
      image[column] = Value::of_null();
      continue;
    }
    if (keeps_documents && columns_[column].type == ColumnType::json) {
      ByteReader ahead = reader_;
      context_->documents[column] = read_blob(ahead, columns_[column]);
    }
    // Built in place: assigning would copy through the stack, which costs a store-forwarding stall per value.
    ::new (&image[column]) Value(decode_value(reader_, columns_[column], *context_));
  }
}

void RowCursor::read_partial_image(std::size_t& column) {
  PartialBits diffs(reader_, columns_);
  BitReader nulls(reader_.bytes(after_null_bytes_));
  for (column = 0; column < columns_.size(); ++column) {
    const bool is_diff = diffs.next(columns_[column]);
    if (!bit(event_->after_columns(), column)) continue;
    Value& value = context_->after[column];
    if (nulls.next())
      value = Value::of_null();
    else
      value = is_diff ? apply_diffs(column) : decode_value(reader_, columns_[column], *context_);
  }
}

Value RowCursor::apply_diffs(std::size_t column) {
  const ByteView diffs = read_diffs(reader_);
  if (context_->before[column].is_absent())
    throw ConfigError(
        "a partial update of a JSON document that the before image lacks: with "
        "binlog_row_value_options=PARTIAL_JSON, binlog_row_image has to be FULL");
  if (context_->before[column].is_null()) reader_.fail("partial update of a document that is NULL");
  return json_value(context_->documents[column], &diffs, *context_);
}

std::uint64_t count_rows(const RowsEvent& event, std::span<const Column> columns) {
  check_columns(event, columns);
  const ByteView before = event.before_columns(), after = event.after_columns();
  const std::size_t before_nulls = has_before(event) ? null_bitmap_size(before, columns.size()) : 0;
  const std::size_t after_nulls = has_after(event) ? null_bitmap_size(after, columns.size()) : 0;
  ByteReader reader = event.rows();
  std::uint64_t rows = 0;
  std::size_t column = 0;
  try {
    for (; !reader.at_end(); ++rows) {
      const std::size_t start = reader.offset();
      if (has_before(event)) skip_image(reader, before, before_nulls, columns, column);
      if (event.is_partial())
        skip_partial_image(reader, after, after_nulls, columns, column);
      else if (has_after(event))
        skip_image(reader, after, after_nulls, columns, column);
      if (reader.offset() == start) reader.fail("no column in it");
    }
  } catch (Error& error) {
    error.add_context(place(rows + 1, column, columns));
    throw;
  }
  return rows;
}

}  // namespace cdc
