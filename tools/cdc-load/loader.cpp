// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/loader.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "common/base/fd.hpp"

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

void sleep_ms(std::int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

LabelState ask(StreamLoadClient& client, const std::string& db, const std::string& label) {
  for (int i = 1;; ++i) {
    try {
      return client.label_state(db, label);
    } catch (const TemporaryError& error) {
      if (error.message().find("unknown database") != std::string::npos) return LabelState::unknown;
      if (i == kQuestions) throw;
      sleep_ms(100 << i);
    }
  }
}

// The state of the job's label when it is final, or unknown.
LabelState settle(StreamLoadClient& client, const LoadJob& job) {
  const std::int64_t over = job.last_sent_ms + job.timeout_s * 1000 + kGraceMs;
  const std::int64_t cancel_at = std::min(over, now_ms() + kCancelAfterMs);
  if (job.wait_out && now_ms() < job.last_sent_ms + kArrivalMs) {
    // Once it is committed there is nothing to wait for.
    const LabelState state = ask(client, job.target.db, job.label);
    if (state == LabelState::committed || state == LabelState::visible) return state;
    sleep_ms(job.last_sent_ms + kArrivalMs - now_ms());
  }
  for (std::int64_t pause = 50;; pause = std::min<std::int64_t>(2 * pause, 2000)) {
    const LabelState state = ask(client, job.target.db, job.label);
    if (state != LabelState::prepare && state != LabelState::prepared) return state;
    if (now_ms() > std::max(over, cancel_at) + kGraceMs)
      throw TemporaryError("label " + job.label + " stays " + std::string(label_state_text(state)));
    if (now_ms() >= cancel_at) client.cancel(job.target.db, job.target.table, job.label);
    sleep_ms(pause);
  }
}

// StarRocks forgets finished labels first in, first out: while it still knows one that finished before ours was sent,
// it has not forgotten ours.
bool may_be_forgotten(StreamLoadClient& client, const LoadJob& job) {
  if (job.witness.empty()) return now_ms() - job.first_sent_ms > kSurelyKnownMs;
  return ask(client, job.target.db, job.witness) == LabelState::unknown;
}

void send(StreamLoadClient& client, const LoadJob& job, LoadOutcome& outcome) {
  const starrocks::Body body = job.batch->body(job.first, job.count);
  std::string text;
  text.reserve(body.bytes);
  for (const std::string_view part : body.parts) text.append(part);
  outcome.rows = body.rows;
  outcome.bytes = body.bytes;
  starrocks::LoadRequest request;
  request.db = job.target.db;
  request.table = job.target.table;
  request.label = job.label;
  request.columns = job.columns;
  request.timeout_s = job.timeout_s;
  request.body = text;
  outcome.answer = client.load(request);
}

void run_job(StreamLoadClient& client, const LoadJob& job, LoadOutcome& outcome) {
  if (job.batch) {
    send(client, job, outcome);
    const starrocks::LoadAnswer& answer = outcome.answer;
    if (answer.result == LoadResult::loaded || answer.result == LoadResult::unpublished) {
      outcome.committed = answer.counts(outcome.rows);
      outcome.suspect = !outcome.committed;
      return;
    }
    // Nothing of it is there, and nothing more will be tried; an earlier attempt is the next run's affair.
    if (answer.result == LoadResult::denied || answer.result == LoadResult::refused) return;
    if (answer.result == LoadResult::bad_data && !answer.error_url.empty())
      outcome.error_log = client.error_log(answer.error_url);
  }
  const LabelState state = settle(client, job);
  outcome.committed = state == LabelState::committed || state == LabelState::visible;
  const LoadResult result = outcome.answer.result;
  const bool in_doubt = !job.batch || result == LoadResult::unknown || result == LoadResult::label_exists;
  if (state == LabelState::unknown && in_doubt) outcome.forgotten = may_be_forgotten(client, job);
}

}  // namespace

struct Loader::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<LoadJob> jobs;
  std::vector<LoadOutcome> outcomes;
  UniqueFd ready{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  bool ending = false;
};

Loader::Loader(const starrocks::Endpoint& endpoint, unsigned threads) : shared_(std::make_shared<Shared>()) {
  if (!shared_->ready) throw IoError(ExitCode::software, "eventfd", errno);
  for (unsigned i = 0; i < threads; ++i) std::thread(work, shared_, endpoint).detach();
}

Loader::~Loader() {
  const std::lock_guard lock(shared_->mutex);
  shared_->ending = true;
  shared_->changed.notify_all();
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

void Loader::work(const std::shared_ptr<Shared>& shared, starrocks::Endpoint endpoint) {
  StreamLoadClient client(std::move(endpoint));
  for (;;) {
    LoadJob job;
    {
      std::unique_lock lock(shared->mutex);
      shared->changed.wait(lock, [&] { return shared->ending || !shared->jobs.empty(); });
      if (shared->ending) return;
      job = std::move(shared->jobs.front());
      shared->jobs.pop_front();
    }
    LoadOutcome outcome;
    outcome.table = job.table;
    const auto start = std::chrono::steady_clock::now();
    try {
      run_job(client, job, outcome);
    } catch (...) {
      outcome.error = std::current_exception();
    }
    outcome.took_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
    const std::lock_guard lock(shared->mutex);
    shared->outcomes.push_back(std::move(outcome));
    const std::uint64_t one = 1;
    static_cast<void>(!::write(shared->ready.get(), &one, sizeof one));
  }
}

}  // namespace cdc::load
