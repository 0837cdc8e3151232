// SPDX-License-Identifier: Apache-2.0
#include "common/base/bytes.hpp"

namespace cdc {

void ByteReader::fail_short(std::uint64_t count) const {
  throw DecodeError(offset(), "at offset " + std::to_string(offset()) + ": length " + std::to_string(count) +
                                  " past end (" + std::to_string(left()) + " left)");
}

std::uint64_t ByteReader::lenenc() {
  need(1);
  const std::uint8_t first = *cursor_;
  if (first < 0xfb) {
    ++cursor_;
    return first;
  }
  if (first == 0xfb || first == 0xff) fail("invalid length-encoded integer");
  const std::size_t width = first == 0xfc ? 2 : first == 0xfd ? 3 : 8;
  need(1 + width);
  ++cursor_;
  return u_width(width);
}

std::string_view ByteReader::zero_terminated() {
  const void* zero = left() == 0 ? nullptr : std::memchr(cursor_, 0, left());
  if (zero == nullptr) fail("text without terminating zero");
  const auto length = static_cast<std::size_t>(static_cast<const std::uint8_t*>(zero) - cursor_);
  const std::string_view view = text(length);
  ++cursor_;
  return view;
}

}  // namespace cdc
