// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "tools/cdc-check/checks.hpp"

namespace cdc::check {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  std::uint64_t tenths = bytes * 10;
  for (; tenths >= 10240 && unit + 1 < kUnits.size(); ++unit) tenths /= 1024;
  if (unit == 0) return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  const std::string digits = tenths >= 1000 ? std::to_string(tenths / 10)
                                            : std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
  return digits + " " + kUnits[unit];
}

std::string transactions(const GtidSet& set) {
  const std::uint64_t count = set.count();
  return grouped(count) + (count == 1 ? " transaction" : " transactions");
}

std::string brief(const GtidSet& set) {
  constexpr std::size_t kLongest = 120;
  std::string text = set.text();
  if (text.size() <= kLongest) return text.empty() ? "(empty)" : text;
  text.resize(kLongest);
  return text + "… (" + transactions(set) + ")";
}

std::string set_variable(const ServerVersion& version, const std::string& name, const std::string& value) {
  if (version.flavor != Flavor::mariadb && version.at_least(8, 0))
    return "SET PERSIST " + name + " = " + value + ";";
  return "SET GLOBAL " + name + " = " + value + "; and " + name + " = " + value + " in my.cnf";
}

Results run_checks(const CheckInput& input) {
  Results all;
  for (const auto group : {&server_checks, &setting_checks, &position_checks, &retention_checks,
                           &table_checks, &forecast_checks})
    for (CheckResult& result : group(input)) all.push_back(std::move(result));
  return all;
}

}  // namespace cdc::check
