// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "common/binlog/dml.hpp"
#include "common/binlog/event_bodies.hpp"

namespace {

// The tables, "a.b c.d"; "?" when the statement is not understood. The default database is d.
std::string tables(std::string_view sql, std::uint64_t sql_mode = 0) {
  const auto found = cdc::parse_dml_tables(sql, "d", sql_mode);
  if (!found) return "?";
  std::string text;
  for (const cdc::TableName& name : *found) text += (text.empty() ? "" : " ") + name.text();
  return text;
}

}  // namespace

TEST_CASE("INSERT and REPLACE change the table they name") {
  CHECK(tables("INSERT INTO t VALUES (1)") == "d.t");
  CHECK(tables("insert low_priority ignore `x`.`t``2` (a, b) SELECT a, b FROM shop.orders") == "x.t`2");
  CHECK(tables("INSERT INTO t(a) VALUES (1)") == "d.t");
  CHECK(tables("INSERT DELAYED x . t SET a = 1 ON DUPLICATE KEY UPDATE a = 2") == "x.t");
  CHECK(tables("REPLACE INTO .t TABLE other") == "d.t");
  CHECK(tables("/* c */ INSERT /*!50000 HIGH_PRIORITY */ INTO t PARTITION (p1) VALUES (1)") == "d.t");
  CHECK(tables("INSERT INTO \"t\" VALUES (1)", cdc::kSqlModeAnsiQuotes) == "d.t");
  CHECK(tables("SET STATEMENT max_statement_time = 1 FOR INSERT INTO x.t VALUES (1)") == "x.t");
  CHECK(tables("INSERT INTO 'text' VALUES (1)") == "?");
  CHECK(tables("INSERT INTO t.") == "?");
  CHECK(tables("INSERT") == "?");
}

TEST_CASE("UPDATE may change all the tables in front of SET") {
  CHECK(tables("UPDATE t SET a = (SELECT b FROM other), c = f(x, y)") == "d.t");
  CHECK(tables("UPDATE LOW_PRIORITY IGNORE x.t AS o PARTITION (p1, p2) SET a = 1") == "x.t");
  CHECK(tables("UPDATE t USE INDEX (i, j) IGNORE INDEX FOR JOIN (k), u SET a = 1") == "d.t d.u");
  CHECK(tables("UPDATE a JOIN x.b ON a.i = f(b.i, 1), c LEFT OUTER JOIN (d CROSS JOIN e) USING (i, j) SET b.v = 1") ==
        "d.a x.b d.c d.d d.e");
  CHECK(tables("UPDATE a, (SELECT i FROM shop.orders) AS q, LATERAL (SELECT 1) r STRAIGHT_JOIN b SET a.v = q.i") ==
        "d.a d.b");
  CHECK(tables("UPDATE ((a JOIN b ON a.i = b.i)) SET a.v = 1") == "d.a d.b");
  CHECK(tables("UPDATE a, JSON_TABLE('[1]', '$[*]' COLUMNS (v INT PATH '$')) AS j SET a.v = j.v") == "d.a");
  CHECK(tables("UPDATE { OJ a LEFT JOIN b ON a.i = b.i } SET a.v = 1") == "d.a d.b");
  CHECK(tables("WITH q AS (SELECT 1 FROM z), r (i) AS (SELECT 2) UPDATE t, q SET a = 1") == "d.t d.q");
  CHECK(tables("UPDATE t") == "?");
  CHECK(tables("UPDATE SET a = 1") == "?");
}

TEST_CASE("DELETE in its three forms") {
  CHECK(tables("DELETE LOW_PRIORITY QUICK IGNORE FROM x.t AS o WHERE i IN (SELECT i FROM other) ORDER BY a, b LIMIT 3") ==
        "x.t");
  CHECK(tables("DELETE FROM t") == "d.t");
  CHECK(tables("DELETE HISTORY FROM t BEFORE SYSTEM_TIME NOW()") == "d.t");
  CHECK(tables("DELETE o, p.* FROM shop.orders AS o JOIN items p USING (id), c WHERE 1") ==
        "shop.orders d.items d.c");
  CHECK(tables("DELETE FROM o, x.p.* USING shop.orders AS o JOIN x.p ON o.id = p.id WHERE 1") ==
        "d.o x.p shop.orders x.p");
  CHECK(tables("WITH RECURSIVE q AS (SELECT 1) DELETE FROM t WHERE i IN (TABLE q)") == "d.t");
  CHECK(tables("DELETE FROM") == "?");
  CHECK(tables("DELETE t") == "?");
}

TEST_CASE("LOAD DATA and what calls functions") {
  CHECK(tables("LOAD DATA LOCAL INFILE 'INTO TABLE x' REPLACE INTO TABLE shop.orders FIELDS TERMINATED BY ','") ==
        "shop.orders");
  CHECK(tables("LOAD XML INFILE 'f' INTO TABLE `t` (a, b)") == "d.t");
  CHECK(tables("LOAD DATA INFILE 'f'") == "?");
  CHECK(tables("SELECT f()") == "?");
  CHECK(tables("CALL p()") == "?");
  CHECK(tables("DO f()") == "?");
  CHECK(tables("WITH q AS (SELECT 1) SELECT f() FROM q") == "?");
  CHECK(tables("") == "?");
}

TEST_CASE("A cut statement gives an answer") {
  const std::string sql = "WITH q AS (SELECT 1) DELETE a, b.* FROM {OJ x.a LEFT JOIN (b USE INDEX (i), c) ON f(1, 2)} WHERE (1";
  for (std::size_t size = 0; size < sql.size(); ++size) tables(std::string_view(sql).substr(0, size));
}
