// SPDX-License-Identifier: Apache-2.0
// Errors end a run or the handling of one event. Each carries the exit status that a tool ends with
// (sysexits, see cdc(7)); expected outcomes (end of stream, a label already loaded) are return values
// instead. Context is added once per floor on the way up with add_context(), so that the user reads
// "binlog.000042:1193: TABLE_MAP: column 7: length 900 past end (312 left)".
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace cdc {

// Exit statuses of cdc-tail and cdc-load. cdc-check answers like a monitoring plugin instead.
enum class ExitCode : int {
  ok = 0,
  usage = 64,      // wrong options
  bad_data = 65,   // malformed event, or a complete line that is no record
  no_input = 66,   // an input file is missing or unreadable
  refused = 69,    // for good: position purged, table unknown, load rejected
  software = 70,   // a bug of ours
  io = 74,         // a write failed
  temporary = 75,  // run the same line again
  denied = 77,     // authentication or grants
  config = 78,     // unusable configuration or server settings
};

class Error : public std::exception {
 public:
  Error(ExitCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ExitCode exit_code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

  // Puts "context: " in front of the message. Returns *this, so that `throw` may follow in a catch block.
  Error& add_context(std::string_view context);

 private:
  ExitCode code_;
  std::string message_;
};

// The command line is wrong (64).
class UsageError : public Error {
 public:
  explicit UsageError(std::string message) : Error(ExitCode::usage, std::move(message)) {}
};

// A configuration file or a server setting makes the work impossible (78).
class ConfigError : public Error {
 public:
  explicit ConfigError(std::string message) : Error(ExitCode::config, std::move(message)) {}
};

// Bytes that are not what the format says (65). `offset` counts from the start of what was being
// decoded (an event, a document); whoever knows the file position adds it as context.
class DecodeError : public Error {
 public:
  DecodeError(std::size_t offset, std::string message)
      : Error(ExitCode::bad_data, std::move(message)), offset_(offset) {}
  std::size_t offset() const noexcept { return offset_; }

 private:
  std::size_t offset_;
};

// A well-formed input whose content cannot be handled (65 unless said otherwise).
class DataError : public Error {
 public:
  explicit DataError(std::string message, ExitCode code = ExitCode::bad_data) : Error(code, std::move(message)) {}
};

// Refused for good (69).
class RefusedError : public Error {
 public:
  explicit RefusedError(std::string message) : Error(ExitCode::refused, std::move(message)) {}
};

// Nothing is wrong with the request; the same command line may succeed later (75).
class TemporaryError : public Error {
 public:
  explicit TemporaryError(std::string message) : Error(ExitCode::temporary, std::move(message)) {}
};

// A system call failed: "what: strerror". 66 for input files, 74 for writes.
class IoError : public Error {
 public:
  IoError(ExitCode code, std::string_view what, int error_number);
  int error_number() const noexcept { return error_number_; }

 private:
  int error_number_;
};

// An ERR packet of a MySQL server or an error of the client library. `transient`: connecting again may help.
class ServerError : public Error {
 public:
  ServerError(ExitCode code, unsigned number, std::string sqlstate, bool transient, std::string message)
      : Error(code, std::move(message)), number_(number), sqlstate_(std::move(sqlstate)), transient_(transient) {}
  unsigned number() const noexcept { return number_; }
  const std::string& sqlstate() const noexcept { return sqlstate_; }
  bool transient() const noexcept { return transient_; }

 private:
  unsigned number_;
  std::string sqlstate_;
  bool transient_;
};

}  // namespace cdc
