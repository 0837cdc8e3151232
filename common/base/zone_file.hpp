// SPDX-License-Identifier: Apache-2.0
// ZoneFile: the offsets of one zone of the system's database, read once from its compiled file (TZif, RFC
// 8536): a table of transitions and a rule for the time after the last. Read directly because the C library
// knows one zone per process, set through the environment, and GCC 12 has no std::chrono zones.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"

namespace cdc {

// UTC seconds from <= t < until lie `offset` seconds ahead of UTC.
struct OffsetSpan {
  std::int64_t from, until;
  std::int32_t offset;
};

class ZoneFile {
 public:
  // DecodeError unless the bytes are a TZif file of version 2 or later that does not count leap seconds.
  explicit ZoneFile(ByteView bytes);

  OffsetSpan at(std::int64_t utc_seconds) const;

 private:
  // One of the two changes a year of a POSIX TZ rule.
  struct YearlyChange {
    enum class Kind : std::uint8_t { julian, zero_based_day, month_week_day };
    Kind kind = Kind::julian;
    int day = 0, week = 0, month = 0;
    std::int32_t seconds = 0;  // local time of the change, from midnight of that day
    std::int64_t local_seconds(int year) const;
  };
  struct Rule {
    std::int32_t standard = 0, daylight = 0;  // offsets
    bool changes = false;                     // false: `standard` for ever
    YearlyChange to_daylight, to_standard;
    OffsetSpan at(std::int64_t utc_seconds) const;
  };
  struct Transition {
    std::int64_t at;
    std::int32_t offset;  // from then on
  };
  class RuleParser;

  std::int32_t first_offset_ = 0;  // before the first transition
  std::vector<Transition> transitions_;
  std::optional<Rule> rule_;  // from the last transition on
};

}  // namespace cdc
