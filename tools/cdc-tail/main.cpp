// SPDX-License-Identifier: Apache-2.0
// The command line of cdc-tail: declares the options, checks them, hands them to run().
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "common/base/text.hpp"
#include "common/cli/app.hpp"
#include "common/cli/mysql_options.hpp"
#include "common/cli/position_options.hpp"
#include "tools/cdc-tail/options.hpp"
#include "tools/cdc-tail/run.hpp"

namespace cdc::tail {
namespace {

const About kAbout{
    "cdc-tail",
    "Print the row changes of a MySQL server, or of binlog files, as JSON lines.",
    {"[OPTION]...", "[OPTION]... BINLOG..."},
    {{"follow two schemas from now on", "cdc-tail -h db1 -u repl -t 'shop.*' -t 'crm.*'"},
     {"everything since the last run, once",
      "cdc-tail -h db1 -u repl --checkpoint s.ckpt --stop-mode latest | cdc-load ..."},
     {"what happened in a file", "cdc-tail --rows-only binlog.000042 | jq -c .data"}},
};

// Options as text until they have been checked.
struct Words {
  std::string bad_text = "refuse", time_zone = "+00:00", heartbeat = "10s", format = "native";
  bool positional_names = false;
};

void declare_tables(CLI::App& cli, Options& options, Words& words) {
  constexpr const char* kGroup = "What is told";
  FilterRules& filter = options.filter;
  cli.add_option("-t,--table", filter.tables, "Only tables like DB.TABLE (glob, repeatable)")
      ->type_name("GLOB")
      ->group(kGroup);
  cli.add_option("-x,--exclude-table", filter.exclude_tables, "Not these tables (glob, repeatable)")
      ->type_name("GLOB")
      ->group(kGroup);
  cli.add_option("--exclude-column", filter.exclude_columns, "Not DB.TABLE.COLUMN (glob, repeatable)")
      ->type_name("GLOB")
      ->group(kGroup);
  cli.add_flag("--include-shadow-tables", filter.shadow_tables, "Also those of gh-ost and pt-osc")
      ->group(kGroup);
  cli.add_flag("--all-ddl", options.all_ddl, "Also DDL of class other: views, users, ...")->group(kGroup);
  cli.add_flag("--allow-statement-dml", options.allow_statement_dml,
               "Go on past changes logged as statements")
      ->group(kGroup);
  cli.add_flag("--positional-names", words.positional_names, "@1, @2 where column names cannot be known")
      ->group(kGroup);
  cli.add_option("-n,--max-count", options.max_count, "End after N changes")->type_name("N")->group(kGroup);
}

void declare_output(CLI::App& cli, Options& options, Words& words) {
  constexpr const char* kGroup = "How it is told";
  cli.add_option("--format", words.format, "native (default), debezium, maxwell, canal, pretty")
      ->type_name("FORMAT")
      ->group(kGroup);
  cli.add_flag("--rows-only", options.format_options.rows_only, "Only the lines of rows")->group(kGroup);
  cli.add_option("--time-zone", words.time_zone, "Of TIMESTAMP columns: +HH:MM or a name (+00:00)")
      ->type_name("ZONE")
      ->group(kGroup);
  cli.add_option("--bad-text", words.bad_text, "Bytes that are no text: refuse (default) or replace")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"refuse", "replace"}))
      ->group(kGroup);
  cli.add_flag("--long-as-string", options.format_options.long_as_string,
               "64-bit integers as strings, for JavaScript")
      ->group(kGroup);
  cli.add_flag("--line-buffered", options.line_buffered, "Write out after every line")->group(kGroup);
  cli.add_option("--heartbeat", words.heartbeat, "Sign of life in a quiet stream (10s), 0 for none")
      ->type_name("TIME")
      ->group(kGroup);
}

