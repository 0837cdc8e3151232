// SPDX-License-Identifier: Apache-2.0
// The checks, in groups that share what they look at. Each group is a list of small functions from the same
// facts to one result each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/cdc-check/check.hpp"
#include "tools/cdc-check/facts.hpp"
#include "tools/cdc-check/metrics.hpp"
#include "tools/cdc-check/position_facts.hpp"
#include "tools/cdc-check/prediction.hpp"
#include "tools/cdc-check/table_facts.hpp"

namespace cdc::check {

struct CheckInput {
  const ServerFacts& server;
  const PositionFacts& position;
  const Metrics& metrics;
  const TablesFacts& tables;
  Consumer consumer = Consumer::generic;
  std::optional<std::string> expected_uuid;     // --expect-server-uuid
  std::optional<std::string> reader_time_zone;  // that the connector's configuration names for the server
  std::uint32_t reader_server_id = 0;           // --server-id, 0 when random
  std::int64_t warn_headroom_s = 24 * 3600, crit_headroom_s = 4 * 3600;
};

using Check = CheckResult (*)(const CheckInput&);

Results server_checks(const CheckInput& input);        // server.*, access.*
Results setting_checks(const CheckInput& input);       // settings.*
Results position_checks(const CheckInput& input);      // position.*, gtid.*
Results retention_checks(const CheckInput& input);     // retention.*, source.*
CheckResult check_time_zone(const CheckInput& input);  // settings.time_zone
CheckResult check_xa(const CheckInput& input);         // position.xa
Results table_checks(const CheckInput& input);         // table.*
Results forecast_checks(const CheckInput& input);      // start, restart

// All of them in the order of the report.
Results run_checks(const CheckInput& input);

// --require: comma-separated names or ids of checks. UsageError names those that are unknown.
void require_known(const std::vector<std::string>& lists);
// Makes every required check that is not OK critical.
void raise_required(const std::vector<std::string>& lists, Results& results);

// The statement that changes a global variable for good, in the words of the server's version.
std::string set_variable(const ServerVersion& version, const std::string& name, const std::string& value);

// A set for a line of text: as it is, or cut with the number of transactions.
std::string brief(const GtidSet& set);
// "1 transaction", "129,314 transactions".
std::string transactions(const GtidSet& set);
// "3,145,728", and "756 MiB".
std::string grouped(std::uint64_t number);
std::string bytes_text(std::uint64_t bytes);

}  // namespace cdc::check
