// SPDX-License-Identifier: Apache-2.0
// How a source of events waits. A source that is about to block calls its hook instead, and only then, so
// that whoever consumes the events can first write out what it holds, do what is due, and watch other
// descriptors (a signal, a reader that went away) together with the source's own. Without a hook the source
// just polls.
#pragma once

#include <chrono>
#include <functional>

namespace cdc {

enum class Waited {
  readable,   // something has arrived, or the other side has closed
  timed_out,  // nothing within the timeout
  stop,       // give up: next() returns nullopt
};

// `fd` is what the source wants to read; a negative timeout is none. May throw: the exception leaves next().
using WaitHook = std::function<Waited(int fd, std::chrono::milliseconds timeout)>;

// poll(2) on `fd` alone; restarts after EINTR.
Waited wait_readable(int fd, std::chrono::milliseconds timeout);

}  // namespace cdc
