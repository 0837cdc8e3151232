// SPDX-License-Identifier: Apache-2.0
// Binary JSON (sql-common/json_binary.h) to the text that the server prints for the column: ", " and ": "
// between parts, members in stored order. The document is read in place; nesting is limited to 100 as on the
// server, and no offset or count in it is trusted.
#pragma once

#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/bytes.hpp"

namespace cdc {

// Appends the text of `document` (a JSON column's bytes; empty means null, as on the server). DecodeError, with
// an unfinished text left in `out`, when it is malformed.
void append_json_binary(OutBuffer& out, ByteView document);

// Appends the text of `document` after `diffs` were applied to it: the bytes of a PARTIAL_UPDATE_ROWS column behind their
// length (sql/json_diff.h). DecodeError when either is malformed or a path does not lead anywhere.
void append_json_patched(OutBuffer& out, ByteView document, ByteView diffs);

}  // namespace cdc
