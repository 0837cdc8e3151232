// SPDX-License-Identifier: Apache-2.0
#include "common/cli/password.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "common/base/fd.hpp"
#include "common/cli/signals.hpp"

namespace cdc {
namespace {

constexpr std::size_t kLargestFile = 1 << 16;
constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

volatile std::sig_atomic_t caught = 0;

// While this lives, the terminal does not echo and a signal only interrupts the read.
class Silence {
 public:
  explicit Silence(int tty) : tty_(tty) {
    caught = 0;
    struct sigaction action {};
    action.sa_handler = [](int number) { caught = number; };
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      ::sigaction(kSignals[i], &action, &old_[i]);
      if (old_[i].sa_handler == SIG_IGN) ::sigaction(kSignals[i], &old_[i], nullptr);
    }
    if (::tcgetattr(tty_, &before_) != 0) throw IoError(ExitCode::software, "/dev/tty", errno);
    termios silent = before_;
    silent.c_lflag = (silent.c_lflag & ~static_cast<tcflag_t>(ECHO)) | ECHONL | ICANON;
    ::tcsetattr(tty_, TCSAFLUSH, &silent);
  }
  ~Silence() {
    ::tcsetattr(tty_, TCSAFLUSH, &before_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &old_[i], nullptr);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int tty_;
  termios before_{};
  std::array<struct sigaction, kSignals.size()> old_{};
};

// nullopt: a signal came, or the end of input before any character.
std::optional<std::string> read_line(int tty) {
  std::string line;
  for (char c = 0; !caught;) {
    const ssize_t got = ::read(tty, &c, 1);
    if (got < 0 && errno != EINTR) throw IoError(ExitCode::no_input, "/dev/tty", errno);
    if (got == 0) return line.empty() ? std::nullopt : std::optional(line);
    if (got == 1 && c == '\n') return line;
    if (got == 1) line += c;
  }
  return std::nullopt;
}

}  // namespace

std::string read_password_file(const std::string& path) {
  require_private_file(path);
  std::string content = read_file(path, kLargestFile);
  content.resize(std::min(content.size(), content.find('\n')));
  if (content.ends_with('\r')) content.pop_back();
  if (content.empty()) throw ConfigError(path + ": holds no password in its first line");
  return content;
}

std::string ask_password(const std::string& prompt) {
  const UniqueFd tty(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (!tty)
    throw UsageError(
        "--password asks on the terminal, and there is none; use --password-file or an option file");
  for (;;) {
    std::optional<std::string> line;
    {
      const Silence silence(tty.get());
      write_all(tty.get(), prompt, "/dev/tty");
      line = read_line(tty.get());
    }
    if (line) return *line;
    if (!caught) throw UsageError("no password was given");
    write_all(tty.get(), "\n", "/dev/tty");
    if (caught != SIGTSTP) die_of_signal(caught);  // nothing has begun that a handler would have to finish
    ::raise(SIGTSTP);                              // and ask again when continued
  }
}

}  // namespace cdc
