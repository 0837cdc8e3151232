// SPDX-License-Identifier: Apache-2.0
// The grammar of the change record stream, cdc-changes(5), shared by everything that writes or reads it:
//
//   stream      = start { table | heartbeat | snapshot-end | ddl | transaction } end
//   transaction = begin { table | ddl | row } commit
//   row         = "+I" | "-D" | "-U" "+U"            the two of an update are adjacent and share one seq
//
// A boundary, a place to resume, is a commit, a ddl outside begin…commit, a heartbeat, the snapshot-end (a heartbeat
// that says more), or the end. Each carries
// in `gtids` every GTID completed since the boundary before it, so that start.gtid_set plus all gtids read is
// always the complete executed set. Views in these structs live as long as whoever filled them says.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/model/position.hpp"
#include "common/model/schema.hpp"
#include "common/model/value.hpp"

namespace cdc {

constexpr int kStreamVersion = 1;

enum class RecordKind : std::uint8_t {
  start, table, begin, insert, update_before, update_after, remove, commit, ddl, heartbeat, snapshot_end, end,
};
std::string_view record_kind_text(RecordKind kind);                   // "start", "+I", "-U", …
std::optional<RecordKind> parse_record_kind(std::string_view text);

// GTID texts are nullopt/empty-flagged because "no GTIDs on this server" (JSON null) differs from "none completed" ("").
struct StartRecord {
  std::string server_uuid, server_version;
  std::optional<std::string> gtid_set;  // complete executed set at `position`
  BinlogPosition position;
  std::string filter;  // canonical JSON object: equal text means equal filter
  std::string time_zone;
};

// A chunk of an initial copy told as a pseudo-transaction with gtid null. Key bounds are base64 of each key
// column's bytes in the column's own charset; `from` is empty for a table's first chunk. `key` says what gives the
// rows their order (KeyedTable::key_texts()): bounds mean something only under the same key.
struct SnapshotChunk {
  TableName table;
  std::uint64_t chunk = 0;
  std::vector<std::string> key;
  std::vector<std::string> from, to;
  bool last = false;
  bool operator==(const SnapshotChunk&) const = default;
};
// The chunk as records and the checkpoint tell it: {"db":…,"table":…,"chunk":3,"key":[…],
// "from":[…],"to":[…],"last":false}.
void append_snapshot_chunk(OutBuffer& out, const SnapshotChunk& chunk);

struct BeginRecord {
  std::optional<std::string> gtid;
  std::int64_t ts_ms = 0;   // original commit time
  BinlogPosition position;  // start of the transaction's GTID event
  std::optional<SnapshotChunk> snapshot;
  std::uint32_t server_id = 0;  // of the server that executed it; 0: not known
};

// What all rows of one rows event have in common. Built once per event; writers cache by `serial`.
struct RowsContext {
  std::uint64_t serial = 0;  // never the same for two events of a run
  std::shared_ptr<const TableSchema> table;  // shared, so that an address a writer caches is never reused
  std::optional<std::string_view> gtid;
  std::int64_t ts_ms = 0;
  std::string_view file;
  std::uint64_t pos = 0;  // start of the rows event, or of the payload event around it
  bool snapshot = false;
};

using Row = std::span<const Value>;  // one value per column of the table

struct CommitRecord {
  std::optional<std::string> gtid;
  std::optional<std::string> gtids;
  std::int64_t ts_ms = 0;
  BinlogPosition position;   // behind the transaction
  std::uint64_t changes = 0;  // changes told
  std::optional<SnapshotChunk> snapshot;
};

enum class DdlClass : std::uint8_t { create, alter, drop, truncate, rename, partition, other };
std::string_view ddl_class_text(DdlClass ddl_class);
std::optional<DdlClass> parse_ddl_class(std::string_view text);

struct DdlRecord {
  DdlClass ddl_class = DdlClass::other;
  std::optional<std::vector<TableName>> tables;  // nullopt: could not be parsed from the text
  std::string db;                                // the session's default database
  std::optional<std::string> gtid, gtids;        // gtids nullopt also inside a transaction
  std::int64_t ts_ms = 0;
  BinlogPosition position;  // behind the event
  std::string sql;
  std::uint32_t server_id = 0;  // as in BeginRecord
};

struct HeartbeatRecord {
  std::optional<std::string> gtids;
  BinlogPosition position;
  std::int64_t ts_ms = 0;
  bool snapshot_end = false;  // told as "snapshot-end": every table of the initial copy is complete from here on
};

struct EndRecord {
  int status = 0;
  std::string reason;
  bool partial = false;  // --max-count ended inside a transaction
  std::optional<std::string> gtids;
  BinlogPosition position;
};

// What an output format implements. Calls come in the order of the grammar; a sink appends to its buffer and
// never does I/O. `before` and `after` have one value per column.
class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  virtual void start(const StartRecord& record) = 0;
  virtual void table(const TableSchema& schema) = 0;
  virtual void begin(const BeginRecord& record) = 0;
  virtual void insert(const RowsContext& rows, std::uint64_t seq, Row after) = 0;
  virtual void update(const RowsContext& rows, std::uint64_t seq, Row before, Row after) = 0;
  virtual void remove(const RowsContext& rows, std::uint64_t seq, Row before) = 0;
  virtual void commit(const CommitRecord& record) = 0;
  virtual void ddl(const DdlRecord& record) = 0;
  virtual void heartbeat(const HeartbeatRecord& record) = 0;
  virtual void end(const EndRecord& record) = 0;
};

}  // namespace cdc
