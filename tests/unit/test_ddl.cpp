// SPDX-License-Identifier: Apache-2.0
// Expected answers are by the grammar of MySQL's manual, chapters "SQL Statements" and "Comments".
#include <doctest/doctest.h>

#include <chrono>

#include "common/binlog/ddl.hpp"

using cdc::classify_statement;
using cdc::DdlInfo;
using cdc::parse_ddl;
using cdc::StatementKind;

namespace {

// "alter db.t,db.u": class and tables; "?" when they are not known.
std::string told(const std::string& sql, std::uint64_t sql_mode = 0) {
  static const char* const classes[] = {"create", "alter",     "drop", "truncate",
                                        "rename", "partition", "other"};
  const DdlInfo info = parse_ddl(sql, "db", sql_mode);
  std::string text = classes[static_cast<std::size_t>(info.ddl_class)];
  if (!info.tables) return text + " ?";
  for (std::size_t i = 0; i < info.tables->size(); ++i)
    text += (i == 0 ? " " : ",") + (*info.tables)[i].text();
  return text;
}

}  // namespace

TEST_CASE("statements by their first words") {
  CHECK(classify_statement("BEGIN") == StatementKind::begin);
  CHECK(classify_statement("begin work") == StatementKind::begin);
  CHECK(classify_statement("START TRANSACTION") == StatementKind::begin);
  CHECK(classify_statement("COMMIT") == StatementKind::commit);
  CHECK(classify_statement("/* c */ commit") == StatementKind::commit);
  CHECK(classify_statement("ROLLBACK") == StatementKind::rollback);
  CHECK(classify_statement("ROLLBACK WORK") == StatementKind::rollback);
  CHECK(classify_statement("ROLLBACK TO `s`") == StatementKind::savepoint);
  CHECK(classify_statement("ROLLBACK WORK TO SAVEPOINT s") == StatementKind::savepoint);
  CHECK(classify_statement("SAVEPOINT `s`") == StatementKind::savepoint);
  CHECK(classify_statement("RELEASE SAVEPOINT s") == StatementKind::savepoint);
  CHECK(classify_statement("XA START X'61',X'',1") == StatementKind::xa_start);
  CHECK(classify_statement("XA END X'61',X'',1") == StatementKind::xa_end);
  CHECK(classify_statement("XA PREPARE X'61',X'',1") == StatementKind::xa_prepare);
  CHECK(classify_statement("XA COMMIT X'61',X'',1") == StatementKind::xa_commit);
  CHECK(classify_statement("XA ROLLBACK X'61',X'',1") == StatementKind::xa_rollback);
  CHECK(classify_statement("INSERT INTO t VALUES (1)") == StatementKind::dml);
  CHECK(classify_statement("  -- note\n update t set a = 1") == StatementKind::dml);
  CHECK(classify_statement("LOAD DATA INFILE 'x' INTO TABLE t") == StatementKind::dml);
  CHECK(classify_statement("LOAD INDEX INTO CACHE t") == StatementKind::other);
  CHECK(classify_statement("WITH c AS (SELECT 1) DELETE FROM t") == StatementKind::dml);
  CHECK(classify_statement("(SELECT f())") == StatementKind::dml);
  CHECK(classify_statement("CREATE TABLE t (a INT)") == StatementKind::ddl);
  CHECK(classify_statement("grant select on *.* to u") == StatementKind::ddl);
  CHECK(classify_statement("ANALYZE TABLE t") == StatementKind::ddl);
  CHECK(classify_statement("SET STATEMENT max_statement_time = 10 FOR ALTER TABLE t ADD a INT") ==
        StatementKind::ddl);
  CHECK(classify_statement("SET PASSWORD FOR u = 'FOR'") == StatementKind::other);
  CHECK(classify_statement("FLUSH TABLES") == StatementKind::other);
  CHECK(classify_statement("BEGINNING") == StatementKind::other);
  CHECK(classify_statement("") == StatementKind::other);
  CHECK(classify_statement("# only a comment") == StatementKind::other);
}

