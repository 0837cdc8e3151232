// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/check.hpp"

#include <array>

namespace cdc::check {

std::string_view status_text(Status status) {
  constexpr std::array<std::string_view, 5> kTexts{"ok", "note", "warning", "critical", "skipped"};
  return kTexts[static_cast<std::size_t>(status)];
}

std::string_view status_label(Status status) {
  constexpr std::array<std::string_view, 5> kLabels{"OK", "NOTE", "WARN", "CRIT", "SKIP"};
  return kLabels[static_cast<std::size_t>(status)];
}

std::string_view verdict_text(Verdict verdict) {
  constexpr std::array<std::string_view, 4> kTexts{"ok", "warning", "critical", "unknown"};
  return kTexts[static_cast<std::size_t>(verdict)];
}

Verdict worst(const Results& results) {
  Verdict verdict = Verdict::ok;
  for (const CheckResult& result : results) {
    if (result.status == Status::critical) return Verdict::critical;
    if (result.status == Status::warning) verdict = Verdict::warning;
  }
  return verdict;
}

}  // namespace cdc::check
