// SPDX-License-Identifier: Apache-2.0
// The line of a monitoring plugin and the exposition format of Prometheus, against the rules of both.
#include <doctest/doctest.h>

#include <set>

#include "common/base/text.hpp"
#include "tools/cdc-check/monitoring.hpp"

namespace {

using cdc::check::Status;

struct Fixture {
  cdc::check::ServerFacts server;
  cdc::check::PositionFacts position;
  cdc::check::Metrics metrics;
  cdc::check::TablesFacts tables;
  cdc::check::CheckInput input{server, position, metrics, tables, {}, {}, {}, 0, 86400, 14400};
  cdc::check::Report report;

  Fixture() {
    server.name = "repl@db1:3306";
    metrics.lag_s = 12;
    metrics.growth = 1.5;
    metrics.headroom_s = 3600;
    report.input = &input;
    report.verdict = cdc::check::Verdict::critical;
    report.results = {{"server.connect", Status::ok, "x", ""},
                      {"restart", Status::critical, "a | pipe\nand a line", ""},
                      {"settings.checksum", Status::skipped, "", ""}};
  }
};

}  // namespace

TEST_CASE("one line, its pipe parts text from perfdata, what is not known is left out") {
  const Fixture fixture;
  const std::string line = nagios_line(fixture.report);
  CHECK(line.starts_with("CDC CRITICAL - restart: a   pipe and a line |"));
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  CHECK(std::count(line.begin(), line.end(), '|') == 1);
  CHECK(line.find(" lag_seconds=12s;;;0") != std::string::npos);
  CHECK(line.find(" headroom_seconds=3600s;86400:;14400:;") != std::string::npos);
  CHECK(line.find("replica_lag") == std::string::npos);
}

TEST_CASE("each family has one HELP and TYPE before its samples, and labels are escaped") {
  const Fixture fixture;
  const std::string text = prometheus_text(fixture.report, "a\"b\\c", "shop.ckpt", 1700000000);
  std::set<std::string> typed, seen;
  std::string family;
  for (const std::string_view line : cdc::split(text, '\n')) {
    if (line.empty()) continue;
    if (line.starts_with("# TYPE ")) {
      family = std::string(line.substr(7, line.find(' ', 7) - 7));
      CHECK(typed.insert(family).second);
    } else if (!line.starts_with("#")) {
      CHECK(line.substr(0, line.find('{')) == family);
      CHECK(line.find("server=\"a\\\"b\\\\c\",checkpoint=\"shop.ckpt\"") != std::string::npos);
      CHECK(seen.insert(std::string(line.substr(0, line.find('}')))).second);
    }
  }
  CHECK(text.find("cdc_check_verdict{server=\"a\\\"b\\\\c\",checkpoint=\"shop.ckpt\"} 2\n") !=
        std::string::npos);
  CHECK(text.find("check=\"restart\"} 2\n") != std::string::npos);
  CHECK(text.find("settings.checksum") == std::string::npos);
  CHECK(text.find("cdc_source_binlog_growth_bytes_per_second{") != std::string::npos);
  CHECK(text.find("} 1.500\n") != std::string::npos);
}
