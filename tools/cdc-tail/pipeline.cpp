// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/pipeline.hpp"

#include <utility>

#include "common/base/error.hpp"
#include "common/binlog/gtid_events.hpp"
#include "common/mysql/binlog_stream.hpp"

namespace cdc::tail {

namespace {
constexpr unsigned kClockEvery = 256;  // transactions between two looks at the clock while events keep coming

// Whether transactions with rows may end in ROLLBACK. One that creates or drops a temporary table is logged in any case,
// as far as it came, in row format too: by MariaDB, and by MySQL until 8.0.4. Nothing before its end tells.
bool logs_rolled_back(const FormatDescription& format) {
  constexpr std::uint32_t kWithoutTemporaryTables = 80004;
  return format.mariadb || format.server_version_id < kWithoutTemporaryTables;
}

}  // namespace

Pipeline::Pipeline(const Options& options, const TableFilter& filter, TableDefinitions& definitions,
                   ChangeSink& sink, Output& output, StopPoint stop)
    : options_(options),
      filter_(filter),
      definitions_(definitions),
      teller_(sink, output, StartRecord{{}, {}, {}, {}, filter.canonical(), options.format_options.time_zone.name()},
              options.heartbeat),
      rows_(filter, definitions, sink, output, teller_, options.bad_text, options.max_count),
      stop_(std::move(stop)) {}

void Pipeline::begin(Start start) {
  start_ = std::move(start);
  teller_.set_server(start_.server_uuid, start_.server_version);
  teller_.set_executed(start_.executed);
  has_base_ = start_.executed || !start_.from_files;
  if (!start_.from_files && start_.position) pass_over_until(*start_.position);
  if (stop_.gtid_set) stop_left_ = *stop_.gtid_set - start_.executed.value_or(GtidSet());
}

void Pipeline::reconnected() {
  teller_.interrupt();
  reader_ = EventReader();
  tracker_.reset();
  storing_ = false;
  if (teller_.has_gtids()) prepared_.clear();  // their GTIDs do not count as executed: they are sent again
  pass_over_until(teller_.boundary());
}

void Pipeline::server_changed(const std::string& uuid, const std::string& version,
                              std::optional<BinlogPosition> stop_position) {
  teller_.set_server(uuid, version);
  start_.position.reset();
  start_.settled.reset();
  stop_.position = std::move(stop_position);
  end_at_stop_time_.reset();
}

// Without GTIDs a dump may have to begin at the start of the file.
void Pipeline::pass_over_until(const BinlogPosition& place) {
  if (!teller_.has_gtids() && place.pos > kFarthestDump) start_.gate.position = place;
}

bool Pipeline::feed(const RawEvent& raw) {
  if (!raw.starts_file.empty()) {
    check_order(raw.starts_file);
    next_file_.clear();
  }
  const Event event = reader_.read(raw);
  if (!teller_.started()) before_start(raw);
  try {
    handle(event);
    if (event.type() == EventType::transaction_payload) {
      payload_.open(event);
      while (stop_reason_.empty()) {
        const std::optional<Event> inner = payload_.next();
        if (!inner) break;
        handle(*inner);
      }
    }
  } catch (Error& error) {
    error.add_context(event.place());
    throw;
  }
  return !stop_reason_.empty();
}

// Sets of GTIDs show a gap, but not that two files have changed places; without GTIDs there are only the names. Standard
// input has none.
void Pipeline::check_order(std::string_view file) const {
  const std::string_view before = reader_.file();
  const auto series = [](std::string_view name) { return name.substr(0, name.rfind('.')); };
  if (before.empty() || before == "-" || file == "-") return;
  if (series(file) == series(before) && compare_binlog_names(file, before) <= 0)
    throw RefusedError(std::string(file) + " comes before " + std::string(before) + ": files are read in the order given");
  if (!teller_.has_gtids() && !next_file_.empty() && file != next_file_)
    throw RefusedError(std::string(before) + " goes on in " + next_file_ + ", not in " + std::string(file) +
                       " (is a file missing?)");
}

// A known place is told as soon as the source has sent anything; files do not know the set there so early.
void Pipeline::before_start(const RawEvent& raw) {
  if (start_.from_files) {
    if (reader_.format().server_version != teller_.server_version()) {
      teller_.set_server("", reader_.format().server_version);
    }
    const bool passes_over = start_.gate.closed() || start_.gate.executed;
    if (!start_.position && !passes_over) start_.position = {std::string(raw.starts_file), raw.starts_pos};
  } else if (start_.position && !start_.gate.closed()) {
    teller_.start_at(*start_.position);
  }
}

void Pipeline::handle(const Event& event) {
  const TransactionStep step = tracker_.feed(event);
  if (tracker_.abandoned()) [[unlikely]] {
    if (teller_.is_open() && teller_.begin_told()) {
      throw DataError("the transaction that began at " + std::to_string(tracker_.previous().begin_pos) +
                      " was never completed; what was told of it did not happen");
    }
    teller_.forget();
    storing_ = false;
  }
  switch (step) {
    case TransactionStep::outside:
      outside(event);
      break;
    case TransactionStep::begin:
    case TransactionStep::whole:
      begin_transaction(event);
      if (!stop_reason_.empty()) return;
      inside(event, step == TransactionStep::whole);
      if (step == TransactionStep::whole) finish_transaction();
      break;
    case TransactionStep::inside:
      inside(event, false);
      break;
    case TransactionStep::end:
      inside(event, true);
      finish_transaction();
      break;
  }
}

void Pipeline::outside(const Event& event) {
  switch (event.type()) {
    case EventType::previous_gtids:
    case EventType::mariadb_gtid_list:
      previous_gtids(event);
      break;
    case EventType::rotate:
      if (start_.from_files) next_file_ = decode_rotate(event).file;
      break;
    default:
      break;
  }
  at_boundary();
}

void Pipeline::previous_gtids(const Event& event) {
  const GtidSet previous = decode_previous_gtids(event);
  if (!has_base_) {
    has_base_ = true;
    if (start_.gate.executed && !start_.gate.executed->contains(previous)) {
      throw RefusedError("the files begin too late: they lack " + (previous - *start_.gate.executed).text());
    }
    teller_.set_executed(start_.gate.executed ? *start_.gate.executed : previous);
    if (stop_.gtid_set) stop_left_ = *stop_.gtid_set - *teller_.executed();
    return;
  }
  if (!teller_.has_gtids()) return;
  GtidSet expected = *teller_.executed();
  for (const auto& [xid, transaction] : prepared_) expected.add(transaction.gtid);
  if (expected.contains(previous)) return;
  const GtidSet missing = previous - expected;
  if (start_.from_files) {
    throw RefusedError(std::string(event.file) + " follows transactions that no file before it has: " +
                       missing.text() + " (is a file missing?)");
  }
  teller_.complete(missing);  // executed without being logged, as by SET GLOBAL gtid_purged
  stop_left_.subtract(missing);
}

void Pipeline::begin_transaction(const Event& event) {
  const Transaction& transaction = tracker_.transaction();
  StartGate& gate = start_.gate;
  if (gate.timestamp_ms && transaction.commit_ms >= *gate.timestamp_ms) gate.timestamp_ms.reset();
  muted_ = gate.closed() || (gate.executed && gate.executed->contains(transaction.gtid));
  // MariaDB has no XA START: the GTID event says it
  storing_ = transaction.xid || (!muted_ && logs_rolled_back(reader_.format()));
  if (storing_) stored_ = {};
  if (muted_) return;
  if (!teller_.started() && start_.from_files && transaction.gtid.empty() && (!has_base_ || teller_.executed()->empty())) {
    teller_.set_executed(std::nullopt);
  }
  if (is_behind_stop(event.file, event.begin_pos)) return stop("stop position reached");
  if (stop_.timestamp_ms && may_stop() && transaction.commit_ms >= *stop_.timestamp_ms) return stop("stop time reached");
  if (!teller_.interrupted()) {
    teller_.start_at(start_.position.value_or(BinlogPosition{transaction.file, transaction.begin_pos}));
  }
  teller_.open(transaction);
}

void Pipeline::inside(const Event& event, bool last) {
  switch (event.type()) {
    case EventType::query:
    case EventType::mariadb_query_compressed:
      statement(event, last);
      break;
    case EventType::execute_load_query:
      check_dml(decode_query(event, sql_scratch_));
      break;
    case EventType::incident:
      if (!muted_) {
        throw RefusedError("the server lost events here (" + std::string(decode_incident(event).message) +
                           "); the changes after it do not follow from those before");
      }
      break;
    default:
      if (event.type() == EventType::table_map || is_rows_event(event.type())) table_or_rows(event);
  }
}

void Pipeline::table_or_rows(const Event& event) {
  if (storing_) {
    stored_.add(event);
  } else if (!muted_) {
    tell_rows(event);
  }
}

void Pipeline::tell_rows(const Event& event) {
  if (!stop_reason_.empty()) return;
  if (event.type() == EventType::table_map) {
    rows_.table_map(event, reader_.format().mariadb);
  } else {
    rows_.rows(event);
    if (rows_.limit_reached()) stop("as many changes as asked for");
  }
}

void Pipeline::finish_transaction() {
  const Transaction& transaction = tracker_.transaction();
  update_boundary();
  if (transaction.end == TransactionEnd::xa_prepare) {
    prepared_[transaction.xid.value()] = {transaction.gtid, std::exchange(stored_, {})};
    if (!muted_) teller_.forget();
  } else if (muted_) {
    if (const auto found = transaction.xid ? prepared_.find(*transaction.xid) : prepared_.end(); found != prepared_.end()) {
      if (!start_.gate.executed) teller_.complete(found->second.gtid);
      prepared_.erase(found);
    }
    if (!start_.gate.executed) teller_.complete(transaction.gtid);  // before the start, which tells it
  } else {
    finish_told(transaction);
  }
  storing_ = false;
  if (snapshot_ != nullptr) snapshot_->transaction_ended(transaction.gtid);
  if (!stop_left_.empty()) {
    GtidSet read;
    read.add(transaction.gtid);
    stop_left_.subtract(read);
  }
  at_boundary();
}

void Pipeline::update_boundary() {
  boundary_.pos = tracker_.boundary_pos();
  if (boundary_.file != tracker_.boundary_file()) boundary_.file = tracker_.boundary_file();
}

void Pipeline::at_boundary() {
  update_boundary();
  if (start_.gate.position) pass_gate();
  if (start_.gate.closed()) return;
  teller_.reached(boundary_);
  if (!teller_.started() && !teller_.interrupted() && start_.settled && boundary_ >= *start_.settled) {
    teller_.start_at(boundary_);
  }
  check_stop();
  if (!stop_reason_.empty()) return;
  if (++boundaries_ % kClockEvery == 0) teller_.heartbeat_if_due(Teller::Clock::now());
}

void Pipeline::check_stop() {
  if (start_.from_files && !has_base_ && !teller_.started()) return;  // the file's set comes behind its format
  if (snapshot_ != nullptr && snapshot_->at_boundary()) return stop("as many changes as asked for");
  if (stop_.gtid_set && stop_left_.empty() && may_stop()) return stop("all transactions of the stop set were read");
  if (is_behind_stop(teller_.boundary().file, teller_.boundary().pos)) return stop("stop position reached");
}

void Pipeline::pass_gate() {
  const BinlogPosition& wanted = *start_.gate.position;
  if (boundary_ < wanted) {
    gate_before_ = boundary_;
    return;
  }
  if (boundary_ > wanted) {
    throw RefusedError(wanted.text() + " is not between two transactions; the nearest such places are " +
                       gate_before_.text() + " and " + boundary_.text());
  }
  teller_.start_at(wanted);
  start_.gate.position.reset();
}

bool Pipeline::is_behind_stop(std::string_view file, std::uint64_t pos) const {
  if (!stop_.position || !may_stop()) return false;
  if (file == stop_.position->file) return pos >= stop_.position->pos;
  return compare_binlog_names(file, stop_.position->file) > 0;
}

bool Pipeline::wants_end(std::int64_t server_now_ms) const {
  // A transaction gets its commit time a moment before it is in the log.
  constexpr std::int64_t kCommitDelayMs = 1000;
  return stop_.timestamp_ms && !end_at_stop_time_ && server_now_ms >= *stop_.timestamp_ms + kCommitDelayMs;
}

bool Pipeline::idle() {
  teller_.heartbeat_if_due(Teller::Clock::now());
  if (snapshot_ != nullptr && !tracker_.inside()) check_stop();
  if (end_at_stop_time_ && may_stop() && !tracker_.inside() && boundary_ >= *end_at_stop_time_) stop("stop time reached");
  return !stop_reason_.empty();
}

bool Pipeline::lacks_the_end() const {
  const BinlogPosition& reached = teller_.boundary();
  return tracker_.inside() || teller_.interrupted() || (stop_.position && !is_behind_stop(reached.file, reached.pos));
}

void Pipeline::input_ended() {
  if (tracker_.inside() || teller_.interrupted()) {
    throw TemporaryError("the input ends inside the transaction that began at " +
                         tracker_.transaction().file + ":" +
                         std::to_string(tracker_.transaction().begin_pos));
  }
  if (start_.gate.position) throw RefusedError(start_.gate.position->text() + " is not in the input");
  stop("end of input");
  teller_.reached(boundary_);
}

// Also a stream without a transaction begins with `start`.
void Pipeline::stop(std::string reason) {
  stop_reason_ = std::move(reason);
  if (!teller_.interrupted()) teller_.start_at(start_.position.value_or(boundary_));
}

}  // namespace cdc::tail
