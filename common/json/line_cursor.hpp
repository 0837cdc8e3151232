// SPDX-License-Identifier: Apache-2.0
// LineCursor: a place in a line of JSON that is expected to be in one certain form, the one that NativeWriter gives it.
// Each take…() moves behind what it names or says false; then the place means nothing, except that a single character
// may be tried again. What was taken is what a JSON parser would have found there; whoever meets a false leaves the line
// to one. Nothing goes beyond the end of the line, since the control character there is part of no token.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cdc {

class LineCursor {
 public:
  // Bytes behind the control character at the line's end that are read, though not looked at.
  static constexpr std::size_t kPadding = 16;

  // The line ends with a newline or any other control character, with kPadding bytes behind it.
  explicit LineCursor(const char* at) : at_(at) {}

  const char* at() const { return at_; }
  // Whether a byte beyond ASCII was passed: whether that is UTF-8 is left to the caller.
  bool has_high() const { return high_ != 0; }

  bool take(char c) { return *at_ == c && (++at_, true); }
  template <std::size_t Size>
  bool take(const char (&text)[Size]) {
    static_assert(Size - 1 <= kPadding);
    if (std::memcmp(at_, text, Size - 1) != 0) return false;
    at_ += Size - 1;
    return true;
  }

  // A string. Escapes are passed over.
  bool take_string() {
    if (!take('"')) return false;
    for (;;) {
      find_special();
      if (*at_ == '"') return ++at_, true;
      if (*at_ != '\\') return false;
      ++at_;
      if (*at_ == '"' || *at_ == '\\') ++at_;
    }
  }
  // A string without escapes, so that `text` is what stands between its quotes.
  bool take_plain(std::string_view& text) {
    const char* const begin = at_ + 1;
    if (!take_string()) return false;
    text = {begin, static_cast<std::size_t>(at_ - 1 - begin)};
    return text.find('\\') == std::string_view::npos;
  }
  // Likewise, or null.
  template <typename Text>
  bool take_plain_or_null(std::optional<Text>& text) {
    std::string_view plain;
    if (*at_ != '"') return take("null");
    if (!take_plain(plain)) return false;
    text = plain;
    return true;
  }
  // At most 19 digits, which cannot overflow.
  bool take_uint(std::uint64_t& value) {
    const char* const begin = at_;
    value = 0;
    for (; *at_ >= '0' && *at_ <= '9' && at_ - begin < 20; ++at_) value = value * 10 + static_cast<unsigned>(*at_ - '0');
    return at_ != begin && at_ - begin < 20 && (*begin != '0' || at_ - begin == 1);
  }
  bool take_int(std::int64_t& value) {
    const bool negative = take('-');
    std::uint64_t size = 0;
    if (!take_uint(size) || size > INT64_MAX) return false;
    value = negative ? -static_cast<std::int64_t>(size) : static_cast<std::int64_t>(size);
    return true;
  }
  // Any value; of numbers only that they are made of what numbers are made of. `depth`: how many objects and arrays it
  // is in.
  bool take_value(unsigned depth = 0);

 private:
  // Some bytes of text: which of them are a quote, a backslash or a control character, and which are beyond ASCII. The
  // masks have kMaskStep bits a byte, of which one may be set, the first byte's lowest.
  struct Block {
    explicit Block(const char* at);
    std::uint64_t special = 0, high = 0;
  };
#if defined(__SSE2__)
  static constexpr int kBlock = 16, kMaskStep = 1;
#else
  static constexpr int kBlock = 8, kMaskStep = 8;
#endif

  bool take_object(unsigned depth);
  bool take_array(unsigned depth);

  // To the next quote, backslash or control character.
  void find_special() {
    for (;; at_ += kBlock) {
      const Block block(at_);
      if (block.special == 0) {
        high_ |= block.high;
        continue;
      }
      high_ |= block.high & (block.special ^ (block.special - 1));  // up to the special byte
      at_ += std::countr_zero(block.special) / kMaskStep;
      return;
    }
  }

  const char* at_;
  std::uint64_t high_ = 0;
};

#if defined(__SSE2__)
inline LineCursor::Block::Block(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  special = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash))));
  high = static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
}
#else
inline LineCursor::Block::Block(const char* at) {
  for (int i = 0; i < kBlock; ++i) {
    const auto byte = static_cast<unsigned char>(at[i]);
    special |= std::uint64_t{byte < 0x20 || byte == '"' || byte == '\\'} << (kMaskStep * i);
    high |= std::uint64_t{byte >= 0x80} << (kMaskStep * i);
  }
}
#endif

}  // namespace cdc
