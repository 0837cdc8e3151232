// SPDX-License-Identifier: Apache-2.0
#include "common/model/state_file.hpp"

#include <rapidjson/error/en.h>

#include "common/base/text.hpp"

namespace cdc {

std::string Node::text() const {
  if (!json_.IsString()) fail("not a string");
  return {json_.GetString(), json_.GetStringLength()};
}

std::uint64_t Node::uint(std::uint64_t most) const {
  if (!json_.IsUint64()) fail("not an unsigned integer");
  if (json_.GetUint64() > most) fail("too large");
  return json_.GetUint64();
}

std::int64_t Node::sint() const {
  if (!json_.IsInt64()) fail("not an integer");
  return json_.GetInt64();
}

bool Node::boolean() const {
  if (!json_.IsBool()) fail("not true or false");
  return json_.GetBool();
}

GtidSet Node::gtids() const {
  const std::string set = text();
  try {
    return GtidSet::parse(set);
  } catch (Error& error) {
    error.add_context(path_);
    throw;
  }
}

std::vector<std::string> Node::texts() const {
  std::vector<std::string> texts;
  for_each_element([&](const Node& element) { texts.push_back(element.text()); });
  return texts;
}

BinlogPosition Node::position() const {
  return {(*this)["file"].text(), (*this)["pos"].uint()};
}

const Node& Node::with(Names names, Names optional) const {
  require_object();
  const auto is_in = [](Names list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const auto& member : json_.GetObject()) {
    const std::string_view name = member_name(member);
    if (!is_in(names, name) && !is_in(optional, name)) child(member).fail("unknown");
  }
  const auto count = [&](std::string_view name) {
    return std::count_if(json_.MemberBegin(), json_.MemberEnd(),
                         [&](const auto& member) { return member_name(member) == name; });
  };
  for (const std::string_view name : names)
    if (count(name) == 0) Node(json_, path_of(name)).fail("missing");
  for (const Names& list : {names, optional})
    for (const std::string_view name : list)
      if (count(name) > 1) Node(json_, path_of(name)).fail("there more than once");
  return *this;
}

void append_position(OutBuffer& out, const BinlogPosition& position) {
  out.append("\"file\":");
  append_json_string(out, position.file);
  out.append(",\"pos\":");
  append_uint(out, position.pos);
}

rapidjson::Document parse_state_file(std::string_view text, std::string_view what, int version) {
  const std::string none = "not a " + std::string(what);
  // RapidJSON takes a zero byte for the end of its input.
  if (text.find('\0') != std::string_view::npos) throw DataError(none + ": zero byte in the text");
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag>(text.data(),
                                                                                         text.size());
  if (document.HasParseError()) {
    throw DataError(none + ", or cut off: at byte " + std::to_string(document.GetErrorOffset()) + ": " +
                    rapidjson::GetParseError_En(document.GetParseError()));
  }
  if (!document.IsObject()) throw DataError(none + ": no JSON object");
  if (!document.HasMember("version")) throw DataError("version: missing");
  const std::uint64_t found = Node(document["version"], "version").uint();
  if (found != static_cast<std::uint64_t>(version)) {
    throw ConfigError(std::string(what) + " of version " + std::to_string(found) +
                      ", this program knows version " + std::to_string(version));
  }
  if (!text.ends_with('\n')) throw DataError("cut off: the final newline is missing");
  return document;
}

}  // namespace cdc
