// SPDX-License-Identifier: Apache-2.0
// The side of Outflow that makes loads and settles them.
#include <algorithm>

#include "common/base/text.hpp"
#include "common/cli/app.hpp"
#include "common/starrocks/label.hpp"
#include "tools/cdc-load/outflow.hpp"

namespace cdc::load {

using starrocks::Batch;
using starrocks::Body;
using starrocks::LoadResult;

namespace {

constexpr std::chrono::milliseconds kFirstPause{250};
constexpr std::chrono::milliseconds kLongestPause{30'000};
constexpr std::chrono::milliseconds kLongestInterval{600'000};

std::string in_table(const TableName& table, const std::string& why) { return table.text() + ": " + why; }

}  // namespace

// ---- Loads of an earlier run

void Outflow::settle_earlier(const std::function<void()>& wait) {
  std::size_t waiting = 0;
  for (TableId id = 0; id < tables_.size(); ++id) {
    if (!ledger_.progress(id).load) continue;
    const LoadIntent& intent = ledger_.intent(id);
    if (intent.suspect) {
      if (options_.assume != Assume::applied)
        throw RefusedError(in_table(tables_[id].name, "StarRocks counted other rows than were sent as " + intent.label +
                                                          "; when the table has been looked at and mended, --assume=applied "
                                                          "goes on behind that load"));
      ledger_.contained(id, intent.to);
      continue;
    }
    if (options_.dry_run) {
      tables_[id].redo_pin = ledger_.pin();
      ledger_.redo(id);
      continue;
    }
    loader_->submit(job_of(id, false));
    ++waiting;
  }
  while (waiting > 0) {
    wait();
    for (const LoadOutcome& outcome : loader_->take()) {
      --waiting;
      if (outcome.error) std::rethrow_exception(outcome.error);
      const TableId id = outcome.table;
      if (outcome.committed) {
        log_.info(in_table(tables_[id].name, "load " + ledger_.intent(id).label + " of the run before was made"));
        report_.committed(ledger_.target(id), ledger_.intent(id), std::nullopt);
        ledger_.committed(id, outcome.finished);
      } else if (outcome.forgotten && options_.assume == Assume::applied) {
        ledger_.contained(id, ledger_.intent(id).to);
      } else {
        tables_[id].forgotten = outcome.forgotten;
        tables_[id].redo_pin = ledger_.pin();
        ledger_.redo(id);
      }
    }
  }
}

// ---- Starting loads

LoadJob Outflow::job_of(TableId id, bool send) {
  const Table& table = tables_[id];
  const LoadIntent& intent = ledger_.intent(id);
  LoadJob job;
  job.table = id;
  job.target = table.name;
  job.label = intent.label;
  job.first_sent_ms = intent.first_sent_ms;
  job.last_sent_ms = intent.last_sent_ms;
  job.timeout_s = intent.timeout_s;
  job.witness = intent.witness;
  if (!send) return job;
  job.batch = table.sealed.front().batch;
  job.columns = table.sealed.front().columns;
  job.compression = options_.compression;
  job.first = table.flight->todo.back().first;
  job.count = table.flight->todo.back().count;
  // Without keys a second copy stays: whatever was known of an earlier attempt may be out of date.
  job.again = !job.batch->keyed() && options_.assume != Assume::absent && table.flight->doubtful;
  return job;
}

void Outflow::launch(TableId id, std::vector<LoadJob>& jobs) {
  Table& table = tables_[id];
  const Sealed& sealed = table.sealed.front();
  if (!table.flight) {
    table.flight = Flight();
    table.flight->todo.push_back({0, sealed.batch->rows()});
  }
  if (!table.flight->begun && !sealed.redo && sealed.sha256.empty() && loader_) return hash(id);
  jobs.push_back(table.flight->begun ? job_of(id, !table.flight->only_settle) : sealed.redo ? redo_load(id) : new_load(id));
  table.flight->begun = true;
  jobs.back().wait_out = table.flight->only_settle;
  table.flight->running = true;
  ++in_flight_;
  LoadIntent& intent = ledger_.intent(id);
  if (jobs.back().batch) ledger_.sending(id, now_ms());
  jobs.back().last_sent_ms = intent.last_sent_ms;
}

// Hashing a large batch takes longer than a source can be kept waiting; a thread of the loader does it.
void Outflow::hash(TableId id) {
  const Sealed& sealed = tables_[id].sealed.front();
  LoadJob job;
  job.table = id;
  job.batch = sealed.batch;
  job.columns = sealed.columns;
  job.only_hash = true;
  tables_[id].flight->running = true;
  ++in_flight_;
  loader_->submit(std::move(job));
}

LoadJob Outflow::new_load(TableId id) {
  Table& table = tables_[id];
  table.flight->doubtful = false;
  const Sealed& sealed = table.sealed.front();
  const Range& range = table.flight->todo.back();
  const Body body(*sealed.batch, range.first, range.count);
  LoadIntent intent;
  intent.from = ledger_.progress(id).done;
  intent.to = part_mark(id);
  intent.rows = body.rows();
  intent.bytes = body.bytes();
  const bool is_known = range.count == sealed.batch->rows() && !sealed.sha256.empty();
  intent.sha256 = is_known ? sealed.sha256 : starrocks::load_sha256(body, sealed.columns);
  // Without a checkpoint nothing else tells two equal loads of one run apart.
  const std::string job =
      ledger_.checkpoint().job + (options_.checkpoint.empty() ? "#" + std::to_string(++serial_) : "");
  intent.label = starrocks::make_label(options_.label_prefix, job, table.name.text(), intent.from, intent.to, intent.sha256);
  intent.first_sent_ms = now_ms();
  intent.timeout_s = options_.load_timeout_s;
  intent.witness = ledger_.witness(table.name.db);
  ledger_.intend(id, std::move(intent));
  return job_of(id, true);
}

// A load of the run before that was not made, from its changes told again. The same bytes go under the same label: if
// an attempt that was on its way then still arrives, the two collide. Other bytes (another version or option, a chunk of
// an initial copy read again) need another label, and so first the certainty that no attempt can arrive any more.
LoadJob Outflow::redo_load(TableId id) {
  Table& table = tables_[id];
  const Batch& batch = *table.sealed.front().batch;
  table.flight->doubtful = true;
  const LoadIntent& intent = ledger_.intent(id);
  const bool same = !batch.empty() && batch.rows() == intent.rows &&
                    starrocks::load_sha256({batch, 0, batch.rows()}, table.sealed.front().columns) == intent.sha256;
  if (same) return job_of(id, true);
  table.flight->only_settle = true;
  log_.info(in_table(table.name, "load " + intent.label + " comes back with other rows; waiting until it cannot be made"));
  return job_of(id, false);
}

void Outflow::send(std::vector<LoadJob> jobs) {
  save(true);  // the intents are on disk before the first byte is sent
  for (LoadJob& job : jobs) {
    if (options_.dry_run) {
      print(job);
      LoadOutcome outcome;
      outcome.table = job.table;
      outcome.committed = true;
      outcome.rows = job.count;
      take(std::move(outcome));
    } else {
      loader_->submit(std::move(job));
    }
  }
}

void Outflow::print(const LoadJob& job) {
  if (!job.batch) return;
  const Body body(*job.batch, job.first, job.count);
  OutBuffer out;
  out.append("{\"db\":");
  append_json_string(out, job.target.db);
  out.append(",\"table\":");
  append_json_string(out, job.target.table);
  out.append(",\"label\":");
  append_json_string(out, job.label);
  out.append(",\"columns\":");
  append_json_string(out, job.columns);
  out.append(",\"rows\":");
  append_uint(out, body.rows());
  out.append(",\"bytes\":");
  append_uint(out, body.bytes());
  out.append(",\"body\":");
  body.for_each_part([&](std::string_view part) { out.append(part); });
  out.append("}\n");
  write_stdout(out.view());
}

// ---- How they end

// What the table contains when the range being loaded is durable. Ranges are loaded in order. Parts of a keyed batch
// may be loaded twice, so only the last one counts; without keys each part is a mark of its own.
Mark Outflow::part_mark(TableId id) const {
  const Table& table = tables_[id];
  const Sealed& sealed = table.sealed.front();
  const Range& range = table.flight->todo.back();
  const Mark& done = ledger_.progress(id).done;
  if (range.first + range.count == sealed.batch->rows()) return sealed.to;
  return sealed.batch->keyed() ? done : sealed.batch->mark_after(range.first + range.count - 1, done);
}

void Outflow::take(LoadOutcome outcome) {
  const TableId id = outcome.table;
  tables_[id].flight->running = false;
  --in_flight_;
  tables_[id].flight->doubtful |= !outcome.absent;
  if (outcome.error) {
    try {
      std::rethrow_exception(outcome.error);
    } catch (const TemporaryError& error) {
      retry(id, outcome.answer.message.empty() ? error.message() : outcome.answer.message + "; " + error.message());
      return;
    } catch (const Error&) {
      give_up(id);
      throw;
    }
  }
  if (!outcome.sha256.empty()) {
    tables_[id].sealed.front().sha256 = std::move(outcome.sha256);
    return;  // pump() goes on with it
  }
  if (outcome.suspect) {
    ledger_.suspect(id);
    save(true);
    throw RefusedError(in_table(tables_[id].name, "StarRocks committed load " + ledger_.intent(id).label +
                                                      " but counts other rows: " + std::to_string(outcome.rows) +
                                                      " sent, " + std::to_string(outcome.answer.loaded_rows) + " loaded, " +
                                                      std::to_string(outcome.answer.filtered_rows) + " filtered"));
  }
  if (outcome.committed) {
    loaded(id, outcome);
  } else {
    failed(id, outcome);
  }
}

void Outflow::loaded(TableId id, const LoadOutcome& outcome) {
  Table& table = tables_[id];
  const LoadIntent& intent = ledger_.intent(id);
  totals_.rows += intent.rows;
  totals_.bytes += intent.bytes;
  ++totals_.loads;
  log_.info(in_table(table.name, std::to_string(intent.rows) + " rows, " + std::to_string(intent.bytes) + " bytes in " +
                                     std::to_string(outcome.took_ms) + " ms as " + intent.label));
  report_.committed(ledger_.target(id), intent, outcome.took_ms);
  const auto remembered = options_.dry_run ? std::nullopt : label_memory_.committed(table.name.db);
  if (remembered)
    log_.warning("StarRocks forgets a load of database " + table.name.db + " after " + std::to_string(remembered->count() / 60) +
                 " minutes at this rate (label_keep_max_num); after a crash, be back by then or load less often (--batch-time)");
  // Back to the usual one step by step: what was too often is soon so again.
  table.interval -= table.interval / 8;
  if (table.interval <= std::chrono::milliseconds(options_.batch_time_ms)) table.interval = {};
  ledger_.committed(id, outcome.finished);
  part_done(id);
}

void Outflow::part_done(TableId id) {
  Table& table = tables_[id];
  std::vector<Range>& todo = table.flight->todo;
  todo.pop_back();
  table.flight->failures = 0;
  table.not_before = Clock::now() + table.interval;
  if (!todo.empty()) {
    // The next part is a load of its own.
    const std::vector<Range> rest = todo;
    table.flight->retry_at = {};
    new_load(id);
    return;
  }
  if (table.sealed.front().pin) ledger_.unpin(*table.sealed.front().pin);
  table.flight.reset();
  table.sealed.pop_front();
}

void Outflow::failed(TableId id, const LoadOutcome& outcome) {
  Table& table = tables_[id];
  const starrocks::LoadAnswer& answer = outcome.answer;
  if (const Batch& batch = *table.sealed.front().batch;
      outcome.forgotten && !batch.empty() && !batch.keyed() && options_.assume != Assume::absent)
    throw RefusedError(in_table(table.name, "StarRocks does not know any more whether load " + ledger_.intent(id).label +
                                                " was made, and the table has no primary key; say --assume=applied or "
                                                "--assume=absent when you have looked"));
  if (table.flight->only_settle) {
    // Certain not to be made: its rows go under a label of their own.
    table.flight->only_settle = false;
    if (table.sealed.front().batch->empty()) {
      ledger_.contained(id, table.sealed.front().to);
      part_done(id);
    } else {
      table.flight->retry_at = {};
      new_load(id);
    }
    return;
  }
  switch (answer.result) {
    case LoadResult::bad_data:
      return rejected(id, outcome);
    case LoadResult::refused:
      give_up(id);
      throw RefusedError(in_table(table.name, "StarRocks refuses the load: " + answer.message));
    case LoadResult::denied:
      give_up(id);
      throw Error(ExitCode::denied, in_table(table.name, "StarRocks refuses the user: " + answer.message));
    case LoadResult::overloaded: {
      const auto first = std::chrono::milliseconds(std::max<std::int64_t>(options_.batch_time_ms, 1000));
      table.interval = std::min(kLongestInterval, 2 * std::max(first, table.interval));
      return retry(id, answer.message);
    }
    default:
      return retry(id, answer.message);
  }
}

void Outflow::retry(TableId id, const std::string& why) {
  Table& table = tables_[id];
  Flight& flight = *table.flight;
  ++totals_.retries;
  if (flight.failures >= options_.max_retries) {
    give_up(id);
    throw TemporaryError(in_table(table.name, "given up after " + std::to_string(flight.failures + 1) + " attempts: " + why));
  }
  std::chrono::milliseconds pause = std::min(kLongestPause, kFirstPause * (1 << std::min(flight.failures, 10u)));
  const std::chrono::milliseconds jitter{std::uniform_int_distribution<std::int64_t>(0, pause.count() / 2)(random_)};
  pause = std::max(pause / 2, std::min(table.interval, kLongestPause)) + jitter;
  ++flight.failures;
  flight.retry_at = Clock::now() + pause;
  log_.warning(in_table(table.name, why + "; trying again in " + std::to_string(pause.count()) + " ms"));
}

// This run ends. Where nothing was sent, the next one has nothing to settle.
void Outflow::give_up(TableId id) {
  if (tables_[id].flight->doubtful) return;
  ledger_.aborted(id);
  save(true);
}

// Looks for the rows that StarRocks does not take, by halves.
void Outflow::rejected(TableId id, const LoadOutcome& outcome) {
  Table& table = tables_[id];
  std::vector<Range>& todo = table.flight->todo;
  const Range range = todo.back();
  if (range.count > 1) {
    todo.back() = {range.first + range.count / 2, range.count - range.count / 2};
    todo.push_back({range.first, range.count / 2});
    table.flight->retry_at = {};
    new_load(id);
    return;
  }
  const Batch& batch = *table.sealed.front().batch;
  std::string reason = outcome.answer.message;
  if (log_.level() == LogLevel::verbose && !outcome.error_log.empty()) reason += "; " + outcome.error_log;
  if (!outcome.no_error_log.empty()) reason += "; its error log cannot be had: " + outcome.no_error_log;
  if (options_.dead_letter.empty()) {
    ledger_.aborted(id);  // nothing for the next run to wait for
    save(true);
    // What the rows hold is nobody's business but the operator's, who asks for it with -v.
    throw RefusedError(in_table(table.name, "StarRocks rejects a row: " + reason +
                                                (log_.level() == LogLevel::verbose
                                                     ? ": " + std::string(batch.row(range.first))
                                                     : " (-v shows it; --dead-letter puts such rows aside)")));
  }
  reject(batch.line(range.first), outcome.error_log.empty() ? reason : outcome.error_log);
  ledger_.contained(id, part_mark(id));
  part_done(id);
}

}  // namespace cdc::load
