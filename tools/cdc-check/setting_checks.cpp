// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "common/base/text.hpp"
#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

bool is_on(const std::optional<std::string>& value) {
  const std::string text = lower_ascii(value.value_or(""));
  return text == "on" || text == "1" || text == "yes";
}

// Readers that are built on Debezium 1.9 and its binlog client.
bool is_older_connector(Consumer consumer) {
  return consumer == Consumer::seatunnel || consumer == Consumer::flink;
}

CheckResult missing(const char* id, const std::string& name) {
  return {id, Status::skipped, "this server version has no " + name, ""};
}

CheckResult check_log_bin(const CheckInput& in) {
  if (is_on(in.server.variable({"log_bin"}))) return {"settings.log_bin", Status::ok, "log_bin ON", ""};
  return {"settings.log_bin", Status::critical, "log_bin is OFF: there is no binlog to read",
          "Set log_bin = binlog in my.cnf and restart the server."};
}

CheckResult check_format(const CheckInput& in) {
  const auto format = in.server.variable({"binlog_format"});
  if (!format) return {"settings.binlog_format", Status::ok, "ROW, the only one that this version has", ""};
  if (lower_ascii(*format) == "row") return {"settings.binlog_format", Status::ok, "binlog_format ROW", ""};
  return {
      "settings.binlog_format", Status::critical,
      "binlog_format is " + *format + ": statements are logged, not rows",
      set_variable(in.server.version, "binlog_format", "ROW") + " Sessions that are open keep the old one."};
}

CheckResult check_session_format(const CheckInput& in) {
  if (!in.server.overrides)
    return {"settings.session_format", Status::skipped,
            "formats of open sessions: " + in.server.overrides.refusal, ""};
  std::string list;
  for (const auto& [setting, sessions] : *in.server.overrides)
    list += (list.empty() ? "" : ", ") + setting + " in " + std::to_string(sessions);
  if (list.empty()) return {"settings.session_format", Status::ok, "no open session has its own format", ""};
  return {
      "settings.session_format", Status::warning, "open sessions have their own: " + list,
      "Find them: SELECT * FROM performance_schema.variables_by_thread WHERE VARIABLE_NAME LIKE 'binlog_%';"};
}

CheckResult check_row_image(const CheckInput& in) {
  const auto image = in.server.variable({"binlog_row_image"});
  if (!image) return missing("settings.row_image", "binlog_row_image");
  const std::string value = lower_ascii(*image);
  if (value == "full" || value == "full_nodup")
    return {"settings.row_image", Status::ok, "binlog_row_image " + *image, ""};
  const bool refuses =
      is_older_connector(in.consumer) || (in.consumer == Consumer::debezium && value == "minimal");
  return {"settings.row_image", refuses ? Status::critical : Status::warning,
          "binlog_row_image is " + *image + ": unchanged columns are not in the binlog",
          set_variable(in.server.version, "binlog_row_image", "FULL") +
              " Sessions that are open keep the old one."};
}

CheckResult check_row_metadata(const CheckInput& in) {
  const auto metadata = in.server.variable({"binlog_row_metadata"});
  if (!metadata) return missing("settings.row_metadata", "binlog_row_metadata");
  if (lower_ascii(*metadata) == "full")
    return {"settings.row_metadata", Status::ok, "binlog_row_metadata FULL", ""};
  return {"settings.row_metadata", Status::note,
          "binlog_row_metadata is " + *metadata +
              ": column names and keys come from the live schema, which may be newer",
          set_variable(in.server.version, "binlog_row_metadata", "FULL")};
}

CheckResult check_value_options(const CheckInput& in) {
  const auto options = in.server.variable({"binlog_row_value_options"});
  if (!options) return missing("settings.row_value_options", "binlog_row_value_options");
  if (options->empty()) return {"settings.row_value_options", Status::ok, "no partial JSON", ""};
  const Status status = in.consumer == Consumer::cdc_tail ? Status::note
                        : in.consumer == Consumer::flink  ? Status::critical
                                                          : Status::warning;
  return {"settings.row_value_options", status,
          "binlog_row_value_options is " + *options + ": JSON columns are logged as differences",
          set_variable(in.server.version, "binlog_row_value_options", "''")};
}

CheckResult check_compression(const CheckInput& in) {
  const auto compression = in.server.variable({"binlog_transaction_compression", "log_bin_compress"});
  if (!compression) return missing("settings.compression", "binlog compression");
  if (!is_on(compression)) return {"settings.compression", Status::ok, "transactions are not compressed", ""};
  if (!is_older_connector(in.consumer))
    return {"settings.compression", Status::ok, "transactions are compressed", ""};
  const std::string name = in.server.mariadb() ? "log_bin_compress" : "binlog_transaction_compression";
  return {"settings.compression", Status::warning,
          "transactions are compressed: many versions of the connector cannot read them",
          set_variable(in.server.version, name, "OFF")};
}

