// SPDX-License-Identifier: Apache-2.0
// What the command line asks of cdc-load.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/mysql/connection.hpp"
#include "common/starrocks/compress.hpp"
#include "common/starrocks/row_plan.hpp"
#include "common/starrocks/stream_load.hpp"
#include "tools/cdc-load/routes.hpp"

namespace cdc::load {

enum class Assume { nothing, applied, absent };

struct LoadOptions {
  std::vector<std::string> inputs;  // "-" is stdin
  starrocks::Endpoint endpoint;
  Routes routes;
  starrocks::RowOptions rows;
  std::vector<ServerAddress> query_hosts;  // MySQL ports of FEs; none: trust the table records
  bool query_is_guess = false;             // nobody has named them
  bool create_tables = false, alter_tables = false;
  std::string checkpoint;  // "" = none
  std::string label_prefix = "cdc";
  std::size_t batch_rows = 500'000;
  std::uint64_t batch_bytes = std::uint64_t{64} << 20;
  std::int64_t batch_time_ms = 10'000;
  std::uint64_t memory = std::uint64_t{512} << 20;
  unsigned parallel = 4;
  unsigned max_retries = 10;
  std::int64_t load_timeout_s = 600;
  std::string dead_letter;  // "" = none
  std::size_t dead_letter_max = 1000;
  std::string report;  // "" = none
  starrocks::Compression compression = starrocks::Compression::none;
  Assume assume = Assume::nothing;
  bool accept_change = false, ignore_ddl = false, dry_run = false;
};

}  // namespace cdc::load
