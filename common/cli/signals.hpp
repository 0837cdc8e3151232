// SPDX-License-Identifier: Apache-2.0
// Signals of a tool that has something to finish. The first INT or TERM sets a flag and makes wake_fd() readable,
// so that whoever polls comes back; the second has its default action.
// USR1 asks for a status line. One instance at a time; its destructor restores what was there before.
#pragma once

#include "common/base/fd.hpp"

namespace cdc {

class Signals {
 public:
  Signals();  // IoError(software) when the kernel gives no descriptor
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The signal that asked to stop, 0 before that.
  int stop_signal() const noexcept;
  bool stopping() const noexcept { return stop_signal() != 0; }
  // True once for each SIGUSR1 or several of them.
  bool take_status_request() noexcept;

  // For poll(2): readable from the first stop signal on, for ever; also after SIGUSR1, until
  // take_status_request().
  int wake_fd() const noexcept { return wake_.get(); }

  // Ends the process by the signal that asked to stop, with its default action. Call when all is flushed.
  [[noreturn]] void die() const;

 private:
  UniqueFd wake_;
};

// Ends the process by `signal` with its default action (130, 143, 141 in a shell).
[[noreturn]] void die_of_signal(int signal);

}  // namespace cdc
