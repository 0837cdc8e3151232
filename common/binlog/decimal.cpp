// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/decimal.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "common/base/digits.hpp"

namespace cdc {

namespace {

constexpr unsigned kGroupDigits = 9;
constexpr unsigned kGroupBytes = 4;
constexpr unsigned kMaxPrecision = 65, kMaxScale = 30;

// Bytes of a group of 0..9 digits.
constexpr std::array<std::uint8_t, kGroupDigits + 1> kBytes{0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

// Walks over the digit groups of one number, and takes away sign and inversion.
class Groups {
 public:
  // `stored` is not empty.
  Groups(ByteView stored, const ByteReader& reader)
      : at_(stored.data()), flip_((stored[0] & 0x80) == 0 ? ~0U : 0U), sign_(0x80000000), reader_(&reader) {}

  bool is_negative() const { return flip_ != 0; }

  // Of `digits` 1..9.
  std::uint32_t next(unsigned digits) {
    const unsigned size = kBytes[digits];
    std::uint32_t value = 0;
    if (size == kGroupBytes) {
      std::memcpy(&value, at_, kGroupBytes);
      value = __builtin_bswap32(value);
    } else {
      for (unsigned i = 0; i < size; ++i) value = (value << 8) | at_[i];
    }
    at_ += size;
    const unsigned unused = 8 * (kGroupBytes - size);
    value ^= (flip_ ^ std::exchange(sign_, 0)) >> unused;
    if (value >= kPowersOfTen[digits]) [[unlikely]]
      reader_->fail("DECIMAL with a digit group out of range");
    return value;
  }

 private:
  const std::uint8_t* at_;
  std::uint32_t flip_, sign_;
  const ByteReader* reader_;
};

// The integer part without leading zeros, at least "0".
char* put_integer(char* out, Groups& groups, unsigned digits) {
  char* const begin = out;
  for (unsigned left = digits; left != 0;) {
    const unsigned count = left % kGroupDigits == 0 ? kGroupDigits : left % kGroupDigits;
    left -= count;
    const std::uint32_t value = groups.next(count);
    if (out != begin)
      out = put_digits(out, value, count);
    else if (value != 0)
      out = put_uint(out, value);
  }
  if (out == begin) *out++ = '0';
  return out;
}

char* put_fraction(char* out, Groups& groups, unsigned digits) {
  for (unsigned left = digits; left != 0;) {
    const unsigned count = left < kGroupDigits ? left : kGroupDigits;
    left -= count;
    out = put_digits(out, groups.next(count), count);
  }
  return out;
}

bool is_zero(const char* begin, const char* end) {
  for (; begin != end; ++begin)
    if (*begin != '0' && *begin != '.') return false;
  return true;
}

// Sign, the zero and the point of "-0.5" around the digits.
constexpr std::size_t kMaxText = kMaxPrecision + 3;

// Writes at most kMaxText characters at `out` and returns the end.
char* put_decimal(char* out, ByteReader& reader, unsigned precision, unsigned scale) {
  const std::size_t size = decimal_size(precision, scale);
  if (size == 0)
    reader.fail("no such type: DECIMAL(" + std::to_string(precision) + "," + std::to_string(scale) + ")");
  const ByteView stored = reader.bytes(size);

  Groups groups(stored, reader);
  const bool negative = groups.is_negative();
  char* const digits = negative ? out + 1 : out;
  char* end = put_integer(digits, groups, precision - scale);
  if (scale != 0) {
    *end++ = '.';
    end = put_fraction(end, groups, scale);
  }
  if (!negative) return end;
  if (is_zero(digits, end)) {
    std::memmove(out, digits, static_cast<std::size_t>(end - digits));
    return end - 1;
  }
  *out = '-';
  return end;
}

}  // namespace

std::size_t decimal_size(unsigned precision, unsigned scale) {
  if (precision == 0 || precision > kMaxPrecision || scale > kMaxScale || scale > precision) return 0;
  const unsigned whole = precision - scale;
  return (whole / kGroupDigits + scale / kGroupDigits) * kGroupBytes + kBytes[whole % kGroupDigits] +
         kBytes[scale % kGroupDigits];
}

std::string_view read_decimal(ByteReader& reader, unsigned precision, unsigned scale, Arena& arena) {
  char* const text = arena.allocate(kMaxText);
  const auto size = static_cast<std::size_t>(put_decimal(text, reader, precision, scale) - text);
  arena.give_back(kMaxText - size);
  return {text, size};
}

void append_decimal(OutBuffer& out, ByteReader& reader, unsigned precision, unsigned scale) {
  out.commit(put_decimal(out.reserve(kMaxText), reader, precision, scale));
}

}  // namespace cdc
