// SPDX-License-Identifier: Apache-2.0
// PageReader: reads pages of tables on a connection of its own, one thread each. What makes a page usable is
// its lower bound: it must show every transaction told before it was asked for. Servers differ in how that is
// had (see Bound); DESIGN.md has the proof. Nothing is ever written, and no lock outlives one page.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "common/mysql/connection.hpp"
#include "common/mysql/server.hpp"
#include "tools/cdc-tail/filter.hpp"
#include "tools/cdc-tail/page_queue.hpp"

namespace cdc::tail {

// How a page comes to show all that was told.
enum class Bound : std::uint8_t {
  gtids,  // MySQL 8.0 and later with GTIDs: a commit is visible before gtid_executed has it: wait for that
  locks,  // other MySQL: a commit that is in the log but not yet visible holds its row locks: read with locks
  view,   // MariaDB: a consistent snapshot knows its place in the log
};
Bound bound_of(const Server& server);

struct CopySettings {
  ConnectOptions connect;
  std::string server_uuid;  // of the server that sends the binlog; "" for MariaDB
  std::uint32_t server_id = 0;
  Bound bound = Bound::gtids;
  bool full_metadata = false;
  std::uint64_t chunk_rows = 0;
  unsigned max_retries = 0;
};

class PageReader {
 public:
  PageReader(CopySettings settings, const TableFilter& filter, PageQueue& queue);

  // Takes jobs until the queue is stopped. Failures are delivered, never thrown.
  void run() noexcept;
  // Makes run() come back; from any thread.
  void interrupt();

 private:
  struct Position {
    std::shared_ptr<const KeyedTable> definition;
    unsigned generation = 0;
    std::uint64_t limit = 0;  // rows that fit a page
  };
  void work(const Job& job);
  void read(const Job& job);
  void read_page(const Job& job, Page page, Position& at);
  void read_view(const Job& job, Page page, const Position& at);
  void define(const Job& job, Page& page, Position& at);
  void open_table(const TableName& name);
  void deliver_gone(const Job& job);
  void connect();
  void disconnect();
  BinlogPosition begin(const Told& told);
  void begin_view(const Told& told, BinlogPosition& place);
  void wait_for(const GtidSet& executed);
  BinlogPosition end_of_log();
  void pause(std::chrono::milliseconds time) const;

  CopySettings settings_;
  const TableFilter& filter_;
  PageQueue& queue_;
  std::mutex mutex_;  // of connection_'s coming and going
  std::optional<Connection> connection_;
  std::optional<Server> server_;
  std::map<std::size_t, Position> positions_;
};

}  // namespace cdc::tail
