// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/metrics.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "common/base/text.hpp"

namespace cdc::check {
namespace {

std::optional<std::int64_t> number_of(const ServerFacts& server, std::string_view variable) {
  const auto text = server.variable({variable});
  if (!text) return std::nullopt;
  // expire_logs_days is a decimal number in MariaDB.
  const auto value = parse_uint(std::string_view(*text).substr(0, text->find('.')));
  return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

// The file that the position needs to stay: the one with the first transaction that is not processed.
std::optional<std::size_t> needed_file(const ServerFacts& server, const PositionFacts& position) {
  if (!position.position || !server.files) return std::nullopt;
  const std::string& name = position.first ? position.first->file : position.position->file;
  const auto& files = *server.files;
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const BinlogFile& f) { return f.name == name; });
  if (found == files.end()) return std::nullopt;
  return static_cast<std::size_t>(found - files.begin());
}

Retention retention_by_age(const ServerFacts& server) {
  if (server.managed == "Amazon RDS") {
    if (!server.rds_retention) return {std::nullopt, false, server.rds_retention.refusal, {}};
    const auto hours = parse_uint(*server.rds_retention);
    if (!hours)
      return {0, false, "RDS keeps binlogs no longer than it needs them: no binlog retention hours", {}};
    return {static_cast<std::int64_t>(*hours) * 3600,
            false,
            "RDS binlog retention hours " + *server.rds_retention,
            {}};
  }
  if (!server.managed.empty()) return {std::nullopt, false, server.managed + " has its own rules", {}};
  if (lower_ascii(server.variable({"binlog_expire_logs_auto_purge"}).value_or("on")) == "off")
    return {std::nullopt, true, "binlog_expire_logs_auto_purge OFF", {}};
  constexpr std::int64_t kDay = 86'400;
  const auto seconds = number_of(server, "binlog_expire_logs_seconds");
  const auto days = number_of(server, "expire_logs_days");
  if (seconds && *seconds > 0)
    return {seconds, false, "binlog_expire_logs_seconds " + std::to_string(*seconds), {}};
  if (days && *days > 0) return {*days * kDay, false, "expire_logs_days " + std::to_string(*days), {}};
  if (seconds || days)
    return {std::nullopt, true, seconds ? "binlog_expire_logs_seconds 0" : "expire_logs_days 0", {}};
  return {std::nullopt, false, "the server has no setting for it", {}};
}

// When a file was last written: the next one was created then. A session with SET timestamp, or a replica's
// applier, writes another time into that header: then it is before the file's own first commit.
std::optional<std::int64_t> last_written_s(const ServerFacts& server, std::size_t index,
                                           PositionFinder& finder) {
  const FileStart& own = finder.file_start((*server.files)[index].name);
  const FileStart& next = finder.file_start((*server.files)[index + 1].name);
  const std::int64_t created = next.created_s;
  const std::int64_t began = own.first_commit_ms.value_or(0) / 1000;
  if (created >= began && created > 0) return created;
  if (next.first_commit_ms) return *next.first_commit_ms / 1000;
  return std::nullopt;
}

void measure_space(const ServerFacts& server, const Retention& retention, std::size_t index,
                   Metrics& metrics) {
  if (!retention.space_limit || !metrics.growth) return;
  std::uint64_t needed = 0;
  for (std::size_t i = index; i < server.files->size(); ++i) needed += (*server.files)[i].size;
  metrics.headroom_s = seconds_until_full(*retention.space_limit, needed, *metrics.growth);
  metrics.by_space = metrics.headroom_s.has_value();
}

void measure_headroom(const ServerFacts& server, const PositionFacts& position, PositionFinder& finder,
                      Metrics& metrics) {
  const Retention retention = retention_of(server);
  const std::optional<std::size_t> index = needed_file(server, position);
  if (!index) return;
  measure_space(server, retention, *index, metrics);
  if (!retention.seconds) return;
  const std::optional<std::int64_t> of_space = metrics.headroom_s;
  metrics.in_newest_file = *index + 1 == server.files->size();
  if (metrics.in_newest_file) {
    metrics.headroom_s = *retention.seconds;
  } else if (const auto written = last_written_s(server, *index, finder)) {
    metrics.headroom_s = *written + *retention.seconds - server.now_ms / 1000;
  }
  metrics.by_space = of_space && (!metrics.headroom_s || *of_space < *metrics.headroom_s);
  if (metrics.by_space) {
    metrics.headroom_s = of_space;
    metrics.in_newest_file = false;
  }
}

void measure_lag(const ServerFacts& server, const PositionFacts& position, Metrics& metrics) {
  if (!position.position) return;
  if (server.files) {
    metrics.lag_bytes = metrics.lag_files = 0;
    for (const BinlogFile& file : *server.files) {
      const int order = compare_binlog_names(file.name, position.position->file);
      if (order < 0) continue;
      ++*metrics.lag_files;
      *metrics.lag_bytes += order == 0 ? file.size - std::min(file.size, position.position->pos) : file.size;
    }
  }
  if (position.complete && !server.mariadb() && server.gtid_mode != GtidMode::off)
    metrics.lag_transactions = (position.sets.executed - *position.complete).count();
  if (position.first)
    metrics.lag_s = std::max<std::int64_t>(0, (server.now_ms - position.first->commit_ms) / 1000);
  else if (position.start.ok() && (!metrics.lag_transactions || *metrics.lag_transactions == 0))
    metrics.lag_s = 0;
}

void measure_source(const ServerFacts& server, PositionFinder& finder, Metrics& metrics) {
  if (server.dump_threads) metrics.dump_threads = server.dump_threads->size();
  if (server.channels)
    for (const auto& channel : *server.channels) {
      const auto behind = channel.find("Seconds_Behind_Source");
      if (behind == channel.end() || !behind->second) continue;
      const auto seconds = static_cast<std::int64_t>(parse_uint(*behind->second).value_or(0));
      metrics.replica_lag_s = std::max(metrics.replica_lag_s.value_or(0), seconds);
    }
  if (!server.files || server.files->empty()) return;
  metrics.binlog_files = server.files->size();
  metrics.binlog_bytes = server.binlog_bytes();
  const auto oldest = finder.file_start(server.files->front().name).first_commit_ms;
  if (!oldest || *oldest >= server.now_ms) return;
  metrics.oldest_age_s = (server.now_ms - *oldest) / 1000;
  metrics.growth =
      static_cast<double>(*metrics.binlog_bytes) * 1000 / static_cast<double>(server.now_ms - *oldest);
}

}  // namespace

