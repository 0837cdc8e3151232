// SPDX-License-Identifier: Apache-2.0
// The binary form of DECIMAL (strings/decimal.cc, decimal2bin): groups of nine decimal digits in four
// bytes, high byte first, the first byte's top bit flipped, all bits inverted when negative.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/base/buffer.hpp"
#include "common/base/bytes.hpp"

namespace cdc {

// Bytes that DECIMAL(precision, scale) takes; 0 when there is no such type (precision 1..65, scale 0..30, scale <= precision).
std::size_t decimal_size(unsigned precision, unsigned scale);

// Reads a DECIMAL(precision, scale) as the server prints it: "-12.30", "0.50", never "-0.00". The text lives in
// `arena`. DecodeError when there is no such type or a digit group holds too large a number.
std::string_view read_decimal(ByteReader& reader, unsigned precision, unsigned scale, Arena& arena);
// The same, appended to `out`.
void append_decimal(OutBuffer& out, ByteReader& reader, unsigned precision, unsigned scale);

}  // namespace cdc
