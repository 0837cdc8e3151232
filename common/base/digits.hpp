// SPDX-License-Identifier: Apache-2.0
// Decimal digits of integers, two at a time from a table: rows are mostly numbers, and std::to_chars() is
// several times the work for short ones. Functions write at `to`, check no room, and return the end.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cdc {

constexpr std::array<char, 200> make_digit_pairs() {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}
inline constexpr std::array<char, 200> kDigitPairs = make_digit_pairs();

constexpr std::array<std::uint64_t, 20> make_powers_of_ten() {
  std::array<std::uint64_t, 20> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
inline constexpr std::array<std::uint64_t, 20> kPowersOfTen = make_powers_of_ten();

// `value` < 100 in two digits.
inline char* put_two_digits(char* to, std::uint32_t value) {
  std::memcpy(to, &kDigitPairs[std::size_t{2} * value], 2);
  return to + 2;
}

// `value` (< 10^digits) with leading zeros in exactly `digits` digits.
template <typename Unsigned>
char* put_digits(char* to, Unsigned value, unsigned digits) {
  char* const end = to + digits;
  char* at = end;
  for (; at - to >= 2; value /= 100) put_two_digits(at -= 2, static_cast<std::uint32_t>(value % 100));
  if (at != to) *to = static_cast<char>('0' + value);
  return end;
}

// How many digits `value` has; 1 for 0.
inline unsigned count_digits(std::uint64_t value) {
  value |= 1;  // changes the number of digits of nothing but 0
  // 1233 / 4096 is a little more than log10(2), exact enough for 64 bits.
  const auto at_least = static_cast<unsigned>(std::bit_width(value)) * 1233U >> 12;
  return at_least + (value >= kPowersOfTen[at_least] ? 1U : 0U);
}

// At most 20 characters.
inline char* put_uint(char* to, std::uint64_t value) {
  if (value < 10) {
    *to = static_cast<char>('0' + value);
    return to + 1;
  }
  const unsigned digits = count_digits(value);
  if (value <= UINT32_MAX) return put_digits(to, static_cast<std::uint32_t>(value), digits);
  return put_digits(to, value, digits);
}

}  // namespace cdc
