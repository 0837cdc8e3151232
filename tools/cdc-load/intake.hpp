// SPDX-License-Identifier: Apache-2.0
// Intake: the stream of change records, record by record, into the tables of an Outflow. It knows the grammar of
// cdc-changes(5) as far as rows go; transactions, boundaries and repetitions are the ledger's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/json/record_parser.hpp"
#include "common/json/record_reader.hpp"
#include "tools/cdc-load/outflow.hpp"

namespace cdc::load {

class Intake {
 public:
  Intake(const LoadOptions& options, starrocks::Ledger& ledger, Outflow& outflow)
      : options_(options), ledger_(ledger), outflow_(outflow) {}

  // DataError, RefusedError, ConfigError: what came since the last boundary has to be dropped (abandon).
  void take(const RecordView& record);
  // The input has stopped here: the open transaction is dropped. Returns whether there was one.
  bool abandon();
  // A change is complete: batches may be closed.
  bool at_change() const { return !held_; }
  // The newest end record, if nothing came after it.
  const std::optional<EndRecord>& end() const { return end_; }

 private:
  struct Source {
    TableName name;
    Outflow::TableId table = 0;
    std::optional<TableSchema> schema;
    std::unique_ptr<starrocks::RowPlan> plan;
  };
  // The first line of an update, kept until the second comes.
  struct Held {
    std::string line;
    RecordView row;
    void keep(const RecordView& view);
  };

  Source& source(const TableName& name);
  void row(const RecordView& record);
  void change(const RecordView& record, Source& source, starrocks::Ledger::Place place);
  void table(TableSchema schema);
  void ddl(const DdlRecord& record);
  void boundary();

  const LoadOptions& options_;
  starrocks::Ledger& ledger_;
  Outflow& outflow_;
  RecordParser parser_;
  std::map<TableName, Source> sources_;
  Source* last_ = nullptr;  // of the row before
  Held before_;
  bool held_ = false;
  std::optional<EndRecord> end_;
};

}  // namespace cdc::load
