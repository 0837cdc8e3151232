// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/value_decoder.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "common/binlog/collation.hpp"
#include "common/binlog/decimal.hpp"
#include "common/binlog/json_binary.hpp"
#include "common/binlog/json_diff.hpp"
#include "common/binlog/mariadb_types.hpp"
#include "common/binlog/temporal.hpp"

namespace cdc {

namespace {

bool is_text(const Column& column) {
  return column.collation != 0 && column.collation != kBinaryCollation;
}

// The bytes of a VARCHAR or CHAR; `meta` is the most that the column can hold.
ByteView read_string(ByteReader& reader, const Column& column) {
  return reader.bytes(column.meta > 255 ? reader.u16() : reader.u8());
}

Value text_or_bytes(ByteView bytes, const Column& column, DecodeContext& context) {
  if (!is_text(column)) return Value::of_text(Value::Kind::bytes, as_text(bytes));
  return Value::of_text(Value::Kind::text,
                        context.text.decode(column.collation, as_text(bytes), context.arena));
}

// The binlog leaves out the trailing zero bytes of BINARY, SELECT does not.
std::string_view pad_binary(ByteView bytes, std::size_t length, Arena& arena) {
  if (bytes.size() >= length) return as_text(bytes);
  char* const padded = arena.allocate(length);
  std::fill(std::copy(bytes.begin(), bytes.end(), padded), padded + length, '\0');
  return {padded, length};
}

// The binlog leaves out the trailing blanks of CHAR, as SELECT does.
Value char_value(ByteReader& reader, const Column& column, DecodeContext& context) {
  const ByteView bytes = read_string(reader, column);
  if (column.collation != kBinaryCollation) return text_or_bytes(bytes, column, context);
  const std::string_view padded = pad_binary(bytes, column.meta, context.arena);
  if (const auto text = mariadb_address_text(column.type_text, as_bytes(padded), context.arena))
    return Value::of_text(Value::Kind::text, *text);
  return Value::of_text(Value::Kind::bytes, padded);
}

std::size_t packed_width(const ByteReader& reader, const Column& column) {
  if (column.meta < 1 || column.meta > 8)
    reader.fail("ENUM or SET of " + std::to_string(column.meta) + " bytes");
  return column.meta;
}

// Labels are UTF-8 but those of character set binary, which need not be text at all.
Value label_value(std::string_view labels, const Column& column, DecodeContext& context) {
  if (column.collation == kBinaryCollation)
    labels = context.text.decode(kBinaryCollation, labels, context.arena);
  return Value::of_text(Value::Kind::text, labels);
}

Value enum_value(ByteReader& reader, const Column& column, DecodeContext& context) {
  const std::uint64_t index = reader.u_width(packed_width(reader, column));
  if (column.labels.empty()) return Value::of_uint(index);
  if (index > column.labels.size())
    reader.fail("ENUM index " + std::to_string(index) + " of " + std::to_string(column.labels.size()));
  return label_value(index == 0 ? std::string_view{} : column.labels[index - 1], column, context);
}

Value set_value(ByteReader& reader, const Column& column, DecodeContext& context) {
  const std::uint64_t bits = reader.u_width(packed_width(reader, column));
  const std::size_t count = column.labels.size();
  if (count == 0) return Value::of_uint(bits);
  if (count < 64 && bits >> count != 0) reader.fail("SET with a member beyond its " + std::to_string(count));
  std::size_t room = 0;
  for (std::size_t i = 0; i < count && i < 64; ++i)
    if ((bits >> i & 1) != 0) room += column.labels[i].size() + 1;
  char* const begin = context.arena.allocate(room);
  char* out = begin;
  for (std::size_t i = 0; i < count && i < 64; ++i) {
    if ((bits >> i & 1) == 0) continue;
    if (out != begin) *out++ = ',';
    std::memcpy(out, column.labels[i].data(), column.labels[i].size());
    out += column.labels[i].size();
  }
  return label_value({begin, static_cast<std::size_t>(out - begin)}, column, context);
}

std::size_t bit_bytes(const ByteReader& reader, const Column& column) {
  if (column.meta < 1 || column.meta > 64) reader.fail("BIT(" + std::to_string(column.meta) + ")");
  return (column.meta + 7) / 8;
}

Value geometry_value(ByteReader& reader, const Column& column) {
  constexpr std::size_t kSrid = 4;
  const ByteView bytes = read_blob(reader, column);
  if (bytes.empty()) return Value::of_text(Value::Kind::bytes, {});
  if (bytes.size() < kSrid) reader.fail("geometry of " + std::to_string(bytes.size()) + " bytes");
  return Value::of_text(Value::Kind::geometry, as_text(bytes));
}

Value integer(bool is_unsigned, std::uint64_t plain, std::int64_t with_sign) {
  return is_unsigned ? Value::of_uint(plain) : Value::of_int(with_sign);
}

std::size_t decimal_bytes(const ByteReader& reader, const Column& column) {
  const std::size_t size = decimal_size(column.meta >> 8, column.meta & 0xff);
  if (size == 0)
    reader.fail("DECIMAL(" + std::to_string(column.meta >> 8) + "," + std::to_string(column.meta & 0xff) +
                ")");
  return size;
}

// MariaDB's own TIME(3) and the like (mysql56_temporal_format=OFF) have the numbers of the types of before
// MySQL 5.6 but other lengths, which no event tells.
void refuse_mariadb_fraction(const Column& column) {
  const std::string& text = column.type_text;
  if (text.ends_with("/* mariadb-5.3 */") && text.find('(') != std::string::npos)
    throw DataError("column of type " + text + ", whose format is not supported: ALTER TABLE … FORCE under " +
                    "mysql56_temporal_format=ON changes it");
}

[[noreturn]] void fail_type(const Column& column) {
  switch (column.type) {
    case ColumnType::typed_array:
      throw DataError("column of type TYPED_ARRAY, which has no value of its own");
    case ColumnType::decimal_old:
      throw DataError("DECIMAL of before MySQL 5.0, whose length no event tells");
    default:
      throw DataError("unknown column type " + std::to_string(static_cast<unsigned>(column.type)));
  }
}

}  // namespace

ByteView read_blob(ByteReader& reader, const Column& column) {
  if (column.meta < 1 || column.meta > 4)
    reader.fail("BLOB with a length of " + std::to_string(column.meta) + " bytes");
  const std::uint64_t length = reader.u_width(column.meta);
  return reader.bytes(length);
}

Value json_value(ByteView document, const ByteView* diffs, DecodeContext& context) {
  constexpr std::size_t kKeep = 1 << 20;
  OutBuffer& scratch = context.scratch;
  scratch.clear();
  if (diffs == nullptr)
    append_json_binary(scratch, document);
  else
    append_json_patched(scratch, document, *diffs);
  const Value value = Value::of_text(Value::Kind::json, context.arena.copy(scratch.view()));
  if (scratch.size() > kKeep) scratch = OutBuffer();
  return value;
}

Value decode_value(ByteReader& reader, const Column& column, DecodeContext& context) {
  switch (column.type) {
    case ColumnType::tiny: {
      const std::uint8_t raw = reader.u8();
      return integer(column.is_unsigned, raw, static_cast<std::int8_t>(raw));
    }
    case ColumnType::short_int: {
      const std::uint16_t raw = reader.u16();
      return integer(column.is_unsigned, raw, static_cast<std::int16_t>(raw));
    }
    case ColumnType::int24: {
      const std::uint32_t raw = reader.u24();
      return integer(column.is_unsigned, raw, static_cast<std::int32_t>(raw << 8) >> 8);
    }
    case ColumnType::long_int: {
      const std::uint32_t raw = reader.u32();
      return integer(column.is_unsigned, raw, static_cast<std::int32_t>(raw));
    }
    case ColumnType::longlong: {
      const std::uint64_t raw = reader.u64();
      return integer(column.is_unsigned, raw, static_cast<std::int64_t>(raw));
    }
    case ColumnType::float32:
      return Value::of_float(reader.f32());
    case ColumnType::float64:
      return Value::of_double(reader.f64());
    case ColumnType::newdecimal:
      return Value::of_text(Value::Kind::decimal,
                            read_decimal(reader, column.meta >> 8, column.meta & 0xff, context.arena));
    case ColumnType::bit:
      return Value::of_uint(reader.be_width(bit_bytes(reader, column)));
    case ColumnType::year: {
      const std::uint8_t year = reader.u8();
      return Value::of_uint(year == 0 ? 0U : 1900U + year);
    }
    case ColumnType::date:
    case ColumnType::newdate:
      return read_date(reader);
    case ColumnType::time2:
      return read_time2(reader, column.meta);
    case ColumnType::datetime2:
      return read_datetime2(reader, column.meta);
    case ColumnType::timestamp2:
      return read_timestamp2(reader, column.meta);
    case ColumnType::time:
      refuse_mariadb_fraction(column);
      return read_time_old(reader);
    case ColumnType::datetime:
      refuse_mariadb_fraction(column);
      return read_datetime_old(reader);
    case ColumnType::timestamp:
      refuse_mariadb_fraction(column);
      return read_timestamp_old(reader);
    case ColumnType::varchar:
    case ColumnType::var_string:
      return text_or_bytes(read_string(reader, column), column, context);
    case ColumnType::string:
      return char_value(reader, column, context);
    case ColumnType::tiny_blob:
    case ColumnType::medium_blob:
    case ColumnType::long_blob:
    case ColumnType::blob:
      return text_or_bytes(read_blob(reader, column), column, context);
    case ColumnType::mariadb_varchar_compressed:
      return text_or_bytes(mariadb_uncompress(read_string(reader, column), context.arena), column, context);
    case ColumnType::mariadb_blob_compressed:
      return text_or_bytes(mariadb_uncompress(read_blob(reader, column), context.arena), column, context);
    case ColumnType::enumeration:
      return enum_value(reader, column, context);
    case ColumnType::set:
      return set_value(reader, column, context);
    case ColumnType::json:
      return json_value(read_blob(reader, column), nullptr, context);
    case ColumnType::geometry:
      return geometry_value(reader, column);
    case ColumnType::vector:
      return Value::of_text(Value::Kind::vector, as_text(read_blob(reader, column)));
    case ColumnType::null:
      return Value::of_null();
    case ColumnType::typed_array:
    case ColumnType::decimal_old:
      break;
  }
  fail_type(column);
}

void skip_value(ByteReader& reader, const Column& column) {
  switch (column.type) {
    case ColumnType::null:
      return;
    case ColumnType::tiny:
    case ColumnType::year:
      return reader.skip(1);
    case ColumnType::short_int:
      return reader.skip(2);
    case ColumnType::int24:
    case ColumnType::date:
    case ColumnType::newdate:
    case ColumnType::time:
      return reader.skip(3);
    case ColumnType::long_int:
    case ColumnType::float32:
    case ColumnType::timestamp:
      return reader.skip(4);
    case ColumnType::longlong:
    case ColumnType::float64:
    case ColumnType::datetime:
      return reader.skip(8);
    case ColumnType::newdecimal:
      return reader.skip(decimal_bytes(reader, column));
    case ColumnType::bit:
      return reader.skip(bit_bytes(reader, column));
    case ColumnType::time2:
      return reader.skip(3 + fraction_size(column.meta));
    case ColumnType::datetime2:
      return reader.skip(5 + fraction_size(column.meta));
    case ColumnType::timestamp2:
      return reader.skip(4 + fraction_size(column.meta));
    case ColumnType::varchar:
    case ColumnType::var_string:
    case ColumnType::string:
    case ColumnType::mariadb_varchar_compressed:
      read_string(reader, column);
      return;
    case ColumnType::tiny_blob:
    case ColumnType::medium_blob:
    case ColumnType::long_blob:
    case ColumnType::blob:
    case ColumnType::json:
    case ColumnType::geometry:
    case ColumnType::vector:
    case ColumnType::mariadb_blob_compressed:
      read_blob(reader, column);
      return;
    case ColumnType::enumeration:
    case ColumnType::set:
      return reader.skip(packed_width(reader, column));
    case ColumnType::typed_array:
    case ColumnType::decimal_old:
      break;
  }
  fail_type(column);
}

}  // namespace cdc
