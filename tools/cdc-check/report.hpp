// SPDX-License-Identifier: Apache-2.0
// What cdc-check prints: each format is a plain function from the results to text.
#pragma once

#include <optional>
#include <string>

#include "tools/cdc-check/checks.hpp"

namespace cdc::check {

struct Report {
  const CheckInput* input = nullptr;  // nullptr: the server could not be asked
  Results results;
  Verdict verdict = Verdict::unknown;
  bool first_run = false;  // the checkpoint does not exist yet
};

// For a person: one line a check, the verdict, what to do. `quiet`: only what is wrong, nothing when all is
// well.
std::string text_report(const Report& report, bool color, bool quiet);
// One JSON object and a newline.
std::string json_report(const Report& report);

// The repaired position, ready to paste, with a newline; nullopt when it is not known.
std::optional<std::string> gtid_set_text(const PositionFacts& position);
std::optional<std::string> file_pos_text(const PositionFacts& position);  // "binlog.000003 4711"

// In the option names of SeaTunnel, Flink CDC or Debezium.
std::optional<std::string> connector_text(Consumer consumer, const PositionFacts& position);

// Each question to the binlog with the bytes that it took.
std::vector<Reading> all_readings(const CheckInput& input);
// The place to start from: the position, or the newest boundary before it when it is none.
std::optional<BinlogPosition> usable_position(const PositionFacts& position);

}  // namespace cdc::check
