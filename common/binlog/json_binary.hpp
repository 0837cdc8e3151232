// SPDX-License-Identifier: Apache-2.0
// Binary JSON (sql-common/json_binary.h) to the text that the server prints for the column: ", " and ": "
// between parts, members in stored order. Documents are read in place and views point into them. Nothing in a
// document is trusted: offsets and counts are checked, nesting is limited as on the server, and the parts may
// not add up to more bytes than there are, so that work and text stay linear in the document's size.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/base/buffer.hpp"
#include "common/base/bytes.hpp"

namespace cdc {

// Appends the text of `document` (a JSON column's bytes; empty means null, as on the server). DecodeError, with
// an unfinished text left in `out`, when it is malformed.
void append_json_binary(OutBuffer& out, ByteView document);

// The rest is for whoever takes documents apart (json_diff).

constexpr unsigned kJsonMaxDepth = 100;

// The type byte of a value.
enum class JsonType : std::uint8_t {
  small_object = 0, large_object = 1, small_array = 2, large_array = 3, literal = 4, int16 = 5, uint16 = 6,
  int32 = 7, uint32 = 8, int64 = 9, uint64 = 10, float64 = 11, string = 12, opaque = 15,
};

// A value inside a document: its bytes begin at bytes[0] and end no later than `bytes` does.
struct JsonPart {
  JsonType type = JsonType::literal;
  bool inlined = false;  // inside its container's head
  ByteView bytes;
  std::size_t base = 0;  // offset of bytes[0] in the document

  bool is_container() const { return type <= JsonType::large_array; }
};

// The whole of `document` as a part. DecodeError when it is empty.
JsonPart json_root(ByteView document);

// An object or array: a head of counts, key entries and value entries, and behind it keys and values.
class JsonContainer {
 public:
  // `part` is a container. DecodeError when the head does not fit into its bytes.
  explicit JsonContainer(const JsonPart& part);

  bool is_object() const { return object_; }
  std::size_t count() const { return count_; }
  std::size_t head_size() const { return head_size_; }
  std::size_t base() const { return base_; }
  // Of the member or element `i` < count(); keys only of objects. DecodeError when an offset lies.
  std::string_view key(std::size_t i) const {
    const std::size_t entry = 2 * width_ + i * (width_ + 2);
    const std::size_t offset = number_at(entry), length = load<std::uint16_t>(entry + width_);
    if (offset + length > bytes_.size()) [[unlikely]]
      fail_part("key", i, entry);
    return as_text({bytes_.data() + offset, length});
  }
  JsonPart value(std::size_t i) const {
    const std::size_t entry = values_ + i * (width_ + 1);
    const auto type = static_cast<JsonType>(bytes_[entry]);
    // literal, int16 and uint16 lie in the entry, in large containers int32 and uint32 as well.
    if (type >= JsonType::literal && type <= (large_ ? JsonType::uint32 : JsonType::uint16))
      return {type, true, {bytes_.data() + entry + 1, width_}, base_ + entry + 1};
    const std::size_t offset = number_at(entry + 1);
    // Behind the head, so that no value contains itself.
    if (offset < head_size_ || offset > bytes_.size()) [[unlikely]]
      fail_part("value", i, entry);
    return {type, false, {bytes_.data() + offset, bytes_.size() - offset}, base_ + offset};
  }

 private:
  template <typename T>
  T load(std::size_t at) const {
    T number;
    std::memcpy(&number, bytes_.data() + at, sizeof number);
    return number;
  }
  std::size_t number_at(std::size_t at) const {
    return large_ ? load<std::uint32_t>(at) : load<std::uint16_t>(at);
  }
  [[noreturn]] void fail_part(const char* what, std::size_t i, std::size_t entry) const;

  bool object_, large_;
  std::size_t width_;  // of a number: 2 or 4 bytes
  std::size_t count_ = 0;
  std::size_t values_ = 0;  // offset of the value entries, behind those of the keys
  std::size_t head_size_ = 0;
  ByteView bytes_;
  std::size_t base_;
};

// Prints values of one document (or of a document and its diffs).
class JsonPrinter {
 public:
  // `budget`: bytes that all values printed may take together.
  JsonPrinter(OutBuffer& out, std::size_t budget) : out_(&out), budget_(budget) {}
  // `depth`: containers around the value.
  void print(const JsonPart& part, unsigned depth);
  // Takes `count` bytes off the budget; DecodeError(at) when there are not so many left.
  void spend(std::size_t count, std::size_t at) {
    if (count > budget_) [[unlikely]]
      fail_overlap(at);
    budget_ -= count;
  }

 private:
  void print_container(const JsonContainer& container, unsigned depth);
  void print_scalar(const JsonPart& part);
  [[noreturn]] static void fail_overlap(std::size_t at);

  OutBuffer* out_;
  std::size_t budget_;
};

}  // namespace cdc
