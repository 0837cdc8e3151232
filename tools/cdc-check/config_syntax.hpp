// SPDX-License-Identifier: Apache-2.0
// The three syntaxes in which connectors are configured, as far as such files use them, read into one flat
// map: "source.MySQL-CDC.startup.mode" → {"specific"}. Any input gives a map or DataError "line N: …".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cdc::check {

// By dotted path; elements of an array are the values, an object within an array has its index in the path.
using FlatConfig = std::map<std::string, std::vector<std::string>>;

// HOCON, and with it JSON: objects, arrays, quoted and bare strings, comments. No includes, no substitutions:
// ${name} stays as it is.
FlatConfig parse_hocon(std::string_view text);
// Block mappings and sequences of scalars: plain, quoted, literal and folded ones (their lines joined by
// blanks); comments; of several documents the first.
FlatConfig parse_yaml(std::string_view text);
// Java properties: key=value or key: value, continued lines, comments.
FlatConfig parse_properties(std::string_view text);

}  // namespace cdc::check
