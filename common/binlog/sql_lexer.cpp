// SPDX-License-Identifier: Apache-2.0
#include "common/binlog/sql_lexer.hpp"

#include <algorithm>

#include "common/binlog/event_bodies.hpp"

namespace cdc {
namespace {

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

}  // namespace

bool SqlToken::is(std::string_view upper_word) const {
  return kind == Kind::word && text.size() == upper_word.size() &&
         std::equal(text.begin(), text.end(), upper_word.begin(),
                    [](char a, char b) { return upper(a) == b; });
}

std::string SqlToken::name() const {
  std::string name;
  name.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    name += text[i];
    if (quote != 0 && text[i] == quote) ++i;
  }
  return name;
}

SqlLexer::SqlLexer(std::string_view sql, std::uint64_t sql_mode)
    : sql_(sql),
      ansi_quotes_((sql_mode & kSqlModeAnsiQuotes) != 0),
      backslash_escapes_((sql_mode & kSqlModeNoBackslashEscapes) == 0) {
  next();
}

// Over one comment at the cursor, or the frame of an executed one; false when there is none.
bool SqlLexer::skip_comment() {
  const std::string_view rest = sql_.substr(at_);
  const bool dashes = rest.starts_with("--") && (rest.size() == 2 || is_blank(rest[2]));
  if (dashes || rest.starts_with('#')) {
    at_ = std::min(sql_.find('\n', at_), sql_.size());
    return true;
  }
  if (rest.starts_with("/*!") || rest.starts_with("/*M!")) {
    at_ += std::size_t{rest[2] == '!' ? 3U : 4U};
    while (at_ < sql_.size() && is_digit(sql_[at_])) ++at_;  // the version
    in_executed_comment_ = true;
    return true;
  }
  if (rest.starts_with("/*")) {
    const std::size_t end = sql_.find("*/", at_ + 2);
    at_ = end == std::string_view::npos ? sql_.size() : end + 2;
    return true;
  }
  if (in_executed_comment_ && rest.starts_with("*/")) {
    at_ += 2;
    in_executed_comment_ = false;
    return true;
  }
  return false;
}

void SqlLexer::skip_blanks() {
  while (at_ < sql_.size() && (is_blank(sql_[at_]) || skip_comment())) {
    if (at_ < sql_.size() && is_blank(sql_[at_])) ++at_;
  }
}

void SqlLexer::read_quoted(char quote) {
  const bool identifier = quote == '`' || (quote == '"' && ansi_quotes_);
  const std::size_t start = ++at_;
  std::size_t end = sql_.size();
  while (at_ < sql_.size()) {
    const char c = sql_[at_++];
    if (c == '\\' && !identifier && backslash_escapes_) {
      ++at_;
    } else if (c == quote) {
      if (at_ >= sql_.size() || sql_[at_] != quote) {
        end = at_ - 1;
        break;
      }
      ++at_;
    }
  }
  at_ = std::min(at_, sql_.size());
  token_ = {identifier ? SqlToken::Kind::identifier : SqlToken::Kind::string, sql_.substr(start, end - start),
            quote};
}

const SqlToken& SqlLexer::next() {
  skip_blanks();
  if (at_ >= sql_.size()) {
    token_ = {};
    return token_;
  }
  const char c = sql_[at_];
  if (c == '\'' || c == '"' || c == '`') {
    read_quoted(c);
    return token_;
  }
  const std::size_t start = at_++;
  if (!is_word(c)) {
    token_ = {SqlToken::Kind::symbol, sql_.substr(start, 1), 0};
    return token_;
  }
  while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
  token_ = {SqlToken::Kind::word, sql_.substr(start, at_ - start), 0};
  return token_;
}

bool SqlLexer::accept(std::string_view upper_word) {
  if (!token_.is(upper_word)) return false;
  next();
  return true;
}

bool SqlLexer::accept_symbol(char c) {
  if (!token_.is_symbol(c)) return false;
  next();
  return true;
}

void skip_set_statement(SqlLexer& lexer) {
  if (!lexer.token().is("SET")) return;
  SqlLexer ahead = lexer;
  ahead.next();
  if (!ahead.accept("STATEMENT")) return;
  while (!ahead.token().at_end() && !ahead.token().is("FOR")) ahead.next();
  if (ahead.accept("FOR")) lexer = ahead;
}

}  // namespace cdc
