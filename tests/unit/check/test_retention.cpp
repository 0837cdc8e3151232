// SPDX-License-Identifier: Apache-2.0
// For how long a binlog is kept, by the settings that each version and service has. The names and meanings
// are those of their manuals; what is not known must not become a number.
#include <doctest/doctest.h>

#include "tools/cdc-check/checks.hpp"

namespace {

using cdc::check::Status;

cdc::check::Retention retention(cdc::Variables variables, const std::string& managed = "",
                                cdc::check::Asked<std::string> rds = {}) {
  cdc::check::ServerFacts server;
  server.variables = std::move(variables);
  server.managed = managed;
  server.rds_retention = std::move(rds);
  return retention_of(server);
}

}  // namespace

TEST_CASE("the settings of each version") {
  CHECK(retention({{"expire_logs_days", "7"}}).seconds == 7 * 86'400);                 // 5.6, 5.7
  CHECK(retention({{"binlog_expire_logs_seconds", "2592000"}}).seconds == 2'592'000);  // 8.0 and later
  CHECK(retention({{"binlog_expire_logs_seconds", "3600"}, {"expire_logs_days", "9"}}).seconds == 3600);
  CHECK(retention({{"binlog_expire_logs_seconds", "0"}, {"expire_logs_days", "0"}}).forever);
  CHECK(
      retention({{"binlog_expire_logs_seconds", "3600"}, {"binlog_expire_logs_auto_purge", "OFF"}}).forever);
}

TEST_CASE("a managed service has its own rules") {
  const cdc::Variables forever{{"binlog_expire_logs_seconds", "2592000"}};
  for (const char* service : {"Amazon Aurora", "Google Cloud SQL", "Azure Database for MySQL", "PolarDB"}) {
    const auto unknown = retention(forever, service);
    CHECK_FALSE(unknown.seconds);
    CHECK_FALSE(unknown.forever);
  }
  CHECK(retention(forever, "Amazon RDS", {"24", ""}).seconds == 86'400);
  CHECK(retention(forever, "Amazon RDS", {"", ""}).seconds == 0);  // NULL: purged as soon as can be
  const auto refused = retention(forever, "Amazon RDS", {std::nullopt, "lacks SELECT"});
  CHECK_FALSE(refused.seconds);
  CHECK(refused.source == "lacks SELECT");
}

TEST_CASE("what is unknown is said as unknown, not as well") {
  cdc::check::ServerFacts server;
  server.managed = "Google Cloud SQL";
  server.files.value.emplace();
  cdc::check::PositionFacts position;
  position.asked = true;
  const cdc::check::Metrics metrics;
  const cdc::check::TablesFacts tables;
  const cdc::check::CheckInput input{server, position, metrics, tables, {}, {}, {}, 0, 86'400, 14'400};
  int unknown = 0;
  for (const auto& result : retention_checks(input))
    if (result.id == "retention.expiry" || result.id == "retention.headroom") {
      CHECK(result.status == Status::skipped);
      CHECK(result.message == "unknown: Google Cloud SQL has its own rules");
      ++unknown;
    }
  CHECK(unknown == 2);
}

TEST_CASE("a limit of space purges before the time is up") {
  CHECK(retention({{"binlog_space_limit", "1000"}}).space_limit == 1000);     // Percona
  CHECK(retention({{"max_binlog_total_size", "1000"}}).space_limit == 1000);  // MariaDB 11.4
  CHECK_FALSE(retention({{"binlog_space_limit", "0"}}).space_limit);
  CHECK(cdc::check::seconds_until_full(1000, 400, 2.0) == 300);
  CHECK(cdc::check::seconds_until_full(1000, 1000, 2.0) == 0);
  CHECK_FALSE(cdc::check::seconds_until_full(1000, 400, 0.0));
}
