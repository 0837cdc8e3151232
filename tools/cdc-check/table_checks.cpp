// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "common/base/text.hpp"
#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

// At most a few names, and how many more.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

// A check of every base table: `objection` tells what is wrong with one, "" when nothing is.
CheckResult each_table(const CheckInput& in, const char* id, Status bad, const std::string& fine,
                       const std::string& wrong, const std::string& advice,
                       const std::function<std::string(const TableFacts&)>& objection) {
  if (in.tables.tables.empty()) return {id, Status::skipped, "no table that can be seen", ""};
  std::vector<std::string> found;
  for (const TableFacts& table : in.tables.tables) {
    if (table.is_view) continue;
    const std::string what = objection(table);
    if (!what.empty()) found.push_back(table.name.text() + (what == "!" ? "" : " (" + what + ")"));
  }
  if (found.empty()) return {id, Status::ok, fine, ""};
  return {id, bad, wrong + ": " + listed(found), advice};
}

// The columns for which `wrong` says something.
std::string columns_where(const TableFacts& table,
                          const std::function<std::string(const ColumnFacts&)>& wrong) {
  std::vector<std::string> found;
  for (const ColumnFacts& column : table.columns)
    if (const std::string what = wrong(column); !what.empty()) found.push_back(column.name + " " + what);
  return listed(found);
}

bool contains_word(const std::string& text, std::string_view word) {
  return lower_ascii(text).find(word) != std::string::npos;
}

// The statements that let the account see what the globs name.
std::string grants_for(const std::vector<std::string>& globs, const std::string& account) {
  std::set<std::string> objects;
  for (const std::string& glob : globs) {
    const std::string db = glob.substr(0, glob.find('.')), table = glob.substr(glob.find('.') + 1);
    const auto plain = [](const std::string& name) {
      return name.find_first_of("*?[\\") == std::string::npos;
    };
    objects.insert((plain(db) ? Connection::quote_name(db) : "*") + "." +
                   (plain(db) && plain(table) ? Connection::quote_name(table) : "*"));
  }
  std::string statements;
  for (const std::string& object : objects)
    statements += (statements.empty() ? "" : " ") + ("GRANT SELECT ON " + object) + " TO " + account + ";";
  return statements;
}

CheckResult check_exists(const CheckInput& in) {
  std::vector<std::string> unmatched;
  for (const std::string& glob : in.tables.globs)
    if (std::none_of(in.tables.tables.begin(), in.tables.tables.end(),
                     [&](const TableFacts& table) { return glob_match(glob, table.name.text()); }))
      unmatched.push_back(glob);
  if (!unmatched.empty())
    return {"table.exists", Status::critical,
            "no table, or none that " + in.server.account + " may see, matches " + listed(unmatched),
            "Correct -t, or " + grants_for(unmatched, in.server.account)};
  return {
      "table.exists", Status::ok,
      grouped(in.tables.tables.size()) + (in.tables.tables.size() == 1 ? " table matches" : " tables match"),
      ""};
}

CheckResult check_select(const CheckInput& in) {
  if (!in.server.grants) return {"table.select", Status::skipped, in.server.grants.refusal, ""};
  const bool needed = in.consumer != Consumer::cdc_tail;  // it reads definitions, which any privilege shows
  return each_table(in, "table.select", needed ? Status::warning : Status::note, "all may be read",
                    in.server.account + " may not SELECT (snapshots need it)",
                    "GRANT SELECT ON DB.TABLE TO " + in.server.account + ";", [&](const TableFacts& table) {
                      return in.server.grants->may_select(table.name.db, table.name.table) ? "" : "!";
                    });
}

CheckResult check_views(const CheckInput& in) {
  std::vector<std::string> views;
  for (const TableFacts& table : in.tables.tables)
    if (table.is_view) views.push_back(table.name.text());
  if (views.empty()) return {"table.views", Status::ok, "all are base tables", ""};
  return {"table.views", Status::note, "views have no changes in the binlog: " + listed(views), ""};
}

bool has_generated_key(const TableFacts& table) {
  const ColumnFacts* column =
      table.primary_key.size() == 1 ? table.column(table.primary_key.front()) : nullptr;
  return column && column->name == "my_row_id" && contains_word(column->extra, "invisible");
}

