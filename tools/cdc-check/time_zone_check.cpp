// SPDX-License-Identifier: Apache-2.0
// settings.time_zone: whether the reader takes the server for where it is. DATETIME columns have no zone, so
// that nothing tells a wrong one later but wrong times.
#include <cstdlib>

#include "common/base/error.hpp"
#include "common/base/time_zone.hpp"
#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

constexpr const char* kId = "settings.time_zone";

// "+05:30"
std::string offset_text(std::int64_t seconds) {
  const std::int64_t minutes = std::abs(seconds) / 60;
  const auto two = [](std::int64_t number) { return std::to_string(100 + number).substr(1); };
  return (seconds < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60);
}

UtcOffset offset_of(const TimeZone& zone, std::int64_t now_s) {
  const auto at = [&](std::int64_t time) { return seconds_from_civil(zone.local(time)) - time; };
  return {at(now_s), at(now_s + kHalfAYear)};
}

// The name that the reader's configuration has for it, and what it takes when it is not told: the default of
// SeaTunnel's option is UTC, Flink takes its machine's zone, Debezium asks the server.
std::string option_of(Consumer consumer) {
  if (consumer == Consumer::debezium) return "database.connectionTimeZone";
  return "server-time-zone";
}

}  // namespace

CheckResult check_time_zone(const CheckInput& in) {
  const std::string zone = in.server.variable({"time_zone"}).value_or("?");
  const std::string system = in.server.variable({"system_time_zone"}).value_or("?");
  std::string text = "time_zone " + zone + (zone == "SYSTEM" ? " (" + system + ")" : "");
  if (!in.server.utc_offset)
    return {kId, Status::skipped, text + ", its offset: " + in.server.utc_offset.refusal, ""};
  const UtcOffset server = *in.server.utc_offset;
  text += ", now " + offset_text(server.now_s);
  const bool told = in.reader_time_zone.has_value();
  if (!told && in.consumer == Consumer::flink && server.now_s != 0)
    return {kId, Status::note, text + "; Flink takes the zone of its own machine unless it is told",
            "server-time-zone: '" + (zone == "SYSTEM" ? offset_text(server.now_s) : zone) + "'"};
  if (!told && in.consumer != Consumer::seatunnel) return {kId, Status::ok, text, ""};
  const std::string name = in.reader_time_zone.value_or("UTC");
  try {
    const UtcOffset reader = offset_of(TimeZone(name), in.server.now_ms / 1000);
    if (reader == server) return {kId, Status::ok, text + ", as the reader has it (" + name + ")", ""};
    return {kId, Status::warning,
            text + ", and " + name + (told ? "" : " by default") + " for the reader, " +
                offset_text(reader.now_s) + (reader.now_s == server.now_s ? " but not in half a year" : "") +
                ": times will be off",
            option_of(in.consumer) + (in.consumer == Consumer::seatunnel ? " = \"" : ": \"") +
                (zone == "SYSTEM" ? offset_text(server.now_s) : zone) + "\""};
  } catch (const UsageError&) {
    return {kId, Status::skipped, text + "; the reader's " + name + " is no zone that is known here", ""};
  }
}

}  // namespace cdc::check
