// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/filter.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace cdc::tail {

namespace {

// "a.b.c" at the dots that no backslash quotes, into at most `parts` (a last one keeps its dots).
std::vector<std::string> split_rule(std::string_view rule, std::size_t parts) {
  std::vector<std::string> found(1);
  for (std::size_t i = 0; i < rule.size(); ++i) {
    if (rule[i] == '.' && found.size() < parts) {
      found.emplace_back();
      continue;
    }
    if (rule[i] == '\\' && i + 1 < rule.size()) found.back().push_back(rule[i++]);
    found.back().push_back(rule[i]);
  }
  return found;
}

void append_rules(OutBuffer& out, std::string_view name, std::vector<std::string> rules) {
  std::sort(rules.begin(), rules.end());
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  append_json_string(out, name);
  out.append(":[");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (i > 0) out.append(',');
    append_json_string(out, rules[i]);
  }
  out.append("],");
}

}  // namespace

bool is_shadow_table(std::string_view table) {
  constexpr std::array<std::string_view, 5> kEndings{"_gho", "_ghc", "_del", "_new", "_old"};
  return table.size() > 5 && table.front() == '_' &&
         std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view end) { return table.ends_with(end); });
}

TableFilter::TableFilter(const FilterRules& rules)
    : rules_(rules),
      include_(parse(rules.tables, "--table", 2)),
      exclude_(parse(rules.exclude_tables, "--exclude-table", 2)),
      exclude_columns_(parse(rules.exclude_columns, "--exclude-column", 3)) {}

std::vector<TableFilter::Glob> TableFilter::parse(const std::vector<std::string>& rules, const char* option,
                                                  std::size_t parts) {
  std::vector<Glob> globs;
  for (const std::string& rule : rules) {
    std::vector<std::string> part = split_rule(rule, parts);
    if (part.size() != parts ||
        std::any_of(part.begin(), part.end(), [](auto& text) { return text.empty(); })) {
      throw UsageError(std::string(option) + " wants " + (parts == 2 ? "DB.TABLE" : "DB.TABLE.COLUMN") +
                       ", not '" + rule + "'");
    }
    part.resize(3);
    globs.push_back({std::move(part[0]), std::move(part[1]), std::move(part[2])});
  }
  return globs;
}

bool TableFilter::Glob::matches(const TableName& name) const {
  return glob_match(db, name.db) && glob_match(table, name.table);
}

bool TableFilter::captures(const TableName& name) const {
  const auto matches = [&](const Glob& glob) { return glob.matches(name); };
  if (!include_.empty() && std::none_of(include_.begin(), include_.end(), matches)) return false;
  if (std::any_of(exclude_.begin(), exclude_.end(), matches)) return false;
  return rules_.shadow_tables || !is_shadow_table(name.table);
}

// Of a name as a statement has it: rows events may have it in lower case.
bool TableFilter::captures_written(const TableName& name) const {
  return captures(name) || (case_ignored_ && captures({lower_ascii(name.db), lower_ascii(name.table)}));
}

bool TableFilter::may_capture_in(std::string_view db) const {
  if (include_.empty()) return true;
  return std::any_of(include_.begin(), include_.end(), [&](const Glob& glob) {
    return glob_match(glob.db, db) || (case_ignored_ && glob_match(glob.db, lower_ascii(db)));
  });
}

bool TableFilter::may_change(const std::optional<std::vector<TableName>>& tables,
                             const std::vector<std::string>& databases) const {
  if (!tables && databases.empty()) return true;
  const auto is_captured = [&](const TableName& name) { return captures_written(name); };
  if (tables && std::any_of(tables->begin(), tables->end(), is_captured)) return true;
  // Where it changes tables that it does not name, by triggers and functions.
  return std::any_of(databases.begin(), databases.end(), [&](const std::string& db) {
    const auto is_in = [&](const TableName& name) { return lower_ascii(name.db) == lower_ascii(db); };
    return may_capture_in(db) && !(tables && std::any_of(tables->begin(), tables->end(), is_in));
  });
}

bool TableFilter::concerns(const DdlInfo& ddl) const {
  if (!ddl.database.empty()) return may_capture_in(ddl.database);
  if (!ddl.tables) return true;
  if (ddl.ddl_class == DdlClass::other && ddl.tables->empty()) return true;  // of no table: a user, a view
  return std::any_of(ddl.tables->begin(), ddl.tables->end(),
                     [&](const TableName& name) { return captures_written(name); });
}

std::shared_ptr<const TableSchema> TableFilter::apply(std::shared_ptr<const TableSchema> schema) const {
  std::shared_ptr<TableSchema> copy;
  for (const Glob& glob : exclude_columns_) {
    if (!glob.matches(schema->name)) continue;
    for (std::size_t i = 0; i < schema->columns.size(); ++i) {
      if (!glob_match(glob.column, schema->columns[i].name)) continue;
      if (!copy) copy = std::make_shared<TableSchema>(*schema);
      copy->columns[i].excluded = true;
    }
  }
  if (copy) return copy;
  return schema;
}

std::string TableFilter::canonical() const {
  OutBuffer out(256);
  out.append('{');
  append_rules(out, "tables", rules_.tables);
  append_rules(out, "exclude_tables", rules_.exclude_tables);
  append_rules(out, "exclude_columns", rules_.exclude_columns);
  out.append(rules_.shadow_tables ? "\"shadow_tables\":true}" : "\"shadow_tables\":false}");
  return std::string(out.view());
}

}  // namespace cdc::tail
