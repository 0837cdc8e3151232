// SPDX-License-Identifier: Apache-2.0
// Partial updates of JSON columns (binlog_row_value_options=PARTIAL_JSON): a list of changes, each an operation, a
// path and a binary value, to be applied to the document of the before image (sql-common/json_diff.h).
#pragma once

#include "common/base/buffer.hpp"
#include "common/base/bytes.hpp"

namespace cdc {

// Appends the text of `document` (binary JSON) as it is after `diffs`, the bytes of a PARTIAL_UPDATE_ROWS column
// behind their length. Only containers on the changes' paths are taken apart. DecodeError when either is
// malformed or a path does not lead where its operation needs it to.
void append_json_patched(OutBuffer& out, ByteView document, ByteView diffs);

}  // namespace cdc
