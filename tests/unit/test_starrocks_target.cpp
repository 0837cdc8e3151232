// SPDX-License-Identifier: Apache-2.0
// Definitions of target tables: what SHOW CREATE TABLE prints (StarRocks' manual, "SHOW CREATE TABLE"), the types that
// are made from MySQL's ("CREATE TABLE", "Data types"), what old rows have in a new column (MySQL's manual, "ALTER TABLE").
#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/starrocks/table_ddl.hpp"
#include "common/starrocks/target.hpp"

using cdc::Column;
using cdc::TableSchema;
using namespace cdc::starrocks;

namespace {

Column column(const char* name, const char* type, bool nullable = true, const char* charset = "utf8mb4") {
  Column made;
  made.name = name;
  made.type_text = type;
  made.nullable = nullable;
  made.charset = charset;
  return made;
}

TableSchema schema(std::vector<Column> columns, std::vector<std::size_t> key) {
  return {{"shop", "orders"}, std::move(columns), std::move(key), true};
}

std::string type(const char* mysql, bool in_key = false, const char* charset = "utf8mb4") {
  return target_type(column("c", mysql, true, charset), in_key);
}

OldRows old_rows(Column added, const std::vector<std::string>& ddl = {}, bool renamed = false) {
  return old_rows_value(schema({column("id", "int"), std::move(added)}, {0}), 1, ddl, renamed);
}

}  // namespace

TEST_CASE("SHOW CREATE TABLE of a Primary Key table") {
  const TargetTable table = parse_create_table({"ods", "t"}, R"sql(CREATE TABLE `t` (
  `id` bigint(20) NOT NULL COMMENT "PRIMARY KEY(`no`)",
  `at` datetime NOT NULL COMMENT "",
  `big` largeint(40) NULL COMMENT "",
  `flag` boolean NULL DEFAULT "0" COMMENT "",
  `na``me` varchar(80) NULL DEFAULT "a, \"b\") c" COMMENT "it's",
  `price` decimal(10, 2) NULL COMMENT "",
  `old` decimal64(12, 3) NULL COMMENT "",
  `raw` varbinary NULL COMMENT "",
  `doc` json NULL COMMENT "",
  `list` array<decimal(5, 1)> NULL COMMENT "",
  `nr` bigint(20) NOT NULL AUTO_INCREMENT COMMENT "",
  `sum` bigint(20) NULL AS `id` + 1 COMMENT "",
  `none` int(11) NULL DEFAULT NULL COMMENT "",
  INDEX bitmap1 (`price`) USING BITMAP COMMENT 'x'
) ENGINE=OLAP
PRIMARY KEY(`id`, `at`)
COMMENT "orders, DUPLICATE KEY(`x`)"
PARTITION BY date_trunc('day', at)
DISTRIBUTED BY HASH(`id`) BUCKETS 8
ORDER BY(`at`)
PROPERTIES (
"replication_num" = "3"
);)sql");
  CHECK(table.model == TableModel::primary_key);
  CHECK(table.key == std::vector<std::string>{"id", "at"});
  const std::vector<TargetColumn> wanted{{"id", "BIGINT", 0, 0, false, false, false},
                                         {"at", "DATETIME", 0, 0, false, false, false},
                                         {"big", "LARGEINT", 0, 0, true, false, false},
                                         {"flag", "BOOLEAN", 0, 0, true, true, false},
                                         {"na`me", "VARCHAR", 80, 0, true, true, false},
                                         {"price", "DECIMAL", 10, 2, true, false, false},
                                         {"old", "DECIMAL", 12, 3, true, false, false},
                                         {"raw", "VARBINARY", 0, 0, true, false, false},
                                         {"doc", "JSON", 0, 0, true, false, false},
                                         {"list", "ARRAY", 0, 0, true, false, false},
                                         {"nr", "BIGINT", 0, 0, false, true, false},
                                         {"sum", "BIGINT", 0, 0, true, false, true},
                                         {"none", "INT", 0, 0, true, false, false}};
  REQUIRE(table.columns.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(wanted[i].name);
    CHECK(table.columns[i] == wanted[i]);
  }
  CHECK(table.find("NA`ME") == &table.columns[4]);
  CHECK(table.find("name") == nullptr);
}

