// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/catalog.hpp"

#include <algorithm>

#include "common/base/buffer.hpp"
#include "common/base/text.hpp"
#include "common/cli/app.hpp"
#include "common/starrocks/table_ddl.hpp"

namespace cdc::load {

using starrocks::quoted_name;
using starrocks::quoted_text;
using starrocks::TargetTable;

namespace {

constexpr unsigned kAccessDenied = 5203;       // ERR_ACCESS_DENIED of fe/…/ErrorCode.java
constexpr unsigned kNobodyListens = 2002;      // CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR
constexpr unsigned kNobodyListensTcp = 2003;
constexpr unsigned kAttempts = 4;
constexpr std::chrono::milliseconds kFirstPause{250};
constexpr std::chrono::milliseconds kFirstLook{100}, kLongestLook{3'000};  // between two looks at a job
constexpr std::chrono::minutes kLongestJob{30};
constexpr std::uint64_t kLabelsKept = 1000;

bool is_denied(const ServerError& error) {
  return error.number() == kAccessDenied || error.message().find("Access denied") != std::string::npos;
}

std::string sql_name(const TableName& name) { return quoted_name(name.db) + "." + quoted_name(name.table); }

}  // namespace

// ---- The session

void Catalog::connect() {
  ConnectOptions connect;
  connect.hosts = options_.query_hosts;
  connect.user = options_.endpoint.user;
  connect.password = options_.endpoint.password;
  connect.ssl_ca = options_.endpoint.ca_file;
  connect.program = "cdc-load";
  connection_.emplace(connect);
  reached_ = true;
}

// Runs `look`, which asks something. False when nobody listens where nobody has said that somebody does.
template <typename Look>
bool Catalog::look(Look look) {
  if (!used_) return false;
  try {
    look();
    return true;
  } catch (const ServerError& error) {
    if (!options_.query_is_guess || reached_) throw;
    used_ = false;
    log_.warning(error.message() + "; the target tables are not known, --query-url names the FE's MySQL port and "
                                   "--query-url=none says that the table records are to be trusted");
    return false;
  }
}

// One statement; asked again when the connection is lost, so it must do no harm twice.
ResultSet Catalog::ask(const std::string& sql) {
  for (unsigned attempt = 1;; ++attempt) {
    try {
      if (!connection_) connect();
      return connection_->query(sql);
    } catch (const ServerError& error) {
      if (is_denied(error)) throw Error(ExitCode::denied, error.message());
      const bool nobody = error.number() == kNobodyListens || error.number() == kNobodyListensTcp;
      if (!reached_ && nobody && options_.query_is_guess) throw;
      if (!error.transient()) throw;
      connection_.reset();
      if (attempt == kAttempts) throw TemporaryError(error.message());
      wait_(kFirstPause * (1u << attempt));
    }
  }
}

std::uint64_t Catalog::labels_kept() {
  if (!used_) return kLabelsKept;
  try {
    const ResultSet answer = ask("ADMIN SHOW FRONTEND CONFIG LIKE 'label_keep_max_num'");
    const std::optional<std::size_t> value = answer.column("Value");
    if (value && !answer.empty() && answer.rows[0][*value]) return parse_uint(*answer.rows[0][*value]).value_or(kLabelsKept);
  } catch (const Error&) {
    log_.info("the FE does not tell label_keep_max_num; taking its default");
  }
  return kLabelsKept;
}

// ---- Tables

std::optional<TargetTable> Catalog::read(const TableName& target) {
  const ResultSet known = ask("SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA = " +
                              quoted_text(target.db) + " AND TABLE_NAME = " + quoted_text(target.table));
  if (known.empty()) return std::nullopt;
  const ResultSet shown = ask("SHOW CREATE TABLE " + sql_name(target));
  if (shown.empty() || shown.columns.size() < 2 || !shown.rows[0][1])
    throw DataError("SHOW CREATE TABLE " + target.text() + " tells nothing");
  return starrocks::parse_create_table(target, *shown.rows[0][1]);
}

const TargetTable* Catalog::table(const TableName& target, const TableSchema& source) {
  if (const auto known = tables_.find(target); known != tables_.end()) return &known->second;
  std::optional<TargetTable> found;
  if (!look([&] { found = read(target); })) return nullptr;
  if (!found && options_.create_tables) {
    create(target, source);
    if (options_.dry_run)
      found = starrocks::parse_create_table(target, starrocks::create_table_sql(target, source, options_.rows));
    else
      found = read(target);
  }
  if (!found)
    throw RefusedError("StarRocks has no table " + target.text() + ", or user '" + options_.endpoint.user +
                       "' has no right to it (--create-tables makes Primary Key tables)");
  return &tables_.emplace(target, std::move(*found)).first->second;
}

const std::set<std::string>& Catalog::tables(const std::string& db) {
  const auto [it, is_new] = names_.try_emplace(db);
  if (is_new)
    look([&, &names = it->second] {
      const ResultSet known = ask("SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA = " + quoted_text(db));
      for (const std::vector<Field>& row : known.rows)
        if (row[0]) names.insert(lower_ascii(*row[0]));
    });
  return it->second;
}

void Catalog::print(const std::string& sql) const {
  OutBuffer out;
  out.append("{\"sql\":");
  append_json_string(out, sql);
  out.append("}\n");
  write_stdout(out.view());
}

void Catalog::create(const TableName& target, const TableSchema& source) {
  const std::string sql = starrocks::create_table_sql(target, source, options_.rows);
  const bool has_database =
      !ask("SELECT SCHEMA_NAME FROM information_schema.schemata WHERE SCHEMA_NAME = " + quoted_text(target.db)).empty();
  if (!has_database) make("database " + target.db, "CREATE DATABASE IF NOT EXISTS " + quoted_name(target.db));
  make("table " + target.text(), sql);
  names_.erase(target.db);
}

void Catalog::make(const std::string& what, const std::string& sql) {
  if (options_.dry_run) return print(sql);
  try {
    ask(sql);
  } catch (const ServerError& error) {
    throw RefusedError(error.message() + ": " + sql);
  }
  log_.warning("made " + what + ": " + sql);
}

// ---- New columns

std::vector<std::size_t> Catalog::missing(const TableName& target, const TableSchema& source) {
  std::vector<std::size_t> found;
  if (const TargetTable* known = table(target, source))
    for (std::size_t i = 0; i < source.columns.size(); ++i)
      if (known->find(source.columns[i].name) == nullptr) found.push_back(i);
  return found;
}

Catalog::AlterJob Catalog::newest_job(const TableName& target) {
  const ResultSet jobs =
      ask("SHOW ALTER TABLE COLUMN FROM " + quoted_name(target.db) + " WHERE TableName = " + quoted_text(target.table));
  const std::optional<std::size_t> id = jobs.column("JobId"), state = jobs.column("State"), message = jobs.column("Msg");
  if (!id || !state) throw DataError("SHOW ALTER TABLE COLUMN tells no JobId and State");
  AlterJob newest;
  for (const std::vector<Field>& row : jobs.rows) {
    const std::uint64_t number = parse_uint(row[*id].value_or("")).value_or(0);
    if (number < newest.id) continue;
    newest = {number, row[*state].value_or(""), message ? row[*message].value_or("") : ""};
  }
  return newest;
}

// Besides those that --add-column fills.
bool Catalog::has_column_of_its_own(const TargetTable& target, const TableSchema& source) const {
  return std::any_of(target.columns.begin(), target.columns.end(), [&](const starrocks::TargetColumn& column) {
    const auto is = [&](const std::string& name) { return lower_ascii(name) == lower_ascii(column.name); };
    return !column.generated &&
           std::none_of(source.columns.begin(), source.columns.end(), [&](const Column& told) { return is(told.name); }) &&
           std::none_of(options_.rows.add_columns.begin(), options_.rows.add_columns.end(),
                        [&](const auto& added) { return is(added.first); });
  });
}

void Catalog::add_columns(const TableName& target, const TableSchema& source, const std::vector<std::string>& ddl) {
  const auto statement = [&] {
    std::vector<std::optional<std::string>> values;
    const std::vector<std::size_t> columns = missing(target, source);
    const bool renamed = has_column_of_its_own(tables_.at(target), source);
    for (const std::size_t i : columns) {
      const starrocks::OldRows old = starrocks::old_rows_value(source, i, ddl, renamed);
      if (!old.why_not.empty())
        throw RefusedError(target.text() + ": column " + source.columns[i].name + " cannot be added: " + old.why_not);
      values.push_back(old.text);
    }
    return starrocks::add_columns_sql(target, source, columns, values);
  };
  if (options_.dry_run) {
    print(statement());
    for (const std::size_t i : missing(target, source)) {
      const std::string column = quoted_name(source.columns[i].name) + " " + starrocks::target_type(source.columns[i], false);
      tables_.at(target).columns.push_back(starrocks::parse_create_table(target, "CREATE TABLE t (" + column + ")").columns[0]);
    }
    return;
  }
  std::optional<std::uint64_t> before;  // the newest job when ours was begun
  std::chrono::milliseconds pause = kFirstLook;
  for (const auto deadline = std::chrono::steady_clock::now() + kLongestJob; std::chrono::steady_clock::now() < deadline;) {
    const AlterJob job = newest_job(target);
    if (!job.is_open()) {
      // Also when ours was begun by a run that died, or the answer to it was lost.
      tables_.erase(target);
      if (missing(target, source).empty()) {
        log_.info(target.text() + ": has the new columns");
        return;
      }
      if (before && job.id > *before)
        throw RefusedError(target.text() + ": the columns were not added: " + job.state + " " + job.message);
      const std::string sql = statement();
      before = job.id;
      log_.warning(sql);
      try {
        ask(sql);
      } catch (const ServerError& error) {
        throw RefusedError(error.message() + ": " + sql);
      }
      continue;
    }
    wait_(pause);
    pause = std::min(2 * pause, kLongestLook);
  }
  throw TemporaryError(target.text() + ": StarRocks has not finished adding columns");
}

}  // namespace cdc::load
