// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/table_map.hpp"

#include <algorithm>
#include <array>

#include "common/base/buffer.hpp"
#include "common/binlog/charset.hpp"
#include "common/binlog/collation.hpp"

namespace cdc {
namespace {

// Optional_metadata_field_type in rows_event.h.
enum Field : std::uint8_t {
  kSignedness = 1,
  kDefaultCharset = 2,
  kColumnCharset = 3,
  kColumnName = 4,
  kSetStrValue = 5,
  kEnumStrValue = 6,
  kGeometryType = 7,
  kSimplePrimaryKey = 8,
  kPrimaryKeyWithPrefix = 9,
  kEnumAndSetDefaultCharset = 10,
  kEnumAndSetColumnCharset = 11,
  kColumnVisibility = 12,
  kVectorDimensionality = 13,
  kFieldCount
};

// The optional metadata, each field still packed.
using Fields = std::array<std::optional<ByteReader>, kFieldCount>;

bool is_numeric(const Column& column) {
  switch (column.type) {
    case ColumnType::decimal_old:
    case ColumnType::tiny:
    case ColumnType::short_int:
    case ColumnType::int24:
    case ColumnType::long_int:
    case ColumnType::longlong:
    case ColumnType::float32:
    case ColumnType::float64:
    case ColumnType::newdecimal:
    case ColumnType::year:
      return true;  // a bit for YEAR is written by MySQL and MariaDB alike
    default:
      return false;
  }
}

// Whether a collation is written for it: MySQL does so for VECTOR, MariaDB for GEOMETRY too.
bool has_collation(const Column& column, bool mariadb) {
  switch (column.type) {
    case ColumnType::geometry:
      return mariadb;
    case ColumnType::vector:
    case ColumnType::varchar:
    case ColumnType::var_string:
    case ColumnType::string:
    case ColumnType::blob:
    case ColumnType::mariadb_blob_compressed:
    case ColumnType::mariadb_varchar_compressed:
      return true;
    default:
      return false;
  }
}

bool is_geometry(const Column& column) {
  return column.type == ColumnType::geometry;
}
bool is_vector(const Column& column) {
  return column.type == ColumnType::vector;
}
bool is_enum(const Column& column) {
  return column.type == ColumnType::enumeration;
}
bool is_set(const Column& column) {
  return column.type == ColumnType::set;
}
bool is_labelled(const Column& column) {
  return is_enum(column) || is_set(column);
}

// CHAR, ENUM and SET come as STRING, with the real type in the first byte and the upper bits of CHAR's length
// folded into it (Field_string::do_save_field_metadata).
void unpack_string(Column& column, unsigned first, unsigned second) {
  if (first == static_cast<unsigned>(ColumnType::enumeration) ||
      first == static_cast<unsigned>(ColumnType::set)) {
    column.type = static_cast<ColumnType>(first);
    column.meta = second;
  } else {
    column.meta = second | (((first & 0x30) ^ 0x30) << 4);
  }
}

void read_type_metadata(ByteReader& reader, Column& column) {
  switch (column.type) {
    case ColumnType::float32:
    case ColumnType::float64:
    case ColumnType::tiny_blob:
    case ColumnType::medium_blob:
    case ColumnType::long_blob:
    case ColumnType::blob:
    case ColumnType::mariadb_blob_compressed:
    case ColumnType::geometry:
    case ColumnType::json:
    case ColumnType::vector:
    case ColumnType::timestamp2:
    case ColumnType::datetime2:
    case ColumnType::time2:
      column.meta = reader.u8();
      break;
    case ColumnType::varchar:
    case ColumnType::mariadb_varchar_compressed:
      column.meta = reader.u16();
      break;
    case ColumnType::bit: {
      const unsigned odd_bits = reader.u8();
      column.meta = odd_bits + 8U * reader.u8();
      break;
    }
    case ColumnType::newdecimal: {
      const unsigned precision = reader.u8();
      column.meta = precision << 8 | reader.u8();
      break;
    }
    case ColumnType::string:
    case ColumnType::var_string:
    case ColumnType::enumeration:
    case ColumnType::set: {
      const unsigned first = reader.u8();
      unpack_string(column, first, reader.u8());
      break;
    }
    default:
      break;
  }
}

std::vector<Column> read_columns(ByteReader& reader) {
  const std::uint64_t count = reader.lenenc();
  if (count > reader.left())
    reader.fail(std::to_string(count) + " columns, " + std::to_string(reader.left()) + " bytes");
  const ByteView types = reader.bytes(count);
  std::vector<Column> columns(count);
  ByteReader metadata = reader.sub(reader.lenenc());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].type = static_cast<ColumnType>(types[i]);
    read_type_metadata(metadata, columns[i]);
  }
  if (!metadata.at_end()) metadata.fail("more metadata than the column types have");
  const ByteView nullable = reader.bytes((columns.size() + 7) / 8);
  for (std::size_t i = 0; i < columns.size(); ++i)
    columns[i].nullable = (nullable[i / 8] >> (i % 8) & 1) != 0;
  return columns;
}

