// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <random>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/cli/progress.hpp"
#include "common/cli/signals.hpp"
#include "tools/cdc-load/intake.hpp"

namespace cdc::load {
namespace {

constexpr int kPipeSize = 1 << 20;  // the most that an ordinary user may ask for

std::string random_job() {
  std::random_device device;
  std::string bytes;
  for (int i = 0; i < 4; ++i) {
    const std::uint32_t word = device();
    bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  return to_hex(as_bytes(bytes));
}

// Where the changes go, for comparing two runs.
std::string target_text(const LoadOptions& options) {
  std::string text = "urls";
  for (const std::string& url : options.endpoint.fe_urls) text += " " + url;
  if (!options.routes.text().empty()) text += ", map " + options.routes.text();
  for (const auto& [name, value] : options.rows.add_columns) text += ", column " + name + "=" + value;
  return text;
}

class Run {
 public:
  Run(const LoadOptions& options, const App& app)
      : options_(options),
        log_(app.log()),
        lock_(lock(options)),
        ledger_(saved(options), random_job(), target_text(options), options.accept_change),
        catalog_(options, log_, [this](std::chrono::milliseconds most) { pause(most); }),
        outflow_(options, ledger_, log_, [this] { return catalog_.labels_kept(); }),
        intake_(options, log_, ledger_, outflow_, catalog_, [this](std::chrono::milliseconds most) { wait(-1, most); }),
        progress_(app.show_progress()),
        show_summary_(app.show_progress()) {}

  int work() {
    outflow_.settle_earlier([this] { wait(-1); });
    std::exception_ptr stopped;
    bool cut_off = false;
    for (const std::string& name : options_.inputs) {
      const UniqueFd file = name == "-" ? UniqueFd() : open_input(name);
      // Fewer turns between the writer and us; fails where stdin is no pipe.
      if (!file) ::fcntl(STDIN_FILENO, F_SETPIPE_SZ, kPipeSize);
      RecordReader reader(file ? file.get() : STDIN_FILENO, name == "-" ? "stdin" : name);
      stopped = read(reader, file ? file.get() : STDIN_FILENO);
      cut_off = reader.unfinished() > 0;
      if (stopped || cut_off) break;
    }
    cut_off = intake_.abandon() || cut_off;
    outflow_.drain([this] { wait(-1); });
    progress_.clear();
    summary();
    if (stopped) std::rethrow_exception(stopped);
    return status(cut_off);
  }

 private:
  static std::unique_ptr<FileLock> lock(const LoadOptions& options) {
    if (options.checkpoint.empty() || options.dry_run) return nullptr;
    return std::make_unique<FileLock>(checkpoint_lock_path(options.checkpoint));
  }
  static std::optional<Checkpoint> saved(const LoadOptions& options) {
    return options.checkpoint.empty() ? std::nullopt : Checkpoint::load(options.checkpoint);
  }

  // Until the end of the input. What is wrong with a record comes back, because all before it is still loaded; what is
  // wrong with a load or the checkpoint is thrown.
  std::exception_ptr read(RecordReader& reader, int fd) {
    for (;;) {
      for (;;) {
        try {
          const RecordView* record = reader.next();
          if (record == nullptr) break;
          take(reader, *record);
        } catch (const Error&) {
          if (outflow_.broken()) throw;
          return std::current_exception();
        }
        if (outflow_.pressing()) outflow_.pump(intake_.at_change());
      }
      while (!wait(fd)) outflow_.pump(intake_.at_change());
      if (!reader.fill()) return nullptr;
      outflow_.pump(intake_.at_change());
    }
  }

  void take(const RecordReader& reader, const RecordView& record) {
    any_ = true;
    try {
      if (record.kind == RecordKind::commit) intake_.replay(record, [this] { pace(); });
      intake_.take(record);
    } catch (Error& error) {
      if (!outflow_.broken()) error.add_context(reader.where());
      throw;
    }
  }

  void pace() {
    outflow_.pump(intake_.at_change());
    while (!outflow_.accepting()) {
      wait(-1);
      outflow_.pump(intake_.at_change());
    }
  }

  // Waits until `fd` can be read (true), or there is something for pump() to do, but no longer than `most`.
  bool wait(int fd, std::chrono::milliseconds most = std::chrono::minutes(1)) {
    pollfd fds[] = {{outflow_.accepting() ? fd : -1, POLLIN, 0},
                    {outflow_.fd(), POLLIN, 0},
                    {signals_.wake_fd(), POLLIN, 0}};
    const auto left = std::min(
        most, std::chrono::ceil<std::chrono::milliseconds>(outflow_.next_deadline() - Outflow::Clock::now()));
    if (::poll(fds, std::size(fds), static_cast<int>(std::max<std::int64_t>(left.count(), 0))) < 0 && errno != EINTR)
      throw IoError(ExitCode::software, "poll", errno);
    react();
    if (progress_.due()) progress_.show(line());
    return fds[0].revents != 0;
  }

  void react() {
    if (signals_.stopping()) {
      progress_.clear();
      signals_.die();
    }
    if (signals_.take_status_request()) say(line());
  }

  // For the catalog, which waits for StarRocks and not for loads.
  void pause(std::chrono::milliseconds most) {
    const auto until = Outflow::Clock::now() + most;
    for (auto now = Outflow::Clock::now(); now < until; now = Outflow::Clock::now()) {
      pollfd fd{signals_.wake_fd(), POLLIN, 0};
      ::poll(&fd, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now).count()));
      react();
    }
  }

