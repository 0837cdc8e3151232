// SPDX-License-Identifier: Apache-2.0
// TimeZone: UTC seconds to local civil time, for TIMESTAMP columns. A fixed offset ("+00:00", "-05:30") or
// a name of the system's zone database. Copyable; conversions cache the last quarter of an hour, because rows of one transaction are close together.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cdc {

struct CivilTime {
  std::int32_t year;
  std::uint8_t month, day, hour, minute, second;
};

// Proleptic Gregorian calendar, any sign.
CivilTime civil_from_seconds(std::int64_t seconds_since_epoch);
std::int64_t seconds_from_civil(const CivilTime& civil);

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  // "+HH:MM", "-HH:MM", "UTC", or a zone name; UsageError when it is neither.
  explicit TimeZone(std::string_view text);

  // As the user gave it; a UTC spelling is normalised to "+00:00".
  const std::string& name() const { return name_; }
  CivilTime local(std::int64_t utc_seconds) const;

 private:
  std::int32_t offset_at(std::int64_t utc_seconds) const;

  std::string name_ = "+00:00";
  std::int32_t fixed_offset_ = 0;
  bool named_ = false;
  mutable std::int64_t cached_quarter_ = INT64_MIN;
  mutable std::int32_t cached_offset_ = 0;
};

}  // namespace cdc
