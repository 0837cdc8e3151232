// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tools/cdc-load/routes.hpp"

using cdc::load::Routes;

namespace {

std::string target(const std::vector<const char*>& rules, const char* db, const char* table) {
  Routes routes;
  for (const char* rule : rules) routes.add(rule);
  return routes.target({db, table}).text();
}

}  // namespace

TEST_CASE("the first rule that matches says where a table goes") {
  CHECK(target({}, "shop", "orders") == "shop.orders");
  CHECK(target({"shop.orders:ods.o"}, "shop", "orders") == "ods.o");
  CHECK(target({"shop.orders:ods.o"}, "shop", "orders2") == "shop.orders2");
  CHECK(target({"shop.orders:ods.o", "shop.*:ods.*"}, "shop", "orders") == "ods.o");
  CHECK(target({"shop.*:ods.*", "shop.orders:ods.o"}, "shop", "orders") == "ods.orders");
  CHECK(target({"Shop.*:ods.*"}, "shop", "orders") == "shop.orders");  // names as they are
}

TEST_CASE("a * stands for the same text on both sides, in each part by itself") {
  CHECK(target({"shop.*:ods.shop_*"}, "shop", "orders") == "ods.shop_orders");
  CHECK(target({"shop_*.*:ods_*.t_*"}, "shop_eu", "orders") == "ods_eu.t_orders");
  CHECK(target({"*.*:all.*"}, "a", "b") == "all.b");
  CHECK(target({"shop.orders_*:ods.orders"}, "shop", "orders_17") == "ods.orders");
  CHECK(target({"shop.orders_*:ods.orders"}, "shop", "orders") == "shop.orders");
  CHECK(target({"shop.orders_*:ods.orders"}, "shop", "orders_") == "ods.orders");
  CHECK(target({"shop.a*a:ods.*"}, "shop", "aba") == "ods.b");
  CHECK(target({"shop.a*a:ods.*"}, "shop", "a") == "shop.a");  // head and tail do not overlap
  CHECK(target({"s*p.*_v2:o*.*"}, "shop", "orders_v2") == "oho.orders");
}

TEST_CASE("what is no rule") {
  for (const char* rule : {"", "a.b", "a.b:", ":a.b", "a:b", "a.b:c", "a.:c.d", ".b:c.d", "a.b:c.d:e.f", "a.**:c.d", "a.*:b.**",
                           "a.b:c.*", "*.b:c.*"}) {
    CAPTURE(rule);
    Routes routes;
    CHECK_THROWS_AS(routes.add(rule), cdc::UsageError);
  }
}

TEST_CASE("the text of all rules tells two runs apart") {
  Routes one, other;
  one.add("a.*:b.*");
  one.add("c.d:e.f");
  other.add("c.d:e.f");
  other.add("a.*:b.*");
  CHECK(one.text() == "a.*:b.* c.d:e.f");
  CHECK(one.text() != other.text());
}
