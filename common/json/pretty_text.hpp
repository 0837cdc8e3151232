// SPDX-License-Identifier: Apache-2.0
// Text for a terminal: escaped so that nothing in a database can drive it, measured in the columns it takes
// there, shortened to fit. "Printable" text below is UTF-8 that went through append_printable() or was ours
// to begin with.
#pragma once

#include <locale.h>  // NOLINT: locale_t is POSIX, not in <clocale>

#include <string>
#include <string_view>

#include "common/base/time_zone.hpp"
#include "common/model/value.hpp"

namespace cdc {

// Appends `utf8` with control characters, invisible and direction-changing ones as \n, \t, \x1b or \u202e.
// quoted: also \\ and \', so that the text between ' and ' is unambiguous.
enum class Escape { plain, quoted };
void append_printable(std::string& out, std::string_view utf8, Escape escape);

// Measures and cuts printable text by the columns it takes: two for East Asian wide characters and emoji,
// none for combining marks, as the C library's wcwidth() has it.
class TextRuler {
 public:
  TextRuler();
  ~TextRuler();
  TextRuler(const TextRuler&) = delete;
  TextRuler& operator=(const TextRuler&) = delete;

  int columns(std::string_view printable) const;
  // Bytes of the longest beginning that takes at most `columns`.
  std::size_t fitting(std::string_view printable, int columns) const;
  // All of it, or a beginning and "…", in at most `columns` (>= 1).
  std::string shortened(std::string_view printable, int columns) const;

 private:
  int width(char32_t c) const;
  locale_t utf8_;  // null where the system has none: then every character takes one column
};

// A value for people, as a literal of SQL where it has one: 12.30, 'it\'s', NULL, 0x00ff, 2026-11-21
// 10:00:00,
// {"a": 1}, POINT (1 2), [1,0.5]; ? for one that the row image does not have. Texts begin at byte `from` (a
// character boundary), "…" standing for what is left out, and no more than about `limit` bytes of the value
// are used.
std::string pretty_value(const Value& value, const TimeZone& zone, std::size_t from, std::size_t limit);

}  // namespace cdc