CheckResult check_primary_key(const CheckInput& in) {
  return each_table(in, "table.primary_key", Status::warning, "all have a primary key",
                    "no primary key, so that updates and deletes cannot be applied",
                    "ALTER TABLE … ADD PRIMARY KEY (…);",
                    [](const TableFacts& table) { return table.primary_key.empty() ? "!" : ""; });
}

CheckResult check_generated_key(const CheckInput& in) {
  return each_table(
      in, "table.generated_key", Status::note, "no primary key is generated and invisible",
      "a generated invisible primary key (my_row_id), which SELECT * does not show but the binlog has", "",
      [](const TableFacts& table) { return has_generated_key(table) ? "!" : ""; });
}

// Bytes that a character of the column can have in UTF-8.
std::uint64_t utf8_bytes(const ColumnFacts& column) {
  if (column.charset.empty() || column.charset == "ascii" || column.charset == "binary") return 1;
  return column.charset == "utf8mb3" || column.charset == "utf8" || column.charset == "ucs2" ||
                 column.charset == "latin1"
             ? 3
             : 4;
}

// StarRocks: the encoded key of a Primary Key table has at most 128 bytes.
CheckResult check_key_length(const CheckInput& in) {
  constexpr std::uint64_t kLimit = 128;
  const auto bytes_of = [](const TableFacts& table, bool widest) {
    std::uint64_t bytes = 0;
    for (const std::string& name : table.primary_key)
      if (const ColumnFacts* column = table.column(name))
        bytes += column->characters ? column->characters * (widest ? utf8_bytes(*column) : 1) : 8;
    return bytes;
  };
  const auto too_long = [&](bool widest) {
    return [&, widest](const TableFacts& table) -> std::string {
      const std::uint64_t bytes = bytes_of(table, widest);
      return bytes > kLimit ? std::to_string(bytes) : "";
    };
  };
  const CheckResult plain = each_table(in, "table.key_length", Status::warning, "",
                                       "the primary key can exceed StarRocks' 128 bytes",
                                       "Look at the longest value that occurs.", too_long(false));
  if (plain.status != Status::ok) return plain;
  return each_table(in, "table.key_length", Status::note, "primary keys fit into StarRocks' 128 bytes",
                    "the primary key can exceed StarRocks' 128 bytes with characters beyond ASCII", "",
                    too_long(true));
}

// StarRocks manual, "Primary Key table": numbers without fraction, strings and dates.
CheckResult check_key_types(const CheckInput& in) {
  return each_table(in, "table.key_types", Status::warning, "StarRocks has keys of these types",
                    "columns of the primary key whose types StarRocks does not have in keys",
                    "Map them to strings, or choose another key for the destination.",
                    [](const TableFacts& table) {
                      return columns_where(table, [&](const ColumnFacts& column) -> std::string {
                        if (std::find(table.primary_key.begin(), table.primary_key.end(), column.name) ==
                            table.primary_key.end())
                          return "";
                        for (const char* type : {"float", "double", "decimal", "blob", "tinyblob",
                                                 "mediumblob", "longblob", "binary", "varbinary"})
                          if (column.data_type == type) return column.data_type;
                        return "";
                      });
                    });
}

CheckResult check_types(const CheckInput& in) {
  return each_table(
      in, "table.types", Status::warning, "all types have a counterpart in StarRocks",
      "columns that StarRocks cannot hold as they are", "", [](const TableFacts& table) {
        return columns_where(table, [](const ColumnFacts& column) -> std::string {
          constexpr std::uint64_t kMaxPrecision = 38;
          if (column.data_type == "decimal" && column.precision > kMaxPrecision) return column.column_type;
          for (const char* type : {"geometry", "point", "linestring", "polygon", "multipoint",
                                   "multilinestring", "multipolygon", "geomcollection", "geometrycollection"})
            if (column.data_type == type) return column.column_type;
          return "";
        });
      });
}

CheckResult check_mapped_types(const CheckInput& in) {
  return each_table(in, "table.mapped_types", Status::note, "no type needs a wider one in StarRocks",
                    "columns that need another type in StarRocks (unsigned bigint LARGEINT, time and year "
                    "and bit as text or number)",
                    "", [](const TableFacts& table) {
                      return columns_where(table, [](const ColumnFacts& column) -> std::string {
                        const bool wide =
                            column.data_type == "bigint" && contains_word(column.column_type, "unsigned");
                        for (const char* type : {"bit", "year", "time", "vector", "set", "enum"})
                          if (column.data_type == type) return column.data_type;
                        return wide ? column.column_type : "";
                      });
                    });
}

