// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "common/base/text.hpp"
#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

CheckResult check_connect(const CheckInput& in) {
  return {"server.connect", Status::ok, in.server.name, ""};
}

CheckResult check_tls(const CheckInput& in) {
  if (!in.server.tls.empty()) return {"server.tls", Status::ok, in.server.tls, ""};
  if (in.server.local) return {"server.tls", Status::ok, "a unix socket needs none", ""};
  return {"server.tls", Status::note, "the connection is not encrypted", "Use --ssl-mode=required."};
}

CheckResult check_version(const CheckInput& in) {
  const ServerVersion& version = in.server.version;
  const std::string text = std::string(flavor_text(version.flavor)) + " " + version.text + " " +
                           version.comment + (in.server.managed.empty() ? "" : ", " + in.server.managed);
  const bool mariadb = in.server.mariadb();
  if (in.server.managed == "TiDB")
    return {"server.version", Status::critical, text + " writes no MySQL binlog",
            "Use TiDB's own change feeds."};
  if (!version.at_least(mariadb ? 10 : 5, mariadb ? 2 : 6))
    return {"server.version", Status::warning,
            text + " is older than what these tools were tried with (MySQL 5.6, MariaDB 10.2)", ""};
  return {"server.version", Status::ok, text, ""};
}

CheckResult check_uuid(const CheckInput& in) {
  const std::string& uuid = in.server.uuid;
  if (uuid.empty()) return {"server.uuid", Status::skipped, "MariaDB servers have no server_uuid", ""};
  const std::string expected = in.expected_uuid ? *in.expected_uuid : in.position.recorded_uuid;
  if (expected.empty()) return {"server.uuid", Status::ok, uuid, ""};
  if (Uuid::parse(expected) == Uuid::parse(uuid)) return {"server.uuid", Status::ok, uuid + ", as expected", ""};
  const std::string message = uuid + ", expected " + expected + ": this is another server";
  if (!in.expected_uuid && in.position.by_set)
    return {"server.uuid", Status::note, message + "; the GTID set is valid here if it checks out below", ""};
  return {"server.uuid", Status::critical, message + ", files and offsets of the other mean nothing here",
          "Go on by GTID set, or connect to the server " + expected + "."};
}

CheckResult check_server_id(const CheckInput& in) {
  const std::string id = std::to_string(in.server.server_id);
  if (in.server.server_id == 0)
    return {"server.id", Status::critical, "server_id is 0: the server refuses every dump",
            set_variable(in.server.version, "server_id", "1")};
  if (in.reader_server_id == 0) return {"server.id", Status::ok, "server_id " + id, ""};
  const std::string ours = std::to_string(in.reader_server_id);
  bool taken = in.reader_server_id == in.server.server_id;
  if (in.server.replicas)
    taken |= std::any_of(
        in.server.replicas->begin(), in.server.replicas->end(),
        [&](const RegisteredReplica& replica) { return replica.server_id == in.reader_server_id; });
  if (taken)
    return {"server.id", Status::critical,
            "server id " + ours +
                " is in use: two readers with one id throw each other out (unless that is the job "
                "itself)",
            "Give the job a server id of its own."};
  if (!in.server.replicas)
    return {"server.id", Status::skipped, "whether " + ours + " is free: " + in.server.replicas.refusal, ""};
  return {"server.id", Status::ok, "server_id " + id + "; " + ours + " is free", ""};
}

std::string channel_value(const std::map<std::string, Field>& channel, const char* name) {
  const auto found = channel.find(name);
  return found == channel.end() ? "" : found->second.value_or("");
}

CheckResult check_replica(const CheckInput& in) {
  const ServerFacts& server = in.server;
  if (!server.channels)
    return {"server.replica", Status::skipped, "whether it is a replica: " + server.channels.refusal, ""};
  const std::string member = server.group_member.value.value_or("");
  if (!server.is_replica())
    return {"server.replica", Status::ok,
            member.empty() ? "not a replica" : "member of a replication group, " + member, ""};
  if (lower_ascii(server.variable({"log_replica_updates", "log_slave_updates"}).value_or("on")) == "off")
    return {"server.replica", Status::critical,
            "a replica with log_replica_updates OFF: what it replicates is not in its binlog",
            "Set log_replica_updates = ON in my.cnf and restart, or read from its source."};
  std::string lag;
  for (const auto& channel : *server.channels) {
    const std::string host = channel_value(channel, "Source_Host");
    for (const char* thread : {"Replica_IO_Running", "Replica_SQL_Running"})
      if (channel_value(channel, thread) != "Yes")
        return {"server.replica", Status::critical,
                "replica of " + host + ", " + thread + " is " + channel_value(channel, thread) + ": " +
                    channel_value(channel, "Last_Error"),
                "Repair replication from " + host + ", or read from there."};
    lag += (lag.empty() ? "" : ", ") + host + " (" + channel_value(channel, "Seconds_Behind_Source") +
           " s behind)";
  }
  return {"server.replica", Status::ok, "replica of " + lag, ""};
}

