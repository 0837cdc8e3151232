// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/charset.hpp"

#include <iconv.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "common/base/bytes.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/binlog/charset_tables.hpp"
#include "common/binlog/collation.hpp"

namespace cdc {

namespace {

enum class Scheme { utf8, table, utf16be, utf16le, utf32 };

// Linear numbers of gb18030's four-byte codes: the first ones are the rest of the BMP, by table; from
// kGbSupplementary on they are U+10000 and up.
constexpr std::uint32_t kGbBmp = 50'400, kGbSupplementary = 189'000;

std::uint32_t gb_linear(const std::uint8_t* at) {
  return ((at[0] - 0x81U) * 10 + (at[1] - 0x30U)) * 1260 + (at[2] - 0x81U) * 10 + (at[3] - 0x30U);
}
bool is_gb_four(const std::uint8_t* at) {
  const auto in = [](std::uint8_t byte, int low, int high) { return byte >= low && byte <= high; };
  return in(at[0], 0x81, 0xfe) && in(at[1], 0x30, 0x39) && in(at[2], 0x81, 0xfe) && in(at[3], 0x30, 0x39);
}

std::uint32_t gb_code(std::uint32_t linear) {
  return (0x81 + linear / 12600) << 24 | (0x30 + linear / 1260 % 10) << 16 | (0x81 + linear / 10 % 126) << 8 |
         (0x30 + linear % 10);
}

}  // namespace

struct Charset {
  std::string name;
  Scheme scheme = Scheme::utf8;
  bool ascii = true;  // bytes below 0x80 are ASCII, alone and wherever a character begins
  // Of Scheme::table; 0 where there is no character. Codes of one byte, of two, of three (behind 0x8f), of
  // four.
  std::array<char16_t, 256> one{};
  std::vector<char16_t> two, three, four;

  void set(std::uint32_t code, char16_t unicode);
  void set(const CodeRun& run) {
    for (std::uint32_t i = 0; i <= run.last - run.first; ++i)
      set(run.first + i, static_cast<char16_t>(run.unicode == 0 ? 0 : run.unicode + i));
  }
};

void Charset::set(std::uint32_t code, char16_t unicode) {
  if (code <= 0xff) {
    one[code] = unicode;
  } else if (code <= 0xffff) {
    two[code] = unicode;
  } else if (code <= 0xffffff) {
    three[code & 0xffff] = unicode;
  } else {
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(code >> 24),
                                  static_cast<std::uint8_t>(code >> 16), static_cast<std::uint8_t>(code >> 8),
                                  static_cast<std::uint8_t>(code)};
    four[gb_linear(bytes)] = unicode;
  }
}

namespace {

class Iconv {
 public:
  explicit Iconv(const MultiByteCharset& charset) : descriptor_(iconv_open("UTF-32LE", charset.iconv_name)) {
    if (descriptor_ == reinterpret_cast<iconv_t>(-1))  // NOLINT(performance-no-int-to-ptr): POSIX says so
      throw ConfigError("the C library cannot convert character set " + std::string(charset.name) +
                        " (iconv " + charset.iconv_name + " is not installed)");
  }
  Iconv(const Iconv&) = delete;
  Iconv& operator=(const Iconv&) = delete;
  ~Iconv() { iconv_close(descriptor_); }

  // The character that `code` is, 0 when it is none, several, or outside of the BMP.
  char16_t character(std::uint32_t code) {
    std::array<char, 4> bytes;
    std::size_t left = 0;
    for (int shift = code > 0xffffff ? 24 : code > 0xffff ? 16 : code > 0xff ? 8 : 0; shift >= 0; shift -= 8)
      bytes[left++] = static_cast<char>(code >> shift);
    std::array<std::uint32_t, 4> characters{};
    char* from = bytes.data();
    char* to = reinterpret_cast<char*>(characters.data());
    std::size_t room = sizeof characters;
    iconv(descriptor_, nullptr, nullptr, nullptr, nullptr);
    const std::size_t done = iconv(descriptor_, &from, &left, &to, &room);
    const bool is_one = done != static_cast<std::size_t>(-1) && left == 0 && room == sizeof characters - 4;
    return is_one && characters[0] <= 0xffff ? static_cast<char16_t>(characters[0]) : char16_t{0};
  }

 private:
  iconv_t descriptor_;
};

// A decoded character, or bytes that are none.
struct Step {
  char32_t character;
  std::size_t length;
  bool good = true;
};
constexpr Step bad(std::size_t length) {
  return {0xfffd, length, false};
}

char* put_utf8(char* out, char32_t c) {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
  } else if (c < 0x800) {
    *out++ = static_cast<char>(0xc0 | (c >> 6));
    *out++ = static_cast<char>(0x80 | (c & 63));
  } else if (c < 0x10000) {
    *out++ = static_cast<char>(0xe0 | (c >> 12));
    *out++ = static_cast<char>(0x80 | ((c >> 6) & 63));
    *out++ = static_cast<char>(0x80 | (c & 63));
  } else {
    *out++ = static_cast<char>(0xf0 | (c >> 18));
    *out++ = static_cast<char>(0x80 | ((c >> 12) & 63));
    *out++ = static_cast<char>(0x80 | ((c >> 6) & 63));
    *out++ = static_cast<char>(0x80 | (c & 63));
  }
  return out;
}

