// SPDX-License-Identifier: Apache-2.0
// CanalWriter: canal's FlatMessage, the JSON that canal sends to message queues; see cdc-formats(5). Fields
// and conventions are those of its protocol/FlatMessage.java, MQMessageUtils.java,
// dbsync/LogEventConvert.java and RowsLogBuffer.java. Each message has one row: canal also sends several, of
// one rows event, in one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/time_zone.hpp"
#include "common/json/parts.hpp"
#include "common/model/record.hpp"

namespace cdc {

class CanalWriter final : public ChangeSink {
 public:
  struct Options {
    TimeZone time_zone;      // of TIMESTAMP columns
    bool rows_only = false;  // no DDL
    WallClock clock = wall_clock_us;
  };

  CanalWriter(OutBuffer& out, Options options) : out_(out), options_(std::move(options)) {}

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
    std::string names;              // ,"database":… up to the value of "type"
    std::vector<std::string> keys;  // "name":
    std::string mysql_types;        // ,"mysqlType":{…}
  };

  static KnownTable known_table(const TableSchema& schema);
  void write_row(std::string_view type, const RowsContext& rows, Row before, Row data);
  template <typename IsTold>
  void write_columns(std::string_view opening, const TableSchema& schema, const KnownTable& table, Row row,
                     IsTold is_told);
  void write_sql_types(const TableSchema& schema, const KnownTable& table, Row data);
  void write_string(const Column& column, const Value& value);

  OutBuffer& out_;
  Options options_;
  TableCache<KnownTable> tables_;
  std::int64_t id_ = 0;  // of the newest message
};

}  // namespace cdc
