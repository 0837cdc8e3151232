// SPDX-License-Identifier: Apache-2.0
// What Snapshot tells: pages as chunks of records, and its progress for people.
#include <algorithm>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "tools/cdc-tail/snapshot.hpp"

namespace cdc::tail {

namespace {

std::vector<std::string> base64(const std::vector<std::string>& key) {
  std::vector<std::string> texts;
  for (const std::string& part : key) texts.push_back(to_base64(as_bytes(part)));
  return texts;
}

}  // namespace

void Snapshot::tell_chunk(TableCopy& copy, const Page& page) {
  SnapshotChunk chunk{copy.name(), copy.next_chunk, page.definition->key_texts, base64(page.from), base64(page.to), page.last};
  const RowsContext& context = teller_.open_chunk(chunk, page.read_ms, page.definition->schema);
  TableCopy::Touched touched(copy, page.touches);
  for (std::size_t row = 0; row < page.ends.size() && !limit_reached_; ++row) tell_row(context, page, row, touched);
  if (limit_reached_) return;
  teller_.close_chunk();
  hooks_.on_chunk(chunk);
  ++copy.next_chunk;
  copy.rows_told += page.ends.size();
  copy.told_to = page.to;
  copy.order = page.definition->key_texts;
  copy.forget_touches_before(page.touches);
  if (page.last) {
    end(copy, TableCopy::State::complete);
  } else {
    queue_->set_told(copy.number(), told(copy));
  }
}

void Snapshot::tell_row(const RowsContext& context, const Page& page, std::size_t row, TableCopy::Touched& touched) {
  const std::size_t begin = row == 0 ? 0 : page.ends[row - 1];
  const std::string_view bytes = page.bytes.view().substr(begin, page.ends[row] - begin);
  try {
    ResultRow result(as_bytes(bytes), page.definition->schema->columns, page.shapes);
    const std::span<const Value> values = result.decode(decode_);
    if (!touched.empty() && touched.contains(*page.definition, values)) return;
    sink_.insert(context, teller_.next_seq++, values);
  } catch (Error& error) {
    error.add_context(page.definition->schema->name.text());
    throw;
  }
  teller_.count_change();
  output_.record_done();
  limit_reached_ = options_.max_count != 0 && teller_.total_changes() >= options_.max_count;
}

// The stream stands still: its next changes of the table follow the view.
void Snapshot::tell_whole(TableCopy& copy) {
  log_.info("reading " + copy.name().text() + " in one view");
  while (!copy.ended() && !limit_reached_) {
    if (hooks_.waits()) return;
    if (!queue_->has_pages()) {
      output_.flush();
      queue_->wait_for_page();
      continue;
    }
    for (Page& page : queue_->take()) {
      if (page.table != copy.number()) {
        waiting_.push_back(std::move(page));
        continue;
      }
      if (page.failure) std::rethrow_exception(page.failure);
      tell_chunk(copy, page);
      queue_->release(copy.number());
      if (limit_reached_) return;
    }
  }
}

void Snapshot::end(TableCopy& copy, TableCopy::State state) {
  copy.set_state(state);
  copy.forget_touches();
  --active_;
  if (state == TableCopy::State::complete)
    log_.info("table " + copy.name().text() + " is complete: " + std::to_string(copy.rows_told) + " rows read");
}

std::string Snapshot::status_text() const {
  std::uint64_t rows = 0, expected = 0;
  std::size_t done = 0;
  for (const TableCopy& copy : copies_) {
    rows += copy.rows_told;
    expected += copy.ended() ? copy.rows_told : std::max(copy.table().rows, copy.rows_told);
    done += copy.ended() ? 1U : 0U;
  }
  std::string text = std::to_string(done) + " of " + std::to_string(copies_.size()) + " tables, " +
                     std::to_string(rows) + " rows";
  if (finished_ || !started_ || expected == 0) return text;
  text += ", " + std::to_string(rows * 100 / expected) + " %";
  const auto seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  const double rate = seconds > 0 ? static_cast<double>(rows) / seconds : 0;
  if (rate < 1) return text;
  return text + ", " + std::to_string(static_cast<std::uint64_t>(rate)) + " rows/s, " +
         std::to_string(static_cast<std::uint64_t>(static_cast<double>(expected - rows) / rate)) + " s left";
}

}  // namespace cdc::tail
