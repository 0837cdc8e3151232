// SPDX-License-Identifier: Apache-2.0
// --connector-config: what a SeaTunnel job, a Flink CDC pipeline or a Debezium configuration says of its
// source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/position.hpp"
#include "tools/cdc-check/config_syntax.hpp"
#include "tools/cdc-check/prediction.hpp"

namespace cdc::check {

struct ConnectorConfig {
  Consumer consumer = Consumer::generic;
  std::optional<std::string> host, user, password;
  std::optional<std::uint16_t> port;
  std::optional<std::uint32_t> server_id;  // the first of a range
  std::optional<std::string> time_zone;    // that the server is said to be in
  // As our globs. Regular expressions become globs that match no less.
  std::vector<std::string> tables;
  std::optional<StartPoint> start;  // nullopt: a snapshot first, or not said
  // Why one of these cannot be used, "" when it can: a variable, or no such value. It matters only when the
  // command line does not say it.
  std::string no_host, no_user, no_start, no_tables;
};

// Reads `path`: JSON and HOCON by what they look like, YAML and properties by name or look. IoError(66);
// ConfigError names the file when it has no MySQL source or its syntax is wrong.
ConnectorConfig read_connector_config(const std::string& path);
ConnectorConfig parse_connector_config(std::string_view text, const std::string& path);

// A Java regular expression as a glob that matches at least as much. `plain_dot`: a bare dot is a dot, and \.
// is any character, as in Flink CDC's `tables`.
std::string regex_to_glob(std::string_view regex, bool plain_dot);

}  // namespace cdc::check
