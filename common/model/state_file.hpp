// SPDX-License-Identifier: Apache-2.0
// What the files that keep the tools' state have in common: one JSON object with a version, read strictly (whoever
// writes a file back would lose what it did not understand) and with messages that name the member, replaced
// atomically. For checkpoint.cpp and table_history.cpp. A Node lives as long as the document it is of.
#pragma once

#include <rapidjson/document.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/error.hpp"
#include "common/base/fd.hpp"
#include "common/model/gtid.hpp"
#include "common/model/position.hpp"

namespace cdc {

// A JSON value and its path from the root, "tables.shop.orders.done.gtids", for messages. All errors are DataError.
class Node {
 public:
  Node(const rapidjson::Value& json, std::string path) : json_(json), path_(std::move(path)) {}

  [[noreturn]] void fail(std::string_view what) const { throw DataError(path_ + ": " + std::string(what)); }

  const rapidjson::Value& json() const { return json_; }
  bool is_null() const { return json_.IsNull(); }
  std::string text() const;
  std::uint64_t uint(std::uint64_t most = UINT64_MAX) const;
  std::int64_t sint() const;
  bool boolean() const;
  GtidSet gtids() const;
  std::vector<std::string> texts() const;
  BinlogPosition position() const;  // of an object with `file` and `pos`, and maybe others

  using Names = std::initializer_list<std::string_view>;
  // This node as an object with exactly these members, those of `optional` if they are there.
  const Node& with(Names names, Names optional = {}) const;
  // Of an object checked by with().
  Node operator[](const char* name) const { return {json_[name], path_of(name)}; }
  bool has(const char* name) const { return json_.HasMember(name); }

  // Every member of an object whose names are data.
  template <typename Take>
  void for_each(Take take) const {
    require_object();
    for (const auto& member : json_.GetObject()) take(std::string(member_name(member)), child(member));
  }
  // Every element of an array.
  template <typename Take>
  void for_each_element(Take take) const {
    if (!json_.IsArray()) fail("not an array");
    for (const auto& element : json_.GetArray()) take(Node(element, path_ + "[]"));
  }

 private:
  static std::string_view member_name(const rapidjson::Value::Member& member) {
    return {member.name.GetString(), member.name.GetStringLength()};
  }
  void require_object() const {
    if (!json_.IsObject()) fail("not an object");
  }
  std::string path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
  }
  Node child(const rapidjson::Value::Member& member) const {
    return {member.value, path_of(member_name(member))};
  }

  const rapidjson::Value& json_;
  std::string path_;
};

// `"file":…,"pos":…`
void append_position(OutBuffer& out, const BinlogPosition& position);

// The document of a whole file. `what` is "checkpoint". DataError when it is none, or cut off; ConfigError (78)
// when it is of another version.
rapidjson::Document parse_state_file(std::string_view text, std::string_view what, int version);

// parse(content of the file); nullopt when it is missing; errors name it.
template <typename State>
std::optional<State> load_state_file(const std::string& path, State (*parse)(std::string_view)) {
  constexpr std::size_t kMaxFileSize = std::size_t{1} << 28;
  std::string content;
  try {
    content = read_file(path, kMaxFileSize);
  } catch (const IoError& error) {
    if (error.error_number() == ENOENT) return std::nullopt;
    throw;
  }
  try {
    return parse(content);
  } catch (Error& error) {
    error.add_context(path);
    throw;
  }
}

}  // namespace cdc
