// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/row_plan.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace cdc::starrocks {
namespace {

constexpr std::string_view kHexSuffix = "__hex";
constexpr std::size_t kMaxVarchar = 1048576;  // of StarRocks' VARCHAR and VARBINARY, bytes

std::string escaped(std::string_view text) {
  OutBuffer out(64);
  append_json_string(out, text);
  return std::string(out.view());
}

// The name between its quotes as a record has it.
std::string raw_name(const std::string& name) {
  const std::string quoted = escaped(name);
  return quoted.substr(1, quoted.size() - 2);
}

std::string quoted_name(const std::string& name) {
  std::string text = "`";
  for (const char c : name) text.append(c == '`' ? 2 : 1, c);
  return text + "`";
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

bool is_string(std::string_view value) { return value.size() >= 2 && value.front() == '"'; }

// "YYYY-MM-DD…" with a month or a day of 0: what StarRocks has no date for.
bool is_zero_date(std::string_view value) {
  constexpr std::size_t kLength = 11;  // with the quote in front
  if (!is_string(value) || value.size() < kLength) return false;
  return value.substr(6, 2) == "00" || value.substr(9, 2) == "00";
}

// Bytes of the text that a JSON string token stands for.
std::size_t text_bytes(std::string_view token) {
  std::size_t bytes = 0;
  for (std::size_t i = 1; i + 1 < token.size(); ++i, ++bytes) {
    if (token[i] != '\\') continue;
    if (token[++i] != 'u') continue;
    const std::string digits(token.substr(i + 1, 4));
    const unsigned long unit = std::stoul(digits, nullptr, 16);
    bytes += unit < 0x80 ? 0 : unit < 0x800 ? 1 : 2;  // of a surrogate pair 3 + 3, two more than its 4
    i += 4;
  }
  return bytes;
}

bool same_name(std::string_view a, std::string_view b) { return lower_ascii(a) == lower_ascii(b); }

}  // namespace

RowPlan::RowPlan(const TableSchema& source, const TargetTable* target, const RowOptions& options)
    : name_(source.name.text()), options_(options), key_(source.primary_key) {
  for (const cdc::Column& told : source.columns) {
    const MysqlType type = MysqlType::parse(told.type_text);
    Column column;
    column.name = raw_name(told.name);
    column.key = escaped(told.name) + ":";
    if (type.is_binary()) {
      column.kind = Kind::binary;
      column.max_bytes = kMaxVarchar;
      column.key = escaped(told.name + std::string(kHexSuffix)) + ":";
      needs_header_ = true;
      all_plain_ = false;
    } else if (type.is_text()) {
      column.kind = Kind::text;
    } else if (type.is_temporal()) {
      column.kind = Kind::temporal;
    } else if (type.base == "json") {
      column.kind = Kind::json;
    }
    columns_.push_back(std::move(column));
  }
  keyed_ = !key_.empty();
  for (auto& [name, value] : options_.add_columns) {
    value = replace_all(replace_all(value, "{db}", source.name.db), "{table}", source.name.table);
    const std::string text = escaped(value);
    key_prefix_ += text + "\n";
    added_ += escaped(name) + ":" + text + ",";
  }
  if (target) fit(source, *target, options_);
  if (needs_header_) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string name = quoted_name(source.columns[i].name);
      const bool binary = columns_[i].kind == Kind::binary;
      columns_header_ += (i ? "," : "") + (binary ? quoted_name(source.columns[i].name + std::string(kHexSuffix)) : name);
    }
    for (const auto& [name, value] : options_.add_columns) columns_header_ += "," + quoted_name(name);
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].kind == Kind::binary)
        columns_header_ += "," + quoted_name(source.columns[i].name) + "=to_binary(" +
                           quoted_name(source.columns[i].name + std::string(kHexSuffix)) + ",'hex')";
    if (keyed_) columns_header_ += ",__op";
  }
  shape_ = (keyed_ ? "keyed " : "append ") + columns_header_;
  for (const Column& column : columns_) shape_ += "\n" + column.key;
}

void RowPlan::fit(const TableSchema& source, const TargetTable& target, const RowOptions& options) {
  const std::string tables = name_ + " into " + target.name.text() + ": ";
  const auto refuse = [&](const std::string& why) { throw RefusedError(tables + why); };
  if (target.model == TableModel::aggregate_key) refuse("an Aggregate table cannot take changes");
  const auto comes = [&](const std::string& name) {
    const auto is = [&](const auto& column) { return same_name(column.name, name); };
    const auto added = [&](const auto& column) { return same_name(column.first, name); };
    return std::any_of(source.columns.begin(), source.columns.end(), is) ||
           std::any_of(options.add_columns.begin(), options.add_columns.end(), added);
  };
  const auto find = [&](const std::string& name) {
    return std::find_if(target.columns.begin(), target.columns.end(),
                        [&](const TargetColumn& column) { return same_name(column.name, name); });
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const cdc::Column& told = source.columns[i];
    const auto found = find(told.name);
    if (found == target.columns.end())
      refuse("there is no column " + told.name + " (cdc-tail --exclude-column drops it, --alter-tables adds it)");
    const std::string why = why_not_into(MysqlType::parse(told.type_text), *found);
    if (!why.empty()) refuse("column " + told.name + ": " + why);
    if (found->name != told.name && columns_[i].kind != Kind::binary) {
      columns_[i].key = escaped(found->name) + ":";
      all_plain_ = false;
    }
    if (found->type == "VARCHAR" || found->type == "CHAR" || found->type == "VARBINARY")
      columns_[i].max_bytes = found->size ? found->size : kMaxVarchar;
    if (columns_[i].kind == Kind::plain && (found->type == "VARCHAR" || found->type == "CHAR")) columns_[i].kind = Kind::text;
    columns_[i].check_boolean = found->type == "BOOLEAN";
  }
  for (const auto& [name, value] : options.add_columns)
    if (find(name) == target.columns.end()) refuse("there is no column " + name + " for --add-column");
  for (const TargetColumn& column : target.columns) {
    if (comes(column.name)) continue;
    if (!column.nullable && !column.has_default) refuse("column " + column.name + " needs a value and the source has none");
    needs_header_ = needs_header_ || column.has_default;  // a missing key would be NULL, not the default
  }
  keyed_ = target.model == TableModel::primary_key;
  if (!keyed_) return;
  key_.clear();
  for (const std::string& name : target.key) {
    const auto is = [&](const cdc::Column& column) { return same_name(column.name, name); };
    const auto found = std::find_if(source.columns.begin(), source.columns.end(), is);
    if (found != source.columns.end()) {
      key_.push_back(static_cast<std::size_t>(found - source.columns.begin()));
    } else if (!comes(name)) {
      refuse("the source has no column for the key's " + name);
    }
  }
}

