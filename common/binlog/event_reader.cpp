// SPDX-License-Identifier: Apache-2.0
#include <libdeflate.h>

#include "common/binlog/event.hpp"
#include "common/binlog/event_bodies.hpp"

namespace cdc {
namespace {

constexpr std::size_t kChecksumSize = 4;

bool is_heartbeat(EventType type) {
  return type == EventType::heartbeat || type == EventType::heartbeat_v2;
}

// Whether the last four bytes of `whole` are the CRC32 of those before. The in-use flag of a file that is
// being written is set behind the checksum's back (MySQL Log_event_footer::event_checksum_test).
bool checksum_matches(ByteView whole, const EventHeader& header) {
  const std::size_t size = whole.size() - kChecksumSize;
  std::uint32_t stored = 0;
  std::memcpy(&stored, whole.data() + size, kChecksumSize);
  if (header.type == EventType::format_description && (header.flags & EventHeader::kBinlogInUse) != 0) {
    std::array<std::uint8_t, EventHeader::kSize> clean{};
    std::memcpy(clean.data(), whole.data(), clean.size());
    clean[clean.size() - 2] &= static_cast<std::uint8_t>(~EventHeader::kBinlogInUse);
    const std::uint32_t start = libdeflate_crc32(0, clean.data(), clean.size());
    return libdeflate_crc32(start, whole.data() + clean.size(), size - clean.size()) == stored;
  }
  return libdeflate_crc32(0, whole.data(), size) == stored;
}

}  // namespace

Event EventReader::read(const RawEvent& raw) {
  if (!raw.starts_file.empty()) {
    counts_bytes_ = true;
    file_ = raw.starts_file;
    pos_ = raw.starts_pos;
  }
  Event event;
  event.whole = raw.bytes;
  event.begin_pos = event.end_pos = pos_;
  event.file = file_;
  try {
    ByteReader reader(raw.bytes);
    event.header = EventHeader::decode(reader);
    if (event.header.length != raw.bytes.size()) {
      reader.fail("event length " + std::to_string(event.header.length) + " is not that of its " +
                  std::to_string(raw.bytes.size()) + " bytes");
    }
    event.body = reader.rest();
    locate(event);
    if (event.type() == EventType::format_description) {
      format_ = FormatDescription::decode(event.body);
      has_format_ = true;
    }
    strip_checksum(event);
    follow(event);
  } catch (Error& error) {
    event.file = file_;
    error.add_context(event.place());
    throw;
  }
  event.file = file_;
  return event;
}

// Files are counted. A dump tells the end of each event modulo 2^32, and leaves out events that the client
// has.
void EventReader::locate(Event& event) {
  const EventHeader& header = event.header;
  if (counts_bytes_) {
    event.end_pos = pos_ += header.length;
    return;
  }
  event.artificial =
      header.log_pos == 0 || (header.flags & EventHeader::kArtificial) != 0 || is_heartbeat(header.type);
  if (event.artificial) return;
  event.end_pos = extend(header.log_pos, pos_ + header.length);
  event.begin_pos = event.end_pos - header.length;
  pos_ = event.end_pos;
}

std::uint64_t EventReader::extend(std::uint32_t log_pos, std::uint64_t at_least) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32;
  const std::uint64_t pos = (at_least & ~(kWrap - 1)) | log_pos;
  return pos < at_least ? pos + kWrap : pos;
}

void EventReader::strip_checksum(Event& event) const {
  const EventHeader& header = event.header;
  // The first ROTATE of a dump comes before the format description that would tell, and one between two files
  // may be of either's kind: the checksum itself tells.
  if (event.artificial && header.type == EventType::rotate) {
    if (event.body.size() > kChecksumSize && checksum_matches(event.whole, header)) {
      event.body = event.body.first(event.body.size() - kChecksumSize);
    }
    return;
  }
  if (!has_format_) throw DecodeError(0, "no FORMAT_DESCRIPTION event before this one");
  // A file's own format description is checksummed in any case, so that what it says of the others can be
  // trusted.
  const bool own_format = header.type == EventType::format_description && counts_bytes_ &&
                          header.log_pos != 0 && format_.has_checksum_field;
  if (!format_.checksum && !own_format) return;
  if (event.body.size() < kChecksumSize) throw DecodeError(EventHeader::kSize, "no room for a checksum");
  event.body = event.body.first(event.body.size() - kChecksumSize);
  if (verify_checksums_ && !checksum_matches(event.whole, header)) {
    throw DecodeError(event.whole.size() - kChecksumSize, "wrong checksum");
  }
}

void EventReader::follow(Event& event) {
  switch (event.type()) {
    case EventType::rotate:
      if (event.artificial) {
        const RotateEvent rotate = decode_rotate(event);
        file_ = rotate.file;
        pos_ = rotate.pos;
        event.begin_pos = event.end_pos = pos_;
      }
      break;
    case EventType::heartbeat:
    case EventType::heartbeat_v2:
      if (event.artificial) follow_heartbeat(event);
      break;
    case EventType::mariadb_start_encryption:
      if (counts_bytes_) {
        throw DataError("the file is encrypted from here on; read it from the server", ExitCode::config);
      }
      break;
    default:
      break;
  }
}

void EventReader::follow_heartbeat(Event& event) {
  const HeartbeatEvent heartbeat = decode_heartbeat(event);
  if (heartbeat.file != file_) {
    file_ = heartbeat.file;
    pos_ = 0;
  }
  pos_ = heartbeat.pos.value_or(extend(event.header.log_pos, pos_));
  event.begin_pos = event.end_pos = pos_;
}

}  // namespace cdc
