// SPDX-License-Identifier: Apache-2.0
#include "common/json/line_cursor.hpp"

#include <array>

namespace cdc {
namespace {

constexpr unsigned kDeepest = 100;  // MySQL's JSON_DOCUMENT_MAX_DEPTH

constexpr std::array<bool, 256> make_number_bytes() {
  std::array<bool, 256> bytes{};
  for (const char c : std::string_view("0123456789+-.eE")) bytes[static_cast<unsigned char>(c)] = true;
  return bytes;
}
constexpr std::array<bool, 256> kNumberBytes = make_number_bytes();

}  // namespace

bool LineCursor::take_value(unsigned depth) {
  switch (*at_) {
    case '"':
      return take_string();
    case '{':
      return depth < kDeepest && take_object(depth + 1);
    case '[':
      return depth < kDeepest && take_array(depth + 1);
    case 'n':
      return take("null");
    case 't':
      return take("true");
    case 'f':
      return take("false");
    default: {
      const char* const begin = at_;
      while (kNumberBytes[static_cast<unsigned char>(*at_)]) ++at_;
      return at_ != begin;
    }
  }
}

// With a blank behind commas and colons, as the server tells documents, or without.
bool LineCursor::take_object(unsigned depth) {
  take('{');
  if (take('}')) return true;
  do {
    take(' ');
    if (!take_string() || !take(':')) return false;
    take(' ');
    if (!take_value(depth)) return false;
  } while (take(','));
  return take('}');
}

bool LineCursor::take_array(unsigned depth) {
  take('[');
  if (take(']')) return true;
  do {
    take(' ');
    if (!take_value(depth)) return false;
  } while (take(','));
  return take(']');
}

}  // namespace cdc
