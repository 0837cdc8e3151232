// SPDX-License-Identifier: Apache-2.0
#include "common/json/parts.hpp"

#include <bit>
#include <chrono>

namespace cdc {

std::int64_t wall_clock_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

void append_member(OutBuffer& out, std::string_view key, std::string_view text) {
  out.append(key);
  append_json_string(out, text);
}

void append_member(OutBuffer& out, std::string_view key, std::int64_t number) {
  out.append(key);
  append_int(out, number);
}

void append_member_or_null(OutBuffer& out, std::string_view key,
                           const std::optional<std::string_view>& text) {
  if (text) return append_member(out, key, *text);
  out.append(key);
  out.append("null");
}

std::string json_key(std::string_view name) {
  OutBuffer key(name.size() + 4);
  append_json_string(key, name);
  key.append(':');
  return std::string(key.view());
}

bool same_value(const Value& a, const Value& b) {
  if (a.kind != b.kind || a.negative != b.negative) return false;
  switch (a.kind) {
    case Value::Kind::absent:
    case Value::Kind::null:
      return true;
    case Value::Kind::int64:
      return a.i64 == b.i64;
    case Value::Kind::uint64:
      return a.u64 == b.u64;
    case Value::Kind::float32:
      return std::bit_cast<std::uint32_t>(a.f32) == std::bit_cast<std::uint32_t>(b.f32);
    case Value::Kind::float64:
      return std::bit_cast<std::uint64_t>(a.f64) == std::bit_cast<std::uint64_t>(b.f64);
    case Value::Kind::date:
    case Value::Kind::time:
    case Value::Kind::datetime: {
      const Value::Temporal &x = a.temporal, &y = b.temporal;
      return x.year == y.year && x.month == y.month && x.day == y.day && x.hour == y.hour &&
             x.minute == y.minute && x.second == y.second && x.microsecond == y.microsecond;
    }
    case Value::Kind::timestamp:
      return a.timestamp.seconds == b.timestamp.seconds && a.timestamp.microsecond == b.timestamp.microsecond;
    case Value::Kind::decimal:
    case Value::Kind::text:
    case Value::Kind::bytes:
    case Value::Kind::json:
    case Value::Kind::geometry:
    case Value::Kind::vector:
      return a.text == b.text;
  }
  return false;
}

}  // namespace cdc
