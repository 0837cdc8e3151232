// SPDX-License-Identifier: Apache-2.0
#include "common/json/canal_writer.hpp"

#include <algorithm>

#include "common/base/text.hpp"
#include "common/json/value_writer.hpp"

namespace cdc {

namespace {

// java.sql.Types, as far as canal uses them.
enum JavaType : int {
  kBit = -7,
  kTinyint = -6,
  kBigint = -5,
  kChar = 1,
  kDecimal = 3,
  kInteger = 4,
  kSmallint = 5,
  kReal = 7,
  kDouble = 8,
  kVarchar = 12,
  kDate = 91,
  kTime = 92,
  kTimestamp = 93,
  kOther = 1111,
  kBlob = 2004,
  kClob = 2005,
};

constexpr std::uint16_t kBinaryCollation = 63;

// An unsigned value that the signed type of its width cannot hold is told with the next wider type.
JavaType integer_type(JavaType type, JavaType wider, unsigned bits, const Column& column,
                      const Value& value) {
  const bool is_large =
      column.is_unsigned && value.kind == Value::Kind::uint64 && (value.u64 >> (bits - 1)) != 0;
  return is_large ? wider : type;
}

JavaType java_type(const Column& column, const Value& value) {
  const bool binary = column.collation == kBinaryCollation;
  switch (column.type) {
    case ColumnType::tiny:
      return integer_type(kTinyint, kSmallint, 8, column, value);
    case ColumnType::short_int:
      return integer_type(kSmallint, kInteger, 16, column, value);
    case ColumnType::int24:
      return integer_type(kInteger, kInteger, 24, column, value);
    case ColumnType::long_int:
      return integer_type(kInteger, kBigint, 32, column, value);
    case ColumnType::longlong:
      return integer_type(kBigint, kDecimal, 64, column, value);
    case ColumnType::newdecimal:
      return kDecimal;
    case ColumnType::float32:
      return kReal;
    case ColumnType::float64:
      return kDouble;
    case ColumnType::bit:
    case ColumnType::set:
      return kBit;
    case ColumnType::enumeration:
      return kInteger;
    case ColumnType::date:
      return kDate;
    case ColumnType::time:
    case ColumnType::time2:
      return kTime;
    case ColumnType::datetime:
    case ColumnType::datetime2:
    case ColumnType::timestamp:
    case ColumnType::timestamp2:
      return kTimestamp;
    case ColumnType::string:
      return binary ? kBlob : kChar;
    case ColumnType::year:
    case ColumnType::json:
      return kVarchar;
    case ColumnType::varchar:
    case ColumnType::var_string:
    case ColumnType::mariadb_varchar_compressed:
      return binary ? kBlob : kVarchar;
    case ColumnType::tiny_blob:
    case ColumnType::medium_blob:
    case ColumnType::long_blob:
    case ColumnType::blob:
    case ColumnType::mariadb_blob_compressed:
      return binary ? kBlob : kClob;
    case ColumnType::geometry:
      return kBlob;
    default:
      return kOther;
  }
}

// Each byte is one character, U+0000 to U+00FF, as Java's ISO-8859-1 has it.
void append_latin1(OutBuffer& out, std::string_view bytes) {
  std::string utf8;
  utf8.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xc0 | (byte >> 6));
      utf8 += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  append_json_string(out, utf8);
}

// The number of an ENUM's label, 0 for the error value.
std::uint64_t enum_number(const Column& column, std::string_view label) {
  const auto found = std::find(column.labels.begin(), column.labels.end(), label);
  return found == column.labels.end() ? 0 : static_cast<std::uint64_t>(found - column.labels.begin()) + 1;
}

std::uint64_t set_number(const Column& column, std::string_view members) {
  std::uint64_t bits = 0;
  if (members.empty()) return 0;
  for (const std::string_view member : split(members, ',')) {
    if (const std::uint64_t number = enum_number(column, member); number != 0)
      bits |= std::uint64_t{1} << (number - 1);
  }
  return bits;
}

void append_quoted_uint(OutBuffer& out, std::uint64_t number) {
  out.append('"');
  append_uint(out, number);
  out.append('"');
}

// canal tells indexes apart from tables.
std::string_view ddl_type(const DdlRecord& record) {
  const std::string verb = lower_ascii(trim(std::string_view(record.sql).substr(0, 64)));
  switch (record.ddl_class) {
    case DdlClass::create:
      return "CREATE";
    case DdlClass::alter:
    case DdlClass::partition:
      if (verb.starts_with("create")) return "CINDEX";
      return verb.starts_with("drop") ? "DINDEX" : "ALTER";
    case DdlClass::drop:
      return "ERASE";
    case DdlClass::truncate:
      return "TRUNCATE";
    case DdlClass::rename:
      return "RENAME";
    case DdlClass::other:
      break;
  }
  return "QUERY";
}

}  // namespace

void CanalWriter::start(const StartRecord&) {}
void CanalWriter::table(const TableSchema&) {}
void CanalWriter::begin(const BeginRecord&) {}
void CanalWriter::commit(const CommitRecord&) {}
void CanalWriter::heartbeat(const HeartbeatRecord&) {}
void CanalWriter::end(const EndRecord&) {}

void CanalWriter::insert(const RowsContext& rows, std::uint64_t, Row after) {
  write_row("INSERT", rows, {}, after);
}

void CanalWriter::update(const RowsContext& rows, std::uint64_t, Row before, Row after) {
  write_row("UPDATE", rows, before, after);
}

