// SPDX-License-Identifier: Apache-2.0
#include "common/json/native_writer.hpp"

#include <cassert>
#include <optional>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/json/value_writer.hpp"

namespace cdc {

namespace {

// `key` comes with its comma and colon: ,"ts_ms":
void append_member(OutBuffer& out, std::string_view key, std::string_view text) {
  out.append(key);
  append_json_string(out, text);
}

// `text` is an optional of std::string or std::string_view.
template <typename OptionalText>
void append_member_or_null(OutBuffer& out, std::string_view key, const OptionalText& text) {
  out.append(key);
  if (text) {
    append_json_string(out, *text);
  } else {
    out.append("null");
  }
}

void append_time(OutBuffer& out, std::int64_t ts_ms) {
  out.append(",\"ts_ms\":");
  append_int(out, ts_ms);
}

void append_position(OutBuffer& out, std::string_view file, std::uint64_t pos) {
  append_member(out, ",\"file\":", file);
  out.append(",\"pos\":");
  append_uint(out, pos);
}
void append_position(OutBuffer& out, const BinlogPosition& position) {
  append_position(out, position.file, position.pos);
}

void append_snapshot(OutBuffer& out, const std::optional<SnapshotChunk>& snapshot) {
  if (!snapshot) return;
  out.append(",\"snapshot\":");
  append_snapshot_chunk(out, *snapshot);
}

void append_column(OutBuffer& out, const Column& column) {
  append_member(out, "{\"name\":", column.name);
  append_member(out, ",\"type\":", column.type_text);
  out.append(column.nullable ? ",\"nullable\":true" : ",\"nullable\":false");
  if (column.default_known || column.default_text) append_member_or_null(out, ",\"default\":", column.default_text);
  if (!column.generated.empty()) append_member(out, ",\"generated\":", column.generated);
  if (column.invisible) out.append(",\"invisible\":true");
  if (!column.charset.empty()) append_member(out, ",\"charset\":", column.charset);
  out.append('}');
}

// Calls write(element) for the elements for which told(element) is true, as a JSON array.
template <typename Range, typename Told, typename Write>
void append_array(OutBuffer& out, const Range& elements, Told told, Write write) {
  out.append('[');
  bool first = true;
  for (const auto& element : elements) {
    if (!told(element)) continue;
    if (!first) out.append(',');
    first = false;
    write(element);
  }
  out.append(']');
}

}  // namespace

void NativeWriter::start(const StartRecord& record) {
  if (options_.rows_only) return;
  out_.append("{\"kind\":\"start\",\"version\":");
  append_int(out_, kStreamVersion);
  const bool named = !record.server_uuid.empty();  // files and MariaDB do not tell
  append_member_or_null(out_, ",\"server_uuid\":", named ? std::optional(record.server_uuid) : std::nullopt);
  append_member(out_, ",\"server_version\":", record.server_version);
  append_member_or_null(out_, ",\"gtid_set\":", record.gtid_set);
  append_position(out_, record.position);
  out_.append(",\"filter\":");
  out_.append(record.filter);
  append_member(out_, ",\"time_zone\":", record.time_zone);
  out_.append("}\n");
}

void NativeWriter::table(const TableSchema& schema) {
  if (options_.rows_only) return;
  append_member(out_, "{\"kind\":\"table\",\"db\":", schema.name.db);
  append_member(out_, ",\"table\":", schema.name.table);
  out_.append(",\"columns\":");
  append_array(
      out_, schema.columns, [](const Column& column) { return !column.excluded; },
      [&](const Column& column) { append_column(out_, column); });
  out_.append(",\"pk\":");
  append_array(
      out_, schema.primary_key, [&](std::size_t i) { return !schema.columns[i].excluded; },
      [&](std::size_t i) { append_json_string(out_, schema.columns[i].name); });
  out_.append("}\n");
}

void NativeWriter::begin(const BeginRecord& record) {
  if (options_.rows_only) return;
  append_member_or_null(out_, "{\"kind\":\"begin\",\"gtid\":", record.gtid);
  append_time(out_, record.ts_ms);
  append_position(out_, record.position);
  append_snapshot(out_, record.snapshot);
  out_.append("}\n");
}

void NativeWriter::commit(const CommitRecord& record) {
  if (options_.rows_only) return;
  append_member_or_null(out_, "{\"kind\":\"commit\",\"gtid\":", record.gtid);
  append_member_or_null(out_, ",\"gtids\":", record.gtids);
  append_time(out_, record.ts_ms);
  append_position(out_, record.position);
  out_.append(",\"changes\":");
  append_uint(out_, record.changes);
  append_snapshot(out_, record.snapshot);
  out_.append("}\n");
}

void NativeWriter::ddl(const DdlRecord& record) {
  if (options_.rows_only) return;
  append_member(out_, "{\"kind\":\"ddl\",\"class\":", ddl_class_text(record.ddl_class));
  out_.append(",\"tables\":");
  if (record.tables) {
    append_array(
        out_, *record.tables, [](const TableName&) { return true; },
        [&](const TableName& name) {
          append_member(out_, "[", name.db);
          append_member(out_, ",", name.table);
          out_.append(']');
        });
  } else {
    out_.append("null");
  }
  append_member(out_, ",\"db\":", record.db);
  append_member_or_null(out_, ",\"gtid\":", record.gtid);
  append_member_or_null(out_, ",\"gtids\":", record.gtids);
  append_time(out_, record.ts_ms);
  append_position(out_, record.position);
  append_member(out_, ",\"sql\":", record.sql);
  out_.append("}\n");
}

void NativeWriter::heartbeat(const HeartbeatRecord& record) {
  if (options_.rows_only) return;
  out_.append(record.snapshot_end ? "{\"kind\":\"snapshot-end\"" : "{\"kind\":\"heartbeat\"");
  append_member_or_null(out_, ",\"gtids\":", record.gtids);
  append_position(out_, record.position);
  append_time(out_, record.ts_ms);
  out_.append("}\n");
}

void NativeWriter::end(const EndRecord& record) {
  if (options_.rows_only) return;
  out_.append("{\"kind\":\"end\",\"status\":");
  append_int(out_, record.status);
  append_member(out_, ",\"reason\":", record.reason);
  if (record.partial) out_.append(",\"partial\":true");
  append_member_or_null(out_, ",\"gtids\":", record.gtids);
  append_position(out_, record.position);
  out_.append("}\n");
}

// ---- Rows: the hot path.

void NativeWriter::insert(const RowsContext& rows, std::uint64_t seq, Row after) {
  write_line("{\"kind\":\"+I\",", rows, seq, after);
}

void NativeWriter::remove(const RowsContext& rows, std::uint64_t seq, Row before) {
  write_line("{\"kind\":\"-D\",", rows, seq, before);
}

void NativeWriter::update(const RowsContext& rows, std::uint64_t seq, Row before, Row after) {
  const std::size_t line = out_.size();
  write_line("{\"kind\":\"-U\",", rows, seq, before);
  try {
    write_line("{\"kind\":\"+U\",", rows, seq, after);
  } catch (...) {
    out_.truncate(line);
    throw;
  }
}

void NativeWriter::write_line(std::string_view kind, const RowsContext& rows, std::uint64_t seq, Row row) {
  if (event_table_ == nullptr || event_serial_ != rows.serial) enter_event(rows);
  const KnownTable& table = *event_table_;
  const std::size_t line = out_.size();
  try {
    out_.append(kind);
    out_.append(event_middle_.view());
    append_uint(out_, seq);
    if (rows.snapshot) out_.append(",\"snapshot\":true");
    if (!table.json_columns.empty()) write_json_nulls(table, row);
    out_.append(",\"data\":");
    write_data(table, row);
    out_.append("}\n");
  } catch (...) {
    out_.truncate(line);
    throw;
  }
}

void NativeWriter::write_data(const KnownTable& table, Row row) {
  assert(row.size() == table.schema->columns.size());
  const std::size_t begin = out_.size();
  const ColumnKey* key = table.keys.data();
  const ColumnKey* const end = key + table.keys.size();
  try {
    for (; key != end; ++key) {
      const Value& value = row[key->column];
      if (value.is_absent()) continue;
      out_.append_blocks(key->text.data(), key->size);
      if (key->quoted && !value.is_null()) {
        out_.append('"');
        write_value(out_, value, options_.time_zone);
        out_.append('"');
      } else {
        write_value(out_, value, options_.time_zone);
      }
    }
  } catch (Error& error) {
    error.add_context(table.schema->name.text() + "." + table.schema->columns[key->column].name);
    throw;
  }
  if (out_.size() == begin) return out_.append("{}");
  out_.overwrite(begin, '{');  // the first key's comma
  out_.append('}');
}

// A JSON document that is null looks like SQL NULL in `data`; this tells them apart.
void NativeWriter::write_json_nulls(const KnownTable& table, Row row) {
  std::string_view separator = ",\"json_null\":[";
  for (const std::size_t i : table.json_columns) {
    if (row[i].kind != Value::Kind::json || row[i].text != "null") continue;
    out_.append(separator);
    separator = ",";
    append_json_string(out_, table.schema->columns[i].name);
  }
  if (separator == ",") out_.append(']');
}

void NativeWriter::enter_event(const RowsContext& rows) {
  event_table_ = nullptr;  // known_table() may forget it
  event_table_ = &known_table(rows.table);
  event_serial_ = rows.serial;
  event_middle_.clear();
  event_middle_.append(event_table_->names);
  append_member_or_null(event_middle_, ",\"gtid\":", rows.gtid);
  append_time(event_middle_, rows.ts_ms);
  append_position(event_middle_, rows.file, rows.pos);
  event_middle_.append(",\"seq\":");
}

const NativeWriter::KnownTable& NativeWriter::known_table(const std::shared_ptr<const TableSchema>& schema) {
  if (const auto found = tables_.find(schema.get()); found != tables_.end()) return found->second;
  // Definitions that a long run has seen the last of must not pile up.
  constexpr std::size_t kMostTables = 4096;
  if (tables_.size() >= kMostTables) tables_.clear();

  KnownTable table;
  table.schema = schema;
  OutBuffer scratch(256);
  append_member(scratch, "\"db\":", schema->name.db);
  append_member(scratch, ",\"table\":", schema->name.table);
  table.names = scratch.view();
  for (std::size_t i = 0; i < schema->columns.size(); ++i) {
    const Column& column = schema->columns[i];
    if (column.excluded) continue;
    scratch.clear();
    append_member(scratch, ",", column.name);
    scratch.append(':');
    std::string key(scratch.view());
    key.append(OutBuffer::kBlock, '\0');
    const bool is_long = column.type == ColumnType::longlong || column.type == ColumnType::bit;
    table.keys.push_back({i, std::move(key), scratch.size(), is_long && options_.long_as_string});
    if (column.type == ColumnType::json) table.json_columns.push_back(i);
  }
  return tables_.emplace(schema.get(), std::move(table)).first->second;
}

}  // namespace cdc
