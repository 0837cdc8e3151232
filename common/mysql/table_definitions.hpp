// SPDX-License-Identifier: Apache-2.0
// TableDefinitions: from a table map to the definition with names. With binlog_row_metadata=FULL the map has
// them; else they come from the server's information_schema, are taken only when the live table agrees with
// the map in number of columns, types, metadata, NULL, sign and character sets, and kept by name and map. A
// definition read now holds for an event of the past only if no DDL lies between: whoever follows the stream
// says which DDL it met.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/binlog/ddl.hpp"
#include "common/binlog/table_map.hpp"
#include "common/model/schema.hpp"
#include "common/mysql/connection.hpp"
#include "common/mysql/live_table.hpp"

namespace cdc {

// What becomes of a table whose column names cannot be known: an error, or columns "@1", "@2", ….
enum class UnknownNames : std::uint8_t { refuse, positional };

class TableDefinitions {
 public:
  // `session` gives a connection for questions whenever one is needed; empty: there is no server to ask.
  explicit TableDefinitions(UnknownNames unknown_names, std::function<Connection&()> session = {})
      : unknown_names_(unknown_names), session_(std::move(session)) {}

  // The definition for the rows events of `map`; the same object as long as nothing changed. ConfigError (78)
  // naming the table and what differs when names cannot be known and `refuse`; ServerError of the session.
  std::shared_ptr<const TableSchema> define(const std::shared_ptr<const TableMap>& map);

  // The stream went past this statement: what it may have changed is asked anew.
  void forget(const DdlInfo& ddl);

 private:
  struct Known {
    std::shared_ptr<const TableMap> map;
    std::shared_ptr<const TableSchema> schema;
  };
  std::shared_ptr<const TableSchema> make(const TableMap& map);

  UnknownNames unknown_names_;
  std::function<Connection&()> session_;
  std::map<TableName, Known> known_;
};

// What keeps `live` from being the table of `map`, for people: "column 3 is int there and bigint here". ""
// when nothing does.
std::string difference(const TableMap& map, const LiveTable& live);

}  // namespace cdc
