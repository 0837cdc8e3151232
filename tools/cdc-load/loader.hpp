// SPDX-License-Identifier: Apache-2.0
// Loader: threads that talk to StarRocks. A job is one attempt at a load, or the question how an earlier one ended, or
// a batch's hash, which is here because it takes time; its outcome says what is certain afterwards. Nothing is tried again here and nothing decided: that is for whoever
// owns the checkpoint. The destructor abandons what is under way, within a second or so, and waits for the threads:
// none may be inside a library whose global state exit() takes down.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/starrocks/batch.hpp"
#include "common/starrocks/compress.hpp"
#include "common/starrocks/stream_load.hpp"

namespace cdc::load {

struct LoadJob {
  std::size_t table = 0;
  TableName target;
  std::string label, columns;
  std::shared_ptr<const starrocks::Batch> batch;  // nullptr: do not send, only settle
  std::size_t first = 0, count = 0;               // of the batch's rows
  std::int64_t first_sent_ms = 0, last_sent_ms = 0, timeout_s = 0;
  std::string witness;
  starrocks::Compression compression = starrocks::Compression::none;
  bool only_hash = false;  // of the whole batch, for the label
  bool again = false;     // an attempt was made before: ask for its fate right before sending
  bool wait_out = false;  // settle only when no earlier attempt can commit any more
};

struct LoadOutcome {
  std::size_t table = 0;
  bool committed = false;
  bool finished = false;   // committed and visible: fit as a witness
  bool suspect = false;    // committed, but not what was sent
  bool forgotten = false;  // not known to StarRocks, which may have known it
  bool absent = false;     // nothing of this attempt is there, or will be
  starrocks::LoadAnswer answer;  // of the attempt, when not committed
  std::string error_log, no_error_log;  // what it says, or why it cannot be had
  std::exception_ptr error;  // the state could not be learned: Error with its exit code
  std::string sha256;        // of a job that is only this
  std::uint64_t rows = 0, bytes = 0;
  std::int64_t took_ms = 0;
};

class Loader {
 public:
  Loader(const starrocks::Endpoint& endpoint, unsigned threads);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  void submit(LoadJob job);
  // Readable when there are outcomes.
  int fd() const;
  std::vector<LoadOutcome> take();

 private:
  struct Shared;
  void end();
  static void work(Shared& shared, starrocks::Endpoint endpoint);

  std::unique_ptr<Shared> shared_;
  std::vector<std::thread> threads_;
};

// Epoch milliseconds.
std::int64_t now_ms();

}  // namespace cdc::load
