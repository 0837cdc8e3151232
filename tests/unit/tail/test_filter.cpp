// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tools/cdc-tail/filter.hpp"

using cdc::TableName;
using cdc::tail::FilterRules;
using cdc::tail::TableFilter;

namespace {

FilterRules rules(std::vector<std::string> tables, std::vector<std::string> exclude = {}) {
  FilterRules rules;
  rules.tables = std::move(tables);
  rules.exclude_tables = std::move(exclude);
  return rules;
}

bool concerned(const TableFilter& filter, std::string_view sql, std::string_view db = "shop") {
  return filter.concerns(cdc::parse_ddl(sql, db, 0));
}

}  // namespace

TEST_CASE("without a rule every table is captured but those of online schema changes") {
  const TableFilter all(FilterRules{});
  CHECK(all.captures({"shop", "orders"}));
  CHECK(all.captures({"shop", "orders_new"}));
  CHECK_FALSE(all.captures({"shop", "_orders_gho"}));
  CHECK_FALSE(all.captures({"shop", "__orders_old"}));
  FilterRules shadow;
  shadow.shadow_tables = true;
  CHECK(TableFilter(shadow).captures({"shop", "_orders_gho"}));
}

TEST_CASE("globs choose, and exclusion wins") {
  const TableFilter filter(rules({"shop.*", "crm.c[a-c]?"}, {"shop.tmp*", "*.cab"}));
  CHECK(filter.captures({"shop", "orders"}));
  CHECK(filter.captures({"crm", "cax"}));
  CHECK_FALSE(filter.captures({"crm", "cab"}));
  CHECK_FALSE(filter.captures({"crm", "cdx"}));
  CHECK_FALSE(filter.captures({"shop", "tmp1"}));
  CHECK_FALSE(filter.captures({"Shop", "orders"}));
  CHECK_FALSE(filter.captures({"shop2", "orders"}));
}

TEST_CASE("a backslash takes the meaning of a dot or a star away, and a table's name may have dots") {
  const TableFilter filter(rules({R"(a\.b.c)", R"(x.\*)", "y.p.q"}));
  CHECK(filter.captures({"a.b", "c"}));
  CHECK(filter.captures({"x", "*"}));
  CHECK_FALSE(filter.captures({"x", "t"}));
  CHECK(filter.captures({"y", "p.q"}));
}

TEST_CASE("a rule without its parts is a usage error that names the option") {
  for (const char* const bad : {"orders", ".orders", "shop.", ""})
    CHECK_THROWS_WITH_AS(TableFilter(rules({bad})), doctest::Contains("--table wants DB.TABLE"), cdc::UsageError);
  FilterRules columns;
  columns.exclude_columns = {"shop.orders"};
  CHECK_THROWS_WITH_AS(TableFilter{columns}, doctest::Contains("DB.TABLE.COLUMN"), cdc::UsageError);
}

TEST_CASE("a statement concerns the filter when it may touch a captured table") {
  const TableFilter filter(rules({"shop.o*"}));
  CHECK(concerned(filter, "ALTER TABLE orders ADD c INT"));
  CHECK_FALSE(concerned(filter, "ALTER TABLE items ADD c INT"));
  CHECK_FALSE(concerned(filter, "ALTER TABLE orders ADD c INT", "crm"));
  CHECK(concerned(filter, "RENAME TABLE crm.x TO shop.other"));
  CHECK(concerned(filter, "DROP DATABASE shop"));
  CHECK_FALSE(concerned(filter, "DROP DATABASE crm"));
  CHECK(concerned(filter, "ALTER TABLE 'what"));
  CHECK(concerned(filter, "CREATE USER u"));
}

TEST_CASE("names in statements may be of another case than those of rows") {
  TableFilter filter(rules({"shop.orders"}));
  CHECK(concerned(filter, "ALTER TABLE Shop.ORDERS ADD c INT"));
  CHECK(concerned(filter, "DROP DATABASE SHOP"));
  filter.set_case_ignored(false);
  CHECK_FALSE(concerned(filter, "ALTER TABLE Shop.ORDERS ADD c INT"));
  CHECK_FALSE(concerned(filter, "DROP DATABASE SHOP"));
  CHECK(concerned(filter, "ALTER TABLE shop.orders ADD c INT"));
}

TEST_CASE("which changes logged as text may change captured rows") {
  const TableFilter filter(rules({"shop.orders"}));
  using Tables = std::vector<TableName>;
  CHECK(filter.may_change(Tables{{"crm", "x"}, {"Shop", "Orders"}}, {"crm", "shop"}));
  CHECK_FALSE(filter.may_change(Tables{{"shop", "items"}}, {"shop"}));
  CHECK_FALSE(filter.may_change(Tables{{"crm", "x"}}, {}));
  // In a database of which it names no table: by a trigger or a function.
  CHECK(filter.may_change(Tables{{"crm", "x"}}, {"crm", "shop"}));
  CHECK_FALSE(filter.may_change(Tables{{"crm", "x"}}, {"crm", "log"}));
  CHECK(filter.may_change(std::nullopt, {"shop"}));
  CHECK_FALSE(filter.may_change(std::nullopt, {"crm"}));
  CHECK(filter.may_change(std::nullopt, {}));
}

TEST_CASE("an excluded column is marked in a copy of the definition") {
  FilterRules some;
  some.exclude_columns = {"shop.*.c_*"};
  const TableFilter filter(some);
  cdc::TableSchema schema{{"shop", "orders"}, std::vector<cdc::Column>(2), {}, true};
  schema.columns[0].name = "id";
  schema.columns[1].name = "c_card";
  const auto original = std::make_shared<const cdc::TableSchema>(schema);
  const auto applied = filter.apply(original);
  CHECK(applied != original);
  CHECK_FALSE(applied->columns[0].excluded);
  CHECK(applied->columns[1].excluded);
  CHECK_FALSE(original->columns[1].excluded);
  schema.name.db = "crm";
  const auto other = std::make_shared<const cdc::TableSchema>(schema);
  CHECK(filter.apply(other) == other);
}

TEST_CASE("equal filters have equal texts, whatever the order of their rules") {
  const std::string text = TableFilter(rules({"b.*", "a.*", "b.*"}, {"x.\"y"})).canonical();
  CHECK(text == TableFilter(rules({"a.*", "b.*"}, {"x.\"y"})).canonical());
  CHECK(text ==
        R"({"tables":["a.*","b.*"],"exclude_tables":["x.\"y"],"exclude_columns":[],"shadow_tables":false})");
  CHECK(text != TableFilter(rules({"a.*"}, {"b.*", "x.\"y"})).canonical());
}