CheckResult check_generated(const CheckInput& in) {
  return each_table(in, "table.generated", Status::note, "no generated columns", "generated columns", "",
                    [](const TableFacts& table) {
                      return columns_where(table, [](const ColumnFacts& column) -> std::string {
                        return contains_word(column.extra, "generated") &&
                                       !contains_word(column.extra, "default_generated")
                                   ? "generated"
                                   : "";
                      });
                    });
}

CheckResult check_invisible(const CheckInput& in) {
  return each_table(in, "table.invisible", Status::note, "no invisible columns",
                    "invisible columns, which the binlog has and SELECT * has not", "",
                    [](const TableFacts& table) {
                      return columns_where(table, [](const ColumnFacts& column) -> std::string {
                        return contains_word(column.extra, "invisible") ? "invisible" : "";
                      });
                    });
}

CheckResult check_charsets(const CheckInput& in) {
  return each_table(in, "table.charset", Status::note, "all text is UTF-8",
                    "text in other character sets, converted to UTF-8", "", [](const TableFacts& table) {
                      return columns_where(table, [](const ColumnFacts& column) -> std::string {
                        const bool plain = column.charset.empty() || column.charset.starts_with("utf8") ||
                                           column.charset == "ascii" || column.charset == "binary";
                        return plain ? "" : column.charset;
                      });
                    });
}

CheckResult check_engine(const CheckInput& in) {
  return each_table(in, "table.engine", Status::warning, "all are InnoDB",
                    "not InnoDB: changes that are rolled back stay, snapshots are not consistent",
                    "ALTER TABLE … ENGINE = InnoDB;", [](const TableFacts& table) {
                      return lower_ascii(table.engine) == "innodb" ? "" : table.engine;
                    });
}

CheckResult check_cascades(const CheckInput& in) {
  // Since 9.6 the server, not InnoDB, carries them out and logs the rows (seen on 9.7), unless told
  // otherwise.
  const bool logged =
      !in.server.mariadb() && in.server.version.at_least(9, 6) &&
      lower_ascii(in.server.variable({"innodb_native_foreign_keys"}).value_or("off")) == "off";
  if (logged)
    return {"table.cascades", Status::ok, "changes by foreign keys are in this server's binlog", ""};
  return each_table(in, "table.cascades", Status::warning, "no foreign key changes rows of its own accord",
                    "rows changed by foreign keys are not in the binlog",
                    "Change and delete the rows by statements of their own.",
                    [](const TableFacts& table) { return listed(table.cascades); });
}

CheckResult check_triggers(const CheckInput& in) {
  return each_table(in, "table.triggers", Status::note, "no triggers",
                    "triggers; what they change is in the binlog as rows", "",
                    [](const TableFacts& table) { return listed(table.triggers); });
}

CheckResult check_partitions(const CheckInput& in) {
  return each_table(
      in, "table.partitions", Status::note, "none is partitioned",
      "partitioned: EXCHANGE, TRUNCATE and DROP PARTITION change rows that the binlog does not show", "",
      [](const TableFacts& table) { return table.partitioned ? "!" : ""; });
}

CheckResult check_case(const CheckInput& in) {
  std::set<std::string> seen;
  std::vector<std::string> collisions;
  for (const TableFacts& table : in.tables.tables)
    if (!seen.insert(lower_ascii(table.name.text())).second) collisions.push_back(table.name.text());
  if (collisions.empty()) return {"table.case", Status::ok, "no two names differ in case only", ""};
  return {"table.case", Status::warning, "names that differ from another in case only: " + listed(collisions),
          "Map them to different destinations."};
}

CheckResult check_shadow(const CheckInput& in) {
  return each_table(
      in, "table.shadow", Status::note, "no tables of gh-ost or pt-online-schema-change",
      "tables of gh-ost or pt-online-schema-change: a schema change is running, or was broken off", "",
      [](const TableFacts& table) {
        const std::string& name = table.name.table;
        if (!name.starts_with("_")) return "";
        for (const char* suffix : {"_gho", "_ghc", "_del", "_new", "_old"})
          if (name.ends_with(suffix)) return "!";
        return "";
      });
}

