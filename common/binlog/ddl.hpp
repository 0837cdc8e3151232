// SPDX-License-Identifier: Apache-2.0
// What the text of a QUERY event is: transaction control, DML, or a definition change and of which tables. A
// tokenizer and a few shapes, not a grammar: linear time, no recursion, any input gives an answer and never
// an error. Text is read byte-wise as an ASCII superset (utf8, latin1); comments are blanks, but the content
// of /*! … */ is SQL, as the server executed it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/binlog/event_bodies.hpp"
#include "common/model/record.hpp"
#include "common/model/schema.hpp"

namespace cdc {

enum class StatementKind : std::uint8_t {
  begin,
  commit,
  rollback,
  savepoint,  // SAVEPOINT, ROLLBACK TO, RELEASE SAVEPOINT: never ends a transaction
  xa_start,
  xa_end,
  xa_prepare,
  xa_commit,
  xa_rollback,
  dml,    // INSERT, UPDATE, DELETE, REPLACE, LOAD DATA, CALL, …: changes rows of tables in statement format
  ddl,    // everything that commits implicitly: CREATE, ALTER, DROP, GRANT, ANALYZE, …
  other,  // SET, FLUSH, comments only, what the tokenizer does not know
};

// Only the first words: for every QUERY event. "BEGIN" costs a comparison.
StatementKind classify_statement(std::string_view sql);

// The identifier of an XA statement, nullopt when there is none. XA COMMIT … ONE PHASE sets `*one_phase`.
std::optional<XaId> parse_xa_id(std::string_view sql, bool* one_phase = nullptr);

struct DdlInfo {
  StatementKind kind = StatementKind::other;
  // create, alter, drop, truncate, rename, partition: of base tables and databases. other: views, triggers,
  // routines, users, TEMPORARY tables, ANALYZE…, and everything that is not ddl.
  DdlClass ddl_class = DdlClass::other;
  // Each table whose definition or content the statement may change, once, old and new names alike,
  // unqualified ones completed by the default database. Empty: touches no table (CREATE DATABASE, a view, a
  // user). nullopt: it touches tables but the text does not tell which (DROP DATABASE: all of `database`; or
  // not understood: any). For dml always nullopt.
  std::optional<std::vector<TableName>> tables = std::vector<TableName>{};
  std::string database;            // CREATE, ALTER and DROP DATABASE: its name
  bool opens_transaction = false;  // CREATE TABLE … START TRANSACTION: the rows of a CREATE … SELECT follow
  // CREATE TABLE … SELECT (or VALUES, TABLE) itself, as only other formats than ROW log it: no event has its rows.
  bool has_query = false;
};

// `sql` should be UTF-8: a statement whose QueryEvent::client_collation is of another character set has to be
// converted first, for its names to be those of the table maps. `default_db` and `sql_mode` are the QUERY
// event's (kSqlModeAnsiQuotes, kSqlModeNoBackslashEscapes matter).
DdlInfo parse_ddl(std::string_view sql, std::string_view default_db, std::uint64_t sql_mode);

}  // namespace cdc
