// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/options.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/text.hpp"
#include "tools/cdc-check/checks.hpp"
#include "tools/cdc-check/connector_config.hpp"

namespace cdc::check {
namespace {

constexpr std::array<std::pair<std::string_view, Format>, 8> kFormats{{{"text", Format::text},
                                                                       {"json", Format::json},
                                                                       {"nagios", Format::nagios},
                                                                       {"gtid-set", Format::gtid_set},
                                                                       {"file-pos", Format::file_pos},
                                                                       {"seatunnel", Format::seatunnel},
                                                                       {"flink", Format::flink},
                                                                       {"debezium", Format::debezium}}};

Format read_format(const std::string& text) {
  std::string known;
  for (const auto& [name, format] : kFormats) {
    if (name == text) return format;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw UsageError("--format: '" + text + "' is none of " + known);
}

std::int64_t read_seconds(const std::string& option, const std::string& text) {
  const auto ms = parse_duration_ms(text);
  if (!ms) throw UsageError(option + ": '" + text + "' is no duration (30m, 24h)");
  return *ms / 1000;
}

}  // namespace

void Options::declare(App& app) {
  app_ = &app;
  CLI::App& cli = app.cli();
  connection_.declare(app);
  position_.declare_start(app);
  const auto option = [&](const char* name, auto& target, const char* what, const char* type,
                          const char* group) {
    return cli.add_option(name, target, what)->type_name(type)->group(group);
  };
  option("--connector-config", connector_config_,
         "Position, connection and tables of a SeaTunnel, Flink CDC or Debezium file", "FILE", "Start");
  constexpr const char* kTables = "Tables";
  option("-t,--table", tables_, "Check these tables: db.table, * allowed; repeatable", "GLOB", kTables);
  option("--scan-limit", scan_limit_, "Look for their changes in up to this much binlog (64M)", "SIZE",
         kTables);
  constexpr const char* kGroup = "Judgement";
  option("--for", consumer_, "Who starts there: generic, cdc-tail, seatunnel, flink or debezium", "READER",
         kGroup);
  option("--fail-on", fail_on_, "Exit 0 below this: warning or critical (warning)", "LEVEL", kGroup);
  option("--require", required_, "Critical when not OK: gtid, full-image... or ids of checks", "LIST",
         kGroup);
  option("--expect-server-uuid", expected_uuid_, "Critical on any other server", "UUID", kGroup);
  option("--warn-headroom", warn_headroom_, "Warn when the position is purged sooner (24h)", "TIME", kGroup);
  option("--crit-headroom", crit_headroom_, "Critical when it is purged sooner (4h)", "TIME", kGroup);
  cli.add_flag("--probe", probe_, "Really open a dump from the position")->group(kGroup);
  constexpr const char* kOutput = "Output";
  option("--format", format_, "text, json, nagios, gtid-set, file-pos, seatunnel, flink or debezium (text)",
         "FORMAT", kOutput);
  option("--prometheus", prometheus_, "Also write a file for the node exporter's textfile collector", "FILE",
         kOutput);
  option("--write-checkpoint", write_checkpoint_, "Make a position file for cdc-tail and cdc-load", "FILE",
         kOutput);
  option("--explain", explain_, "Only say what this error text of a dump means (- reads it)", "TEXT",
         kOutput);
}

Job Options::read() const {
  Job job;
  read_output(job);
  job.explain = explain_;
  if (job.explain) {
    if (job.format != Format::text && job.format != Format::json)
      throw UsageError("--explain prints text or json");
    return job;
  }
  job.consumer = position_.checkpoint() ? Consumer::cdc_tail : Consumer::generic;
  read_position(job);
  job.connection = connection_.resolve();
  job.server_id_given = app_->cli().count("--server-id") > 0;
  job.tables = tables_;
  if (connector_config_) read_connector(job);
  if (consumer_) {
    const auto consumer = parse_consumer(*consumer_);
    if (!consumer)
      throw UsageError("--for: '" + *consumer_ +
                       "' is none of generic, cdc-tail, seatunnel, flink, debezium");
    job.consumer = *consumer;
  }
  job.probe = probe_;
  return job;
}

void Options::read_output(Job& job) const {
  job.format = read_format(format_);
  if (fail_on_ != "warning" && fail_on_ != "critical")
    throw UsageError("--fail-on: '" + fail_on_ + "' is neither warning nor critical");
  job.fail_on = fail_on_ == "critical" ? Verdict::critical : Verdict::warning;
  if (expected_uuid_ && !Uuid::parse(*expected_uuid_))
    throw UsageError("--expect-server-uuid: '" + *expected_uuid_ + "' is no UUID");
  job.expected_uuid = expected_uuid_;
  job.warn_headroom_s = read_seconds("--warn-headroom", warn_headroom_);
  job.crit_headroom_s = read_seconds("--crit-headroom", crit_headroom_);
  const auto limit = parse_size(scan_limit_);
  if (!limit) throw UsageError("--scan-limit: '" + scan_limit_ + "' is no size (64M)");
  job.scan_limit = *limit;
  require_known(required_);
  job.required = required_;
  for (const std::string& table : tables_)
    if (table.find('.') == std::string::npos) throw UsageError("--table: '" + table + "' is not DB.TABLE");
  job.write_checkpoint = write_checkpoint_;
  job.prometheus = prometheus_;
}

void Options::read_position(Job& job) const {
  job.request.start = position_.start();
  if (!position_.checkpoint()) return;
  job.checkpoint = *position_.checkpoint();
  job.request.checkpoint = Checkpoint::load(job.checkpoint);
  job.request.first_run = !job.request.checkpoint;
}

// What the command line says itself wins over the file.
void Options::read_connector(Job& job) const {
  const ConnectorConfig config = read_connector_config(*connector_config_);
  const auto given = [&](const char* name) { return app_->cli().count(name) > 0; };
  job.consumer = config.consumer;
  job.reader_time_zone = config.time_zone;
  const auto need = [&](const std::string& failure) {
    if (!failure.empty()) throw ConfigError(*connector_config_ + ": " + failure);
  };
  if (!given("--host") && !given("--socket")) need(config.no_host);
  if (!given("--user")) need(config.no_user);
  if (!job.request.start && !job.request.checkpoint) need(config.no_start);
  if (job.tables.empty()) need(config.no_tables);
  if (!given("--host") && !given("--socket") && config.host) {
    job.connection.hosts = {{*config.host, config.port.value_or(3306)}};
    job.connection.socket.clear();
  }
  if (!given("--user") && config.user) {
    job.connection.user = *config.user;
    if (!given("--password") && !given("--password-file") && config.password)
      job.connection.password = *config.password;
  }
  if (!given("--server-id") && config.server_id) {
    job.connection.server_id = *config.server_id;
    job.server_id_given = true;
  }
  if (!job.request.start && !job.request.checkpoint) job.request.start = config.start;
  if (job.tables.empty()) job.tables = config.tables;
}

}  // namespace cdc::check
