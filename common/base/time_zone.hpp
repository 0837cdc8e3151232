// SPDX-License-Identifier: Apache-2.0
// TimeZone: UTC seconds to local civil time, for TIMESTAMP columns. A fixed offset ("+00:00", "-05:30") or
// a name of the system's zone database. Copies share the zone's data. Each object remembers the span of equal
// offset that it used last, because times of one transaction are close together: not for two threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/zone_file.hpp"

namespace cdc {

struct CivilTime {
  std::int32_t year;
  std::uint8_t month, day, hour, minute, second;
};

// Proleptic Gregorian calendar; years within +-32767.
CivilTime civil_from_seconds(std::int64_t seconds_since_epoch);
std::int64_t seconds_from_civil(const CivilTime& civil);

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  // "+HH:MM" or "-HH:MM" from -13:59 to +14:00 as MySQL has it, "UTC", or a zone name such as
  // "Europe/Berlin", looked up in $TZDIR or /usr/share/zoneinfo; UsageError when it is none of these.
  explicit TimeZone(std::string_view text);

  // As the user gave it, offsets and UTC normalised to "+HH:MM": equal names mean equal zones.
  const std::string& name() const { return name_; }
  CivilTime local(std::int64_t utc_seconds) const {
    if ((utc_seconds < span_.from || utc_seconds >= span_.until) && zone_) [[unlikely]] {
      span_ = zone_->at(utc_seconds);
    }
    return civil_from_seconds(utc_seconds + span_.offset);
  }

 private:
  std::string name_ = "+00:00";
  std::shared_ptr<const ZoneFile> zone_;  // null when the offset is fixed: the span is then all of time
  mutable OffsetSpan span_{INT64_MIN, INT64_MAX, 0};
};

}  // namespace cdc
