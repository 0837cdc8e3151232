// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/batch.hpp"

#include <functional>

#include "common/base/error.hpp"

namespace cdc::starrocks {
namespace {

constexpr std::size_t kFirstSlots = 64;
constexpr std::size_t kMaxRows = std::size_t{1} << 31;

std::uint32_t hash_of(std::string_view key) { return static_cast<std::uint32_t>(std::hash<std::string_view>()(key)); }

}  // namespace

std::string_view Batch::store(std::string_view row, std::string_view line, std::string_view& kept_line) {
  if (rows_.size() >= kMaxRows) throw Error(ExitCode::software, "a batch of more than 2^31 rows");
  // Row and comma are one piece, so that rows stored one behind the other are one part of a body.
  std::string_view text = text_.append(row, ",");
  if (keep_lines_) kept_line = text_.append(line);
  stored_bytes_ += text.size() + kept_line.size();
  open_bytes_ += text.size();
  ++open_rows_;
  return text;
}

void Batch::put(std::string_view key, std::string_view row, std::string_view line) {
  if (2 * (keys_.size() + 1) > slots_.size()) grow_slots();
  const std::uint32_t hash = hash_of(key);
  // Most likely not in the cache; it comes while the row is copied.
  __builtin_prefetch(&slots_[hash & (slots_.size() - 1)], 1);
  std::string_view kept_line;
  const std::string_view text = store(row, line, kept_line);
  live_bytes_ += text.size();
  Slot* const slot = find(key, hash);
  if (slot->row == 0) {
    keys_.push_back(key_text_.append(key));
    rows_.push_back(text);
    if (keep_lines_) lines_.push_back(kept_line);
    touched_.push_back(transaction_);
    *slot = {hash, static_cast<std::uint32_t>(rows_.size())};
    return;
  }
  const std::uint32_t index = slot->row - 1;
  live_bytes_ -= rows_[index].size();
  if (touched_[index] != transaction_) {
    undo_.push_back({index, rows_[index], keep_lines_ ? lines_[index] : std::string_view()});
    touched_[index] = transaction_;
  }
  rows_[index] = text;
  if (keep_lines_) lines_[index] = kept_line;
  if (stored_bytes_ > compact_at_) compact();
}

void Batch::append(const TransactionId& transaction, std::uint64_t seq, std::string_view row, std::string_view line) {
  std::string_view kept_line;
  const std::string_view text = store(row, line, kept_line);
  live_bytes_ += text.size();
  if (runs_.empty() || !(runs_.back().transaction == transaction)) runs_.push_back({rows_.size(), transaction});
  rows_.push_back(text);
  if (keep_lines_) lines_.push_back(kept_line);
  seqs_.push_back(seq);
}

void Batch::commit() {
  undo_.clear();
  ++transaction_;
  committed_rows_ = rows_.size();
  open_rows_ = 0;
  open_bytes_ = 0;
}

void Batch::rollback() {
  for (const Undo& undo : undo_) {
    live_bytes_ += undo.text.size();
    live_bytes_ -= rows_[undo.row].size();
    rows_[undo.row] = undo.text;
    if (keep_lines_) lines_[undo.row] = undo.line;
  }
  for (std::size_t i = committed_rows_; i < rows_.size(); ++i) live_bytes_ -= rows_[i].size();
  rows_.resize(committed_rows_);
  if (keep_lines_) lines_.resize(committed_rows_);
  if (keyed_) {
    keys_.resize(committed_rows_);
    touched_.resize(committed_rows_);
    slots_.assign(slots_.size(), {});
    for (std::size_t row = 0; row < keys_.size(); ++row)
      enter({hash_of(keys_[row]), static_cast<std::uint32_t>(row + 1)});
  } else {
    seqs_.resize(committed_rows_);
    while (!runs_.empty() && runs_.back().first >= committed_rows_) runs_.pop_back();
  }
  commit();
}

void Batch::seal() {
  commit();
  // What only changes need.
  slots_ = {};
  keys_ = {};
  touched_ = {};
  key_text_.clear();
}

std::size_t Batch::memory() const {
  const std::size_t views = rows_.capacity() + lines_.capacity() + keys_.capacity();
  return text_.allocated() + key_text_.allocated() + views * sizeof(std::string_view) +
         touched_.capacity() * sizeof(std::uint32_t) + slots_.capacity() * sizeof(Slot) +
         seqs_.capacity() * sizeof(std::uint64_t) + runs_.capacity() * sizeof(Run) + undo_.capacity() * sizeof(Undo);
}

Body::Body(const Batch& batch, std::size_t first, std::size_t count) : batch_(batch), first_(first), count_(count) {
  for_each_part([this](std::string_view text) { bytes_ += text.size(); });
}

// Rows that were stored one behind the other are one part.
std::string_view Body::part(std::size_t& cursor) const {
  if (cursor > count_ + 1) return {};
  const std::size_t at = cursor++;
  if (at == 0 || at > count_) return at == 0 ? "[" : "]";
  const std::vector<std::string_view>& rows = batch_.rows_;
  std::string_view text = rows[first_ + at - 1];
  for (; cursor <= count_ && text.data() + text.size() == rows[first_ + cursor - 1].data(); ++cursor)
    text = {text.data(), text.size() + rows[first_ + cursor - 1].size()};
  if (cursor > count_) text.remove_suffix(1);  // the comma behind the last row
  return text;
}

Mark Batch::mark_after(std::size_t index, const Mark& from) const {
  Mark mark = from;
  for (std::size_t i = 0; i < runs_.size() && runs_[i].first <= index; ++i) {
    const TransactionId& transaction = runs_[i].transaction;
    if (i + 1 < runs_.size() && runs_[i + 1].first <= index) {
      mark.gtids.add(transaction.gtid);
      continue;
    }
    if (transaction.gtid.empty()) mark.position = transaction.begin;  // all that begin before it are contained
    add_part(mark, transaction, seqs_[index]);
  }
  drop_contained_parts(mark);
  return mark;
}

// The slot of `key`, or the free one where it belongs.
Batch::Slot* Batch::find(std::string_view key, std::uint32_t hash) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    Slot& slot = slots_[i];
    if (slot.row == 0 || (slot.hash == hash && keys_[slot.row - 1] == key)) return &slot;
  }
}

void Batch::enter(Slot slot) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = slot.hash & mask;
  while (slots_[i].row != 0) i = (i + 1) & mask;
  slots_[i] = slot;
}

void Batch::grow_slots() {
  std::vector<Slot> before(std::max(kFirstSlots, slots_.size() * 2));
  before.swap(slots_);
  for (const Slot& slot : before)
    if (slot.row != 0) enter(slot);
}

void Batch::compact() {
  Rope text;
  stored_bytes_ = 0;
  const auto move = [&](std::string_view& row, std::string_view* line) {
    row = text.append(row);
    stored_bytes_ += row.size();
    if (!keep_lines_) return;
    *line = text.append(*line);
    stored_bytes_ += line->size();
  };
  for (std::size_t i = 0; i < rows_.size(); ++i) move(rows_[i], keep_lines_ ? &lines_[i] : nullptr);
  for (Undo& undo : undo_) move(undo.text, &undo.line);
  text_ = std::move(text);
  compact_at_ = std::max(kCompactFrom, 2 * stored_bytes_);
}

}  // namespace cdc::starrocks