Fields read_fields(ByteReader& reader) {
  Fields fields;
  while (!reader.at_end()) {
    const std::size_t type = reader.u8();
    const ByteReader value = reader.sub(reader.lenenc());
    if (type < kFieldCount) fields[type] = value;  // of newer servers' fields we know nothing
  }
  return fields;
}

// Calls set(column, bit) for each column of the kind; bits come high bit first.
template <typename Kind, typename Set>
void read_bits(ByteReader reader, std::vector<Column>& columns, Kind is_kind, Set set) {
  std::size_t index = 0;
  unsigned bits = 0;
  for (Column& column : columns) {
    if (!is_kind(column)) continue;
    if (index % 8 == 0) bits = reader.u8();
    set(column, (bits << (index % 8) & 0x80) != 0);
    ++index;
  }
}

// Calls set(column, number) for each column of the kind.
template <typename Kind, typename Set>
void read_numbers(ByteReader reader, std::vector<Column>& columns, Kind is_kind, Set set) {
  for (Column& column : columns) {
    if (is_kind(column)) set(column, reader.lenenc());
  }
}

std::uint16_t read_collation(ByteReader& reader) {
  const std::uint64_t id = reader.lenenc();
  if (id > UINT16_MAX) reader.fail("collation " + std::to_string(id));
  return static_cast<std::uint16_t>(id);
}

// Either one collation for all columns of the kind with a list of exceptions (index among them, collation),
// or a collation each.
template <typename Kind>
void read_collations(const std::optional<ByteReader>& with_default, const std::optional<ByteReader>& each,
                     std::vector<Column>& columns, Kind is_kind) {
  std::vector<Column*> chosen;
  for (Column& column : columns) {
    if (is_kind(column)) chosen.push_back(&column);
  }
  if (with_default) {
    ByteReader reader = *with_default;
    const std::uint16_t common = read_collation(reader);
    for (Column* column : chosen) column->collation = common;
    while (!reader.at_end()) {
      const std::uint64_t index = reader.lenenc();
      if (index >= chosen.size()) reader.fail("no character column " + std::to_string(index));
      chosen[index]->collation = read_collation(reader);
    }
  } else if (each) {
    ByteReader reader = *each;
    for (Column* column : chosen) column->collation = read_collation(reader);
  }
}

// The labels of all ENUM (or all SET) columns, converted to UTF-8.
template <typename Kind>
void read_labels(ByteReader reader, std::vector<Column>& columns, Kind is_kind, TextDecoder& decoder) {
  Arena arena;
  for (Column& column : columns) {
    if (!is_kind(column)) continue;
    const std::uint64_t count = reader.lenenc();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view label = reader.lenenc_text();
      const bool as_it_is = column.collation == 0 || column.collation == kBinaryCollation;
      column.labels.emplace_back(as_it_is ? label : decoder.decode(column.collation, label, arena));
    }
  }
}

void read_names(ByteReader reader, std::vector<Column>& columns) {
  for (Column& column : columns) column.name = reader.lenenc_text();
}

std::vector<std::size_t> read_primary_key(const Fields& fields, std::size_t column_count) {
  std::vector<std::size_t> key;
  const bool prefixed = fields[kPrimaryKeyWithPrefix].has_value();
  const std::optional<ByteReader>& field =
      prefixed ? fields[kPrimaryKeyWithPrefix] : fields[kSimplePrimaryKey];
  if (!field) return key;
  ByteReader reader = *field;
  while (!reader.at_end()) {
    const std::uint64_t index = reader.lenenc();
    if (index >= column_count) reader.fail("no column " + std::to_string(index));
    key.push_back(index);
    if (prefixed) reader.lenenc();  // characters, 0 for all
  }
  return key;
}

