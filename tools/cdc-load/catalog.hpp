// SPDX-License-Identifier: Apache-2.0
// Catalog: the definitions of the target tables, as the FE's MySQL port tells them, and the DDL that
// --create-tables and --alter-tables ask for. Each table is read once and again after DDL of ours. Where the port is not
// used the `table` records of the stream are trusted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/log.hpp"
#include "common/model/schema.hpp"
#include "common/mysql/connection.hpp"
#include "common/starrocks/target.hpp"
#include "tools/cdc-load/options.hpp"

namespace cdc::load {

class Catalog {
 public:
  // Lets time pass while StarRocks works; other work may go on meanwhile.
  using Wait = std::function<void(std::chrono::milliseconds)>;

  Catalog(const LoadOptions& options, const Log& log, Wait wait)
      : options_(options), log_(log), wait_(std::move(wait)), used_(!options.query_hosts.empty()) {}

  // The definition of `target`, nullptr when it is not to be had and `source` is to be trusted. Valid until the next
  // call. RefusedError when there is no such table and it is not to be made from `source`; ServerError.
  const starrocks::TargetTable* table(const TableName& target, const TableSchema& source);

  // The tables of a database of StarRocks, names in lower case; none when there is nobody to ask. Read once.
  const std::set<std::string>& tables(const std::string& db);

  // Columns of `source` that the target lacks; nothing when there is no definition to go by.
  std::vector<std::size_t> missing(const TableName& target, const TableSchema& source);
  // Adds them and waits until StarRocks has finished. The caller has no load of the table in flight. `ddl`: what the
  // stream said of the table's changes, newest last. RefusedError when old rows would need a value that is not known.
  void add_columns(const TableName& target, const TableSchema& source, const std::vector<std::string>& ddl);

  // label_keep_max_num of the FE, its default when the user may not ask.
  std::uint64_t labels_kept();

 private:
  struct AlterJob {
    std::uint64_t id = 0;
    std::string state, message;
    bool is_open() const { return !state.empty() && state != "FINISHED" && state != "CANCELLED"; }
  };

  ResultSet ask(const std::string& sql);
  void connect();
  template <typename Look>
  bool look(Look look);
  std::optional<starrocks::TargetTable> read(const TableName& target);
  void create(const TableName& target, const TableSchema& source);
  void make(const std::string& what, const std::string& sql);
  AlterJob newest_job(const TableName& target);
  bool has_column_of_its_own(const starrocks::TargetTable& target, const TableSchema& source) const;
  void print(const std::string& sql) const;

  const LoadOptions& options_;
  const Log& log_;
  Wait wait_;
  bool used_, reached_ = false;
  std::optional<Connection> connection_;
  std::map<TableName, starrocks::TargetTable> tables_;
  std::map<std::string, std::set<std::string>> names_;
};

}  // namespace cdc::load
