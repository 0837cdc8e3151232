// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/page_reader.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/mysql/row_query.hpp"

namespace cdc::tail {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kPageBytes = 2 << 20;     // what a page should have
constexpr std::size_t kMostBytes = 4 << 20;     // where it is cut
constexpr std::uint64_t kFirstRows = 1000;      // of a table whose rows nobody has seen yet
constexpr std::chrono::seconds kPatience{60};   // for a commit to become visible
constexpr unsigned kDefinitionTries = 20;       // to read a table by the definition that it has

constexpr unsigned kNoSuchDatabase = 1049, kNoSuchColumn = 1054, kNoSuchTable = 1146, kNoSuchKey = 1176,
                   kDefinitionChanged = 1412;

bool is_stale_definition(unsigned number) {
  return number == kNoSuchColumn || number == kDefinitionChanged || number == kNoSuchKey;
}

bool is_no_table(unsigned number) { return number == kNoSuchTable || number == kNoSuchDatabase; }

// What is read does not fit the definition that was asked for: that is of before a DDL, or it is our fault.
struct OtherDefinition : Error {
  explicit OtherDefinition(std::string message) : Error(ExitCode::software, std::move(message)) {}
};

// Nobody wants the pages any more; the queue knows.
struct GivenUp {};

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void check_shapes(const KeyedTable& table, const std::vector<WireShape>& shapes) {
  const std::vector<Column>& columns = table.schema->columns;
  bool fits = shapes.size() == columns.size();
  for (std::size_t i = 0; fits && i < columns.size(); ++i) {
    const WireShape expected = expected_shape(columns[i]);
    const bool label = columns[i].type == ColumnType::enumeration || columns[i].type == ColumnType::set;
    fits = shapes[i] == expected || shapes[i] == WireShape::nothing || (label && is_integer(shapes[i]));
  }
  if (!fits) throw OtherDefinition(table.schema->name.text() + ": the server sends columns of other types");
}

std::vector<std::string> last_key(const Page& page) {
  std::vector<std::string> key;
  if (page.ends.empty()) return page.from;
  const std::size_t begin = page.ends.size() > 1 ? page.ends[page.ends.size() - 2] : 0;
  const ResultRow row(as_bytes(page.bytes.view().substr(begin)), page.definition->schema->columns, page.shapes);
  for (const KeyPart& part : page.definition->key) key.push_back(row.key_text(part.column));
  return key;
}

}  // namespace

Bound bound_of(const Server& server) {
  if (server.mariadb()) return Bound::view;
  return server.version().at_least(8, 0) && server.gtid_mode() == GtidMode::on ? Bound::gtids : Bound::locks;
}

PageReader::PageReader(CopySettings settings, const TableFilter& filter, PageQueue& queue)
    : settings_(std::move(settings)), filter_(filter), queue_(queue) {}

void PageReader::run() noexcept {
  while (const std::optional<Job> job = queue_.next_job()) work(*job);
}

void PageReader::interrupt() {
  const std::lock_guard lock(mutex_);
  if (connection_) connection_->interrupt();
}

// Tries again after what may pass: a lost connection, a lock that was waited for too long, a definition that
// changed between two questions.
void PageReader::work(const Job& job) {
  for (unsigned failures = 0;; ++failures) {
    Page page;
    page.table = job.table;
    page.generation = job.generation;
    unsigned tries = 0;
    try {
      if (!connection_) connect();
      read(job);
      return;
    } catch (const OtherDefinition&) {
      page.failure = std::current_exception();
      tries = kDefinitionTries;
    } catch (const ServerError& error) {
      page.failure = std::current_exception();
      tries = is_stale_definition(error.number()) ? kDefinitionTries : error.transient() ? settings_.max_retries : 0;
    } catch (const GivenUp&) {
      return disconnect();
    } catch (...) {
      page.failure = std::current_exception();
    }
    positions_.erase(job.table);
    disconnect();  // also ends a transaction
    if (failures >= tries || queue_.stopped()) {
      queue_.deliver(std::move(page));
      return;
    }
    pause(std::min(milliseconds(50) * (1U << std::min(failures, 7U)), milliseconds(5000)));
  }
}

