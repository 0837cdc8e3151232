// SPDX-License-Identifier: Apache-2.0
// ByteReader: a span and a cursor. Every read first checks that enough bytes are left, then advances;
// otherwise it throws DecodeError with the offset and leaves the cursor where it was. Little endian unless
// the name says `be`. The reader owns nothing: views it returns live as long as the bytes it was given.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "common/base/error.hpp"

namespace cdc {

static_assert(std::endian::native == std::endian::little, "the decoders read little-endian bytes in place");

using ByteView = std::span<const std::uint8_t>;

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class ByteReader {
 public:
  ByteReader() = default;
  // `base` is the offset of the first byte in the whole (an event, a file), for error messages.
  explicit ByteReader(ByteView bytes, std::size_t base = 0)
      : begin_(bytes.data()), cursor_(begin_), end_(begin_ + bytes.size()), base_(base) {}

  std::size_t left() const { return static_cast<std::size_t>(end_ - cursor_); }
  bool at_end() const { return cursor_ == end_; }
  std::size_t offset() const { return base_ + static_cast<std::size_t>(cursor_ - begin_); }
  const std::uint8_t* cursor() const { return cursor_; }
  ByteView rest() const { return {cursor_, left()}; }

  void need(std::size_t count) const {
    if (count > left()) [[unlikely]] fail_short(count);
  }

  std::uint8_t u8() { return fixed<std::uint8_t, 1>(); }
  std::uint16_t u16() { return fixed<std::uint16_t, 2>(); }
  std::uint32_t u24() { return fixed<std::uint32_t, 3>(); }
  std::uint32_t u32() { return fixed<std::uint32_t, 4>(); }
  std::uint64_t u40() { return fixed<std::uint64_t, 5>(); }
  std::uint64_t u48() { return fixed<std::uint64_t, 6>(); }
  std::uint64_t u56() { return fixed<std::uint64_t, 7>(); }
  std::uint64_t u64() { return fixed<std::uint64_t, 8>(); }
  std::int8_t i8() { return static_cast<std::int8_t>(u8()); }
  std::int16_t i16() { return static_cast<std::int16_t>(u16()); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  std::int32_t i24() {
    const std::uint32_t raw = u24();
    return static_cast<std::int32_t>(raw << 8) >> 8;
  }
  float f32() { return std::bit_cast<float>(u32()); }
  double f64() { return std::bit_cast<double>(u64()); }

  // `width` 0..8 bytes, low byte first.
  std::uint64_t u_width(std::size_t width) {
    need(width);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value |= std::uint64_t{cursor_[i]} << (8 * i);
    cursor_ += width;
    return value;
  }
  // `width` 0..8 bytes, high byte first.
  std::uint64_t be_width(std::size_t width) {
    need(width);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = (value << 8) | cursor_[i];
    cursor_ += width;
    return value;
  }

  // The protocol's length-encoded integer (1, 3, 4 or 9 bytes); 0xfb and 0xff are refused.
  std::uint64_t lenenc();

  ByteView bytes(std::size_t count) {
    need(count);
    const ByteView view{cursor_, count};
    cursor_ += count;
    return view;
  }
  std::string_view text(std::size_t count) { return as_text(bytes(count)); }
  std::string_view lenenc_text() { return text(checked_length(lenenc())); }
  // Up to and without the next zero byte, which is consumed.
  std::string_view zero_terminated();
  void skip(std::size_t count) {
    need(count);
    cursor_ += count;
  }
  // A reader over the next `count` bytes, which this one skips; offsets go on counting.
  ByteReader sub(std::size_t count) {
    const std::size_t at = offset();
    return ByteReader(bytes(count), at);
  }

  [[noreturn]] void fail(const std::string& message) const { throw DecodeError(offset(), message); }

 private:
  template <typename T, std::size_t N>
  T fixed() {
    need(N);
    T value = 0;
    std::memcpy(&value, cursor_, N);
    cursor_ += N;
    return value;
  }
  std::size_t checked_length(std::uint64_t length) const {
    if (length > left()) fail_short(length);
    return static_cast<std::size_t>(length);
  }
  [[noreturn]] void fail_short(std::uint64_t count) const;

  const std::uint8_t* begin_ = nullptr;
  const std::uint8_t* cursor_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  std::size_t base_ = 0;
};

}  // namespace cdc
