// SPDX-License-Identifier: Apache-2.0
// One column's value out of a row image of a rows event: the only switch on column type. Covers MySQL 5.6 to
// 9.7 (the temporals of before 5.6 included) and MariaDB 10.11. Values are views: of the event's bytes, of the
// context's Arena where something had to be converted, of the column's labels. They live until any of these goes.
#pragma once

#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/bytes.hpp"
#include "common/binlog/charset.hpp"
#include "common/model/schema.hpp"
#include "common/model/value.hpp"

namespace cdc {

// What decoding needs beside the bytes: policy and reusable memory. One per thread, kept over many events.
struct DecodeContext {
  explicit DecodeContext(BadText bad_text = BadText::refuse) : text(bad_text) {}

  Arena arena;  // reset by RowCursor before each row
  TextDecoder text;
  OutBuffer scratch;                 // of the JSON printer
  std::vector<Value> before, after;  // the row that RowCursor decoded last
  std::vector<ByteView> documents;   // binary JSON of the before image, by column; partial updates only
};

// The value of a column that is present and not NULL; `reader` ends up behind it. What SELECT prints is the
// measure: BINARY(n) is padded with zero bytes, CHAR has no trailing blanks, ENUM index 0 is "", a zero TIMESTAMP
// is a zero DATETIME. Character columns of unknown collation (0) are Kind::bytes; ENUM and SET without labels
// are their number; an empty geometry (of a non-strict server) is empty Kind::bytes. MariaDB's INET4, INET6 and
// UUID are known by Column::type_text, the table map calls them BINARY.
// DecodeError when the bytes are not what the type says, DataError when text cannot be converted or the type is
// one that the server never sends in a row (TYPED_ARRAY, the DECIMAL of before 5.0).
Value decode_value(ByteReader& reader, const Column& column, DecodeContext& context);

// Passes over the value that decode_value() would read, with its errors about lengths and types only.
void skip_value(ByteReader& reader, const Column& column);

// The bytes of a BLOB, JSON, GEOMETRY or VECTOR, behind their length; `reader` ends up behind them.
ByteView read_blob(ByteReader& reader, const Column& column);

// The text of `document`, a JSON column's bytes, or of what `diffs` make of it when given.
Value json_value(ByteView document, const ByteView* diffs, DecodeContext& context);

}  // namespace cdc
