// SPDX-License-Identifier: Apache-2.0
// The words of a command line, taken apart by the rules of cdc(7) before CLI11 sees them: an option's value
// is whatever follows it, also when it is empty or begins with a dash; flags have no values; nothing is
// abbreviated; and a word that may hold a secret is refused without being repeated.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace cdc {

struct CommandLine {
  enum class Request { run, help, version };
  Request request = Request::run;
  // For CLI11, in order: "--name" or "--name", "value" for each option, then "--" and the operands.
  std::vector<std::string> words;
};

// `args` without the program's name. Stops at --help (-?) and --version (-V). UsageError otherwise.
CommandLine read_command_line(const CLI::App& cli, const std::vector<std::string>& args);

// Whether a flag or an option with values.
bool takes_value(const CLI::Option& option);

}  // namespace cdc
