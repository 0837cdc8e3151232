// SPDX-License-Identifier: Apache-2.0
// TableDefinitions: from a table map to the definition with names. With binlog_row_metadata=FULL the map has
// them; else they come from the server's information_schema, are taken only when the live table agrees with
// the map in number of columns, types, metadata, NULL, sign and character sets, and kept by name and map. A
// definition read now holds for rows of the past only if no DDL that may touch the table lies between, which
// a look ahead in the server's log proves; whoever follows the stream says which DDL it met.
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

  // The stream went past this statement: what it may have changed is asked anew.
  void forget(const DdlInfo& ddl);

  // The stream goes on from another server, whose log has other positions.
  void server_changed() { look_ahead_.reset(); }

 private:
  struct Known {
    std::shared_ptr<const TableMap> map;
    std::shared_ptr<const TableSchema> schema;
  };
  std::shared_ptr<const TableSchema> make(const TableMap& map, const RowsPlace& place);
  std::string changed_since(const TableName& name, const RowsPlace& place);

  UnknownNames unknown_names_;
  std::optional<DefinitionServer> server_;
  std::optional<DdlLookAhead> look_ahead_;  // begun when the first table is asked for
  std::map<TableName, Known> known_;
};

// What keeps `live` from being the table of `map`, for people: "column 3 is int there and bigint here". ""
// when nothing does.
std::string difference(const TableMap& map, const LiveTable& live);

}  // namespace cdc
