// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/json_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/text.hpp"
#include "common/binlog/json_binary.hpp"

namespace cdc {

namespace {

enum class Operation : std::uint8_t { replace = 0, insert = 1, remove = 2 };

struct PathLeg {
  std::optional<std::string> member;  // else an array cell
  std::size_t index = 0;
  bool from_end = false;  // "last-2"

  // Position in an array of `size` elements; `size` or more when outside. nullopt before its start.
  std::optional<std::size_t> position(std::size_t size) const {
    if (!from_end) return index;
    if (index >= size) return std::nullopt;
    return size - 1 - index;
  }
};

// The paths the server writes: "$", then .name, ."quoted name" and [N] or [last-N]. No wildcards.
class PathParser {
 public:
  explicit PathParser(ByteReader text) : reader_(text) {}

  std::vector<PathLeg> parse() {
    std::vector<PathLeg> legs;
    if (take() != '$') fail();
    while (!reader_.at_end()) {
      if (legs.size() > kJsonMaxDepth) fail();
      const char c = take();
      if (c == '[')
        legs.push_back(cell());
      else if (c == '.')
        legs.push_back(member());
      else
        fail();
    }
    return legs;
  }

 private:
  char take() { return static_cast<char>(reader_.u8()); }
  char peek() const { return reader_.at_end() ? '\0' : static_cast<char>(*reader_.cursor()); }
  [[noreturn]] void fail() const { reader_.fail("malformed path of a JSON change"); }

  PathLeg cell() {
    PathLeg leg;
    std::string text;
    for (char c = take(); c != ']'; c = take())
      if (c != ' ') text.push_back(c);
    std::string_view digits = text;
    if (digits.starts_with("last")) {
      leg.from_end = true;
      digits.remove_prefix(4);
      if (digits.empty()) return leg;
      if (digits.front() != '-') fail();
      digits.remove_prefix(1);
    }
    const std::optional<std::uint64_t> index = parse_uint(digits);
    if (!index) fail();
    leg.index = *index;
    return leg;
  }

  PathLeg member() {
    PathLeg leg;
    leg.member.emplace();
    if (peek() == '"') {
      take();
      for (char c = take(); c != '"'; c = take()) *leg.member += c == '\\' ? escape() : std::string(1, c);
    } else {
      while (!reader_.at_end() && peek() != '.' && peek() != '[') leg.member->push_back(take());
      if (leg.member->empty()) fail();
    }
    return leg;
  }

  // Behind a backslash. The server escapes control characters only, so \u means one below U+0080.
  std::string escape() {
    switch (const char c = take()) {
      case 'b':
        return "\b";
      case 'f':
        return "\f";
      case 'n':
        return "\n";
      case 'r':
        return "\r";
      case 't':
        return "\t";
      case 'u': {
        unsigned code = 0;
        for (int i = 0; i < 4; ++i) code = code * 16 + hex(take());
        if (code >= 0x80) fail();
        return std::string(1, static_cast<char>(code));
      }
      default:
        return std::string(1, c);
    }
  }
  unsigned hex(char c) const {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    fail();
  }

