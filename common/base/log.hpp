// SPDX-License-Identifier: Apache-2.0
// Messages for people, on stderr, one line each: "cdc-tail: warning: …". The tools decide what is said;
// codecs never print.
#pragma once

#include <string>
#include <string_view>

namespace cdc {

enum class LogLevel { quiet, normal, verbose };

class Log {
 public:
  Log(std::string program, LogLevel level) : program_(std::move(program)), level_(level) {}

  void error(std::string_view message) const;    // always
  void warning(std::string_view message) const;  // not with --quiet
  void info(std::string_view message) const;     // only with --verbose
  LogLevel level() const { return level_; }
  const std::string& program() const { return program_; }

 private:
  void line(std::string_view kind, std::string_view message) const;

  std::string program_;
  LogLevel level_;
};

}  // namespace cdc
