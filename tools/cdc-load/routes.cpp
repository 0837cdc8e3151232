// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/routes.hpp"

#include <algorithm>
#include <optional>

#include "common/base/error.hpp"

namespace cdc::load {
namespace {

// What the * of `pattern` stands for in `text`, "" without a *; nullopt when it does not match.
std::optional<std::string_view> match(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text ? std::optional<std::string_view>("") : std::nullopt;
  const std::string_view head = pattern.substr(0, star), tail = pattern.substr(star + 1);
  if (text.size() < head.size() + tail.size() || !text.starts_with(head) || !text.ends_with(tail)) return std::nullopt;
  return text.substr(head.size(), text.size() - head.size() - tail.size());
}

std::string fill(std::string pattern, std::string_view star) {
  const std::size_t at = pattern.find('*');
  return at == std::string::npos ? pattern : pattern.replace(at, 1, star);
}

}  // namespace

void Routes::add(std::string_view text) {
  const auto malformed = [&] {
    return UsageError("--map: not of the form SRC_DB.TABLE:DST_DB.TABLE: " + std::string(text));
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) throw malformed();
  const auto table_name = [&](std::string_view part) {
    const std::size_t dot = part.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == part.size()) throw malformed();
    TableName name{std::string(part.substr(0, dot)), std::string(part.substr(dot + 1))};
    for (const std::string& half : {name.db, name.table})
      if (std::count(half.begin(), half.end(), '*') > 1) throw malformed();
    return name;
  };
  Rule rule{std::string(text), table_name(text.substr(0, colon)), table_name(text.substr(colon + 1))};
  const auto lacks = [](const std::string& from, const std::string& to) {
    return to.find('*') != std::string::npos && from.find('*') == std::string::npos;
  };
  if (lacks(rule.from.db, rule.to.db) || lacks(rule.from.table, rule.to.table))
    throw UsageError("--map: a * of the destination has none in the source: " + rule.text);
  rules_.push_back(std::move(rule));
}

TableName Routes::target(const TableName& source) const {
  for (const Rule& rule : rules_) {
    const auto db = match(rule.from.db, source.db), table = match(rule.from.table, source.table);
    if (db && table) return {fill(rule.to.db, *db), fill(rule.to.table, *table)};
  }
  return source;
}

std::string Routes::text() const {
  std::string all;
  for (const Rule& rule : rules_) all += (all.empty() ? "" : " ") + rule.text;
  return all;
}

}  // namespace cdc::load
