// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/mariadb_types.hpp"

#include <zlib.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <new>
#include <string>

#include "common/base/error.hpp"

namespace cdc {

namespace {

// One stream, with a zlib head or raw deflate, into exactly `size` bytes.
ByteView inflate_all(ByteView packed, std::size_t size, bool raw, Arena& arena) {
  char* const out = arena.allocate(size);
  z_stream stream{};
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out);
  stream.avail_out = static_cast<uInt>(size);
  if (inflateInit2(&stream, raw ? -MAX_WBITS : MAX_WBITS) != Z_OK) throw std::bad_alloc();
  const int result = inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!whole) throw DecodeError(0, "broken zlib stream of a COMPRESSED column");
  return as_bytes({out, size});
}

char* put_hex(char* out, std::uint32_t value, unsigned digits) {
  for (unsigned shift = 4 * digits; shift != 0; shift -= 4)
    *out++ = "0123456789abcdef"[value >> (shift - 4) & 15];
  return out;
}

char* put_uuid(char* out, ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    out = put_hex(out, bytes[i], 2);
  }
  return out;
}

char* put_inet4(char* out, ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0) *out++ = '.';
    out = std::to_chars(out, out + 3, bytes[i]).ptr;
  }
  return out;
}

// The longest run of zero groups, the first of several, is written "::", be it a single group (unlike
// inet_ntop); an address of which the IPv4 part alone is left after that ends in dotted form.
char* put_inet6(char* out, ByteView bytes) {
  constexpr std::size_t kGroups = 8;
  std::array<std::uint32_t, kGroups> groups;
  for (std::size_t i = 0; i < kGroups; ++i)
    groups[i] = static_cast<std::uint32_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  std::size_t gap = kGroups, gap_length = 0;
  for (std::size_t i = 0; i < kGroups;) {
    std::size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i > gap_length) gap = i, gap_length = end - i;
    i = end + 1;
  }
  const bool dotted = gap == 0 && (gap_length == 6 || (gap_length == 5 && groups[5] == 0xffff));
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (i == gap) {
      if (i == 0) *out++ = ':';
      *out++ = ':';
      i += gap_length - 1;
      continue;
    }
    if (dotted && i == 6) return put_inet4(out, bytes.subspan(12));
    const unsigned digits = groups[i] > 0xfff ? 4 : groups[i] > 0xff ? 3 : groups[i] > 0xf ? 2 : 1;
    out = put_hex(out, groups[i], digits);
    if (i + 1 != kGroups) *out++ = ':';
  }
  return out;
}

}  // namespace

// The first byte: 0, then plain bytes; or method << 4 | raw << 3 | width of the plain length, which follows
// high byte first. An empty value has no first byte.
ByteView mariadb_uncompress(ByteView stored, Arena& arena) {
  constexpr unsigned kZlib = 8;
  constexpr std::uint64_t kBestRatio = 1032;  // of deflate: 258 bytes in two bits
  if (stored.empty()) return stored;
  ByteReader reader(stored);
  const std::uint8_t head = reader.u8();
  if (head == 0) return reader.rest();
  if (head >> 4 != kZlib) reader.fail("COMPRESSED column with unknown method " + std::to_string(head >> 4));
  const std::uint64_t size = reader.be_width(head & 7U);
  if (size > reader.left() * kBestRatio || size > UINT32_MAX)
    reader.fail(std::to_string(reader.left()) + " compressed bytes cannot hold " + std::to_string(size));
  return inflate_all(reader.rest(), size, (head & 8) != 0, arena);
}

std::optional<std::string_view> mariadb_address_text(std::string_view type_text, ByteView bytes,
                                                     Arena& arena) {
  char* (*put)(char*, ByteView) = nullptr;
  if (bytes.size() == 16 && type_text == "uuid") put = put_uuid;
  if (bytes.size() == 16 && type_text == "inet6") put = put_inet6;
  if (bytes.size() == 4 && type_text == "inet4") put = put_inet4;
  if (put == nullptr) return std::nullopt;
  constexpr std::size_t kMost = 48;
  char* const text = arena.allocate(kMost);
  const auto size = static_cast<std::size_t>(put(text, bytes) - text);
  arena.give_back(kMost - size);
  return std::string_view(text, size);
}

}  // namespace cdc
