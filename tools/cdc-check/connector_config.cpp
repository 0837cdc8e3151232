// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/connector_config.hpp"

#include <algorithm>
#include <limits>

#include "common/base/error.hpp"
#include "common/base/fd.hpp"
#include "common/base/text.hpp"

namespace cdc::check {
namespace {

// The settings below a path, with their errors.
class Block {
 public:
  Block(const FlatConfig& config, std::string prefix) : config_(config), prefix_(std::move(prefix)) {}

  std::vector<std::string> list(const std::string& name) const {
    const auto found = config_.find(prefix_ + name);
    if (found == config_.end()) return {};
    for (const std::string& value : found->second)
      if (value.find("${") != std::string::npos)
        throw ConfigError(prefix_ + name + ": the variable " + value +
                          " is not known here; give it as an option");
    return found->second;
  }
  std::optional<std::string> text(const std::string& name) const {
    const std::vector<std::string> values = list(name);
    return values.empty() ? std::nullopt : std::optional(values.front());
  }
  // What is in a variable is left to the options.
  std::optional<std::string> plain(const std::string& name) const {
    const auto found = config_.find(prefix_ + name);
    if (found == config_.end() || found->second.empty() ||
        found->second.front().find("${") != std::string::npos)
      return std::nullopt;
    return found->second.front();
  }
  std::optional<std::uint64_t> number(const std::string& name, std::uint64_t largest) const {
    const auto value = text(name);
    if (!value) return std::nullopt;
    const auto number = parse_uint(*value);
    if (!number || *number > largest)
      throw ConfigError(prefix_ + name + ": '" + *value + "' is no number that fits");
    return number;
  }
  std::optional<GtidSet> gtid_set(const std::string& name) const {
    const auto value = text(name);
    if (!value) return std::nullopt;
    try {
      return GtidSet::parse(*value);
    } catch (const Error& error) {
      throw ConfigError(prefix_ + name + ": " + error.message());
    }
  }