  ByteReader reader_;
};

struct Node;

// The parts of an object or array that a change goes into.
struct OpenContainer {
  bool is_object = false;
  std::vector<std::string_view> keys;  // of an object, in the server's order: by length, then bytes
  std::vector<Node> children;
};

// A value of the document: as stored, or taken apart.
struct Node {
  explicit Node(const JsonPart& stored) : part(stored) {}
  JsonPart part;
  std::unique_ptr<OpenContainer> open;
};

bool key_less(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

class Patcher {
 public:
  explicit Patcher(ByteView document) : root_(json_root(document)), budget_(document.size()) {}

  void apply(ByteReader& diffs);
  void print(OutBuffer& out) const {
    JsonPrinter printer(out, budget_);
    print(root_, 0, out, printer);
  }

 private:
  [[noreturn]] static void fail(const ByteReader& at) {
    at.fail("JSON change whose path does not fit the document");
  }
  static OpenContainer& open(Node& node, const PathLeg& leg, const ByteReader& at);
  static std::size_t find(const OpenContainer& container, const PathLeg& leg, const ByteReader& at);
  void change(Operation operation, std::span<const PathLeg> path, const JsonPart& value,
              const ByteReader& at);
  void insert(OpenContainer& parent, const PathLeg& leg, const JsonPart& value, const ByteReader& at);
  void print(const Node& node, unsigned depth, OutBuffer& out, JsonPrinter& printer) const;

  Node root_;
  std::deque<std::string> new_keys_;
  std::size_t budget_;  // of the document and all values put into it
};

void Patcher::apply(ByteReader& diffs) {
  while (!diffs.at_end()) {
    const std::uint8_t code = diffs.u8();
    if (code > static_cast<std::uint8_t>(Operation::remove)) diffs.fail("unknown operation of a JSON change");
    const auto operation = static_cast<Operation>(code);
    const std::string_view text = diffs.lenenc_text();
    const std::vector<PathLeg> path = PathParser(ByteReader(as_bytes(text))).parse();
    budget_ += text.size();
    JsonPart value;
    if (operation != Operation::remove) {
      const ByteView bytes = as_bytes(diffs.lenenc_text());
      value = json_root(bytes);
      budget_ += bytes.size();
    }
    change(operation, path, value, diffs);
  }
}

// The parts of `node`, which must be of the kind that `leg` goes into.
OpenContainer& Patcher::open(Node& node, const PathLeg& leg, const ByteReader& at) {
  if (!node.open) {
    if (!node.part.is_container()) fail(at);
    const JsonContainer stored(node.part);
    node.open = std::make_unique<OpenContainer>();
    node.open->is_object = stored.is_object();
    node.open->children.reserve(stored.count());
    for (std::size_t i = 0; i < stored.count(); ++i) {
      node.open->children.emplace_back(stored.value(i));
      if (stored.is_object()) node.open->keys.push_back(stored.key(i));
    }
  }
  if (node.open->is_object != leg.member.has_value()) fail(at);
  return *node.open;
}

// Index of the part that `leg` names.
std::size_t Patcher::find(const OpenContainer& container, const PathLeg& leg, const ByteReader& at) {
  if (container.is_object) {
    const auto& keys = container.keys;
    const auto found = std::lower_bound(keys.begin(), keys.end(), *leg.member, key_less);
    if (found == keys.end() || *found != *leg.member) fail(at);
    return static_cast<std::size_t>(found - keys.begin());
  }
  const std::optional<std::size_t> position = leg.position(container.children.size());
  if (!position || *position >= container.children.size()) fail(at);
  return *position;
}

void Patcher::change(Operation operation, std::span<const PathLeg> path, const JsonPart& value,
                     const ByteReader& at) {
  if (path.empty()) fail(at);  // the server writes such an update as a whole document
  Node* node = &root_;
  for (const PathLeg& leg : path.first(path.size() - 1)) {
    OpenContainer& container = open(*node, leg, at);
    node = &container.children[find(container, leg, at)];
  }
  const PathLeg& last = path.back();
  OpenContainer& parent = open(*node, last, at);
  if (operation == Operation::insert) return insert(parent, last, value, at);
  const std::size_t index = find(parent, last, at);
  if (operation == Operation::replace) {
    parent.children[index] = Node(value);
    return;
  }
  parent.children.erase(parent.children.begin() + static_cast<std::ptrdiff_t>(index));
  if (parent.is_object) parent.keys.erase(parent.keys.begin() + static_cast<std::ptrdiff_t>(index));
}

// A new member, or a new element in front of the cell named; behind the last one when the array is shorter.
void Patcher::insert(OpenContainer& parent, const PathLeg& leg, const JsonPart& value, const ByteReader& at) {
  std::size_t index = 0;
  if (parent.is_object) {
    const auto place = std::lower_bound(parent.keys.begin(), parent.keys.end(), *leg.member, key_less);
    if (place != parent.keys.end() && *place == *leg.member) fail(at);
    index = static_cast<std::size_t>(place - parent.keys.begin());
    parent.keys.insert(place, new_keys_.emplace_back(*leg.member));
  } else {
    index = std::min(leg.position(parent.children.size()).value_or(0), parent.children.size());
  }
  parent.children.emplace(parent.children.begin() + static_cast<std::ptrdiff_t>(index), value);
}

void Patcher::print(const Node& node, unsigned depth, OutBuffer& out, JsonPrinter& printer) const {
  if (!node.open) return printer.print(node.part, depth);
  const OpenContainer& container = *node.open;
  if (++depth > kJsonMaxDepth) throw DecodeError(node.part.base, "JSON document nested too deeply");
  out.append(container.is_object ? '{' : '[');
  for (std::size_t i = 0; i < container.children.size(); ++i) {
    if (i != 0) out.append(", ");
    if (container.is_object) {
      printer.spend(container.keys[i].size(), node.part.base);
      append_json_string(out, container.keys[i]);
      out.append(": ");
    }
    print(container.children[i], depth, out, printer);
  }
  out.append(container.is_object ? '}' : ']');
}

}  // namespace

void append_json_patched(OutBuffer& out, ByteView document, ByteView diffs) {
  static constexpr std::uint8_t kNull[] = {static_cast<std::uint8_t>(JsonType::literal), 0};
  Patcher patcher(document.empty() ? ByteView(kNull) : document);
  ByteReader reader(diffs);
  patcher.apply(reader);
  const std::size_t begin = out.size();
  patcher.print(out);
  if (!is_valid_utf8(out.view().substr(begin))) throw DecodeError(0, "JSON document that is not UTF-8");
}

}  // namespace cdc
