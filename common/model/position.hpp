// SPDX-License-Identifier: Apache-2.0
// Places in a server's history: a byte in a binlog file, and what to start or stop at.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/gtid.hpp"

namespace cdc {

// `file` as in SHOW BINARY LOGS (no directory); `pos` bytes from the start of the file, 4 = the first event.
struct BinlogPosition {
  std::string file;
  std::uint64_t pos = 0;

  bool operator==(const BinlogPosition&) const = default;
  // The order of compare_binlog_names(), then of offsets.
  std::weak_ordering operator<=>(const BinlogPosition& other) const;
  std::string text() const;  // "binlog.000042:1193"
};

// < 0, 0, > 0: the order of two binlog file names of one server, by the number behind the last dot (binlog.1000000 is
// after binlog.999999), then by name. Names without a number come first.
int compare_binlog_names(std::string_view a, std::string_view b);

enum class StartupMode { initial, earliest, latest, specific, timestamp };
enum class StopMode { never, latest, specific, timestamp };

std::optional<StartupMode> parse_startup_mode(std::string_view text);
std::optional<StopMode> parse_stop_mode(std::string_view text);

// Where to start, as the user said it. `specific` has exactly one of position and gtid_set, or both, which must then agree.
struct StartPoint {
  StartupMode mode = StartupMode::latest;
  std::optional<BinlogPosition> position;
  std::optional<GtidSet> gtid_set;  // the transactions already processed
  std::optional<std::int64_t> timestamp_ms;
};

// Where to stop; always on the first transaction boundary at or behind it.
struct StopPoint {
  StopMode mode = StopMode::never;
  std::optional<BinlogPosition> position;
  std::optional<GtidSet> gtid_set;  // stop once all of these have been read
  std::optional<std::int64_t> timestamp_ms;
};

}  // namespace cdc
