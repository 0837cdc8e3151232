// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/wait_hook.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "common/base/error.hpp"

namespace cdc {

Waited wait_readable(int fd, std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    int left = -1;
    if (timeout.count() >= 0) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
      left = static_cast<int>(std::clamp<std::int64_t>(rest, 0, std::numeric_limits<int>::max()));
    }
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, left);
    if (ready > 0) return Waited::readable;
    if (ready == 0 && timeout.count() >= 0 && Clock::now() >= deadline) return Waited::timed_out;
    if (ready < 0 && errno != EINTR) throw IoError(ExitCode::software, "poll", errno);
  }
}

}  // namespace cdc
