// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "common/cli/app.hpp"

namespace cdc::tail {

namespace {
constexpr std::size_t kFlushAt = 128 << 10;  // fits a core's cache together with the input
constexpr int kPipeSize = 1 << 20;           // the most that an ordinary user may ask for
}  // namespace

Output::Output(bool line_buffered) : buffer_(2 * kFlushAt), limit_(line_buffered ? 1 : kFlushAt) {
  fcntl(STDOUT_FILENO, F_SETPIPE_SZ,
        kPipeSize);  // fails where stdout is no pipe or the user has many: as it was, then
}

void Output::flush() {
  if (!buffer_.empty()) {
    if (before_flush_) before_flush_();
    broken_ = true;  // until the write comes back
    write_stdout(buffer_.view());
    broken_ = false;
    buffer_.clear();
  }
  if (on_flush_) on_flush_();
}

}  // namespace cdc::tail