CheckResult check_gtid_mode(const CheckInput& in) {
  if (in.server.mariadb()) return {"settings.gtid_mode", Status::ok, "MariaDB's own GTIDs, always on", ""};
  const std::string mode = "gtid_mode " + std::string(gtid_mode_text(in.server.gtid_mode));
  switch (in.server.gtid_mode) {
    case GtidMode::on:
      return {"settings.gtid_mode", Status::ok, mode, ""};
    case GtidMode::off:
      return {"settings.gtid_mode", Status::note,
              mode + ": positions are files and offsets of this server, and do not survive a failover",
              "Turn GTIDs on in steps: manual, \"Enabling GTID Transactions Online\"."};
    default:
      break;
  }
  return {"settings.gtid_mode", Status::warning,
          mode +
              ": dumps by GTID set are refused, transactions with and without GTID mix, and connectors that "
              "stored a GTID set keep an old one",
          "Finish the change: SET GLOBAL gtid_mode = ON; once no anonymous transaction is left."};
}

CheckResult check_gtid_consistency(const CheckInput& in) {
  const auto consistency = in.server.variable({"enforce_gtid_consistency"});
  if (in.server.mariadb()) {
    const bool strict = is_on(in.server.variable({"gtid_strict_mode"}));
    if (strict) return {"settings.gtid_consistency", Status::ok, "gtid_strict_mode ON", ""};
    return {"settings.gtid_consistency", Status::note,
            "gtid_strict_mode is OFF: sequence numbers may go backwards, and a position by GTID then skips "
            "transactions",
            set_variable(in.server.version, "gtid_strict_mode", "ON")};
  }
  if (in.server.gtid_mode != GtidMode::on || is_on(consistency))
    return {"settings.gtid_consistency", Status::ok,
            "enforce_gtid_consistency " + consistency.value_or("not known"), ""};
  return {"settings.gtid_consistency", Status::warning,
          "enforce_gtid_consistency is " + consistency.value_or("not known"),
          set_variable(in.server.version, "enforce_gtid_consistency", "ON")};
}

CheckResult check_checksum(const CheckInput& in) {
  const std::string checksum = in.server.variable({"binlog_checksum"}).value_or("NONE");
  const std::string verify =
      in.server.variable({"source_verify_checksum", "master_verify_checksum"}).value_or("OFF");
  if (lower_ascii(checksum) != "none")
    return {"settings.checksum", Status::ok,
            "binlog_checksum " + checksum + ", source_verify_checksum " + verify, ""};
  return {"settings.checksum", Status::note, "binlog_checksum is NONE: a damaged event is not noticed",
          set_variable(in.server.version, "binlog_checksum", "CRC32")};
}

CheckResult check_filters(const CheckInput& in) {
  if (!in.server.end)
    return {"settings.binlog_filters", Status::skipped, "binlog filters: " + in.server.end.refusal, ""};
  if (!*in.server.end) return {"settings.binlog_filters", Status::skipped, "log_bin is off", ""};
  const BinlogEnd& end = **in.server.end;
  if (end.do_db.empty() && end.ignore_db.empty())
    return {"settings.binlog_filters", Status::ok, "no binlog_do_db, no binlog_ignore_db", ""};
  const std::string filters = (end.do_db.empty() ? "" : "binlog_do_db " + end.do_db) +
                              (end.do_db.empty() || end.ignore_db.empty() ? "" : ", ") +
                              (end.ignore_db.empty() ? "" : "binlog_ignore_db " + end.ignore_db);
  return {"settings.binlog_filters", Status::warning,
          filters + ": changes of other databases are not in the binlog",
          "Remove the filter from my.cnf and restart, or make sure that it spares the captured tables."};
}

CheckResult check_encryption(const CheckInput& in) {
  const auto encryption = in.server.variable({"binlog_encryption", "encrypt_binlog"});
  if (!encryption) return missing("settings.encryption", "binlog encryption");
  if (!is_on(encryption)) return {"settings.encryption", Status::ok, "binlog files are not encrypted", ""};
  return {"settings.encryption", Status::ok,
          "binlog files are encrypted: read from the server, not from its files", ""};
}

CheckResult check_rows_query(const CheckInput& in) {
  const auto value = in.server.variable({"binlog_rows_query_log_events", "binlog_annotate_row_events"});
  if (!value) return missing("settings.rows_query", "binlog_rows_query_log_events");
  return {"settings.rows_query", Status::ok,
          is_on(value) ? "statements are logged beside rows" : "statements are not logged beside rows", ""};
}

CheckResult check_durability(const CheckInput& in) {
  const std::string sync = in.server.variable({"sync_binlog"}).value_or("?");
  const std::string flush = in.server.variable({"innodb_flush_log_at_trx_commit"}).value_or("?");
  const std::string both = "sync_binlog " + sync + ", innodb_flush_log_at_trx_commit " + flush;
  if (sync == "1" && flush == "1") return {"settings.durability", Status::ok, both, ""};
  return {
      "settings.durability", Status::warning,
      both + ": after a crash of the machine the server may have lost transactions that readers already have",
      set_variable(in.server.version, "sync_binlog", "1") + " " +
          set_variable(in.server.version, "innodb_flush_log_at_trx_commit", "1")};
}