  std::string line() {
    const Totals& totals = outflow_.totals();
    const Checkpoint& checkpoint = ledger_.checkpoint();
    return std::to_string(totals.rows) + " rows in " + std::to_string(totals.loads) + " loads (" +
           std::to_string(totals.bytes >> 20) + " MiB), " + std::to_string(outflow_.in_flight()) + " in flight, " +
           std::to_string(totals.retries) + " retries, checkpoint at " +
           (checkpoint.position.file.empty() ? "the start" : checkpoint.position.text());
  }

  // Whatever the level: somebody has asked for it.
  void say(const std::string& text) const { Log(log_.program(), LogLevel::verbose).info(text); }

  void summary() {
    if (show_summary_ || log_.level() == LogLevel::verbose) say(line());
  }

  int status(bool cut_off) {
    const std::optional<EndRecord>& end = intake_.end();
    for (Outflow::TableId id = 0; id < ledger_.tables(); ++id)
      if (ledger_.redoing(id))
        throw TemporaryError(ledger_.target(id) + ": the stream ended before the changes of load " +
                             ledger_.progress(id).load->label + ", which has to be made again");
    if (!ledger_.started() && !cut_off && options_.checkpoint.empty() && any_) return 0;  // rows without boundaries
    if (!end)
      throw TemporaryError(any_ ? "the input was cut off; everything before the cut is loaded"
                                : "the input was cut off before its first record");
    if (end->status != 0) log_.warning("the stream ended with status " + std::to_string(end->status) + ": " + end->reason);
    if (end->status == 0 && (end->partial || cut_off)) return static_cast<int>(ExitCode::temporary);
    // As of a server that lags behind the one before.
    ledger_.checkpoint();  // moves on as far as it may, also where no file asks for it
    for (Outflow::TableId id = 0; end->status == 0 && id < ledger_.tables(); ++id)
      if (ledger_.is_beyond(id))
        throw TemporaryError(ledger_.target(id) + " has changes behind the end of this stream, the other tables have not");
    return end->status;
  }

  const LoadOptions& options_;
  Log log_;
  std::unique_ptr<FileLock> lock_;  // before the checkpoint is read
  starrocks::Ledger ledger_;
  Catalog catalog_;
  Outflow outflow_;
  Intake intake_;
  Signals signals_;
  Progress progress_;
  bool show_summary_;
  bool any_ = false;  // record has come
};

}  // namespace

int run(const LoadOptions& options, const App& app) { return Run(options, app).work(); }

}  // namespace cdc::load
