// SPDX-License-Identifier: Apache-2.0
#include "common/base/fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

namespace cdc {

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

namespace {

// After a read or write that failed: whether to try it again. A descriptor that we inherited may be set not to
// block, by whoever shares it: then this waits for it.
bool may_try_again(int fd, short event) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
  pollfd waiting{fd, event, 0};
  return ::poll(&waiting, 1, -1) >= 0 || errno == EINTR;
}

}  // namespace

UniqueFd open_input(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw IoError(ExitCode::no_input, path, errno);
  return fd;
}

std::size_t read_some(int fd, void* data, std::size_t size, std::string_view name) {
  for (;;) {
    const ssize_t got = ::read(fd, data, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (!may_try_again(fd, POLLIN)) throw IoError(ExitCode::no_input, name, errno);
  }
}

std::string read_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd = open_input(path);
  std::string content;
  char chunk[1 << 14];
  while (const std::size_t got = read_some(fd.get(), chunk, sizeof chunk, path)) {
    if (content.size() + got > limit)
      throw DataError(path + ": larger than " + std::to_string(limit) + " bytes");
    content.append(chunk, got);
  }
  return content;
}

void write_all(int fd, std::string_view data, std::string_view name) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written >= 0) {
      data.remove_prefix(static_cast<std::size_t>(written));
    } else if (!may_try_again(fd, POLLOUT)) {
      throw IoError(ExitCode::io, name, errno);
    }
  }
}

namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Of a symbolic link what it names; else `path`.
std::string target_of(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> target(::realpath(path.c_str(), nullptr), &std::free);
  return target ? target.get() : path;
}

}  // namespace

void replace_file(const std::string& name, std::string_view content) {
  const std::string path = target_of(name);
  std::string temporary = path + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) throw IoError(ExitCode::io, temporary, errno);
  try {
    struct stat old {};
    if (::stat(path.c_str(), &old) == 0) {
      // Best effort: an operator who opened the file to a monitoring group keeps it so.
      if (::fchmod(fd.get(), old.st_mode & 07777) != 0) throw IoError(ExitCode::io, temporary, errno);
    }
    write_all(fd.get(), content, path);
    if (::fsync(fd.get()) != 0) throw IoError(ExitCode::io, path, errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) throw IoError(ExitCode::io, path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const std::string directory = directory_of(path);
  const UniqueFd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || ::fsync(dir.get()) != 0) throw IoError(ExitCode::io, directory, errno);
}

FileLock::FileLock(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (!fd_) throw IoError(ExitCode::io, path, errno);
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK) throw TemporaryError(path + ": locked by another process");
  throw IoError(ExitCode::io, path, errno);
}

void require_private_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw IoError(ExitCode::no_input, path, errno);
  if (!S_ISREG(info.st_mode)) return;  // a pipe of the shell's <(…) has nobody else reading it
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    throw ConfigError(path + ": holds a secret but belongs to another user");
  if ((info.st_mode & 077) != 0)
    throw ConfigError(path + ": holds a secret but others may read or write it; run: chmod 600 " + path);
}

}  // namespace cdc
