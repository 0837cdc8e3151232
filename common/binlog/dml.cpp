// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/dml.hpp"

#include <string>
#include <utility>

#include "common/binlog/sql_lexer.hpp"

namespace cdc {
namespace {

bool is_name(const SqlToken& token) {
  return token.kind == SqlToken::Kind::word || token.kind == SqlToken::Kind::identifier;
}

class DmlParser {
 public:
  DmlParser(SqlLexer lexer, std::string_view default_db) : lexer_(lexer), default_db_(default_db) {}

  std::optional<std::vector<TableName>> parse() {
    if (lexer_.token().is("WITH")) skip_common_tables();
    const SqlToken verb = lexer_.token();
    lexer_.next();
    bool understood = false;
    if (verb.is("INSERT") || verb.is("REPLACE")) understood = parse_insert();
    if (verb.is("UPDATE")) understood = parse_update();
    if (verb.is("DELETE")) understood = parse_delete();
    if (verb.is("LOAD")) understood = parse_load();
    if (!understood) return std::nullopt;
    return std::move(tables_);
  }

 private:
  bool at_end() const { return lexer_.token().at_end(); }

  void skip_words(std::initializer_list<std::string_view> words) {
    for (bool found = true; found;) {
      found = false;
      for (const std::string_view word : words) found = lexer_.accept(word) || found;
    }
  }

  // Over a '(' and all up to its ')'.
  void skip_group() {
    std::size_t depth = 0;
    do {
      if (lexer_.token().is_symbol('(')) ++depth;
      if (lexer_.token().is_symbol(')')) --depth;
      lexer_.next();
    } while (depth > 0 && !at_end());
  }

  // To the verb of WITH a AS (…), b (c) AS (…) verb.
  void skip_common_tables() {
    while (!at_end() && !lexer_.token().is("UPDATE") && !lexer_.token().is("DELETE") &&
           !lexer_.token().is("INSERT") && !lexer_.token().is("REPLACE") && !lexer_.token().is("SELECT")) {
      if (lexer_.token().is_symbol('(')) {
        skip_group();
      } else {
        lexer_.next();
      }
    }
  }

  // t, db.t, .t, and in DELETE t.*, db.t.*
  std::optional<TableName> read_name() {
    TableName name{std::string(default_db_), {}};
    if (!lexer_.token().is_symbol('.')) {
      if (!is_name(lexer_.token())) return std::nullopt;
      name.table = lexer_.token().name();
      lexer_.next();
    }
    while (lexer_.accept_symbol('.')) {
      if (lexer_.accept_symbol('*')) break;
      if (!is_name(lexer_.token())) return std::nullopt;
      if (!name.table.empty()) name.db = std::move(name.table);
      name.table = lexer_.token().name();
      lexer_.next();
    }
    return name;
  }

  bool read_table() {
    std::optional<TableName> name = read_name();
    if (name) tables_.push_back(*std::move(name));
    return name.has_value();
  }

  bool ends_references() const {
    const SqlToken& token = lexer_.token();
    return token.at_end() || token.is("SET") || token.is("WHERE") || token.is("ORDER") || token.is("LIMIT") ||
           token.is("RETURNING") || token.is_symbol(';');
  }

  // Tables with their aliases, hints, joins and conditions. A name is a table at the beginning, behind a comma and
  // behind JOIN; behind those '(' groups tables, anywhere else it holds none.
  bool read_references() {
    bool table_comes = true, joined = false;
    while (!ends_references()) {
      const SqlToken token = lexer_.token();
      if (token.is_symbol('(')) {
        SqlLexer inner = lexer_;
        const bool is_query = inner.next().is("SELECT") || inner.token().is("WITH") ||
                              inner.token().is("VALUES") || inner.token().is("TABLE");
        if (table_comes && !is_query) {
          lexer_.next();
          continue;
        }
        skip_group();
        table_comes = false;
      } else if (token.is_symbol(',') || token.is("JOIN") || token.is("STRAIGHT_JOIN")) {
        lexer_.next();
        table_comes = true;
        joined = joined || token.kind == SqlToken::Kind::word;
      } else if (token.is("USING") && !joined) {  // DELETE FROM targets USING references
        lexer_.next();
        table_comes = true;
      } else if (token.is("FOR")) {  // of a hint: USE INDEX FOR JOIN, FOR ORDER BY
        lexer_.next();
        lexer_.next();
      } else if (table_comes && !token.is("LATERAL") && !token.is_symbol('{') && !token.is("OJ")) {
        const std::optional<TableName> name = read_name();
        if (!name) return false;
        if (!lexer_.token().is_symbol('(')) tables_.push_back(*name);  // else a function: JSON_TABLE(
        table_comes = false;
      } else {
        lexer_.next();
      }
    }
    return !tables_.empty();
  }

  bool parse_insert() {
    skip_words({"LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"});
    return read_table();
  }

  bool parse_update() {
    skip_words({"LOW_PRIORITY", "IGNORE"});
    return read_references() && lexer_.token().is("SET");
  }

  // DELETE FROM t …, DELETE FROM a, b USING references …, DELETE a, b FROM references …: targets may be aliases, so
  // the references are what counts.
  bool parse_delete() {
    skip_words({"LOW_PRIORITY", "QUICK", "IGNORE", "HISTORY"});
    while (!at_end() && !lexer_.token().is("FROM")) lexer_.next();
    return lexer_.accept("FROM") && read_references();
  }

  bool parse_load() {
    while (!at_end() && !lexer_.token().is("TABLE")) lexer_.next();
    return lexer_.accept("TABLE") && read_table();
  }

  SqlLexer lexer_;
  std::string_view default_db_;
  std::vector<TableName> tables_;
};

}  // namespace

std::optional<std::vector<TableName>> parse_dml_tables(std::string_view sql, std::string_view default_db,
                                                       std::uint64_t sql_mode) {
  SqlLexer lexer(sql, sql_mode);
  skip_set_statement(lexer);
  return DmlParser(lexer, default_db).parse();
}

}  // namespace cdc
