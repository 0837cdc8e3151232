// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/binlog_file.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace cdc {

namespace {

// Small enough to stay in a core's cache between the read and the decoding.
constexpr std::size_t kBlock = 256 << 10;
constexpr std::size_t kMagicSize = 4;
constexpr std::string_view kMagic =
    "\xfe"
    "bin";
constexpr std::string_view kEncryptedMagic =
    "\xfd"
    "bin";

std::string_view without_directory(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool has_data(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 0) != 0;
}

}  // namespace

BinlogFiles::BinlogFiles(std::vector<std::string> paths, WaitHook wait)
    : paths_(std::move(paths)), wait_(std::move(wait)), buffer_(kBlock) {}

std::optional<RawEvent> BinlogFiles::next() {
  for (;;) {
    if (!fd_ && !open_next()) return std::nullopt;
    if (fill(EventHeader::kSize)) break;
    if (stopped_) return std::nullopt;
    if (buffer_.size() > used_) fail_cut_off(EventHeader::kSize);
    fd_.reset();  // the end of this file
  }
  ByteReader reader(as_bytes(buffer_.view().substr(used_)));
  EventHeader header;
  try {
    header = EventHeader::decode(reader);
  } catch (DecodeError& error) {
    error.add_context(name_ + ":" + std::to_string(pos_));
    throw;
  }
  if (starts_) in_use_ = (header.flags & EventHeader::kBinlogInUse) != 0;
  if (!fill(header.length)) {
    if (stopped_) return std::nullopt;
    fail_cut_off(header.length);
  }
  RawEvent event{as_bytes(buffer_.view().substr(used_, header.length)), {}, 0};
  if (std::exchange(starts_, false)) {
    event.starts_file = name_;
    event.starts_pos = pos_;
  }
  used_ += header.length;
  pos_ += header.length;
  return event;
}

bool BinlogFiles::open_next() {
  if (next_path_ == paths_.size()) return false;
  const std::string& path = paths_[next_path_++];
  name_ = without_directory(path);
  fd_ = path == "-" ? UniqueFd(dup(STDIN_FILENO)) : open_input(path);
  struct stat status {};
  if (!fd_ || fstat(fd_.get(), &status) != 0) throw IoError(ExitCode::no_input, path, errno);
  may_block_ = !S_ISREG(status.st_mode);
  buffer_.clear();
  used_ = 0;
  pos_ = 0;
  check_magic();
  return !stopped_;
}

void BinlogFiles::check_magic() {
  if (!fill(kMagicSize)) {
    if (stopped_) return;
    throw DataError(name_ + " is no binlog: it has " + std::to_string(buffer_.size()) + " bytes");
  }
  const std::string_view magic = buffer_.view().substr(0, kMagicSize);
  if (magic == kEncryptedMagic) {
    throw ConfigError(name_ + " is encrypted (binlog_encryption); read it from the server, which has the key");
  }
  if (magic != kMagic) throw DataError(name_ + " is no binlog: it does not begin with 0xfe 'bin'");
  used_ = pos_ = kMagicSize;
  starts_ = true;
}

// Makes at least `wanted` unread bytes lie behind `used_`; false when the file ends before. Reads blocks, and
// lets the buffer grow as bytes come in, at most to twice what is there.
bool BinlogFiles::fill(std::size_t wanted) {
  if (buffer_.size() - used_ >= wanted) return true;
  buffer_.drop_front(used_);
  used_ = 0;
  while (buffer_.size() < wanted) {
    if (!wait_for_data()) return false;
    const std::size_t room = std::max(kBlock, std::min(wanted, 2 * buffer_.size())) - buffer_.size();
    char* out = buffer_.reserve(room);
    const std::size_t got = read_some(fd_.get(), out, room, name_);
    if (got == 0) return false;
    buffer_.commit(out + got);
    bytes_read_ += got;
  }
  return true;
}

bool BinlogFiles::wait_for_data() {
  if (!may_block_ || !wait_ || has_data(fd_.get())) return true;
  stopped_ = wait_(fd_.get(), std::chrono::milliseconds(-1)) == Waited::stop;
  return !stopped_;
}

void BinlogFiles::fail_cut_off(std::size_t wanted) const {
  const std::string place = name_ + ":" + std::to_string(pos_) + ": ";
  const std::string what = "the event needs " + std::to_string(wanted) + " bytes, the file has " +
                           std::to_string(buffer_.size() - used_) + " more";
  if (in_use_)
    throw TemporaryError(place + what + "; the server has not closed this file, it may not be whole yet");
  throw DecodeError(0, place + what);
}

}  // namespace cdc
