// SPDX-License-Identifier: Apache-2.0
// Rope: append-only text in blocks that never move. What append() returns stays valid until clear() or the end of
// the rope; blocks grow from small to large, so that hundreds of small ropes cost little and large ones are not copied.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace cdc::starrocks {

class Rope {
 public:
  // A copy of `text` and `suffix`, in one piece.
  std::string_view append(std::string_view text, std::string_view suffix = {}) {
    const std::size_t size = text.size() + suffix.size();
    if (size == 0) return {};
    if (left_ < size) grow(size);
    char* const out = cursor_;
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    if (!suffix.empty()) std::memcpy(out + text.size(), suffix.data(), suffix.size());
    cursor_ += size;
    left_ -= size;
    return {out, size};
  }
  std::size_t allocated() const { return allocated_; }
  void clear() { *this = Rope(); }

 private:
  static constexpr std::size_t kFirst = std::size_t{1} << 12, kLargest = std::size_t{1} << 20;

  void grow(std::size_t count) {
    const std::size_t size = std::max(count, std::clamp(allocated_, kFirst, kLargest));
    blocks_.emplace_back(new char[size]);
    cursor_ = blocks_.back().get();
    left_ = size;
    allocated_ += size;
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* cursor_ = nullptr;
  std::size_t left_ = 0, allocated_ = 0;
};

}  // namespace cdc::starrocks