void CanalWriter::remove(const RowsContext& rows, std::uint64_t, Row before) {
  write_row("DELETE", rows, {}, before);
}

CanalWriter::KnownTable CanalWriter::known_table(const TableSchema& schema) {
  KnownTable known;
  OutBuffer names(256), types(1024);
  append_member(names, ",\"database\":", schema.name.db);
  append_member(names, ",\"table\":", schema.name.table);
  std::string_view separator = ",\"pkNames\":[";
  for (const std::size_t i : schema.primary_key) {
    if (schema.columns[i].excluded) continue;
    append_member(names, separator, schema.columns[i].name);
    separator = ",";
  }
  names.append(separator == "," ? "]" : ",\"pkNames\":null");
  names.append(",\"isDdl\":false,\"type\":");
  known.names = names.view();
  separator = ",\"mysqlType\":{";
  for (const Column& column : schema.columns) {
    known.keys.push_back(json_key(column.name));
    if (column.excluded) continue;
    types.append(separator);
    separator = ",";
    append_member(types, known.keys.back(), column.type_text);
  }
  types.append(separator == "," ? "}" : ",\"mysqlType\":null");
  known.mysql_types = types.view();
  return known;
}

void CanalWriter::write_row(std::string_view type, const RowsContext& rows, Row before, Row data) {
  const TableSchema& schema = *rows.table;
  const KnownTable& table = tables_.get(rows.table, known_table);
  append_whole(out_, [&] {
    append_member(out_, "{\"id\":", id_ + 1);
    out_.append(table.names);
    append_json_string(out_, type);
    append_member(out_, ",\"es\":", rows.ts_ms);
    append_member(out_, ",\"ts\":", options_.clock() / 1000);
    out_.append(",\"sql\":\"\"");
    write_sql_types(schema, table, data);
    out_.append(table.mysql_types);
    write_columns(",\"data\":[{", schema, table, data, [](std::size_t) { return true; });
    if (before.empty()) {
      out_.append(",\"old\":null");
    } else {
      write_columns(",\"old\":[{", schema, table, before,
                    [&](std::size_t i) { return is_changed(before, data, i); });
    }
    append_member(out_, ",\"gtid\":", rows.gtid.value_or(""));
    out_.append("}\n");
  });
  ++id_;
}

// An array of one object: the columns that the image has and for which is_told(i).
template <typename IsTold>
void CanalWriter::write_columns(std::string_view opening, const TableSchema& schema, const KnownTable& table,
                                Row row, IsTold is_told) {
  std::string_view separator = opening;
  each_column(schema, [&](std::size_t i) {
    if (row[i].is_absent() || !is_told(i)) return;
    out_.append(separator);
    separator = ",";
    out_.append(table.keys[i]);
    write_string(schema.columns[i], row[i]);
  });
  if (separator != ",") out_.append(opening);
  out_.append("}]");
}

void CanalWriter::write_sql_types(const TableSchema& schema, const KnownTable& table, Row data) {
  std::string_view separator = ",\"sqlType\":{";
  each_column(schema, [&](std::size_t i) {
    out_.append(separator);
    separator = ",";
    append_member(out_, table.keys[i], java_type(schema.columns[i], data[i]));
  });
  out_.append(separator == "," ? "}" : ",\"sqlType\":null");
}

// The value conventions of canal: a string or null, whatever the type.
void CanalWriter::write_string(const Column& column, const Value& value) {
  switch (value.kind) {
    case Value::Kind::uint64:
      if (column.type == ColumnType::year && value.u64 == 0) return out_.append("\"0000\"");
      [[fallthrough]];
    case Value::Kind::int64:
    case Value::Kind::float32:
    case Value::Kind::float64:
    case Value::Kind::vector:
      out_.append('"');
      write_value(out_, value, options_.time_zone);
      return out_.append('"');
    case Value::Kind::bytes:
    case Value::Kind::geometry:
      return append_latin1(out_, value.text);
    case Value::Kind::json:
      return append_json_string(out_, value.text);
    case Value::Kind::text:
      // The binlog has numbers here, and canal leaves them as they are.
      if (column.labels.empty()) break;
      if (column.type == ColumnType::enumeration)
        return append_quoted_uint(out_, enum_number(column, value.text));
      if (column.type == ColumnType::set) return append_quoted_uint(out_, set_number(column, value.text));
      break;
    default:
      break;
  }
  write_value(out_, value, options_.time_zone);
}

void CanalWriter::ddl(const DdlRecord& record) {
  if (options_.rows_only) return;
  const bool has_table = record.tables && !record.tables->empty();
  append_member(out_, "{\"id\":", ++id_);
  append_member(out_, ",\"database\":", has_table ? record.tables->front().db : record.db);
  append_member(out_, ",\"table\":", has_table ? record.tables->front().table : "");
  out_.append(",\"pkNames\":null,\"isDdl\":true");
  append_member(out_, ",\"type\":", has_table ? ddl_type(record) : "QUERY");
  append_member(out_, ",\"es\":", record.ts_ms);
  append_member(out_, ",\"ts\":", options_.clock() / 1000);
  append_member(out_, ",\"sql\":", record.sql);
  out_.append(",\"sqlType\":null,\"mysqlType\":null,\"data\":null,\"old\":null");
  append_member(out_, ",\"gtid\":", record.gtid ? std::string_view(*record.gtid) : "");
  out_.append("}\n");
}

}  // namespace cdc
