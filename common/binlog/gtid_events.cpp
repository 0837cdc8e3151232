// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/gtid_events.hpp"

#include <algorithm>
#include <bit>

namespace cdc {
namespace {

Uuid uuid_of(ByteView bytes) {
  Uuid uuid;
  std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
  return uuid;
}

// The tail that servers since 5.7 and 8.0 append; where it ends, the older server wrote no more.
void read_commit_clock(ByteReader& reader, GtidEvent& event) {
  constexpr unsigned kLogicalTimestamps = 2;
  constexpr std::uint64_t kOriginalFollows = std::uint64_t{1} << 55;
  constexpr std::uint32_t kOriginalVersionFollows = std::uint32_t{1} << 31;
  if (reader.at_end() || reader.u8() != kLogicalTimestamps) return;
  event.last_committed = reader.i64();
  event.sequence_number = reader.i64();
  if (reader.at_end()) return;
  event.immediate_commit_us = event.original_commit_us = reader.u56();
  if ((event.immediate_commit_us & kOriginalFollows) != 0) {
    event.immediate_commit_us &= ~kOriginalFollows;
    event.original_commit_us = reader.u56();
  }
  if (reader.at_end()) return;
  event.transaction_length = reader.lenenc();
  if (reader.at_end()) return;
  event.immediate_server_version = event.original_server_version = reader.u32();
  if ((event.immediate_server_version & kOriginalVersionFollows) != 0) {
    event.immediate_server_version &= ~kOriginalVersionFollows;
    event.original_server_version = reader.u32();
  }
  if (!reader.at_end()) event.commit_group_ticket = reader.u64();
}

GtidEvent decode_plain(const Event& raw) {
  ByteReader reader = raw.reader();
  GtidEvent event;
  event.may_have_statements = (reader.u8() & 1) != 0;
  const Uuid uuid = uuid_of(reader.bytes(16));
  const std::uint64_t gno = reader.u64();
  const bool anonymous = raw.type() == EventType::anonymous_gtid;
  if (anonymous ? gno != 0 : gno == 0 || gno > kMaxGno) {
    reader.fail("transaction number " + std::to_string(gno));
  }
  if (!anonymous) event.gtid = Gtid::of(GtidSource{uuid, {}}, gno);
  read_commit_clock(reader, event);
  return event;
}

// Integers of libs/mysql/serialization: as many bytes more as the first has trailing ones, the value in what
// those leave, low bits first; of nine bytes the first holds no value.
std::uint64_t read_varint(ByteReader& reader) {
  const std::uint8_t first = *reader.bytes(1).data();
  const int more = std::countr_one(first);
  const std::uint64_t high = reader.u_width(static_cast<std::size_t>(more));
  if (more >= 7) return high;
  return (std::uint64_t{first} >> (more + 1)) | high << (7 - more);
}

// Signed ones have their sign in the lowest bit, negative ones complemented.
std::int64_t read_signed_varint(ByteReader& reader) {
  const std::uint64_t raw = read_varint(reader);
  const auto magnitude = static_cast<std::int64_t>(raw >> 1);
  return (raw & 1) != 0 ? ~magnitude : magnitude;
}

Uuid read_tagged_uuid(ByteReader& reader) {
  Uuid uuid;
  for (std::uint8_t& byte : uuid.bytes) byte = static_cast<std::uint8_t>(read_varint(reader));
  return uuid;
}

// The fields of Gtid_event::define_fields(), in the order of their numbers; which of them are there is told
// by their numbers.
void read_tagged_field(ByteReader& reader, std::uint64_t field, GtidEvent& event, MysqlGtid& gtid) {
  switch (field) {
    case 0:
      event.may_have_statements = (read_varint(reader) & 1) != 0;
      break;
    case 1:
      gtid.source.uuid = read_tagged_uuid(reader);
      break;
    case 2:
      gtid.gno = static_cast<std::uint64_t>(read_signed_varint(reader));
      break;
    case 3: {
      const std::uint64_t length = read_varint(reader);
      if (length > 32) reader.fail("tag of " + std::to_string(length) + " characters");
      gtid.source.tag = reader.text(length);
      break;
    }
    case 4:
      event.last_committed = read_signed_varint(reader);
      break;
    case 5:
      event.sequence_number = read_signed_varint(reader);
      break;
    case 6:
      event.immediate_commit_us = event.original_commit_us = read_varint(reader);
      break;
    case 7:
      event.original_commit_us = read_varint(reader);
      break;
    case 8:
      event.transaction_length = read_varint(reader);
      break;
    case 9:
      event.immediate_server_version = event.original_server_version =
          static_cast<std::uint32_t>(read_varint(reader));
      break;
    case 10:
      event.original_server_version = static_cast<std::uint32_t>(read_varint(reader));
      break;
    case 11:
      event.commit_group_ticket = read_varint(reader);
      break;
    default:
      break;
  }
}

GtidEvent decode_tagged(const Event& raw) {
  constexpr std::uint64_t kFormatVersion = 1, kLastKnownField = 11;
  ByteReader reader = raw.reader();
  if (const std::uint64_t version = read_varint(reader); version != kFormatVersion) {
    reader.fail("serialization format " + std::to_string(version) + " is not supported");
  }
  // The size counts from the version on.
  const std::size_t start = EventHeader::kSize;
  const std::uint64_t size = read_varint(reader);
  const std::uint64_t last_needed = read_varint(reader);
  if (last_needed > kLastKnownField) {
    reader.fail("field " + std::to_string(last_needed) + " is not known and must not be ignored");
  }
  if (size > raw.body.size()) reader.fail("message longer than its event");
  GtidEvent event;
  MysqlGtid gtid;
  while (reader.offset() < start + size) {
    const std::uint64_t field = read_varint(reader);
    if (field > kLastKnownField) break;  // and so are all behind it
    read_tagged_field(reader, field, event, gtid);
  }
  if (gtid.gno == 0 || gtid.gno > kMaxGno) reader.fail("transaction number " + std::to_string(gtid.gno));
  event.gtid = Gtid::of(std::move(gtid.source), gtid.gno);
  if (Gtid::parse(event.gtid.text()) != event.gtid) reader.fail("invalid GTID tag");
  return event;
}

GtidEvent decode_mariadb(const Event& raw) {
  constexpr unsigned kStandalone = 1, kGroupCommit = 2, kTransactional = 4, kDdl = 32, kPreparedXa = 64,
                     kCompletedXa = 128;
  ByteReader reader = raw.reader();
  MariadbGtid gtid;
  gtid.sequence = reader.u64();
  gtid.domain = reader.u32();
  gtid.server_id = raw.header.server_id;
  const unsigned flags = reader.u8();
  GtidEvent event;
  event.gtid = Gtid::of(gtid);
  MariadbGtidFlags& mariadb = event.mariadb.emplace();
  mariadb.standalone = (flags & kStandalone) != 0;
  mariadb.transactional = (flags & kTransactional) != 0;
  mariadb.ddl = (flags & kDdl) != 0;
  mariadb.prepared_xa = (flags & kPreparedXa) != 0;
  mariadb.completed_xa = (flags & kCompletedXa) != 0;
  if ((flags & kGroupCommit) != 0) mariadb.commit_id = reader.u64();
  if (mariadb.prepared_xa || mariadb.completed_xa) {
    XaId& xid = mariadb.xid.emplace();
    xid.format = reader.i32();
    const std::size_t gtrid_length = reader.u8();
    const std::size_t bqual_length = reader.u8();
    if (gtrid_length > 64 || bqual_length > 64) reader.fail("part of an XA identifier longer than 64 bytes");
    xid.gtrid = reader.text(gtrid_length);
    xid.bqual = reader.text(bqual_length);
  }
  constexpr unsigned kMultiEngine = 1, kStartAlter = 2, kRollbackAlter = 8;
  if (!reader.at_end()) {
    const unsigned extra = reader.u8();
    if ((extra & kMultiEngine) != 0) reader.skip(1);
    mariadb.without_effect = (extra & (kStartAlter | kRollbackAlter)) != 0;
  }
  return event;
}

}  // namespace

GtidEvent decode_gtid(const Event& event) {
  switch (event.type()) {
    case EventType::gtid_tagged:
      return decode_tagged(event);
    case EventType::mariadb_gtid:
      return decode_mariadb(event);
    default:
      return decode_plain(event);
  }
}

GtidSet decode_previous_gtids(const Event& event) {
  ByteReader reader = event.reader();
  if (event.type() == EventType::previous_gtids) return GtidSet::decode(reader);
  constexpr std::uint32_t kCountMask = 0x0fffffff;  // the upper bits are flags
  GtidSet set;
  const std::uint32_t count = reader.u32() & kCountMask;
  for (std::uint32_t i = 0; i < count; ++i) {
    MariadbGtid gtid;
    gtid.domain = reader.u32();
    gtid.server_id = reader.u32();
    gtid.sequence = reader.u64();
    set.add(gtid);
  }
  return set;
}

}  // namespace cdc
