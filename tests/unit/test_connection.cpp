// SPDX-License-Identifier: Apache-2.0
// What of a connection needs no server; the rest is tests/live/test_connection.py.
#include <doctest/doctest.h>

#include "common/mysql/connection.hpp"

using cdc::ServerVersion;

TEST_CASE("server versions as servers write them") {
  const auto text = [](const char* version, const char* comment) {
    const ServerVersion v = ServerVersion::parse(version, comment);
    return std::string(cdc::flavor_text(v.flavor)) + " " + std::to_string(v.major) + "." +
           std::to_string(v.minor) + "." + std::to_string(v.patch);
  };
  CHECK(text("9.7.4-2", "(Debian)") == "MySQL 9.7.4");
  CHECK(text("8.0.36-28.1", "Percona XtraDB Cluster (GPL), Release rel28") == "Percona Server 8.0.36");
  CHECK(text("5.6.24-log", "MySQL Community Server (GPL)") == "MySQL 5.6.24");
  CHECK(text("5.5.5-10.11.6-MariaDB-log", "Debian 12") == "MariaDB 10.11.6");
  CHECK(text("11.4.2-MariaDB", "mariadb.org binary distribution") == "MariaDB 11.4.2");
  CHECK(text("8.0", "") == "MySQL 8.0.0");
  CHECK(text("", "") == "MySQL 0.0.0");
}

TEST_CASE("comparison of versions") {
  const ServerVersion v = ServerVersion::parse("8.4.10", "");
  CHECK(v.at_least(8, 4));
  CHECK(v.at_least(8, 4, 10));
  CHECK_FALSE(v.at_least(8, 4, 11));
  CHECK(v.at_least(5, 7, 99));
  CHECK_FALSE(v.at_least(9, 0));
}

TEST_CASE("names of ssl modes") {
  using enum cdc::SslMode;
  for (const cdc::SslMode mode : {disabled, preferred, required, verify_ca, verify_identity})
    CHECK(cdc::parse_ssl_mode(cdc::ssl_mode_text(mode)) == mode);
  CHECK(cdc::parse_ssl_mode("VERIFY_IDENTITY") == verify_identity);
  CHECK_FALSE(cdc::parse_ssl_mode("").has_value());
  CHECK_FALSE(cdc::parse_ssl_mode("verify").has_value());
}

TEST_CASE("identifiers") {
  CHECK(cdc::Connection::quote_name("a") == "`a`");
  CHECK(cdc::Connection::quote_name("a`b") == "`a``b`");
}

TEST_CASE("columns of a result by name") {
  const cdc::ResultSet set{{"File", "Position"}, {}};
  CHECK(set.column("position") == 1);
  CHECK_FALSE(set.column("gtid").has_value());
}

TEST_CASE("error numbers") {
  for (const unsigned denied : {1044u, 1045u, 1142u, 1227u, 1130u, 3118u})
    CHECK(cdc::classify_mysql_error(denied).code == cdc::ExitCode::denied);
  for (const unsigned lost : {2002u, 2003u, 2005u, 2006u, 2013u, 1040u, 1053u, 1317u}) {
    CHECK(cdc::classify_mysql_error(lost).code == cdc::ExitCode::temporary);
    CHECK(cdc::classify_mysql_error(lost).transient);
  }
  CHECK(cdc::classify_mysql_error(1236).code == cdc::ExitCode::refused);
  CHECK_FALSE(cdc::classify_mysql_error(1236).transient);
  CHECK(cdc::classify_mysql_error(3159).code == cdc::ExitCode::config);  // TLS is required
}
