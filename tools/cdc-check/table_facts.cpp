// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/table_facts.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace cdc::check {
namespace {

constexpr std::size_t kMaxRows = 10'000'000;

// A condition on `column` that leaves out databases no glob can match; the globs decide.
std::string database_condition(Connection& connection, const std::vector<std::string>& globs,
                               const char* column) {
  std::string names;
  for (const std::string& glob : globs) {
    const std::string db = glob.substr(0, glob.find('.'));
    if (db.find_first_of("*?[\\") != std::string::npos)
      return std::string(column) + " NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')";
    names += (names.empty() ? "" : ", ") + connection.quote(db);
  }
  return std::string(column) + " IN (" + names + ")";
}

class Reader {
 public:
  Reader(Connection& connection, TablesFacts& facts) : connection_(connection), facts_(facts) {}

  void read() {
    read_tables();
    if (facts_.tables.empty()) return;
    read_columns();
    read_keys();
    read_cascades();
    read_triggers();
  }

 private:
  using Row = std::vector<Field>;

  template <typename Function>
  void each(const std::string& select, const char* column, const std::string& rest, Function&& function) {
    const std::string condition = database_condition(connection_, facts_.globs, column);
    for (const Row& row : connection_.query(select + " WHERE " + condition + rest, kMaxRows).rows)
      function(row);
  }

  // The facts of the table that a row's first two fields name.
  TableFacts* table_of(const Row& row) {
    const auto found = index_.find({row[0].value_or(""), row[1].value_or("")});
    return found == index_.end() ? nullptr : &facts_.tables[found->second];
  }

  void read_tables() {
    each("SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, CREATE_OPTIONS FROM information_schema.TABLES",
         "TABLE_SCHEMA", " ORDER BY 1, 2", [&](const Row& row) {
           TableFacts table;
           table.name = {row[0].value_or(""), row[1].value_or("")};
           if (!matches(facts_.globs, table.name)) return;
           table.is_view = row[2].value_or("").find("VIEW") != std::string::npos;
           table.engine = row[3].value_or("");
           table.partitioned = row[4].value_or("").find("partitioned") != std::string::npos;
           index_.emplace(table.name, facts_.tables.size());
           facts_.tables.push_back(std::move(table));
         });
  }

  void read_columns() {
    each(
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, EXTRA, "
        "NUMERIC_PRECISION, CHARACTER_MAXIMUM_LENGTH FROM information_schema.COLUMNS",
        "TABLE_SCHEMA", " ORDER BY 1, 2, ORDINAL_POSITION", [&](const Row& row) {
          if (TableFacts* table = table_of(row))
            table->columns.push_back({row[2].value_or(""), lower_ascii(row[3].value_or("")),
                                      lower_ascii(row[4].value_or("")), row[5].value_or(""),
                                      row[6].value_or(""), parse_uint(row[7].value_or("0")).value_or(0),
                                      parse_uint(row[8].value_or("0")).value_or(0)});
        });
  }

  void read_keys() {
    each("SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS", "TABLE_SCHEMA",
         " AND INDEX_NAME = 'PRIMARY' ORDER BY 1, 2, SEQ_IN_INDEX", [&](const Row& row) {
           if (TableFacts* table = table_of(row)) table->primary_key.push_back(row[2].value_or(""));
         });
  }

  void read_cascades() {
    each(
        "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE FROM "
        "information_schema.REFERENTIAL_CONSTRAINTS",
        "CONSTRAINT_SCHEMA", "", [&](const Row& row) {
          TableFacts* table = table_of(row);
          if (!table) return;
          const auto acts = [](const Field& rule) {
            return rule == "CASCADE" || rule == "SET NULL" || rule == "SET DEFAULT";
          };
          if (acts(row[3])) table->cascades.push_back(row[2].value_or("") + " ON UPDATE " + *row[3]);
          if (acts(row[4])) table->cascades.push_back(row[2].value_or("") + " ON DELETE " + *row[4]);
        });
  }

  void read_triggers() {
    each("SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS",
         "EVENT_OBJECT_SCHEMA", "", [&](const Row& row) {
           if (TableFacts* table = table_of(row)) table->triggers.push_back(row[2].value_or(""));
         });
  }

  Connection& connection_;
  TablesFacts& facts_;
  std::map<TableName, std::size_t> index_;
};

}  // namespace

const ColumnFacts* TableFacts::column(const std::string& wanted) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ColumnFacts& column) { return column.name == wanted; });
  return found == columns.end() ? nullptr : &*found;
}

bool matches(const std::vector<std::string>& globs, const TableName& name) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return glob_match(glob, name.text()); });
}

TablesFacts gather_tables(Connection& connection, const std::vector<std::string>& globs) {
  TablesFacts facts;
  facts.globs = globs;
  if (!globs.empty()) Reader(connection, facts).read();
  return facts;
}

}  // namespace cdc::check
