// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/prepared.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/error.hpp"

namespace cdc::tail {

namespace {

constexpr std::size_t kInMemory = 4 << 20;

// What is kept of an event, in front of its body.
struct RecordHead {
  std::uint64_t begin_pos;
  std::uint32_t size;
  EventType type;
};
constexpr std::size_t kHeadSize = sizeof(RecordHead);

UniqueFd open_unnamed() {
  const char* directory = std::getenv("TMPDIR");
  std::string path =
      std::string(directory != nullptr && *directory != '\0' ? directory : "/tmp") + "/cdc-tail-XXXXXX";
  UniqueFd fd(mkostemp(path.data(), O_CLOEXEC));
  if (!fd) throw IoError(ExitCode::io, path, errno);
  unlink(path.c_str());
  return fd;
}

void read_exactly(int fd, char* out, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t got = pread(fd, out, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      throw IoError(ExitCode::io, "temporary file of a prepared transaction", got < 0 ? errno : EIO);
    out += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
}

}  // namespace

void StoredEvents::add(const Event& event) {
  if (file_.empty()) file_ = event.file;
  RecordHead head{};
  head.begin_pos = event.begin_pos;
  head.size = static_cast<std::uint32_t>(event.body.size());
  head.type = event.type();
  bytes_.append(reinterpret_cast<const char*>(&head), kHeadSize);
  bytes_.append(as_text(event.body));
  if (bytes_.size() > kInMemory) spill();
}

void StoredEvents::spill() {
  if (!spill_) spill_ = open_unnamed();
  write_all(spill_.get(), bytes_, "temporary file of a prepared transaction");
  spilled_ += bytes_.size();
  bytes_.clear();
}

bool StoredEvents::read_record(std::uint64_t& offset, std::string& record) {
  const auto read = [&](char* out, std::size_t size) {
    if (offset < spilled_) {
      read_exactly(spill_.get(), out, size, offset);
    } else {
      std::memcpy(out, bytes_.data() + (offset - spilled_), size);
    }
    offset += size;
  };
  if (offset == spilled_ + bytes_.size()) return false;
  record.resize(kHeadSize);
  read(record.data(), kHeadSize);
  RecordHead head;
  std::memcpy(&head, record.data(), kHeadSize);
  record.resize(kHeadSize + head.size);
  read(record.data() + kHeadSize, head.size);
  return true;
}

void StoredEvents::replay(const std::function<void(const Event&)>& handle) {
  std::uint64_t offset = 0;
  std::string record;
  while (read_record(offset, record)) {
    RecordHead head;
    std::memcpy(&head, record.data(), kHeadSize);
    Event event;
    event.header.type = head.type;
    event.body = as_bytes(record).subspan(kHeadSize);
    event.file = file_;
    event.begin_pos = head.begin_pos;
    handle(event);
  }
}

}  // namespace cdc::tail
