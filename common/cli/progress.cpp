// SPDX-License-Identifier: Apache-2.0
#include "common/cli/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

namespace cdc {
namespace {

constexpr std::chrono::milliseconds kInterval{500};

// The beginning of UTF-8 text that has at most `count` characters, each taken as one column wide.
std::string_view first_characters(std::string_view text, std::size_t count) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts_character = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (starts_character && count-- == 0) return text.substr(0, i);
  }
  return text;
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

void to_stderr(std::string_view text) {
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

}  // namespace

void Progress::show(std::string_view text, Clock::time_point now) {
  if (!due(now)) return;
  next_ = now + kInterval;
  shown_ = true;
  to_stderr("\r" + std::string(first_characters(text, terminal_width() - 1)) + "\x1b[K");
}

void Progress::clear() {
  if (!shown_) return;
  shown_ = false;
  to_stderr("\r\x1b[K");
}

}  // namespace cdc
