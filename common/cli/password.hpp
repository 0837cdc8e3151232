// SPDX-License-Identifier: Apache-2.0
// The two ways by which a password may come without being seen in a process list.
#pragma once

#include <string>

namespace cdc {

// The first line of a file that only its owner may read. IoError (66) when it cannot be read, ConfigError
// (78) when it is open to others or empty.
std::string read_password_file(const std::string& path);

// Asks on /dev/tty, without echo, whatever stdin and stderr are. UsageError when there is no terminal; a
// signal ends the process with the terminal as it was.
std::string ask_password(const std::string& prompt);

}  // namespace cdc
