// SPDX-License-Identifier: Apache-2.0
#include "common/json/maxwell_writer.hpp"

#include <algorithm>

#include "common/base/text.hpp"
#include "common/json/value_writer.hpp"
#include "common/json/wkt.hpp"

namespace cdc {

namespace {

// Maxwell's xid is the XID event's, which comes behind the rows; telling it would mean to hold whole
// transactions. Readers use it to tell transactions apart, so this is a number that serves: where the
// transaction begins. A begin lies within max_binlog_size, at most 1 GiB; the sum stays exact in a double up
// to two million files.
std::uint64_t transaction_number(const BinlogPosition& begin) {
  const std::size_t dot = begin.file.rfind('.');
  const auto number =
      dot == std::string::npos ? std::nullopt : parse_uint(std::string_view(begin.file).substr(dot + 1));
  return (number.value_or(0) << 32) + begin.pos;
}

void append_seconds(OutBuffer& out, std::int64_t ts_ms) {
  append_member(out, ",\"ts\":", ts_ms / 1000);
}

void append_position(OutBuffer& out, std::string_view file, std::uint64_t pos) {
  append_member(out, ",\"position\":", std::string(file) + ":" + std::to_string(pos));
}

std::string_view text_of(const std::optional<std::string>& text) {
  return text ? std::string_view(*text) : "";
}

}  // namespace

void MaxwellWriter::start(const StartRecord&) {}
void MaxwellWriter::table(const TableSchema&) {}
void MaxwellWriter::heartbeat(const HeartbeatRecord&) {}

void MaxwellWriter::begin(const BeginRecord& record) {
  const bool again =
      open_ && record.gtid && *record.gtid == open_gtid_;  // after a reconnect to another server
  if (again) return;
  open_ = true;
  open_gtid_ = text_of(record.gtid);
  xid_ = transaction_number(record.position);
  xoffset_ = 0;
  if (record.snapshot && record.snapshot->chunk == 0) {
    snapshot_mark(*record.snapshot, "bootstrap-start", record.ts_ms);
  }
}

void MaxwellWriter::commit(const CommitRecord& record) {
  release(true);
  open_ = false;
  if (record.snapshot && record.snapshot->last)
    snapshot_mark(*record.snapshot, "bootstrap-complete", record.ts_ms);
}

void MaxwellWriter::end(const EndRecord&) {
  release(false);
}

void MaxwellWriter::insert(const RowsContext& rows, std::uint64_t, Row after) {
  hold_row(rows.snapshot ? "bootstrap-insert" : "insert", rows, {}, after);
}

void MaxwellWriter::update(const RowsContext& rows, std::uint64_t, Row before, Row after) {
  hold_row("update", rows, before, after);
}

void MaxwellWriter::remove(const RowsContext& rows, std::uint64_t, Row before) {
  hold_row("delete", rows, {}, before);
}

void MaxwellWriter::hold_row(std::string_view type, const RowsContext& rows, Row before, Row data) {
  release(false);
  const KnownTable& table = tables_.get(rows.table, [](const TableSchema& schema) {
    KnownTable known;
    OutBuffer names(256);
    append_member(names, "{\"database\":", schema.name.db);
    append_member(names, ",\"table\":", schema.name.table);
    known.names = names.view();
    for (const Column& column : schema.columns) known.keys.push_back(json_key(column.name));
    return known;
  });
  head_.clear();
  rest_.clear();
  write_rest(table, rows, before, data);
  head_.append(table.names);
  append_member(head_, ",\"type\":", type);
  append_seconds(head_, rows.ts_ms);
  if (rows.snapshot) {  // Maxwell gives these neither xid nor commit
    out_.append(head_.view());
    out_.append(rest_.view());
    return;
  }
  head_.append(",\"xid\":");
  append_uint(head_, xid_);
  holding_ = true;
}

void MaxwellWriter::write_rest(const KnownTable& table, const RowsContext& rows, Row before, Row data) {
  append_position(rest_, rows.file, rows.pos);
  if (rows.gtid) append_member(rest_, ",\"gtid\":", *rows.gtid);
  std::string_view separator = ",\"data\":{";
  each_column(*rows.table, [&](std::size_t i) {
    // A column that only the before image has is a key column of a MINIMAL row image: it did not change.
    const Value& value = data[i].is_absent() && !before.empty() ? before[i] : data[i];
    if (value.is_absent()) return;
    rest_.append(separator);
    separator = ",";
    rest_.append(table.keys[i]);
    write_value_of(rows.table->columns[i], value);
  });
  rest_.append(separator == "," ? "}" : ",\"data\":{}");
  if (before.empty()) return rest_.append("}\n");

  separator = ",\"old\":{";
  each_column(*rows.table, [&](std::size_t i) {
    if (!is_changed(before, data, i)) return;
    rest_.append(separator);
    separator = ",";
    rest_.append(table.keys[i]);
    write_value_of(rows.table->columns[i], before[i]);
  });
  rest_.append(separator == "," ? "}}\n" : "}\n");
}

// The value conventions of Maxwell where they are not those of the native format.
void MaxwellWriter::write_value_of(const Column& column, const Value& value) {
  const bool is_text = value.kind == Value::Kind::text;
  if (value.kind == Value::Kind::decimal) {
    rest_.append(value.text);  // a number with all its digits
  } else if (value.kind == Value::Kind::geometry) {
    if (value.text.size() < 4) throw DataError("geometry of " + std::to_string(value.text.size()) + " bytes");
    rest_.append('"');
    append_wkt(rest_, value.text.substr(4));
    rest_.append('"');
  } else if (is_text && column.type == ColumnType::set) {
    rest_.append('[');
    std::string_view separator;
    for (const std::string_view member : split(value.text, ',')) {
      if (value.text.empty()) break;
      append_member(rest_, separator, member);
      separator = ",";
    }
    rest_.append(']');
  } else if (is_text && column.type == ColumnType::enumeration && value.text.empty() &&
             std::find(column.labels.begin(), column.labels.end(), "") == column.labels.end()) {
    rest_.append("null");  // the error value, number 0
  } else {
    write_value(rest_, value, options_.time_zone);
  }
}

void MaxwellWriter::release(bool last) {
  if (!holding_) return;
  holding_ = false;
  out_.append(head_.view());
  if (last) {
    out_.append(",\"commit\":true");
  } else {
    out_.append(",\"xoffset\":");
    append_uint(out_, xoffset_);
  }
  ++xoffset_;
  out_.append(rest_.view());
}

void MaxwellWriter::snapshot_mark(const SnapshotChunk& chunk, std::string_view type, std::int64_t ts_ms) {
  append_member(out_, "{\"database\":", chunk.table.db);
  append_member(out_, ",\"table\":", chunk.table.table);
  append_member(out_, ",\"type\":", type);
  append_seconds(out_, ts_ms);
  out_.append(",\"data\":{}}\n");
}

void MaxwellWriter::ddl(const DdlRecord& record) {
  release(false);
  if (options_.rows_only) return;
  std::string_view what;
  switch (record.ddl_class) {
    case DdlClass::create:
      what = "create";
      break;
    case DdlClass::drop:
      what = "drop";
      break;
    case DdlClass::alter:
    case DdlClass::partition:
    case DdlClass::rename:
      what = "alter";
      break;
    case DdlClass::truncate:
    case DdlClass::other:
      return;  // Maxwell has no line for them
  }
  if (record.tables && !record.tables->empty()) {
    const std::string type = "table-" + std::string(what);
    for (const TableName& name : *record.tables) ddl_line(type, record, name.db, name.table);
  } else {
    ddl_line("database-" + std::string(what), record, record.db, {});
  }
}

void MaxwellWriter::ddl_line(std::string_view type, const DdlRecord& record, std::string_view db,
                             std::string_view table) {
  append_member(out_, "{\"type\":", type);
  append_member(out_, ",\"database\":", db);
  if (!table.empty()) append_member(out_, ",\"table\":", table);
  append_member(out_, ",\"ts\":", record.ts_ms);  // milliseconds here, seconds in rows
  append_member(out_, ",\"sql\":", record.sql);
  append_position(out_, record.position.file, record.position.pos);
  if (record.gtid) append_member(out_, ",\"gtid\":", *record.gtid);
  out_.append("}\n");
}

}  // namespace cdc
