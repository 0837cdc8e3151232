// SPDX-License-Identifier: Apache-2.0
// NativeWriter: the change record stream in its native format, cdc-changes(5): one JSON object a line, keys
// in a fixed order. It appends whole lines to a buffer that somebody else flushes and must outlive it; when a
// value cannot be told it throws with the column named and leaves no part of the change behind. What rows
// share is made once: column keys for each table definition, the middle of the line for each rows event.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/time_zone.hpp"
#include "common/model/record.hpp"

namespace cdc {

class NativeWriter final : public ChangeSink {
 public:
  struct Options {
    TimeZone time_zone;           // of TIMESTAMP columns
    bool rows_only = false;       // only +I, -U, +U and -D
    bool long_as_string = false;  // BIGINT and BIT, which readers without 64-bit integers would round
  };

  NativeWriter(OutBuffer& out, Options options) : out_(out), options_(std::move(options)) {}

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
  struct ColumnKey {
    std::size_t column;
    std::string text;     // ,"name": escaped, and room for append_blocks()
    std::size_t size;     // without that room
    bool quoted = false;  // --long-as-string
  };
  struct KnownTable {
    std::shared_ptr<const TableSchema> schema;  // held, so that no other definition gets its address
    std::string names;                          // "db":…,"table":…
    std::vector<ColumnKey> keys;                // of the columns that are told
    std::vector<std::size_t> json_columns;
  };

  void write_line(std::string_view kind, const RowsContext& rows, std::uint64_t seq, Row row);
  void write_data(const KnownTable& table, Row row);
  void write_json_nulls(const KnownTable& table, Row row);
  void enter_event(const RowsContext& rows);
  const KnownTable& known_table(const std::shared_ptr<const TableSchema>& schema);

  OutBuffer& out_;
  Options options_;
  std::unordered_map<const TableSchema*, KnownTable> tables_;

  // Of the rows event that the newest row was of.
  const KnownTable* event_table_ = nullptr;
  std::uint64_t event_serial_ = 0;
  OutBuffer event_middle_{512};  // from "db" up to the value of "seq"
};

}  // namespace cdc
