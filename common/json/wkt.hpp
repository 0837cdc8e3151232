// SPDX-License-Identifier: Apache-2.0
// Well-known text of a geometry: "POINT (3 2)", "POLYGON ((0 0, 1 0, 1 1, 0 0))", as simple features (OGC
// 06-103r4) have it, with a blank behind the name as Maxwell's library writes it.
#pragma once

#include <string_view>

#include "common/base/buffer.hpp"

namespace cdc {

// Appends the text of `wkb`, little-endian well-known binary of two dimensions: what MySQL stores behind the
// SRID. DataError when it is not that.
void append_wkt(OutBuffer& out, std::string_view wkb);

}  // namespace cdc