TEST_CASE("SHOW CREATE TABLE of other models, and what is no table") {
  const auto model = [](const std::string& clause) {
    return parse_create_table({"a", "b"}, "CREATE TABLE `b` (`k` int(11) NULL) ENGINE=OLAP " + clause).model;
  };
  CHECK(model("DUPLICATE KEY(`k`) COMMENT \"PRIMARY KEY(`k`)\"") == TableModel::duplicate_key);
  CHECK(model("UNIQUE KEY(`k`)") == TableModel::unique_key);
  CHECK(model("AGGREGATE KEY(`k`)") == TableModel::aggregate_key);
  for (const char* sql : {"CREATE VIEW `v` (`k`) AS SELECT 1", "CREATE EXTERNAL TABLE `t` (`k` int(11))", "", "CREATE TABLE `t`",
                          "CREATE TABLE `t` (`k` int(11)", "CREATE TABLE `t` (`k`)", "CREATE TABLE t ()"}) {
    CAPTURE(sql);
    CHECK_THROWS_AS(parse_create_table({"a", "b"}, sql), cdc::DataError);
  }
}

TEST_CASE("types for MySQL's types") {
  struct Rule {
    const char *mysql, *starrocks;
  };
  for (const Rule& rule : std::vector<Rule>{{"tinyint", "TINYINT"}, {"tinyint(1)", "TINYINT"}, {"tinyint unsigned", "SMALLINT"},
                                            {"smallint", "SMALLINT"}, {"smallint unsigned", "INT"}, {"mediumint", "INT"},
                                            {"mediumint unsigned", "INT"}, {"int", "INT"}, {"int(10) unsigned zerofill", "BIGINT"},
                                            {"bigint", "BIGINT"}, {"bigint unsigned", "LARGEINT"}, {"year", "SMALLINT"},
                                            {"bit(1)", "BOOLEAN"}, {"bit(63)", "BIGINT"}, {"bit(64)", "LARGEINT"},
                                            {"decimal(10,2)", "DECIMAL(10,2)"}, {"decimal(38,0)", "DECIMAL(38,0)"},
                                            {"decimal(65,30)", "VARCHAR(68)"}, {"float", "FLOAT"}, {"double", "DOUBLE"},
                                            {"date", "DATE"}, {"datetime(6)", "DATETIME"}, {"timestamp", "DATETIME"},
                                            {"time(6)", "VARCHAR(17)"}, {"char(36)", "VARCHAR(144)"}, {"varchar(20)", "VARCHAR(80)"},
                                            {"varchar(0)", "VARCHAR(1)"}, {"tinytext", "VARCHAR(255)"}, {"text", "VARCHAR(65535)"},
                                            {"longtext", "VARCHAR(1048576)"}, {"enum('a','it''s','äö')", "VARCHAR(4)"},
                                            {"set('ab','c')", "VARCHAR(4)"}, {"json", "JSON"}, {"binary(16)", "VARBINARY(16)"},
                                            {"varbinary(300)", "VARBINARY(300)"}, {"blob", "VARBINARY(65535)"},
                                            {"longblob", "VARBINARY(1048576)"}, {"point", "JSON"}, {"geometry", "JSON"},
                                            {"vector(3)", "JSON"}, {"inet6", "VARCHAR(45)"}, {"uuid", "VARCHAR(36)"}}) {
    CAPTURE(rule.mysql);
    CHECK(type(rule.mysql) == rule.starrocks);
    // And such a column takes every value, as it would be checked when the table is read back.
    const TargetTable made = parse_create_table({"a", "b"}, "CREATE TABLE b (`c` " + std::string(rule.starrocks) + ")");
    CHECK(why_not_into(MysqlType::parse(rule.mysql), made.columns[0]) == "");
  }
}

