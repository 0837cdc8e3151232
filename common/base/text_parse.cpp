// SPDX-License-Identifier: Apache-2.0
// The half of text.hpp that reads what people type.
#include <charconv>
#include <limits>
#include <system_error>

#include "common/base/text.hpp"
#include "common/base/time_zone.hpp"

namespace cdc {

std::optional<std::uint64_t> parse_uint(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

namespace {

// `text` × factor, if that is at most `max`.
std::optional<std::uint64_t> scaled(std::string_view text, std::uint64_t factor, std::uint64_t max) {
  const std::optional<std::uint64_t> value = parse_uint(text);
  if (!value || *value > max / factor) return std::nullopt;
  return *value * factor;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t factor = 1;
  switch (text.empty() ? '\0' : text.back()) {
    case 'k':
    case 'K':
      factor = std::uint64_t{1} << 10;
      break;
    case 'm':
    case 'M':
      factor = std::uint64_t{1} << 20;
      break;
    case 'g':
    case 'G':
      factor = std::uint64_t{1} << 30;
      break;
    default:
      break;
  }
  if (factor != 1) text.remove_suffix(1);
  return scaled(text, factor, std::numeric_limits<std::uint64_t>::max());
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    std::uint64_t milliseconds;
  };
  static constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"", 1000}};
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    text.remove_suffix(unit.suffix.size());
    const auto value = scaled(text, unit.milliseconds, std::numeric_limits<std::int64_t>::max());
    return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
  }
  return std::nullopt;
}

namespace {

// Takes pieces off the front of a text; the first that does not fit makes it fail for good.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return text_.empty(); }
  char next() {
    if (text_.empty()) return fail();
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  bool is_digit() const { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }
  void expect(std::string_view any_of) {
    if (any_of.find(next()) == std::string_view::npos) fail();
  }
  // Exactly `digits` digits that make a number in [low, high].
  int number(int digits, int low, int high) {
    int value = 0;
    for (; digits > 0; --digits) {
      if (!is_digit()) return fail();
      value = value * 10 + (next() - '0');
    }
    if (value < low || value > high) return fail();
    return value;
  }

 private:
  char fail() {
    ok_ = false;
    return '\0';
  }

  std::string_view text_;
  bool ok_ = true;
};

int days_in_month(int year, int month) {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

}  // namespace

std::optional<std::int64_t> parse_timestamp_ms(std::string_view text) {
  if (const std::optional<std::uint64_t> epoch_ms = parse_uint(text)) {
    return scaled(text, 1, std::numeric_limits<std::int64_t>::max());
  }
  Scanner in(text);
  CivilTime civil{};
  civil.year = in.number(4, 0, 9999);
  in.expect("-");
  const int month = in.number(2, 1, 12);
  civil.month = static_cast<std::uint8_t>(month);
  in.expect("-");
  civil.day = static_cast<std::uint8_t>(in.number(2, 1, days_in_month(civil.year, month)));
  in.expect("Tt ");
  civil.hour = static_cast<std::uint8_t>(in.number(2, 0, 23));
  in.expect(":");
  civil.minute = static_cast<std::uint8_t>(in.number(2, 0, 59));
  in.expect(":");
  civil.second = static_cast<std::uint8_t>(in.number(2, 0, 59));
  int milliseconds = 0;
  char mark = in.next();
  if (mark == '.') {
    if (!in.is_digit()) return std::nullopt;
    for (int scale = 100; in.is_digit(); scale /= 10) milliseconds += scale * (in.next() - '0');
    mark = in.next();
  }
  int offset_minutes = 0;
  if (mark == '+' || mark == '-') {
    offset_minutes = in.number(2, 0, 23) * 60;
    in.expect(":");
    offset_minutes += in.number(2, 0, 59);
    if (mark == '-') offset_minutes = -offset_minutes;
  } else if (mark != 'Z' && mark != 'z') {
    return std::nullopt;
  }
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return (seconds_from_civil(civil) - std::int64_t{offset_minutes} * 60) * 1000 + milliseconds;
}

namespace {

std::size_t character_width(std::string_view text) {
  std::size_t width = 1;
  while (width < text.size() && (static_cast<std::uint8_t>(text[width]) & 0xc0) == 0x80) ++width;
  return width;
}

struct GlobStep {
  bool matches = false;
  std::size_t pattern = 0, text = 0;  // bytes consumed of each
};

// `pattern` begins with '['; a set without its ']' is the character '['.
GlobStep match_set(std::string_view pattern, std::string_view text) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && pattern[i] == '!';
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const char low = pattern[i++];
    char high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      high = pattern[i + 1];
      i += 2;
    }
    found = found || (low <= text[0] && text[0] <= high);
  }
  if (i >= pattern.size()) return {text[0] == '[', 1, 1};
  return {found != negated, i + 1, character_width(text)};
}

// One character of a non-empty `text` against the front of a non-empty `pattern` that is not '*'.
GlobStep match_one(std::string_view pattern, std::string_view text) {
  if (pattern[0] == '?') return {true, 1, character_width(text)};
  if (pattern[0] == '[') return match_set(pattern, text);
  if (pattern[0] == '\\' && pattern.size() > 1) return {pattern[1] == text[0], 2, 1};
  return {pattern[0] == text[0], 1, 1};
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
  // Behind the last '*' seen: where to go on with one character more eaten by it.
  std::optional<std::string_view> star_pattern;
  std::string_view star_text;
  for (;;) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      star_pattern = pattern;
      star_text = text;
      continue;
    }
    if (pattern.empty() && text.empty()) return true;
    if (!pattern.empty() && !text.empty()) {
      const GlobStep step = match_one(pattern, text);
      if (step.matches) {
        pattern.remove_prefix(step.pattern);
        text.remove_prefix(step.text);
        continue;
      }
    }
    if (!star_pattern || star_text.empty()) return false;
    star_text.remove_prefix(character_width(star_text));
    pattern = *star_pattern;
    text = star_text;
  }
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace cdc
