// SPDX-License-Identifier: Apache-2.0
// The work of cdc-tail: connect the source, feed the pipeline, write out, reconnect, and end with an `end`
// record whatever happens.
#pragma once

#include "common/base/log.hpp"
#include "tools/cdc-tail/options.hpp"

namespace cdc::tail {

// Returns 0, throws an Error, or ends the process by a signal.
int run(const Options& options, const Log& log);

}  // namespace cdc::tail
