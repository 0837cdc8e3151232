// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/snapshot.hpp"

#include <algorithm>
#include <csignal>
#include <set>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/mysql/ddl_look_ahead.hpp"

namespace cdc::tail {

namespace {

constexpr std::size_t kPagesEach = 3;      // of a table: told, waiting, being read
constexpr unsigned kMostTries = 100;       // for a view of a table without key

std::string in_mebibytes(std::uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

std::vector<std::string> from_mark(const SnapshotChunk& mark) {
  std::vector<std::string> key;
  for (const std::string& part : mark.to) {
    const std::optional<std::string> bytes = from_base64(part);
    if (!bytes) throw DataError("the checkpoint's snapshot mark of " + mark.table.text() + " is not base64");
    key.push_back(*bytes);
  }
  return key;
}

}  // namespace

Snapshot::Snapshot(CopyPlan plan, const Options& options, const TableFilter& filter, ChangeSink& sink,
                   Output& output, Teller& teller, const Log& log, Hooks hooks)
    : plan_(std::move(plan)),
      options_(options),
      filter_(filter),
      sink_(sink),
      output_(output),
      teller_(teller),
      log_(log),
      hooks_(std::move(hooks)),
      decode_(options.bad_text) {
  for (CopiedTable& table : plan_.tables) {
    TableCopy& copy = add(std::move(table));
    const auto mark = plan_.marks.find(copy.name());
    if (mark == plan_.marks.end() || !copy.table().keyed) continue;
    copy.told_to = from_mark(mark->second);
    copy.order = mark->second.key;
    copy.next_chunk = mark->second.chunk + 1;
  }
  warn_of_views();
}

Snapshot::~Snapshot() { stop_threads(); }

TableCopy& Snapshot::add(CopiedTable table) {
  TableCopy& copy = copies_.emplace_back(std::move(table), copies_.size());
  by_name_[copy.name()] = &copy;
  return copy;
}

void Snapshot::warn_of_views() const {
  for (const TableCopy& copy : copies_) {
    if (copy.table().keyed) continue;
    log_.warning("table " + copy.name().text() + " has no primary key that pages can follow: it is read in one " +
                 "transaction, about " + std::to_string(copy.table().rows) + " rows, " +
                 in_mebibytes(copy.table().bytes) + ", and the stream waits meanwhile");
  }
}

// ---- Threads

void Snapshot::start() {
  started_ = true;
  began_ = Clock::now();
  if (copies_.empty()) return;
  queue_ = std::make_unique<PageQueue>(kPagesEach);
  start_threads();
  activate_next();
}

void Snapshot::start_threads() {
  const std::size_t count = std::min<std::size_t>(options_.snapshot_parallel, copies_.size());
  sigset_t all, before;  // signals are for the thread that can act on them
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (std::size_t i = 0; i < count; ++i) {
    readers_.push_back(std::make_unique<PageReader>(plan_.settings, filter_, *queue_));
    threads_.emplace_back([reader = readers_.back().get()] { reader->run(); });
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Snapshot::stop_threads() {
  if (!queue_) return;
  queue_->stop();
  for (const auto& reader : readers_) reader->interrupt();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  readers_.clear();
}

void Snapshot::reconnected(const ServerAddress& address, const std::string& server_uuid, std::uint32_t server_id) {
  if (finished_) return;
  if (server_uuid != plan_.settings.server_uuid) plan_.caught_up = {};  // of another log
  plan_.settings.server_uuid = server_uuid;
  plan_.settings.server_id = server_id;
  if (!address.host.empty()) plan_.settings.connect.hosts = {address};
  if (!started_) return;
  stop_threads();
  waiting_.clear();
  queue_.reset();
  started_ = false;  // the next boundary starts again
  active_ = 0;
  for (TableCopy& copy : copies_) {
    copy.forget_touches();
    if (!copy.ended()) copy.set_state(TableCopy::State::waiting);
  }
}

// Of as many tables as there are readers the touched keys are remembered.
void Snapshot::activate_next() {
  for (TableCopy& copy : copies_) {
    if (active_ >= options_.snapshot_parallel) return;
    if (copy.state() != TableCopy::State::waiting) continue;
    copy.set_state(TableCopy::State::copying);
    copy.forget_touches();
    ++active_;
    queue_->restart(job_of(copy));
  }
}

Job Snapshot::job_of(TableCopy& copy) {
  return {copy.number(), copy.name(), 0, copy.told_to, copy.order, told(copy)};
}

Told Snapshot::told(const TableCopy& copy) {
  Told told;
  if (const GtidSet* executed = teller_.executed()) told.executed = std::make_shared<const GtidSet>(*executed);
  told.position = teller_.boundary();
  told.touches = copy.touches();
  return told;
}

// ---- The stream

TableCopy* Snapshot::find(const TableName& name) {
  if (finished_) return nullptr;
  const auto found = by_name_.find(name);
  if (found == by_name_.end() || found->second->ended()) return nullptr;
  return found->second;
}

// A page that shows the table on one side of a DDL is of no use on the other. Servers differ in whether the case of
// a name in a statement matters; a page read once too often does no harm.
void Snapshot::ddl(const DdlInfo& info) {
  if (finished_ || info.kind != StatementKind::ddl) return;
  std::set<TableName> names;
  for (const TableName& name : info.tables.value_or(std::vector<TableName>())) names.insert(folded(name));
  for (TableCopy& copy : copies_) {
    const TableName own = folded(copy.name());
    const bool of_database = !info.tables && (info.database.empty() || own.db == lower_ascii(info.database));
    if (of_database || names.contains(own)) altered(copy, info.ddl_class);
  }
  if (info.ddl_class == DdlClass::rename && info.tables) add_renamed(info);
}

void Snapshot::altered(TableCopy& copy, DdlClass ddl_class) {
  switch (ddl_class) {
    case DdlClass::alter:
    case DdlClass::other:
      return restart(copy, false);
    case DdlClass::create:  // IF NOT EXISTS, or after a DROP: then all its rows come by the stream
      return restart(copy, copy.state() == TableCopy::State::gone);
    case DdlClass::drop:
    case DdlClass::truncate:
      if (!copy.ended()) restart(copy, true);
      return;
    case DdlClass::rename:  // these may bring rows that no change has told
    case DdlClass::partition:
      return restart(copy, true);
  }
}

// A table that gets a name that is captured brings rows that nobody was told of under that name.
void Snapshot::add_renamed(const DdlInfo& info) {
  CopiedTable table;
  bool of_copy = plan_.whole;
  for (const TableName& name : *info.tables) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) continue;
    of_copy = true;
    table.keyed = table.keyed && found->second->table().keyed;
  }
  if (!of_copy) return;
  for (const TableName& name : *info.tables) {
    if (by_name_.contains(name) || !filter_.captures(name)) continue;
    table.name = name;
    add(table);
  }
}

void Snapshot::restart(TableCopy& copy, bool from_the_start) {
  if (from_the_start) {
    if (copy.ended()) copy.set_state(TableCopy::State::waiting);
    copy.told_to.clear();
    copy.next_chunk = 0;
    hooks_.on_void(copy.name());
  }
  if (copy.state() == TableCopy::State::copying) copy.mark_stale();
}

void Snapshot::restart_stale() {
  for (TableCopy& copy : copies_) {
    if (!copy.stale()) continue;
    drop_pages_of(copy);
    copy.forget_touches();
    queue_->restart(job_of(copy));
  }
}

void Snapshot::transaction_ended(const Gtid& gtid) {
  if (finished_ || !started_) return;
  for (TableCopy& copy : copies_) copy.transaction_ended(gtid, teller_.boundary());
}

bool Snapshot::at_boundary() {
  if (finished_ || teller_.is_open() || teller_.interrupted()) return false;
  if (!started_) {
    if (!teller_.started() || teller_.boundary() < plan_.caught_up) return false;
    if (const GtidSet* executed = teller_.executed(); executed && !executed->contains(plan_.contained)) return false;
    start();
  }
  if (queue_) {
    restart_stale();
    if (queue_->has_pages()) collect();
    if (!waiting_.empty()) tell_ready();
    restart_stale();
  }
  if (!limit_reached_) finish_if_done();
  return limit_reached_;
}

void Snapshot::finish_if_done() {
  if (queue_) activate_next();
  if (active_ > 0) return;
  stop_threads();
  finished_ = true;
  teller_.tell_snapshot_end();
  hooks_.on_end();
  log_.info("initial copy complete: " + status_text());
}

// ---- Pages

void Snapshot::collect() {
  for (Page& page : queue_->take()) waiting_.push_back(std::move(page));
}

void Snapshot::drop_pages_of(const TableCopy& copy) {
  if (queue_->has_pages()) collect();
  const std::size_t dropped =
      std::erase_if(waiting_, [&](const Page& page) { return page.table == copy.number(); });
  queue_->release(copy.number(), dropped);
}

// What has come by now; then the caller has a look at signals, and at the stream.
void Snapshot::tell_ready() {
  std::deque<Page> rest;
  while (!waiting_.empty() && !limit_reached_) {
    Page page = std::move(waiting_.front());
    waiting_.pop_front();
    if (page.failure) std::rethrow_exception(page.failure);
    if (handle(page)) {
      queue_->release(page.table);
    } else {
      rest.push_back(std::move(page));
    }
  }
  waiting_ = std::move(rest);
}

bool Snapshot::handle(Page& page) {
  TableCopy& copy = copies_[page.table];
  if (page.opens_view) return open_view(copy, page);
  if (page.other_key) {
    log_.warning("the primary key of " + copy.name().text() + " has changed; its copy begins again");
    restart(copy, true);
    return true;
  }
  if (teller_.boundary() < page.high) return false;
  if (page.gone) {
    log_.warning("table " + copy.name().text() + " is gone; its copy ends unfinished");
    end(copy, TableCopy::State::gone);
  } else if (!copy.table().keyed && !page.definition->key.empty()) {
    log_.info("table " + copy.name().text() + " has got a primary key; its copy begins again");
    copy.set_keyed();
    restart(copy, true);
  } else {
    tell_chunk(copy, page);
  }
  return true;
}

bool Snapshot::open_view(TableCopy& copy, const Page& view) {
  if (plan_.settings.bound == Bound::locks || copy.table().keyed)
    throw ConfigError("table " + copy.name().text() + " has lost its primary key during its copy; start again");
  switch (copy.judge(view, teller_.boundary())) {
    case TableCopy::Verdict::later:
      return false;
    case TableCopy::Verdict::retry:
      if (++copy.tries >= kMostTries) {
        throw ConfigError("table " + copy.name().text() + " has no primary key, and is changed too often for a " +
                          "view of it between two changes (" + std::to_string(kMostTries) + " tries)");
      }
      copy.forget_touches();
      queue_->restart(job_of(copy));
      return true;
    case TableCopy::Verdict::accepted:
      queue_->accept_view(copy.number());
      tell_whole(copy);
      return true;
  }
  return true;
}

}  // namespace cdc::tail