CheckResult check_explicit_defaults(const CheckInput& in) {
  const auto value = in.server.variable({"explicit_defaults_for_timestamp"});
  if (!value) return missing("settings.explicit_defaults", "explicit_defaults_for_timestamp");
  if (is_on(value))
    return {"settings.explicit_defaults", Status::ok, "explicit_defaults_for_timestamp ON", ""};
  return {
      "settings.explicit_defaults", Status::note,
      "explicit_defaults_for_timestamp is OFF: TIMESTAMP columns get a default and update themselves without "
      "being declared so, and hold the time of the statement where it says NULL",
      set_variable(in.server.version, "explicit_defaults_for_timestamp", "ON")};
}

CheckResult check_sql_mode(const CheckInput& in) {
  const std::string mode = in.server.variable({"sql_mode"}).value_or("");
  const bool strict = mode.find("STRICT_TRANS_TABLES") != std::string::npos ||
                      mode.find("STRICT_ALL_TABLES") != std::string::npos;
  const bool no_zero =
      mode.find("NO_ZERO_DATE") != std::string::npos && mode.find("NO_ZERO_IN_DATE") != std::string::npos;
  if (strict && no_zero) return {"settings.sql_mode", Status::ok, "strict, no zero dates", ""};
  return {"settings.sql_mode", Status::note,
          "sql_mode lacks " + std::string(strict ? "" : "STRICT_TRANS_TABLES ") +
              (no_zero ? "" : "NO_ZERO_DATE, NO_ZERO_IN_DATE ") +
              ": zero dates can be stored, which StarRocks cannot hold",
          ""};
}

CheckResult check_timeouts(const CheckInput& in) {
  const std::string write = in.server.variable({"net_write_timeout"}).value_or("?");
  const std::string packet = in.server.variable({"max_allowed_packet"}).value_or("?");
  const std::string text = "net_write_timeout " + write + " s, wait_timeout " +
                           in.server.variable({"wait_timeout"}).value_or("?") + " s, replica_net_timeout " +
                           in.server.variable({"replica_net_timeout", "slave_net_timeout"}).value_or("?") +
                           " s, max_allowed_packet " + packet;
  constexpr std::uint64_t kShort = 30;  // half of the default: a sink that pauses longer loses its connection
  if (parse_uint(write).value_or(kShort) >= kShort) return {"settings.timeouts", Status::ok, text, ""};
  return {"settings.timeouts", Status::note, text + ": a reader that pauses longer loses its connection",
          set_variable(in.server.version, "net_write_timeout", "60")};
}

CheckResult check_lower_case(const CheckInput& in) {
  const std::string value = in.server.variable({"lower_case_table_names"}).value_or("?");
  if (value != "2")
    return {"settings.lower_case_table_names", Status::ok, "lower_case_table_names " + value, ""};
  return {"settings.lower_case_table_names", Status::note,
          "lower_case_table_names is 2: the binlog has names as they were written, in any case", ""};
}

CheckResult check_charset(const CheckInput& in) {
  return {"settings.charset", Status::ok,
          in.server.variable({"character_set_server"}).value_or("?") + ", " +
              in.server.variable({"collation_server"}).value_or("?"),
          ""};
}

CheckResult check_order_commits(const CheckInput& in) {
  const auto value = in.server.variable({"binlog_order_commits"});
  if (!value) return missing("settings.order_commits", "binlog_order_commits");
  const std::string delay = in.server.variable({"binlog_group_commit_sync_delay"}).value_or("0");
  if (is_on(value))
    return {"settings.order_commits", Status::ok,
            "binlog_order_commits ON" +
                (delay == "0" ? "" : ", commits wait " + delay + " us for each other (group commit)"),
            ""};
  return {"settings.order_commits", Status::note,
          "binlog_order_commits is OFF: a snapshot may not be the state at its binlog position",
          set_variable(in.server.version, "binlog_order_commits", "ON")};
}

}  // namespace

Results setting_checks(const CheckInput& input) {
  constexpr std::array<Check, 21> kChecks{check_log_bin,           check_format,       check_session_format,
                                          check_row_image,         check_row_metadata, check_value_options,
                                          check_compression,       check_gtid_mode,    check_gtid_consistency,
                                          check_checksum,          check_filters,      check_encryption,
                                          check_rows_query,        check_durability,   check_time_zone,
                                          check_explicit_defaults, check_sql_mode,     check_timeouts,
                                          check_lower_case,        check_charset,      check_order_commits};
  Results results;
  for (const Check check : kChecks) results.push_back(check(input));
  return results;
}

}  // namespace cdc::check
