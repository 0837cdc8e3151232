// SPDX-License-Identifier: Apache-2.0
// What cdc-check leaves for others: the position file of cdc-tail and cdc-load.
#pragma once

#include <string>

#include "tools/cdc-check/facts.hpp"
#include "tools/cdc-check/position_facts.hpp"

namespace cdc::check {

// Makes the checkpoint file `path` at the position. It must not exist: it may hold loads in flight.
// RefusedError when no start from the position is possible; UsageError when the file exists or there is no
// position; IoError.
void write_checkpoint(const std::string& path, const ServerFacts& server, const PositionFacts& position);

}  // namespace cdc::check
