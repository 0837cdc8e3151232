// SPDX-License-Identifier: Apache-2.0
// Rows events captured from real servers, with what SELECT printed of the same rows (tests/data/rows, written
// by scripts/capture-rows).
#pragma once

#include <string>
#include <string_view>

namespace cdc::test {

// Applies the fixture's events to empty tables: before images must be the rows the tables hold, and at the
// end the tables must be what SELECT printed. Reports through doctest.
void check_fixture(std::string_view name);

// Decodes each rows event of the fixture cut short at every byte and with single bits flipped, `stride` bits
// apart: the outcome must be rows or a cdc::Error.
void damage_fixture(std::string_view name, std::size_t stride = 1);

}  // namespace cdc::test
