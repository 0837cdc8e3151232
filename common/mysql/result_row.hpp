// SPDX-License-Identifier: Apache-2.0
// A row of a SELECT in the binary protocol to Values: the counterpart of RowCursor for an initial copy. What a
// Value is follows from the Column alone, so that a row read from a table gives the same line as the same row
// of the binlog; the wire's own types only say where a value ends. Values are views of the row's bytes, of the
// context's Arena and of the column's labels. Format: MySQL manual "Binary Protocol Resultset Row".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/binlog/value_decoder.hpp"
#include "common/model/schema.hpp"

namespace cdc {

// How a value lies in the row.
enum class WireShape : std::uint8_t { nothing, int8, int16, int32, int64, float32, float64, date, time, text };

class ResultRow {
 public:
  // `row`: the packet of one row, its header byte included; all four must outlive the use of the values.
  // `shapes`: one for each column, as the result's head tells them.
  ResultRow(ByteView row, std::span<const Column> columns, std::span<const WireShape> shapes);

  // One value for each column. DecodeError when a value is not what its column is; DataError for text as
  // decode_value(). Errors name the column. Resets the context's arena.
  std::span<const Value> decode(DecodeContext& context);

  // The column's value in the form in which a statement can name it again: the bytes of text and binary strings
  // in the column's own character set, everything else as the server prints it (UTC). The column is not NULL.
  std::string key_text(std::size_t column) const;

 private:
  bool is_null(std::size_t column) const;
  ByteReader values() const;

  ByteView row_;
  std::span<const Column> columns_;
  std::span<const WireShape> shapes_;
};

// What the result of selecting such a column must look like (ENUM and SET are selected as numbers). A wider or
// narrower integer than this is fine for ENUM and SET.
WireShape expected_shape(const Column& column);
bool is_integer(WireShape shape);

}  // namespace cdc
