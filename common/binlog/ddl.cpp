// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/ddl.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "common/binlog/sql_lexer.hpp"

namespace cdc {
namespace {

bool is_any(const SqlToken& token, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&token](std::string_view word) { return token.is(word); });
}

StatementKind classify_xa(const SqlToken& verb) {
  if (verb.is("START") || verb.is("BEGIN")) return StatementKind::xa_start;
  if (verb.is("END")) return StatementKind::xa_end;
  if (verb.is("PREPARE")) return StatementKind::xa_prepare;
  if (verb.is("COMMIT")) return StatementKind::xa_commit;
  if (verb.is("ROLLBACK")) return StatementKind::xa_rollback;
  return StatementKind::other;
}

// From the lexer's first words, which it consumes in part.
StatementKind classify(SqlLexer& lexer) {
  skip_set_statement(lexer);
  while (lexer.accept_symbol('(')) {
  }
  const SqlToken first = lexer.token();
  if (is_any(first, {"CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "GRANT", "REVOKE", "ANALYZE",
                     "OPTIMIZE", "REPAIR", "INSTALL", "UNINSTALL", "IMPORT"})) {
    return StatementKind::ddl;
  }
  if (is_any(first,
             {"INSERT", "UPDATE", "DELETE", "REPLACE", "CALL", "SELECT", "WITH", "DO", "VALUES", "TABLE"})) {
    return StatementKind::dml;
  }
  const SqlToken second = lexer.next();
  if (first.is("BEGIN") || (first.is("START") && second.is("TRANSACTION"))) return StatementKind::begin;
  if (first.is("COMMIT")) return StatementKind::commit;
  if (first.is("ROLLBACK")) {
    if (second.is("WORK")) lexer.next();
    return lexer.token().is("TO") ? StatementKind::savepoint : StatementKind::rollback;
  }
  if (first.is("SAVEPOINT") || first.is("RELEASE")) return StatementKind::savepoint;
  if (first.is("XA")) return classify_xa(second);
  if (first.is("LOAD") && (second.is("DATA") || second.is("XML"))) return StatementKind::dml;
  return StatementKind::other;
}

// Reads one statement whose first word says that it is DDL.
class DdlParser {
 public:
  DdlParser(SqlLexer lexer, std::string_view default_db) : lexer_(lexer), default_db_(default_db) {}

  DdlInfo parse() {
    info_.kind = StatementKind::ddl;
    const SqlToken verb = lexer_.token();
    lexer_.next();
    if (verb.is("CREATE")) parse_create();
    if (verb.is("ALTER")) parse_alter();
    if (verb.is("DROP")) parse_drop();
    if (verb.is("RENAME")) parse_rename();
    if (verb.is("TRUNCATE")) parse_truncate();
    if (verb.is("IMPORT")) info_.tables.reset();
    return std::move(info_);
  }

 private:
  // What follows the verb, as far as the word that says what is created, altered or dropped. Words in between
  // are options: OR REPLACE, UNIQUE, DEFINER = user@host, ALGORITHM = x, IGNORE…
  SqlToken skip_to_object() {
    while (!lexer_.token().at_end()) {
      const SqlToken token = lexer_.token();
      lexer_.next();
      if (token.is("TEMPORARY")) temporary_ = true;
      if (is_any(token,
                 {"TABLE",     "TABLES",   "DATABASE", "SCHEMA",   "INDEX",     "VIEW",     "TRIGGER",
                  "PROCEDURE", "FUNCTION", "EVENT",    "USER",     "ROLE",      "SERVER",   "TABLESPACE",
                  "LOGFILE",   "SEQUENCE", "PACKAGE",  "RESOURCE", "REFERENCE", "INSTANCE", "LIBRARY"})) {
        return token;
      }
    }
    return {};
  }

  void skip_if_exists() {
    if (!lexer_.accept("IF")) return;
    lexer_.accept("NOT");
    lexer_.accept("EXISTS");
  }

  // The name that the cursor is on; without one the tables of the statement are not known.
  bool read_table() {
    TableName name{std::string(default_db_), {}};
    if (!lexer_.token().is_symbol('.')) {
      if (!read_identifier(name.table)) return fail();
      if (!lexer_.token().is_symbol('.')) return add(std::move(name));
      name.db = std::move(name.table);
    }
    lexer_.next();
    return read_identifier(name.table) ? add(std::move(name)) : fail();
  }
  bool read_identifier(std::string& out) {
    const SqlToken& token = lexer_.token();
    if (token.kind != SqlToken::Kind::word && token.kind != SqlToken::Kind::identifier) return false;
    out = token.name();
    lexer_.next();
    return true;
  }
  bool add(TableName name) {
    if (!info_.tables) return false;
    if (seen_.insert(name).second) info_.tables->push_back(std::move(name));
    return true;
  }
  bool fail() {
    info_.tables.reset();
    return false;
  }

