// SPDX-License-Identifier: Apache-2.0
// The command line of cdc-check, understood: a Job says what is to be done, whoever said it (options, a
// connector's configuration, a checkpoint file).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/mysql_options.hpp"
#include "common/cli/position_options.hpp"
#include "tools/cdc-check/check.hpp"
#include "tools/cdc-check/position_facts.hpp"

namespace cdc::check {

enum class Format { text, json, nagios, gtid_set, file_pos, seatunnel, flink, debezium };

struct Job {
  std::optional<std::string> explain;  // nothing else is then done
  ConnectOptions connection;
  bool server_id_given = false;
  PositionRequest request;
  std::vector<std::string> tables;  // globs
  std::uint64_t scan_limit = 0;     // bytes
  Format format = Format::text;
  Consumer consumer = Consumer::generic;
  Verdict fail_on = Verdict::warning;
  std::int64_t warn_headroom_s = 0, crit_headroom_s = 0;
  std::vector<std::string> required;
  std::optional<std::string> expected_uuid, reader_time_zone, write_checkpoint, prometheus;
  std::string checkpoint;  // its path, "" when none is named
  bool probe = false;
};

class Options {
 public:
  // Declares the options; the object must live until read().
  void declare(App& app);
  // After App::parse(). UsageError, ConfigError, IoError, and DataError for a broken checkpoint.
  Job read() const;

 private:
  void read_output(Job& job) const;
  void read_position(Job& job) const;
  void read_connector(Job& job) const;

  App* app_ = nullptr;
  MysqlOptions connection_;
  PositionOptions position_;
  std::string format_ = "text", fail_on_ = "warning", warn_headroom_ = "24h", crit_headroom_ = "4h",
              scan_limit_ = "64M";
  std::optional<std::string> consumer_, expected_uuid_, write_checkpoint_, prometheus_, explain_,
      connector_config_;
  std::vector<std::string> required_, tables_;
  bool probe_ = false;
};

}  // namespace cdc::check
