// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/server.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/base/text.hpp"

namespace cdc {
namespace {

constexpr unsigned kUnknownSystemVariable = 1193;  // ER_UNKNOWN_SYSTEM_VARIABLE
constexpr unsigned kSessionVariable = 1238;        // ER_INCORRECT_GLOBAL_LOCAL_VAR
constexpr unsigned kXaRmError = 1401;              // ER_XAER_RMERR

GtidMode parse_gtid_mode(const std::string& text) {
  const std::string mode = lower_ascii(text);
  if (mode == "on" || mode == "1") return GtidMode::on;
  if (mode == "on_permissive") return GtidMode::on_permissive;
  if (mode == "off_permissive") return GtidMode::off_permissive;
  return GtidMode::off;  // also the UPGRADE_STEP_1 and _2 of 5.6, which never did anything
}

// The field of a named column, "" when the server's version lacks it or it is NULL.
std::string text_of(const ResultSet& result, const std::vector<Field>& row, std::string_view column) {
  const std::optional<std::size_t> index = result.column(column);
  return index ? row[*index].value_or("") : "";
}

std::uint64_t number_of(const ResultSet& result, const std::vector<Field>& row, std::string_view column) {
  return parse_uint(text_of(result, row, column)).value_or(0);
}

// "Master_Host" → "Source_Host", "Slave_IO_Running" → "Replica_IO_Running".
std::string newer_name(std::string name) {
  constexpr std::array<std::array<std::string_view, 2>, 4> kRenamed{
      {{"Master", "Source"}, {"Slave", "Replica"}, {"master", "source"}, {"slave", "replica"}}};
  for (const auto& [old_word, new_word] : kRenamed) {
    if (const std::size_t at = name.find(old_word); at != std::string::npos)
      name.replace(at, old_word.size(), new_word);
  }
  return name;
}

ResultSet show_end(Connection& connection) {
  const ServerVersion& version = connection.server_version();
  const bool renamed = version.flavor != Flavor::mariadb && version.at_least(8, 2);
  return connection.query(renamed ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS");
}

BinlogPosition position_of(const ResultSet& end) {
  return {text_of(end, end.rows[0], "File"), number_of(end, end.rows[0], "Position")};
}

}  // namespace

std::optional<BinlogPosition> end_position(Connection& connection) {
  const ResultSet end = show_end(connection);
  return end.empty() ? std::nullopt : std::optional(position_of(end));
}

std::string_view gtid_mode_text(GtidMode mode) {
  constexpr std::array<std::string_view, 4> kTexts{"OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"};
  return kTexts[static_cast<std::size_t>(mode)];
}

Server::Server(Connection& connection) : connection_(connection) {
  server_id_ = static_cast<std::uint32_t>(parse_uint(variable("server_id").value_or("0")).value_or(0));
  if (mariadb()) {
    gtid_mode_ = GtidMode::on;
    return;
  }
  uuid_ = variable("server_uuid").value_or("");
  gtid_mode_ = parse_gtid_mode(variable("gtid_mode").value_or("OFF"));
}

std::optional<std::string> Server::variable(std::string_view name) {
  try {
    return connection_.query_value("SELECT @@GLOBAL." + Connection::quote_name(name)).value_or("");
  } catch (const ServerError& error) {
    if (error.number() == kUnknownSystemVariable || error.number() == kSessionVariable) return std::nullopt;
    throw;
  }
}

Variables Server::variables() {
  Variables values;
  for (const auto& row : connection_.query("SHOW GLOBAL VARIABLES").rows)
    values.emplace(lower_ascii(row[0].value_or("")), row[1].value_or(""));
  return values;
}

GtidSet Server::gtid_executed() {
  return GtidSet::parse(variable(mariadb() ? "gtid_binlog_pos" : "gtid_executed").value_or(""));
}

GtidSet Server::gtid_purged() {
  return mariadb() ? GtidSet() : GtidSet::parse(variable("gtid_purged").value_or(""));
}

std::vector<MariadbGtid> Server::gtid_binlog_state() {
  std::vector<MariadbGtid> state;
  if (!mariadb()) return state;
  const std::string text = variable("gtid_binlog_state").value_or("");
  for (const std::string_view part : split(text, ','))
    if (const std::optional<Gtid> gtid = Gtid::parse(trim(part))) state.push_back(gtid->mariadb);
  return state;
}

GtidSet Server::gtid_owned() {
  // "uuid:23#7:24#8,uuid2:5#9": each number followed by the session that owns it.
  std::string text = mariadb() ? "" : variable("gtid_owned").value_or("");
  std::string numbers;
  bool in_session = false;
  for (const char c : text) {
    if (c == '#') in_session = true;
    if (in_session && (c == ':' || c == ',')) in_session = false;
    if (!in_session) numbers += c;
  }
  return GtidSet::parse(numbers);
}

std::vector<BinlogFile> Server::binlog_files() {
  const ResultSet result = connection_.query("SHOW BINARY LOGS");
  std::vector<BinlogFile> files;
  for (const auto& row : result.rows)
    files.push_back({text_of(result, row, "Log_name"), number_of(result, row, "File_size"),
                     text_of(result, row, "Encrypted") == "Yes"});
  return files;
}

std::optional<BinlogEnd> Server::end() {
  const ResultSet result = show_end(connection_);
  if (result.empty()) return std::nullopt;
  BinlogEnd end;
  end.position = position_of(result);
  std::string executed = text_of(result, result.rows[0], "Executed_Gtid_Set");
  if (mariadb())
    executed = connection_
                   .query_value("SELECT BINLOG_GTID_POS(" + connection_.quote(end.position.file) + ", " +
                                std::to_string(end.position.pos) + ")")
                   .value_or("");
  end.do_db = text_of(result, result.rows[0], "Binlog_Do_DB");
  end.ignore_db = text_of(result, result.rows[0], "Binlog_Ignore_DB");
  end.executed = GtidSet::parse(executed);
  return end;
}

std::vector<RegisteredReplica> Server::replicas() {
  const bool renamed = !mariadb() && version().at_least(8, 0, 22);
  const ResultSet result = connection_.query(renamed ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS");
  std::vector<RegisteredReplica> replicas;
  for (const auto& row : result.rows)
    replicas.push_back({static_cast<std::uint32_t>(number_of(result, row, "Server_Id")),
                        text_of(result, row, "Host"),
                        text_of(result, row, renamed ? "Replica_UUID" : "Slave_UUID")});
  return replicas;
}

std::set<XaId> Server::prepared_xas() {
  ResultSet result;
  try {
    result = connection_.query("XA RECOVER");
  } catch (const ServerError& error) {
    // The missing privilege is only in SHOW WARNINGS.
    if (error.number() != kXaRmError) throw;
    throw ServerError(ExitCode::denied, error.number(), error.sqlstate(), false, error.message());
  }
  std::set<XaId> xids;
  for (const auto& row : result.rows) {
    const std::string data = text_of(result, row, "data");
    const std::size_t gtrid = number_of(result, row, "gtrid_length");
    if (gtrid > data.size()) continue;
    const auto format =
        static_cast<std::int32_t>(std::strtol(text_of(result, row, "formatID").c_str(), nullptr, 10));
    xids.insert({format, data.substr(0, gtrid), data.substr(gtrid)});
  }
  return xids;
}

std::vector<DumpThread> Server::dump_threads() {
  const ResultSet result = connection_.query("SHOW PROCESSLIST");
  std::vector<DumpThread> threads;
  for (const auto& row : result.rows) {
    const std::string command = text_of(result, row, "Command");
    if (!command.starts_with("Binlog Dump")) continue;
    threads.push_back({number_of(result, row, "Id"), text_of(result, row, "User"),
                       text_of(result, row, "Host"), command == "Binlog Dump GTID",
                       number_of(result, row, "Time"), text_of(result, row, "State")});
  }
  return threads;
}

std::vector<std::map<std::string, Field>> Server::replication_channels() {
  const bool renamed = !mariadb() && version().at_least(8, 0, 22);
  const ResultSet result = connection_.query(mariadb() ? "SHOW ALL SLAVES STATUS"
                                             : renamed ? "SHOW REPLICA STATUS"
                                                       : "SHOW SLAVE STATUS");
  std::vector<std::map<std::string, Field>> channels;
  for (const auto& row : result.rows) {
    auto& channel = channels.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) channel.emplace(newer_name(result.columns[i]), row[i]);
  }
  return channels;
}

}  // namespace cdc