TEST_CASE("tables that are created") {
  CHECK(told("CREATE TABLE t (a INT)") == "create db.t");
  CHECK(told("create table if not exists `o`.`t` (a int)") == "create o.t");
  CHECK(told("CREATE OR REPLACE TABLE t (a INT)") == "create db.t");
  CHECK(told("CREATE TABLE t LIKE o.u") == "create db.t");
  CHECK(told("CREATE TABLE t (PRIMARY KEY (a)) SELECT * FROM u") == "create db.t");
  CHECK(told("CREATE TABLE .t (a INT)") == "create db.t");
  CHECK(told("CREATE TABLE 1st.2nd$ (a INT)") == "create 1st.2nd$");
  CHECK(told("CREATE TABLE straße (ü INT)") == "create db.straße");
  CHECK(told("CREATE TEMPORARY TABLE t (a INT)") == "other");
  CHECK(told("CREATE") == "other");
  CHECK(told("CREATE TABLE") == "create ?");
  CHECK(told("CREATE TABLE 'string' (a INT)") == "create ?");
  CHECK(parse_ddl("CREATE TABLE `t` (\n  `a` int\n) START TRANSACTION", "db", 0).opens_transaction);
  CHECK_FALSE(parse_ddl("CREATE TABLE t (a INT) COMMENT 'START TRANSACTION'", "db", 0).opens_transaction);
}

TEST_CASE("tables that are filled by the statement that creates them") {
  for (const char* sql : {"CREATE TABLE t SELECT 1", "CREATE TABLE t (a INT) ENGINE=InnoDB IGNORE AS (SELECT 1)",
                          "CREATE TABLE t AS WITH q AS (SELECT 1 AS a) SELECT a FROM q", "CREATE TABLE t (SELECT 1)",
                          "CREATE TABLE t TABLE u", "CREATE TABLE t (TABLE u)", "CREATE TABLE t AS VALUES ROW(1)",
                          "CREATE TABLE t (a INT) PARTITION BY HASH (a) (VALUES ROW(1), ROW(2))",
                          "CREATE OR REPLACE TABLE t AS SELECT 1", "/*!50001 CREATE TABLE t SELECT 1 */"}) {
    CAPTURE(sql);
    CHECK(parse_ddl(sql, "db", 0).has_query);
  }
  for (const char* sql : {"CREATE TABLE t (a INT)", "CREATE TABLE t LIKE u", "CREATE TABLE t (`select` INT, `table` INT)",
                          "CREATE TABLE t (a INT COMMENT 'SELECT') /* SELECT */", "CREATE VIEW v AS SELECT 1",
                          "CREATE TABLE t (a INT) PARTITION BY LIST (a) (PARTITION p VALUES IN (1), PARTITION q VALUES IN (2))",
                          "CREATE TABLE t (a INT) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (MAXVALUE))",
                          "CREATE TEMPORARY TABLE t SELECT 1", "CREATE TABLE t (a INT) START TRANSACTION"}) {
    CAPTURE(sql);
    CHECK_FALSE(parse_ddl(sql, "db", 0).has_query);
  }
}

TEST_CASE("names in quotes, comments and blanks") {
  CHECK(told("CREATE TABLE `a``b.c` (a INT)") == "create db.a`b.c");
  CHECK(told("CREATE TABLE `o` . `t`(a INT)") == "create o.t");
  CHECK(told("CREATE TABLE \"t\" (a INT)") == "create ?");
  CHECK(told("CREATE TABLE \"t\"\"u\" (a INT)", cdc::kSqlModeAnsiQuotes) == "create db.t\"u");
  CHECK(told("/* hello */ CREATE/**/TABLE -- x\n t # y\n (a INT)") == "create db.t");
  CHECK(told("CREATE /*!32302 TEMPORARY */ TABLE t (a INT)") == "other");
  CHECK(told("CREATE TABLE /*!32312 IF NOT EXISTS*/ `t` (a INT)") == "create db.t");
  CHECK(told("CREATE /*M!100301 OR REPLACE */ TABLE t (a INT)") == "create db.t");
  CHECK(told("/*!50001 DROP TABLE a, b */") == "drop db.a,db.b");
  CHECK(told("ALTER TABLE t COMMENT 'it''s, RENAME TO u'") == "alter db.t");
  CHECK(told("ALTER TABLE t COMMENT 'it\\'s', RENAME TO u") == "rename db.t,db.u");
  CHECK(told("ALTER TABLE t COMMENT 'back\\', RENAME TO u", cdc::kSqlModeNoBackslashEscapes) ==
        "rename db.t,db.u");
  CHECK(told("ALTER TABLE t COMMENT 'unfinished, RENAME TO u") == "alter db.t");
  CHECK(told("ALTER TABLE t /* unfinished, RENAME TO u") == "alter db.t");
  CHECK(told("ALTER TABLE t ADD a INT DEFAULT (5--5), RENAME TO u") == "rename db.t,db.u");
}