void PageReader::connect() {
  Connection connection(settings_.connect);
  // SHARE locks must be few and short; a view must hold over two statements.
  const std::string isolation = settings_.bound == Bound::locks ? "READ COMMITTED" : "REPEATABLE READ";
  const bool mariadb = connection.server_version().flavor == Flavor::mariadb;
  connection.exec("SET SESSION time_zone = '+00:00', character_set_results = NULL, sql_mode = 'ALLOW_INVALID_DATES', "
                  "autocommit = 1, sql_select_limit = DEFAULT, net_write_timeout = 3600, innodb_lock_wait_timeout = 5");
  connection.exec("SET SESSION TRANSACTION ISOLATION LEVEL " + isolation);
  if (mariadb) {
    connection.exec("SET SESSION max_statement_time = 0");
  } else if (connection.server_version().at_least(5, 7, 8)) {
    connection.exec("SET SESSION max_execution_time = 0");
  }
  {
    const std::lock_guard lock(mutex_);
    connection_.emplace(std::move(connection));
  }
  server_.emplace(*connection_);
  if (server_->uuid() != settings_.server_uuid || server_->server_id() != settings_.server_id) {
    throw ServerError(ExitCode::temporary, 0, "HY000", true,
                      connection_->name() + " is not the server that sends the binlog");
  }
}

void PageReader::disconnect() {
  server_.reset();
  const std::lock_guard lock(mutex_);
  connection_.reset();
}

void PageReader::pause(milliseconds time) const {
  const Clock::time_point until = Clock::now() + time;
  while (!queue_.stopped() && Clock::now() < until) std::this_thread::sleep_for(milliseconds(5));
}

void PageReader::wait_for(const GtidSet& executed) {
  if (executed.empty()) return;
  const std::string sql = "SELECT WAIT_FOR_EXECUTED_GTID_SET(" + connection_->quote(executed.text()) + ", 1)";
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (connection_->query_value(sql) != "0") {
    if (queue_.stopped() || Clock::now() > deadline)
      throw TemporaryError(connection_->name() + ": transactions of its binlog do not become visible");
  }
}

// A consistent snapshot that shows at least what was told.
void PageReader::begin_view(const Told& told, BinlogPosition& place) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  for (;;) {
    connection_->exec("START TRANSACTION WITH CONSISTENT SNAPSHOT");
    const ResultSet status = connection_->query("SHOW STATUS LIKE 'binlog_snapshot_%'");
    for (const std::vector<Field>& row : status.rows) {
      const std::string name = lower_ascii(row.at(0).value_or(""));
      if (name == "binlog_snapshot_file") place.file = row.at(1).value_or("");
      if (name == "binlog_snapshot_position") place.pos = parse_uint(row.at(1).value_or("")).value_or(0);
    }
    if (place.file.empty()) throw ConfigError(connection_->name() + " does not tell where a snapshot is in its binlog");
    if (place >= told.position) return;
    connection_->exec("ROLLBACK");
    if (queue_.stopped() || Clock::now() > deadline)
      throw TemporaryError(connection_->name() + ": transactions of its binlog do not become visible");
    pause(milliseconds(1));
  }
}

// Sees to the lower bound. The upper one, where that is known already.
BinlogPosition PageReader::begin(const Told& told) {
  BinlogPosition place;
  switch (settings_.bound) {
    case Bound::gtids:
      if (told.executed) wait_for(*told.executed);
      break;
    case Bound::locks:
      break;
    case Bound::view:
      begin_view(told, place);
      break;
  }
  return place;
}

BinlogPosition PageReader::end_of_log() {
  const std::optional<BinlogEnd> end = server_->end();
  if (!end) throw ConfigError(connection_->name() + " writes no binlog (log_bin is OFF)");
  return end->position;
}

// Waits for a DDL on the table to end, with its commit and its place in the log; in a transaction, keeps others from
// beginning. ServerError when there is no such table, or no privilege on it.
void PageReader::open_table(const TableName& name) {
  connection_->query("SELECT 1 FROM " + Connection::quote_name(name.db) + "." + Connection::quote_name(name.table) +
                     " LIMIT 1");
}

// Asked for only behind the lower bound: any DDL of before is then seen, and one of after is met in the stream.
void PageReader::define(const Job& job, Page& page, Position& at) {
  if (!at.definition || at.generation != job.generation) {
    // Row locks are no lower bound for definitions: a DDL may be in the log before its commit is to be seen.
    if (settings_.bound == Bound::locks) open_table(job.name);
    std::optional<KeyedTable> table = read_keyed_table(*connection_, job.name, settings_.full_metadata);
    if (!table) {
      open_table(job.name);
      throw OtherDefinition(job.name.text() + ": information_schema does not have it");
    }
    table->schema = filter_.apply(table->schema);
    for (const KeyPart& part : table->key) {
      const Column& column = table->schema->columns[part.column];
      if (!column.excluded) continue;
      throw ConfigError("--exclude-column leaves out " + column.name + " of " + job.name.text() +
                        ", a column of its primary key: no chunk could say what it is of");
    }
    at.definition = std::make_shared<const KeyedTable>(std::move(*table));
    at.generation = job.generation;
    if (at.limit == 0) at.limit = std::min(kFirstRows, settings_.chunk_rows);
  }
  page.definition = at.definition;
}

