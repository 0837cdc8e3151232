// SPDX-License-Identifier: Apache-2.0
// Binary JSON and changes to it: a document, and behind it (the first two bytes say where) changes. Whatever
// is accepted must be a text in proportion to its input.
#include <algorithm>
#include <cstdlib>

#include "common/base/text.hpp"
#include "common/binlog/json_binary.hpp"
#include "common/binlog/json_diff.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const cdc::ByteView input(data + 2, size - 2);
  const std::size_t split = std::min(data[0] + std::size_t{256} * data[1], input.size());
  cdc::OutBuffer out;
  for (const bool patched : {false, true}) {
    out.clear();
    try {
      if (patched)
        cdc::append_json_patched(out, input.first(split), input.subspan(split));
      else
        cdc::append_json_binary(out, input);
    } catch (const cdc::Error&) {
      continue;
    }
    // A control character becomes six; an inlined "false" with its comma takes three bytes.
    if (!cdc::is_valid_utf8(out.view()) || out.size() > 6 * size + 16) std::abort();
  }
  return 0;
}