// A multi-threaded replica that commits out of order leaves holes that close later.
CheckResult check_commit_order(const CheckInput& in) {
  const ServerFacts& server = in.server;
  if (!server.channels)
    return {"server.commit_order", Status::skipped, "whether it is a replica: " + server.channels.refusal,
            ""};
  if (!server.is_replica()) return {"server.commit_order", Status::skipped, "not a replica", ""};
  const std::string workers =
      server.variable({"replica_parallel_workers", "slave_parallel_workers", "slave_parallel_threads"})
          .value_or("0");
  const auto order = server.variable({"replica_preserve_commit_order", "slave_preserve_commit_order"});
  const bool parallel = parse_uint(workers).value_or(0) > 1;
  if (!parallel || !order || lower_ascii(*order) == "on")
    return {"server.commit_order", Status::ok, workers + " applier threads, commit order kept", ""};
  return {
      "server.commit_order", Status::warning,
      workers +
          " applier threads without replica_preserve_commit_order: GTID sets have holes that close later, "
          "and connectors that fill holes lose those transactions",
      "STOP REPLICA SQL_THREAD; " + set_variable(server.version, "replica_preserve_commit_order", "ON") +
          " START REPLICA SQL_THREAD;"};
}

std::string inactive_roles(const Grants& grants) {
  if (grants.roles.empty()) return "";
  std::string names;
  for (const std::string& role : grants.roles) names += (names.empty() ? "" : ", ") + role;
  return " If one of its roles (" + names + ") has it, it is not active: SET DEFAULT ROLE ALL TO ";
}

CheckResult need_privilege(const CheckInput& in, const char* id,
                           std::initializer_list<std::string_view> any_of, Status without,
                           const std::string& for_what) {
  const std::string wanted(*any_of.begin());
  if (!in.server.grants) return {id, Status::skipped, in.server.grants.refusal, ""};
  const Grants& grants = *in.server.grants;
  for (const std::string_view privilege : any_of)
    if (grants.has(privilege)) return {id, Status::ok, in.server.account + " has " + wanted, ""};
  const std::string roles = inactive_roles(grants);
  return {id, without, in.server.account + " lacks " + wanted + ": " + for_what,
          "GRANT " + wanted + " ON *.* TO " + in.server.account + ";" +
              (roles.empty() ? "" : roles + in.server.account + ";")};
}

CheckResult check_replication_slave(const CheckInput& in) {
  return need_privilege(in, "access.replication_slave", {"REPLICATION SLAVE", "REPLICATION REPLICA"},
                        Status::critical, "the server refuses to send its binlog");
}

CheckResult check_replication_client(const CheckInput& in) {
  const bool needed = in.consumer == Consumer::seatunnel || in.consumer == Consumer::flink ||
                      in.consumer == Consumer::debezium;
  const Status without = needed ? Status::critical : Status::warning;
  const std::string lost = "binlog files and the current position cannot be asked for";
  if (in.server.mariadb() && in.server.version.at_least(10, 5))
    return need_privilege(in, "access.replication_client", {"BINLOG MONITOR", "REPLICATION CLIENT", "SUPER"},
                          without, lost);
  return need_privilege(in, "access.replication_client", {"REPLICATION CLIENT", "SUPER"}, without, lost);
}

}  // namespace

Results server_checks(const CheckInput& input) {
  constexpr std::array<Check, 9> kChecks{
      check_connect,           check_tls,     check_version,      check_uuid,
      check_server_id,         check_replica, check_commit_order, check_replication_slave,
      check_replication_client};
  Results results;
  for (const Check check : kChecks) results.push_back(check(input));
  return results;
}

}  // namespace cdc::check
