// SPDX-License-Identifier: Apache-2.0
// The captured binlogs of tests/data/binlog (see capture there): their events, and what the server said of
// them.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/base/text.hpp"
#include "common/binlog/event.hpp"

namespace cdc::fixture {

inline std::string read_whole(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("no " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

// All fields of a file of tab-separated lines, as the mysql client's --batch writes them.
inline std::vector<std::vector<std::string>> read_tsv(const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> rows;
  const std::string text = read_whole(path);
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    std::vector<std::string>& row = rows.emplace_back();
    for (const std::string_view field : split(line, '\t')) {
      std::string& plain = row.emplace_back();
      for (std::size_t i = 0; i < field.size(); ++i) {
        const bool escaped = field[i] == '\\' && i + 1 < field.size();
        const char c = escaped ? field[++i] : field[i];
        plain += !escaped ? c : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c;
      }
    }
  }
  return rows;
}

inline std::filesystem::path directory(const std::string& name) {
  return std::filesystem::path(CDC_TEST_DATA) / "binlog" / name;
}

inline std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory(""))) {
    if (entry.is_directory()) found.push_back(entry.path().filename());
  }
  return found;
}

// A binlog file in memory, cut into events by their length fields.
class File : public EventSource {
 public:
  File(const std::string& name, std::string file)
      : file_(std::move(file)), bytes_(read_whole(directory(name) / file_)) {}
  std::optional<RawEvent> next() override {
    if (at_ >= bytes_.size()) return std::nullopt;
    RawEvent raw;
    if (at_ == 4) {
      raw.starts_file = file_;
      raw.starts_pos = 4;
    }
    ByteReader reader(as_bytes(bytes_).subspan(at_));
    const std::size_t length = EventHeader::decode(reader).length;
    raw.bytes = ByteReader(as_bytes(bytes_).subspan(at_)).bytes(length);
    at_ += length;
    return raw;
  }

  std::string& bytes() { return bytes_; }
  void rewind() { at_ = 4; }

 private:
  std::string file_, bytes_;
  std::size_t at_ = 4;
};

inline std::vector<std::string> files_of(const std::string& name) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory(name))) {
    const std::string file = entry.path().filename();
    if (file.starts_with("binlog.")) found.push_back(file);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace cdc::fixture
