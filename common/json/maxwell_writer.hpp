// SPDX-License-Identifier: Apache-2.0
// MaxwellWriter: the lines that Maxwell's daemon prints with output_xoffset, output_binlog_position,
// output_gtid_position and output_ddl set; see cdc-formats(5). Fields and conventions are those of its
// row/RowMap.java, schema/columndef and docs/dataformat.md. The last row of a transaction says "commit":true,
// and only the commit tells which one is the last: each row is held back until the next record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/time_zone.hpp"
#include "common/json/parts.hpp"
#include "common/model/record.hpp"

namespace cdc {

class MaxwellWriter final : public ChangeSink {
 public:
  struct Options {
    TimeZone time_zone;      // of TIMESTAMP columns
    bool rows_only = false;  // no DDL
  };

  MaxwellWriter(OutBuffer& out, Options options) : out_(out), options_(std::move(options)) {}

  void start(const StartRecord& record) override;
  void table(const TableSchema& schema) override;
  void begin(const BeginRecord& record) override;
  void insert(const RowsContext& rows, std::uint64_t seq, Row after) override;
  void update(const RowsContext& rows, std::uint64_t seq, Row before, Row after) override;
  void remove(const RowsContext& rows, std::uint64_t seq, Row before) override;
  void commit(const CommitRecord& record) override;
  void ddl(const DdlRecord& record) override;
  void heartbeat(const HeartbeatRecord& record) override;
  void end(const EndRecord& record) override;

 private:
  struct KnownTable {
    std::string names;              // "database":…,"table":…
    std::vector<std::string> keys;  // "name":
  };

  void hold_row(std::string_view type, const RowsContext& rows, Row before, Row data);
  void write_rest(const KnownTable& table, const RowsContext& rows, Row before, Row data);
  void write_value_of(const Column& column, const Value& value);
  void release(bool last);
  void snapshot_mark(const SnapshotChunk& chunk, std::string_view type, std::int64_t ts_ms);
  void ddl_line(std::string_view type, const DdlRecord& record, std::string_view db, std::string_view table);

  OutBuffer& out_;
  Options options_;
  TableCache<KnownTable> tables_;

  std::string open_gtid_;  // of the open transaction
  bool open_ = false;
  std::uint64_t xid_ = 0;
  std::uint64_t xoffset_ = 0;

  // The row held back: what comes before and behind "xoffset" or "commit".
  bool holding_ = false;
  OutBuffer head_{512}, rest_{4096};
};

}  // namespace cdc
