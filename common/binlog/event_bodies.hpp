// SPDX-License-Identifier: Apache-2.0
// The bodies of the small events. Each decoder takes an Event of its type (asserted by nothing: giving
// another one yields nonsense or DecodeError) and returns a struct of views into the event's bytes.
// DecodeError offsets count from the start of the event; callers add Event::place(). Bytes behind the known
// fields are ignored, as newer servers append fields. GTID events are in gtid_events.hpp, TABLE_MAP in
// table_map.hpp.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/binlog/event.hpp"

namespace cdc {

// ROTATE: the next file, and where it starts (4, or where a dump was asked to).
struct RotateEvent {
  std::uint64_t pos = 4;
  std::string_view file;
};
RotateEvent decode_rotate(const Event& event);

// QUERY (Query_event in statement_events.h). Status variables that no tool needs are skipped.
struct QueryEvent {
  std::uint32_t thread_id = 0;
  std::uint32_t exec_time = 0;  // seconds
  std::uint16_t error_code = 0;
  std::string_view db;   // the session's default database, "" when none
  std::string_view sql;  // in the charset of `client_collation`, utf8mb4 in nearly all cases
  std::uint64_t sql_mode = 0;
  std::uint16_t client_collation = 0;    // collation id of character_set_client; 0 not told
  std::uint16_t server_collation = 0;    // collation_server
  std::optional<std::uint64_t> ddl_xid;  // an atomic DDL of 8.0
  std::string_view updated_dbs;          // where it changes tables, each name with a zero behind; "" not told
};
// The bits of QueryEvent::sql_mode that change how text is read (sql/system_variables.h).
constexpr std::uint64_t kSqlModeAnsiQuotes = 4;
constexpr std::uint64_t kSqlModeNoBackslashEscapes = 0x100000;
// QUERY, EXECUTE_LOAD_QUERY and MARIADB_QUERY_COMPRESSED; `scratch` keeps the text of a compressed one (`sql` then points there).
QueryEvent decode_query(const Event& event, std::string& scratch);

// The identifier of an XA transaction (XID of the X/Open specification, sql/xa.h).
struct XaId {
  std::int32_t format = 1;
  std::string gtrid, bqual;  // raw bytes, up to 64 each
  auto operator<=>(const XaId&) const = default;
  std::string text() const;  // X'6162',X'',1, as the servers write it in statements
};
// XA_PREPARE; `one_phase` is XA COMMIT … ONE PHASE, a commit.
struct XaPrepareEvent {
  bool one_phase = false;
  XaId xid;
};
XaPrepareEvent decode_xa_prepare(const Event& event);

// INCIDENT: something of unknown effect was not logged (type 1, LOST_EVENTS, is the only one).
struct IncidentEvent {
  std::uint16_t number = 0;
  std::string_view message;
};
IncidentEvent decode_incident(const Event& event);

// HEARTBEAT and HEARTBEAT_V2: the dump thread has nothing to send, or has skipped what the client has. v1
// tells only the low 32 bits of the position (nullopt here: take Event::end_pos).
struct HeartbeatEvent {
  std::string_view file;
  std::optional<std::uint64_t> pos;
};
HeartbeatEvent decode_heartbeat(const Event& event);

// MariaDB's compressed section (log_bin_compress): one byte 0x80 | algorithm << 4 | width, `width` bytes of
// the plain size, high byte first, then a zlib stream. In a compressed rows event the section is all that
// follows the column bitmaps; in a compressed query it is the text. Appends the plain bytes to `out`. A
// lying size costs no more memory than deflate's best ratio to the bytes that are there. DecodeError when the
// stream is broken or not of that size.
void append_uncompressed(ByteReader& reader, std::string& out);

}  // namespace cdc
