// SPDX-License-Identifier: Apache-2.0
// RowPlan: how the rows of one source table become JSON objects of a load. Values go as they came, so that numbers
// stay exact; what StarRocks would turn into NULL or cut off without a word is found here and refused. Made once for
// each definition of a table.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/buffer.hpp"
#include "common/json/record_reader.hpp"
#include "common/model/schema.hpp"
#include "common/starrocks/target.hpp"

namespace cdc::starrocks {

enum class OnBadValue { reject, null };

struct RowOptions {
  OnBadValue zero_dates = OnBadValue::reject;
  OnBadValue json_null = OnBadValue::reject;
  std::vector<std::pair<std::string, std::string>> add_columns;  // name, value: the same in every row
};

// What an added column holds in the rows of `source`: {db} and {table} are its names.
std::string added_value(const std::string& text, const TableName& source);

// A row that StarRocks cannot take (69 unless it goes to a dead letter).
class RowRejected : public RefusedError {
 public:
  using RefusedError::RefusedError;
};

class RowPlan {
 public:
  // `target`: nullptr to trust `source`, whose primary key is then the target's. RefusedError when the tables do not
  // fit: columns missing on either side, types that would lose something, a key that the source does not have.
  RowPlan(const TableSchema& source, const TargetTable* target, const RowOptions& options);

  // Whether rows are upserted and deleted by key; else they can only be inserted.
  bool keyed() const { return keyed_; }
  // Value of the `columns` header, "" when the keys of the objects are the columns.
  const std::string& columns_header() const { return columns_header_; }

  // Rows of plans with the same shape may be in one load.
  const std::string& shape() const { return shape_; }

  // What a user should know of the pair of tables although it can be loaded, a sentence each.
  const std::vector<std::string>& notices() const { return notices_; }

  // Appends the key's bytes; of a row that append_object() takes. Same bytes, same key.
  void append_key(const RecordView& row, OutBuffer& out) const;
  // Appends the object for an upsert (insert) or a delete. RowRejected names the column; ConfigError when the row
  // lacks columns.
  void append_object(const RecordView& row, bool remove, OutBuffer& out) const;
  // RowRejected or ConfigError as append_object().
  bool same_key(const RecordView& a, const RecordView& b) const;

 private:
  enum class Kind { plain, text, temporal, binary, hex, json };  // hex: bytes as digits, in a key
  struct Column {
    std::string name;    // as in the record
    std::string target;  // as StarRocks has it
    std::string key;     // "name": as in the object, escaped
    Kind kind = Kind::plain;
    std::size_t max_bytes = 0;  // of text, 0 = not known
    bool check_boolean = false;
    bool nullable = false;
  };

  void check_columns(const RecordView& row) const;
  [[noreturn]] void fail_columns(const RecordView& row) const;
  // Whether the value goes as it came; else `out` has what takes its place.
  bool check(const Column& column, std::string_view value, const RecordView& row, std::string& out) const;
  // Likewise of a row that is deleted: only its key counts, so that what cannot be loaded elsewhere goes as null.
  bool check_deleted(std::size_t column, std::string_view value, const RecordView& row, std::string& out) const;
  void fit(const TableSchema& source, const TargetTable& target);
  void fit_column(Column& column, const cdc::Column& told, const TargetTable& target);
  void fit_rest(const TargetTable& target);
  void fit_key(const TableSchema& source, const TargetTable& target);
  bool comes(std::string_view target_column) const;
  void make_header();
  [[noreturn]] void refuse(const TargetTable& target, const std::string& why) const;

  std::string name_;  // of the source table, for messages
  RowOptions options_;
  std::vector<Column> columns_;
  std::vector<std::size_t> key_;  // indices into columns_
  std::string key_prefix_;        // of added columns
  std::string added_;             // "name":"value", for each added column
  std::string columns_header_, shape_;
  std::vector<std::string> notices_;
  bool keyed_ = false, needs_header_ = false, all_plain_ = true;
};

}  // namespace cdc::starrocks
