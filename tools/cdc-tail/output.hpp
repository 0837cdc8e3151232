// SPDX-License-Identifier: Apache-2.0
// Output: standard output as the sink's buffer. Records are appended by the sink and written out in large
// pieces, always whole lines; the source's waiting (see WaitHook) is the other moment to flush.
#pragma once

#include <functional>

#include "common/base/buffer.hpp"

namespace cdc::tail {

class Output {
 public:
  // Enlarges the pipe that standard output may be: with the default 64 KiB, writer and reader wait for each
  // other.
  explicit Output(bool line_buffered);

  OutBuffer& buffer() { return buffer_; }
  // Called before something is written, and after everything told so far was.
  void before_flush(std::function<void()> callback) { before_flush_ = std::move(callback); }
  void on_flush(std::function<void()> callback) { on_flush_ = std::move(callback); }

  // Between two records.
  void record_done() {
    if (buffer_.size() >= limit_) [[unlikely]]
      flush();
  }
  // IoError (74); EPIPE ends the process silently.
  void flush();
  // Whether writing has failed: nothing more can be told.
  bool broken() const { return broken_; }

 private:
  OutBuffer buffer_;
  std::size_t limit_;
  std::function<void()> before_flush_, on_flush_;
  bool broken_ = false;
};

}  // namespace cdc::tail
