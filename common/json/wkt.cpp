// SPDX-License-Identifier: Apache-2.0
#include "common/json/wkt.hpp"

#include <cstdint>
#include <iterator>
#include <string>

#include "common/base/bytes.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace cdc {

namespace {

// Collections in collections: more than anybody nests, and malformed bytes must not exhaust the stack.
constexpr int kMostNested = 1000;

class WktPrinter {
 public:
  WktPrinter(OutBuffer& out, std::string_view wkb) : out_(out), in_(as_bytes(wkb)) {}

  void print() {
    geometry(0, true);
    if (!in_.at_end()) in_.fail("bytes behind the geometry");
  }

 private:
  static constexpr std::string_view kNames[] = {
      "",           "POINT",           "LINESTRING",   "POLYGON",
      "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"};
  enum Type : std::uint32_t { point = 1, polygon = 3, multi_point = 4, collection = 7 };

  // The members of a multi-geometry are whole geometries, told without their name.
  void geometry(int depth, bool named) {
    if (depth > kMostNested) in_.fail("nested too deeply");
    if (in_.u8() != 1) in_.fail("not little-endian");
    const std::uint32_t type = in_.u32();
    if (type < point || type > collection) in_.fail("geometry of type " + std::to_string(type));
    if (named) {
      out_.append(kNames[type]);
      out_.append(' ');
    }
    if (type == point) {
      out_.append('(');
      coordinates();
      out_.append(')');
    } else if (type < polygon) {
      list([this] { coordinates(); });
    } else if (type == polygon) {
      list([this] { list([this] { coordinates(); }); });
    } else {
      list([this, depth, type] { geometry(depth + 1, type == collection); });
    }
  }

  template <typename Member>
  void list(Member member) {
    const std::uint32_t count = in_.u32();
    if (count == 0) return out_.append("EMPTY");
    out_.append('(');
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i > 0) out_.append(", ");
      member();
    }
    out_.append(')');
  }

  void coordinates() {
    append_double(out_, in_.f64());
    out_.append(' ');
    append_double(out_, in_.f64());
  }

  OutBuffer& out_;
  ByteReader in_;
};

}  // namespace

void append_wkt(OutBuffer& out, std::string_view wkb) {
  try {
    WktPrinter(out, wkb).print();
  } catch (const DecodeError& error) {
    throw DataError("geometry: byte " + std::to_string(error.offset()) + ": " + error.message());
  }
}

}  // namespace cdc
