// SPDX-License-Identifier: Apache-2.0
#include "common/base/text.hpp"

#include <array>
#include <bit>
#include <cfloat>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "common/base/digits.hpp"

namespace cdc {

void append_int(OutBuffer& out, std::int64_t value) {
  char* to = out.reserve(20);
  auto magnitude = static_cast<std::uint64_t>(value);
  if (value < 0) {
    *to++ = '-';
    magnitude = 0 - magnitude;
  }
  out.commit(put_uint(to, magnitude));
}

void append_uint(OutBuffer& out, std::uint64_t value) {
  out.commit(put_uint(out.reserve(20), value));
}

void append_padded(OutBuffer& out, std::uint32_t value, int width) {
  const auto digits = static_cast<unsigned>(width);
  out.commit(put_digits(out.reserve(digits), value, digits));
}

namespace {

// A number of few digits, as most are that people enter: written as d / 10^k with the least k that gives the
// number itself. The division is exact to the last bit, as reading the text is (d and 10^k are whole numbers
// without rounding), and no two decimals of up to digits10 digits are the same number, so there is no shorter
// text. nullptr: not such a number.
template <typename T>
char* put_short_decimal(char* to, T magnitude) {
  static_assert(FLT_EVAL_METHOD == 0);
  constexpr unsigned kMostDecimals = 6;
  constexpr T kLimit = std::numeric_limits<T>::digits10 == 15 ? T(1e15) : T(1e6);
  for (unsigned decimals = 0; decimals <= kMostDecimals; ++decimals) {
    const T power = static_cast<T>(kPowersOfTen[decimals]);
    const T scaled = magnitude * power + T(0.5);
    if (!(scaled < kLimit)) return nullptr;
    const auto digits = static_cast<std::uint64_t>(scaled);
    if (static_cast<T>(digits) / power != magnitude) continue;
    to = put_uint(to, digits / kPowersOfTen[decimals]);
    if (decimals == 0) return to;
    *to++ = '.';
    return put_digits(to, digits % kPowersOfTen[decimals], decimals);
  }
  return nullptr;
}

// The layout of my_gcvt() (strings/dtoa.cc): positional while the decimal point lies within 15 digits of the
// first digit or between two digits, else "1.5e16", the exponent without sign or leading zeros. std::to_chars
// supplies the digits, which are the fewest that read back as the same number.
template <typename T>
void append_shortest(OutBuffer& out, T value) {
  constexpr int kPositionalLimit = 15;
  if (!std::isfinite(value)) throw DataError("a number that is not finite has no JSON form");
  char* to = out.reserve(48);
  if (std::signbit(value)) *to++ = '-';
  value = std::abs(value);
  if (char* const end = put_short_decimal(to, value)) return out.commit(end);
  char text[32];
  const char* const end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* from = text;
  char digits[24];
  int count = 0;
  for (; *from != 'e'; ++from) {
    if (*from != '.') digits[count++] = *from;
  }
  ++from;  // 'e'
  if (*from == '+') ++from;
  int exponent = 0;
  std::from_chars(from, end, exponent);
  const int point = exponent + 1;  // digits before the decimal point

  if ((point > kPositionalLimit && count <= point) || point < 1 - kPositionalLimit) {
    *to++ = digits[0];
    if (count > 1) *to++ = '.';
    to = std::copy(digits + 1, digits + count, to);
    *to++ = 'e';
    to = std::to_chars(to, to + 8, exponent).ptr;
  } else if (point <= 0) {
    *to++ = '0';
    *to++ = '.';
    to = std::fill_n(to, -point, '0');
    to = std::copy(digits, digits + count, to);
  } else {
    to = std::copy(digits, digits + std::min(count, point), to);
    if (count < point) to = std::fill_n(to, point - count, '0');
    if (count > point) {
      *to++ = '.';
      to = std::copy(digits + point, digits + count, to);
    }
  }
  out.commit(to);
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::uint8_t, 256> make_base64_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(0xff);
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(kBase64[i])] = i;
  return values;
}
constexpr std::array<std::uint8_t, 256> kBase64Values = make_base64_values();

char* base64_to(char* to, ByteView bytes) {
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group =
        (std::uint32_t{bytes[i]} << 16) | (std::uint32_t{bytes[i + 1]} << 8) | bytes[i + 2];
    *to++ = kBase64[group >> 18];
    *to++ = kBase64[(group >> 12) & 63];
    *to++ = kBase64[(group >> 6) & 63];
    *to++ = kBase64[group & 63];
  }
  if (i == bytes.size()) return to;
  const bool two = i + 2 == bytes.size();
  const std::uint32_t group =
      (std::uint32_t{bytes[i]} << 16) | (two ? std::uint32_t{bytes[i + 1]} << 8 : std::uint32_t{0});
  *to++ = kBase64[group >> 18];
  *to++ = kBase64[(group >> 12) & 63];
  *to++ = two ? kBase64[(group >> 6) & 63] : '=';
  *to++ = '=';
  return to;
}

