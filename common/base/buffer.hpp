// SPDX-License-Identifier: Apache-2.0
// OutBuffer: an append-only text buffer, written once and flushed by its owner. Faster than std::string
// because growing does not fill and writers may reserve, write through the pointer and commit.
// Arena: scratch memory for values that had to be converted; everything it gave out lives until reset().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace cdc {

class OutBuffer {
 public:
  explicit OutBuffer(std::size_t capacity = 1 << 16) : data_(new char[capacity]), capacity_(capacity) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const char* data() const { return data_.get(); }
  std::string_view view() const { return {data_.get(), size_}; }

  // A pointer to at least `count` writable bytes behind the end; commit() makes what was written part of it.
  char* reserve(std::size_t count) {
    if (capacity_ - size_ < count) [[unlikely]] grow(count);
    return data_.get() + size_;
  }
  void commit(const char* end) { size_ = static_cast<std::size_t>(end - data_.get()); }

  // Inlined, so that a literal is a store or two.
  [[gnu::always_inline]] void append(std::string_view text) {
    if (text.empty()) return;  // its data() may be null, which memcpy must not see
    char* out = reserve(text.size());
    std::memcpy(out, text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) {
    *reserve(1) = c;
    ++size_;
  }
  // `size` bytes of a text that has another kBlock readable bytes behind it: whole blocks are cheaper to copy
  // than the few bytes of a name.
  static constexpr std::size_t kBlock = 16;
  void append_blocks(const char* text, std::size_t size) {
    char* out = reserve(size + kBlock);
    for (std::size_t at = 0; at < size; at += kBlock) std::memcpy(out + at, text + at, kBlock);
    size_ += size;
  }
  void overwrite(std::size_t at, char c) { data_[at] = c; }  // at < size()
  // Forgets everything behind `size` (<= size()): the way to take back an unfinished line.
  void truncate(std::size_t size) { size_ = std::min(size, size_); }
  void clear() { size_ = 0; }
  // Removes the first `count` bytes (what a short write has taken).
  void drop_front(std::size_t count) {
    std::memmove(data_.get(), data_.get() + count, size_ - count);
    size_ -= count;
  }

 private:
  [[gnu::noinline]] void grow(std::size_t count) {
    const std::size_t wanted = std::max(capacity_ * 2, size_ + count);
    std::unique_ptr<char[]> bigger(new char[wanted]);
    std::memcpy(bigger.get(), data_.get(), size_);
    data_ = std::move(bigger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

class Arena {
 public:
  // `count` uninitialised bytes, valid until reset().
  char* allocate(std::size_t count) {
    if (left_ < count) [[unlikely]] new_block(count);
    char* out = cursor_;
    cursor_ += count;
    left_ -= count;
    return out;
  }
  // Gives back the unused tail of the newest allocation.
  void give_back(std::size_t count) {
    cursor_ -= count;
    left_ += count;
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* out = allocate(text.size());
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }
  // Keeps the first block, so that the ordinary row allocates nothing.
  void reset() {
    if (blocks_.size() > 1) blocks_.resize(1);
    if (!blocks_.empty()) {
      cursor_ = blocks_.front().get();
      left_ = kBlock;
    }
  }

 private:
  static constexpr std::size_t kBlock = 1 << 16;
  [[gnu::noinline]] void new_block(std::size_t count) {
    const std::size_t size = blocks_.empty() ? kBlock : std::max(count, kBlock);
    blocks_.emplace_back(new char[size]);
    cursor_ = blocks_.back().get();
    left_ = size;
    if (size < count) new_block(count);  // only when the very first allocation is a large one
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* cursor_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace cdc
