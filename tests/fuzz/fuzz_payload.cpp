// SPDX-License-Identifier: Apache-2.0
// TRANSACTION_PAYLOAD: a whole body when the first byte is even, else the events that are inside one, told as not compressed
// or packed here, so that what follows decompression is reached, too. Inner events are no larger than what was unpacked.
#include <zstd.h>

#include <cstdlib>
#include <string>

#include "common/binlog/payload.hpp"

namespace {

// A field of the payload's header: type, length, value in nine bytes.
std::string field(char type, std::uint64_t value) {
  return std::string{type, 9, '\xfe'} + std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string packed_body(std::uint8_t choice, std::string_view events) {
  std::string packed(events);
  if ((choice & 2) != 0) {
    packed.resize(ZSTD_compressBound(events.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), events.data(), events.size(), 1));
  }
  return field(1, packed.size()) + field(2, (choice & 2) != 0 ? 0 : 255) + field(3, events.size()) + std::string(1, '\0') +
         packed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool whole = (data[0] & 1) == 0;
  const std::string body = whole ? std::string(input) : packed_body(data[0], input);
  cdc::Event event;
  event.header.type = cdc::EventType::transaction_payload;
  event.body = event.whole = cdc::as_bytes(body);
  event.begin_pos = 100;
  event.end_pos = 200;
  static cdc::PayloadReader reader;  // one serves many, also behind a broken one
  std::size_t unpacked = 0;
  try {
    reader.open(event);
    while (const std::optional<cdc::Event> inner = reader.next()) {
      unpacked += inner->whole.size();
      if (!inner->in_payload || inner->begin_pos != 100 || inner->end_pos != 200) std::abort();
      if (!whole && unpacked > input.size()) std::abort();
    }
    if (!whole && unpacked != input.size()) std::abort();
  } catch (const cdc::Error&) {
  }
  return 0;
}