Retention retention_of(const ServerFacts& server) {
  Retention retention = retention_by_age(server);
  const auto limit =
      parse_uint(server.variable({"binlog_space_limit", "max_binlog_total_size"}).value_or("0"));
  if (server.managed.empty() && limit && *limit > 0) retention.space_limit = *limit;
  return retention;
}

std::optional<std::int64_t> seconds_until_full(std::uint64_t limit, std::uint64_t bytes_needed,
                                               double growth) {
  if (bytes_needed >= limit) return 0;
  if (growth <= 0) return std::nullopt;
  const double seconds = static_cast<double>(limit - bytes_needed) / growth;
  constexpr double kCentury = 100.0 * 365 * 86'400;
  return static_cast<std::int64_t>(std::min(seconds, kCentury));
}

Metrics measure(const ServerFacts& server, const PositionFacts& position, PositionFinder& finder,
                const std::string& checkpoint) {
  Metrics metrics;
  measure_lag(server, position, metrics);
  metrics.retention_s = retention_of(server).seconds;
  struct stat info {};
  if (!checkpoint.empty() && ::stat(checkpoint.c_str(), &info) == 0)
    metrics.checkpoint_age_s = std::max<std::int64_t>(0, ::time(nullptr) - info.st_mtime);
  finder.take_bytes_read();
  try {
    measure_source(server, finder, metrics);
    measure_headroom(server, position, finder, metrics);
  } catch (const ServerError& error) {
    if (error.transient()) throw;  // a missing grant is told by the checks
  } catch (const DecodeError&) {
    // Told by position.readable; the times of a damaged file are not known.
  }
  metrics.bytes_read = finder.take_bytes_read();
  return metrics;
}

std::string duration_text(std::int64_t seconds) {
  if (seconds < 0) return "no time";
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  if (seconds < 172'800) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86'400) + " days";
}

}  // namespace cdc::check
