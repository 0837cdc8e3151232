// SPDX-License-Identifier: Apache-2.0
// cdc-check: whether a change data capture job can start at a position, and whether it will survive its
// restart.
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "common/base/fd.hpp"
#include "common/cli/app.hpp"
#include "tools/cdc-check/checks.hpp"
#include "tools/cdc-check/explain.hpp"
#include "tools/cdc-check/handover.hpp"
#include "tools/cdc-check/monitoring.hpp"
#include "tools/cdc-check/options.hpp"
#include "tools/cdc-check/probe.hpp"
#include "tools/cdc-check/report.hpp"

namespace cdc::check {
namespace {

const About kAbout{
    .name = "cdc-check",
    .sentence =
        "Tell whether a change data capture job can start at a position of a MySQL server, and whether it "
        "will survive its restart.",
    .usage = {"[OPTION]..."},
    .examples = {{"Can a job start at a file and offset?",
                  "cdc-check -h db1 -u repl --file binlog.000123 --pos 4711"},
                 {"The complete GTID set there, ready to paste",
                  "cdc-check -h db1 -u repl --file binlog.000123 --pos 4711 --format=gtid-set"},
                 {"From cron, before a run",
                  "cdc-check -h db1 -u repl --checkpoint shop.ckpt --fail-on=critical -q"}},
    .error_status = static_cast<int>(Verdict::unknown)};

// What the formats that are a position print; nullopt when it is not known.
std::optional<std::string> position_text(Format format, const PositionFacts& position) {
  switch (format) {
    case Format::gtid_set:
      return gtid_set_text(position);
    case Format::file_pos:
      return file_pos_text(position);
    case Format::seatunnel:
      return connector_text(Consumer::seatunnel, position);
    case Format::flink:
      return connector_text(Consumer::flink, position);
    case Format::debezium:
      return connector_text(Consumer::debezium, position);
    default:
      return std::nullopt;
  }
}

std::int64_t seconds_since_epoch() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Prints the report in the wanted format; the exit status.
int tell(const App& app, const Job& job, const Report& report) {
  const int status = report.verdict >= job.fail_on ? static_cast<int>(report.verdict) : 0;
  const bool quiet = app.level() == LogLevel::quiet;
  switch (job.format) {
    case Format::text:
      write_stdout(text_report(report, app.color(STDOUT_FILENO), quiet));
      return status;
    case Format::json:
      write_stdout(json_report(report));
      return status;
    case Format::nagios:
      write_stdout(nagios_line(report));
      return status;
    default:
      break;
  }
  if (!report.input) {
    app.log().error(report.results.front().message);
    return status;
  }
  if (!report.input->position.asked) throw UsageError("this --format prints a position, and none is given");
  if (const auto text = position_text(job.format, report.input->position)) {
    write_stdout(*text);
    return 0;
  }
  app.log().error("the position is not known; --format=text says why");
  return static_cast<int>(std::max(report.verdict, Verdict::critical));
}

// Writes the files that were asked for. RefusedError when there is no checkpoint to write.
void leave(const Job& job, const Report& report, const std::string& server) {
  if (job.prometheus)
    write_prometheus(*job.prometheus, prometheus_text(report, server, job.checkpoint, seconds_since_epoch()));
  if (job.write_checkpoint && report.input)
    write_checkpoint(*job.write_checkpoint, report.input->server, report.input->position);
}

int check_server(const App& app, Job& job) {
  Connection connection(job.connection);
  const ServerFacts server = gather_facts(connection);
  // Later connections go to the host that answered, not to the next of the list.
  if (!connection.address().host.empty()) job.connection.hosts = {connection.address()};
  PositionFinder finder(job.connection, server.files.value.value_or(std::vector<BinlogFile>()),
                        server.purged.value.value_or(GtidSet()));
  PositionFacts position = gather_position(job.request, server, finder);
  const Metrics metrics = measure(server, position, finder, job.checkpoint);
  TablesFacts tables = gather_tables(connection, job.tables);
  gather_activity(job.connection, server, position, job.scan_limit, tables);
  compare_definitions(connection, tables);
  gather_xas(server, tables, job.scan_limit, finder, position);
  const CheckInput input{.server = server,
                         .position = position,
                         .metrics = metrics,
                         .tables = tables,
                         .consumer = job.consumer,
                         .expected_uuid = job.expected_uuid,
                         .reader_time_zone = job.reader_time_zone,
                         .reader_server_id = job.server_id_given ? job.connection.server_id : 0,
                         .warn_headroom_s = job.warn_headroom_s,
                         .crit_headroom_s = job.crit_headroom_s};
  Report report{.input = &input,
                .results = run_checks(input),
                .verdict = Verdict::ok,
                .first_run = job.request.first_run};
  if (report.first_run)
    report.results.push_back(
        {"position.checkpoint", Status::note, job.checkpoint + " does not exist yet: a first run", ""});
  if (job.probe) report.results.push_back(probe(job.connection, position));
  raise_required(job.required, report.results);
  report.verdict = worst(report.results);
  const int status = tell(app, job, report);
  try {
    leave(job, report, server.name);
  } catch (const RefusedError& error) {
    app.log().error(error.message());
    return std::max(status, static_cast<int>(Verdict::critical));
  }
  return status;
}

int explain_error(const Job& job) {
  std::string text = *job.explain;
  if (text == "-") {
    char buffer[4096];
    text.clear();
    while (const std::size_t count = read_some(STDIN_FILENO, buffer, sizeof buffer, "standard input"))
      text.append(buffer, count);
  }
  const std::optional<Explanation> explanation = explain(text);
  if (!explanation) throw DataError("--explain: not an error text of a binlog dump that is known here");
  write_stdout(job.format == Format::json ? explanation_json(*explanation) : explanation_text(*explanation));
  return 0;
}

int work(const App& app, Job job) {
  if (job.explain) return explain_error(job);
  try {
    return check_server(app, job);
  } catch (const ServerError& error) {
    Report report;
    report.results.push_back({"server.connect", Status::critical, error.message(), ""});
    const std::string server =
        job.connection.hosts.empty() ? job.connection.socket : job.connection.hosts.front().host;
    const int status = tell(app, job, report);
    leave(job, report, job.connection.user + "@" + server);
    return status;
  }
}

}  // namespace
}  // namespace cdc::check

int main(int argc, char** argv) {
  return cdc::run_main(cdc::check::kAbout, argc, argv, [](cdc::App& app) {
    cdc::check::Options options;
    options.declare(app);
    app.parse();
    return cdc::check::work(app, options.read());
  });
}
