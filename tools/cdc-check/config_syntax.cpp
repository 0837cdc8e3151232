// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/config_syntax.hpp"

#include <algorithm>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace cdc::check {
namespace {

constexpr int kMaxDepth = 64;

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

class HoconParser {
 public:
  explicit HoconParser(std::string_view text) : text_(text) {}

  FlatConfig parse() {
    skip();
    const bool braces = take('{');
    parse_object("", braces ? '}' : '\0', 0);
    skip();
    if (at_ < text_.size()) fail("text behind the end");
    return std::move(config_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    throw DataError("line " + std::to_string(line) + ": " + what);
  }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  bool at_comment() const { return peek() == '#' || (peek() == '/' && peek(1) == '/'); }
  // Blanks, newlines, commas and comments.
  void skip() {
    for (; at_ < text_.size(); ++at_) {
      if (at_comment())
        while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      else if (std::string_view(" \t\r\n,").find(peek()) == std::string_view::npos)
        return;
    }
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r') ++at_;
  }

  void parse_object(const std::string& path, char end, int depth) {
    if (depth > kMaxDepth) fail("nested too deeply");
    for (;;) {
      skip();
      if (at_ >= text_.size()) {
        if (end != '\0') fail("'}' is missing");
        return;
      }
      if (end != '\0' && take(end)) return;
      const std::string key = parse_key();
      skip_blanks();
      if (take('+')) skip_blanks();
      if (!take('=') && !take(':') && peek() != '{') fail("'=' or '{' is missing behind '" + key + "'");
      skip();
      parse_value(joined(path, key), depth);
    }
  }

  std::string parse_key() {
    std::string key;
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == '"') {
        key += parse_quoted();
      } else if (std::string_view("=:{+\n}[],").find(c) != std::string_view::npos) {
        break;
      } else {
        key += c;
        ++at_;
      }
    }
    key = trim(key);
    if (key.empty()) fail("a name is missing");
    return key;
  }

  void parse_value(const std::string& path, int depth) {
    if (take('{')) return parse_object(path, '}', depth + 1);
    if (take('[')) return parse_array(path, depth + 1);
    config_[path] = {parse_scalar()};
  }

  void parse_array(const std::string& path, int depth) {
    if (depth > kMaxDepth) fail("nested too deeply");
    std::vector<std::string> values;
    for (std::size_t index = 0;; ++index) {
      skip();
      if (at_ >= text_.size()) fail("']' is missing");
      if (take(']')) break;
      if (take('{'))
        parse_object(joined(path, std::to_string(index)), '}', depth + 1);
      else if (take('['))
        parse_array(joined(path, std::to_string(index)), depth + 1);
      else
        values.push_back(parse_scalar());
    }
    config_[path] = std::move(values);
  }

  // Quoted and bare pieces up to the end of the line, a comma, a closing bracket or a comment.
  std::string parse_scalar() {
    std::string value;
    std::size_t kept = 0;  // a quoted piece keeps its blanks
    while (at_ < text_.size() && !at_comment()) {
      const char c = peek();
      if (c == '"') {
        value += parse_quoted();
        kept = value.size();
      } else if (c == '$' && peek(1) == '{') {
        while (at_ < text_.size() && peek() != '}') value += text_[at_++];
        if (take('}')) value += '}';
      } else if (std::string_view("\n,}]").find(c) != std::string_view::npos) {
        break;
      } else {
        value += c;
        ++at_;
      }
    }
    while (value.size() > kept && std::string_view(" \t\r").find(value.back()) != std::string_view::npos)
      value.pop_back();
    return value;
  }

  std::string parse_quoted() {
    std::string value;
    if (text_.substr(at_, 3) == "\"\"\"") {
      const std::size_t end = text_.find("\"\"\"", at_ + 3);
      if (end == std::string_view::npos) fail("a quote is missing");
      value = text_.substr(at_ + 3, end - at_ - 3);
      at_ = end + 3;
      return value;
    }
    ++at_;
    while (at_ < text_.size() && peek() != '"') {
      if (peek() == '\n') fail("a quote is missing");
      value += take('\\') ? parse_escape() : std::string(1, text_[at_++]);
    }
    if (!take('"')) fail("a quote is missing");
    return value;
  }

