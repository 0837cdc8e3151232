// SPDX-License-Identifier: Apache-2.0
#include "common/cli/signals.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace cdc {
namespace {

// What the handlers touch: lock-free atomics only.
std::atomic<int> stop_number{0};
std::atomic<bool> status_wanted{false};
std::atomic<int> wake_descriptor{-1};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

struct sigaction old_int, old_term, old_usr1;

void wake() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_descriptor, &one, sizeof one));  // full means awake already
}

void on_stop(int number) {
  const int saved = errno;
  struct sigaction immediate {};
  immediate.sa_handler = SIG_DFL;
  if (old_int.sa_handler != SIG_IGN) ::sigaction(SIGINT, &immediate, nullptr);
  if (old_term.sa_handler != SIG_IGN) ::sigaction(SIGTERM, &immediate, nullptr);
  stop_number = number;
  wake();
  errno = saved;
}

void on_status(int) {
  const int saved = errno;
  status_wanted = true;
  wake();
  errno = saved;
}

// A signal that the caller had ignored (nohup, a shell's background job) stays so.
void install(int number, void (*handler)(int), int flags, struct sigaction& old) {
  ::sigaction(number, nullptr, &old);
  if (old.sa_handler == SIG_IGN && number != SIGUSR1) return;
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(number, &action, nullptr);
}

}  // namespace

Signals::Signals() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw IoError(ExitCode::software, "eventfd", errno);
  stop_number = 0;
  status_wanted = false;
  wake_descriptor = wake_.get();
  install(SIGINT, on_stop, 0, old_int);
  install(SIGTERM, on_stop, 0, old_term);
  install(SIGUSR1, on_status, SA_RESTART, old_usr1);
}

Signals::~Signals() {
  ::sigaction(SIGINT, &old_int, nullptr);
  ::sigaction(SIGTERM, &old_term, nullptr);
  ::sigaction(SIGUSR1, &old_usr1, nullptr);
  wake_descriptor = -1;
}

int Signals::stop_signal() const noexcept {
  return stop_number;
}

bool Signals::take_status_request() noexcept {
  if (!status_wanted.exchange(false)) return false;
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake_.get(), &count, sizeof count));
  if (stopping()) wake();  // the read may have taken a stop's wake-up too
  return true;
}

void Signals::die() const {
  die_of_signal(stop_signal());
}

void die_of_signal(int number) {
  std::signal(number, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, number);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(number);
  ::_exit(128 + number);  // a signal whose default is to go on
}

}  // namespace cdc
