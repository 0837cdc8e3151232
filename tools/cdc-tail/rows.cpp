// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/rows.hpp"

#include <utility>

#include "common/base/error.hpp"

namespace cdc::tail {

namespace {
constexpr std::size_t kTables = 4096;
}

RowTeller::RowTeller(const TableFilter& filter, TableDefinitions& definitions, ChangeSink& sink,
                     Output& output, Teller& teller, BadText bad_text, std::uint64_t max_count)
    : filter_(filter),
      definitions_(definitions),
      sink_(sink),
      output_(output),
      teller_(teller),
      limit_(max_count),
      decode_(bad_text) {}

void RowTeller::table_map(const Event& event, bool mariadb) {
  const std::shared_ptr<const TableMap>& map = maps_.add(event, mariadb);
  Table& table = tables_[map->table_id];
  if (table.map == map) return;
  table = {map, filter_.captures(map->name), !mariadb || !has_old_temporals(*map), nullptr};
}

void RowTeller::rows(const Event& event) {
  const RowsEvent rows(event);
  const auto found = tables_.find(rows.table_id());
  if (found == tables_.end()) {
    if (rows.rows().at_end()) return;  // a dummy that only ends a statement
    throw DecodeError(
        0, "rows of table number " + std::to_string(rows.table_id()) + ", which no TABLE_MAP has named");
  }
  Table& table = found->second;
  try {
    TableCopy* copy = snapshot_ != nullptr && table.captured ? snapshot_->find(table.map->name) : nullptr;
    if (table.captured && (copy == nullptr || !copy->withholds())) {
      tell(rows, table, event, copy);
    } else {
      if (copy != nullptr) copy->touch();
      teller_.next_seq += count(rows, table);
    }
  } catch (Error& error) {
    error.add_context(table.map->name.text());
    throw;
  }
  // Servers renumber a table whenever they open it. The next statement brings its own table maps.
  if (rows.ends_statement() && tables_.size() > kTables) tables_.clear();
}

void RowTeller::forget_definitions() {
  for (auto& [number, table] : tables_) table.schema.reset();
}

// Rows of a table that nobody can decode, with whatever filter, need no numbers.
std::uint64_t RowTeller::count(const RowsEvent& rows, const Table& table) const {
  try {
    return count_rows(rows, table.map->columns);
  } catch (const DecodeError&) {
    if (table.countable) throw;
    return 0;
  }
}

void RowTeller::tell(const RowsEvent& rows, Table& table, const Event& event, TableCopy* copy) {
  if (!table.schema) table.schema = filter_.apply(definitions_.define(table.map, teller_.place_of(event)));
  teller_.tell_begin();
  teller_.tell_table(table.schema);
  const RowsContext& context = teller_.rows_of(table.schema, event.file, event.begin_pos);
  RowCursor cursor(rows, table.schema->columns, decode_);
  RowImages images;
  while (cursor.next(images)) {
    if (copy != nullptr) copy->touch(*table.schema, images);
    if (teller_.interrupted() && was_told(cursor, table)) {
      ++teller_.next_seq;
      continue;
    }
    tell_change(rows, context, images);
    if (limit_reached()) return;
  }
  if (teller_.next_seq == 0 || teller_.interrupted()) return;
  last_.seq = teller_.next_seq - 1;
  if (last_.table != table.map->name) last_.table = table.map->name;
  last_.image.assign(as_text(cursor.image()));
}

void RowTeller::tell_change(const RowsEvent& rows, const RowsContext& context, const RowImages& images) {
  const std::uint64_t seq = teller_.next_seq++;
  switch (rows.change()) {
    case RowChange::insert:
      sink_.insert(context, seq, images.after);
      break;
    case RowChange::update:
      sink_.update(context, seq, images.before, images.after);
      break;
    case RowChange::remove:
      sink_.remove(context, seq, images.before);
      break;
  }
  teller_.count_change();
  output_.record_done();
}

// Whether the row under the cursor was told before the connection broke. The last of those must be the same
// row.
bool RowTeller::was_told(const RowCursor& cursor, const Table& table) {
  const std::uint64_t seq = teller_.next_seq;
  if (seq < last_.seq) return true;
  if (seq > last_.seq || last_.table != table.map->name || last_.image != as_text(cursor.image())) {
    throw TemporaryError("change " + std::to_string(last_.seq) +
                         " of the transaction is not the one that was told before the connection broke");
  }
  teller_.caught_up();
  return true;
}

}  // namespace cdc::tail
