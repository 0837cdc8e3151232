// SPDX-License-Identifier: Apache-2.0
// File descriptors and the few file operations on which durability rests. UniqueFd owns and closes;
// every function reports failure as IoError with the path or stream named.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/base/error.hpp"

namespace cdc {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// Opens for reading; IoError(no_input) when that fails.
UniqueFd open_input(const std::string& path);
// Reads the whole file (at most `limit` bytes, else DataError); IoError(no_input) when that fails.
std::string read_file(const std::string& path, std::size_t limit);
// Up to `size` bytes, 0 at the end; restarts after EINTR, waits on a descriptor that does not block.
// IoError(no_input) named `name`.
std::size_t read_some(int fd, void* data, std::size_t size, std::string_view name);
// Everything; restarts after EINTR and short writes, waits likewise. IoError(io) named `name`.
void write_all(int fd, std::string_view data, std::string_view name);

// Replaces `path` durably: a temporary file beside it (mode 0600 unless the old file has another), fsync, rename,
// fsync of the directory. At every instant the old or the new content is there. Behind a symbolic link that is the
// file it names; the link stays. IoError(io).
void replace_file(const std::string& path, std::string_view content);

// An exclusive flock(2) on PATH (created if missing), held for the life of the object and released by
// the kernel when the process dies. TemporaryError when somebody else holds it.
class FileLock {
 public:
  explicit FileLock(const std::string& path);

 private:
  UniqueFd fd_;
};

// ConfigError when a file with secrets may be read or written by group or others, or belongs to somebody else than us or root.
void require_private_file(const std::string& path);

}  // namespace cdc
