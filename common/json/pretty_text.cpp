// SPDX-License-Identifier: Apache-2.0
#include "common/json/pretty_text.hpp"

#include <wchar.h>  // NOLINT: wcwidth is POSIX, not in <cwchar>

#include <algorithm>
#include <cstring>

#include "common/base/bytes.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/json/value_writer.hpp"
#include "common/json/wkt.hpp"

namespace cdc {

namespace {

constexpr std::string_view kEllipsis = "…";

struct Character {
  char32_t code;
  std::size_t size;  // bytes
};

bool is_continuation(char c) {
  return (static_cast<std::uint8_t>(c) & 0xc0) == 0x80;
}

// The character at the beginning of `text`, which is not empty. A byte that begins none is itself, U+0080 to
// U+00FF.
Character first_character(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size == 1 || lead < 0xc2 || lead > 0xf4 || text.size() < size) return {lead, 1};
  char32_t code = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return {lead, 1};
    code = (code << 6) | (static_cast<std::uint8_t>(text[i]) & 0x3fU);
  }
  return {code, size};
}

// What a terminal would act on, or not show, or show in another order.
bool is_unprintable(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x200b || c == 0x200e ||
         c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || c >= 0xe0000;
}

void append_hex(std::string& out, std::string_view prefix, char32_t number, int digits) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += prefix;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kDigits[(number >> shift) & 15U];
}

// The largest character boundary of `text` that is not behind `at`.
std::size_t boundary(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  while (at > 0 && is_continuation(text[at])) --at;
  return at;
}

std::string native_text(const Value& value, const TimeZone& zone) {
  OutBuffer out(64);
  write_value(out, value, zone);
  std::string_view text = out.view();
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

std::string bytes_text(std::string_view bytes, std::size_t limit) {
  const std::size_t shown = std::min(bytes.size(), limit / 2);
  std::string text = "0x" + to_hex(as_bytes(bytes.substr(0, shown)));
  if (shown < bytes.size()) text += kEllipsis;
  return text;
}

std::string part(std::string_view text, std::size_t from, std::size_t limit, Escape escape) {
  std::string out;
  if (escape == Escape::quoted) out += '\'';
  if (from > 0) out += kEllipsis;
  const std::size_t end = boundary(text, from + limit);
  append_printable(out, text.substr(from, end - from), escape);
  if (end < text.size()) {
    out += kEllipsis;
  } else if (escape == Escape::quoted) {
    out += '\'';
  }
  return out;
}

std::string geometry_text(std::string_view geometry, std::size_t limit) {
  constexpr std::size_t kMostShown = 4096;  // a longer text would be cut anyway
  std::uint32_t srid = 0;
  if (geometry.size() < sizeof srid || geometry.size() > kMostShown) return bytes_text(geometry, limit);
  std::memcpy(&srid, geometry.data(), sizeof srid);
  OutBuffer out(256);
  append_wkt(out, geometry.substr(sizeof srid));
  return std::string(out.view()) + (srid == 0 ? "" : " SRID " + std::to_string(srid));
}

}  // namespace

void append_printable(std::string& out, std::string_view utf8, Escape escape) {
  while (!utf8.empty()) {
    const auto [code, size] = first_character(utf8);
    const bool is_broken = code >= 0x80 && size == 1;
    if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code == '\r') {
      out += "\\r";
    } else if (escape == Escape::quoted && (code == '\'' || code == '\\')) {
      out += '\\';
      out += static_cast<char>(code);
    } else if (is_broken || (is_unprintable(code) && code < 0x80)) {
      append_hex(out, "\\x", code, 2);
    } else if (is_unprintable(code)) {
      append_hex(out, code > 0xffff ? "\\U" : "\\u", code, code > 0xffff ? 8 : 4);
    } else {
      out += utf8.substr(0, size);
    }
    utf8.remove_prefix(size);
  }
}

TextRuler::TextRuler() : utf8_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {}
TextRuler::~TextRuler() {
  if (utf8_ != nullptr) freelocale(utf8_);
}

int TextRuler::width(char32_t c) const {
  if (c < 0x300 || utf8_ == nullptr) return 1;
  const locale_t before = uselocale(utf8_);
  const int width = wcwidth(static_cast<wchar_t>(c));
  uselocale(before);
  return width < 0 ? 1 : width;
}

int TextRuler::columns(std::string_view printable) const {
  int columns = 0;
  while (!printable.empty()) {
    const Character character = first_character(printable);
    columns += width(character.code);
    printable.remove_prefix(character.size);
  }
  return columns;
}

std::size_t TextRuler::fitting(std::string_view printable, int columns) const {
  std::size_t size = 0;
  while (size < printable.size()) {
    const Character character = first_character(printable.substr(size));
    columns -= width(character.code);
    if (columns < 0) break;
    size += character.size;
  }
  return size;
}

std::string TextRuler::shortened(std::string_view printable, int columns) const {
  if (fitting(printable, columns) == printable.size()) return std::string(printable);
  std::string_view kept = printable.substr(0, fitting(printable, columns - 1));
  if (kept.ends_with(kEllipsis)) kept.remove_suffix(kEllipsis.size());
  return std::string(kept) + std::string(kEllipsis);
}

std::string pretty_value(const Value& value, const TimeZone& zone, std::size_t from, std::size_t limit) {
  switch (value.kind) {
    case Value::Kind::absent:
      return "?";
    case Value::Kind::null:
      return "NULL";
    case Value::Kind::text:
      return part(value.text, from, limit, Escape::quoted);
    case Value::Kind::json:
      return part(value.text, from, limit, Escape::plain);
    case Value::Kind::bytes:
      return bytes_text(value.text, limit);
    case Value::Kind::geometry:
      return geometry_text(value.text, limit);
    case Value::Kind::vector: {
      Value shown = value;
      const std::size_t most = limit / sizeof(float) * sizeof(float);
      shown.text = value.text.substr(0, most);
      return native_text(shown, zone) + std::string(value.text.size() > most ? kEllipsis : "");
    }
    default:
      return native_text(value, zone);
  }
}

}  // namespace cdc
