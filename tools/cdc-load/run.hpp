// SPDX-License-Identifier: Apache-2.0
// The work of cdc-load: reads the inputs, loads, keeps the checkpoint.
#pragma once

#include "common/cli/app.hpp"
#include "tools/cdc-load/options.hpp"

namespace cdc::load {

// The exit status. Ends the process by the signal on INT and TERM, at once: what is not durable comes again.
int run(const LoadOptions& options, const App& app);

}  // namespace cdc::load
