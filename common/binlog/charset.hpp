// SPDX-License-Identifier: Apache-2.0
// TextDecoder: bytes of a column in any of the server's character sets to UTF-8, as the server's own
// CONVERT(… USING utf8mb4) does it. utf8mb4, utf8mb3 and ascii are validated and passed on as views of the
// given bytes; other results live in the given Arena. One decoder per thread: it keeps the conversion tables
// of the multi-byte character sets that it has met.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/base/buffer.hpp"

namespace cdc {

// What becomes of bytes that are no text in their character set: an error, or U+FFFD.
enum class BadText : std::uint8_t { refuse, replace };

struct Charset;  // how one character set is converted (charset.cpp)

class TextDecoder {
 public:
  explicit TextDecoder(BadText bad_text = BadText::refuse);
  ~TextDecoder();
  TextDecoder(TextDecoder&&) noexcept;
  TextDecoder& operator=(TextDecoder&&) noexcept;

  // `charset` is the server's name: "utf8mb4", "latin1", "gbk". DataError when it is not known, and under
  // BadText::refuse when `bytes` cannot be converted (the message holds the bytes, not the column). ConfigError
  // when the C library lacks a conversion.
  std::string_view decode(std::string_view charset, std::string_view bytes, Arena& arena);
  // The same by collation id, as columns carry it.
  std::string_view decode(std::uint16_t collation, std::string_view bytes, Arena& arena);

 private:
  const Charset& find(std::string_view name);
  const Charset& find(std::uint16_t collation);
  std::string_view decode(const Charset& charset, std::string_view bytes, Arena& arena) const;

  BadText bad_text_;
  std::vector<std::unique_ptr<Charset>> charsets_;  // those met so far
  std::vector<const Charset*> by_collation_;        // nullptr: not met yet
};

}  // namespace cdc
