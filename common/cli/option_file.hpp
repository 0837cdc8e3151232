// SPDX-License-Identifier: Apache-2.0
// MySQL option files (manual, "Using Option Files"), for a few groups: "name", "name=value", quoted values,
// escapes \b \t \n \r \s \\ \" \', comments with # and ;, !include and !includedir, loose- in front of a
// name,
// '_' for '-'. Option names are returned with dashes. The encrypted ~/.mylogin.cnf is not read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cdc {

struct FileOption {
  std::string group;  // "client"
  std::string name;   // "ssl-mode"
  std::optional<std::string> value;
  bool loose = false;  // loose-NAME: no error where NAME is unknown
  std::string file;
  std::size_t line = 0;
  std::string where() const { return file + ":" + std::to_string(line); }
};

// The options of `groups` in the order of the file, later ones win. IoError (66) when it or a file it
// includes cannot be read; ConfigError (78) for a line that is none, and for a file that everybody may write.
std::vector<FileOption> read_option_file(const std::string& path, const std::vector<std::string>& groups);

// What the mysql client reads by itself, in its order, as far as it exists: `extra` (--defaults-extra-file)
// goes between the system's files and ~/.my.cnf, and must exist.
std::vector<std::string> standard_option_files(const std::optional<std::string>& extra);

}  // namespace cdc
