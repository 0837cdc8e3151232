// SPDX-License-Identifier: Apache-2.0
// Binlog events: what a source hands over (RawEvent), and the same with its frame understood (Event).
// EventReader takes raw events in order and knows all that depends on order: the format description, the
// checksum, the file and the 64-bit position. It expands nothing: a TRANSACTION_PAYLOAD is one event
// (payload.hpp). An Event owns nothing: its bytes live as long as the raw event's, `file` until the next
// EventReader::read(). Format: MySQL libs/mysql/binlog/event/{binlog_event.h,control_events.h}; MariaDB
// sql/log_event.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace cdc {

// Log_event_type of MySQL 9.7, and MariaDB's own from 160 on. Values not listed occur in nothing since
// MySQL 5.0.
enum class EventType : std::uint8_t {
  unknown = 0,
  start_v3 = 1,
  query = 2,
  stop = 3,
  rotate = 4,
  intvar = 5,
  append_block = 9,
  delete_file = 11,
  rand = 13,
  user_var = 14,
  format_description = 15,
  xid = 16,
  begin_load_query = 17,
  execute_load_query = 18,
  table_map = 19,
  write_rows_v1 = 23,
  update_rows_v1 = 24,
  delete_rows_v1 = 25,
  incident = 26,
  heartbeat = 27,
  ignorable = 28,
  rows_query = 29,
  write_rows = 30,
  update_rows = 31,
  delete_rows = 32,
  gtid = 33,
  anonymous_gtid = 34,
  previous_gtids = 35,
  transaction_context = 36,
  view_change = 37,
  xa_prepare = 38,
  partial_update_rows = 39,
  transaction_payload = 40,
  heartbeat_v2 = 41,
  gtid_tagged = 42,
  mariadb_annotate_rows = 160,
  mariadb_binlog_checkpoint = 161,
  mariadb_gtid = 162,
  mariadb_gtid_list = 163,
  mariadb_start_encryption = 164,
  mariadb_query_compressed = 165,
  mariadb_write_rows_compressed_v1 = 166,
  mariadb_update_rows_compressed_v1 = 167,
  mariadb_delete_rows_compressed_v1 = 168,
  mariadb_write_rows_compressed = 169,
  mariadb_update_rows_compressed = 170,
  mariadb_delete_rows_compressed = 171,
};

// "TABLE_MAP", "MARIADB_GTID"; "EVENT_77" for a type that is not listed.
std::string event_type_name(EventType type);
// Any rows event: v1, v2, partial updates, MariaDB's compressed ones. Not TABLE_MAP.
bool is_rows_event(EventType type);

// The 19 bytes before each event's body (binlog version 4).
struct EventHeader {
  static constexpr std::size_t kSize = 19;
  static constexpr std::uint16_t kBinlogInUse = 0x1;
  static constexpr std::uint16_t kArtificial = 0x20;
  static constexpr std::uint16_t kIgnorable = 0x80;  // whoever does not know the type may skip the event

  std::uint32_t timestamp = 0;  // seconds since the epoch
  EventType type = EventType::unknown;
  std::uint32_t server_id = 0;
  std::uint32_t length = 0;   // of the whole event, header and checksum included
  std::uint32_t log_pos = 0;  // end of the event modulo 2^32; 0 when artificial or inside a payload
  std::uint16_t flags = 0;

  // The next 19 bytes. DecodeError when there are fewer or `length` cannot hold the header.
  static EventHeader decode(ByteReader& reader);
};

struct Event {
  EventHeader header;
  ByteView body;          // behind the header, without checksum
  ByteView whole;         // header, body and checksum as received
  std::string_view file;  // "" until the source has named one
  // First byte and first byte behind, in `file`. Inside a payload: the payload event's. An artificial event
  // takes no room: both are the position reached.
  std::uint64_t begin_pos = 0;
  std::uint64_t end_pos = 0;
  // Made by the dump thread, not in the file: the first ROTATE, a repeated FORMAT_DESCRIPTION, HEARTBEAT.
  bool artificial = false;
  bool in_payload = false;

  EventType type() const { return header.type; }
  // A reader over the body whose offsets count from the start of the event.
  ByteReader reader() const { return ByteReader(body, EventHeader::kSize); }
  // "binlog.000042:1193: TABLE_MAP", the context of errors in this event.
  std::string place() const;
};

// FORMAT_DESCRIPTION_EVENT: how the events behind it are laid out.
struct FormatDescription {
  std::uint16_t binlog_version = 4;
  std::string server_version;           // "9.7.4", "10.11.11-MariaDB-log"
  std::uint32_t server_version_id = 0;  // 90704, 101111
  bool mariadb = false;
  std::uint32_t created = 0;        // 0 when a dump starts behind the file's start
  bool has_checksum_field = false;  // this event ends in an algorithm and room for a checksum
  bool checksum = false;            // and all events in 4 bytes of CRC32
  std::array<std::uint8_t, 256> post_header_lengths{};  // by event type; 0 where the server knows none

  std::uint8_t post_header_length(EventType type) const {
    return post_header_lengths[static_cast<std::uint8_t>(type)];
  }
  // `body` is everything behind the header, as this event's own checksum can only be known from it.
  // DecodeError; a binlog version other than 4 (before MySQL 5.0) and unknown checksum algorithms are ones
  // too.
  static FormatDescription decode(ByteView body);
};

// One event as a source has it. `bytes` live until the source's next().
struct RawEvent {
  ByteView bytes;
  // File sources name the file with its first event, and the event's offset there; positions then count
  // bytes. A server's dump names files by its artificial ROTATE events instead and leaves this empty.
  std::string_view starts_file;
  std::uint64_t starts_pos = 0;
};

// Where events come from: a server's dump, files, standard input (floor 3), a test.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // nullopt: the source has come to its end. Errors of the source are thrown.
  virtual std::optional<RawEvent> next() = 0;
};

class EventReader {
 public:
  // Checksums can be left unchecked (they are then still cut off).
  explicit EventReader(bool verify_checksums = true) : verify_checksums_(verify_checksums) {}

  // The next event of the stream. DecodeError "FILE:POS: …" when its frame or checksum is wrong; the reader
  // is then of no further use.
  Event read(const RawEvent& raw);

  // Of the current file; before the first FORMAT_DESCRIPTION the defaults.
  const FormatDescription& format() const { return format_; }
  // Where the next event is expected.
  std::string_view file() const { return file_; }
  std::uint64_t pos() const { return pos_; }

 private:
  void locate(Event& event);
  void strip_checksum(Event& event) const;
  void follow(Event& event);
  void follow_heartbeat(Event& event);
  // The first position >= `at_least` whose low 32 bits are `log_pos`.
  static std::uint64_t extend(std::uint32_t log_pos, std::uint64_t at_least);

  bool verify_checksums_;
  bool counts_bytes_ = false;  // a file source: positions come from lengths, not from log_pos
  bool has_format_ = false;
  FormatDescription format_;
  std::string file_;
  std::uint64_t pos_ = 0;
};

}  // namespace cdc