TEST_CASE("tables that are altered") {
  CHECK(told("ALTER TABLE t ADD COLUMN a INT") == "alter db.t");
  CHECK(told("ALTER TABLE IF EXISTS t WAIT 10 ADD COLUMN a INT") == "alter db.t");
  CHECK(told("ALTER ONLINE IGNORE TABLE o.t ENGINE=InnoDB, ALGORITHM=INPLACE") == "alter o.t");
  CHECK(told("ALTER TABLE t RENAME COLUMN a TO b, RENAME INDEX i TO j") == "alter db.t");
  CHECK(told("ALTER TABLE t RENAME o.u") == "rename db.t,o.u");
  CHECK(told("ALTER TABLE t RENAME AS u") == "rename db.t,db.u");
  CHECK(told("ALTER TABLE t RENAME = u") == "rename db.t,db.u");
  CHECK(told("ALTER TABLE t ADD a ENUM('x,', 'y') NOT NULL, DROP b, RENAME TO u") == "rename db.t,db.u");
  CHECK(told("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4") == "alter db.t");
  CHECK(told("ALTER TABLE t ADD CHECK (a > 0), DROP CHECK c") == "alter db.t");
  CHECK(told("CREATE UNIQUE INDEX i USING BTREE ON o.t (a)") == "alter o.t");
  CHECK(told("CREATE INDEX IF NOT EXISTS i ON t (a)") == "alter db.t");
  CHECK(told("CREATE FULLTEXT INDEX `on` ON t (a)") == "alter db.t");
  CHECK(told("DROP INDEX `PRIMARY` ON t") == "alter db.t");
  CHECK(told("DROP INDEX i") == "alter ?");
}

TEST_CASE("partitions") {
  CHECK(told("ALTER TABLE t DROP PARTITION p0") == "partition db.t");
  CHECK(told("ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (1))") == "partition db.t");
  CHECK(told("ALTER TABLE t TRUNCATE PARTITION ALL") == "partition db.t");
  CHECK(told("ALTER TABLE t REORGANIZE PARTITION p INTO (PARTITION q VALUES IN (1))") == "partition db.t");
  CHECK(told("ALTER TABLE t EXCHANGE PARTITION p WITH TABLE o.u WITHOUT VALIDATION") == "partition db.t,o.u");
  CHECK(told("ALTER TABLE t REMOVE PARTITIONING") == "partition db.t");
  CHECK(told("ALTER TABLE t PARTITION BY HASH(a) PARTITIONS 4") == "partition db.t");
  CHECK(told("ALTER TABLE t ADD a INT PARTITION BY HASH(a)") == "partition db.t");
  CHECK(told("ALTER TABLE t CONVERT PARTITION p TO TABLE u") == "partition db.t,db.u");
  CHECK(told("ALTER TABLE t CONVERT TABLE u TO PARTITION p VALUES LESS THAN (5)") == "partition db.t,db.u");
}

