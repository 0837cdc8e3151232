// SPDX-License-Identifier: Apache-2.0
// The file beside a checkpoint (FILE.tables): which definition a table had over which part of one server's log,
// where that log has no names. A later run that begins inside such a part need not prove again what the table was
// called then, and after a DDL in the meantime could not. The file holds facts about the log and no progress: a
// lost or old one costs a look ahead, and never a wrong name.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/position.hpp"
#include "common/model/schema.hpp"

namespace cdc {

constexpr int kTableHistoryVersion = 1;

struct TableSpan {
  std::shared_ptr<const TableSchema> schema;
  BinlogPosition from;               // of the first rows that are known to be of this definition
  std::optional<BinlogPosition> to;  // of the statement that may have changed it; nullopt: none up to read_to
  bool operator==(const TableSpan& other) const {
    return *schema == *other.schema && from == other.from && to == other.to;
  }
};

struct TableHistory {
  std::string server;      // whose log: its uuid, or what else tells it from others
  BinlogPosition read_to;  // each statement before this place that touched a table has ended its spans
  std::map<TableName, std::vector<TableSpan>> tables;  // in the order of their places
  bool operator==(const TableHistory&) const = default;

  // The definition that `name` had at `place`, as far as spans tell; nullptr when none has it.
  std::shared_ptr<const TableSchema> find(const TableName& name, const BinlogPosition& place) const;
  // The definition holds from `place` on. False when that was known.
  bool add(const std::shared_ptr<const TableSchema>& schema, const BinlogPosition& place);
  // A statement at `place` may have changed the table. False when no span of it reaches there.
  bool end(const TableName& name, const BinlogPosition& place);
  // Nothing before `place` will be asked for again.
  void forget_before(const BinlogPosition& place);

  // DataError (65) naming the member when the text is not exactly a history; ConfigError (78) for another version.
  static TableHistory parse(std::string_view text);
  std::string text() const;  // one line, ends with a newline
  // nullopt when the file is missing; errors name the file.
  static std::optional<TableHistory> load(const std::string& path);
  void save(const std::string& path) const;  // durable when it returns; IoError (74)
};

}  // namespace cdc
