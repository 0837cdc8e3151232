// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/loader.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "common/base/fd.hpp"
#include "common/starrocks/label.hpp"

namespace cdc::load {

using starrocks::LabelState;
using starrocks::LoadResult;
using starrocks::StreamLoadClient;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

namespace {

// How long a transaction that nobody may be working on any more is left alone before it is cancelled.
constexpr std::int64_t kCancelAfterMs = 30'000;
// A request that has left us begins its transaction within this time or never.
constexpr std::int64_t kArrivalMs = 30'000;
// Behind a transaction's timeout StarRocks has aborted it.
constexpr std::int64_t kGraceMs = 60'000;
// Without a witness: StarRocks keeps a label that long even if very many loads finish.
constexpr std::int64_t kSurelyKnownMs = 600'000;
constexpr int kQuestions = 5;  // in a row without an answer

// What a thread throws when the loader ends under it.
struct Abandoned {};

// The end of the loader, for threads that sleep or transfer.
class Ending {
 public:
  void begin() {
    const std::lock_guard lock(mutex_);
    begun_ = true;
    changed_.notify_all();
  }
  void sleep_ms(std::int64_t ms) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return begun_.load(); })) throw Abandoned();
  }
  const std::atomic<bool>& begun() const { return begun_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> begun_{false};
};

struct Talk {
  Ending& ending;
  StreamLoadClient client;
};

LabelState ask(Talk& talk, const std::string& db, const std::string& label) {
  for (int i = 1;; ++i) {
    try {
      return talk.client.label_state(db, label);
    } catch (const TemporaryError& error) {
      if (error.message().find("unknown database") != std::string::npos) return LabelState::unknown;
      if (i == kQuestions) throw;
      talk.ending.sleep_ms(100 << i);
    }
  }
}

// The state of the job's label when it is final, or unknown.
LabelState settle(Talk& talk, const LoadJob& job) {
  const std::int64_t sent_ms = std::min(job.last_sent_ms, now_ms());  // the clock may have been set back, or be another machine's
  const std::int64_t over = sent_ms + job.timeout_s * 1000 + kGraceMs;
  const std::int64_t cancel_at = std::min(over, now_ms() + kCancelAfterMs);
  if (job.wait_out && now_ms() < sent_ms + kArrivalMs) {
    // Once it is committed there is nothing to wait for.
    const LabelState state = ask(talk, job.target.db, job.label);
    if (state == LabelState::committed || state == LabelState::visible) return state;
    talk.ending.sleep_ms(sent_ms + kArrivalMs - now_ms());
  }
  for (std::int64_t pause = 50;; pause = std::min<std::int64_t>(2 * pause, 2000)) {
    const LabelState state = ask(talk, job.target.db, job.label);
    if (state != LabelState::prepare && state != LabelState::prepared) return state;
    if (now_ms() > std::max(over, cancel_at) + kGraceMs)
      throw TemporaryError("label " + job.label + " stays " + std::string(label_state_text(state)));
    if (now_ms() >= cancel_at) talk.client.cancel(job.target.db, job.target.table, job.label);
    talk.ending.sleep_ms(pause);
  }
}

LabelState settle(Talk& talk, const LoadJob& job, LoadOutcome& outcome) {
  const LabelState state = settle(talk, job);
  outcome.finished = state == LabelState::visible;
  outcome.committed = outcome.finished || state == LabelState::committed;
  return state;
}

// StarRocks forgets finished labels first in, first out: while it still knows one that finished before ours was sent,
// it has not forgotten ours.
bool may_be_forgotten(Talk& talk, const LoadJob& job) {
  const std::int64_t age_ms = now_ms() - job.first_sent_ms;
  if (job.witness.empty()) return age_ms < 0 || age_ms > kSurelyKnownMs;
  return ask(talk, job.target.db, job.witness) == LabelState::unknown;
}

void send(Talk& talk, const LoadJob& job, LoadOutcome& outcome) {
  const starrocks::Body body(*job.batch, job.first, job.count);
  outcome.rows = body.rows();
  outcome.bytes = body.bytes();
  starrocks::LoadRequest request;
  request.db = job.target.db;
  request.table = job.target.table;
  request.label = job.label;
  request.columns = job.columns;
  request.timeout_s = job.timeout_s;
  request.body = [&](std::size_t& cursor) { return body.part(cursor); };
  request.body_bytes = body.bytes();
  std::string packed;
  if (job.compression != starrocks::Compression::none) {
    packed = starrocks::compress(body, job.compression);
    request.body = [&](std::size_t& cursor) { return cursor++ == 0 ? std::string_view(packed) : std::string_view(); };
    request.body_bytes = packed.size();
    request.compression = starrocks::compression_header(job.compression);
  }
  outcome.answer = talk.client.load(request);
}