// The steps: each is given what is left, at least one byte.

Step utf8_step(ByteView left) {
  const std::uint8_t first = left[0];
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length > left.size() || !is_valid_utf8(as_text(left.first(length)))) return bad(1);
  constexpr std::array<std::uint8_t, 5> kMask{0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t c = first & kMask[length];
  for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (left[i] & 63U);
  return {c, length};
}

Step utf16_step(ByteView left, bool little) {
  if (left.size() < 2) return bad(left.size());
  const auto unit = [&](std::size_t at) {
    return static_cast<char32_t>(little ? left[at] | left[at + 1] << 8 : left[at] << 8 | left[at + 1]);
  };
  const char32_t first = unit(0);
  if (first < 0xd800 || first > 0xdfff) return {first, 2};
  if (first > 0xdbff || left.size() < 4) return bad(2);
  const char32_t second = unit(2);
  if (second < 0xdc00 || second > 0xdfff) return bad(2);
  return {0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 4};
}

Step utf32_step(ByteView left) {
  if (left.size() < 4) return bad(left.size());
  const char32_t c = static_cast<char32_t>(left[0]) << 24 | static_cast<char32_t>(left[1]) << 16 |
                     static_cast<char32_t>(left[2]) << 8 | left[3];
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return bad(4);
  return {c, 4};
}

Step table_step(const Charset& charset, ByteView left) {
  const std::uint8_t first = left[0];
  if (first == 0 || charset.one[first] != 0) return {charset.one[first], 1};
  if (charset.two.empty() || left.size() < 2) return bad(1);
  if (const char16_t c = charset.two[static_cast<std::size_t>(first << 8 | left[1])]) return {c, 2};
  if (!charset.three.empty() && first == 0x8f && left.size() >= 3)
    if (const char16_t c = charset.three[static_cast<std::size_t>(left[1] << 8 | left[2])]) return {c, 3};
  if (!charset.four.empty() && left.size() >= 4 && is_gb_four(left.data())) {
    const std::uint32_t linear = gb_linear(left.data());
    if (linear < kGbBmp && charset.four[linear] != 0) return {charset.four[linear], 4};
    if (linear >= kGbSupplementary && linear - kGbSupplementary <= 0xfffff)
      return {linear - kGbSupplementary + 0x10000, 4};
    return bad(4);
  }
  return bad(left[1] < 0x80 ? 1 : 2);
}

[[noreturn]] void fail(std::string_view charset, ByteView bytes) {
  constexpr std::size_t kShown = 8;
  throw DataError("not " + std::string(charset) + " text: bytes " +
                  to_hex(bytes.first(std::min(bytes.size(), kShown))) + (bytes.size() > kShown ? "…" : ""));
}

// `step` gives the character at the start of a view. At most three bytes come from one, four from four.
template <typename StepFunction>
std::string_view convert(std::string_view charset, BadText bad_text, std::string_view text, Arena& arena,
                         StepFunction step) {
  const std::size_t room = 3 * text.size();
  char* const begin = arena.allocate(room);
  char* out = begin;
  for (ByteView left = as_bytes(text); !left.empty();) {
    const Step next = step(left);
    if (!next.good && bad_text == BadText::refuse) fail(charset, left);
    out = put_utf8(out, next.character);
    left = left.subspan(next.length);
  }
  const auto size = static_cast<std::size_t>(out - begin);
  arena.give_back(room - size);
  return {begin, size};
}

