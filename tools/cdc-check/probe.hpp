// SPDX-License-Identifier: Apache-2.0
// --probe: opens the dump for real, as a connector would, and holds the prediction against the server's
// answer.
#pragma once

#include "common/mysql/connection.hpp"
#include "tools/cdc-check/check.hpp"
#include "tools/cdc-check/position_facts.hpp"

namespace cdc::check {

// The check "probe". Reads up to the first transaction, and no more than a few megabytes.
CheckResult probe(const ConnectOptions& options, const PositionFacts& position);

}  // namespace cdc::check
