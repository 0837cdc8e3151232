// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "rows_fixture.hpp"

using cdc::test::check_fixture;
using cdc::test::damage_fixture;

TEST_CASE("rows equal what SELECT prints") {
  for (const char* name : {"numbers", "decimals", "temporals", "strings", "json", "json_large",
                           "partial_json", "images", "spatial", "mariadb", "old_temporals", "mysql56"})
    check_fixture(name);
}

TEST_CASE("damaged rows are errors or other rows, never a crash") {
  for (const char* name : {"numbers", "temporals", "json", "partial_json", "images", "spatial", "mariadb",
                           "old_temporals", "mysql56"})
    damage_fixture(name);
  for (const char* name : {"decimals", "strings"}) damage_fixture(name, 7);
  damage_fixture("json_large", 20'011);
}