template <typename T>
std::uint64_t load(const char* at) {
  T word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Words at a time; the last ones overlap those before.
bool is_ascii(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  std::uint64_t bits = 0;
  if (text.size() >= 8) {
    for (; end - at > 32; at += 32)
      bits |= load<std::uint64_t>(at) | load<std::uint64_t>(at + 8) | load<std::uint64_t>(at + 16) |
              load<std::uint64_t>(at + 24);
    for (; end - at > 8; at += 8) bits |= load<std::uint64_t>(at);
    bits |= load<std::uint64_t>(end - 8);
  } else if (text.size() >= 4) {
    bits = load<std::uint32_t>(at) | load<std::uint32_t>(end - 4);
  } else {
    for (; at != end; ++at) bits |= static_cast<std::uint8_t>(*at);
  }
  return (bits & 0x8080808080808080U) == 0;
}

std::unique_ptr<Charset> make_single(const SingleByteCharset& source) {
  auto charset = std::make_unique<Charset>();
  charset->scheme = Scheme::table;
  for (unsigned i = 0; i < 0x80; ++i) charset->one[i] = static_cast<char16_t>(i);
  std::copy(source.upper.begin(), source.upper.end(), charset->one.begin() + 0x80);
  for (const CodeRun& run : source.exceptions) charset->set(run);
  charset->ascii = source.exceptions.empty();
  return charset;
}

// A few thousand to a hundred thousand calls of iconv, once in the life of a decoder.
std::unique_ptr<Charset> make_multi(const MultiByteCharset& source) {
  auto charset = std::make_unique<Charset>();
  charset->scheme = Scheme::table;
  Iconv iconv(source);
  for (std::uint32_t i = 0; i <= 0xff; ++i) charset->one[i] = iconv.character(i);
  charset->two.resize(0x10000);
  for (std::uint32_t lead = 0x81; lead <= 0xfe; ++lead)
    for (std::uint32_t code = lead << 8 | 0x40; code <= (lead << 8 | 0xfe); ++code)
      charset->two[code] = iconv.character(code);
  if (source.name == "ujis" || source.name == "eucjpms") {
    charset->three.resize(0x10000);
    for (std::uint32_t code = 0x8fa1a1; code <= 0x8ffefe; ++code) charset->set(code, iconv.character(code));
  }
  if (source.name == "gb18030") {
    charset->four.resize(kGbBmp);
    for (std::uint32_t i = 0; i < kGbBmp; ++i) charset->four[i] = iconv.character(gb_code(i));
  }
  for (const CodeRun& run : source.exceptions) charset->set(run);
  return charset;
}

std::unique_ptr<Charset> make_unicode(Scheme scheme) {
  auto charset = std::make_unique<Charset>();
  charset->scheme = scheme;
  charset->ascii = scheme == Scheme::utf8;
  return charset;
}

std::unique_ptr<Charset> make_charset(std::string_view name) {
  if (name == "utf8mb4" || name == "utf8mb3" || name == "utf8" || name == "binary")
    return make_unicode(Scheme::utf8);
  if (name == "utf16" || name == "ucs2") return make_unicode(Scheme::utf16be);
  if (name == "utf16le") return make_unicode(Scheme::utf16le);
  if (name == "utf32") return make_unicode(Scheme::utf32);
  if (name == "ascii") return make_single({"ascii", {}, {}});
  for (const SingleByteCharset& source : single_byte_charsets())
    if (source.name == name) return make_single(source);
  for (const MultiByteCharset& source : multi_byte_charsets())
    if (source.name == name) return make_multi(source);
  throw DataError("character set " + std::string(name) + " is not known");
}

}  // namespace

TextDecoder::TextDecoder(BadText bad_text) : bad_text_(bad_text) {}
TextDecoder::~TextDecoder() = default;
TextDecoder::TextDecoder(TextDecoder&&) noexcept = default;
TextDecoder& TextDecoder::operator=(TextDecoder&&) noexcept = default;

const Charset& TextDecoder::find(std::string_view name) {
  for (const auto& charset : charsets_)
    if (charset->name == name) return *charset;
  std::unique_ptr<Charset> made = make_charset(name);
  made->name = name;
  return *charsets_.emplace_back(std::move(made));
}

const Charset& TextDecoder::find(std::uint16_t collation) {
  if (collation < by_collation_.size() && by_collation_[collation] != nullptr)
    return *by_collation_[collation];
  const CharacterSet* const known = find_charset(collation);
  if (known == nullptr) throw DataError("collation " + std::to_string(collation) + " is not known");
  if (collation >= by_collation_.size()) by_collation_.resize(collation + std::size_t{1});
  by_collation_[collation] = &find(known->name);
  return *by_collation_[collation];
}

std::string_view TextDecoder::decode(const Charset& charset, std::string_view bytes, Arena& arena) const {
  if (charset.ascii && is_ascii(bytes)) return bytes;
  switch (charset.scheme) {
    case Scheme::utf8:
      if (is_valid_utf8(bytes)) return bytes;
      return convert(charset.name, bad_text_, bytes, arena, utf8_step);
    case Scheme::table:
      return convert(charset.name, bad_text_, bytes, arena,
                     [&](ByteView left) { return table_step(charset, left); });
    case Scheme::utf16be:
      return convert(charset.name, bad_text_, bytes, arena,
                     [](ByteView left) { return utf16_step(left, false); });
    case Scheme::utf16le:
      return convert(charset.name, bad_text_, bytes, arena,
                     [](ByteView left) { return utf16_step(left, true); });
    case Scheme::utf32:
      return convert(charset.name, bad_text_, bytes, arena, utf32_step);
  }
  return bytes;  // not reached
}

std::string_view TextDecoder::decode(std::string_view charset, std::string_view bytes, Arena& arena) {
  return decode(find(charset), bytes, arena);
}

std::string_view TextDecoder::decode(std::uint16_t collation, std::string_view bytes, Arena& arena) {
  return decode(find(collation), bytes, arena);
}

}  // namespace cdc