void RowPlan::check_columns(const RecordView& row) const {
  bool fits = row.fields.size() == columns_.size();
  for (std::size_t i = 0; fits && i < columns_.size(); ++i) fits = row.fields[i].name == columns_[i].name;
  if (!fits) fail_columns(row);
}

void RowPlan::fail_columns(const RecordView& row) const {
  for (const Column& column : columns_) {
    const auto has = [&](const RawField& field) { return field.name == column.name; };
    if (std::none_of(row.fields.begin(), row.fields.end(), has))
      throw ConfigError("a row of " + name_ + " has no value for column " + column.name +
                        ": the source must write whole rows; set binlog_row_image=FULL there and start behind the change");
  }
  throw DataError("a row of " + name_ + " has other columns than its table record");
}

void RowPlan::append_key(const RecordView& row, OutBuffer& out) const {
  check_columns(row);
  out.append(key_prefix_);
  for (const std::size_t i : key_) {
    out.append(row.fields[i].value);
    out.append('\n');  // JSON tokens hold no newline
  }
}

bool RowPlan::same_key(const RecordView& a, const RecordView& b) const {
  check_columns(a);
  check_columns(b);
  return std::all_of(key_.begin(), key_.end(),
                     [&](std::size_t i) { return a.fields[i].value == b.fields[i].value; });
}

bool RowPlan::check(const Column& column, std::string_view value, const RecordView& row, std::string& out) const {
  const auto reject = [&](const std::string& why) {
    throw RowRejected("column " + column.name + " of " + name_ + ": " + why);
  };
  switch (column.kind) {
    case Kind::plain:
      if (column.check_boolean && value != "0" && value != "1" && value != "null") reject("not 0 or 1: " + std::string(value));
      return true;
    case Kind::text:
      if (column.max_bytes > 0 && value.size() > column.max_bytes + 2) {
        const std::size_t bytes = is_string(value) ? text_bytes(value) : value.size();
        if (bytes > column.max_bytes)
          reject(std::to_string(bytes) + " bytes, the target has room for " + std::to_string(column.max_bytes));
      }
      return true;
    case Kind::temporal:
      if (!is_zero_date(value)) return true;
      if (options_.zero_dates == OnBadValue::reject)
        reject("StarRocks has no date " + std::string(value) + " (--zero-dates=null loads NULL)");
      out = "null";
      return false;
    case Kind::json:
      if (value == "null" && options_.json_null == OnBadValue::reject &&
          std::find(row.json_null.begin(), row.json_null.end(), column.name) != row.json_null.end())
        reject("the JSON value null would become SQL NULL (--json-null=null allows it)");
      return true;
    case Kind::binary: {
      if (value == "null") return true;
      const auto bytes = is_string(value) ? from_base64(value.substr(1, value.size() - 2)) : std::nullopt;
      if (!bytes) throw DataError("column " + column.name + " of " + name_ + ": no base64");
      if (bytes->size() > column.max_bytes)
        reject(std::to_string(bytes->size()) + " bytes, the target has room for " + std::to_string(column.max_bytes));
      // Hexadecimal, because StarRocks makes NULL of an empty string in base64.
      out = '"' + to_hex(as_bytes(*bytes)) + '"';
      return false;
    }
  }
  return true;
}

void RowPlan::append_object(const RecordView& row, bool remove, OutBuffer& out) const {
  check_columns(row);
  out.append('{');
  if (keyed_) out.append(remove ? "\"__op\":1," : "\"__op\":0,");
  out.append(added_);
  bool as_it_came = all_plain_;
  std::string changed;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string_view value = row.fields[i].value;
    const bool fine = check(columns_[i], value, row, changed);
    if (fine && as_it_came) continue;
    if (as_it_came) {  // the first one that changes: what lies before it goes as it came
      as_it_came = false;
      for (std::size_t j = 0; j < i; ++j) {
        out.append(columns_[j].key);
        out.append(row.fields[j].value);
        out.append(',');
      }
    }
    out.append(columns_[i].key);
    out.append(fine ? value : std::string_view(changed));
    out.append(',');
  }
  if (as_it_came && !columns_.empty()) {
    out.append(row.data.substr(1));
    return;
  }
  if (out.view().back() == ',') out.truncate(out.size() - 1);
  out.append('}');
}

}  // namespace cdc::starrocks
