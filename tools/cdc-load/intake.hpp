// SPDX-License-Identifier: Apache-2.0
// Intake: the stream of change records, record by record, into the tables of an Outflow. It knows the grammar of
// cdc-changes(5) as far as rows go; transactions, boundaries and repetitions are the ledger's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/json/record_parser.hpp"
#include "common/json/record_reader.hpp"
#include "tools/cdc-load/catalog.hpp"
#include "tools/cdc-load/outflow.hpp"
#include "tools/cdc-load/spool.hpp"

namespace cdc::load {

class Intake {
 public:
  Intake(const LoadOptions& options, const Log& log, starrocks::Ledger& ledger, Outflow& outflow, Catalog& catalog,
         Catalog::Wait wait)
      : options_(options), log_(log), ledger_(ledger), outflow_(outflow), catalog_(catalog), wait_(std::move(wait)) {}

  // DataError, RefusedError, ConfigError: what came since the last boundary has to be dropped (abandon).
  void take(const RecordView& record);
  // The input has stopped here: the open transaction is dropped. Returns whether there was one.
  bool abandon();
  // A batch may be closed here: inside a transaction only when the whole of it has been seen, and behind a change.
  bool at_change() const { return !held_ && (replaying_ || !ledger_.in_transaction()); }
  // Before `commit` is taken: takes the changes that were put aside. Calls `pace` to let loads make room for them.
  // Errors as take().
  void replay(const RecordView& commit, const std::function<void()>& pace);
  // The newest end record, if nothing came after it.
  const std::optional<EndRecord>& end() const { return end_; }

 private:
  struct Source {
    TableName name, target;
    Outflow::TableId table = 0;
    std::optional<TableSchema> schema;
    std::unique_ptr<starrocks::RowPlan> plan;
  };
  // The first line of an update, kept until the second comes.
  struct Held {
    std::string line;
    RecordView row;
    bool has_json_null = false;
    void keep(const RecordView& view);
  };

  Source& source(const TableName& name);
  void row(const RecordView& record);
  void put_aside(const RecordView& record, Source& source);
  void make_plan(Source& source);
  void require_key(const RecordView& record, const Source& source) const;
  void change(const RecordView& record, Source& source, starrocks::Ledger::Place place);
  void put(const RecordView& row, bool remove, Source& source, starrocks::Ledger::Place place);
  void table(TableSchema schema);
  void ddl(const DdlRecord& record);
  std::string spoiled_by(const DdlRecord& record);
  bool is_loaded(const TableName& source);
  void boundary();
  void add_columns(Source& source);

  const LoadOptions& options_;
  const Log& log_;
  starrocks::Ledger& ledger_;
  Outflow& outflow_;
  Catalog& catalog_;
  Catalog::Wait wait_;
  std::set<std::string> told_;  // notices
  RecordParser parser_;
  std::map<TableName, Source> sources_;
  Source* last_ = nullptr;  // of the row before
  Held before_;
  bool held_ = false;
  // The rest of a transaction too large for a batch: nothing of it may be sent before all of it is known to be loadable.
  Spool spool_;
  bool replaying_ = false;
  std::optional<EndRecord> end_;
};

}  // namespace cdc::load