  std::string parse_escape() {
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    switch (c) {
      case 'n':
        return "\n";
      case 't':
        return "\t";
      case 'r':
        return "\r";
      case 'u': {  // names and passwords beyond ASCII are written as they are
        at_ = std::min(at_ + 4, text_.size());
        return "?";
      }
      default:
        return std::string(1, c);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  FlatConfig config_;
};

std::string unquoted_yaml(std::string_view scalar) {
  scalar = trim(scalar);
  if (scalar.size() >= 2 && (scalar.front() == '\'' || scalar.front() == '"')) {
    const char quote = scalar.front();
    std::string value;
    for (std::size_t i = 1; i < scalar.size(); ++i) {
      if (scalar[i] == quote) {
        if (quote == '\'' && i + 1 < scalar.size() && scalar[i + 1] == quote)
          ++i;
        else
          break;
      } else if (quote == '"' && scalar[i] == '\\' && i + 1 < scalar.size()) {
        ++i;
      }
      value += scalar[i];
    }
    return value;
  }
  // A comment begins behind a blank.
  const std::size_t comment = scalar.find(" #");
  return std::string(trim(scalar.substr(0, comment)));
}

// The colon that ends a key: one before a blank or the line's end, outside of quotes.
std::size_t key_end(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (i == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == ':' && (i + 1 == line.size() || line[i + 1] == ' ')) {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

FlatConfig parse_hocon(std::string_view text) {
  return HoconParser(text).parse();
}

FlatConfig parse_yaml(std::string_view text) {
  FlatConfig config;
  std::vector<std::pair<std::size_t, std::string>> open;  // indentation and path of the mappings around
  std::string folded;                                     // key of the scalar whose lines follow, "" for none
  std::size_t folded_indent = 0;
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("---") && config.empty()) continue;
    if (line.starts_with("---") || line.starts_with("...")) break;
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == std::string_view::npos) continue;
    if (!folded.empty() && indent > folded_indent) {
      std::string& value = config[folded].front();
      value += (value.empty() ? "" : " ") + std::string(trim(line));
      continue;
    }
    folded.clear();
    if (line[indent] == '#') continue;
    line.remove_prefix(indent);
    const bool element = line.starts_with("- ");
    while (!open.empty() && (open.back().first > indent || (open.back().first == indent && !element)))
      open.pop_back();
    const std::string path = open.empty() ? "" : open.back().second;
    if (element) {
      config[path].push_back(unquoted_yaml(line.substr(2)));
      continue;
    }
    const std::size_t colon = key_end(line);
    if (colon == std::string_view::npos) continue;  // a continued scalar: none that we need
    const std::string key = joined(path, unquoted_yaml(line.substr(0, colon)));
    const std::string value = unquoted_yaml(line.substr(colon + 1));
    if (value.empty()) {
      open.emplace_back(indent, key);
    } else if (value.find_first_not_of("|>+-") == std::string::npos &&
               line.find_first_of("|>") != line.npos) {
      folded = key;
      folded_indent = indent;
      config[key] = {""};
    } else {
      config[key] = {value};
    }
  }
  return config;
}

FlatConfig parse_properties(std::string_view text) {
  FlatConfig config;
  std::string line;
  for (std::string_view piece : split(text, '\n')) {
    piece = trim(piece);
    if (line.empty() && (piece.empty() || piece.front() == '#' || piece.front() == '!')) continue;
    line += piece;
    if (line.ends_with('\\')) {
      line.pop_back();
      continue;
    }
    const std::size_t end = std::min(line.find_first_of("=:"), line.size());
    std::string value;
    for (std::size_t i = end + 1; i < line.size(); ++i) {
      if (line[i] == '\\' && i + 1 < line.size()) ++i;
      value += line[i];
    }
    config[std::string(trim(std::string_view(line).substr(0, end)))] = {std::string(trim(value))};
    line.clear();
  }
  return config;
}

}  // namespace cdc::check
