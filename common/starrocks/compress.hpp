// SPDX-License-Identifier: Apache-2.0
// Compression of a load's body, as StarRocks takes it since 3.2.7 (header `compression`). The same body gives the same
// bytes as long as the library is the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/starrocks/batch.hpp"

namespace cdc::starrocks {

enum class Compression : std::uint8_t { none, gzip, lz4, zstd };
std::optional<Compression> parse_compression(std::string_view text);  // "none", "gzip", "lz4", "zstd"

// The value of the `compression` header, "" for none.
std::string_view compression_header(Compression compression);

// All of `body`; not for none. Error(software) when a library fails.
std::string compress(const Body& body, Compression compression);

}  // namespace cdc::starrocks
