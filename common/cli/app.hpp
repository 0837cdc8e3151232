// SPDX-License-Identifier: Apache-2.0
// The frame of every tool: how its command line looks, how it is parsed, and how the process ends.
//
//   int main(int argc, char** argv) {
//     return cdc::run_main(kAbout, argc, argv, [](cdc::App& app) {
//       … app.cli().add_option("-t,--table", …)->type_name("GLOB")->group("What"); …   // only declare
//       app.parse();                            // --help and --version do not come back from here
//       return work(options, app.log());        // the exit status
//     });
//   }
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/log.hpp"

namespace cdc {

struct Example {
  std::string_view what;  // "Everything since the last run"
  std::string_view command;
};

// What a tool says about itself. Views of literals; the object outlives the App.
struct About {
  std::string_view name;                // "cdc-tail"
  std::string_view sentence;            // "Print the changes of a MySQL server as JSON lines."
  std::vector<std::string_view> usage;  // behind the name: "[OPTION]... [BINLOG...]"
  std::vector<Example> examples = {};   // three
  // Lines that --version prints below "cdc-tail 0.1.0", such as the versions of libraries.
  std::string (*version_details)() = nullptr;
  // cdc-check answers like a monitoring plugin: whatever ends it is 3, UNKNOWN. 0: the error's own status.
  int error_status = 0;
};

class App {
 public:
  App(const About& about, int argc, char** argv);

  // Options are declared on this with CLI11's add_option and add_flag: a long name always, type_name() for what
  // --help calls the value, group() for its heading; groups appear in the order of their first option.
  // A vector takes one value each time the option is given, anything else the last one given.
  CLI::App& cli() { return cli_; }
  const About& about() const { return *about_; }

  // Reads the command line into the declared variables; once. Throws UsageError (no secret in its text) and,
  // for
  // --help and --version, what only run_main() catches.
  void parse();

  // Valid after parse().
  LogLevel level() const;
  Log log() const { return Log(std::string(about_->name), level()); }
  bool color(int fd) const;    // --color; auto: fd is a terminal, NO_COLOR is unset and TERM is not dumb
  bool show_progress() const;  // stderr is a capable terminal, and neither --no-progress nor --quiet

  // The text of --help: at most 79 columns, ends with a newline.
  std::string help() const;

 private:
  const About* about_;
  std::vector<std::string> args_;
  CLI::App cli_;
  bool verbose_ = false, quiet_ = false, progress_ = true;
  std::string color_ = "auto";
};

// Thrown by App::parse() for --help and --version: the text belongs on stdout and the process is done.
struct InfoRequest {
  std::string text;
};

// The one catch ladder. Runs `body` and returns the exit status: what body returned, or the status of the
// Error it threw, told in one line on stderr ("cdc-tail: error: …"); anything else thrown is a bug of ours
// (70). SIGPIPE is ignored from here on, because a lost server must be an error; a write that nobody reads
// ends the process silently by that signal's default action instead. stdout is flushed and checked at the end
// (74).
int run_main(const About& about, int argc, char** argv, const std::function<int(App&)>& body);

// All of `data` to descriptor 1; IoError(io), which run_main() turns into death by SIGPIPE where that is due.
void write_stdout(std::string_view data);

}  // namespace cdc
