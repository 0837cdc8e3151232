// SPDX-License-Identifier: Apache-2.0
#include "common/json/debezium_writer.hpp"

#include <algorithm>
#include <utility>

#include "common/base/bytes.hpp"
#include "common/base/text.hpp"
#include "common/base/time_zone.hpp"
#include "common/json/value_writer.hpp"

namespace cdc {

namespace {

constexpr std::uint16_t kBinaryCollation = 63;
// unavailable.value.placeholder: what Debezium tells for a column that binlog_row_image=NOBLOB left out.
constexpr std::string_view kUnavailable = "__debezium_unavailable_value";

// `ms` and the same moment in micro- and nanoseconds, by appending zeros: no product to overflow.
void append_times(OutBuffer& out, std::int64_t ms) {
  append_member(out, "\"ts_ms\":", ms);
  append_member(out, ",\"ts_us\":", ms);
  if (ms != 0) out.append("000");
  append_member(out, ",\"ts_ns\":", ms);
  if (ms != 0) out.append("000000");
}

// The source object up to the value of "row".
struct Source {
  std::string_view db, file;
  std::optional<std::string_view> table, gtid;
  std::int64_t ts_ms = 0;
  std::uint64_t pos = 0;
  std::uint32_t server_id = 0;
  bool snapshot = false;
};

void append_source(OutBuffer& out, const Source& source) {
  out.append("\"source\":{\"version\":\"cdc-tools-" CDC_VERSION
             "\",\"connector\":\"mysql\",\"name\":\"cdc-tail\",");
  append_times(out, source.ts_ms);
  out.append(source.snapshot ? ",\"snapshot\":\"incremental\"" : ",\"snapshot\":\"false\"");
  append_member(out, ",\"db\":", source.db);
  append_member_or_null(out, ",\"sequence\":null,\"table\":", source.table);
  append_member(out, ",\"server_id\":", std::int64_t{source.server_id});
  append_member_or_null(out, ",\"gtid\":", source.gtid);
  append_member(out, ",\"file\":", source.file);
  out.append(",\"pos\":");
  append_uint(out, source.pos);
  out.append(",\"row\":");
}

constexpr std::string_view kSourceEnd = ",\"thread\":null,\"query\":null}";

Source source_of(const DdlRecord& record) {
  Source source;
  source.db = record.db;
  source.file = record.position.file;
  source.pos = record.position.pos;
  if (record.gtid) source.gtid = *record.gtid;
  source.ts_ms = record.ts_ms;
  source.server_id = record.server_id;
  return source;
}

void append_base64_string(OutBuffer& out, std::string_view bytes) {
  out.append('"');
  append_base64(out, as_bytes(bytes));
  out.append('"');
}

// BIT(1) is a boolean, longer ones are bytes, the low one first.
void append_bit(OutBuffer& out, const Column& column, std::uint64_t bits) {
  if (column.meta <= 1) return out.append(bits != 0 ? "true" : "false");
  char bytes[8];
  const std::size_t count = std::min<std::size_t>((column.meta + 7) / 8, sizeof bytes);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(bits >> (8 * i));
  append_base64_string(out, {bytes, count});
}

// Seconds since 1970; nullopt for a date that does not exist: zero, partly zero, or 30 February.
std::optional<std::int64_t> seconds_of(const Value::Temporal& t) {
  const CivilTime civil{t.year, t.month, t.day, static_cast<std::uint8_t>(t.hour), t.minute, t.second};
  if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31) return std::nullopt;
  const std::int64_t seconds = seconds_from_civil(civil);
  if (civil_from_seconds(seconds).day != t.day) return std::nullopt;
  return seconds;
}

// "2018-06-20T13:37:03Z", always UTC, with the declared fraction.
void append_zoned(OutBuffer& out, const Value& value) {
  const CivilTime civil = civil_from_seconds(value.timestamp.seconds);
  const std::pair<char, std::uint32_t> parts[] = {
      {'-', civil.month}, {'-', civil.day}, {'T', civil.hour}, {':', civil.minute}, {':', civil.second}};
  out.append('"');
  append_padded(out, static_cast<std::uint32_t>(civil.year), 4);
  for (const auto& [separator, number] : parts) {
    out.append(separator);
    append_padded(out, number, 2);
  }
  if (value.fsp > 0) {
    out.append('.');
    append_padded(out, value.timestamp.microsecond, 6);
    out.truncate(out.size() - (6U - value.fsp));
  }
  out.append("Z\"");
}

// A date that does not exist is null, or the epoch where the column cannot be null.
void append_no_date(OutBuffer& out, const Column& column) {
  const bool is_timestamp = column.type == ColumnType::timestamp || column.type == ColumnType::timestamp2;
  if (column.nullable) return out.append("null");
  out.append(is_timestamp ? "\"1970-01-01T00:00:00Z\"" : "0");
}

// Days of a DATE; of a DATETIME milliseconds with up to 3 declared digits, else microseconds.
void append_date(OutBuffer& out, const Column& column, const Value& value) {
  const auto seconds = seconds_of(value.temporal);
  if (!seconds) return append_no_date(out, column);
  if (value.kind == Value::Kind::date) return append_int(out, *seconds / 86400);
  const std::int64_t us = value.temporal.microsecond;
  append_int(out, value.fsp <= 3 ? *seconds * 1000 + us / 1000 : *seconds * 1'000'000 + us);
}

void append_time(OutBuffer& out, const Value& value) {
  const Value::Temporal& t = value.temporal;
  const std::int64_t us =
      ((t.hour * std::int64_t{60} + t.minute) * 60 + t.second) * 1'000'000 + t.microsecond;
  append_int(out, value.negative ? -us : us);
}

// POINT columns have their coordinates beside the bytes. SRID 0 is none.
void append_geometry(OutBuffer& out, const Column& column, std::string_view bytes) {
  constexpr std::uint8_t kPoint = 1;  // Field::geometry_type
  constexpr std::size_t kPointSize = 4 + 1 + 4 + 8 + 8;
  ByteReader reader(as_bytes(bytes));
  if (bytes.size() < 4) throw DataError("geometry of " + std::to_string(bytes.size()) + " bytes");
  const std::uint32_t srid = reader.u32();
  out.append('{');
  if (column.geometry_type == kPoint && bytes.size() == kPointSize) {
    reader.skip(5);
    out.append("\"x\":");
    append_double(out, reader.f64());
    out.append(",\"y\":");
    append_double(out, reader.f64());
    out.append(',');
  }
  out.append("\"wkb\":");
  append_base64_string(out, bytes.substr(4));
  out.append(",\"srid\":");
  if (srid != 0) {
    append_uint(out, srid);
  } else {
    out.append("null");
  }
  out.append('}');
}

// The value conventions of Debezium.
void append_value(OutBuffer& out, const Column& column, const Value& value) {
  switch (value.kind) {
    case Value::Kind::uint64:
      if (column.type == ColumnType::bit) return append_bit(out, column, value.u64);
      break;
    case Value::Kind::decimal:
      return out.append(value.text);
    case Value::Kind::date:
    case Value::Kind::datetime:  // also a TIMESTAMP that is zero
      return append_date(out, column, value);
    case Value::Kind::time:
      return append_time(out, value);
    case Value::Kind::timestamp:
      return append_zoned(out, value);
    case Value::Kind::json:
      return append_json_string(out, value.text);
    case Value::Kind::geometry:
      return append_geometry(out, column, value.text);
    default:
      break;
  }
  write_value(out, value, TimeZone());
}

// Whether NOBLOB leaves the column out and Debezium then tells a placeholder.
bool has_placeholder(const Column& column) {
  switch (column.type) {
    case ColumnType::tiny_blob:
    case ColumnType::medium_blob:
    case ColumnType::long_blob:
    case ColumnType::blob:
    case ColumnType::mariadb_blob_compressed:
      return true;
    default:
      return false;
  }
}

void append_placeholder(OutBuffer& out, const Column& column) {
  if (column.collation == kBinaryCollation) return append_base64_string(out, kUnavailable);
  append_json_string(out, kUnavailable);
}

bool changes_key(const TableSchema& schema, Row before, Row after) {
  return std::any_of(schema.primary_key.begin(), schema.primary_key.end(),
                     [&](std::size_t i) { return is_changed(before, after, i); });
}

}  // namespace

