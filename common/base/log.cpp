// SPDX-License-Identifier: Apache-2.0
#include "common/base/log.hpp"

#include <unistd.h>

#include <cerrno>

namespace cdc {

void Log::error(std::string_view message) const {
  line("error: ", message);
}

void Log::warning(std::string_view message) const {
  if (level_ != LogLevel::quiet) line("warning: ", message);
}

void Log::info(std::string_view message) const {
  if (level_ == LogLevel::verbose) line("", message);
}

void Log::line(std::string_view kind, std::string_view message) const {
  std::string text;
  text.reserve(program_.size() + 2 + kind.size() + message.size() + 1);
  text.append(program_).append(": ").append(kind);
  // Messages quote servers and files: one line stays one line, and nothing steers the terminal.
  for (const char c : message) text.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c);
  text.push_back('\n');
  // One write, so that lines of several processes on one terminal do not mix. If stderr is gone there is
  // nobody to tell.
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.erase(0, static_cast<std::size_t>(written));
  }
}

}  // namespace cdc
