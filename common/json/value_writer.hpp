// SPDX-License-Identifier: Apache-2.0
// One column value as JSON, as cdc-changes(5) has it; all envelopes tell values alike.
#pragma once

#include "common/base/buffer.hpp"
#include "common/base/time_zone.hpp"
#include "common/model/value.hpp"

namespace cdc {

// Appends `value`, which is not Kind::absent. Numbers are JSON numbers, DECIMAL a string of its declared
// scale, temporals strings in MySQL's text form with fsp fractional digits (TIMESTAMP in `zone`), text a
// string, bytes a base64 string, JSON itself, GEOMETRY {"srid":…,"wkb":"base64"}, VECTOR an array of numbers.
// DataError when the value has no JSON form: a number that is not finite, a geometry or vector of impossible
// size.
void write_value(OutBuffer& out, const Value& value, const TimeZone& zone);

}  // namespace cdc