TEST_CASE("text in other character sets becomes longer or shorter in UTF-8") {
  CHECK(type("varchar(10)", false, "latin1") == "VARCHAR(30)");  // the euro sign of cp1252 takes three bytes
  CHECK(type("varchar(10)", false, "ascii") == "VARCHAR(10)");
  CHECK(type("varchar(10)", false, "utf8mb3") == "VARCHAR(30)");
  CHECK(type("varchar(10)", false, "gb18030") == "VARCHAR(40)");
  CHECK(type("varchar(10)", false, "utf16") == "VARCHAR(40)");
  CHECK(type("tinytext", false, "latin1") == "VARCHAR(765)");
  CHECK(type("text", false, "utf16") == "VARCHAR(196605)");
  CHECK(type("varchar(16383)", false, "utf8mb4") == "VARCHAR(65532)");
}

TEST_CASE("types in a key") {
  CHECK(type("decimal(10,2)", true) == "VARCHAR(13)");  // -0.10 and the like
  CHECK(type("varchar(20)", true) == "VARCHAR(80)");
  CHECK(type("datetime(6)", true) == "DATETIME");
  CHECK(type("binary(16)", true) == "VARCHAR(32)");  // hexadecimal digits
  CHECK(type("blob", true) == "VARCHAR(131070)");
  for (const char* refused : {"double", "float", "json"}) {
    CAPTURE(refused);
    CHECK_THROWS_AS(type(refused, true), cdc::RefusedError);
  }
}

TEST_CASE("CREATE TABLE has the key first, in its own order") {
  const TableSchema source = schema({column("note", "varchar(5)"), column("b", "int", false), column("a`x", "bigint", false),
                                     column("at", "datetime", false)},
                                    {2, 1});
  CHECK(create_table_sql({"o`ds", "t"}, source, {}) ==
        "CREATE TABLE IF NOT EXISTS `o``ds`.`t` (`a``x` BIGINT NOT NULL, `b` INT NOT NULL, `note` VARCHAR(20) NULL, `at` DATETIME "
        "NOT NULL) PRIMARY KEY(`a``x`, `b`) DISTRIBUTED BY HASH(`a``x`, `b`)");
  RowOptions options;
  options.add_columns = {{"origin", "{db}.{table}"}};
  options.zero_dates = OnBadValue::null;
  CHECK(create_table_sql({"ods", "t"}, source, options) ==
        "CREATE TABLE IF NOT EXISTS `ods`.`t` (`origin` VARCHAR(255) NOT NULL, `a``x` BIGINT NOT NULL, `b` INT NOT NULL, `note` "
        "VARCHAR(20) NULL, `at` DATETIME NULL) PRIMARY KEY(`origin`, `a``x`, `b`) DISTRIBUTED BY HASH(`origin`, `a``x`, `b`)");
  CHECK_THROWS_AS(create_table_sql({"ods", "t"}, schema({column("a", "int")}, {}), {}), cdc::RefusedError);
}

TEST_CASE("ALTER TABLE with what old rows have") {
  const TableSchema source = schema({column("id", "int"), column("a", "int"), column("b", "varchar(2)", false)}, {0});
  CHECK(add_columns_sql({"ods", "t"}, source, {1, 2}, {std::nullopt, "it's\\"}) ==
        "ALTER TABLE `ods`.`t` ADD COLUMN `a` INT NULL, ADD COLUMN `b` VARCHAR(8) NOT NULL DEFAULT 'it\\'s\\\\'");
}

