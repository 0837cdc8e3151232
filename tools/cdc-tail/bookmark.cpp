// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/bookmark.hpp"

#include <random>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace cdc::tail {

namespace {

constexpr std::chrono::milliseconds kBetweenSaves{200};  // each costs two fsyncs
constexpr std::chrono::seconds kTablesAge{60};  // how much of the log would have to be read again for DDL
constexpr int kTablesShare = 10;                // of the time may go to saving definitions: a tenth

constexpr const char* kTablesSuffix = ".tables";

std::string random_job() {
  std::random_device device;
  std::string bytes;
  for (int i = 0; i < 16; ++i) bytes.push_back(static_cast<char>(device()));
  return to_hex(as_bytes(bytes));
}

}  // namespace

Bookmark::Bookmark(const Options& options, const std::string& filter, const Log& log)
    : log_(log), path_(options.checkpoint), saves_(options.save_checkpoint) {
  if (path_.empty()) return;
  if (saves_) lock_.emplace(checkpoint_lock_path(path_));
  loaded_ = Checkpoint::load(path_);
  if (loaded_) check(options, filter);
  saved_.job = loaded_ ? loaded_->job : random_job();
  if (loaded_) saved_.tables = loaded_->tables;
  saved_.copied = loaded_ && loaded_->copied && loaded_->filter == filter;
  saved_.filter = filter;
  saved_.time_zone = options.format_options.time_zone.name();
}

void Bookmark::check(const Options& options, const std::string& filter) const {
  const std::string whose = path_ + " belongs to a stream with ";
  // The empty object and the empty time zone are cdc-check's, which makes the file before there is a stream.
  if (!options.accept_change && loaded_->filter != "{}" && loaded_->filter != filter) {
    throw ConfigError(whose + "the filter " + loaded_->filter + ", this one has " + filter +
                      " (--accept-change)");
  }
  const std::string& zone = options.format_options.time_zone.name();
  if (!options.accept_change && !loaded_->time_zone.empty() && loaded_->time_zone != zone) {
    throw ConfigError(whose + "time zone " + loaded_->time_zone + ", this one has " + zone +
                      " (--accept-change)");
  }
  if (saves_ && !loaded_->target.empty()) {
    throw ConfigError(path_ + " is written by cdc-load; --save-checkpoint would destroy what it keeps there");
  }
}

void Bookmark::chunk_told(const SnapshotChunk& chunk) {
  saved_.tables[chunk.table.text()].done.chunks.insert_or_assign(chunk.table, chunk);
  has_saved_ = false;
}

void Bookmark::copy_void(const TableName& table) {
  if (saved_.tables.erase(table.text()) != 0) has_saved_ = false;
}

void Bookmark::copy_ended() {
  saved_.copied = true;
  has_saved_ = false;
}

void Bookmark::save(Teller& teller, bool now) {
  if (!saves_ || !teller.started()) return;
  const Clock::time_point time = Clock::now();
  if (!now && time - saved_at_ < kBetweenSaves) return;
  if (has_saved_ && saved_.position == teller.boundary() && saved_.server_uuid == teller.server_uuid())
    return;
  saved_.gtid_set.reset();
  if (const GtidSet* executed = teller.executed()) saved_.gtid_set = *executed;
  saved_.position = teller.boundary();
  saved_.server_uuid = teller.server_uuid();
  saved_.ts_ms = teller.last_commit_ms();
  saves_ = false;  // until it is on disk
  saved_.save(path_);
  saves_ = has_saved_ = true;
  saved_at_ = Clock::now();
}

void Bookmark::keep_tables(TableDefinitions& definitions, const std::string& server_uuid) {
  if (path_.empty()) return;
  definitions_ = &definitions;
  const bool same_server = loaded_ && loaded_->server_uuid == server_uuid;
  definitions.keep_history(same_server ? TableHistory::load(path_ + kTablesSuffix) : std::nullopt,
                           same_server ? loaded_->position : BinlogPosition{});
}

void Bookmark::save_tables(const Teller& teller, bool now) {
  if (definitions_ == nullptr || !teller.started()) return;
  const Clock::time_point time = Clock::now();
  const Clock::duration age = time - tables_saved_at_;
  const bool moved = teller.boundary() != tables_saved_to_;
  if (definitions_->has_news() ? !now && age < kTablesShare * tables_save_took_
                               : !moved || (!now && age < kTablesAge)) {
    return;
  }
  try {
    definitions_->take_history(teller.boundary()).save(path_ + kTablesSuffix);
  } catch (const IoError& error) {
    log_.warning(error.message() + "; a later run may not know what tables were called by then");
    definitions_ = nullptr;
    return;
  }
  tables_saved_to_ = teller.boundary();
  tables_saved_at_ = Clock::now();
  tables_save_took_ = tables_saved_at_ - time;
}

}  // namespace cdc::tail