std::size_t base64_size(std::size_t count) {
  return (count + 2) / 3 * 4;
}

}  // namespace

void append_double(OutBuffer& out, double value) {
  append_shortest(out, value);
}
void append_float(OutBuffer& out, float value) {
  append_shortest(out, value);
}

void append_base64(OutBuffer& out, ByteView bytes) {
  out.commit(base64_to(out.reserve(base64_size(bytes.size())), bytes));
}

std::string to_base64(ByteView bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  base64_to(text.data(), bytes);
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const std::uint8_t value = kBase64Values[static_cast<std::uint8_t>(c)];
    if (value == 0xff) return std::nullopt;
    bits = (bits << 6) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>((bits >> count) & 0xff));
    }
  }
  // The bits that make no byte are zero in canonical text; else two texts would mean the same bytes.
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return bytes;
}

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

// ---- JSON strings: copy while looking for the bytes that need an escape, a word or a vector at a time.

namespace {

bool needs_escape(char c) {
  return static_cast<std::uint8_t>(c) < 0x20 || c == '"' || c == '\\';
}

// Whether any of the bytes needs an escape: for each of the three tests the classic "has a zero byte" trick.
bool word_needs_escape(std::uint64_t word) {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0} / 255;
  constexpr std::uint64_t kHighs = kOnes * 0x80;
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t backslash = word ^ (kOnes * '\\');
  const std::uint64_t control = (word - kOnes * 0x20) & ~word;
  return ((((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) | control) & kHighs) != 0;
}

template <typename Word>
Word load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// copy_clean_block() copies kBlock bytes and returns how many of the leading ones need no escape.
#if defined(__SSE2__)
constexpr std::size_t kBlock = 16;
std::size_t copy_clean_block(char* to, const char* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  const __m128i special = _mm_or_si128(control, _mm_or_si128(quote, backslash));
  const auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(special));
  return mask == 0 ? kBlock : static_cast<std::size_t>(std::countr_zero(mask));
}
#else
constexpr std::size_t kBlock = 8;
std::size_t copy_clean_block(char* to, const char* from) {
  const auto word = load<std::uint64_t>(from);
  std::memcpy(to, &word, sizeof word);
  if (!word_needs_escape(word)) return kBlock;
  std::size_t clean = 0;
  while (!needs_escape(from[clean])) ++clean;
  return clean;
}
#endif

// Copies 1 to 15 bytes as two words that may overlap. False when one of the bytes needs an escape; what was
// written then means nothing.
bool copy_clean_short(char* to, const char* from, std::size_t count) {
  if (count >= 8) {
    const auto head = load<std::uint64_t>(from), tail = load<std::uint64_t>(from + count - 8);
    std::memcpy(to, &head, 8);
    std::memcpy(to + count - 8, &tail, 8);
    return !word_needs_escape(head) && !word_needs_escape(tail);
  }
  if (count >= 4) {
    const auto head = load<std::uint32_t>(from), tail = load<std::uint32_t>(from + count - 4);
    std::memcpy(to, &head, 4);
    std::memcpy(to + count - 4, &tail, 4);
    return !word_needs_escape(std::uint64_t{head} << 32 | tail);
  }
  const char head = from[0], middle = from[count / 2], tail = from[count - 1];
  to[0] = head;
  to[count / 2] = middle;
  to[count - 1] = tail;
  return !needs_escape(head) && !needs_escape(middle) && !needs_escape(tail);
}

