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
// Shortest text that reads back as the same number, in JSON's grammar. Not for NaN or infinities, which MySQL does not store.
void append_double(OutBuffer& out, double value);
void append_float(OutBuffer& out, float value);
void append_base64(OutBuffer& out, ByteView bytes);
// `utf8` between quotes; escapes quote, backslash and control characters, leaves all else as it is.
void append_json_string(OutBuffer& out, std::string_view utf8);

std::string to_base64(ByteView bytes);
// nullopt when `text` is not canonical base64.
std::optional<std::string> from_base64(std::string_view text);
std::string to_hex(ByteView bytes);

// Whether `bytes` is well-formed UTF-8 (no surrogates, at most U+10FFFF).
bool is_valid_utf8(std::string_view bytes);

// All of `text` as a decimal number without sign or blanks; nullopt otherwise or on overflow.
std::optional<std::uint64_t> parse_uint(std::string_view text);
// "64M" → 67108864; suffixes k, M, G are powers of 1024. nullopt when malformed.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "10s" → 10000 milliseconds; suffixes ms, s, m, h; a bare number is seconds. nullopt when malformed.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);
// RFC 3339 ("2026-11-21T10:00:00Z", with offset and fraction) or epoch milliseconds → epoch milliseconds.
std::optional<std::int64_t> parse_timestamp_ms(std::string_view text);

// Shell-style match of all of `text`: * and ? match any characters, [a-z] a set, backslash quotes. Case matters.
bool glob_match(std::string_view pattern, std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
// A-Z to a-z, other bytes as they are.
std::string lower_ascii(std::string_view text);

}  // namespace cdc
