// SPDX-License-Identifier: Apache-2.0
// The binary forms of DATE, TIME, DATETIME and TIMESTAMP in row images (mysys/my_time.cc and, for those of
// before 5.6, sql/field.cc), and the packed integers of binary JSON. Every function throws DecodeError when a
// part is out of its range; zero and partial-zero dates are in range.
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/model/value.hpp"

namespace cdc {

// `fsp` is the declared number of fractional digits, 0..6.
Value read_date(ByteReader& reader);
Value read_time2(ByteReader& reader, unsigned fsp);
Value read_datetime2(ByteReader& reader, unsigned fsp);
// Zero is Kind::datetime with all parts zero.
Value read_timestamp2(ByteReader& reader, unsigned fsp);

// The formats of before MySQL 5.6, without fraction.
Value read_time_old(ByteReader& reader);
Value read_datetime_old(ByteReader& reader);
Value read_timestamp_old(ByteReader& reader);

// Bytes of a fraction of `fsp` digits.
constexpr std::size_t fraction_size(unsigned fsp) { return (fsp + 1) / 2; }

// The 64-bit packed forms inside binary JSON (TIME_from_longlong_*_packed); fsp of the result is 6. A DATE
// has the time of day dropped.
Value unpack_time(std::int64_t packed);
Value unpack_datetime(std::int64_t packed);
Value unpack_date(std::int64_t packed);

}  // namespace cdc
