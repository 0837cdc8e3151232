// SPDX-License-Identifier: Apache-2.0
// The MySQL connection options of cdc-check and cdc-tail: command line, option files, environment and the
// terminal, in this order of precedence, become one mysql ConnectOptions.
//
// Option files as the mysql client reads them (see option_file.hpp), groups [client] [cdc] [cdc-tail]:
// /etc/my.cnf, /etc/mysql/my.cnf, --defaults-extra-file, ~/.my.cnf. ~/.mylogin.cnf is not read.
// Environment: MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_UNIX_PORT, MYSQL_PWD.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/cli/app.hpp"
#include "common/mysql/connection.hpp"

namespace cdc {

class MysqlOptions {
 public:
  // Declares the options in the group "Connection". The object must live until resolve().
  void declare(App& app);

  // Whether the command line has any of them: a tool that reads files has no use for them.
  bool given() const;

  // After App::parse(). Reads the option files and asks for the password if --password was given.
  // UsageError (64) for the command line, IoError (66) for a missing file, ConfigError (78) for what a file
  // says or for its mode. Without user: the login name; without host: localhost.
  ConnectOptions resolve() const;

 private:
  App* app_ = nullptr;
  std::optional<std::string> host_, user_, socket_, port_, password_file_, defaults_file_,
      defaults_extra_file_;
  std::optional<std::string> ssl_mode_, ssl_ca_, ssl_cert_, ssl_key_, connect_timeout_, server_id_;
  bool ask_password_ = false, no_defaults_ = false;
};

}  // namespace cdc
