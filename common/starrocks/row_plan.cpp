// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/row_plan.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/starrocks/table_ddl.hpp"

namespace cdc::starrocks {
namespace {

constexpr std::string_view kHexSuffix = "__hex";
constexpr std::size_t kMaxVarchar = 1048576;  // of StarRocks' VARCHAR and VARBINARY, bytes
constexpr std::size_t kMaxHeader = 30'000;    // the FE takes 32 KiB of headers (http_max_header_size)

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
    const std::string_view digits = token.substr(i + 1, 4);
    unsigned unit = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    if (problem != std::errc() || end != digits.data() + 4) throw DataError("no four hexadecimal digits behind \\u");
    const bool surrogate = unit >= 0xd800 && unit < 0xe000;  // two of them make four bytes
    bytes += unit < 0x80 ? 0 : unit < 0x800 || surrogate ? 1 : 2;
    i += 4;
  }
  return bytes;
}

// Whether the declared number of digits shows in every value.
bool has_digits(const MysqlType& type) {
  return type.base == "decimal" || type.base == "time" || type.base == "datetime" || type.base == "timestamp";
}

bool same_name(std::string_view a, std::string_view b) { return lower_ascii(a) == lower_ascii(b); }

}  // namespace

std::string added_value(const std::string& text, const TableName& source) {
  return replace_all(replace_all(text, "{db}", source.db), "{table}", source.table);
}

