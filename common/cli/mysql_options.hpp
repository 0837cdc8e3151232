// SPDX-License-Identifier: Apache-2.0
// The MySQL connection options of cdc-check and cdc-tail: command line, option files, environment and the
// terminal, in this order of precedence, become one ConnectOptions.
//
// Option files are those of the mysql client (see option_file.hpp), groups [client] [cdc] and one named after
// the tool: /etc/my.cnf, /etc/mysql/my.cnf, --defaults-extra-file, ~/.my.cnf. ~/.mylogin.cnf is not read.
// Environment: MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_UNIX_PORT, MYSQL_PWD.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/cli/app.hpp"
#include "common/cli/option_file.hpp"
#include "common/mysql/connection.hpp"

namespace cdc {

// One setting and where it came from, for messages: "--port", "/etc/my.cnf:7" or "MYSQL_TCP_PORT".
struct Setting {
  std::string value;
  std::string origin;
  std::string file;        // of an option file, else ""
  bool from_flag = false;  // typed by the user
  bool ask = false;        // "password" without a value in an option file
};
using Settings = std::map<std::string, Setting, std::less<>>;  // by long option name, and "password"

// Takes over what option files say. Options that we do not have: TLS settings are ConfigError in any group,
// others only outside [client].
void apply_file_options(const std::vector<FileOption>& options, Settings& settings);

// "db1", "db1:3307", "::1", "[::1]:3307", separated by commas. UsageError or ConfigError by
// `setting.from_flag`.
std::vector<ServerAddress> parse_hosts(const Setting& setting, std::uint16_t default_port);

class MysqlOptions {
 public:
  // Declares the options in the group "Connection". The object must live until resolve().
  void declare(App& app);

  // Whether the command line has any of them: a tool that reads files has no use for them.
  bool given() const;

  // After App::parse(). Reads the option files and asks for the password if --password was given.
  // UsageError (64) for the command line, IoError (66) for a missing file, ConfigError (78) for what a file
  // says or for its mode. Without user: the login name; without host: the local socket.
  ConnectOptions resolve() const;

 private:
  Settings collect() const;

  std::string tool_;
  std::map<std::string, std::optional<std::string>, std::less<>> flags_;  // by long option name
  bool ask_password_ = false, no_defaults_ = false;
};

}  // namespace cdc
