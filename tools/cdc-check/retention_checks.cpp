// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

std::string longer_retention(const CheckInput& in) {
  const std::int64_t wanted = std::max<std::int64_t>(in.warn_headroom_s * 7, 86'400);
  if (in.server.managed == "Amazon RDS")
    return "CALL mysql.rds_set_configuration('binlog retention hours', " +
           std::to_string((wanted + 3599) / 3600) + ");";
  if (in.server.variable({"binlog_expire_logs_seconds"}))
    return set_variable(in.server.version, "binlog_expire_logs_seconds", std::to_string(wanted));
  return set_variable(in.server.version, "expire_logs_days", std::to_string((wanted + 86'399) / 86'400));
}

// The source's own promise, whatever the position.
CheckResult check_expiry(const CheckInput& in) {
  constexpr const char* kId = "retention.expiry";
  const Retention retention = retention_of(in.server);
  if (retention.forever) return {kId, Status::ok, "nothing is purged by age (" + retention.source + ")", ""};
  if (!retention.seconds) return {kId, Status::skipped, "unknown: " + retention.source, ""};
  const std::string text =
      "files are kept for " + duration_text(*retention.seconds) + " (" + retention.source + ")";
  if (*retention.seconds >= in.warn_headroom_s) return {kId, Status::ok, text, ""};
  return {kId, Status::warning, text + ": a job that stands still for longer loses its position",
          longer_retention(in)};
}

CheckResult check_headroom(const CheckInput& in) {
  constexpr const char* kId = "retention.headroom";
  if (!in.position.asked) return {kId, Status::skipped, "no position given", ""};
  const Retention retention = retention_of(in.server);
  if (retention.forever && !in.metrics.by_space)
    return {kId, Status::ok, "the position is not purged by age", ""};
  if (!in.metrics.headroom_s) {
    std::string why = retention.seconds ? "when the position's file was last written" : retention.source;
    if (retention.seconds && !in.server.files) why = in.server.files.refusal;
    return {kId, Status::skipped, "unknown: " + why, ""};
  }
  const std::int64_t left = *in.metrics.headroom_s;
  if (in.metrics.in_newest_file)
    return {
        kId, left < in.crit_headroom_s ? Status::warning : Status::ok,
        "the position is in the newest file, purged no sooner than " + duration_text(left) + " after its end",
        left < in.crit_headroom_s ? longer_retention(in) : ""};
  const Status status = left < in.crit_headroom_s   ? Status::critical
                        : left < in.warn_headroom_s ? Status::warning
                                                    : Status::ok;
  std::string text = left > 0 ? duration_text(left) + " until the position may be purged"
                              : "the position's file is purged at the next change of files";
  if (in.metrics.by_space)
    return {
        kId, status,
        text + " at the mean growth, because the binlog is limited to " + bytes_text(*retention.space_limit),
        status == Status::ok ? "" : "Let the job catch up, or raise the limit (binlog_space_limit)."};
  return {kId, status, text,
          status == Status::ok ? "" : "Let the job catch up, and keep files longer: " + longer_retention(in)};
}

CheckResult check_space(const CheckInput& in) {
  constexpr const char* kId = "retention.space";
  if (!in.metrics.binlog_bytes) return {kId, Status::skipped, in.server.files.refusal, ""};
  std::string text = bytes_text(*in.metrics.binlog_bytes) + " in " + grouped(*in.metrics.binlog_files) +
                     (*in.metrics.binlog_files == 1 ? " file" : " files");
  if (in.metrics.oldest_age_s)
    text += ", the oldest transaction is " + duration_text(*in.metrics.oldest_age_s) + " old";
  // The rate of a few minutes says nothing about a day.
  constexpr std::int64_t kEnough = 600;
  if (in.metrics.growth && *in.metrics.oldest_age_s >= kEnough)
    text += ", growing " + bytes_text(static_cast<std::uint64_t>(*in.metrics.growth * 3600)) + " an hour";
  return {kId, Status::ok, text, ""};
}

CheckResult check_empty_files(const CheckInput& in) {
  constexpr const char* kId = "retention.files";
  if (!in.server.files) return {kId, Status::skipped, in.server.files.refusal, ""};
  for (const BinlogFile& file : *in.server.files)
    if (file.size == 0)
      return {kId, Status::critical,
              file.name + " is listed but cannot be found by the server: removed by hand?",
              "Restore the file, or purge up to the next one: PURGE BINARY LOGS TO …;"};
  return {kId, Status::ok, "all listed files are there", ""};
}

// Is my connector connected? Those that did not register are seen in the process list only.
CheckResult check_readers(const CheckInput& in) {
  constexpr const char* kId = "source.readers";
  if (!in.server.dump_threads) return {kId, Status::skipped, in.server.dump_threads.refusal, ""};
  std::string list;
  for (const DumpThread& thread : *in.server.dump_threads)
    list += (list.empty() ? "" : ", ") + thread.user + "@" + thread.host +
            (thread.by_gtid ? " by GTID" : " by file") + " for " +
            duration_text(static_cast<std::int64_t>(thread.seconds));
  const bool sees_all = in.server.grants && in.server.grants->has("PROCESS");
  const std::string blind = sees_all ? "" : " (without PROCESS only those of the same user are seen)";
  if (list.empty()) return {kId, Status::ok, "nobody reads the binlog now" + blind, ""};
  return {kId, Status::ok,
          std::to_string(in.server.dump_threads->size()) + " read the binlog now: " + list + blind, ""};
}

}  // namespace

Results retention_checks(const CheckInput& input) {
  constexpr std::array<Check, 5> kChecks{check_expiry, check_headroom, check_space, check_empty_files,
                                         check_readers};
  Results results;
  for (const Check check : kChecks) results.push_back(check(input));
  return results;
}

}  // namespace cdc::check
