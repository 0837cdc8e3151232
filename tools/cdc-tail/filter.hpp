// SPDX-License-Identifier: Apache-2.0
// TableFilter: which tables, columns and statements are told. Decided once per table definition, never per
// row.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/binlog/ddl.hpp"
#include "common/model/schema.hpp"

namespace cdc::tail {

// As on the command line; globs with * ? [a-z], a backslash quotes.
struct FilterRules {
  std::vector<std::string> tables, exclude_tables;  // "db.table"; no `tables` means all
  std::vector<std::string> exclude_columns;         // "db.table.column"
  bool shadow_tables = false;                       // also those of gh-ost and pt-online-schema-change
};

class TableFilter {
 public:
  // UsageError when a rule has not as many parts as it should.
  explicit TableFilter(const FilterRules& rules);

  bool captures(const TableName& name) const;
  // Whether the statement names a captured table, or may do so: a text that could not be parsed, a whole
  // database.
  bool concerns(const DdlInfo& ddl) const;
  // Whether a statement that changes rows of `tables` (nullopt: not known of which), in `databases` (empty: not
  // told where) may change those of a captured one.
  bool may_change(const std::optional<std::vector<TableName>>& tables,
                  const std::vector<std::string>& databases) const;
  // The same definition unless a column is excluded.
  std::shared_ptr<const TableSchema> apply(std::shared_ptr<const TableSchema> schema) const;

  // Whether a server takes names in statements without regard to case (lower_case_table_names); until that is
  // known it may.
  void set_case_ignored(bool ignored) { case_ignored_ = ignored; }

  // The rules as a JSON object: equal texts mean equal filters.
  std::string canonical() const;

 private:
  struct Glob {
    std::string db, table, column;
    bool matches(const TableName& name) const;
  };
  static std::vector<Glob> parse(const std::vector<std::string>& rules, const char* option,
                                 std::size_t parts);
  bool captures_written(const TableName& name) const;
  bool may_capture_in(std::string_view db) const;

  FilterRules rules_;
  std::vector<Glob> include_, exclude_, exclude_columns_;
  bool case_ignored_ = true;
};

// Names that online schema changes give their working tables: _orders_gho, _orders_ghc, _orders_del (gh-ost),
// _orders_new, __orders_old (pt-online-schema-change).
bool is_shadow_table(std::string_view table);

}  // namespace cdc::tail
