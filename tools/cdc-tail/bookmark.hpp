// SPDX-License-Identifier: Apache-2.0
// Bookmark: the checkpoint file as cdc-tail uses it: read at the start, and with --save-checkpoint written
// behind what stdout has taken. What is written is safe against a crash of cdc-tail, not against a reader
// that loses what it took. Beside it, whoever writes the checkpoint, the file of the tables' definitions.
#pragma once

#include <chrono>
#include <optional>

#include "common/base/fd.hpp"
#include "common/base/log.hpp"
#include "common/model/checkpoint.hpp"
#include "common/mysql/table_definitions.hpp"
#include "tools/cdc-tail/options.hpp"
#include "tools/cdc-tail/teller.hpp"

namespace cdc::tail {

class Bookmark {
 public:
  // Takes the lock when it will write (TemporaryError when somebody has it). ConfigError (78) when the file
  // is of another filter or time zone, or is cdc-load's own and would be overwritten.
  Bookmark(const Options& options, const std::string& filter, const Log& log);

  // What the file said; nullopt: there is none, a first run.
  const std::optional<Checkpoint>& loaded() const { return loaded_; }

  // The chunk was told to its end.
  void chunk_told(const SnapshotChunk& chunk);
  // What was told of the table's copy is to be told again.
  void copy_void(const TableName& table);
  // Every table of the copy is complete.
  void copy_ended();
  // Writes the teller's boundary if that has moved; under load a few times a second, with `now` in any case.
  // After an IoError nothing more is written.
  void save(Teller& teller, bool now);

  // Where a checkpoint was asked for, definitions are kept beside it. `server_uuid` is of the server that the
  // stream starts from.
  void keep_tables(TableDefinitions& definitions, const std::string& server_uuid);
  // Writes them when there is something new, so that definitions are on disk before rows that need them are out;
  // seldom when much is new all the time, or, with `now`, also when only the boundary has moved.
  void save_tables(const Teller& teller, bool now);

 private:
  using Clock = std::chrono::steady_clock;

  void check(const Options& options, const std::string& filter) const;

  const Log& log_;
  std::string path_;
  bool saves_;
  std::optional<FileLock> lock_;
  std::optional<Checkpoint> loaded_;
  Checkpoint saved_;
  bool has_saved_ = false;
  Clock::time_point saved_at_{};

  TableDefinitions* definitions_ = nullptr;  // nullptr: not kept, or they cannot be written
  BinlogPosition tables_saved_to_;
  Clock::time_point tables_saved_at_{};
  Clock::duration tables_save_took_{};
};

}  // namespace cdc::tail
