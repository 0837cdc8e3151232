// SPDX-License-Identifier: Apache-2.0
// What Pipeline does with QUERY events, and with the statements that end transactions.
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/binlog/dml.hpp"
#include "tools/cdc-tail/pipeline.hpp"

namespace cdc::tail {

namespace {

// Enough of a statement to be recognised in a message.
std::string shortened(std::string_view sql) {
  constexpr std::size_t kShown = 80;
  return sql.size() <= kShown ? std::string(sql) : std::string(sql.substr(0, kShown)) + "…";
}

[[noreturn]] void refuse_text(std::string_view sql) {
  throw ConfigError("rows changed by a statement that was logged as text (binlog_format is not ROW): " +
                    shortened(sql) + "; --allow-statement-dml goes on without its changes");
}

}  // namespace

void Pipeline::statement(const Event& event, bool last) {
  if (tracker_.query() == nullptr) return;
  switch (tracker_.statement()) {
    case StatementKind::xa_start:
      storing_ = true;
      stored_ = {};
      break;
    case StatementKind::dml:
      check_dml(*tracker_.query());
      break;
    case StatementKind::ddl:
      ddl(event, last);
      break;
    default:
      break;
  }
}

// As UTF-8, valid until the next one.
std::string_view Pipeline::text_of(const QueryEvent& query) {
  constexpr std::uint16_t kUtf8mb4 = 45;  // utf8mb4_general_ci, where the event does not tell
  sql_arena_.reset();
  return sql_text_.decode(query.client_collation != 0 ? query.client_collation : kUtf8mb4, query.sql, sql_arena_);
}

void Pipeline::check_dml(const QueryEvent& query) {
  if (muted_ || options_.allow_statement_dml) return;
  const std::string_view sql = text_of(query);
  const auto tables = parse_dml_tables(sql, query.db, query.sql_mode);
  std::vector<std::string> databases;
  for (const std::string_view db : split(query.updated_dbs, '\0'))
    if (!db.empty()) databases.emplace_back(db);
  if (databases.empty() && !tables && !query.db.empty()) databases.emplace_back(query.db);
  if (filter_.may_change(tables, databases)) refuse_text(sql);
}

void Pipeline::ddl(const Event& event, bool last) {
  const QueryEvent& query = *tracker_.query();
  const std::string_view sql = text_of(query);
  const DdlInfo info = parse_ddl(sql, query.db, query.sql_mode);
  definitions_.forget(info, {std::string(event.file), event.begin_pos});
  rows_.forget_definitions();
  if (snapshot_ != nullptr && !muted_) snapshot_->ddl(info);
  ddl_.reset();
  if (info.has_query && !muted_ && !options_.allow_statement_dml && filter_.concerns(info)) refuse_text(sql);
  if (muted_ || (info.ddl_class == DdlClass::other && !options_.all_ddl) || !filter_.concerns(info)) return;
  DdlRecord record;
  record.ddl_class = info.ddl_class;
  record.tables = info.tables;
  record.db = query.db;
  record.position = {std::string(event.file), event.end_pos};
  record.sql = sql;
  if (last) {
    ddl_ = std::move(record);
  } else {
    teller_.tell_inner_ddl(record);
  }
}

void Pipeline::finish_told(const Transaction& transaction) {
  switch (transaction.end) {
    case TransactionEnd::statement:
      if (ddl_) {
        teller_.close_with_ddl(transaction, *ddl_, boundary_);
        ddl_.reset();
        return;
      }
      break;
    case TransactionEnd::commit:
      // Kept until it was known to be one; XA COMMIT … ONE PHASE like one that is prepared.
      if (storing_) stored_.replay([this](const Event& event) { tell_rows(event); });
      break;
    case TransactionEnd::xa_commit:
      tell_prepared(transaction);
      break;
    case TransactionEnd::rollback:
      // Was not told where that was to be expected. Rows of tables that know no transactions are never in it.
      if (teller_.begin_told() && teller_.changes() > 0) {
        GtidSet behind = teller_.has_gtids() ? *teller_.executed() : GtidSet();
        behind.add(transaction.gtid);
        throw ConfigError("the transaction was rolled back; what was told of it did not happen (binlog_format is not "
                          "ROW); to go on behind it: " +
                          (behind.empty() ? "--file=" + boundary_.file + " --pos=" + std::to_string(boundary_.pos)
                                          : "--gtid-set=" + behind.text()));
      }
      break;
    case TransactionEnd::xa_rollback:
      if (const auto found = prepared_.find(transaction.xid.value()); found != prepared_.end()) {
        teller_.complete(found->second.gtid);
        prepared_.erase(found);
      }
      break;
    default:
      break;
  }
  if (stop_reason_.empty()) teller_.close(transaction, boundary_);
}

void Pipeline::tell_prepared(const Transaction& transaction) {
  const auto found = prepared_.find(transaction.xid.value());
  if (found == prepared_.end()) return tell_prepared_elsewhere(transaction);
  PreparedTransaction prepared = std::move(found->second);
  prepared_.erase(found);
  prepared.events.replay([this](const Event& event) { tell_rows(event); });
  teller_.complete(prepared.gtid);
}

// Its GTID is in the start's set.
void Pipeline::tell_prepared_elsewhere(const Transaction& transaction) {
  std::optional<StoredEvents> events;
  if (prepared_search_) events = prepared_search_(*transaction.xid, {transaction.file, transaction.begin_pos});
  if (events) return events->replay([this](const Event& event) { tell_rows(event); });
  std::string why = "XA COMMIT of " + transaction.xid->text() + ", which was prepared before the start, ";
  if (start_.from_files) throw RefusedError(why + "in a file before these: its rows are there");
  why += "and whose XA PREPARE the server's log no longer has: its rows cannot be told; to go on without them: ";
  if (const GtidSet* executed = teller_.executed()) {
    GtidSet behind = *executed;
    behind.add(transaction.gtid);
    throw RefusedError(why + "--gtid-set=" + behind.text());
  }
  throw RefusedError(why + "--file=" + boundary_.file + " --pos=" + std::to_string(boundary_.pos));
}

}  // namespace cdc::tail
