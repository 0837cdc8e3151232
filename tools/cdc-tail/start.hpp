// SPDX-License-Identifier: Apache-2.0
// From what the user asked for to a place in the log: where to start, with the complete set of executed
// transactions there, and where to stop. What the server would refuse or, worse, accept wrongly is refused
// here, with the place to use.
#pragma once

#include <optional>

#include "common/model/checkpoint.hpp"
#include "common/mysql/binlog_stream.hpp"
#include "common/mysql/server.hpp"
#include "common/mysql/wait_hook.hpp"
#include "tools/cdc-tail/options.hpp"
#include "tools/cdc-tail/pipeline.hpp"

namespace cdc::tail {

struct Plan {
  Start start;
  StopPoint stop;
};

// `checkpoint` wins over options.start. RefusedError (69) when the position cannot be started from. The hook is for
// reading the log, see PositionFinder.
Plan plan_from_server(Server& server, const Options& options, const std::optional<Checkpoint>& checkpoint,
                      const WaitHook& wait);
Plan plan_from_files(const Options& options, const std::optional<Checkpoint>& checkpoint);

// The dump that goes on behind `executed`, or without GTIDs from `boundary`.
DumpRequest dump_request(const Options& options, const GtidSet* executed, const BinlogPosition& boundary);

// To the host that answered, and not to the next of a list.
ConnectOptions at_address(ConnectOptions options, const ServerAddress& address);

// ConfigError when the server writes no log.
BinlogEnd end_of_log(Server& server);

// RefusedError when the server has purged transactions that the set lacks; says which set to use instead.
void require_not_purged(Server& server, const GtidSet& executed);

// What the set has and the server has not. The server itself looks only at transactions of its own UUID, and
// would send everything else again, or nothing for a while, without a word.
GtidSet unknown_to(Server& server, const GtidSet& executed);

// Whether a stream that was read up to `executed` (nullptr: without GTIDs) can go on from this server, which may be
// another one than before. RefusedError when it cannot; a replica that is behind may catch up: transient ServerError.
void check_successor(Server& server, const GtidSet* executed, bool is_another);

}  // namespace cdc::tail
