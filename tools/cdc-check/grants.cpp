// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include "common/base/text.hpp"
#include "tools/cdc-check/facts.hpp"

namespace cdc::check {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

// The privileges in front of ON: "SELECT (`id`, `b`), INSERT" → SELECT (of columns: left out), INSERT.
std::set<std::string> parse_privileges(std::string_view list) {
  std::set<std::string> privileges;
  int depth = 0;
  bool of_columns = false;
  std::string word;
  const auto finish = [&] {
    const std::string_view name = trim(word);
    if (!name.empty() && !of_columns) privileges.insert(upper(name));
    word.clear();
    of_columns = false;
  };
  for (const char c : list) {
    if (c == '(') ++depth, of_columns = true;
    if (depth == 0 && c == ',') {
      finish();
    } else if (depth == 0) {
      word += c;
    }
    if (c == ')') --depth;
  }
  finish();
  return privileges;
}

// A quoted or bare identifier at the start of `text`, which is then cut off.
std::string take_name(std::string_view& text) {
  std::string name;
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '`' && quote != '"' && quote != '\'') {
    const std::size_t end = std::min(text.find_first_of(". "), text.size());
    name = text.substr(0, end);
    text.remove_prefix(end);
    return name;
  }
  std::size_t i = 1;
  for (; i < text.size(); ++i) {
    if (text[i] == quote) {
      if (i + 1 >= text.size() || text[i + 1] != quote) break;
      ++i;
    }
    name += text[i];
  }
  text.remove_prefix(std::min(i + 1, text.size()));
  return name;
}

// MySQL's LIKE patterns of database names in grants, as a glob.
std::string as_glob(std::string_view pattern) {
  std::string glob;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      glob += '\\';
      glob += pattern[++i];
    } else if (pattern[i] == '%') {
      glob += '*';
    } else if (pattern[i] == '_') {
      glob += '?';
    } else {
      if (pattern[i] == '*' || pattern[i] == '?' || pattern[i] == '[') glob += '\\';
      glob += pattern[i];
    }
  }
  return glob;
}

void parse_line(std::string_view line, Grants& grants) {
  constexpr std::string_view kGrant = "GRANT ", kOn = " ON ", kTo = " TO ";
  if (!line.starts_with(kGrant)) return;  // REVOKE of partial revokes: the server's refusals tell
  line.remove_prefix(kGrant.size());
  const std::size_t to = line.rfind(kTo);
  const std::size_t on = line.rfind(kOn, to);
  if (to == std::string_view::npos) return;
  if (on == std::string_view::npos) {  // GRANT `role`@`%`, `other`@`%` TO …
    for (const std::string_view role : split(line.substr(0, to), ',')) grants.roles.emplace_back(trim(role));
    return;
  }
  std::set<std::string> privileges = parse_privileges(line.substr(0, on));
  std::string_view scope = line.substr(on + kOn.size(), to - on - kOn.size());
  if (scope.starts_with("PROCEDURE ") || scope.starts_with("FUNCTION ") || privileges.contains("PROXY"))
    return;
  if (scope == "*.*") {
    grants.global.merge(privileges);
    return;
  }
  std::string db = take_name(scope);
  if (!scope.empty()) scope.remove_prefix(1);
  grants.scoped.push_back({std::move(db), take_name(scope), std::move(privileges)});
}

bool selects(const std::set<std::string>& privileges) {
  return privileges.contains("SELECT") || privileges.contains("ALL PRIVILEGES") || privileges.contains("ALL");
}

}  // namespace

Grants parse_grants(const std::vector<std::string>& lines) {
  Grants grants;
  grants.lines = lines;
  for (const std::string& line : lines) parse_line(line, grants);
  return grants;
}

bool Grants::has(std::string_view privilege) const {
  return global.contains(std::string(privilege)) || global.contains("ALL PRIVILEGES") ||
         global.contains("ALL");
}

bool Grants::may_select(std::string_view db, std::string_view table) const {
  if (selects(global)) return true;
  return std::any_of(scoped.begin(), scoped.end(), [&](const Scope& scope) {
    return selects(scope.privileges) && glob_match(as_glob(scope.db), db) &&
           (scope.table == "*" || scope.table == table);
  });
}

}  // namespace cdc::check
