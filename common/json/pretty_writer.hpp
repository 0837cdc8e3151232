// SPDX-License-Identifier: Apache-2.0
// PrettyWriter: changes for a person at a terminal. A block for each transaction (time, position, GTID),
// inserts and deletes as lists of columns, updates as the difference: one line for each column that changed,
// below the key. Not a format to be read by programs: it may change with any version, and long values are
// shortened.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/time_zone.hpp"
#include "common/json/pretty_text.hpp"
#include "common/model/record.hpp"

namespace cdc {

class PrettyWriter final : public ChangeSink {
 public:
  struct Options {
    TimeZone time_zone;      // of TIMESTAMP columns and of the times in headings
    bool rows_only = false;  // no headings, no DDL
    bool color = false;
    int width = 80;  // columns of the terminal
  };

  PrettyWriter(OutBuffer& out, Options options);

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
  // What was written last, for the empty lines between blocks.
  enum class Last { nothing, note, block };
  // How things look; the SGR codes are in style_code().
  enum class Style { plain, bold, dim, added, removed, changed, statement, alarm };
  static std::string_view style_code(Style style);

  void append(Style style, std::string_view printable);
  void separate(Last next);
  void heading(std::int64_t ts_ms, const BinlogPosition& position, std::string_view subject);
  void note(Style style, const std::string& printable);

  void begin_change(char sign, Style style, const TableSchema& schema);
  void add_item(const Column& column, Style name_style, const Value& value);
  void list(char sign, Style style, const RowsContext& rows, Row row);
  // A column that an update changed, its values as they are shown.
  struct Change {
    std::string name;
    const Value *before, *after;
    std::string was, is;
  };
  void difference(const TableSchema& schema, Row before, Row after);
  int room_behind(const std::string& name, int name_columns) const;
  void fit(Change& change, int name_columns);
  void write_change(const Change& change, int name_columns, int was_columns);

  void wrapped_text(std::string_view sql);
  std::size_t broken_at(std::string_view text, int columns) const;

  OutBuffer& out_;
  Options options_;
  TextRuler ruler_;
  Last last_ = Last::nothing;
  bool open_ = false;  // between begin and commit
  int column_ = 0;     // where the line being written stands
};

}  // namespace cdc
