// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/run.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/cli/progress.hpp"
#include "common/cli/signals.hpp"
#include "common/json/formats.hpp"
#include "common/mysql/binlog_file.hpp"
#include "common/mysql/binlog_stream.hpp"
#include "tools/cdc-tail/bookmark.hpp"
#include "tools/cdc-tail/output.hpp"
#include "tools/cdc-tail/pipeline.hpp"
#include "tools/cdc-tail/prepared_search.hpp"
#include "tools/cdc-tail/snapshot.hpp"
#include "tools/cdc-tail/start.hpp"

namespace cdc::tail {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{100};
constexpr milliseconds kLongestRetry{10'000};

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Tells whose log it is; MariaDB has no server_uuid.
std::string identity_of(const Server& server) {
  return server.uuid().empty() ? "server_id " + std::to_string(server.server_id()) : server.uuid();
}

// Thrown out of a question that a signal ends.
struct Stopped {};

class Run {
 public:
  Run(const Options& options, const Log& log)
      : options_(options),
        log_(log),
        progress_(options.show_progress && isatty(STDOUT_FILENO) == 0),
        filter_(options.filter),
        output_(options.line_buffered),
        sink_(make_sink(options.format, output_.buffer(), options.format_options)),
        definitions_(options.unknown_names, definition_server()) {}

  // Reads to the end; what ends the run early is thrown.
  void read();
  // Writes everything out, saves the position, and tells `end` with what came of all that. Throws when the
  // position cannot be saved or nothing can be written.
  void finish(int status, std::string_view reason);
  bool can_tell() const { return !output_.broken(); }
  const std::string& reason() const { return pipeline_->stop_reason(); }
  const Signals& signals() const { return signals_; }

 private:
  void read_files();
  void read_server();
  bool pump(EventSource& source);
  void read_dump(Connection connection, const DumpRequest& request);
  DumpRequest first_request(Connection& connection);
  Connection connect_again();
  std::optional<BinlogPosition> stop_on_successor(Server& server) const;
  void start_pipeline(Plan plan);
  std::optional<DefinitionServer> definition_server();
  void start_snapshot(Server& server);
  Connection& session();
  void ask_end();
  Connection another_connection() const;

  Waited wait(int fd, milliseconds timeout);
  Waited wait_for_answer(int fd, milliseconds timeout);
  bool poll_until(int fd, Clock::time_point wake);
  bool sleep_for(milliseconds time);
  void tell_status();
  std::string status_text() const;

  const Options& options_;
  const Log& log_;
  Signals signals_;
  Progress progress_;
  TableFilter filter_;
  Output output_;
  std::unique_ptr<ChangeSink> sink_;
  TableDefinitions definitions_;
  std::unique_ptr<Bookmark> bookmark_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Snapshot> snapshot_;  // nullptr: nothing is to be copied

  std::optional<Connection> session_;  // for questions, beside the dump
  ServerAddress address_;              // of the server that sends the dump
  std::string identity_;               // of the same
  std::int64_t clock_offset_ms_ = 0;   // the server's clock minus ours
};

void Run::read() {
  bookmark_ = std::make_unique<Bookmark>(options_, filter_.canonical(), log_);
  if (options_.files.empty()) {
    read_server();
  } else {
    read_files();
  }
}

void Run::start_pipeline(Plan plan) {
  pipeline_ =
      std::make_unique<Pipeline>(options_, filter_, definitions_, *sink_, output_, std::move(plan.stop));
  pipeline_->begin(std::move(plan.start));
  output_.before_flush([this] { bookmark_->save_tables(pipeline_->teller(), false); });
  output_.on_flush([this] { bookmark_->save(pipeline_->teller(), false); });
}

// Behind the plan of the start: what is created after that place comes by the stream.
void Run::start_snapshot(Server& server) {
  CopyPlan plan = plan_copy(server, options_, filter_, bookmark_->loaded());
  if (plan.settings.connect.socket.empty()) plan.settings.connect.hosts = {address_};
  Snapshot::Hooks hooks;
  hooks.on_chunk = [this](const SnapshotChunk& chunk) { bookmark_->chunk_told(chunk); };
  hooks.on_void = [this](const TableName& table) { bookmark_->copy_void(table); };
  hooks.on_end = [this] { bookmark_->copy_ended(); };
  hooks.waits = [this] {
    if (progress_.due()) progress_.show(status_text());
    if (signals_.take_status_request()) tell_status();
    return signals_.stopping();
  };
  snapshot_ = std::make_unique<Snapshot>(std::move(plan), options_, filter_, *sink_, output_,
                                         pipeline_->teller(), log_, std::move(hooks));
  pipeline_->set_snapshot(snapshot_.get());
}

void Run::read_files() {
  start_pipeline(plan_from_files(options_, bookmark_->loaded()));
  BinlogFiles files(options_.files, [this](int fd, milliseconds timeout) { return wait(fd, timeout); });
  if (!pump(files) && !signals_.stopping()) pipeline_->input_ended();
}

// True when the pipeline is at its end, false when the source is.
bool Run::pump(EventSource& source) {
  constexpr unsigned kProgressEvery = 1024;
  unsigned events = 0;
  while (const std::optional<RawEvent> raw = source.next()) {
    if (pipeline_->feed(*raw)) return true;
    if (signals_.stopping()) return false;
    if (++events % kProgressEvery == 0) {
      if (progress_.due()) progress_.show(status_text());
      if (signals_.take_status_request()) tell_status();
    }
  }
  return !pipeline_->stop_reason().empty();
}

// After each transient error connects again, as long as the stream moves on in between.
void Run::read_server() {
  std::optional<Connection> connection(std::in_place, *options_.connect);
  DumpRequest request = first_request(*connection);
  Teller& teller = pipeline_->teller();
  for (unsigned failures = 0;; ++failures) {
    const BinlogPosition before = teller.boundary();
    try {
      if (!connection) {
        connection = connect_again();
        request = dump_request(options_, teller.executed(), teller.boundary());
      }
      read_dump(*std::exchange(connection, std::nullopt), request);
      return;
    } catch (const ServerError& error) {
      if (teller.boundary() != before) failures = 0;
      if (!error.transient() || failures >= options_.max_retries) throw;
      output_.flush();
      log_.warning(error.message() + "; trying again");
    }
    if (!sleep_for(std::min(kFirstRetry * (1 << std::min(failures, 10U)), kLongestRetry))) return;
  }
}

DumpRequest Run::first_request(Connection& connection) {
  Server server(connection);
  address_ = connection.address();
  const WaitHook wait_hook = [this](int fd, milliseconds timeout) { return wait_for_answer(fd, timeout); };
  start_pipeline(plan_from_server(server, options_, bookmark_->loaded(), wait_hook));
  pipeline_->set_prepared_search([this, wait_hook](const XaId& xid, const BinlogPosition& commit) {
    output_.flush();  // it may take long
    Server here(session());
    return read_prepared(xid, commit, here, at_address(*options_.connect, address_), wait_hook);
  });
  filter_.set_case_ignored(server.variable("lower_case_table_names") != "0");
  identity_ = identity_of(server);
  definitions_.server_is(identity_);
  bookmark_->keep_tables(definitions_, server.uuid());
  if (options_.copies()) start_snapshot(server);
  if (options_.stop.timestamp_ms) {
    const Field now = connection.query_value("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)");
    clock_offset_ms_ = static_cast<std::int64_t>(parse_uint(now.value_or("")).value_or(0)) - now_ms();
  }
  return dump_request(options_, pipeline_->teller().executed(), pipeline_->start_position());
}

Connection Run::connect_again() {
  session_.reset();
  Connection connection(*options_.connect);
  Server server(connection);
  const std::string identity = identity_of(server);
  const bool is_another = identity != identity_;
  check_successor(server, pipeline_->teller().executed(), is_another);
  address_ = connection.address();
  pipeline_->reconnected();
  if (is_another) pipeline_->server_changed(server.uuid(), server.version().text, stop_on_successor(server));
  identity_ = identity;
  definitions_.server_is(identity_);
  if (snapshot_) snapshot_->reconnected(address_, server.uuid(), server.server_id());
  log_.info("connected to " + connection.name());
  return connection;
}

// A position of the server before means nothing here.
std::optional<BinlogPosition> Run::stop_on_successor(Server& server) const {
  if (options_.stop.position)
    throw RefusedError(server.connection().name() + " is not the server from before, whose position --stop-file names");
  if (options_.stop.mode != StopMode::latest) return std::nullopt;
  return end_of_log(server).position;
}

// A dump thread that is killed ends like one that has sent all it should. A dump that did not come as far as it should
// is therefore asked for again, until one brings nothing new.
void Run::read_dump(Connection connection, const DumpRequest& request) {
  const std::string name = connection.name();
  const BinlogPosition before = pipeline_->teller().boundary();
  BinlogStream stream(std::move(connection), request,
                      [this](int fd, milliseconds timeout) { return wait(fd, timeout); });
  if (pump(stream) || signals_.stopping()) return;
  const Teller& teller = pipeline_->teller();
  if (pipeline_->lacks_the_end() && (teller.is_open() || teller.boundary() != before))
    throw ServerError(ExitCode::temporary, 0, "HY000", true, name + " has ended the dump too early");
  pipeline_->input_ended();
}

std::optional<DefinitionServer> Run::definition_server() {
  if (!options_.connect) return std::nullopt;
  return DefinitionServer{[this]() -> Connection& { return session(); },
                          [this] { return another_connection(); }};
}

Connection& Run::session() {
  if (!session_) session_.emplace(another_connection());
  return *session_;
}

// To the server that sends the dump.
Connection Run::another_connection() const {
  return Connection(at_address(*options_.connect, address_));
}

void Run::ask_end() {
  Server server(session());
  pipeline_->end_is(end_of_log(server).position);
}

// The source has nothing: write out what there is, then wait for the source, a signal, the next heartbeat, or
// for the reader of stdout to go away.
Waited Run::wait(int fd, milliseconds timeout) {
  const Clock::time_point deadline = timeout.count() < 0 ? Clock::time_point::max() : Clock::now() + timeout;
  for (;;) {
    if (signals_.stopping()) return Waited::stop;
    if (signals_.take_status_request()) tell_status();
    if (pipeline_->wants_end(now_ms() + clock_offset_ms_)) ask_end();
    const bool over = pipeline_->idle();
    definitions_.rest();
    output_.flush();
    bookmark_->save_tables(pipeline_->teller(), definitions_.has_news());
    const bool copying = snapshot_ && !snapshot_->finished();
    bookmark_->save(pipeline_->teller(), !copying);
    if (copying && progress_.due()) progress_.show(status_text());
    if (over) return Waited::stop;

    Clock::time_point wake = std::min(deadline, pipeline_->teller().heartbeat_due());
    if (options_.stop.timestamp_ms) wake = std::min(wake, Clock::now() + milliseconds(500));
    if (poll_until(fd, wake)) return Waited::readable;
    if (Clock::now() >= deadline) return Waited::timed_out;
  }
}

// Between two events of the stream, in whatever state that is.
Waited Run::wait_for_answer(int fd, milliseconds timeout) {
  const Clock::time_point deadline = timeout.count() < 0 ? Clock::time_point::max() : Clock::now() + timeout;
  for (;;) {
    if (signals_.stopping()) throw Stopped();
    if (signals_.take_status_request() && pipeline_) tell_status();
    if (poll_until(fd, deadline)) return Waited::readable;
    if (Clock::now() >= deadline) return Waited::timed_out;
  }
}

// True when `fd` (-1: none) is readable. Ends the process when nobody reads stdout any more: that must not
// wait for the next record.
bool Run::poll_until(int fd, Clock::time_point wake) {
  int timeout = -1;
  if (wake != Clock::time_point::max()) {
    const std::int64_t left = std::chrono::ceil<milliseconds>(wake - Clock::now()).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }
  const int pages = snapshot_ && !pipeline_->teller().is_open() && !pipeline_->teller().interrupted()
                        ? snapshot_->wake_fd()
                        : -1;
  pollfd watched[] = {
      {fd, POLLIN, 0}, {signals_.wake_fd(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}, {pages, POLLIN, 0}};
  poll(watched, 4, timeout);
  if ((watched[2].revents & POLLERR) != 0) die_of_signal(SIGPIPE);
  return watched[0].revents != 0;
}

// False when a signal asked to stop.
bool Run::sleep_for(milliseconds time) {
  const Clock::time_point deadline = Clock::now() + time;
  while (Clock::now() < deadline && !signals_.stopping()) {
    poll_until(-1, deadline);
    if (signals_.take_status_request()) tell_status();
  }
  return !signals_.stopping();
}

// The copy first: a terminal shows as much as it is wide.
std::string Run::status_text() const {
  const std::string copy = snapshot_ && !snapshot_->finished() ? "copy: " + snapshot_->status_text() + "; " : "";
  return copy + pipeline_->teller().boundary().text() + ", " + std::to_string(pipeline_->teller().total_changes()) +
         " changes told";
}

void Run::tell_status() {
  progress_.clear();
  std::fprintf(stderr, "%s: %s\n", log_.program().c_str(), status_text().c_str());
}

void Run::finish(int status, std::string_view reason) {
  progress_.clear();
  EndRecord record;
  record.status = status;
  record.reason = reason;
  std::exception_ptr failure;
  if (pipeline_) {
    try {
      pipeline_->teller().settle();
      output_.flush();
      bookmark_->save_tables(pipeline_->teller(), true);
      bookmark_->save(pipeline_->teller(), true);
    } catch (const IoError& error) {
      if (!can_tell()) throw;
      failure = std::current_exception();
      record.status = static_cast<int>(error.exit_code());
      record.reason = error.message();
    }
    record.partial = pipeline_->partial();
    pipeline_->teller().end(record);
  } else {
    sink_->end(record);
  }
  output_.flush();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

int run(const Options& options, const Log& log) {
  Run work(options, log);
  try {
    work.read();
  } catch (const Stopped&) {  // as by a signal at any other time
  } catch (const Error& error) {
    if (work.can_tell()) work.finish(static_cast<int>(error.exit_code()), error.message());
    throw;
  }
  if (const int signal = work.signals().stop_signal()) {
    work.finish(128 + signal, std::string("stopped by ") + (signal == SIGINT ? "SIGINT" : "SIGTERM"));
    work.signals().die();
  }
  work.finish(0, work.reason());
  return 0;
}

}  // namespace cdc::tail
