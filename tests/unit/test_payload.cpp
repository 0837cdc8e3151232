// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <zstd.h>

#include "binlog_fixture.hpp"
#include "common/binlog/payload.hpp"

using namespace std::string_literals;
using cdc::Event;
using cdc::EventReader;
using cdc::EventType;
using cdc::PayloadReader;

namespace {

std::string lenenc(std::uint64_t value) {
  return "\xfe" + std::string(reinterpret_cast<const char*>(&value), 8);
}
std::string field(int type, std::uint64_t value) {
  return std::string(1, static_cast<char>(type)) + "\x09" + lenenc(value);
}

std::string payload_body(std::uint64_t payload_size, std::uint64_t compression, std::uint64_t plain_size,
                         const std::string& payload) {
  return field(1, payload_size) + field(2, compression) + field(3, plain_size) + "\0"s + payload;
}
std::string inner_event(EventType type, std::size_t body_size) {
  std::string event(cdc::EventHeader::kSize + body_size, 'x');
  const auto length = static_cast<std::uint32_t>(event.size());
  event[4] = static_cast<char>(type);
  std::memcpy(event.data() + 9, &length, 4);
  return event;
}
std::string compress(const std::string& plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3));
  return packed;
}
Event event_of(const std::string& body) {
  Event event;
  event.header.type = EventType::transaction_payload;
  event.body = cdc::as_bytes(body);
  event.begin_pos = 100;
  event.end_pos = 200;
  return event;
}
// Sizes of the inner events, or the error's message as the only element's text.
std::string outcome(const std::string& body) {
  PayloadReader reader;
  std::string seen;
  try {
    reader.open(event_of(body));
    while (const std::optional<Event> inner = reader.next())
      seen += std::to_string(inner->whole.size()) + " ";
  } catch (const cdc::DecodeError& error) {
    return seen + error.message();
  }
  return seen;
}

}  // namespace

TEST_CASE("inner events bear the payload's position and end with its transaction") {
  cdc::fixture::File source("mysql-compressed", "binlog.000001");
  EventReader reader;
  PayloadReader payload;
  std::vector<std::size_t> counts, largest;
  while (const std::optional<cdc::RawEvent> raw = source.next()) {
    const Event event = reader.read(*raw);
    if (event.type() != EventType::transaction_payload) continue;
    payload.open(event);
    counts.push_back(0);
    largest.push_back(0);
    EventType last{};
    std::uint64_t plain = 0;
    while (const std::optional<Event> inner = payload.next()) {
      if (counts.back()++ == 0) CHECK(inner->type() == EventType::query);
      CHECK(inner->in_payload);
      CHECK(inner->begin_pos == event.begin_pos);
      CHECK(inner->end_pos == event.end_pos);
      CHECK(inner->body.size() + cdc::EventHeader::kSize == inner->header.length);
      largest.back() = std::max(largest.back(), inner->whole.size());
      plain += inner->whole.size();
      last = inner->type();
    }
    CHECK(last == EventType::xid);
    CHECK(plain == cdc::PayloadHeader::decode(event).uncompressed_size);
  }
  CHECK(counts.size() == 3);
  CHECK(counts.front() == 4);  // BEGIN, TABLE_MAP, WRITE_ROWS, XID
  CHECK(largest[1] > 400000);  // a single event larger than the reader's first buffer
}

TEST_CASE("a payload cut or flipped anywhere gives an error or events, never more than it has") {
  cdc::fixture::File source("mysql-transactions", "binlog.000001");
  EventReader reader;
  PayloadReader payload;
  std::size_t errors = 0;
  while (const std::optional<cdc::RawEvent> raw = source.next()) {
    const Event event = reader.read(*raw);
    if (event.type() != EventType::transaction_payload) continue;
    for (std::size_t size = 0; size < event.body.size(); ++size) {
      Event cut = event;
      cut.body = event.body.first(size);
      CHECK_THROWS_AS(payload.open(cut), cdc::DecodeError);  // the payload's size is told
    }
    std::string bytes(cdc::as_text(event.body));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      try {
        payload.open(event_of(bytes));
        while (payload.next()) {
        }
      } catch (const cdc::DecodeError&) {
        ++errors;
      }
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
  }
  CHECK(errors > 100);
}

TEST_CASE("payloads that are not compressed, or several frames") {
  const std::string plain = inner_event(EventType::query, 10) + inner_event(EventType::xid, 8);
  CHECK(outcome(payload_body(plain.size(), 255, plain.size(), plain)) == "29 27 ");
  const std::string frames = compress(plain.substr(0, 15)) + compress(plain.substr(15));
  CHECK(outcome(payload_body(frames.size(), 0, plain.size(), frames)) == "29 27 ");
  const std::string nothing = compress("");
  CHECK(outcome(payload_body(nothing.size(), 0, 0, nothing)).empty());
}

TEST_CASE("sizes that lie") {
  const std::string plain = inner_event(EventType::query, 300000);
  const std::string packed = compress(plain);
  const std::size_t size = packed.size();
  CHECK(outcome(payload_body(size, 0, plain.size(), packed)) == "300019 ");
  CHECK(outcome(payload_body(size + 1, 0, plain.size(), packed)).find("payload of") == 0);
  CHECK(outcome(payload_body(size - 1, 0, plain.size(), packed)).find("payload of") == 0);
  CHECK(outcome(payload_body(size, 0, plain.size() - 1, packed)).find("plain bytes") != std::string::npos);
  CHECK(outcome(payload_body(size, 0, plain.size() + 1, packed)).find("plain bytes") != std::string::npos);
  CHECK(outcome(payload_body(size, 1, plain.size(), packed)).find("compression type 1") == 0);
  CHECK(outcome(payload_body(size - 5, 0, plain.size(), packed.substr(0, size - 5))).find("ends too early") !=
        std::string::npos);
  // An event that says it is 4 GiB long costs no more than what is there.
  std::string huge = inner_event(EventType::query, 10);
  std::memset(huge.data() + 9, 0xff, 4);
  const std::string packed_huge = compress(huge);
  CHECK(outcome(payload_body(packed_huge.size(), 0, huge.size(), packed_huge)) ==
        "inner event of 4294967295 bytes, 29 are there");
  CHECK(outcome(payload_body(huge.size(), 255, huge.size(), huge)) ==
        "inner event of 4294967295 bytes, 29 are there");
  const std::string half = inner_event(EventType::query, 10) + inner_event(EventType::xid, 8).substr(0, 7);
  const std::string packed_half = compress(half);
  CHECK(outcome(payload_body(packed_half.size(), 0, half.size(), packed_half)).find("29 at offset 0") == 0);
  const std::string nested = compress(inner_event(EventType::transaction_payload, 10));
  CHECK(outcome(payload_body(nested.size(), 0, 29, nested)) == "payload inside a payload");
}

TEST_CASE("one reader serves a payload after a broken one") {
  const std::string plain = inner_event(EventType::query, 300000);
  const std::string packed = compress(plain);
  const std::string broken_body =
      payload_body(packed.size() - 5, 0, plain.size(), packed.substr(0, packed.size() - 5));
  const std::string body = payload_body(packed.size(), 0, plain.size(), packed);
  PayloadReader reader;
  reader.open(event_of(broken_body));
  CHECK_THROWS_AS(reader.next(), cdc::DecodeError);
  reader.open(event_of(body));
  CHECK(reader.next().value().whole.size() == plain.size());
  CHECK_FALSE(reader.next());
}
