// SPDX-License-Identifier: Apache-2.0
// old_rows_value(): what ALTER TABLE … ADD COLUMN has put into the rows of a MySQL table (manual, "ALTER TABLE", "Data
// Type Default Values"). Anything in doubt is refused: a wrong guess would stay in the rows for ever.
#include <algorithm>
#include <regex>

#include "common/base/text.hpp"
#include "common/binlog/sql_lexer.hpp"
#include "common/starrocks/table_ddl.hpp"

namespace cdc::starrocks {
namespace {

using Tokens = std::vector<SqlToken>;

constexpr const char* kExpression = "its default is no constant";

Tokens tokens_of(std::string_view sql) {
  Tokens tokens;
  for (SqlLexer lexer(sql, 0); !lexer.token().at_end(); lexer.next()) tokens.push_back(lexer.token());
  return tokens;
}

bool names(const SqlToken& token, std::string_view column) {
  return (token.kind == SqlToken::Kind::word || token.kind == SqlToken::Kind::identifier) &&
         lower_ascii(token.name()) == lower_ascii(column);
}

// From tokens[at] to the comma or parenthesis that ends a column's definition.
Tokens definition_from(const Tokens& tokens, std::size_t at) {
  Tokens found;
  for (int depth = 0; at < tokens.size(); ++at) {
    if (tokens[at].is_symbol('(')) ++depth;
    if (depth == 0 && (tokens[at].is_symbol(',') || tokens[at].is_symbol(')'))) break;
    if (tokens[at].is_symbol(')')) --depth;
    found.push_back(tokens[at]);
  }
  return found;
}

// What follows the column's name in ADD [COLUMN] name … or ADD [COLUMN] (name …, name …); nothing when the statement
// does not add it.
std::optional<Tokens> added_as(const Tokens& tokens, std::string_view column) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].is("ADD")) continue;
    std::size_t at = i + 1;
    const auto is = [&](std::string_view word) { return at < tokens.size() && tokens[at].is(word); };
    if (is("COLUMN")) ++at;
    if (is("IF")) at += 3;  // NOT EXISTS, MariaDB's
    if (at >= tokens.size()) break;
    const bool list = tokens[at].is_symbol('(');
    for (at += list ? 1 : 0; at < tokens.size(); ++at) {
      if (names(tokens[at], column)) return definition_from(tokens, at + 1);
      at += definition_from(tokens, at).size();
      if (!list || at >= tokens.size() || !tokens[at].is_symbol(',')) break;
    }
  }
  return std::nullopt;
}

// A constant of MySQL as text that StarRocks reads as the same value in the column's type.
OldRows constant(const Column& column, const std::string& text) {
  static const std::regex kInteger("[+-]?[0-9]{1,20}"), kNumber("[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)"), kYear("[0-9]{4}"),
      kDate("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])( [0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?)?");
  const MysqlType type = MysqlType::parse(column.type_text);
  const std::string target = target_type(column, false);
  const auto when = [&](bool fits) { return fits ? OldRows{text, ""} : OldRows{std::nullopt, "its default is " + text}; };
  if (type.base == "year") return when(std::regex_match(text, kYear));
  if (target.ends_with("INT")) return when(type.base != "bit" && std::regex_match(text, kInteger));
  if (type.base == "decimal") {
    const std::size_t point = text.find('.'), scale = type.sizes.size() > 1 ? type.sizes[1] : 0;
    return when(std::regex_match(text, kNumber) && (point == std::string::npos || text.size() - point - 1 <= scale));
  }
  if (type.base == "float" || type.base == "double") return when(std::regex_match(text, kNumber));
  if (type.base == "date" || type.base == "datetime") return when(std::regex_match(text, kDate));
  if (type.base == "enum") return when(column.type_text.find("'" + text + "'") != std::string::npos);
  if (type.base == "char" || type.base == "varchar") return when(text.find('\\') == std::string::npos);
  return when(false);
}

// Of a column without a default.
OldRows implicit(const Column& column) {
  if (column.nullable) return {};
  const MysqlType type = MysqlType::parse(column.type_text);
  const std::string target = target_type(column, false);
  const bool is_number = target.ends_with("INT") || target == "BOOLEAN" || target.starts_with("DECIMAL") ||
                         type.base == "float" || type.base == "double";
  if (is_number && type.base != "year") return {"0", ""};
  if (type.is_text() && type.base != "enum") return {"", ""};
  return {std::nullopt, "it may not be NULL and has no default"};
}

OldRows from_definition(const Column& column, const Tokens& definition) {
  int depth = 0;
  for (std::size_t i = 0; i < definition.size(); ++i) {
    if (definition[i].is_symbol('(')) ++depth;
    if (definition[i].is_symbol(')')) --depth;
    if (depth > 0) continue;
    if (definition[i].is("AS") || definition[i].is("AUTO_INCREMENT") || definition[i].is("SERIAL"))
      return {std::nullopt, "the server computes it"};
    if (!definition[i].is("DEFAULT")) continue;
    std::string number;
    for (++i; i < definition.size(); ++i) {
      const SqlToken& token = definition[i];
      if (token.kind == SqlToken::Kind::string && number.empty())
        return token.text.find('\\') == std::string_view::npos ? constant(column, token.name())
                                                               : OldRows{std::nullopt, "its default has a backslash"};
      if (token.is("NULL") && number.empty()) return {};
      if (token.is_symbol('(')) return {std::nullopt, kExpression};
      const bool numeric = token.text.find_first_not_of("0123456789.+-") == std::string_view::npos;
      if (!numeric) break;
      number += token.text;
    }
    return number.empty() ? OldRows{std::nullopt, kExpression} : constant(column, number);
  }
  return implicit(column);
}

// From information_schema: MySQL shows a literal bare, MariaDB between quotes and NULL as a word; a call of a function
// looks like a text, so a parenthesis is taken for one.
OldRows from_schema(const Column& column) {
  if (!column.default_text || (column.nullable && *column.default_text == "NULL")) return implicit(column);
  std::string text = *column.default_text;
  if (text.find('(') != std::string::npos) return {std::nullopt, kExpression};
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') text = text.substr(1, text.size() - 2);
  return constant(column, text);
}

}  // namespace

OldRows old_rows_value(const TableSchema& source, std::size_t index, const std::vector<std::string>& ddl, bool may_be_renamed) {
  const Column& column = source.columns[index];
  if (std::find(source.primary_key.begin(), source.primary_key.end(), index) != source.primary_key.end())
    return {std::nullopt, "it belongs to the primary key"};
  if (!column.generated.empty()) return {std::nullopt, "the server computes it"};
  for (auto sql = ddl.rbegin(); sql != ddl.rend(); ++sql)
    if (const std::optional<Tokens> definition = added_as(tokens_of(*sql), column.name)) return from_definition(column, *definition);
  if (may_be_renamed) return {std::nullopt, "it may be the new name of a column that is only there"};
  if (!column.default_known && !column.default_text)
    return {std::nullopt, "its default is not known (binlog_row_metadata=FULL tells none), so neither is what old rows have in it"};
  return from_schema(column);
}

}  // namespace cdc::starrocks
