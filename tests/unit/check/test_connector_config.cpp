// SPDX-License-Identifier: Apache-2.0
// Configurations as the connectors' own manuals write them.
#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "tools/cdc-check/connector_config.hpp"

using cdc::check::Consumer;
using cdc::check::parse_connector_config;
using cdc::check::regex_to_glob;

TEST_CASE("a SeaTunnel job in HOCON") {
  const auto config = parse_connector_config(R"(
env { job.mode = "STREAMING"  # comment
  checkpoint.interval = 10000 }
source {
  MySQL-CDC {
    plugin_output = "customers"
    server-id = 5652-5657
    username = "st_user"
    password = "se#cret"   // behind it
    table-names = ["inventory.orders", "inventory.items"
      "inventory.stock"]
    base-url = "jdbc:mysql://mysql-host:3307/inventory?useSSL=false"
    startup.mode = specific
    startup.specific-offset {
      file = "binlog.000123"
      pos = 4711
    }
  }
}
sink { Console {} }
)",
                                             "job.conf");
  CHECK(config.consumer == Consumer::seatunnel);
  CHECK(config.host == "mysql-host");
  CHECK(config.port == 3307);
  CHECK(config.user == "st_user");
  CHECK(config.password == "se#cret");
  CHECK(config.server_id == 5652);
  CHECK(config.tables == std::vector<std::string>{"inventory.orders", "inventory.items", "inventory.stock"});
  REQUIRE(config.start);
  CHECK(config.start->mode == cdc::StartupMode::specific);
  CHECK(config.start->position == cdc::BinlogPosition{"binlog.000123", 4711});
}

TEST_CASE("a SeaTunnel job in JSON, by GTID set") {
  const auto config = parse_connector_config(
      R"({"source":[{"plugin_name":"MySQL-CDC","url":"jdbc:mysql://db1/x","username":"u","password":"${pw}",
          "startup.mode":"specific","startup.specific-offset.gtid-set":"11111111-1111-1111-1111-111111111111:1-5"}]})",
      "job.json");
  CHECK(config.consumer == Consumer::seatunnel);
  CHECK(config.host == "db1");
  CHECK_FALSE(config.port);
  CHECK_FALSE(config.password);  // a variable: the options have to say it
  CHECK(config.start->gtid_set == cdc::GtidSet::parse("11111111-1111-1111-1111-111111111111:1-5"));
}

TEST_CASE("a Flink CDC pipeline in YAML") {
  const auto config = parse_connector_config(R"(# pipeline
source:
  type: mysql
  name: MySQL Source
  hostname: 127.0.0.1
  port: 3306
  username: admin
  password: 'it''s'
  tables: adb.\.*, bdb.user_table_[0-9]+, app.orders
  server-id: 5401-5404
  scan.startup.mode: specific-offset
  scan.startup.specific-offset.file: 'mysql-bin.000003'
  scan.startup.specific-offset.pos: 194   # here
sink:
  type: starrocks
  username: root
)",
                                             "pipeline.yaml");
  CHECK(config.consumer == Consumer::flink);
  CHECK(config.host == "127.0.0.1");
  CHECK(config.user == "admin");
  CHECK(config.password == "it's");
  CHECK(config.tables == std::vector<std::string>{"adb.*", "bdb.user_table_*", "app.orders"});
  CHECK(config.start->position == cdc::BinlogPosition{"mysql-bin.000003", 194});
}

TEST_CASE("folded and literal scalars of YAML") {
  const auto config = parse_connector_config(
      "source:\n  type: mysql\n  hostname: h\n  tables: >-\n    adb.\\.*,\n\n    bdb.x\n  username: |\n    "
      "me\n  port: 3307\n",
      "p.yaml");
  CHECK(config.tables == std::vector<std::string>{"adb.*", "bdb.x"});
  CHECK(config.user == "me");
  CHECK(config.port == 3307);
}

TEST_CASE("Debezium as properties and as JSON, and the offsets that Kafka Connect tells") {
  const auto check = [](std::string_view text, const char* path) {
    const auto config = parse_connector_config(text, path);
    CHECK(config.consumer == Consumer::debezium);
    CHECK(config.host == "mysql");
    CHECK(config.user == "debezium");
    CHECK(config.server_id == 184054);
    CHECK(config.tables == std::vector<std::string>{"inventory.customers", "shop.*"});
    CHECK_FALSE(config.start);
  };
  check(
      "# inventory\nconnector.class=io.debezium.connector.mysql.MySqlConnector\ndatabase.hostname=mysql\n"
      "database.user=debezium\ndatabase.server.id=184054\n"
      "table.include.list=inventory\\\\.customers,\\\n  shop\\\\..*\n",
      "inventory.properties");
  check(R"({"name":"inventory","config":{"connector.class":"io.debezium.connector.mysql.MySqlConnector",
           "database.hostname":"mysql","database.user":"debezium","database.server.id":"184054",
           "table.include.list":"inventory\\.customers,shop\\..*"}})",
        "inventory.json");
  const auto offsets = parse_connector_config(
      R"({"offsets":[{"partition":{"server":"p"},"offset":{"ts_sec":1,"file":"binlog.000002","pos":157,"gtids":
          "11111111-1111-1111-1111-111111111111:1-5"}}]})",
      "offsets.json");
  CHECK(offsets.start->position == cdc::BinlogPosition{"binlog.000002", 157});
  CHECK(offsets.start->gtid_set == cdc::GtidSet::parse("11111111-1111-1111-1111-111111111111:1-5"));
}

TEST_CASE("what cannot be used is named with its file") {
  const auto message = [](std::string_view text) {
    try {
      const auto config = parse_connector_config(text, "job.conf");
      for (const std::string& failure : {config.no_host, config.no_user, config.no_start})
        if (!failure.empty()) return failure;
    } catch (const cdc::Error& error) {
      return error.message();
    }
    return std::string("accepted");
  };
  CHECK(message("source { Jdbc { url = x } }").starts_with("job.conf: neither"));
  CHECK(message("source { MySQL-CDC { url = \"jdbc:mysql://h/\", startup.mode = specific } }").find("file") !=
        std::string::npos);
  CHECK(message("source { MySQL-CDC { url = ").starts_with("job.conf: "));
  CHECK(message("source { MySQL-CDC { url = \"jdbc:mysql://h/\nx").starts_with("job.conf: line 1: a quote"));
  CHECK(message("source { MySQL-CDC { hostname = \"${host}\" } }").find("${host}") != std::string::npos);
  CHECK(message(std::string(100, '{')).starts_with("job.conf: "));
}

TEST_CASE("regular expressions become globs that match no less") {
  CHECK(regex_to_glob("inventory\\.customers", false) == "inventory.customers");
  CHECK(regex_to_glob("shop\\..*", false) == "shop.*");
  CHECK(regex_to_glob("adb.\\.*", true) == "adb.*");
  CHECK(regex_to_glob("db[0-9]{1,3}.t_\\d+", true) == "db*.t_*");
  CHECK(regex_to_glob("db.(a|b)", true) == "db.*");
  CHECK(cdc::glob_match(regex_to_glob("^colou?r\\.x$", false), "color.x"));
  CHECK(cdc::glob_match(regex_to_glob("[ab]\\.t", false), "b.t"));
}
