// SPDX-License-Identifier: Apache-2.0
// RowTeller: TABLE_MAP and rows events of captured tables to changes. Tables that are not captured are only
// counted, for `seq` must not depend on the filter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/binlog/rows.hpp"
#include "common/binlog/table_map.hpp"
#include "common/mysql/table_definitions.hpp"
#include "tools/cdc-tail/filter.hpp"
#include "tools/cdc-tail/snapshot.hpp"
#include "tools/cdc-tail/teller.hpp"

namespace cdc::tail {

class RowTeller {
 public:
  // `max_count` changes are told at most; 0: no limit.
  RowTeller(const TableFilter& filter, TableDefinitions& definitions, ChangeSink& sink, Output& output,
            Teller& teller, BadText bad_text, std::uint64_t max_count);

  void table_map(const Event& event, bool mariadb);
  void rows(const Event& event);
  // A statement may have changed definitions. A server that was started again gives the numbers of its tables anew, so
  // that a table map of the same bytes need not mean the same columns.
  void forget_definitions();

  // Tables that are being copied are told of their changes; nullptr: none.
  void set_snapshot(Snapshot* snapshot) { snapshot_ = snapshot; }

  bool limit_reached() const { return limit_ != 0 && teller_.total_changes() >= limit_; }

 private:
  struct Table {
    std::shared_ptr<const TableMap> map;
    bool captured = false;
    bool countable = true;  // false: MariaDB's old temporals may have fractions, whose length no event tells
    std::shared_ptr<const TableSchema> schema;  // found when the first rows are told
  };
  // The change told last, to be recognised when its transaction is read again.
  struct LastChange {
    std::uint64_t seq = 0;
    TableName table;
    std::string image;
  };

  std::uint64_t count(const RowsEvent& rows, const Table& table) const;
  void tell(const RowsEvent& rows, Table& table, const Event& event, TableCopy* copy);
  void tell_change(const RowsEvent& rows, const RowsContext& context, const RowImages& images);
  bool was_told(const RowCursor& cursor, const Table& table);

  const TableFilter& filter_;
  TableDefinitions& definitions_;
  ChangeSink& sink_;
  Output& output_;
  Teller& teller_;
  std::uint64_t limit_;
  Snapshot* snapshot_ = nullptr;

  TableMapCache maps_;
  std::unordered_map<std::uint64_t, Table> tables_;  // by number
  DecodeContext decode_;
  LastChange last_;
};

}  // namespace cdc::tail
