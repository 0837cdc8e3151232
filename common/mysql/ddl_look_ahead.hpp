// SPDX-License-Identifier: Apache-2.0
// DdlLookAhead: which tables the DDL further on in a server's binlog may touch, so that a definition read
// from the server now can be trusted, or not, for rows of the past. It reads the log from the place of those
// rows on over a connection of its own, QUERY events only, once; each later call goes on from there, over the same
// connection until rest(). What it keeps is one position for each table that DDL named.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/binlog/charset.hpp"
#include "common/binlog/ddl.hpp"
#include "common/binlog/event.hpp"
#include "common/model/gtid.hpp"
#include "common/model/position.hpp"
#include "common/model/schema.hpp"
#include "common/mysql/connection.hpp"

namespace cdc {

// Where in a stream rows are: the first event of their transaction, its GTID (none: anonymous), and the start
// of the rows event.
struct RowsPlace {
  BinlogPosition transaction;
  Gtid gtid;
  BinlogPosition rows;
  std::uint64_t rows_end = 0;  // behind the rows event, or the payload that has it; 0: somewhere else
};

// A name without the differences that a server with lower_case_table_names ignores: it takes them out of
// table maps, but leaves them in the text of statements. What two names become equal by may be a little more
// than that.
TableName folded(const TableName& name);

class DdlLookAhead {
 public:
  explicit DdlLookAhead(std::function<Connection()> connect);
  ~DdlLookAhead();

  // Reads to `end`, which the server's log has or had as its end (nullopt: to wherever it ends now), the first time from
  // the transaction of `place` on. "", or why the server's log tells nothing about these rows: the transaction is not in
  // it, or no longer. ServerError when the connection is lost.
  std::string read_on(const RowsPlace& place, const std::optional<BinlogPosition>& end);
  // Ends the connection, for as long as it stands the server purges nothing behind it.
  void rest();
  // Everything before this was read; nullopt: nothing yet.
  const std::optional<BinlogPosition>& reached() const { return reached_; }

  // Instead of that: reads one part of the log, from one place between transactions to another; "" or why not.
  std::string read_between(const BinlogPosition& from, const BinlogPosition& to);

  // The newest statement read that stands behind `position` and may have touched the table.
  std::optional<BinlogPosition> touched_behind(const BinlogPosition& position, const TableName& table) const;

 private:
  struct Dump;

  void open(const BinlogPosition& from, bool stop_at_end);
  std::optional<Event> next(const std::optional<BinlogPosition>& end);
  bool find(const RowsPlace& place, const std::optional<BinlogPosition>& end);
  void take(const Event& event);
  void note(const Event& event);
  void note(const DdlInfo& ddl, const BinlogPosition& at);

  std::function<Connection()> connect_;
  std::unique_ptr<Dump> dump_;             // at reached_; nullptr: none is open
  std::optional<BinlogPosition> reached_;  // everything before it was read
  // By folded names.
  std::map<TableName, BinlogPosition> tables_;
  std::map<std::string, BinlogPosition> databases_;  // where any table may be touched; "" is all databases
  TextDecoder text_{BadText::replace};
  Arena arena_;
  std::string scratch_;
};

}  // namespace cdc
