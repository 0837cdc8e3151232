// SPDX-License-Identifier: Apache-2.0
// TRANSACTION_PAYLOAD: the events of one transaction, compressed together (binlog_transaction_compression).
// The reader pulls them out one by one: memory is the largest inner event plus the zstd window, whatever the
// size of the transaction, and grows with bytes really decompressed, never with sizes only claimed. One
// reader serves many payloads and keeps its buffers. Format: libs/mysql/binlog/event/codecs/binary.cpp,
// compression/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/binlog/event.hpp"

namespace cdc {

// The fields in front of the compressed bytes.
struct PayloadHeader {
  enum class Compression : std::uint8_t { zstd = 0, none = 255 };
  Compression compression = Compression::none;
  std::uint64_t uncompressed_size = 0;  // 0 not told
  ByteView payload;
  static PayloadHeader decode(const Event& event);
};

class PayloadReader {
 public:
  PayloadReader();
  ~PayloadReader();
  PayloadReader(PayloadReader&&) noexcept;
  PayloadReader& operator=(PayloadReader&&) noexcept;

  // Starts on a TRANSACTION_PAYLOAD event, whose bytes must stay until next() has returned nullopt.
  // DecodeError.
  void open(const Event& payload);
  // The next inner event, with the payload's file and positions and in_payload set; valid until the next
  // call. nullopt at the end. DecodeError when the stream is broken, longer or shorter than it says, or ends
  // inside an event.
  std::optional<Event> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cdc
