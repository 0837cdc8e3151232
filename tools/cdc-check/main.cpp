// SPDX-License-Identifier: Apache-2.0
// cdc-check: whether a change data capture job can start at a position, and whether it will survive its
// restart.
#include <algorithm>
#include <map>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/cli/app.hpp"
#include "common/cli/mysql_options.hpp"
#include "common/cli/position_options.hpp"
#include "tools/cdc-check/checks.hpp"
#include "tools/cdc-check/handover.hpp"
#include "tools/cdc-check/report.hpp"

namespace {

using namespace std::string_view_literals;
using cdc::check::Consumer;
using cdc::check::Report;
using cdc::check::Results;
using cdc::check::Status;
using cdc::check::Verdict;

const cdc::About kAbout{
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

enum class Format { text, json, gtid_set, file_pos };
const std::map<std::string, Format> kFormats{{"text", Format::text},
                                             {"json", Format::json},
                                             {"gtid-set", Format::gtid_set},
                                             {"file-pos", Format::file_pos}};

struct Options {
  cdc::MysqlOptions connection;
  cdc::PositionOptions position;
  std::string format = "text", consumer, fail_on = "warning";
  std::optional<std::string> expected_uuid, write_checkpoint;
  std::vector<std::string> required;

  void declare(cdc::App& app) {
    connection.declare(app);
    position.declare_start(app);
    constexpr const char* kGroup = "Judgement";
    CLI::App& cli = app.cli();
    cli.add_option("--for", consumer, "Who starts there: generic, cdc-tail, seatunnel, flink or debezium")
        ->type_name("READER")
        ->group(kGroup);
    cli.add_option("--fail-on", fail_on, "Exit 0 below this: warning or critical (warning)")
        ->type_name("LEVEL")
        ->group(kGroup);
    cli.add_option("--require", required, "What must be more than a note: gtid, full-image, full-metadata, …")
        ->type_name("LIST")
        ->group(kGroup)
        ->expected(1);
    cli.add_option("--expect-server-uuid", expected_uuid, "Critical on any other server")
        ->type_name("UUID")
        ->group(kGroup);
    constexpr const char* kOutput = "Output";
    cli.add_option("--format", format, "text, json, gtid-set or file-pos (text)")
        ->type_name("FORMAT")
        ->group(kOutput);
    cli.add_option("--write-checkpoint", write_checkpoint, "Make a position file for cdc-tail and cdc-load")
        ->type_name("FILE")
        ->group(kOutput);
  }
};

// The options, understood.
struct Job {
  cdc::ConnectOptions connection;
  cdc::check::PositionRequest request;
  Format format = Format::text;
  Consumer consumer = Consumer::generic;
  Verdict fail_on = Verdict::warning;
};

Job read_options(const Options& options) {
  Job job;
  const auto format = kFormats.find(options.format);
  if (format == kFormats.end())
    throw cdc::UsageError("--format: '" + options.format + "' is none of text, json, gtid-set, file-pos");
  job.format = format->second;
  if (options.fail_on == "critical")
    job.fail_on = Verdict::critical;
  else if (options.fail_on != "warning")
    throw cdc::UsageError("--fail-on: '" + options.fail_on + "' is neither warning nor critical");
  job.consumer = options.position.checkpoint() ? Consumer::cdc_tail : Consumer::generic;
  if (!options.consumer.empty()) {
    const auto consumer = cdc::check::parse_consumer(options.consumer);
    if (!consumer)
      throw cdc::UsageError("--for: '" + options.consumer +
                            "' is none of generic, cdc-tail, seatunnel, flink, debezium");
    job.consumer = *consumer;
  }
  if (options.expected_uuid && !cdc::Uuid::parse(*options.expected_uuid))
    throw cdc::UsageError("--expect-server-uuid: '" + *options.expected_uuid + "' is no UUID");
  cdc::check::require_known(options.required);
  job.request.start = options.position.start();
  if (const auto& path = options.position.checkpoint()) {
    job.request.checkpoint = cdc::Checkpoint::load(*path);
    job.request.first_run = !job.request.checkpoint;
  }
  job.connection = options.connection.resolve();
  return job;
}

// Prints the report in the wanted format; the exit status.
int tell(const cdc::App& app, const Job& job, const Report& report) {
  const int status = report.verdict >= job.fail_on ? static_cast<int>(report.verdict) : 0;
  if (job.format == Format::json) {
    cdc::write_stdout(cdc::check::json_report(report));
    return status;
  }
  if (job.format == Format::text) {
    cdc::write_stdout(cdc::check::text_report(report, app.color(1), app.level() == cdc::LogLevel::quiet));
    return status;
  }
  std::optional<std::string> position;
  if (report.input)
    position = job.format == Format::gtid_set ? cdc::check::gtid_set_text(report.input->position)
                                              : cdc::check::file_pos_text(report.input->position);
  if (position) {
    cdc::write_stdout(*position);
    return 0;
  }
  app.log().error(report.input && !report.input->position.asked
                      ? "--format=" + std::string("gtid-set and file-pos need a position")
                      : "the position is not known; --format=text says why");
  return static_cast<int>(std::max(report.verdict, Verdict::critical));
}

int unreachable(const cdc::App& app, const Job& job, const cdc::ServerError& error) {
  Report report;
  report.results.push_back({"server.connect", Status::critical, error.message(), ""});
  app.log().error(error.message());
  if (job.format == Format::json || job.format == Format::text) return tell(app, job, report);
  return static_cast<int>(Verdict::unknown);
}

int work(cdc::App& app, const Options& options) {
  Job job = read_options(options);
  try {
    cdc::Connection connection(job.connection);
    const cdc::check::ServerFacts server = cdc::check::gather_facts(connection);
    // Later connections go to the host that answered, not to the next of the list.
    if (!connection.address().host.empty()) job.connection.hosts = {connection.address()};
    cdc::PositionFinder finder(job.connection, server.files.value.value_or(std::vector<cdc::BinlogFile>()),
                               server.purged.value.value_or(cdc::GtidSet()));
    const cdc::check::PositionFacts position = cdc::check::gather_position(job.request, server, finder);
    const cdc::check::Metrics metrics =
        cdc::check::measure(server, position, finder, options.position.checkpoint().value_or(""));
    const cdc::check::CheckInput input{server,
                                       position,
                                       metrics,
                                       job.consumer,
                                       options.expected_uuid,
                                       app.cli().count("--server-id") > 0 ? job.connection.server_id : 0};
    Report report;
    report.input = &input;
    report.first_run = job.request.first_run;
    report.results = cdc::check::run_checks(input);
    if (report.first_run)
      report.results.push_back({"position.checkpoint", Status::note,
                                *options.position.checkpoint() + " does not exist yet: a first run", ""});
    cdc::check::raise_required(options.required, report.results);
    report.verdict = cdc::check::worst(report.results);
    if (options.write_checkpoint) cdc::check::write_checkpoint(*options.write_checkpoint, server, position);
    return tell(app, job, report);
  } catch (const cdc::ServerError& error) {
    return unreachable(app, job, error);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return cdc::run_main(kAbout, argc, argv, [](cdc::App& app) {
    Options options;
    options.declare(app);
    app.parse();
    return work(app, options);
  });
}
