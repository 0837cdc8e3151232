// SPDX-License-Identifier: Apache-2.0
#include "common/base/time_zone.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"

namespace cdc {

namespace {
constexpr std::int64_t kDay = 86400;
}

CivilTime civil_from_seconds(std::int64_t seconds_since_epoch) {
  std::int64_t days = seconds_since_epoch / kDay;
  std::int64_t rest = seconds_since_epoch % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  const auto seconds = static_cast<std::uint32_t>(rest);
  return {static_cast<int>(date.year()),
          static_cast<std::uint8_t>(static_cast<unsigned>(date.month())),
          static_cast<std::uint8_t>(static_cast<unsigned>(date.day())),
          static_cast<std::uint8_t>(seconds / 3600),
          static_cast<std::uint8_t>(seconds / 60 % 60),
          static_cast<std::uint8_t>(seconds % 60)};
}

std::int64_t seconds_from_civil(const CivilTime& civil) {
  const std::chrono::sys_days date{std::chrono::year{civil.year} / civil.month / civil.day};
  return std::int64_t{date.time_since_epoch().count()} * kDay + civil.hour * 3600 + civil.minute * 60 +
         civil.second;
}

namespace {

// "+H:MM" or "+HH:MM" → seconds; nullopt when it does not look like an offset. Range of MySQL's time_zone.
std::optional<std::int32_t> parse_offset(std::string_view text) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const bool negative = text[0] == '-';
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon > 3 || text.size() - colon != 3) return std::nullopt;
  const auto hours = parse_uint(text.substr(1, colon - 1));
  const auto minutes = parse_uint(text.substr(colon + 1));
  if (!hours || !minutes || *minutes > 59) return std::nullopt;
  const auto total = static_cast<std::int32_t>(*hours * 60 + *minutes);
  if (total > (negative ? 13 * 60 + 59 : 14 * 60)) return std::nullopt;
  return (negative ? -total : total) * 60;
}

std::string offset_text(std::int32_t offset) {
  const int minutes = std::abs(offset) / 60;
  char text[16];
  std::snprintf(text, sizeof text, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return text;
}

// Whether the name stays inside the database's directory.
bool is_zone_name(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find("..") != std::string_view::npos) return false;
  return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/.") ==
         std::string_view::npos;
}

std::shared_ptr<const ZoneFile> load_zone(std::string_view name) {
  const char* const configured = std::getenv("TZDIR");
  const std::string directory = configured != nullptr ? configured : "/usr/share/zoneinfo";
  const std::string complaint = "time zone '" + std::string(name) + "': ";
  if (!is_zone_name(name)) throw UsageError(complaint + "neither an offset such as +08:00 nor a zone name");
  try {
    const std::string content = read_file(directory + "/" + std::string(name), 1 << 20);
    return std::make_shared<const ZoneFile>(as_bytes(content));
  } catch (const Error& error) {
    throw UsageError(complaint + error.message());
  }
}

}  // namespace

TimeZone::TimeZone(std::string_view text) {
  const std::string lower = lower_ascii(text);
  if (lower == "utc" || lower == "z") return;
  if (const std::optional<std::int32_t> offset = parse_offset(text)) {
    name_ = offset_text(*offset);
    span_.offset = *offset;
    return;
  }
  zone_ = load_zone(text);
  name_ = text;
  span_ = zone_->at(0);
}

}  // namespace cdc