TEST_CASE("what old rows have, by the statement that added the column") {
  struct Case {
    const char *type, *definition;
    bool nullable;
    std::optional<std::string> text;
    bool told;
  };
  for (const Case& one : std::vector<Case>{
           {"int", "INT", true, std::nullopt, true},
           {"int", "INT DEFAULT NULL", true, std::nullopt, true},
           {"int", "INT NOT NULL DEFAULT -5 COMMENT 'DEFAULT 6'", false, "-5", true},
           {"int", "INT DEFAULT '7'", true, "7", true},
           {"int", "INT NOT NULL", false, "0", true},
           {"varchar(9)", "VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT 'it''s'", true, "it's", true},
           {"varchar(9)", "VARCHAR(9) NOT NULL", false, "", true},
           {"varchar(9)", "VARCHAR(9) DEFAULT 'a\\n'", true, std::nullopt, false},
           {"varchar(9)", "VARCHAR(9) DEFAULT (uuid())", true, std::nullopt, false},
           {"decimal(10,2)", "DECIMAL(10,2) DEFAULT 1.5", true, "1.5", true},
           {"decimal(10,2)", "DECIMAL(10,2) DEFAULT 1.555", true, std::nullopt, false},
           {"datetime", "DATETIME DEFAULT CURRENT_TIMESTAMP", true, std::nullopt, false},
           {"datetime", "DATETIME DEFAULT '2020-01-02 03:04:05'", true, "2020-01-02 03:04:05", true},
           {"datetime", "DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00'", false, std::nullopt, false},
           {"datetime", "DATETIME NOT NULL", false, std::nullopt, false},
           {"timestamp", "TIMESTAMP NULL DEFAULT '2020-01-02 03:04:05'", true, std::nullopt, false},  // in which zone
           {"enum('a','b')", "ENUM('a','b') DEFAULT 'b'", true, "b", true},
           {"enum('a','b')", "ENUM('a','b') NOT NULL", false, std::nullopt, false},
           {"int", "INT GENERATED ALWAYS AS (id + 1)", true, std::nullopt, false},
           {"int", "INT AS (id DEFAULT 3)", true, std::nullopt, false},
           {"json", "JSON", true, std::nullopt, true},
           {"json", "JSON NOT NULL", false, std::nullopt, false},
           {"bit(1)", "BIT(1) NOT NULL DEFAULT b'1'", false, std::nullopt, false}}) {
    for (const char* lead : {"ALTER TABLE t ADD COLUMN c ", "alter table `t` add x int default 9, add `C` ",
                             "ALTER TABLE t ADD COLUMN (x INT DEFAULT 9, c ", "ALTER TABLE t DROP y, ADD COLUMN IF NOT EXISTS c "}) {
      const bool list = std::string_view(lead).find('(') != std::string_view::npos;
      const std::string sql = lead + std::string(one.definition) + (list ? ", z INT DEFAULT 1)" : ", ADD z INT DEFAULT 1");
      CAPTURE(sql);
      const OldRows found = old_rows(column("c", one.type, one.nullable), {"ALTER TABLE t ADD c INT DEFAULT 1", sql});
      CHECK(found.why_not.empty() == one.told);
      CHECK(found.text == one.text);
    }
  }
}

TEST_CASE("what old rows have, by the definition") {
  const auto with_default = [](const char* type, bool nullable, std::optional<std::string> text) {
    Column made = column("c", type, nullable);
    made.default_text = std::move(text);
    made.default_known = true;
    return made;
  };
  CHECK(old_rows(with_default("int", true, std::nullopt)).why_not == "");
  CHECK(old_rows(with_default("int", true, "5")).text == "5");
  CHECK(old_rows(with_default("varchar(3)", true, "'abc'")).text == "abc");  // MariaDB's spelling
  CHECK(old_rows(with_default("int", true, "NULL")).text == std::nullopt);
  CHECK(old_rows(with_default("varchar(40)", true, "uuid()")).why_not != "");
  CHECK(old_rows(with_default("datetime", true, "CURRENT_TIMESTAMP")).why_not != "");
  // Neither the binlog nor a statement tells it, or it may be a renamed column.
  CHECK(old_rows(column("c", "int")).why_not != "");
  CHECK(old_rows(with_default("int", true, std::nullopt), {}, true).why_not != "");
  CHECK(old_rows(column("c", "int"), {"ALTER TABLE t ADD c INT"}, true).why_not == "");
  CHECK(old_rows(with_default("int", true, std::nullopt), {"ALTER TABLE t CHANGE b c INT"}, true).why_not != "");
  Column generated = with_default("int", true, std::nullopt);
  generated.generated = "stored";
  CHECK(old_rows(generated).why_not != "");
  CHECK(old_rows_value(schema({column("id", "int")}, {0}), 0, {"ALTER TABLE t ADD id INT"}, false).why_not != "");
}
