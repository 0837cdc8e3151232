// SPDX-License-Identifier: Apache-2.0
// What the writers of the other formats share: members of JSON objects, the walk over the values of a row,
// and what is made once for each table definition. Everything appends to the buffer it is given.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/base/buffer.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/model/record.hpp"

namespace cdc {

// Microseconds since 1970; a writer that tells when it wrote a line asks this or what a test puts in its
// place.
using WallClock = std::int64_t (*)();
std::int64_t wall_clock_us();

// `key` comes with its punctuation: ,"gtid":
void append_member(OutBuffer& out, std::string_view key, std::string_view text);
void append_member(OutBuffer& out, std::string_view key, std::int64_t number);
void append_member_or_null(OutBuffer& out, std::string_view key, const std::optional<std::string_view>& text);
// `name` as a key: "name":
std::string json_key(std::string_view name);

// Whether the two print alike. Values of different kinds never do.
bool same_value(const Value& a, const Value& b);

// Runs write(); when that throws, `out` is as it was before.
template <typename Write>
void append_whole(OutBuffer& out, Write write) {
  const std::size_t size = out.size();
  try {
    write();
  } catch (...) {
    out.truncate(size);
    throw;
  }
}

// Runs write(i) for each column of `schema` that is told; an Error says which column it came from.
template <typename Write>
void each_column(const TableSchema& schema, Write write) {
  std::size_t i = 0;
  try {
    for (; i < schema.columns.size(); ++i) {
      if (!schema.columns[i].excluded) write(i);
    }
  } catch (Error& error) {
    error.add_context(schema.name.text() + "." + schema.columns[i].name);
    throw;
  }
}

// Whether an update changes column `i`: both images have it, with different values.
inline bool is_changed(Row before, Row after, std::size_t i) {
  return !before[i].is_absent() && !after[i].is_absent() && !same_value(before[i], after[i]);
}

// What a writer keeps for each table definition.
template <typename Known>
class TableCache {
 public:
  // make(*schema) when the definition is new. Valid until the next call.
  template <typename Make>
  const Known& get(const std::shared_ptr<const TableSchema>& schema, Make make) {
    if (newest_ != nullptr && newest_->schema == schema) return newest_->known;
    const auto found = entries_.find(schema.get());
    if (found != entries_.end()) return (newest_ = &found->second)->known;
    // Definitions that a long run has seen the last of must not pile up.
    constexpr std::size_t kMostTables = 4096;
    if (entries_.size() >= kMostTables) entries_.clear();
    newest_ = &entries_.emplace(schema.get(), Entry{schema, make(*schema)}).first->second;
    return newest_->known;
  }

 private:
  struct Entry {
    std::shared_ptr<const TableSchema> schema;  // held, so that no other definition gets its address
    Known known;
  };
  std::unordered_map<const TableSchema*, Entry> entries_;
  Entry* newest_ = nullptr;
};

}  // namespace cdc
