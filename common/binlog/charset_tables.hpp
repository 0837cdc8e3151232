// SPDX-License-Identifier: Apache-2.0
// What the server makes of the bytes of its older character sets, in Unicode. Single-byte sets are whole tables;
// of the multi-byte ones, where the C library's iconv has nearly the server's table, only the difference is told.
// charset_tables.cpp is generated from a running server by scripts/make-charset-tables.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace cdc {

// Bytes 0x80 to 0xff; 0 where there is no character. The lower half is ASCII but in `exceptions` (swe7).
struct SingleByteCharset {
  std::string_view name;
  std::array<char16_t, 128> upper;
  std::span<const struct CodeRun> exceptions;
};

// Codes `first` to `last` (their bytes as one number, high byte first) are `unicode` and what follows it, or no
// character at all when that is 0.
struct CodeRun {
  std::uint32_t first, last;
  char16_t unicode;
};

struct MultiByteCharset {
  std::string_view name;
  const char* iconv_name;
  std::span<const CodeRun> exceptions;
};

std::span<const SingleByteCharset> single_byte_charsets();
std::span<const MultiByteCharset> multi_byte_charsets();

}  // namespace cdc
