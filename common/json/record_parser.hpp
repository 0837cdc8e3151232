// SPDX-License-Identifier: Apache-2.0
// The records of cdc-changes(5) that are no rows, each from its line into the struct of common/model/record.hpp.
// DataError when a member is missing or has the wrong type; unknown members are ignored.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "common/base/error.hpp"
#include "common/model/record.hpp"

namespace cdc {

class RecordParser {
 public:
  RecordParser();
  ~RecordParser();

  // ConfigError when the stream is of a newer version than ours.
  StartRecord start(std::string_view line);
  // Of a column only what the record tells: name, type_text, nullable, default_text, generated, invisible, charset.
  TableSchema table(std::string_view line);
  BeginRecord begin(std::string_view line);
  CommitRecord commit(std::string_view line);
  DdlRecord ddl(std::string_view line);
  HeartbeatRecord heartbeat(std::string_view line);
  EndRecord end(std::string_view line);

 private:
  class Members;
  struct Parser;
  Members members(std::string_view line);
  std::optional<BeginRecord> plain_begin(std::string_view line);
  std::optional<CommitRecord> plain_commit(std::string_view line);

  std::unique_ptr<Parser> parser_;
};

}  // namespace cdc