// Whether an answer says by itself that nothing was committed.
bool says_absent(const starrocks::LoadAnswer& answer) {
  return answer.result == LoadResult::retriable || answer.result == LoadResult::overloaded ||
         answer.result == LoadResult::bad_data || answer.result == LoadResult::refused || answer.result == LoadResult::denied;
}

void run_job(Talk& talk, const LoadJob& job, LoadOutcome& outcome) {
  if (job.batch && job.again) {
    const LabelState state = settle(talk, job, outcome);
    outcome.forgotten = state == LabelState::unknown && may_be_forgotten(talk, job);
    if (outcome.committed || outcome.forgotten) return;
  }
  if (job.batch) {
    send(talk, job, outcome);
    const starrocks::LoadAnswer& answer = outcome.answer;
    if (answer.result == LoadResult::loaded || answer.result == LoadResult::unpublished) {
      outcome.committed = answer.counts(outcome.rows);
      outcome.finished = outcome.committed && answer.result == LoadResult::loaded;
      outcome.suspect = !outcome.committed;
      return;
    }
    outcome.absent = says_absent(answer) && !answer.body_sent;
    // Nothing more will be tried; an earlier attempt is the next run's affair.
    if (answer.result == LoadResult::denied || answer.result == LoadResult::refused) return;
    // Of many rows it is not known yet which one is meant.
    if (answer.result == LoadResult::bad_data && !answer.error_url.empty() && job.count == 1)
      outcome.error_log = talk.client.error_log(answer.error_url, outcome.no_error_log);
  }
  const LabelState state = settle(talk, job, outcome);
  const LoadResult result = outcome.answer.result;
  const bool in_doubt = !job.batch || result == LoadResult::unknown || result == LoadResult::label_exists;
  outcome.absent = state == LabelState::aborted || (state == LabelState::unknown && job.batch && says_absent(outcome.answer));
  if (state == LabelState::unknown && in_doubt) outcome.forgotten = may_be_forgotten(talk, job);
}

}  // namespace

struct Loader::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<LoadJob> jobs;
  std::vector<LoadOutcome> outcomes;
  UniqueFd ready{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Ending ending;
};

Loader::Loader(const starrocks::Endpoint& endpoint, unsigned threads) : shared_(std::make_unique<Shared>()) {
  if (!shared_->ready) throw IoError(ExitCode::software, "eventfd", errno);
  try {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back(work, std::ref(*shared_), endpoint);
  } catch (...) {
    end();
    throw;
  }
}

Loader::~Loader() { end(); }

void Loader::end() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ending.begin();
    shared_->changed.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Loader::submit(LoadJob job) {
  const std::lock_guard lock(shared_->mutex);
  shared_->jobs.push_back(std::move(job));
  shared_->changed.notify_one();
}

int Loader::fd() const { return shared_->ready.get(); }

std::vector<LoadOutcome> Loader::take() {
  const std::lock_guard lock(shared_->mutex);
  std::uint64_t count = 0;
  static_cast<void>(!::read(shared_->ready.get(), &count, sizeof count));
  return std::exchange(shared_->outcomes, {});
}

void Loader::work(Shared& shared, starrocks::Endpoint endpoint) {
  Talk talk{shared.ending, {std::move(endpoint), shared.ending.begun()}};
  for (;;) {
    LoadJob job;
    {
      std::unique_lock lock(shared.mutex);
      shared.changed.wait(lock, [&] { return shared.ending.begun() || !shared.jobs.empty(); });
      if (shared.ending.begun()) return;
      job = std::move(shared.jobs.front());
      shared.jobs.pop_front();
    }
    LoadOutcome outcome;
    outcome.table = job.table;
    const auto start = std::chrono::steady_clock::now();
    try {
      if (job.only_hash) {
        outcome.sha256 = starrocks::load_sha256({*job.batch, 0, job.batch->rows()}, job.columns);
      } else {
        run_job(talk, job, outcome);
      }
    } catch (...) {
      outcome.error = std::current_exception();
    }
    outcome.took_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
    const std::lock_guard lock(shared.mutex);
    shared.outcomes.push_back(std::move(outcome));
    const std::uint64_t one = 1;
    static_cast<void>(!::write(shared.ready.get(), &one, sizeof one));
  }
}

}  // namespace cdc::load
