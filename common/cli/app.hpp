// SPDX-License-Identifier: Apache-2.0
// The frame of every tool: how its command line looks, how it is parsed, and how the process ends.
//
//   int main(int argc, char** argv) {
//     return cdc::run_main(kAbout, argc, argv, [](cdc::App& app) {
//       … app.cli().add_option(…) …          // only declare
//       app.parse();                           // --help and --version do not come back from here
//       return work(options, app.log());       // the exit status
//     });
//   }
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/log.hpp"

namespace cdc {

struct Example {
  std::string_view what;  // "everything since the last run"
  std::string_view command;
};

// What a tool says about itself. Views of literals.
struct About {
  std::string_view name;                // "cdc-tail"
  std::string_view sentence;            // "Print the changes of a MySQL server as JSON lines."
  std::vector<std::string_view> usage;  // without the name: "[OPTION]... [BINLOG...]"
  std::vector<Example> examples;        // three
  // cdc-check answers like a monitoring plugin: whatever ends it is 3, UNKNOWN. 0: the error's own status.
  int error_status = 0;
};

enum class When { automatic, always, never };

class App {
 public:
  App(const About& about, int argc, char** argv);

  // Options are declared on this with CLI11's add_option and add_flag, each with ->group("Title"); groups are
  // shown in the order of their first option, those that every tool has come last.
  CLI::App& cli() { return *cli_; }
  const About& about() const { return about_; }

  // Reads the command line into the declared variables. Throws UsageError (no secret in its text) and, for
  // --help and --version, an exception that only run_main() catches.
  void parse();

  // The rest is valid after parse().
  Log log() const { return Log(std::string(about_.name), level()); }
  LogLevel level() const;
  bool color(int fd) const;    // --color, else: fd is a terminal, NO_COLOR unset, TERM not dumb
  bool show_progress() const;  // --progress, else not --quiet; never unless stderr is a capable terminal

 private:
  const About& about_;
  std::vector<std::string> args_;
  std::unique_ptr<CLI::App> cli_;
  bool verbose_ = false, quiet_ = false, version_ = false;
  When color_ = When::automatic;
  bool progress_ = true;
};

// The one catch ladder. Runs `body` and returns the exit status: what body returned, or the status of the
// Error it threw, told in one line on stderr ("cdc-tail: error: …"); anything else thrown is a bug of ours
// (70). SIGPIPE is ignored from here on, because a lost server must be an error; an EPIPE on stdout ends the
// process silently by SIGPIPE's default action instead. stdout (stdio and the descriptor) is flushed and
// checked at the end: 74.
int run_main(const About& about, int argc, char** argv, const std::function<int(App&)>& body);

// Writes data to the descriptor 1; dies of SIGPIPE when nobody reads, IoError(io) otherwise.
void write_stdout(std::string_view data);

}  // namespace cdc
