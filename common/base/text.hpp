// SPDX-License-Identifier: Apache-2.0
// Small text functions used on every floor: numbers and base64 into an OutBuffer, JSON string escaping,
// sizes, durations and globs of the command line. Nothing here depends on the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/bytes.hpp"

namespace cdc {

void append_int(OutBuffer& out, std::int64_t value);
void append_uint(OutBuffer& out, std::uint64_t value);
// `value` (< 10^width) with leading zeros to exactly `width` digits.
void append_padded(OutBuffer& out, std::uint32_t value, int width);
// Shortest digits that read back as the same number, laid out as MySQL prints numbers: 100000, 0.00001, 1.5e16.
// DataError for NaN and infinities, which MySQL does not store and JSON cannot say.
void append_double(OutBuffer& out, double value);
void append_float(OutBuffer& out, float value);
void append_base64(OutBuffer& out, ByteView bytes);
// `utf8`, which must be well formed, between quotes; escapes quote, backslash and control characters, leaves
// all else as it is.
void append_json_string(OutBuffer& out, std::string_view utf8);

std::string to_base64(ByteView bytes);
// nullopt when `text` is not canonical base64.
std::optional<std::string> from_base64(std::string_view text);
std::string to_hex(ByteView bytes);

// Whether `bytes` is well-formed UTF-8 (no surrogates, at most U+10FFFF).
bool is_valid_utf8(std::string_view bytes);

// All of `text` as a decimal number without sign or blanks; nullopt otherwise or on overflow.
std::optional<std::uint64_t> parse_uint(std::string_view text);
// "64M" → 67108864; suffixes k, M, G in either case are powers of 1024. nullopt when malformed or too large.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "10s" → 10000 milliseconds; suffixes ms, s, m, h; a bare number is seconds. nullopt when malformed or too large.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);
// RFC 3339 ("2026-11-21T10:00:00Z", with offset and fraction; digits beyond milliseconds are dropped) or epoch
// milliseconds → epoch milliseconds. nullopt when malformed, also without an offset: no local time is guessed.
std::optional<std::int64_t> parse_timestamp_ms(std::string_view text);

// Shell-style match of all of `text`: * matches any characters, ? one (of UTF-8), [a-z] one ASCII character of a
// set, [!a-z] one that is not in it; a backslash quotes the next character. Case matters. A [ without ] is itself.
bool glob_match(std::string_view pattern, std::string_view text);
// The parts between separators; "" has one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
// Without blanks, tabs and line ends on either side.
std::string_view trim(std::string_view text);
// A-Z to a-z, other bytes as they are.
std::string lower_ascii(std::string_view text);

}  // namespace cdc
