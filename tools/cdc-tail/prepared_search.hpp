// SPDX-License-Identifier: Apache-2.0
// XA transactions whose XA COMMIT is in the stream and whose XA PREPARE is not: it lies before the start, or
// among what the start counts as executed. Their rows are read from where they are in the server's log.
#pragma once

#include <optional>

#include "common/mysql/server.hpp"
#include "common/mysql/wait_hook.hpp"
#include "tools/cdc-tail/prepared.hpp"

namespace cdc::tail {

// The rows of `xid`, whose XA COMMIT begins at `commit`; nullopt when the log does not have its XA PREPARE
// (any more). Reads the log backwards from there, file by file, which may take long. Needs REPLICATION CLIENT
// (MariaDB: BINLOG MONITOR). ServerError, DecodeError, and what the hook throws.
std::optional<StoredEvents> read_prepared(const XaId& xid, const BinlogPosition& commit, Server& server,
                                          const ConnectOptions& options, const WaitHook& wait);

}  // namespace cdc::tail
