// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/event_bodies.hpp"

#include <zlib.h>

#include "common/base/text.hpp"

namespace cdc {
namespace {

// The status variables of a QUERY (Query_event_status_vars in statement_events.h; from 128 on MariaDB's).
enum StatusVariable : std::uint8_t {
  kFlags2 = 0,
  kSqlMode = 1,
  kCatalog = 2,
  kAutoIncrement = 3,
  kCharset = 4,
  kTimeZone = 5,
  kCatalogNz = 6,
  kLcTimeNames = 7,
  kCharsetDatabase = 8,
  kTableMapForUpdate = 9,
  kMasterDataWritten = 10,
  kInvoker = 11,
  kUpdatedDbNames = 12,
  kMicroseconds = 13,
  kCommitTs = 14,
  kCommitTs2 = 15,
  kExplicitDefaultsForTimestamp = 16,
  kDdlLoggedWithXid = 17,
  kDefaultCollationForUtf8mb4 = 18,
  kSqlRequirePrimaryKey = 19,
  kDefaultTableEncryption = 20,
  kMariadbHrnow = 128,
  kMariadbXid = 129,
};

void skip_counted(ByteReader& reader) {
  reader.skip(reader.u8());
}

std::string_view read_database_names(ByteReader& reader) {
  constexpr unsigned kTooMany = 254;  // then no names follow
  const unsigned count = reader.u8();
  if (count == kTooMany) return {};
  ByteReader names = reader;
  const std::size_t begin = reader.offset();
  for (unsigned i = 0; i < count; ++i) reader.zero_terminated();
  return names.text(reader.offset() - begin);
}

// One variable; false when its code is not known, and with it where the next begins.
bool read_status_variable(ByteReader& reader, QueryEvent& query) {
  switch (reader.u8()) {
    case kSqlMode:
      query.sql_mode = reader.u64();
      return true;
    case kCharset:
      query.client_collation = reader.u16();
      reader.skip(2);  // collation_connection
      query.server_collation = reader.u16();
      return true;
    case kDdlLoggedWithXid:
    case kMariadbXid:
      query.ddl_xid = reader.u64();
      return true;
    case kCatalog:
      skip_counted(reader);
      reader.skip(1);
      return true;
    case kTimeZone:
    case kCatalogNz:
      skip_counted(reader);
      return true;
    case kInvoker:
      skip_counted(reader);
      skip_counted(reader);
      return true;
    case kUpdatedDbNames:
      query.updated_dbs = read_database_names(reader);
      return true;
    case kExplicitDefaultsForTimestamp:
    case kSqlRequirePrimaryKey:
    case kDefaultTableEncryption:
      reader.skip(1);
      return true;
    case kLcTimeNames:
    case kCharsetDatabase:
    case kDefaultCollationForUtf8mb4:
      reader.skip(2);
      return true;
    case kMicroseconds:
    case kMariadbHrnow:
      reader.skip(3);
      return true;
    case kFlags2:
    case kAutoIncrement:
    case kMasterDataWritten:
      reader.skip(4);
      return true;
    case kTableMapForUpdate:
    case kCommitTs:
    case kCommitTs2:
      reader.skip(8);
      return true;
    default:
      return false;
  }
}

}  // namespace

RotateEvent decode_rotate(const Event& event) {
  ByteReader reader = event.reader();
  RotateEvent rotate;
  rotate.pos = reader.u64();
  rotate.file = reader.text(reader.left());
  if (rotate.file.empty()) reader.fail("no file name");
  return rotate;
}

// The fields in front of the variables that tell where LOAD DATA's file and its name are
// (Execute_load_query_event).
constexpr std::size_t kLoadHeaderSize = 13;

QueryEvent decode_query(const Event& event, std::string& scratch) {
  ByteReader reader = event.reader();
  QueryEvent query;
  query.thread_id = reader.u32();
  query.exec_time = reader.u32();
  const std::size_t db_length = reader.u8();
  query.error_code = reader.u16();
  const std::size_t variables_size = reader.u16();
  if (event.type() == EventType::execute_load_query) reader.skip(kLoadHeaderSize);
  ByteReader variables = reader.sub(variables_size);
  while (!variables.at_end() && read_status_variable(variables, query)) {
  }
  query.db = reader.text(db_length);
  reader.skip(1);
  if (event.type() == EventType::mariadb_query_compressed) {
    scratch.clear();
    append_uncompressed(reader, scratch);
    query.sql = scratch;
  } else {
    query.sql = reader.text(reader.left());
  }
  return query;
}

std::string XaId::text() const {
  return "X'" + to_hex(as_bytes(gtrid)) + "',X'" + to_hex(as_bytes(bqual)) + "'," + std::to_string(format);
}

XaPrepareEvent decode_xa_prepare(const Event& event) {
  ByteReader reader = event.reader();
  XaPrepareEvent prepare;
  prepare.one_phase = reader.u8() != 0;
  prepare.xid.format = reader.i32();
  const std::uint32_t gtrid_length = reader.u32();
  const std::uint32_t bqual_length = reader.u32();
  if (gtrid_length > 64 || bqual_length > 64) reader.fail("part of an XA identifier longer than 64 bytes");
  prepare.xid.gtrid = reader.text(gtrid_length);
  prepare.xid.bqual = reader.text(bqual_length);
  return prepare;
}

IncidentEvent decode_incident(const Event& event) {
  ByteReader reader = event.reader();
  IncidentEvent incident;
  incident.number = reader.u16();
  incident.message = reader.text(reader.u8());
  return incident;
}

HeartbeatEvent decode_heartbeat(const Event& event) {
  ByteReader reader = event.reader();
  HeartbeatEvent heartbeat;
  if (event.type() == EventType::heartbeat) {
    // MariaDB puts a position beyond 4 GiB in front of the name.
    if (event.header.log_pos == 0) heartbeat.pos = reader.u64();
    heartbeat.file = reader.text(reader.left());
    return heartbeat;
  }
  constexpr std::uint64_t kEnd = 0, kFile = 1, kPosition = 2;
  while (!reader.at_end()) {
    const std::uint64_t field = reader.lenenc();
    if (field == kEnd) break;
    const std::size_t at = reader.offset();
    ByteReader value(as_bytes(reader.lenenc_text()), at);
    if (field == kFile) heartbeat.file = value.text(value.left());
    if (field == kPosition) heartbeat.pos = value.lenenc();
  }
  if (heartbeat.file.empty() || !heartbeat.pos) reader.fail("no file name or no position");
  return heartbeat;
}

void append_uncompressed(ByteReader& reader, std::string& out) {
  const unsigned head = reader.u8();
  if ((head & 0xf0) != 0x80) reader.fail("compression algorithm is not supported");
  const std::size_t width = head & 0x07;
  if (width < 1 || width > 4) reader.fail("width of the plain size is " + std::to_string(width));
  const std::uint64_t size = reader.be_width(width);
  const ByteView packed = reader.bytes(reader.left());
  constexpr std::uint64_t kBestRatio = 1032;  // of deflate: 258 bytes in two bits
  if (size > packed.size() * kBestRatio) {
    reader.fail(std::to_string(packed.size()) + " bytes cannot hold " + std::to_string(size));
  }
  const std::size_t start = out.size();
  out.resize(start + size);
  uLongf plain = size;
  const int result =
      uncompress(reinterpret_cast<Bytef*>(out.data() + start), &plain, packed.data(), packed.size());
  if (result != Z_OK || plain != size) reader.fail("broken zlib stream");
}

}  // namespace cdc
