// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/monitoring.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <functional>

#include "common/base/fd.hpp"

namespace cdc::check {
namespace {

// A number of Metrics by both of its names.
struct Gauge {
  const char* perfdata;  // label
  const char* unit;      // of perfdata
  const char* name;      // of Prometheus, with its unit
  const char* help;
  std::optional<double> (*value)(const Metrics&);
};

template <auto Member>
std::optional<double> get(const Metrics& metrics) {
  const auto& value = metrics.*Member;
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

constexpr std::array<Gauge, 13> kGauges{{
    {"lag_seconds", "s", "cdc_position_lag_seconds", "Age of the oldest transaction that is not processed.",
     get<&Metrics::lag_s>},
    {"lag_bytes", "B", "cdc_position_lag_bytes", "Binlog from the position to the end.",
     get<&Metrics::lag_bytes>},
    {"lag_transactions", "", "cdc_position_lag_transactions", "Transactions from the position to the end.",
     get<&Metrics::lag_transactions>},
    {"headroom_seconds", "s", "cdc_position_headroom_seconds", "Time until the position may be purged.",
     get<&Metrics::headroom_s>},
    {"checkpoint_age_seconds", "s", "cdc_checkpoint_age_seconds",
     "Time since the checkpoint file was written.", get<&Metrics::checkpoint_age_s>},
    {"binlog_files", "", "cdc_source_binlog_files", "Binlog files of the server.",
     get<&Metrics::binlog_files>},
    {"binlog_bytes", "B", "cdc_source_binlog_bytes", "Size of all binlog files.",
     get<&Metrics::binlog_bytes>},
    {"binlog_growth", "B", "cdc_source_binlog_growth_bytes_per_second",
     "Mean growth of the binlog since its oldest transaction.", get<&Metrics::growth>},
    {"oldest_seconds", "s", "cdc_source_oldest_transaction_age_seconds",
     "Age of the oldest transaction in the binlog.", get<&Metrics::oldest_age_s>},
    {"retention_seconds", "s", "cdc_source_retention_seconds", "How long the server keeps a binlog file.",
     get<&Metrics::retention_s>},
    {"dump_threads", "", "cdc_source_dump_threads", "Sessions that read the binlog now.",
     get<&Metrics::dump_threads>},
    {"replica_lag_seconds", "s", "cdc_source_replica_lag_seconds",
     "How far the server is behind its own source.", get<&Metrics::replica_lag_s>},
    {"position_files", "", "cdc_position_lag_files", "Binlog files from the position to the end.",
     get<&Metrics::lag_files>},
}};

// Whole numbers without exponent, others with three digits.
std::string number_text(double value) {
  const auto whole = static_cast<long long>(value);
  if (static_cast<double>(whole) == value) return std::to_string(whole);
  const auto thousandths = static_cast<long long>(value * 1000);
  std::string fraction = std::to_string(1000 + thousandths % 1000).substr(1);
  return std::to_string(thousandths / 1000) + "." + fraction;
}

// Perfdata begins at '|', and a plugin has one line.
std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '|' || c == '\n' || c == '\r') c = ' ';
  return text;
}

// A label value: backslash, quote and newline are escaped.
std::string label(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string thresholds(const Report& report, const Gauge& gauge) {
  if (gauge.name != std::string_view("cdc_position_headroom_seconds")) return ";;;0";
  // Alarms below: "N:" is the guidelines' range from N on.
  return ";" + std::to_string(report.input->warn_headroom_s) + ":;" +
         std::to_string(report.input->crit_headroom_s) + ":;";
}

class Exposition {
 public:
  explicit Exposition(std::string labels) : labels_(std::move(labels)) {}
  void family(const char* name, const char* help) {
    out_ += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " gauge\n";
  }
  void sample(const char* name, const std::string& value, const std::string& more_labels = "") {
    out_ += std::string(name) + "{" + labels_ + more_labels + "} " + value + "\n";
  }
  std::string text() && { return std::move(out_); }

 private:
  std::string labels_, out_;
};

}  // namespace

std::string nagios_line(const Report& report) {
  constexpr std::array<std::string_view, 4> kWords{"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  std::string line = "CDC " + std::string(kWords[static_cast<std::size_t>(report.verdict)]) + " -";
  const Status worst = report.verdict == Verdict::warning ? Status::warning : Status::critical;
  bool any = false;
  for (const CheckResult& result : report.results)
    if (report.verdict != Verdict::ok && result.status == worst) {
      line += (any ? "; " : " ") + one_line(result.id + ": " + result.message);
      any = true;
    }
  if (!any) line += report.input ? " " + report.input->server.name : "";
  if (!report.input) return line + "\n";
  std::string perfdata;
  for (const Gauge& gauge : kGauges)
    if (const auto value = gauge.value(report.input->metrics))
      perfdata += std::string(" ") + gauge.perfdata + "=" + number_text(*value) + gauge.unit +
                  thresholds(report, gauge);
  return line + " |" + perfdata + "\n";
}

std::string prometheus_text(const Report& report, const std::string& server, const std::string& checkpoint,
                            std::int64_t now_s) {
  Exposition out("server=\"" + label(server) + "\"" +
                 (checkpoint.empty() ? "" : ",checkpoint=\"" + label(checkpoint) + "\""));
  out.family("cdc_check_verdict", "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.");
  out.sample("cdc_check_verdict", std::to_string(static_cast<int>(report.verdict)));
  out.family("cdc_check_last_run_timestamp_seconds", "When cdc-check ran.");
  out.sample("cdc_check_last_run_timestamp_seconds", std::to_string(now_s));
  out.family("cdc_check_status", "Of each check: 0 OK, 1 WARNING, 2 CRITICAL.");
  for (const CheckResult& result : report.results)
    if (result.status != Status::skipped)
      out.sample("cdc_check_status",
                 result.status == Status::critical  ? "2"
                 : result.status == Status::warning ? "1"
                                                    : "0",
                 ",check=\"" + label(result.id) + "\"");
  if (report.input)
    for (const Gauge& gauge : kGauges)
      if (const auto value = gauge.value(report.input->metrics)) {
        out.family(gauge.name, gauge.help);
        out.sample(gauge.name, number_text(*value));
      }
  return std::move(out).text();
}

void write_prometheus(const std::string& path, const std::string& text) {
  // The mode of an existing file stays when it is replaced, so only the first write has to set it.
  replace_file(path, text);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || ((info.st_mode & S_IROTH) == 0 && ::chmod(path.c_str(), 0644) != 0))
    throw IoError(ExitCode::io, path, errno);
}

}  // namespace cdc::check
