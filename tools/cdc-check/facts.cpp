// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/facts.hpp"

#include "common/base/text.hpp"

namespace cdc::check {
namespace {

// Asks; a refusal is an answer, a lost connection is not.
class Asker {
 public:
  explicit Asker(std::string account) : account_(std::move(account)) {}

  // `privilege` on `object` is what the question needs.
  template <typename Question>
  auto operator()(const std::string& privilege, Question&& question, const std::string& object = "*.*") const
      -> Asked<decltype(question())> {
    try {
      return {question(), ""};
    } catch (const ServerError& error) {
      if (error.transient()) throw;
      const bool denied = error.exit_code() == ExitCode::denied && !privilege.empty();
      return {std::nullopt, denied ? lacking(account_, privilege, object) : error.message()};
    }
  }

 private:
  std::string account_;
};

// What MySQL calls REPLICATION CLIENT and REPLICATION SLAVE is divided finer in MariaDB since 10.5.
struct Privileges {
  std::string binlog = "REPLICATION CLIENT", channels = "REPLICATION CLIENT", replicas = "REPLICATION SLAVE";
  explicit Privileges(const ServerVersion& version) {
    if (version.flavor != Flavor::mariadb || !version.at_least(10, 5)) return;
    binlog = "BINLOG MONITOR";
    channels = "SLAVE MONITOR";
    replicas = "REPLICATION MASTER ADMIN";
  }
};

std::vector<std::string> first_column(Connection& connection, std::string_view sql) {
  std::vector<std::string> values;
  for (const auto& row : connection.query(sql).rows) values.push_back(row[0].value_or(""));
  return values;
}

std::string quoted_account(const std::string& account) {
  const std::size_t at = account.rfind('@');
  if (at == std::string::npos) return "'" + account + "'";
  return "'" + account.substr(0, at) + "'@'" + account.substr(at + 1) + "'";
}

// performance_schema has the session variables of all threads since MySQL 5.7.
SessionOverrides ask_overrides(Connection& connection) {
  SessionOverrides overrides;
  const ResultSet result = connection.query(
      "SELECT CONCAT(LOWER(VARIABLE_NAME), '=', VARIABLE_VALUE), COUNT(*) "
      "FROM performance_schema.variables_by_thread WHERE "
      "(VARIABLE_NAME = 'binlog_format' AND VARIABLE_VALUE <> @@GLOBAL.binlog_format) OR "
      "(VARIABLE_NAME = 'binlog_row_image' AND VARIABLE_VALUE <> @@GLOBAL.binlog_row_image) GROUP BY 1");
  for (const auto& row : result.rows)
    overrides.emplace(row[0].value_or(""), parse_uint(row[1].value_or("")).value_or(0));
  return overrides;
}

// Counted from the server's start, or the last FLUSH STATUS.
XaCount ask_xa_count(Connection& connection) {
  XaCount count;
  const ResultSet result = connection.query(
      "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_xa_prepare', 'Com_xa_commit', 'Com_xa_rollback', "
      "'Uptime_since_flush_status')");
  for (const auto& row : result.rows) {
    const std::uint64_t number = parse_uint(row[1].value_or("")).value_or(0);
    if (row[0].value_or("").starts_with("Com_"))
      count.statements += number;
    else
      count.since_s = static_cast<std::int64_t>(number);
  }
  return count;
}

UtcOffset ask_utc_offset(Connection& connection) {
  const auto offset_at = [&](const std::string& utc) {
    const Field seconds = connection.query_value("SELECT TIMESTAMPDIFF(SECOND, " + utc + ", CONVERT_TZ(" +
                                                 utc + ", '+00:00', @@GLOBAL.time_zone))");
    const std::string text = seconds.value_or("0");
    const bool west = text.starts_with('-');
    const auto number = static_cast<std::int64_t>(parse_uint(text.substr(west ? 1 : 0)).value_or(0));
    return west ? -number : number;
  };
  return {offset_at("UTC_TIMESTAMP()"),
          offset_at("(UTC_TIMESTAMP() + INTERVAL " + std::to_string(kHalfAYear) + " SECOND)")};
}

// Who runs the server, as far as it shows: what a managed service purges is not in its variables.
std::string managed_by(const Variables& variables) {
  const auto value = [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
  if (variables.contains("aurora_version")) return "Amazon Aurora";
  if (value("basedir").starts_with("/rdsdbbin")) return "Amazon RDS";
  if (value("version_comment").find("Google") != std::string::npos ||
      variables.contains("cloudsql_iam_authentication"))
    return "Google Cloud SQL";
  if (variables.contains("azure_server_name") || value("version_comment").find("Azure") != std::string::npos)
    return "Azure Database for MySQL";
  if (variables.contains("polardb_version") || variables.contains("loose_polar_log_bin")) return "PolarDB";
  if (variables.contains("tidb_config") || value("version").find("TiDB") != std::string::npos) return "TiDB";
  return "";
}

// What only performance_schema knows, which may be switched off and is then empty.
void ask_performance_schema(Connection& connection, const Asker& ask, ServerFacts& facts) {
  if (lower_ascii(facts.variable({"performance_schema"}).value_or("off")) == "off") {
    facts.overrides.refusal = facts.group_member.refusal = "performance_schema is OFF";
    return;
  }
  facts.overrides = ask(
      "SELECT", [&] { return ask_overrides(connection); }, "performance_schema.variables_by_thread");
  facts.group_member = ask(
      "SELECT",
      [&] {
        return connection
            .query_value(
                "SELECT MEMBER_STATE FROM performance_schema.replication_group_members "
                "WHERE MEMBER_ID = @@GLOBAL.server_uuid AND MEMBER_STATE <> 'OFFLINE'")
            .value_or("");
      },
      "performance_schema.replication_group_members");
}

}  // namespace

std::string lacking(const std::string& account, const std::string& privilege, const std::string& object) {
  return "lacks " + privilege + ": GRANT " + privilege + " ON " + object + " TO " + account + ";";
}

std::optional<std::string> ServerFacts::variable(std::initializer_list<std::string_view> names) const {
  for (const std::string_view wanted : names) {
    const auto found = variables.find(std::string(wanted));
    if (found != variables.end()) return found->second;
  }
  return std::nullopt;
}

std::uint64_t ServerFacts::binlog_bytes() const {
  std::uint64_t bytes = 0;
  if (files)
    for (const BinlogFile& file : *files) bytes += file.size;
  return bytes;
}

ServerFacts gather_facts(Connection& connection) {
  Server server(connection);
  ServerFacts facts;
  facts.name = connection.name();
  facts.account = quoted_account(connection.query_value("SELECT CURRENT_USER()").value_or(""));
  facts.local = connection.address().host.empty();
  facts.tls = connection.tls_version();
  facts.version = server.version();
  facts.uuid = server.uuid();
  facts.server_id = server.server_id();
  facts.gtid_mode = server.gtid_mode();
  const Field now = connection.query_value("SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS UNSIGNED)");
  facts.now_ms = static_cast<std::int64_t>(parse_uint(now.value_or("0")).value_or(0));
  facts.variables = server.variables();
  facts.managed = managed_by(facts.variables);
  const Asker ask(facts.account);
  const Privileges privileges(facts.version);
  // Before the end of the log: what is prepared now is in it.
  facts.prepared_xas = ask("XA_RECOVER_ADMIN", [&] { return server.prepared_xas(); });
  facts.xa_count = ask("", [&] { return ask_xa_count(connection); });
  // The purged set first: were it asked after the executed one, it could have grown beyond it.
  facts.purged = ask("", [&] { return server.gtid_purged(); });
  facts.files = ask(privileges.binlog, [&] { return server.binlog_files(); });
  facts.end = ask(privileges.binlog, [&] { return server.end(); });
  facts.binlog_state = ask("", [&] { return server.gtid_binlog_state(); });
  facts.owned = ask("", [&] { return server.gtid_owned(); });
  facts.executed = ask("", [&] { return server.gtid_executed(); });
  facts.grants = ask("", [&] { return parse_grants(first_column(connection, "SHOW GRANTS")); });
  facts.replicas = ask(privileges.replicas, [&] { return server.replicas(); });
  facts.dump_threads = ask("PROCESS", [&] { return server.dump_threads(); });
  facts.channels = ask(privileges.channels, [&] { return server.replication_channels(); });
  facts.utc_offset = ask("", [&] { return ask_utc_offset(connection); });
  ask_performance_schema(connection, ask, facts);
  facts.rds_retention = ask(
      "SELECT",
      [&] {
        return connection
            .query_value("SELECT value FROM mysql.rds_configuration WHERE name = 'binlog retention hours'")
            .value_or("");
      },
      "mysql.rds_configuration");
  return facts;
}

}  // namespace cdc::check
