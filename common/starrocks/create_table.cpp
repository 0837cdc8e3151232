// SPDX-License-Identifier: Apache-2.0
// parse_create_table(): what SHOW CREATE TABLE prints (fe/…/catalog/{Table,Column,ScalarType}.java: toSql), as far as
// a load needs it.
#include <algorithm>
#include <array>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/binlog/sql_lexer.hpp"
#include "common/starrocks/target.hpp"

namespace cdc::starrocks {
namespace {

using Token = SqlToken;

std::string upper_ascii(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

std::vector<Token> tokens_of(std::string_view sql) {
  std::vector<Token> tokens;
  for (SqlLexer lexer(sql, 0); !lexer.token().at_end(); lexer.next()) tokens.push_back(lexer.token());
  return tokens;
}

using Items = std::vector<std::vector<Token>>;

// What lies between tokens[at], a parenthesis, and its counterpart, parted by commas; `at` moves behind it.
Items list_items(const std::vector<Token>& tokens, std::size_t& at) {
  Items items(1);
  int depth = 0;
  for (; at < tokens.size(); ++at) {
    const Token& token = tokens[at];
    if (token.is_symbol('(') && ++depth == 1) continue;
    if (token.is_symbol(')') && --depth == 0) {
      ++at;
      return items;
    }
    if (token.is_symbol(',') && depth == 1) {
      items.emplace_back();
    } else {
      items.back().push_back(token);
    }
  }
  throw DataError("a parenthesis is not closed");
}

// DECIMAL64(10, 2), as 2.5 prints it, is DECIMAL(10, 2).
std::string type_name(std::string_view text) {
  const std::string word = upper_ascii(text);
  if (word.starts_with("DECIMAL")) return "DECIMAL";
  if (word == "STRING") return "VARCHAR";
  if (word == "INTEGER") return "INT";
  return word == "BOOL" ? "BOOLEAN" : word;
}

TargetColumn column_of(const std::vector<Token>& item) {
  TargetColumn column;
  column.name = item[0].name();
  if (item.size() < 2 || item[1].kind != Token::Kind::word) throw DataError("column " + column.name + " has no type");
  column.type = type_name(item[1].text);
  if (item[1].is("STRING")) column.size = 65533;
  std::size_t at = 2;
  if (at < item.size() && item[at].is_symbol('(')) {
    const Items sizes = list_items(item, at);
    const auto size = [&](std::size_t i) {
      return i < sizes.size() && !sizes[i].empty() ? parse_uint(sizes[i][0].text).value_or(0) : 0;
    };
    const bool is_display_width = column.type.ends_with("INT");
    if (!is_display_width) {
      column.size = size(0);
      column.scale = size(1);
    }
  }
  for (; at < item.size(); ++at) {
    const auto next_is = [&](std::string_view word) { return at + 1 < item.size() && item[at + 1].is(word); };
    if (item[at].is("NOT") && next_is("NULL")) column.nullable = false;
    if (item[at].is("DEFAULT") && !next_is("NULL")) column.has_default = true;
    if (item[at].is("AUTO_INCREMENT")) column.has_default = true;
    if (item[at].is("AS")) column.generated = true;
  }
  return column;
}

}  // namespace

TargetTable parse_create_table(const TableName& name, std::string_view sql) {
  constexpr std::array<std::pair<std::string_view, TableModel>, 4> kModels{{{"PRIMARY", TableModel::primary_key},
                                                                            {"DUPLICATE", TableModel::duplicate_key},
                                                                            {"UNIQUE", TableModel::unique_key},
                                                                            {"AGGREGATE", TableModel::aggregate_key}}};
  TargetTable table;
  table.name = name;
  try {
    const std::vector<Token> tokens = tokens_of(sql);
    const auto open = std::find_if(tokens.begin(), tokens.end(), [](const Token& token) { return token.is_symbol('('); });
    if (tokens.size() < 3 || !tokens[0].is("CREATE") || !tokens[1].is("TABLE") || open == tokens.end())
      throw DataError("it is no native table");
    auto at = static_cast<std::size_t>(open - tokens.begin());
    for (const std::vector<Token>& item : list_items(tokens, at))
      if (!item.empty() && item[0].kind == Token::Kind::identifier) table.columns.push_back(column_of(item));
    for (; at + 2 < tokens.size(); ++at) {
      const auto model = std::find_if(kModels.begin(), kModels.end(), [&](const auto& one) { return tokens[at].is(one.first); });
      if (model == kModels.end() || !tokens[at + 1].is("KEY") || !tokens[at + 2].is_symbol('(')) continue;
      table.model = model->second;
      at += 2;
      for (const std::vector<Token>& item : list_items(tokens, at))
        if (!item.empty()) table.key.push_back(item[0].name());
      break;
    }
    if (table.columns.empty()) throw DataError("it has no columns");
  } catch (DataError& error) {
    error.add_context("SHOW CREATE TABLE " + name.text());
    throw;
  }
  return table;
}

}  // namespace cdc::starrocks
