// SPDX-License-Identifier: Apache-2.0
// The collations of MySQL 5.6–9.7 and MariaDB 10.11 by number, as TABLE_MAP and QUERY events name them. The table
// (collation.cpp) is generated from the servers' information_schema by scripts/make-collations.
#pragma once

#include <cstdint>
#include <string_view>

namespace cdc {

struct Collation {
  std::uint16_t id;
  std::uint8_t mbmaxlen;     // most bytes of a character
  std::string_view charset;  // "utf8mb4"; 5.6's utf8 is called utf8mb3
};

constexpr std::uint16_t kBinaryCollation = 63;

// nullptr when no server of ours has it.
const Collation* find_collation(std::uint32_t id);

}  // namespace cdc
