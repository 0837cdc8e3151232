// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kRequirements{{
    {"gtid", "settings.gtid_mode"},
    {"row-format", "settings.binlog_format"},
    {"full-image", "settings.row_image"},
    {"full-metadata", "settings.row_metadata"},
    {"no-partial-json", "settings.row_value_options"},
    {"checksum", "settings.checksum"},
    {"durability", "settings.durability"},
    {"strict-dates", "settings.sql_mode"},
    {"tls", "server.tls"},
}};

std::string_view check_of(std::string_view requirement) {
  for (const auto& [name, id] : kRequirements)
    if (name == requirement) return id;
  return requirement.find('.') == std::string_view::npos ? std::string_view() : requirement;
}

}  // namespace

void require_known(const std::vector<std::string>& lists) {
  for (const std::string& list : lists)
    for (const std::string_view name : split(list, ','))
      if (check_of(trim(name)).empty()) {
        std::string known;
        for (const auto& requirement : kRequirements) known += std::string(requirement.first) + ", ";
        throw UsageError("--require: '" + std::string(name) + "' is none of " + known +
                         "or the id of a check");
      }
}

void raise_required(const std::vector<std::string>& lists, Results& results) {
  for (const std::string& list : lists) {
    for (const std::string_view name : split(list, ',')) {
      const std::string_view id = check_of(trim(name));
      const auto found =
          std::find_if(results.begin(), results.end(), [&](const auto& r) { return r.id == id; });
      if (found == results.end())
        throw UsageError("--require: no check has the id '" + std::string(id) + "'");
      if (found->status == Status::ok || found->status == Status::critical) continue;
      found->status = Status::critical;
      found->message += " (required)";
    }
  }
}

}  // namespace cdc::check