void DebeziumWriter::start(const StartRecord&) {}
void DebeziumWriter::table(const TableSchema&) {}
void DebeziumWriter::heartbeat(const HeartbeatRecord&) {}
void DebeziumWriter::end(const EndRecord&) {}

void DebeziumWriter::begin(const BeginRecord& record) {
  std::string id = record.gtid
                       ? *record.gtid
                       : "file=" + record.position.file + ",pos=" + std::to_string(record.position.pos);
  server_id_ = record.server_id;
  if (open_ && id == transaction_id_) return;  // after a reconnect to another server
  open_ = true;
  transaction_id_ = std::move(id);
  total_order_ = 0;
  table_orders_.clear();
  table_order_ = nullptr;
}

void DebeziumWriter::commit(const CommitRecord&) {
  open_ = false;
}

void DebeziumWriter::insert(const RowsContext& rows, std::uint64_t, Row after) {
  enter_rows(rows);
  event(rows.snapshot ? 'r' : 'c', rows, {}, after);
  ++row_;
}

// A changed key is a delete of the old and a create of the new one: readers know rows by their key.
void DebeziumWriter::update(const RowsContext& rows, std::uint64_t, Row before, Row after) {
  enter_rows(rows);
  append_whole(out_, [&] {
    if (changes_key(*rows.table, before, after)) {
      event('d', rows, before, {});
      event('c', rows, {}, after);
    } else {
      event('u', rows, before, after);
    }
  });
  ++row_;
}