void PageReader::read(const Job& job) {
  Page page;
  page.table = job.table;
  page.generation = job.generation;
  page.touches = job.told.touches;
  page.from = job.after;
  Position& at = positions_[job.table];
  try {
    page.high = begin(job.told);
    define(job, page, at);
    page.other_key = !job.after.empty() && job.key != at.definition->key_texts;
    if (page.other_key) {
      if (settings_.bound == Bound::view) connection_->exec("ROLLBACK");
      queue_.deliver(std::move(page));
    } else if (at.definition->key.empty()) {
      read_view(job, std::move(page), at);
    } else {
      read_page(job, std::move(page), at);
    }
  } catch (const ServerError& error) {
    if (!is_no_table(error.number())) throw;
    deliver_gone(job);
  }
}

void PageReader::deliver_gone(const Job& job) {
  connection_->exec("ROLLBACK");
  positions_.erase(job.table);
  Page page;
  page.table = job.table;
  page.generation = job.generation;
  page.gone = true;
  page.high = end_of_log();
  queue_.deliver(std::move(page));
}

void PageReader::read_page(const Job& job, Page page, Position& at) {
  std::string sql = page_query(*at.definition, job.after, at.limit);
  if (settings_.bound == Bound::locks)
    sql += server_->version().at_least(8, 0) ? " FOR SHARE" : " LOCK IN SHARE MODE";
  bool cut = false;
  query_rows(
      *connection_, sql,
      [&](const std::vector<WireShape>& shapes) {
        check_shapes(*at.definition, shapes);
        page.shapes = shapes;
      },
      [&](ByteView row) {
        page.bytes.append(as_text(row));
        page.ends.push_back(page.bytes.size());
        cut = page.bytes.size() >= kMostBytes;
        return !cut;
      });
  page.read_ms = now_ms();
  if (settings_.bound == Bound::view) {
    connection_->exec("ROLLBACK");
  } else {
    page.high = end_of_log();
  }
  const std::uint64_t rows = page.ends.size();
  page.last = !cut && rows < at.limit;
  page.to = last_key(page);
  const std::uint64_t fitting = kPageBytes / std::max<std::size_t>(1, page.bytes.size() / std::max<std::uint64_t>(1, rows));
  at.limit = std::clamp<std::uint64_t>(fitting, 1, settings_.chunk_rows);
  queue_.deliver(std::move(page));
}

// A table that cannot be read in pages: one view, which the reader of the binlog takes or not, and then all rows.
void PageReader::read_view(const Job& job, Page page, const Position& at) {
  if (settings_.bound == Bound::gtids) {
    page.low = server_->gtid_executed();
    connection_->exec("START TRANSACTION WITH CONSISTENT SNAPSHOT");
  }
  open_table(job.name);
  if (settings_.bound == Bound::gtids) page.high = end_of_log();
  const BinlogPosition high = page.high;
  std::vector<WireShape> shapes;
  const auto next_page = [&] {
    Page next;
    next.table = job.table;
    next.generation = job.generation;
    next.definition = at.definition;
    next.shapes = shapes;
    next.high = high;
    return next;
  };
  page.opens_view = true;
  if (!queue_.deliver(std::move(page)) || !queue_.wait_for_verdict(job)) throw GivenUp();
  std::optional<Page> rows;
  try {
    query_rows(
        *connection_, page_query(*at.definition, {}, 0),
        [&](const std::vector<WireShape>& told) {
          check_shapes(*at.definition, told);
          shapes = told;
          rows = next_page();
        },
        [&](ByteView row) {
          if (rows->bytes.size() >= kPageBytes || rows->ends.size() >= settings_.chunk_rows) {
            rows->read_ms = now_ms();
            if (!queue_.deliver(std::move(*rows))) throw GivenUp();
            rows = next_page();
          }
          rows->bytes.append(as_text(row));
          rows->ends.push_back(rows->bytes.size());
          return true;
        });
  } catch (const ServerError& error) {
    throw TemporaryError("the copy of " + job.name.text() + ", which has no key, cannot go on where it was cut off: " +
                         error.message());
  }
  rows->read_ms = now_ms();
  rows->last = true;
  disconnect();  // ends the transaction
  queue_.deliver(std::move(*rows));
}

}  // namespace cdc::tail
