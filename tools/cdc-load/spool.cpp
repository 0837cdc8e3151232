// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/base/error.hpp"

namespace cdc::load {
namespace {

constexpr std::size_t kFlushFrom = std::size_t{1} << 20;

}  // namespace

void Spool::append(std::string_view line) {
  empty_ = false;
  buffer_.append(line);
  buffer_.push_back('\n');
  if (buffer_.size() >= kFlushFrom) flush();
}

void Spool::flush() {
  if (!file_) {
    const char* directory = std::getenv("TMPDIR");
    name_ = std::string(directory != nullptr && *directory != '\0' ? directory : "/var/tmp") + "/cdc-load-XXXXXX";
    file_ = UniqueFd(::mkostemp(name_.data(), O_CLOEXEC));
    if (!file_) throw IoError(ExitCode::io, name_, errno);
    ::unlink(name_.c_str());
  }
  write_all(file_.get(), buffer_, name_);
  buffer_.clear();
}

int Spool::rewind() {
  flush();
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) throw IoError(ExitCode::io, name_, errno);
  return file_.get();
}

void Spool::clear() {
  file_ = UniqueFd();
  buffer_.clear();
  empty_ = true;
}

}  // namespace cdc::load
