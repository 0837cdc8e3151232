// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/json_binary.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "common/base/text.hpp"
#include "common/binlog/decimal.hpp"
#include "common/binlog/temporal.hpp"
#include "common/model/schema.hpp"

namespace cdc {

JsonPart json_root(ByteView document) {
  if (document.empty()) throw DecodeError(0, "empty JSON document");
  return {static_cast<JsonType>(document[0]), false, document.subspan(1), 1};
}

JsonContainer::JsonContainer(const JsonPart& part)
    : object_(part.type == JsonType::small_object || part.type == JsonType::large_object),
      large_(part.type == JsonType::large_object || part.type == JsonType::large_array),
      width_(large_ ? 4 : 2),
      bytes_(part.bytes),
      base_(part.base) {
  ByteReader(bytes_, base_).need(2 * width_);
  count_ = number_at(0);
  const std::size_t size = number_at(width_);
  ByteReader(bytes_, base_).need(size);
  bytes_ = bytes_.first(size);
  // An entry of a key is offset and length, one of a value type and offset. None of this can overflow: the
  // count has 32 bits.
  values_ = 2 * width_ + (object_ ? count_ * (width_ + 2) : 0);
  head_size_ = values_ + count_ * (width_ + 1);
  if (head_size_ > size)
    throw DecodeError(base_, "JSON container of " + std::to_string(count_) + " parts in " +
                                 std::to_string(size) + " bytes");
}

void JsonContainer::fail_part(const char* what, std::size_t i, std::size_t entry) const {
  throw DecodeError(base_ + entry,
                    std::string("JSON ") + what + " " + std::to_string(i) + " outside of its container");
}

namespace {

// A length in groups of seven bits, low group first, at most 32 bits.
std::size_t read_length(ByteReader& reader) {
  std::uint64_t length = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const std::uint8_t byte = reader.u8();
    length |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) return length;
  }
  reader.fail("JSON length of more than five bytes");
}

void append_date(OutBuffer& out, const Value::Temporal& date) {
  append_padded(out, date.year, 4);
  out.append('-');
  append_padded(out, date.month, 2);
  out.append('-');
  append_padded(out, date.day, 2);
}

void append_time(OutBuffer& out, const Value::Temporal& time) {
  append_padded(out, time.hour, time.hour > 99 ? 3 : 2);
  out.append(':');
  append_padded(out, time.minute, 2);
  out.append(':');
  append_padded(out, time.second, 2);
  out.append('.');
  append_padded(out, time.microsecond, 6);
}

void append_temporal(OutBuffer& out, ColumnType type, std::int64_t packed) {
  out.append('"');
  if (type == ColumnType::time) {
    const Value value = unpack_time(packed);
    if (value.negative) out.append('-');
    append_time(out, value.temporal);
  } else if (type == ColumnType::date) {
    append_date(out, unpack_date(packed).temporal);
  } else {
    const Value value = unpack_datetime(packed);
    append_date(out, value.temporal);
    out.append(' ');
    append_time(out, value.temporal);
  }
  out.append('"');
}

// The server breaks base64 into lines of 76 characters, and the line ends become escapes of the JSON string.
void append_opaque_bytes(OutBuffer& out, ColumnType type, ByteView bytes) {
  constexpr std::size_t kBytesPerLine = 57;
  out.append("\"base64:type");
  append_uint(out, static_cast<std::uint8_t>(type));
  out.append(':');
  for (std::size_t at = 0; at < bytes.size(); at += kBytesPerLine) {
    if (at != 0) out.append("\\n");
    append_base64(out, bytes.subspan(at, std::min(kBytesPerLine, bytes.size() - at)));
  }
  out.append('"');
}

// A value of a column type that JSON does not have.
void append_opaque(OutBuffer& out, ByteReader& reader) {
  const auto type = static_cast<ColumnType>(reader.u8());
  const std::size_t length = read_length(reader);
  reader.need(length);
  ByteReader data = reader.sub(length);
  switch (type) {
    case ColumnType::newdecimal: {
      const unsigned precision = data.u8();
      const unsigned scale = data.u8();
      append_decimal(out, data, precision, scale);
      break;
    }
    case ColumnType::date:
    case ColumnType::time:
    case ColumnType::datetime:
    case ColumnType::timestamp:
      append_temporal(out, type, data.i64());
      break;
    default:
      append_opaque_bytes(out, type, data.bytes(length));
  }
  if (!data.at_end()) data.fail("JSON opaque value longer than its type");
}

void append_literal(OutBuffer& out, ByteReader& reader) {
  switch (reader.u8()) {
    case 0:
      return out.append("null");
    case 1:
      return out.append("true");
    case 2:
      return out.append("false");
    default:
      reader.fail("unknown JSON literal");
  }
}

// A whole number gets ".0", which tells it apart from an integer.
void append_json_double(OutBuffer& out, ByteReader& reader) {
  const double number = reader.f64();
  if (!std::isfinite(number)) reader.fail("JSON number that is not finite");
  const std::size_t begin = out.size();
  append_double(out, number);
  if (out.view().substr(begin).find_first_of(".e") == std::string_view::npos) out.append(".0");
}

}  // namespace

void JsonPrinter::fail_overlap(std::size_t at) {
  throw DecodeError(at, "JSON values overlap");
}

void JsonPrinter::print(const JsonPart& part, unsigned depth) {
  if (part.is_container())
    print_container(JsonContainer(part), depth + 1);
  else
    print_scalar(part);
}

void JsonPrinter::print_scalar(const JsonPart& part) {
  OutBuffer& out = *out_;
  ByteReader reader(part.bytes, part.base);
  switch (part.type) {
    case JsonType::literal:
      append_literal(out, reader);
      break;
    case JsonType::int16:
      append_int(out, reader.i16());
      break;
    case JsonType::uint16:
      append_uint(out, reader.u16());
      break;
    case JsonType::int32:
      append_int(out, reader.i32());
      break;
    case JsonType::uint32:
      append_uint(out, reader.u32());
      break;
    case JsonType::int64:
      append_int(out, reader.i64());
      break;
    case JsonType::uint64:
      append_uint(out, reader.u64());
      break;
    case JsonType::float64:
      append_json_double(out, reader);
      break;
    case JsonType::string: {
      const std::size_t length = read_length(reader);
      append_json_string(out, reader.text(length));
      break;
    }
    case JsonType::opaque:
      append_opaque(out, reader);
      break;
    default:
      reader.fail("unknown JSON type " + std::to_string(static_cast<unsigned>(part.type)));
  }
  if (!part.inlined) spend(part.bytes.size() - reader.left(), part.base);
}

void JsonPrinter::print_container(const JsonContainer& container, unsigned depth) {
  if (depth > kJsonMaxDepth) throw DecodeError(container.base(), "JSON document nested too deeply");
  spend(container.head_size(), container.base());
  const bool is_object = container.is_object();
  out_->append(is_object ? '{' : '[');
  for (std::size_t i = 0; i < container.count(); ++i) {
    if (i != 0) out_->append(", ");
    if (is_object) {
      const std::string_view key = container.key(i);
      spend(key.size(), container.base());
      append_json_string(*out_, key);
      out_->append(": ");
    }
    print(container.value(i), depth);
  }
  out_->append(is_object ? '}' : ']');
}

void append_json_binary(OutBuffer& out, ByteView document) {
  if (document.empty()) return out.append("null");
  const std::size_t begin = out.size();
  JsonPrinter(out, document.size()).print(json_root(document), 0);
  if (!is_valid_utf8(out.view().substr(begin))) throw DecodeError(0, "JSON document that is not UTF-8");
}

}  // namespace cdc