void declare_snapshot(CLI::App& cli, Options& options) {
  constexpr const char* kGroup = "Initial copy";
  cli.add_option("--snapshot-table", options.snapshot_tables, "Copy this table too, DB.TABLE (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(kGroup);
  cli.add_option("--snapshot-chunk-rows", options.snapshot_chunk_rows, "Rows of a chunk at most (8192)")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000'000U))
      ->group(kGroup);
  cli.add_option("--snapshot-parallel", options.snapshot_parallel, "Tables read at a time (2)")
      ->type_name("N")
      ->check(CLI::Range(1U, 64U))
      ->group(kGroup);
}

void declare_run(CLI::App& cli, Options& options) {
  constexpr const char* kGroup = "Run";
  cli.add_option("BINLOG", options.files, "Binlog files in order; - is standard input");
  cli.add_flag("--save-checkpoint", options.save_checkpoint, "Write --checkpoint after each write to stdout")
      ->group(kGroup);
  cli.add_flag("--accept-change", options.accept_change, "Take a checkpoint of another filter or time zone")
      ->group(kGroup);
  cli.add_option("--max-retries", options.max_retries, "Times to reconnect in a row (20)")
      ->type_name("N")
      ->group(kGroup);
}

void check_format(Options& options, const Words& words) {
  const std::optional<Format> format = parse_format(words.format);
  if (!format) {
    throw UsageError("--format: '" + words.format + "' is not native, debezium, maxwell, canal or pretty");
  }
  options.format = *format;
  options.format_options.time_zone = TimeZone(words.time_zone);
  if (options.format != Format::native && options.format_options.long_as_string) {
    throw UsageError("--long-as-string is for --format=native");
  }
}

// Columns of the terminal on standard output, 80 where there is none.
int terminal_width() {
  constexpr int kUsual = 80, kMostReadable = 160;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return std::min<int>(size.ws_col, kMostReadable);
}

void check(Options& options, const Words& words, const PositionOptions& positions,
           const MysqlOptions& mysql) {
  check_format(options, words);
  options.bad_text = words.bad_text == "replace" ? BadText::replace : BadText::refuse;
  options.unknown_names = words.positional_names ? UnknownNames::positional : UnknownNames::refuse;
  const std::optional<std::int64_t> heartbeat = parse_duration_ms(words.heartbeat);
  if (!heartbeat) throw UsageError("--heartbeat: '" + words.heartbeat + "' is no duration (500ms, 10s, 5m)");
  options.heartbeat = std::chrono::milliseconds(*heartbeat);
  TableFilter{options.filter};  // its errors belong to the command line

  const bool from_files = !options.files.empty();
  options.start = positions.start().value_or(StartPoint{});
  if (!positions.start() && from_files) options.start.mode = StartupMode::earliest;
  options.stop = positions.stop().value_or(StopPoint{});
  if (from_files && options.copies()) throw UsageError("an initial copy is of a server's tables, not of files");
  if (from_files && options.start.mode == StartupMode::latest) {
    throw UsageError("--startup-mode=latest is for a server, not for files");
  }
  options.checkpoint = positions.checkpoint().value_or("");
  if (options.save_checkpoint && options.checkpoint.empty())
    throw UsageError("--save-checkpoint needs --checkpoint");
  if (!from_files || mysql.given()) options.connect = mysql.resolve();
}

int main_body(App& app) {
  Options options;
  Words words;
  MysqlOptions mysql;
  PositionOptions positions;
  mysql.declare(app);
  positions.declare_start(app);
  positions.declare_stop(app);
  declare_tables(app.cli(), options, words);
  declare_output(app.cli(), options, words);
  declare_snapshot(app.cli(), options);
  declare_run(app.cli(), options);
  app.parse();
  check(options, words, positions, mysql);
  options.show_progress = app.show_progress();
  options.format_options.color = app.color(STDOUT_FILENO);
  options.format_options.width = terminal_width();
  return run(options, app.log());
}

}  // namespace
}  // namespace cdc::tail

int main(int argc, char** argv) {
  return cdc::run_main(cdc::tail::kAbout, argc, argv, cdc::tail::main_body);
}
