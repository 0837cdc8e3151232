// SPDX-License-Identifier: Apache-2.0
// RowScanner: reads lines of the one form that NativeWriter gives them, members in its order and no blanks, in a single
// pass. What it takes means what a JSON parser would make of it; anything else, be it wrong or only written differently,
// it leaves to RecordReader's parser. Rows of one event share all but their kind, number and data, byte for byte, so that
// this head is taken apart once and then compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/json/record_reader.hpp"

namespace cdc {

class RowScanner {
 public:
  // `line` is without its newline, which must be there, with LineCursor::kPadding bytes behind it. True: `view` is the line's, its
  // `db`, `table` and `gtid` valid until the next true, its other views as long as the line. Of records that are no rows
  // only the kind is known, not that the rest is well-formed. False: only the view's fields have changed.
  bool scan(std::string_view line, RecordView& view);

 private:
  // All from "db" to the number behind "seq".
  struct Head {
    std::string_view text, db, table;
    std::optional<std::string_view> gtid;
    std::uint64_t pos = 0;
  };
  bool scan_row(const char* at, RecordKind kind, std::string_view line, RecordView& view);
  void keep(Head head);

  std::string text_;  // of head_
  Head head_;
};

}  // namespace cdc
