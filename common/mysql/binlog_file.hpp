// SPDX-License-Identifier: Apache-2.0
// BinlogFiles: binlog files as a source of events, one after the other, or one raw binlog on standard input.
// Read in large blocks; memory grows with the largest event that is really there, never with a length that is
// only claimed. An event's bytes live until next().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/base/fd.hpp"
#include "common/binlog/event.hpp"
#include "common/mysql/wait_hook.hpp"

namespace cdc {

class BinlogFiles final : public EventSource {
 public:
  // `paths` in the order in which they were written; "-" is standard input. Events name their file without
  // its directory. The hook is asked before a read that would block (a pipe).
  explicit BinlogFiles(std::vector<std::string> paths, WaitHook wait = {});

  // nullopt behind the last file, or when the hook said stop. IoError (66) when a file cannot be read;
  // DataError (65) when it is no binlog, ConfigError (78) when it is an encrypted one; DecodeError "FILE:POS: …" when it ends inside
  // an event, but TemporaryError (75) when the server that writes it has not closed it yet: the rest may
  // still come.
  std::optional<RawEvent> next() override;

  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  bool open_next();
  void check_magic();
  bool fill(std::size_t wanted);
  bool wait_for_data();
  [[noreturn]] void fail_cut_off(std::size_t wanted) const;

  std::vector<std::string> paths_;
  std::size_t next_path_ = 0;
  WaitHook wait_;
  UniqueFd fd_;
  bool may_block_ = false, stopped_ = false;
  bool starts_ = false;  // the next event is the file's first
  bool in_use_ = false;  // LOG_EVENT_BINLOG_IN_USE_F of the file's format description
  std::string name_;
  std::uint64_t pos_ = 0;  // of the next event in its file
  OutBuffer buffer_;       // bytes read; the first `used_` of them were handed out
  std::size_t used_ = 0;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace cdc