TEST_CASE("tables that are dropped, renamed, truncated") {
  CHECK(told("DROP TABLE `a`,`o`.`b` /* generated by server */") == "drop db.a,o.b");
  CHECK(told("DROP TABLES IF EXISTS a, b, a CASCADE") == "drop db.a,db.b");
  CHECK(told("DROP TEMPORARY TABLE IF EXISTS `shop`.`tmp` /* generated by server */") == "other");
  CHECK(told("DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `tmp`") == "other");
  CHECK(told("RENAME TABLE a TO b, o.c TO d") == "rename db.a,db.b,o.c,db.d");
  CHECK(told("RENAME TABLE IF EXISTS a WAIT 5 TO b") == "rename db.a,db.b");
  CHECK(told("RENAME TABLES a TO b, b TO a") == "rename db.a,db.b");
  CHECK(told("RENAME TABLE a TO") == "rename ?");
  CHECK(told("TRUNCATE t") == "truncate db.t");
  CHECK(told("TRUNCATE TABLE o.t") == "truncate o.t");
}

TEST_CASE("databases") {
  CHECK(told("CREATE DATABASE IF NOT EXISTS shop") == "create");
  CHECK(parse_ddl("CREATE SCHEMA `shop` DEFAULT CHARACTER SET latin1", "db", 0).database == "shop");
  CHECK(told("DROP DATABASE shop") == "drop ?");
  CHECK(parse_ddl("DROP DATABASE IF EXISTS shop", "db", 0).database == "shop");
  CHECK(told("ALTER DATABASE shop CHARACTER SET utf8mb4") == "alter");
  CHECK(parse_ddl("ALTER DATABASE CHARACTER SET utf8mb4", "db", 0).database == "db");
  CHECK(parse_ddl("ALTER DATABASE `default` CHARACTER SET utf8mb4", "db", 0).database == "default");
}

TEST_CASE("what touches no table") {
  CHECK(told("CREATE VIEW v AS SELECT * FROM t") == "other");
  CHECK(told("CREATE ALGORITHM=MERGE DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW v AS SELECT 1") ==
        "other");
  CHECK(told("CREATE DEFINER=`root`@`%` TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1") ==
        "other");
  CHECK(told("CREATE PROCEDURE p() DROP TABLE t") == "other");
  CHECK(told("CREATE USER 'table'@'%'") == "other");
  CHECK(told("DROP VIEW v") == "other");
  CHECK(told("RENAME USER a TO b") == "other");
  CHECK(told("GRANT ALL ON TABLE t TO u") == "other");
  CHECK(told("OPTIMIZE TABLE t") == "other");
  CHECK(told("INSERT INTO t VALUES (1)") == "other ?");
  CHECK(told("BEGIN") == "other");
}

TEST_CASE("XA identifiers") {
  CHECK(cdc::parse_xa_id("XA COMMIT X'6774726964',X'627175616c',7")->text() ==
        "X'6774726964',X'627175616c',7");
  CHECK(cdc::parse_xa_id("xa start 'it''s'")->gtrid == "it's");
  CHECK(cdc::parse_xa_id("XA END 0x6162, 'b'")->text() == "X'6162',X'62',1");
  bool one_phase = false;
  CHECK(cdc::parse_xa_id("XA COMMIT 'a','b',4294967295 ONE PHASE", &one_phase)->format == -1);
  CHECK(one_phase);
  CHECK_FALSE(cdc::parse_xa_id("XA RECOVER"));
  CHECK_FALSE(cdc::parse_xa_id("XA COMMIT X'6'"));
  CHECK_FALSE(cdc::parse_xa_id("COMMIT 'a'"));
}

TEST_CASE("long and deep texts take linear time") {
  std::string deep = "ALTER TABLE t ADD a INT DEFAULT ";
  for (int i = 0; i < 2000000; ++i) deep += "(/*";
  for (int i = 0; i < 2000000; ++i) deep += "`a`,";
  CHECK(told(deep) == "alter db.t");
  std::string comments = "ALTER TABLE t ADD a INT";
  for (int i = 0; i < 1000000; ++i) comments += "/*! , */";
  CHECK(told(comments + ", RENAME TO u") == "rename db.t,db.u");
  std::string names = "DROP TABLE a";
  for (int i = 0; i < 20000; ++i) names += ",t" + std::to_string(i);
  CHECK(parse_ddl(names, "db", 0).tables->size() == 20001);
}
