// SPDX-License-Identifier: Apache-2.0
// TableDefinitions: from a table map to the definition with names. With binlog_row_metadata=FULL the map has
// them; else they come from the server's information_schema, are taken only when the live table agrees with
// the map in number of columns, types, metadata, NULL, sign and character sets, and kept by name and map. A
// definition read now holds for rows of the past only if no DDL that may touch the table lies between, which
// a look ahead in the server's log proves; whoever follows the stream says which DDL it met. What was proved once
// can be kept beyond the run (TableHistory).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/binlog/ddl.hpp"
#include "common/binlog/table_map.hpp"
#include "common/model/schema.hpp"
#include "common/model/table_history.hpp"
#include "common/mysql/connection.hpp"
#include "common/mysql/ddl_look_ahead.hpp"
#include "common/mysql/live_table.hpp"

namespace cdc {

// What becomes of a table whose column names cannot be known: an error, or columns "@1", "@2", ….
enum class UnknownNames : std::uint8_t { refuse, positional };

// The server whose log the rows are in.
struct DefinitionServer {
  std::function<Connection&()> session;  // a connection for questions, kept
  std::function<Connection()> connect;   // a new one
};

class TableDefinitions {
 public:
  // Without `server` there is none to ask.
  explicit TableDefinitions(UnknownNames unknown_names, std::optional<DefinitionServer> server = {})
      : unknown_names_(unknown_names), server_(std::move(server)) {}

  // The definition for the rows events of `map` at `place`; the same object as long as nothing changed.
  // ConfigError (78) naming the table and what differs when names cannot be known and `refuse`; ServerError
  // of the server.
  std::shared_ptr<const TableSchema> define(const std::shared_ptr<const TableMap>& map,
                                            const RowsPlace& place);

  // The stream went past this statement at `place`: what it may have changed is asked anew.
  void forget(const DdlInfo& ddl, const BinlogPosition& place);

  // The stream has come to the end of the log: nothing is read ahead for now.
  void rest() {
    if (look_ahead_) look_ahead_->rest();
  }

  // The stream comes from the log of this server, whose positions mean nothing in another's.
  void server_is(const std::string& identity);

  // Keeps the history from here on. The stream begins at `start`, nothing before it will be asked for; `earlier`
  // is what an earlier run has kept, of whatever server.
  void keep_history(std::optional<TableHistory> earlier, const BinlogPosition& start);
  bool keeps_history() const { return history_.has_value(); }
  // Whether it differs from the one taken last in more than its place.
  bool has_news() const { return has_news_; }
  // The history at this place of the stream, up to which all statements were passed to forget().
  const TableHistory& take_history(const BinlogPosition& reached);

 private:
  struct Known {
    std::shared_ptr<const TableMap> map;
    std::shared_ptr<const TableSchema> schema;
  };
  std::shared_ptr<const TableSchema> make(const TableMap& map, const RowsPlace& place);
  void remember(const TableMap& map, const std::shared_ptr<const TableSchema>& schema, const RowsPlace& place);
  std::shared_ptr<const TableSchema> recall(const TableMap& map, const RowsPlace& place);
  void close_gap();
  void tell_old_fractions(TableSchema& schema);
  std::string changed_since(const TableName& name, const RowsPlace& place);

  UnknownNames unknown_names_;
  std::optional<DefinitionServer> server_;
  std::optional<DdlLookAhead> look_ahead_;  // begun when the first table is asked for
  std::map<TableName, Known> known_;
  std::string server_identity_;
  std::optional<TableHistory> history_;
  bool has_news_ = false;
  std::optional<BinlogPosition> gap_end_;  // from history_.read_to to here nobody has looked for DDL
};

// Whether it has temporals in the form of before MySQL 5.6 and MariaDB 10.1.
bool has_old_temporals(const TableMap& map);

// What keeps `live` from being the table of `map`, for people: "column 3 is int there and bigint here". ""
// when nothing does.
std::string difference(const TableMap& map, const LiveTable& live);

}  // namespace cdc