 private:
  const FlatConfig& config_;
  std::string prefix_;
};

// "5400" or "5400-5404"
std::optional<std::uint32_t> first_id(const Block& block, const std::string& name) {
  const auto text = block.plain(name);
  if (!text) return std::nullopt;
  const auto number = parse_uint(std::string_view(*text).substr(0, text->find('-')));
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

void take_connection(const Block& block, const std::string& host, const std::string& port,
                     ConnectorConfig& config) {
  config.host = block.text(host);
  if (const auto number = block.number(port, std::numeric_limits<std::uint16_t>::max()))
    config.port = static_cast<std::uint16_t>(*number);
}

// jdbc:mysql://db1:3306/shop?useSSL=false
void take_url(const std::string& url, ConnectorConfig& config) {
  const std::size_t begin = url.find("//");
  if (begin == std::string::npos) throw ConfigError("the url '" + url + "' is no JDBC URL of a MySQL server");
  const std::string_view authority =
      std::string_view(url).substr(begin + 2, url.find_first_of("/?", begin + 2) - begin - 2);
  const std::size_t colon = authority.rfind(':');
  config.host = std::string(authority.substr(0, colon));
  if (colon == std::string_view::npos) return;
  const auto port = parse_uint(authority.substr(colon + 1));
  if (!port || *port > std::numeric_limits<std::uint16_t>::max())
    throw ConfigError("the url '" + url + "' has no usable port");
  config.port = static_cast<std::uint16_t>(*port);
}

// The options of a start at a place have the same endings in SeaTunnel and Flink CDC.
StartPoint specific_start(const Block& block, const std::string& prefix) {
  StartPoint start;
  start.mode = StartupMode::specific;
  if (const auto file = block.text(prefix + "file"))
    start.position = BinlogPosition{
        *file, block.number(prefix + "pos", std::numeric_limits<std::uint64_t>::max()).value_or(4)};
  start.gtid_set = block.gtid_set(prefix + "gtid-set");
  if (!start.position && !start.gtid_set)
    throw ConfigError(prefix + "file or " + prefix + "gtid-set is missing");
  return start;
}

std::optional<StartPoint> start_of(const Block& block, const std::string& mode_name, const std::string& place,
                                   const std::string& time) {
  const std::string mode = lower_ascii(block.text(mode_name).value_or("initial"));
  StartPoint start;
  if (mode == "specific" || mode == "specific-offset") return specific_start(block, place);
  if (mode == "earliest" || mode == "earliest-offset") {
    start.mode = StartupMode::earliest;
  } else if (mode == "latest" || mode == "latest-offset") {
    start.mode = StartupMode::latest;
  } else if (mode == "timestamp") {
    start.mode = StartupMode::timestamp;
    const auto ms = block.number(time, std::numeric_limits<std::int64_t>::max());
    if (!ms) throw ConfigError(time + " is missing");
    start.timestamp_ms = static_cast<std::int64_t>(*ms);
  } else {
    return std::nullopt;
  }
  return start;
}

void take_expressions(const std::optional<std::string>& list, bool plain_dot, ConnectorConfig& config) {
  if (!list) return;
  for (const std::string_view expression : split(*list, ','))
    if (!trim(expression).empty()) config.tables.push_back(regex_to_glob(trim(expression), plain_dot));
}

// "source.MySQL-CDC." of a job in HOCON, "source.0." of one in JSON with plugin_name.
std::optional<std::string> seatunnel_prefix(const FlatConfig& config) {
  constexpr std::string_view kPlugin = "MySQL-CDC";
  for (const auto& [path, values] : config) {
    if (const std::size_t at = path.find("." + std::string(kPlugin) + "."); at != std::string::npos)
      return path.substr(0, at + kPlugin.size() + 2);
    if (path.ends_with(".plugin_name") && !values.empty() && values.front() == kPlugin)
      return path.substr(0, path.size() - std::string_view("plugin_name").size());
  }
  return std::nullopt;
}

// Takes a part of the configuration; what cannot be used is left for whoever needs it.
template <typename Take>
void attempt(std::string& failure, Take&& take) {
  try {
    take();
  } catch (const ConfigError& error) {
    failure = error.message();
  }
}

ConnectorConfig from_seatunnel(const Block& block) {
  ConnectorConfig config;
  config.consumer = Consumer::seatunnel;
  attempt(config.no_host, [&] {
    for (const char* name : {"base-url", "url"})
      if (const auto url = block.text(name)) take_url(*url, config);
    if (!config.host) take_connection(block, "hostname", "port", config);
  });
  attempt(config.no_user, [&] { config.user = block.text("username"); });
  config.password = block.plain("password");
  config.server_id = first_id(block, "server-id");
  config.time_zone = block.plain("server-time-zone");
  attempt(config.no_tables, [&] {
    config.tables = block.list("table-names");
    take_expressions(block.text("table-pattern"), false, config);
  });
  attempt(config.no_start, [&] {
    config.start = start_of(block, "startup.mode", "startup.specific-offset.", "startup.timestamp");
  });
  return config;
}

ConnectorConfig from_flink(const Block& block) {
  ConnectorConfig config;
  config.consumer = Consumer::flink;
  attempt(config.no_host, [&] { take_connection(block, "hostname", "port", config); });
  attempt(config.no_user, [&] { config.user = block.text("username"); });
  config.password = block.plain("password");
  config.server_id = first_id(block, "server-id");
  config.time_zone = block.plain("server-time-zone");
  attempt(config.no_tables, [&] { take_expressions(block.text("tables"), true, config); });
  attempt(config.no_start, [&] {
    config.start = start_of(block, "scan.startup.mode", "scan.startup.specific-offset.",
                            "scan.startup.timestamp-millis");
  });
  return config;
}

ConnectorConfig from_debezium(const Block& block) {
  ConnectorConfig config;
  config.consumer = Consumer::debezium;
  attempt(config.no_host, [&] { take_connection(block, "database.hostname", "database.port", config); });
  attempt(config.no_user, [&] { config.user = block.text("database.user"); });
  config.password = block.plain("database.password");
  config.server_id = first_id(block, "database.server.id");
  config.time_zone = block.plain("database.connectionTimeZone");
  attempt(config.no_tables, [&] { take_expressions(block.text("table.include.list"), false, config); });
  return config;
}

// What Kafka Connect's GET /connectors/NAME/offsets answers.
ConnectorConfig from_offsets(const Block& block) {
  ConnectorConfig config;
  config.consumer = Consumer::debezium;
  attempt(config.no_start, [&] {
    StartPoint start;
    start.mode = StartupMode::specific;
    if (const auto file = block.text("file"))
      start.position =
          BinlogPosition{*file, block.number("pos", std::numeric_limits<std::uint64_t>::max()).value_or(4)};
    start.gtid_set = block.gtid_set("gtids");
    config.start = start;
  });
  return config;
}

bool looks_like_yaml(std::string_view text, const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml") || text.starts_with("source:") ||
         text.find("\nsource:") != std::string_view::npos;
}

FlatConfig parse_by_look(std::string_view text, const std::string& path) {
  if (path.ends_with(".properties")) return parse_properties(text);
  if (looks_like_yaml(text, path)) return parse_yaml(text);
  if (trim(text).starts_with('{') || text.find('{') != std::string_view::npos) return parse_hocon(text);
  return parse_properties(text);
}

}  // namespace

std::string regex_to_glob(std::string_view regex, bool plain_dot) {
  std::string glob;
  const auto quantified = [&](std::size_t next) {
    return next < regex.size() && std::string_view("*+?{").find(regex[next]) != std::string_view::npos;
  };
  for (std::size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    const bool escaped = c == '\\' && i + 1 < regex.size();
    const char meant = escaped ? regex[++i] : c;
    const bool any = meant == '.' && escaped == plain_dot;
    if (!any && !escaped && std::string_view("(|^$").find(c) != std::string_view::npos) {
      if (c == '^' || c == '$') continue;
      return glob + "*";  // alternatives: whatever follows
    }
    if (c == '[' && !escaped) {
      const std::size_t end = std::min(regex.find(']', i + 1), regex.size() - 1);
      glob += quantified(end + 1) ? "*" : "?";
      i = end;
    } else if (quantified(i + 1)) {
      glob += '*';
    } else if (any || (escaped && std::string_view("dwsDWS").find(meant) != std::string_view::npos)) {
      glob += '?';
    } else {
      glob += meant;
    }
    while (quantified(i + 1))
      i = regex[i + 1] == '{' ? std::min(regex.find('}', i), regex.size() - 1) : i + 1;
  }
  return glob;
}

ConnectorConfig parse_connector_config(std::string_view text, const std::string& path) {
  try {
    const FlatConfig config = parse_by_look(text, path);
    if (const auto prefix = seatunnel_prefix(config)) return from_seatunnel(Block(config, *prefix));
    if (const auto type = config.find("source.type");
        type != config.end() && !type->second.empty() && type->second.front() == "mysql")
      return from_flink(Block(config, "source."));
    for (const auto& [name, values] : config) {
      if (name.ends_with("connector.class") && !values.empty() &&
          values.front().find("MySql") != std::string::npos)
        return from_debezium(
            Block(config, name.substr(0, name.size() - std::string_view("connector.class").size())));
      if (name.ends_with("offset.file"))
        return from_offsets(Block(config, name.substr(0, name.size() - std::string_view("file").size())));
    }
  } catch (const ConfigError& error) {
    throw ConfigError(path + ": " + error.message());
  } catch (const DataError& error) {
    throw ConfigError(path + ": " + error.message());
  }
  throw ConfigError(path +
                    ": neither a MySQL-CDC source of SeaTunnel, nor a mysql source of Flink CDC, nor "
                    "Debezium's MySqlConnector");
}

ConnectorConfig read_connector_config(const std::string& path) {
  constexpr std::size_t kLimit = 16 << 20;
  return parse_connector_config(read_file(path, kLimit), path);
}

}  // namespace cdc::check
