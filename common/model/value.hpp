// SPDX-License-Identifier: Apache-2.0
// Value: one column's value as the change records tell it, whatever it was read from (a row image of the
// binlog or a result row of a snapshot). It owns nothing: views point into the event or into the Arena given
// to the decoder, and live until the next row is decoded.
#pragma once

#include <cstdint>
#include <string_view>

namespace cdc {

struct Value {
  enum class Kind : std::uint8_t {
    absent,     // not in this row image (binlog_row_image MINIMAL or NOBLOB)
    null,       // SQL NULL
    int64,      // signed integers
    uint64,     // unsigned integers, YEAR, BIT
    float32,    // FLOAT
    float64,    // DOUBLE
    decimal,    // `text`: "-12.30", declared scale kept
    date,       // `temporal`
    time,       // `temporal`, hour 0..838, `negative`
    datetime,   // `temporal`; DATETIME, and pre-converted TIMESTAMP zero values
    timestamp,  // `timestamp`: UTC; the writer converts to the asked time zone
    text,       // `text`: well-formed UTF-8
    bytes,      // `text`: raw bytes
    json,       // `text`: JSON as the server prints it (", " and ": "); "null" is the JSON null
    geometry,   // `text`: 4 bytes SRID, then WKB
    vector,     // `text`: little-endian float32s
  };

  // Zero and partial-zero dates are kept as they are.
  struct Temporal {
    std::uint16_t year;
    std::uint16_t hour;
    std::uint8_t month, day, minute, second;
    std::uint32_t microsecond;
  };
  struct Timestamp {
    std::int64_t seconds;  // since 1970-01-01 00:00:00 UTC
    std::uint32_t microsecond;
  };

  Kind kind = Kind::absent;
  std::uint8_t fsp = 0;   // fractional digits to print, 0..6
  bool negative = false;  // TIME only
  union {
    std::int64_t i64;
    std::uint64_t u64;
    float f32;
    double f64;
    std::string_view text;
    Temporal temporal;
    Timestamp timestamp;
  };

  constexpr Value() : i64(0) {}

  bool is_null() const { return kind == Kind::null; }
  bool is_absent() const { return kind == Kind::absent; }

  static Value of_null() { return with(Kind::null); }
  static Value of_int(std::int64_t v) {
    Value value = with(Kind::int64);
    value.i64 = v;
    return value;
  }
  static Value of_uint(std::uint64_t v) {
    Value value = with(Kind::uint64);
    value.u64 = v;
    return value;
  }
  static Value of_float(float v) {
    Value value = with(Kind::float32);
    value.f32 = v;
    return value;
  }
  static Value of_double(double v) {
    Value value = with(Kind::float64);
    value.f64 = v;
    return value;
  }
  // decimal, text, bytes, json, geometry, vector
  static Value of_text(Kind kind, std::string_view v) {
    Value value = with(kind);
    value.text = v;
    return value;
  }

 private:
  static Value with(Kind kind) {
    Value value;
    value.kind = kind;
    return value;
  }
};

static_assert(sizeof(Value) <= 32, "rows are arrays of values; keep them small");

}  // namespace cdc