  void parse_create() {
    const SqlToken object = skip_to_object();
    if (object.is("TABLE")) {
      if (temporary_) return;
      info_.ddl_class = DdlClass::create;
      skip_if_exists();
      read_table();
      parse_create_rest();
    } else if (object.is("DATABASE") || object.is("SCHEMA")) {
      parse_database(DdlClass::create);
    } else if (object.is("INDEX")) {
      parse_index();
    }
  }

  // SELECT is reserved and stands nowhere else; TABLE and VALUES begin a query where they come outside of parentheses or
  // first inside (a partition has VALUES, behind its name).
  void parse_create_rest() {
    SqlToken before, last;
    int depth = 0;
    for (; !lexer_.token().at_end(); lexer_.next()) {
      before = last;
      last = lexer_.token();
      if (last.is_symbol('(')) ++depth;
      if (last.is_symbol(')')) --depth;
      const bool begins = depth == 0 || before.is_symbol('(');
      if (last.is("SELECT") || (begins && is_any(last, {"TABLE", "VALUES"}))) info_.has_query = true;
    }
    info_.opens_transaction = before.is("START") && last.is("TRANSACTION");
  }

  void parse_database(DdlClass ddl_class) {
    info_.ddl_class = ddl_class;
    skip_if_exists();
    // ALTER DATABASE may leave the name out; then an option of its list comes first.
    const bool unnamed =
        ddl_class == DdlClass::alter && is_any(lexer_.token(), {"DEFAULT", "CHARACTER", "CHARSET", "COLLATE",
                                                                "ENCRYPTION", "READ", "COMMENT"});
    if (unnamed || !read_identifier(info_.database)) info_.database = default_db_;
    if (ddl_class == DdlClass::drop) info_.tables.reset();
  }

  // CREATE INDEX i USING BTREE ON t (…), DROP INDEX i ON t
  void parse_index() {
    info_.ddl_class = DdlClass::alter;
    skip_if_exists();
    lexer_.next();  // the index's name may be a word like ON only in quotes
    while (!lexer_.token().at_end() && !lexer_.token().is("ON")) lexer_.next();
    lexer_.next();
    read_table();
  }

  void parse_alter() {
    const SqlToken object = skip_to_object();
    if (object.is("DATABASE") || object.is("SCHEMA")) parse_database(DdlClass::alter);
    if (!object.is("TABLE")) return;
    info_.ddl_class = DdlClass::alter;
    skip_if_exists();
    if (!read_table()) return;
    if (lexer_.accept("WAIT")) lexer_.next();
    lexer_.accept("NOWAIT");
    parse_alter_list();
  }

  // Each part between commas outside parentheses. RENAME weighs more than PARTITION, and that more than the
  // rest.
  void parse_alter_list() {
    int depth = 0;
    bool first = true;
    while (!lexer_.token().at_end()) {
      if (std::exchange(first, false) && parse_alter_part()) continue;
      const SqlToken token = lexer_.token();
      lexer_.next();
      first = token.is_symbol(',') && depth == 0;
      if (token.is_symbol('(')) ++depth;
      if (token.is_symbol(')')) --depth;
      if (depth == 0 && token.is("PARTITION") && lexer_.token().is("BY")) partition();
    }
  }

  void partition() {
    if (info_.ddl_class == DdlClass::alter) info_.ddl_class = DdlClass::partition;
  }

  // Whether it has consumed something.
  bool parse_alter_part() {
    const SqlToken verb = lexer_.token();
    if (verb.is("RENAME")) {
      lexer_.next();
      if (is_any(lexer_.token(), {"COLUMN", "INDEX", "KEY"})) return true;
      if (!lexer_.accept("TO") && !lexer_.accept("AS")) lexer_.accept_symbol('=');
      info_.ddl_class = DdlClass::rename;
      read_table();
      return true;
    }
    if (verb.is("REMOVE") || verb.is("UPGRADE")) {
      lexer_.next();
      if (lexer_.token().is("PARTITIONING")) partition();
      return true;
    }
    if (verb.is("CONVERT")) return parse_convert();
    if (!is_any(verb, {"ADD", "DROP", "DISCARD", "IMPORT", "TRUNCATE", "COALESCE", "REORGANIZE", "EXCHANGE",
                       "ANALYZE", "CHECK", "OPTIMIZE", "REBUILD", "REPAIR"})) {
      return false;
    }
    lexer_.next();
    if (!lexer_.token().is("PARTITION")) return true;
    partition();
    if (verb.is("EXCHANGE")) read_table_behind("TABLE");
    return true;
  }

