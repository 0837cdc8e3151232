// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/payload.hpp"

#include <zstd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace cdc {

PayloadHeader PayloadHeader::decode(const Event& event) {
  constexpr std::uint64_t kEnd = 0, kPayloadSize = 1, kCompressionType = 2, kUncompressedSize = 3;
  ByteReader reader = event.reader();
  PayloadHeader header;
  std::optional<std::uint64_t> payload_size;
  while (true) {
    const std::uint64_t field = reader.lenenc();
    if (field == kEnd) break;
    const std::uint64_t length = reader.lenenc();
    ByteReader value = reader.sub(std::min<std::uint64_t>(length, SIZE_MAX));
    if (field == kPayloadSize) payload_size = value.lenenc();
    if (field == kUncompressedSize) header.uncompressed_size = value.lenenc();
    if (field == kCompressionType) {
      const std::uint64_t type = value.lenenc();
      if (type != 0 && type != 255)
        value.fail("compression type " + std::to_string(type) + " is not supported");
      header.compression = static_cast<Compression>(type);
    }
  }
  if (payload_size && *payload_size != reader.left()) {
    reader.fail("payload of " + std::to_string(*payload_size) + " bytes, " + std::to_string(reader.left()) +
                " are there");
  }
  header.payload = reader.rest();
  return header;
}

namespace {

// Plain bytes of one payload, on demand: a growing window over what the decompressor yields.
class PlainStream {
 public:
  PlainStream() : context_(ZSTD_createDCtx(), &ZSTD_freeDCtx), buffer_(kFirstCapacity) {
    if (!context_) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  }

  void open(const PayloadHeader& header) {
    header_ = header;
    input_ = {header.payload.data(), header.payload.size(), 0};
    begin_ = end_ = 0;
    produced_ = 0;
    frame_open_ = false;
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
  }

  // Up to `count` bytes from the cursor on, fewer only at the end. Valid until the next call.
  ByteView peek(std::size_t count) {
    if (header_.compression == PayloadHeader::Compression::none) {
      return header_.payload.subspan(begin_, std::min(count, header_.payload.size() - begin_));
    }
    while (end_ - begin_ < count && produce(count)) {
    }
    return {buffer_.data() + begin_, std::min(count, end_ - begin_)};
  }
  void skip(std::size_t count) { begin_ += count; }

 private:
  static constexpr std::size_t kFirstCapacity = 1 << 17;
  static constexpr int kWindowLogMax = 27;  // what zstd's highest level (the server allows 22) uses

  // Decompresses some more; false when all is out.
  bool produce(std::size_t wanted) {
    if (input_.pos == input_.size) {
      if (frame_open_) fail("zstd stream ends too early");
      if (header_.uncompressed_size != 0 && produced_ != header_.uncompressed_size) fail_size();
      return false;
    }
    make_room(wanted);
    ZSTD_outBuffer output{buffer_.data() + end_, buffer_.size() - end_, 0};
    const std::size_t hint = ZSTD_decompressStream(context_.get(), &output, &input_);
    if (ZSTD_isError(hint) != 0) fail(std::string("zstd: ") + ZSTD_getErrorName(hint));
    frame_open_ = hint != 0;
    end_ += output.pos;
    produced_ += output.pos;
    if (header_.uncompressed_size != 0 && produced_ > header_.uncompressed_size) fail_size();
    return true;
  }

  void make_room(std::size_t wanted) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    // Grows no faster than bytes really come.
    if (end_ == buffer_.size())
      buffer_.resize(std::min(buffer_.size() * 2, std::max(wanted, buffer_.size() + 1)));
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw DecodeError(EventHeader::kSize, "at plain byte " + std::to_string(produced_) + ": " + message);
  }
  [[noreturn]] void fail_size() const {
    fail("payload says " + std::to_string(header_.uncompressed_size) + " plain bytes");
  }

  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  PayloadHeader header_;
  ZSTD_inBuffer input_{};
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what is not taken yet
  std::uint64_t produced_ = 0;
  bool frame_open_ = false;
};

}  // namespace

struct PayloadReader::State {
  PlainStream plain;
  Event outer;
  std::size_t last_length = 0;
};

PayloadReader::PayloadReader() : state_(std::make_unique<State>()) {}
PayloadReader::~PayloadReader() = default;
PayloadReader::PayloadReader(PayloadReader&&) noexcept = default;
PayloadReader& PayloadReader::operator=(PayloadReader&&) noexcept = default;

void PayloadReader::open(const Event& payload) {
  state_->plain.open(PayloadHeader::decode(payload));
  state_->outer = payload;
  state_->last_length = 0;
}

std::optional<Event> PayloadReader::next() {
  PlainStream& plain = state_->plain;
  plain.skip(state_->last_length);
  state_->last_length = 0;
  const ByteView head = plain.peek(EventHeader::kSize);
  if (head.empty()) return std::nullopt;
  ByteReader reader(head);
  Event event = state_->outer;
  event.header = EventHeader::decode(reader);
  event.whole = plain.peek(event.header.length);
  if (event.whole.size() < event.header.length) {
    throw DecodeError(0, "inner event of " + std::to_string(event.header.length) + " bytes, " +
                             std::to_string(event.whole.size()) + " are there");
  }
  if (event.type() == EventType::transaction_payload) throw DecodeError(0, "payload inside a payload");
  event.body = event.whole.subspan(EventHeader::kSize);
  event.in_payload = true;
  state_->last_length = event.header.length;
  return event;
}

}  // namespace cdc
