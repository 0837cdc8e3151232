// SPDX-License-Identifier: Apache-2.0
// The events that number transactions: GTID, ANONYMOUS_GTID, GTID_TAGGED, MARIADB_GTID, and the sets at the
// start of a file: PREVIOUS_GTIDS, MARIADB_GTID_LIST. Nothing here refers to the event's bytes after the
// call, except the XA identifier's copy. DecodeError offsets count from the start of the event; callers add
// Event::place(). Formats: MySQL libs/mysql/binlog/event/control_events.{h,cpp}, libs/mysql/serialization;
// MariaDB Gtid_log_event.
#pragma once

#include <cstdint>
#include <optional>

#include "common/binlog/event.hpp"
#include "common/binlog/event_bodies.hpp"
#include "common/model/gtid.hpp"

namespace cdc {

// What a MARIADB_GTID event says beside the GTID (flags2 and flags_extra of Gtid_log_event).
struct MariadbGtidFlags {
  bool standalone = false;  // one statement event follows, without COMMIT
  bool transactional = false;
  bool ddl = false;
  bool prepared_xa = false;     // ends in XA_PREPARE
  bool completed_xa = false;    // is XA COMMIT or XA ROLLBACK; standalone, too
  std::uint64_t commit_id = 0;  // group commit; 0 none
  bool without_effect = false;  // START ALTER, ROLLBACK ALTER (binlog_alter_two_phase): nothing was altered
  std::optional<XaId> xid;
};

struct GtidEvent {
  Gtid gtid;  // none when anonymous
  std::int64_t last_committed = 0;
  std::int64_t sequence_number = 0;
  // Microseconds since the epoch; 0 where the server does not write them (MySQL before 8.0.1, MariaDB).
  std::uint64_t immediate_commit_us = 0;
  std::uint64_t original_commit_us = 0;
  std::uint64_t transaction_length = 0;        // bytes of all its events, this one included; 0 not told
  std::uint32_t immediate_server_version = 0;  // 90704; 0 not told
  std::uint32_t original_server_version = 0;   // 0 not told
  std::optional<std::uint64_t> commit_group_ticket;
  bool may_have_statements = false;  // GTID flag 1: may contain changes in statement format

  std::optional<MariadbGtidFlags> mariadb;  // only of MARIADB_GTID
};
// GTID, ANONYMOUS_GTID, GTID_TAGGED and MARIADB_GTID. In the tagged form unknown fields are skipped only when
// the event says that they may be.
GtidEvent decode_gtid(const Event& event);

// PREVIOUS_GTIDS (MySQL) and MARIADB_GTID_LIST: what was executed before this file.
GtidSet decode_previous_gtids(const Event& event);

}  // namespace cdc
