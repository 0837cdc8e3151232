// SPDX-License-Identifier: Apache-2.0
// The end of a process: exit statuses, signals, progress. What ends a process is tried in a child.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>

#include "common/base/fd.hpp"
#include "common/cli/app.hpp"
#include "common/cli/progress.hpp"
#include "common/cli/signals.hpp"

namespace {

struct Ending {
  int status = 0;  // as a shell tells it: 128 + signal
  std::string errors;
};

// Runs `action` in a child whose stderr is read; the child's exit status is what it returns.
template <typename Action>
Ending ending(const Action& action) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::fflush(stdout);  // or the child would write it, too
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::_exit(action());
  }
  ::close(ends[1]);
  Ending result;
  char chunk[4096];
  while (const std::size_t got = cdc::read_some(ends[0], chunk, sizeof chunk, "pipe"))
    result.errors.append(chunk, got);
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  result.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

Ending run_tool(const std::function<int(cdc::App&)>& body, int error_status = 0) {
  return ending([&] {
    const cdc::About about{.name = "tool", .sentence = "", .usage = {""}, .error_status = error_status};
    char name[] = "tool";
    char* argv[] = {name, nullptr};
    return cdc::run_main(about, 1, argv, body);
  });
}

bool readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN);
}

}  // namespace

TEST_CASE("run_main: what was thrown becomes a status and one line") {
  using cdc::App;
  const auto thrown = [](auto error) { return run_tool([error](App&) -> int { throw error; }); };
  CHECK(run_tool([](App&) { return 5; }).status == 5);
  CHECK(run_tool([](App&) { return 0; }).errors.empty());
  CHECK(thrown(cdc::UsageError("u")).status == 64);
  CHECK(thrown(cdc::UsageError("u")).errors == "tool: error: u (try 'tool --help')\n");
  CHECK(thrown(cdc::DecodeError(3, "d")).status == 65);
  CHECK(thrown(cdc::RefusedError("r")).status == 69);
  CHECK(thrown(cdc::RefusedError("r")).errors == "tool: error: r\n");
  CHECK(thrown(cdc::TemporaryError("t")).status == 75);
  CHECK(thrown(cdc::ConfigError("c")).status == 78);
  CHECK(thrown(cdc::IoError(cdc::ExitCode::io, "x", ENOSPC)).errors ==
        "tool: error: x: No space left on device\n");
  CHECK(thrown(cdc::IoError(cdc::ExitCode::io, "x", ENOSPC)).status == 74);
  CHECK(thrown(std::bad_alloc()).status == 70);
  CHECK(thrown(std::logic_error("x")).status == 70);
  CHECK(thrown(std::logic_error("x")).errors == "tool: error: x; this is a bug of ours\n");
  CHECK(thrown(7).status == 70);
}

TEST_CASE("run_main: cdc-check answers 3 whatever ended it") {
  CHECK(run_tool([](cdc::App&) -> int { throw cdc::UsageError("u"); }, 3).status == 3);
  CHECK(run_tool([](cdc::App&) -> int { throw std::bad_alloc(); }, 3).status == 3);
  CHECK(run_tool([](cdc::App&) { return 2; }, 3).status == 2);
}

TEST_CASE("run_main: a write that nobody reads is death by SIGPIPE, a full disk an error") {
  const auto write_to = [](int fd) {
    return [fd](cdc::App&) {
      ::dup2(fd, STDOUT_FILENO);
      cdc::write_stdout("x");
      return 0;
    };
  };
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  const Ending unread = run_tool(write_to(ends[1]));
  CHECK(unread.status == 128 + SIGPIPE);
  CHECK(unread.errors.empty());
  ::close(ends[1]);
  const cdc::UniqueFd full(::open("/dev/full", O_WRONLY));
  CHECK(run_tool(write_to(full.get())).status == 74);
  // Also what stdio still held back.
  CHECK(run_tool([&](cdc::App&) {
          ::dup2(full.get(), STDOUT_FILENO);
          return std::fputs("x", stdout) >= 0 ? 0 : 1;
        }).status == 74);
}

TEST_CASE("run_main: a closed stdout is not taken by a file that the tool opens") {
  const Ending closed = ending([] {
    ::close(STDOUT_FILENO);
    const cdc::About about{.name = "tool", .sentence = "", .usage = {""}};
    char name[] = "tool";
    char* argv[] = {name, nullptr};
    return cdc::run_main(about, 1, argv, [](cdc::App&) { return ::open("/dev/null", O_WRONLY) > 2 ? 0 : 1; });
  });
  CHECK(closed.status == 0);
}

TEST_CASE("signals: the first stops, the second is immediate") {
  CHECK(ending([] {
          cdc::Signals signals;
          if (signals.stopping() || readable(signals.wake_fd())) return 1;
          ::raise(SIGTERM);
          return signals.stop_signal() == SIGTERM && readable(signals.wake_fd()) ? 0 : 2;
        }).status == 0);
  for (const int second : {SIGINT, SIGTERM})
    CHECK(ending([second] {
            cdc::Signals signals;
            ::raise(SIGTERM);
            ::raise(second);
            return 0;
          }).status == 128 + second);
  CHECK(ending([]() -> int {
          cdc::Signals signals;
          ::raise(SIGINT);
          signals.die();
        }).status == 130);
}

TEST_CASE("signals: what the caller ignores stays ignored") {
  CHECK(ending([] {
          std::signal(SIGINT, SIG_IGN);
          cdc::Signals signals;
          ::raise(SIGINT);
          if (signals.stopping()) return 1;
          ::raise(SIGTERM);
          ::raise(SIGINT);
          return signals.stop_signal() == SIGTERM ? 0 : 2;
        }).status == 0);
}

TEST_CASE("signals: USR1 asks for a status line, and the stop is not lost by taking it") {
  CHECK(ending([] {
          cdc::Signals signals;
          if (signals.take_status_request()) return 1;
          ::raise(SIGUSR1);
          ::raise(SIGUSR1);
          if (!readable(signals.wake_fd())) return 2;
          if (!signals.take_status_request() || signals.take_status_request()) return 3;
          if (readable(signals.wake_fd())) return 4;
          ::raise(SIGUSR1);
          ::raise(SIGTERM);
          if (!signals.take_status_request()) return 5;
          return readable(signals.wake_fd()) && signals.stopping() ? 0 : 6;
        }).status == 0);
}

TEST_CASE("signals: afterwards all is as before") {
  CHECK(ending([] {
          { const cdc::Signals signals; }
          ::raise(SIGTERM);
          return 0;
        }).status == 128 + SIGTERM);
}

TEST_CASE("progress: at most twice a second, one line, cleared at the end") {
  const Ending shown = ending([] {
    using std::chrono::milliseconds;
    const auto begin = cdc::Progress::Clock::now();
    cdc::Progress progress(true);
    progress.show("one", begin);
    progress.show("too early", begin + milliseconds(499));
    progress.show("two", begin + milliseconds(500));
    return 0;
  });
  CHECK(shown.errors == "\rone\x1b[K\rtwo\x1b[K\r\x1b[K");
  CHECK(ending([] {
          cdc::Progress progress(true);
          progress.show(std::string(200, 'x'));
          return 0;
        }).errors == "\r" + std::string(79, 'x') + "\x1b[K\r\x1b[K");
  CHECK(ending([] {
          cdc::Progress progress(false);
          progress.show("x");
          progress.clear();
          return progress.due() ? 1 : 0;
        }).errors.empty());
}
