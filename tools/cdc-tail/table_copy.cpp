// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/table_copy.hpp"

#include <algorithm>

#include "common/base/error.hpp"

namespace cdc::tail {

namespace {

constexpr std::size_t kMostKeyBytes = 4 << 20;
constexpr std::size_t kMostTransactions = 100'000;

template <typename T>
void append_raw(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Equal bytes are equal values. What is compared are values as they are told: two keys that are told alike are
// one row to every reader.
void append_key(std::string& out, const Value& value) {
  append_raw(out, value.kind);
  switch (value.kind) {
    case Value::Kind::absent:
    case Value::Kind::null:
      break;
    case Value::Kind::int64:
      append_raw(out, value.i64);
      break;
    case Value::Kind::uint64:
      append_raw(out, value.u64);
      break;
    case Value::Kind::float64:
      append_raw(out, value.f64);
      break;
    case Value::Kind::float32:
      append_raw(out, value.f32);
      break;
    case Value::Kind::date:
    case Value::Kind::time:
    case Value::Kind::datetime: {
      const Value::Temporal& t = value.temporal;
      for (const std::uint32_t part : {std::uint32_t{t.year}, std::uint32_t{t.month}, std::uint32_t{t.day},
                                       std::uint32_t{t.hour}, std::uint32_t{t.minute}, std::uint32_t{t.second},
                                       t.microsecond, value.negative ? 1U : 0U})
        append_raw(out, part);
      break;
    }
    case Value::Kind::timestamp:
      append_raw(out, value.timestamp.seconds);
      append_raw(out, value.timestamp.microsecond);
      break;
    default:
      append_raw(out, value.text.size());
      out += value.text;
  }
}

// A session may log less than the whole row. Of a row that is told for the first time that is not enough.
void require_whole(const TableSchema& schema, std::span<const Value> after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (!after[i].is_absent() || !schema.columns[i].generated.empty()) continue;
    throw ConfigError("a row without its column " + schema.columns[i].name +
                      ": some session has another binlog_row_image than FULL, which an initial copy needs");
  }
}

}  // namespace

void TableCopy::touch(const TableSchema& schema, const RowImages& images) {
  if (state_ != State::copying || stale_) return;
  require_whole(schema, images.after);
  std::string before;
  for (const std::span<const Value> image : {images.before, images.after}) {
    if (image.empty()) continue;
    std::string key;
    for (const std::size_t column : schema.primary_key) append_key(key, image[column]);
    if (key == before) continue;
    before = key;
    key_bytes_ += key.size() + sizeof key;
    keys_.push_back(std::move(key));
  }
  stale_ = key_bytes_ > kMostKeyBytes || schema.primary_key.empty();
}

void TableCopy::transaction_ended(const Gtid& gtid, const BinlogPosition& boundary) {
  if (!touched_now_) return;
  touched_now_ = false;
  if (state_ != State::copying || stale_) return;
  transactions_.push_back({gtid, boundary});
  stale_ = transactions_.size() > kMostTransactions;
}

void TableCopy::forget_touches_before(std::uint64_t touch) {
  while (first_touch_ < touch && !keys_.empty()) {
    key_bytes_ -= keys_.front().size() + sizeof(std::string);
    keys_.pop_front();
    ++first_touch_;
  }
}

void TableCopy::forget_touches() {
  forget_touches_before(touches());
  transactions_.clear();
  stale_ = false;
}

TableCopy::Touched::Touched(const TableCopy& copy, std::uint64_t since) {
  const std::uint64_t skipped = since - std::min(since, copy.first_touch_);
  for (std::size_t i = skipped; i < copy.keys_.size(); ++i) keys_.push_back(copy.keys_[i]);
  std::sort(keys_.begin(), keys_.end());
}

bool TableCopy::Touched::contains(const KeyedTable& definition, std::span<const Value> row) {
  scratch_.clear();
  for (const KeyPart& part : definition.key) append_key(scratch_, row[part.column]);
  return std::binary_search(keys_.begin(), keys_.end(), std::string_view(scratch_));
}

// A transaction that touched the table is either in the view for sure, or behind it for sure, or nobody knows.
TableCopy::Verdict TableCopy::judge(const Page& view, const BinlogPosition& boundary) const {
  if (boundary < view.high) return Verdict::later;
  for (const Touch& touch : transactions_) {
    if (touch.end > view.high) return Verdict::retry;  // withheld already, and not in the view
    if (view.low && !view.low->contains(touch.gtid)) return Verdict::retry;
  }
  return Verdict::accepted;
}

}  // namespace cdc::tail