  // MariaDB: CONVERT PARTITION p TO TABLE t, CONVERT TABLE t TO PARTITION p …; else CONVERT TO CHARACTER SET.
  bool parse_convert() {
    lexer_.next();
    if (lexer_.token().is("PARTITION") || lexer_.token().is("TABLE")) {
      partition();
      read_table_behind("TABLE");
    }
    return true;
  }

  void read_table_behind(std::string_view word) {
    while (!lexer_.token().at_end() && !lexer_.token().is(word)) lexer_.next();
    lexer_.next();
    read_table();
  }

  void parse_drop() {
    const SqlToken object = skip_to_object();
    if (object.is("DATABASE") || object.is("SCHEMA")) parse_database(DdlClass::drop);
    if (object.is("INDEX")) parse_index();
    if ((!object.is("TABLE") && !object.is("TABLES")) || temporary_) return;
    info_.ddl_class = DdlClass::drop;
    skip_if_exists();
    while (read_table() && lexer_.accept_symbol(',')) {
    }
  }

  void parse_rename() {
    if (!lexer_.accept("TABLE") && !lexer_.accept("TABLES")) return;
    info_.ddl_class = DdlClass::rename;
    skip_if_exists();
    do {
      if (!read_table()) return;
      if (lexer_.accept("WAIT")) lexer_.next();
      lexer_.accept("NOWAIT");
      if (!lexer_.accept("TO") || !read_table()) {
        info_.tables.reset();
        return;
      }
    } while (lexer_.accept_symbol(','));
  }

  void parse_truncate() {
    info_.ddl_class = DdlClass::truncate;
    lexer_.accept("TABLE");
    read_table();
  }

  SqlLexer lexer_;
  std::string_view default_db_;
  bool temporary_ = false;
  std::set<TableName> seen_;
  DdlInfo info_;
};

// The bytes of 'text', X'hex' or 0xhex at the cursor, which goes on behind it.
std::optional<std::string> read_literal(SqlLexer& lexer) {
  const SqlToken token = lexer.token();
  lexer.next();
  if (token.kind == SqlToken::Kind::string) return token.name();
  std::string_view hex;
  if (token.is("X") && lexer.token().kind == SqlToken::Kind::string) {
    hex = lexer.token().text;
    lexer.next();
  } else if (token.kind == SqlToken::Kind::word && token.text.starts_with("0x")) {
    hex = token.text.substr(2);
  } else {
    return std::nullopt;
  }
  std::string bytes;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    unsigned byte = 0;
    if (std::from_chars(hex.data(), hex.data() + 2, byte, 16).ptr != hex.data() + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return hex.empty() ? std::optional(bytes) : std::nullopt;
}

}  // namespace

StatementKind classify_statement(std::string_view sql) {
  if (sql == "BEGIN") return StatementKind::begin;
  SqlLexer lexer(sql, 0);
  return classify(lexer);
}

std::optional<XaId> parse_xa_id(std::string_view sql, bool* one_phase) {
  SqlLexer lexer(sql, 0);
  if (!lexer.accept("XA")) return std::nullopt;
  lexer.next();  // START, COMMIT…
  XaId xid;
  std::optional<std::string> part = read_literal(lexer);
  if (!part) return std::nullopt;
  xid.gtrid = std::move(*part);
  if (lexer.accept_symbol(',')) {
    part = read_literal(lexer);
    if (!part) return std::nullopt;
    xid.bqual = std::move(*part);
  }
  if (lexer.accept_symbol(',')) {
    const std::string_view digits = lexer.token().text;
    std::uint32_t format = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), format).ec != std::errc())
      return std::nullopt;
    xid.format = static_cast<std::int32_t>(format);
    lexer.next();
  }
  if (one_phase != nullptr) *one_phase = lexer.accept("ONE") && lexer.token().is("PHASE");
  return xid;
}

DdlInfo parse_ddl(std::string_view sql, std::string_view default_db, std::uint64_t sql_mode) {
  SqlLexer lexer(sql, sql_mode);
  DdlInfo info;
  info.kind = classify(lexer);
  if (info.kind == StatementKind::ddl) return DdlParser(lexer, default_db).parse();
  if (info.kind == StatementKind::dml) info.tables.reset();
  return info;
}

}  // namespace cdc
