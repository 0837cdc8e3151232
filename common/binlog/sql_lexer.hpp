// SPDX-License-Identifier: Apache-2.0
// SqlLexer: the words of a statement, as far as reading DDL and DML needs them. Comments are blanks; the content of
// /*! … */ and /*M! … */ is SQL. Never fails: what is unfinished ends with the text. Tokens are views of the
// text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cdc {

struct SqlToken {
  enum class Kind : std::uint8_t {
    end,
    word,        // keyword, plain identifier or number
    identifier,  // quoted; `text` without the outer quotes
    string,      // likewise
    symbol,      // one character
  };
  Kind kind = Kind::end;
  std::string_view text;
  char quote = 0;  // of identifier and string

  // An unquoted word, without regard to case; `upper` is upper case.
  bool is(std::string_view upper) const;
  bool is_symbol(char c) const { return kind == Kind::symbol && text[0] == c; }
  bool at_end() const { return kind == Kind::end; }
  // Of an identifier or word: with doubled quotes undone.
  std::string name() const;
};

class SqlLexer {
 public:
  // `sql_mode`: kSqlModeAnsiQuotes and kSqlModeNoBackslashEscapes matter.
  SqlLexer(std::string_view sql, std::uint64_t sql_mode);

  // The current token; `end` once and for all behind the last.
  const SqlToken& token() const { return token_; }
  const SqlToken& next();
  // Goes on when the current token is that word.
  bool accept(std::string_view upper);
  bool accept_symbol(char c);

 private:
  void skip_blanks();
  bool skip_comment();
  void read_quoted(char quote);

  std::string_view sql_;
  std::size_t at_ = 0;
  bool ansi_quotes_;
  bool backslash_escapes_;
  bool in_executed_comment_ = false;
  SqlToken token_;
};

// Goes on behind MariaDB's SET STATEMENT variable = value FOR, if that is at the cursor.
void skip_set_statement(SqlLexer& lexer);

}  // namespace cdc