void apply_types(const Fields& fields, std::vector<Column>& columns, bool mariadb) {
  if (fields[kSignedness]) {
    read_bits(*fields[kSignedness], columns, is_numeric,
              [](Column& column, bool bit) { column.is_unsigned = bit && column.type != ColumnType::year; });
  }
  read_collations(fields[kDefaultCharset], fields[kColumnCharset], columns,
                  [mariadb](const Column& column) { return has_collation(column, mariadb); });
  read_collations(fields[kEnumAndSetDefaultCharset], fields[kEnumAndSetColumnCharset], columns, is_labelled);
  if (fields[kGeometryType]) {
    read_numbers(*fields[kGeometryType], columns, is_geometry, [](Column& column, std::uint64_t type) {
      column.geometry_type = static_cast<std::uint8_t>(type);
    });
  }
  if (fields[kVectorDimensionality]) {
    read_numbers(*fields[kVectorDimensionality], columns, is_vector,
                 [](Column& column, std::uint64_t dimension) {
                   column.vector_dimension = static_cast<std::uint32_t>(dimension);
                 });
  }
  for (Column& column : columns) {
    if (is_geometry(column) || is_vector(column)) column.collation = 0;
    const CharacterSet* charset = find_charset(column.collation);
    if (charset != nullptr && column.collation != kBinaryCollation) column.charset = charset->name;
  }
}

void apply_names(const Fields& fields, std::vector<Column>& columns, TextDecoder& labels) {
  read_names(*fields[kColumnName], columns);
  if (fields[kEnumStrValue]) read_labels(*fields[kEnumStrValue], columns, is_enum, labels);
  if (fields[kSetStrValue]) read_labels(*fields[kSetStrValue], columns, is_set, labels);
  if (fields[kColumnVisibility]) {
    read_bits(
        *fields[kColumnVisibility], columns, [](const Column&) { return true; },
        [](Column& column, bool visible) { column.invisible = !visible; });
  }
}

}  // namespace

std::uint64_t table_map_id(const Event& event) {
  return event.reader().u48();
}

TableMap decode_table_map(const Event& event, bool mariadb) {
  TextDecoder labels;
  return decode_table_map(event, mariadb, labels);
}

TableMap decode_table_map(const Event& event, bool mariadb, TextDecoder& labels) {
  ByteReader reader = event.reader();
  TableMap map;
  map.table_id = reader.u48();
  reader.skip(2);  // flags
  map.name.db = reader.lenenc_text();
  reader.skip(1);
  map.name.table = reader.lenenc_text();
  reader.skip(1);
  map.columns = read_columns(reader);
  const Fields fields = read_fields(reader);
  apply_types(fields, map.columns, mariadb);
  map.has_types = std::all_of(map.columns.begin(), map.columns.end(), [&](const Column& column) {
    return (!is_numeric(column) || fields[kSignedness]) &&
           (!has_collation(column, mariadb) || fields[kDefaultCharset] || fields[kColumnCharset]);
  });
  map.has_names = fields[kColumnName].has_value();
  if (map.has_names) {
    apply_names(fields, map.columns, labels);
    map.primary_key = read_primary_key(fields, map.columns.size());
  }
  for (Column& column : map.columns) column.type_text = column_type_text(column);
  return map;
}

const std::shared_ptr<const TableMap>& TableMapCache::add(const Event& event, bool mariadb) {
  constexpr std::size_t kGeneration = 4096;
  const std::uint64_t id = table_map_id(event);
  const std::string_view bytes = as_text(event.body);
  if (const auto found = young_.find(id); found != young_.end() && found->second.bytes == bytes) {
    return found->second.map;
  }
  Entry entry;
  if (const auto found = old_.find(id); found != old_.end() && found->second.bytes == bytes) {
    entry = std::move(found->second);
    old_.erase(found);
  } else {
    entry = {std::string(bytes), std::make_shared<const TableMap>(decode_table_map(event, mariadb, labels_))};
  }
  if (young_.size() >= kGeneration) {
    old_ = std::move(young_);
    young_.clear();
  }
  return (young_[id] = std::move(entry)).map;
}

const std::shared_ptr<const TableMap>* TableMapCache::find(std::uint64_t table_id) const {
  for (const auto* generation : {&young_, &old_}) {
    if (const auto found = generation->find(table_id); found != generation->end()) return &found->second.map;
  }
  return nullptr;
}

}  // namespace cdc
