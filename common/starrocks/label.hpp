// SPDX-License-Identifier: Apache-2.0
// Labels: the name under which StarRocks remembers a load. A label is bound to its content: the same changes for the
// same table between the same marks get the same label in every run, and anything else gets another one. So "label
// already exists" means that this very load has been made.
#pragma once

#include <string>
#include <string_view>

#include "common/model/checkpoint.hpp"
#include "common/starrocks/batch.hpp"

namespace cdc::starrocks {

// SHA-256 of the body and, where there is one, of the `columns` header that says what StarRocks makes of it, 64 hex digits.
std::string load_sha256(const Body& body, std::string_view columns);

// "PREFIX_" and 40 hex digits. `target` is "db.table".
std::string make_label(std::string_view prefix, std::string_view job, std::string_view target, const Mark& from,
                       const Mark& to, std::string_view sha256);

// Whether labels may begin so: 1 to 80 of letters, digits, - and _ (FeNameFormat allows 128 in all).
bool is_label_prefix(std::string_view text);

}  // namespace cdc::starrocks