CheckResult check_filtered(const CheckInput& in) {
  if (!in.server.end || !*in.server.end)
    return {"table.filters", Status::skipped, "binlog filters: " + in.server.end.refusal, ""};
  const BinlogEnd& end = **in.server.end;
  const auto names = [](const std::string& list) {
    std::set<std::string> set;
    for (const std::string_view name : split(list, ',')) set.insert(std::string(trim(name)));
    return set;
  };
  const std::set<std::string> only = names(end.do_db), never = names(end.ignore_db);
  return each_table(in, "table.filters", Status::critical, "the server's binlog filters spare them",
                    "left out of the binlog by binlog_do_db or binlog_ignore_db",
                    "Remove the filter from my.cnf and restart the server.", [&](const TableFacts& table) {
                      const bool left_out = (!end.do_db.empty() && !only.contains(table.name.db)) ||
                                            never.contains(table.name.db);
                      return left_out ? "!" : "";
                    });
}

// How much of the log behind the position was read, "" for all of it.
std::string only_a_part(const TableActivity& activity) {
  if (activity.complete) return "";
  if (!activity.refused.empty()) return " up to where the server breaks the dump off";
  return " in the next " + bytes_text(activity.bytes) + " of " + bytes_text(activity.distance) +
         " (--scan-limit)";
}

CheckResult check_activity(const CheckInput& in) {
  if (!in.tables.activity) return {"table.changes", Status::skipped, in.tables.no_activity, ""};
  const TableActivity& activity = *in.tables.activity;
  const std::string where =
      activity.complete ? " between the position and the server's end" : only_a_part(activity);
  if (activity.rows_events.empty())
    return {"table.changes", activity.complete ? Status::ok : Status::skipped, "no changes" + where, ""};
  std::vector<std::string> tables;
  for (const auto& [name, count] : activity.rows_events) tables.push_back(name.text() + " " + grouped(count));
  return {"table.changes", Status::ok, "statements with changes" + where + ": " + listed(tables), ""};
}

// Statements that name the tables, and rows that are not of the tables of now: the statement may lie anywhere
// between.
CheckResult check_definitions(const CheckInput& in) {
  constexpr const char* kId = "table.ddl";
  if (!in.tables.activity) return {kId, Status::skipped, in.tables.no_activity, ""};
  const TableActivity& activity = *in.tables.activity;
  const std::string part = only_a_part(activity);
  std::vector<std::string> changes;
  for (const TableChange& change : activity.changes)
    changes.push_back(change.table.text() + " at " + change.position.text());
  for (const auto& [name, what] : activity.differences)
    changes.push_back(name.text() + " since its first rows there: " + what);
  if (changes.empty() && activity.complete)
    return {kId, Status::ok, "no definition changed behind the position", ""};
  if (changes.empty()) return {kId, Status::skipped, "no definition changed" + part, ""};
  const bool named = lower_ascii(in.server.variable({"binlog_row_metadata"}).value_or("")) == "full";
  return {kId, named ? Status::note : Status::warning,
          "definitions changed behind the position" + part + ": " + listed(changes) +
              (named ? "" : "; names of columns before that are not known (binlog_row_metadata)"),
          named ? "" : "Compare the columns by hand, or start behind the change with a new snapshot."};
}

// Number, order and types of the destination's columns are StarRocks' to tell.
CheckResult check_destination(const CheckInput&) {
  return {"table.starrocks", Status::skipped,
          "needs StarRocks, which is not asked: whether the tables there are Primary Key tables with the "
          "same key "
          "and columns that hold these types",
          ""};
}

}  // namespace

Results table_checks(const CheckInput& input) {
  if (input.tables.globs.empty()) return {{"table.exists", Status::skipped, "no tables named with -t", ""}};
  constexpr std::array<Check, 22> kChecks{
      check_exists,      check_select,     check_views,  check_primary_key,  check_generated_key,
      check_key_length,  check_key_types,  check_types,  check_mapped_types, check_generated,
      check_invisible,   check_charsets,   check_engine, check_cascades,     check_triggers,
      check_partitions,  check_case,       check_shadow, check_filtered,     check_activity,
      check_definitions, check_destination};
  Results results;
  for (const Check check : kChecks) results.push_back(check(input));
  return results;
}

}  // namespace cdc::check
