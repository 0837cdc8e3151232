// SPDX-License-Identifier: Apache-2.0
#include "common/cli/option_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "common/base/error.hpp"
#include "common/base/fd.hpp"
#include "common/base/text.hpp"

namespace cdc {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;
constexpr int kDeepestInclude = 10;

// `line` up to a # that is not inside quotes.
std::string_view without_comment(std::string_view line) {
  char quote = 0;
  bool escaped = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if ((c == '"' || c == '\'') && !escaped) {
      if (!quote) {
        quote = c;
      } else if (quote == c) {
        quote = 0;
      }
    }
    if (c == '#' && !quote) return line.substr(0, i);
    escaped = quote && c == '\\' && !escaped;
  }
  return line;
}

// Quotes around it are taken off and escapes replaced; a backslash before any other character stays.
std::string unquoted(std::string_view value) {
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.front() == value.back())
    value = value.substr(1, value.size() - 2);
  constexpr std::string_view kLetters = "btnrs\\\"'", kMeanings = "\b\t\n\r \\\"'";
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::size_t escape =
        value[i] == '\\' && i + 1 < value.size() ? kLetters.find(value[i + 1]) : kLetters.npos;
    if (escape == kLetters.npos) {
      out += value[i];
    } else {
      out += kMeanings[escape];
      ++i;
    }
  }
  return out;
}

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& groups) : groups_(groups) {}

  std::vector<FileOption> options;

  void read(const std::string& path, int depth) {
    refuse_public(path);
    const std::string content = read_file(path, kLargestFile);
    std::optional<std::string> group;  // none before the first [group]
    std::size_t number = 0;
    for (const std::string_view raw : split(content, '\n')) {
      ++number;
      const std::string_view line = trim(raw);
      if (line.empty() || line[0] == '#' || line[0] == ';') continue;
      const auto fail = [&](const std::string& message) {
        throw ConfigError(path + ":" + std::to_string(number) + ": " + message);
      };
      if (line[0] == '!') {
        if (depth == kDeepestInclude) fail("option files include each other too deeply");
        if (!include(line.substr(1), depth)) fail("neither !include FILE nor !includedir DIRECTORY");
      } else if (line[0] == '[') {
        const std::size_t end = line.find(']');
        if (end == line.npos) fail("a group's name needs a closing bracket");
        const std::string_view name = line.substr(0, end);
        group = std::string(name.substr(1, name.find_last_not_of(" \t")));
      } else if (!group) {
        fail("an option needs a [group] in front of it");
      } else if (std::find(groups_.begin(), groups_.end(), *group) != groups_.end()) {
        FileOption option = parse(trim(without_comment(line)));
        option.group = *group;
        option.file = path;
        option.line = number;
        options.push_back(std::move(option));
      }
    }
  }

 private:
  static FileOption parse(std::string_view line) {
    FileOption option;
    const std::size_t equals = line.find('=');
    option.name = std::string(trim(line.substr(0, equals)));
    std::replace(option.name.begin(), option.name.end(), '_', '-');
    if (option.name.starts_with("loose-")) {
      option.loose = true;
      option.name.erase(0, 6);
    }
    if (equals != line.npos) option.value = unquoted(trim(line.substr(equals + 1)));
    return option;
  }

  bool include(std::string_view directive, int depth) {
    const std::size_t blank = directive.find_first_of(" \t");
    if (blank == directive.npos) return false;
    const std::string target(trim(directive.substr(blank)));
    if (directive.substr(0, blank) == "include") {
      read(target, depth + 1);
      return true;
    }
    if (directive.substr(0, blank) != "includedir") return false;
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(target, error))
      if (entry.path().extension() == ".cnf") files.push_back(entry.path().string());
    if (error) throw IoError(ExitCode::no_input, target, error.value());
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) read(file, depth + 1);
    return true;
  }

  // The mysql client ignores such a file. A TLS setting in it would then be ignored too, so we stop.
  static void refuse_public(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & S_IWOTH))
      throw ConfigError(path + ": everybody may write this option file; run: chmod o-w " + path);
  }

  const std::vector<std::string>& groups_;
};

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

}  // namespace

std::vector<FileOption> read_option_file(const std::string& path, const std::vector<std::string>& groups) {
  Reader reader(groups);
  reader.read(path, 0);
  return std::move(reader.options);
}

std::vector<std::string> standard_option_files(const std::optional<std::string>& extra) {
  std::vector<std::string> files;
  for (const char* path : {"/etc/my.cnf", "/etc/mysql/my.cnf"})
    if (exists(path)) files.emplace_back(path);
  if (extra) files.push_back(*extra);
  if (const char* home = std::getenv("HOME"); home && *home)
    if (std::string own = std::string(home) + "/.my.cnf"; exists(own)) files.push_back(std::move(own));
  return files;
}

}  // namespace cdc
