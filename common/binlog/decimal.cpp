// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/decimal.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>

namespace cdc {

namespace {

constexpr unsigned kGroupDigits = 9;
constexpr std::size_t kGroupBytes = 4;
constexpr unsigned kMaxPrecision = 65, kMaxScale = 30;
constexpr std::size_t kMaxBytes = 32;

// Bytes of a group of 0..9 digits, and the number that it must stay below.
constexpr std::array<std::uint8_t, kGroupDigits + 1> kBytes{0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr std::array<std::uint32_t, kGroupDigits + 1> kLimit{
    1, 10, 100, 1000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

constexpr std::array<char, 200> two_digit_table() {
  std::array<char, 200> table{};
  for (std::size_t i = 0; i < 100; ++i) {
    table[2 * i] = static_cast<char>('0' + i / 10);
    table[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return table;
}
constexpr auto kTwoDigits = two_digit_table();

// `value` with leading zeros in exactly `digits` characters.
char* put_digits(char* out, std::uint32_t value, unsigned digits) {
  char* const end = out + digits;
  char* at = end;
  for (; at - out >= 2; value /= 100) {
    at -= 2;
    std::memcpy(at, &kTwoDigits[std::size_t{2} * (value % 100)], 2);
  }
  if (at != out) *out = static_cast<char>('0' + value);
  return end;
}

// Walks over the digit groups of one number, whose sign and inversion are already taken away.
class Groups {
 public:
  Groups(const std::uint8_t* at, const ByteReader& reader) : at_(at), reader_(&reader) {}

  std::uint32_t next(unsigned digits) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < kBytes[digits]; ++i) value = (value << 8) | *at_++;
    if (value >= kLimit[digits]) [[unlikely]]
      reader_->fail("DECIMAL with a digit group out of range");
    return value;
  }

 private:
  const std::uint8_t* at_;
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
      out = std::to_chars(out, out + kGroupDigits, value).ptr;
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

  std::array<std::uint8_t, kMaxBytes> plain;
  const bool negative = (stored[0] & 0x80) == 0;
  const std::uint8_t inversion = negative ? 0xff : 0;
  for (std::size_t i = 0; i < size; ++i) plain[i] = stored[i] ^ inversion;
  plain[0] ^= 0x80;

  Groups groups(plain.data(), reader);
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
