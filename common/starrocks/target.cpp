// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/target.hpp"

#include <algorithm>
#include <array>

#include "common/base/text.hpp"

namespace cdc::starrocks {
namespace {

template <std::size_t N>
bool one_of(std::string_view text, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

// Bits that hold every value of an integer type, the sign included; 0 for other types.
unsigned bits_of(const MysqlType& type) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 8> kBits{{{"tinyint", 8},
                                                                        {"smallint", 16},
                                                                        {"mediumint", 24},
                                                                        {"int", 32},
                                                                        {"integer", 32},
                                                                        {"bigint", 64},
                                                                        {"year", 12},
                                                                        {"bit", 0}}};
  for (const auto& [name, bits] : kBits) {
    if (type.base != name) continue;
    if (name == "bit") return static_cast<unsigned>(type.sizes.empty() ? 1 : type.sizes[0]) + 1;
    return bits + (type.is_unsigned ? 1 : 0);
  }
  return 0;
}

unsigned target_bits(std::string_view type) {
  if (type == "TINYINT") return 8;
  if (type == "SMALLINT") return 16;
  if (type == "INT") return 32;
  if (type == "BIGINT") return 64;
  if (type == "LARGEINT") return 128;
  return 0;
}

}  // namespace

MysqlType MysqlType::parse(std::string_view text) {
  const std::string lower = lower_ascii(trim(text));
  MysqlType type;
  type.base = lower.substr(0, lower.find_first_of("( "));
  const std::size_t open = lower.find('('), close = lower.rfind(')');
  if (open != std::string::npos && close != std::string::npos && open < close && type.base != "enum" && type.base != "set")
    for (const std::string_view part : split(std::string_view(lower).substr(open + 1, close - open - 1), ','))
      if (const auto size = parse_uint(trim(part))) type.sizes.push_back(*size);
  const std::string_view rest = close == std::string::npos ? std::string_view(lower) : std::string_view(lower).substr(close);
  type.is_unsigned = rest.find("unsigned") != std::string_view::npos || rest.find("zerofill") != std::string_view::npos;
  return type;
}

bool MysqlType::is_binary() const {
  return one_of(base, std::array<std::string_view, 6>{"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"});
}
bool MysqlType::is_text() const {
  return one_of(base, std::array<std::string_view, 8>{"char", "varchar", "tinytext", "text", "mediumtext", "longtext",
                                                       "enum", "set"});
}
bool MysqlType::is_temporal() const {
  return one_of(base, std::array<std::string_view, 3>{"date", "datetime", "timestamp"});
}

bool MysqlType::is_geometry() const {
  return one_of(base, std::array<std::string_view, 9>{"geometry", "point", "linestring", "polygon", "multipoint",
                                                       "multilinestring", "multipolygon", "geomcollection",
                                                       "geometrycollection"});
}

const TargetColumn* TargetTable::find(std::string_view column) const {
  const std::string wanted = lower_ascii(column);
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const TargetColumn& one) { return lower_ascii(one.name) == wanted; });
  return found == columns.end() ? nullptr : &*found;
}

std::string why_not_into(const MysqlType& source, const TargetColumn& target) {
  const std::string into = " does not fit into " + target.type;
  const unsigned bits = bits_of(source);
  if (const unsigned room = target_bits(target.type)) {
    if (bits == 0) return source.base + into;
    return bits <= room ? "" : source.base + (source.is_unsigned ? " unsigned" : "") + into;
  }
  if (target.type == "BOOLEAN") {
    const bool fits = (source.base == "tinyint" || source.base == "bit") && !source.sizes.empty() && source.sizes[0] == 1;
    return fits ? "" : source.base + into;
  }
  if (target.type == "DECIMAL") {
    if (bits != 0) return "";  // StarRocks refuses what is out of range
    if (source.base != "decimal") return source.base + into;
    const std::uint64_t scale = source.sizes.size() > 1 ? source.sizes[1] : 0;
    return scale <= target.scale ? "" : "scale " + std::to_string(scale) + into + " of scale " + std::to_string(target.scale);
  }
  if (target.type == "FLOAT") return source.base == "float" ? "" : source.base + into;
  if (target.type == "DOUBLE") {
    const bool exact = source.base == "float" || source.base == "double" || (bits != 0 && bits <= 53);
    return exact ? "" : source.base + into;
  }
  if (target.type == "DATE") return source.base == "date" ? "" : source.base + into;
  if (target.type == "DATETIME") return source.is_temporal() ? "" : source.base + into;
  if (target.type == "VARBINARY") return source.is_binary() ? "" : source.base + into;
  if (target.type == "JSON")
    return source.base == "json" || source.is_geometry() || source.base == "vector" ? "" : source.base + into;
  if (target.type == "VARCHAR" || target.type == "CHAR")
    return source.is_binary() ? source.base + into + ", it needs VARBINARY" : "";
  return "type " + target.type + " is not supported";
}

}  // namespace cdc::starrocks
