// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/event.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace cdc {
namespace {

struct TypeName {
  EventType type;
  std::string_view name;
};

constexpr TypeName kTypeNames[] = {
    {EventType::unknown, "UNKNOWN"},
    {EventType::start_v3, "START_V3"},
    {EventType::query, "QUERY"},
    {EventType::stop, "STOP"},
    {EventType::rotate, "ROTATE"},
    {EventType::intvar, "INTVAR"},
    {EventType::append_block, "APPEND_BLOCK"},
    {EventType::delete_file, "DELETE_FILE"},
    {EventType::rand, "RAND"},
    {EventType::user_var, "USER_VAR"},
    {EventType::format_description, "FORMAT_DESCRIPTION"},
    {EventType::xid, "XID"},
    {EventType::begin_load_query, "BEGIN_LOAD_QUERY"},
    {EventType::execute_load_query, "EXECUTE_LOAD_QUERY"},
    {EventType::table_map, "TABLE_MAP"},
    {EventType::write_rows_v1, "WRITE_ROWS_V1"},
    {EventType::update_rows_v1, "UPDATE_ROWS_V1"},
    {EventType::delete_rows_v1, "DELETE_ROWS_V1"},
    {EventType::incident, "INCIDENT"},
    {EventType::heartbeat, "HEARTBEAT"},
    {EventType::ignorable, "IGNORABLE"},
    {EventType::rows_query, "ROWS_QUERY"},
    {EventType::write_rows, "WRITE_ROWS"},
    {EventType::update_rows, "UPDATE_ROWS"},
    {EventType::delete_rows, "DELETE_ROWS"},
    {EventType::gtid, "GTID"},
    {EventType::anonymous_gtid, "ANONYMOUS_GTID"},
    {EventType::previous_gtids, "PREVIOUS_GTIDS"},
    {EventType::transaction_context, "TRANSACTION_CONTEXT"},
    {EventType::view_change, "VIEW_CHANGE"},
    {EventType::xa_prepare, "XA_PREPARE"},
    {EventType::partial_update_rows, "PARTIAL_UPDATE_ROWS"},
    {EventType::transaction_payload, "TRANSACTION_PAYLOAD"},
    {EventType::heartbeat_v2, "HEARTBEAT_V2"},
    {EventType::gtid_tagged, "GTID_TAGGED"},
    {EventType::mariadb_annotate_rows, "MARIADB_ANNOTATE_ROWS"},
    {EventType::mariadb_binlog_checkpoint, "MARIADB_BINLOG_CHECKPOINT"},
    {EventType::mariadb_gtid, "MARIADB_GTID"},
    {EventType::mariadb_gtid_list, "MARIADB_GTID_LIST"},
    {EventType::mariadb_start_encryption, "MARIADB_START_ENCRYPTION"},
    {EventType::mariadb_query_compressed, "MARIADB_QUERY_COMPRESSED"},
    {EventType::mariadb_write_rows_compressed_v1, "MARIADB_WRITE_ROWS_COMPRESSED_V1"},
    {EventType::mariadb_update_rows_compressed_v1, "MARIADB_UPDATE_ROWS_COMPRESSED_V1"},
    {EventType::mariadb_delete_rows_compressed_v1, "MARIADB_DELETE_ROWS_COMPRESSED_V1"},
    {EventType::mariadb_write_rows_compressed, "MARIADB_WRITE_ROWS_COMPRESSED"},
    {EventType::mariadb_update_rows_compressed, "MARIADB_UPDATE_ROWS_COMPRESSED"},
    {EventType::mariadb_delete_rows_compressed, "MARIADB_DELETE_ROWS_COMPRESSED"},
};

// "9.7.4-2" → 90704. What follows the third number does not matter; 0 when there are no numbers.
std::uint32_t version_id(std::string_view version) {
  std::uint32_t id = 0;
  std::size_t at = 0;
  for (int part = 0; part < 3; ++part) {
    std::uint32_t number = 0;
    while (at < version.size() && version[at] >= '0' && version[at] <= '9' && number < 1000) {
      number = number * 10 + static_cast<std::uint32_t>(version[at++] - '0');
    }
    id = id * 100 + number;
    if (at < version.size() && version[at] == '.') ++at;
  }
  return id;
}

constexpr std::size_t kVersionSize = 50;
constexpr std::size_t kChecksumSize = 4;

}  // namespace

