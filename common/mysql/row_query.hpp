// SPDX-License-Identifier: Apache-2.0
// A SELECT in the binary protocol, whose rows are handed out as they lie in the packet (ResultRow reads them):
// FLOAT keeps its bits and nothing is turned into text and back. The one file that knows how libmariadb fetches
// rows of prepared statements.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/mysql/connection.hpp"
#include "common/mysql/result_row.hpp"

namespace cdc {

// Calls `on_head` once and then `on_row` for each row (valid until it returns) until it returns false: the rest
// is then read and dropped. ServerError as Connection's; if a callback throws, the session is over.
void query_rows(Connection& connection, std::string_view sql,
                const std::function<void(const std::vector<WireShape>&)>& on_head,
                const std::function<bool(ByteView row)>& on_row);

}  // namespace cdc
