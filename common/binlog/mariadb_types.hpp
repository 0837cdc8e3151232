// SPDX-License-Identifier: Apache-2.0
// Column types that only MariaDB has: COMPRESSED VARCHAR and BLOB (sql/field.cc), and the fixed-length INET4, INET6
// and UUID (plugin/type_inet, plugin/type_uuid), which rows events carry as BINARY.
#pragma once

#include <optional>
#include <string_view>

#include "common/base/buffer.hpp"
#include "common/base/bytes.hpp"

namespace cdc {

// The plain bytes of a COMPRESSED column's value, a view of `stored` or in `arena`. DecodeError when the method is
// unknown or the stream broken.
ByteView mariadb_uncompress(ByteView stored, Arena& arena);

// The text of a value of the column type named `type_text` ("inet4", "inet6", "uuid"; nullopt for any other) as
// SELECT prints it, in `arena`. nullopt also when `bytes` has another length than the type.
std::optional<std::string_view> mariadb_address_text(std::string_view type_text, ByteView bytes, Arena& arena);

}  // namespace cdc
