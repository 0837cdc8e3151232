// SPDX-License-Identifier: Apache-2.0
// DebeziumWriter: change events of Debezium's MySQL connector as Kafka Connect's JSON converter writes them
// without schemas (schemas.enable=false); see cdc-formats(5). Fields are those of its data/Envelope.java and
// connector/binlog/BinlogSourceInfoStructMaker.java, values those of its defaults but for DECIMAL, which is a
// number (the converter's decimal.format=NUMERIC): base64 bytes could not be read without the schema that
// tells the scale.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/json/parts.hpp"
#include "common/model/record.hpp"

namespace cdc {

class DebeziumWriter final : public ChangeSink {
 public:
  struct Options {
    bool rows_only = false;  // no truncate and no schema change events
    WallClock clock = wall_clock_us;
  };

  DebeziumWriter(OutBuffer& out, Options options) : out_(out), options_(options) {}

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
  using Keys = std::vector<std::string>;  // "name":

  void event(char op, const RowsContext& rows, Row before, Row after);
  void enter_rows(const RowsContext& rows);
  void write_row(std::string_view key, const TableSchema& schema, const Keys& keys, Row row);
  void write_times();
  void schema_change(const DdlRecord& record);

  OutBuffer& out_;
  Options options_;
  TableCache<Keys> tables_;

  // Of the open transaction.
  bool open_ = false;
  std::string transaction_id_;
  std::uint32_t server_id_ = 0;
  std::int64_t total_order_ = 0;
  std::map<TableName, std::int64_t> table_orders_;

  // Of the rows event that the newest row was of.
  std::uint64_t serial_ = 0;
  OutBuffer source_{512};  // ,"source":{… up to the value of "row"
  std::int64_t row_ = 0;   // in the event
  std::int64_t* table_order_ = nullptr;
};

}  // namespace cdc