std::string event_type_name(EventType type) {
  const auto* found = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                                   [type](const TypeName& entry) { return entry.type == type; });
  if (found != std::end(kTypeNames)) return std::string(found->name);
  return "EVENT_" + std::to_string(static_cast<unsigned>(type));
}

bool is_rows_event(EventType type) {
  switch (type) {
    case EventType::write_rows_v1:
    case EventType::update_rows_v1:
    case EventType::delete_rows_v1:
    case EventType::write_rows:
    case EventType::update_rows:
    case EventType::delete_rows:
    case EventType::partial_update_rows:
      return true;
    default:
      return type >= EventType::mariadb_write_rows_compressed_v1 &&
             type <= EventType::mariadb_delete_rows_compressed;
  }
}

EventHeader EventHeader::decode(ByteReader& reader) {
  const std::uint8_t* const bytes = reader.bytes(kSize).data();  // one check for all
  EventHeader header;
  std::memcpy(&header.timestamp, bytes, 4);
  header.type = static_cast<EventType>(bytes[4]);
  std::memcpy(&header.server_id, bytes + 5, 4);
  std::memcpy(&header.length, bytes + 9, 4);
  std::memcpy(&header.log_pos, bytes + 13, 4);
  std::memcpy(&header.flags, bytes + 17, 2);
  if (header.length < kSize) {
    reader.fail("event length " + std::to_string(header.length) + " is shorter than a header");
  }
  return header;
}

std::string Event::place() const {
  std::string text(file.empty() ? "position" : file);
  text += (file.empty() ? " " : ":") + std::to_string(begin_pos);
  return text + ": " + event_type_name(type());
}

FormatDescription FormatDescription::decode(ByteView body) {
  ByteReader reader(body, EventHeader::kSize);
  FormatDescription format;
  format.binlog_version = reader.u16();
  if (format.binlog_version != 4) {
    reader.fail("binlog version " + std::to_string(format.binlog_version) + " is not supported");
  }
  const std::string_view version = reader.text(kVersionSize);
  format.server_version = version.substr(0, version.find('\0'));
  format.server_version_id = version_id(format.server_version);
  if (format.server_version_id < 50000) reader.fail("server version '" + format.server_version + "'");
  format.mariadb = format.server_version.find("MariaDB") != std::string::npos;
  format.created = reader.u32();
  if (const unsigned header_size = reader.u8(); header_size != EventHeader::kSize) {
    reader.fail("event headers of " + std::to_string(header_size) + " bytes are not supported");
  }
  // Since MySQL 5.6.1 and MariaDB 5.3 the event ends in the algorithm and room for a checksum, used or not.
  format.has_checksum_field = format.server_version_id >= (format.mariadb ? 50300U : 50601U);
  const std::size_t tail = format.has_checksum_field ? 1 + kChecksumSize : 0;
  reader.need(tail);
  // A version that a damaged byte made older than checksums: the servers that old had fewer types of events.
  constexpr std::size_t kMostOldTypes = 30;
  if (!format.has_checksum_field && reader.left() > kMostOldTypes)
    reader.fail("server version '" + format.server_version + "' has not so many types of events");
  const ByteView lengths = reader.bytes(std::min(reader.left() - tail, std::size_t{255}));
  std::copy(lengths.begin(), lengths.end(), format.post_header_lengths.begin() + 1);
  if (format.has_checksum_field) {
    reader.skip(reader.left() - tail);
    const unsigned algorithm = reader.u8();
    if (algorithm != 0 && algorithm != 1 && algorithm != 255) {
      reader.fail("checksum algorithm " + std::to_string(algorithm) + " is not supported");
    }
    format.checksum = algorithm == 1;
  }
  return format;
}

}  // namespace cdc
