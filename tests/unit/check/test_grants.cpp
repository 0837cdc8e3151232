// SPDX-License-Identifier: Apache-2.0
// Lines of SHOW GRANTS as MySQL 9.7, 5.6 and MariaDB 10.11 print them.
#include <doctest/doctest.h>

#include "tools/cdc-check/facts.hpp"

TEST_CASE("global privileges, roles and scopes are told apart") {
  const auto grants = cdc::check::parse_grants(
      {"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `u`@`%`",
       "GRANT SELECT ON `mysql`.* TO `u`@`%`", "GRANT SELECT (`id`), INSERT ON `t`.`a` TO `v`@`%`",
       "GRANT `r`@`%`,`s`@`%` TO `u`@`%`"});
  CHECK(grants.has("REPLICATION SLAVE"));
  CHECK(grants.has("REPLICATION CLIENT"));
  CHECK_FALSE(grants.has("SELECT"));
  CHECK(grants.may_select("mysql", "user"));
  CHECK_FALSE(grants.may_select("t", "a"));
  REQUIRE(grants.roles.size() == 2);
  CHECK(grants.roles[0] == "`r`@`%`");
}

TEST_CASE("ALL PRIVILEGES, as root of 5.6 has them") {
  const auto grants = cdc::check::parse_grants(
      {"GRANT ALL PRIVILEGES ON *.* TO 'root'@'localhost' IDENTIFIED BY PASSWORD '*81F5' WITH GRANT OPTION",
       "GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION"});
  CHECK(grants.has("REPLICATION SLAVE"));
  CHECK(grants.may_select("any", "table"));
}

TEST_CASE("database patterns and odd names") {
  const auto grants = cdc::check::parse_grants({"GRANT SELECT ON `shop\\_%`.* TO `u`@`%`",
                                                "GRANT SELECT ON `a``b`.`c d` TO `u`@`%`",
                                                "GRANT EXECUTE ON PROCEDURE `x`.`y` TO `u`@`%`"});
  CHECK(grants.may_select("shop_eu", "orders"));
  CHECK_FALSE(grants.may_select("shopXeu", "orders"));
  CHECK(grants.may_select("a`b", "c d"));
  CHECK_FALSE(grants.may_select("a`b", "c"));
  CHECK_FALSE(grants.may_select("x", "y"));
}
