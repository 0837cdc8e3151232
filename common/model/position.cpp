// SPDX-License-Identifier: Apache-2.0
#include "common/model/position.hpp"

#include <algorithm>

namespace cdc {

namespace {

// The digits behind the last dot without leading zeros, "" when there are none. Compared as text, so that no
// number is too long.
std::string_view file_number(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == name.size()) return {};
  std::string_view digits = name.substr(dot + 1);
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return {};
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return digits;
}

template <typename Mode>
struct ModeName {
  std::string_view text;
  Mode mode;
};

constexpr ModeName<StartupMode> kStartupModes[] = {{"initial", StartupMode::initial},
                                                   {"earliest", StartupMode::earliest},
                                                   {"latest", StartupMode::latest},
                                                   {"specific", StartupMode::specific},
                                                   {"timestamp", StartupMode::timestamp}};
constexpr ModeName<StopMode> kStopModes[] = {{"never", StopMode::never},
                                             {"latest", StopMode::latest},
                                             {"specific", StopMode::specific},
                                             {"timestamp", StopMode::timestamp}};

template <typename Mode, std::size_t N>
std::optional<Mode> find_mode(const ModeName<Mode> (&modes)[N], std::string_view text) {
  const auto* const found =
      std::find_if(std::begin(modes), std::end(modes), [&](const auto& mode) { return mode.text == text; });
  if (found == std::end(modes)) return std::nullopt;
  return found->mode;
}

}  // namespace

int compare_binlog_names(std::string_view a, std::string_view b) {
  const std::string_view number_a = file_number(a), number_b = file_number(b);
  if (number_a.size() != number_b.size()) return number_a.size() < number_b.size() ? -1 : 1;
  if (const int order = number_a.compare(number_b)) return order;
  return a.compare(b);
}

std::weak_ordering BinlogPosition::operator<=>(const BinlogPosition& other) const {
  if (const int order = compare_binlog_names(file, other.file)) return order <=> 0;
  return pos <=> other.pos;
}

std::string BinlogPosition::text() const {
  return file + ":" + std::to_string(pos);
}

std::optional<StartupMode> parse_startup_mode(std::string_view text) {
  return find_mode(kStartupModes, text);
}
std::optional<StopMode> parse_stop_mode(std::string_view text) {
  return find_mode(kStopModes, text);
}

}  // namespace cdc