// Copies up to the first byte that needs an escape; returns how many bytes that was. Bytes of `to` up to
// `count` may be written to.
std::size_t copy_clean(char* to, const char* from, std::size_t count) {
  if (count < kBlock) {
    if (count == 0 || copy_clean_short(to, from, count)) return count;
    std::size_t done = 0;
    for (; done < count && !needs_escape(from[done]); ++done) to[done] = from[done];
    return done;
  }
  std::size_t done = 0;
  for (; done + kBlock <= count; done += kBlock) {
    const std::size_t clean = copy_clean_block(to + done, from + done);
    if (clean < kBlock) return done + clean;
  }
  if (done == count) return count;
  done = count - kBlock;  // the last block overlaps the one before it
  return done + copy_clean_block(to + done, from + done);
}

// At most 6 bytes.
char* escape_to(char* to, char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '\b':
      *to++ = 'b';
      break;
    case '\f':
      *to++ = 'f';
      break;
    case '\n':
      *to++ = 'n';
      break;
    case '\r':
      *to++ = 'r';
      break;
    case '\t':
      *to++ = 't';
      break;
    case '"':
    case '\\':
      *to++ = c;
      break;
    default:
      to = std::copy_n("u00", 3, to);
      *to++ = kDigits[static_cast<std::uint8_t>(c) >> 4];
      *to++ = kDigits[static_cast<std::uint8_t>(c) & 15];
  }
  return to;
}

// The rest of a string, whose first byte needs an escape, and the closing quote; out of the way of the many
// strings that have no such byte.
[[gnu::noinline]] void append_escaped(OutBuffer& out, std::string_view rest) {
  const char* from = rest.data();
  std::size_t left = rest.size();
  while (left != 0) {
    char* to = escape_to(out.reserve(left + 6), *from++);
    const std::size_t clean = copy_clean(to, from, --left);
    from += clean;
    left -= clean;
    out.commit(to + clean);
  }
  out.append('"');
}

}  // namespace

void append_json_string(OutBuffer& out, std::string_view utf8) {
  char* const to = out.reserve(utf8.size() + 2);
  *to = '"';
  const std::size_t clean = copy_clean(to + 1, utf8.data(), utf8.size());
  char* const end = to + 1 + clean;
  if (clean == utf8.size()) [[likely]] {
    *end = '"';
    return out.commit(end + 1);
  }
  out.commit(end);
  append_escaped(out, utf8.substr(clean));
}

bool is_valid_utf8(std::string_view bytes) {
  const char* from = bytes.data();
  std::size_t left = bytes.size();
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(from[i]); };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  while (left > 0) {
    std::size_t width = 1;
    if (left >= 8 && (load<std::uint64_t>(from) & 0x8080808080808080ULL) == 0) {
      width = 8;
    } else if (byte(0) >= 0x80) {
      const std::uint8_t first = byte(0);
      width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
      if (first < 0xc2 || first > 0xf4 || width > left) return false;
      for (std::size_t i = 1; i < width; ++i) {
        if (!continues(i)) return false;
      }
      // Overlong forms, surrogates and code points past U+10FFFF show in the second byte.
      if (first == 0xe0 && byte(1) < 0xa0) return false;
      if (first == 0xed && byte(1) > 0x9f) return false;
      if (first == 0xf0 && byte(1) < 0x90) return false;
      if (first == 0xf4 && byte(1) > 0x8f) return false;
    }
    from += width;
    left -= width;
  }
  return true;
}

}  // namespace cdc