void DebeziumWriter::remove(const RowsContext& rows, std::uint64_t, Row before) {
  enter_rows(rows);
  event('d', rows, before, {});
  ++row_;
}

void DebeziumWriter::enter_rows(const RowsContext& rows) {
  if (table_order_ != nullptr && serial_ == rows.serial) return;
  serial_ = rows.serial;
  row_ = 0;
  table_order_ = &table_orders_[rows.table->name];
  Source source;
  source.db = rows.table->name.db;
  source.table = rows.table->name.table;
  source.file = rows.file;
  source.pos = rows.pos;
  source.gtid = rows.gtid;
  source.ts_ms = rows.ts_ms;
  source.server_id = server_id_;
  source.snapshot = rows.snapshot;
  source_.clear();
  source_.append(',');
  append_source(source_, source);
}

void DebeziumWriter::event(char op, const RowsContext& rows, Row before, Row after) {
  const TableSchema& schema = *rows.table;
  const Keys& keys = tables_.get(rows.table, [](const TableSchema& made) {
    Keys names;
    for (const Column& column : made.columns) names.push_back(json_key(column.name));
    return names;
  });
  append_whole(out_, [&] {
    write_row("{\"before\":", schema, keys, before);
    write_row(",\"after\":", schema, keys, after);
    out_.append(source_.view());
    append_int(out_, row_);
    out_.append(kSourceEnd);
    append_member(out_, ",\"transaction\":{\"id\":", transaction_id_);
    append_member(out_, ",\"total_order\":", total_order_ + 1);
    append_member(out_, ",\"data_collection_order\":", *table_order_ + 1);
    out_.append("},\"op\":\"");
    out_.append(op);
    out_.append("\",");
    write_times();
    out_.append("}\n");
  });
  ++total_order_;
  ++*table_order_;
}

void DebeziumWriter::write_row(std::string_view key, const TableSchema& schema, const Keys& keys, Row row) {
  out_.append(key);
  if (row.empty()) return out_.append("null");
  char separator = '{';
  each_column(schema, [&](std::size_t i) {
    const Column& column = schema.columns[i];
    if (row[i].is_absent() && !has_placeholder(column)) return;
    out_.append(separator);
    separator = ',';
    out_.append(keys[i]);
    if (row[i].is_absent()) {
      append_placeholder(out_, column);
    } else {
      append_value(out_, column, row[i]);
    }
  });
  out_.append(separator == '{' ? "{}" : "}");
}

// When the line was written.
void DebeziumWriter::write_times() {
  const std::int64_t us = options_.clock();
  append_member(out_, "\"ts_ms\":", us / 1000);
  append_member(out_, ",\"ts_us\":", us);
  append_member(out_, ",\"ts_ns\":", us);
  out_.append("000");
}

void DebeziumWriter::ddl(const DdlRecord& record) {
  if (options_.rows_only) return;
  if (record.ddl_class != DdlClass::truncate || !record.tables) return schema_change(record);
  for (const TableName& name : *record.tables) {
    Source source = source_of(record);
    source.db = name.db;
    source.table = name.table;
    out_.append("{\"before\":null,\"after\":null,");
    append_source(out_, source);
    out_.append('0');
    out_.append(kSourceEnd);
    out_.append(",\"transaction\":null,\"op\":\"t\",");
    write_times();
    out_.append("}\n");
  }
}

// Without "table", the new definition: the text of a statement does not tell it.
void DebeziumWriter::schema_change(const DdlRecord& record) {
  std::string_view type = "ALTER";
  if (record.ddl_class == DdlClass::create) type = "CREATE";
  if (record.ddl_class == DdlClass::drop) type = "DROP";
  const bool has_table = record.tables && !record.tables->empty();
  Source source = source_of(record);
  if (has_table) {
    source.db = record.tables->front().db;
    source.table = record.tables->front().table;
  }
  out_.append('{');
  append_source(out_, source);
  out_.append('0');
  out_.append(kSourceEnd);
  append_member(out_, ",\"ts_ms\":", options_.clock() / 1000);
  append_member(out_, ",\"databaseName\":", source.db);
  append_member(out_, ",\"schemaName\":null,\"ddl\":", record.sql);
  out_.append(",\"tableChanges\":[");
  for (std::size_t i = 0; has_table && i < record.tables->size(); ++i) {
    const TableName& name = (*record.tables)[i];
    append_member(out_, i == 0 ? "{\"type\":" : ",{\"type\":", type);
    append_member(out_, ",\"id\":", "\"" + name.db + "\".\"" + name.table + "\"");
    out_.append(",\"table\":null}");
  }
  out_.append("]}\n");
}

}  // namespace cdc
