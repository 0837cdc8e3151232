// SPDX-License-Identifier: Apache-2.0
// The collations of MySQL 5.6–9.7 and MariaDB 10.11 by number, as TABLE_MAP and QUERY events name them: all
// that reading needs of one is its character set. The table (collation.cpp) is made from the servers' own
// information_schema by scripts/make-collations.
#pragma once

#include <cstdint>
#include <string_view>

namespace cdc {

struct CharacterSet {
  std::string_view name;  // "utf8mb4"; 5.6's utf8 is called utf8mb3
  std::uint8_t mbmaxlen;  // most bytes of a character
};

constexpr std::uint16_t kBinaryCollation = 63;

// The character set of collation number `collation`; nullptr when none of those servers has it.
const CharacterSet* find_charset(std::uint32_t collation);

}  // namespace cdc