RowPlan::RowPlan(const TableSchema& source, const TargetTable* target, const RowOptions& options)
    : name_(source.name.text()), options_(options), key_(source.primary_key) {
  for (const cdc::Column& told : source.columns) {
    const MysqlType type = MysqlType::parse(told.type_text);
    Column column;
    column.name = raw_name(told.name);
    column.nullable = told.nullable;
    column.target = told.name;
    if (type.is_binary()) {
      column.kind = Kind::binary;
      column.max_bytes = kMaxVarchar;
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
  for (auto& [name, value] : options_.add_columns)
    value = added_value(value, source.name);
  if (target) {
    fit(source, *target);
  } else {
    for (const std::size_t i : key_)
      if (columns_[i].kind == Kind::binary) columns_[i].kind = Kind::hex;
  }
  for (const auto& [name, value] : options_.add_columns) {
    const std::string text = escaped(value);
    const auto is = [&added = name](const std::string& part) { return same_name(part, added); };
    if (!target || std::any_of(target->key.begin(), target->key.end(), is)) key_prefix_ += text + "\n";
    added_ += escaped(name) + ":" + text + ",";
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Column& column = columns_[i];
    const bool binary = column.kind == Kind::binary;
    column.key = escaped(binary ? column.target + std::string(kHexSuffix) : column.target) + ":";
    needs_header_ = needs_header_ || binary;
    all_plain_ = all_plain_ && !binary && column.kind != Kind::hex && column.target == source.columns[i].name;
  }
  if (needs_header_) make_header();
  shape_ = (keyed_ ? "keyed " : "append ") + columns_header_;
  for (const Column& column : columns_) shape_ += "\n" + column.key;
  // A key has another text when its digits change, and one load must not have it in two.
  for (const std::size_t i : key_)
    if (has_digits(MysqlType::parse(source.columns[i].type_text))) shape_ += "\n" + source.columns[i].type_text;
}

void RowPlan::make_header() {
  const auto add = [&](const std::string& text) { columns_header_ += (columns_header_.empty() ? "" : ",") + text; };
  for (const Column& column : columns_)
    add(quoted_name(column.kind == Kind::binary ? column.target + std::string(kHexSuffix) : column.target));
  for (const auto& [name, value] : options_.add_columns) add(quoted_name(name));
  for (const Column& column : columns_)
    if (column.kind == Kind::binary)
      add(quoted_name(column.target) + "=to_binary(" + quoted_name(column.target + std::string(kHexSuffix)) + ",'hex')");
  if (keyed_) add("__op");
  if (columns_header_.size() > kMaxHeader)
    throw RefusedError(name_ + ": the names of its columns need a header of " + std::to_string(columns_header_.size()) +
                       " bytes, of which StarRocks takes " + std::to_string(kMaxHeader));
}

// ---- Against the target's definition

void RowPlan::refuse(const TargetTable& target, const std::string& why) const {
  throw RefusedError(name_ + " into " + target.name.text() + ": " + why);
}

bool RowPlan::comes(std::string_view target_column) const {
  return std::any_of(columns_.begin(), columns_.end(),
                     [&](const Column& column) { return same_name(column.target, target_column); }) ||
         std::any_of(options_.add_columns.begin(), options_.add_columns.end(),
                     [&](const auto& added) { return same_name(added.first, target_column); });
}

void RowPlan::fit(const TableSchema& source, const TargetTable& target) {
  if (target.model == TableModel::aggregate_key) refuse(target, "an Aggregate table cannot take changes");
  for (std::size_t i = 0; i < columns_.size(); ++i) fit_column(columns_[i], source.columns[i], target);
  for (auto& [name, value] : options_.add_columns) {
    const TargetColumn* found = target.find(name);
    if (found == nullptr) refuse(target, "there is no column " + name + " for --add-column");
    name = found->name;
    if ((found->type == "VARCHAR" || found->type == "CHAR") && found->size != 0 && value.size() > found->size)
      refuse(target, "the value of --add-column " + name + " has " + std::to_string(value.size()) +
                         " bytes, the column has room for " + std::to_string(found->size));
  }
  fit_rest(target);
  keyed_ = target.model == TableModel::primary_key;
  if (keyed_) {
    fit_key(source, target);
  } else if (!source.primary_key.empty()) {
    notices_.push_back(target.name.text() + " is no Primary Key table, although " + name_ +
                       " has a primary key: only inserts can be loaded");
  }
}

void RowPlan::fit_column(Column& column, const cdc::Column& told, const TargetTable& target) {
  const TargetColumn* found = target.find(told.name);
  if (found == nullptr)
    refuse(target, "there is no column " + told.name + " (cdc-tail --exclude-column drops it, --alter-tables adds it)");
  if (found->generated) refuse(target, "StarRocks computes column " + told.name + " itself (cdc-tail --exclude-column drops it)");
  const bool is_text = found->type == "VARCHAR" || found->type == "CHAR";
  const bool is_key = std::any_of(target.key.begin(), target.key.end(), [&](const std::string& part) { return same_name(part, told.name); });
  if (column.kind == Kind::binary && is_text && is_key) {
    column.kind = Kind::hex;  // a key of StarRocks cannot be VARBINARY
  } else if (const std::string why = why_not_into(MysqlType::parse(told.type_text), *found); !why.empty()) {
    refuse(target, "column " + told.name + ": " + why);
  }
  column.target = found->name;
  column.nullable = found->nullable;
  if (is_text || found->type == "VARBINARY") column.max_bytes = found->size ? found->size : kMaxVarchar;
  if (column.kind == Kind::plain && is_text) column.kind = Kind::text;
  if (column.kind == Kind::temporal && is_text) column.kind = Kind::text;  // which holds any date
  column.check_boolean = found->type == "BOOLEAN";
}

// The target's columns that get no value.
void RowPlan::fit_rest(const TargetTable& target) {
  for (const TargetColumn& column : target.columns) {
    if (comes(column.name)) continue;
    if (!column.nullable && !column.has_default && !column.generated)
      refuse(target, "column " + column.name + " needs a value and the source has none (--add-column gives it one)");
    // A missing key would be NULL, not the default.
    needs_header_ = needs_header_ || column.has_default || column.generated;
    if (!column.generated)
      notices_.push_back("the source has no column " + column.name + " of " + target.name.text() + ": every row loaded has " +
                         (column.has_default ? "its default" : "NULL") + " there");
  }
}

// Rows with one key at the target must be one row at the source: the target's key holds all of the source's.
void RowPlan::fit_key(const TableSchema& source, const TargetTable& target) {
  key_.clear();
  std::string names;
  for (const std::string& name : target.key) {
    names += (names.empty() ? "" : ", ") + name;
    const auto is = [&](const Column& column) { return same_name(column.target, name); };
    const auto found = std::find_if(columns_.begin(), columns_.end(), is);
    if (found != columns_.end()) {
      key_.push_back(static_cast<std::size_t>(found - columns_.begin()));
    } else if (!comes(name)) {
      refuse(target, "the source has no column for the key's " + name);
    }
  }
  for (const std::size_t part : source.primary_key)
    if (std::find(key_.begin(), key_.end(), part) == key_.end())
      refuse(target, "column " + source.columns[part].name + " belongs to the source's primary key and not to the target's (" +
                         names + "): rows would overwrite each other");
  if (source.primary_key.empty())
    notices_.push_back(name_ + " has no primary key: its rows are told apart by the one of " + target.name.text() + " (" + names +
                       ")");
}

void RowPlan::check_columns(const RecordView& row) const {
  bool fits = row.fields.size() == columns_.size();
  for (std::size_t i = 0; fits && i < columns_.size(); ++i) {
    const std::string_view name = row.fields[i].name;
    fits = name.size() == columns_[i].name.size() && std::memcmp(name.data(), columns_[i].name.data(), name.size()) == 0;
  }
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
    case Kind::binary:
    case Kind::hex: {
      if (value == "null") return true;
      const auto bytes = is_string(value) ? from_base64(value.substr(1, value.size() - 2)) : std::nullopt;
      if (!bytes) throw DataError("column " + column.name + " of " + name_ + ": no base64");
      if (bytes->size() * (column.kind == Kind::hex ? 2 : 1) > column.max_bytes)
        reject(std::to_string(bytes->size()) + " bytes, the target has room for " + std::to_string(column.max_bytes));
      // Hexadecimal, because StarRocks makes NULL of an empty string in base64.
      out = '"' + to_hex(as_bytes(*bytes)) + '"';
      return false;
    }
  }
  return true;
}

bool RowPlan::check_deleted(std::size_t column, std::string_view value, const RecordView& row, std::string& out) const {
  try {
    return check(columns_[column], value, row, out);
  } catch (const RowRejected&) {
    if (!columns_[column].nullable || std::find(key_.begin(), key_.end(), column) != key_.end()) throw;
    out = "null";
    return false;
  }
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
    const bool fine = remove ? check_deleted(i, value, row, changed) : check(columns_[i], value, row, changed);
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
