// SPDX-License-Identifier: Apache-2.0
// Server: the questions that the tools ask a server in SQL, in the words of its flavor and version (MySQL and
// Percona 5.6 to 9.x, MariaDB 10.x): SHOW BINARY LOG STATUS or SHOW MASTER STATUS, SHOW REPLICAS or SHOW
// SLAVE HOSTS… It refers to a Connection that must outlive it and keeps nothing but the server's identity, so
// every answer is of now. Whatever is refused is thrown as ServerError: exit_code() denied names the missing
// grant in its text. Questions that need binlog events are in position_finder.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/binlog/event_bodies.hpp"
#include "common/model/gtid.hpp"
#include "common/model/position.hpp"
#include "common/mysql/connection.hpp"

namespace cdc {

// Values of @@gtid_mode. MariaDB, whose transactions always have GTIDs, is `on`.
enum class GtidMode { off, off_permissive, on_permissive, on };
std::string_view gtid_mode_text(GtidMode mode);  // "OFF_PERMISSIVE"

struct BinlogFile {
  std::string name;
  std::uint64_t size = 0;  // bytes
  bool encrypted = false;
};

// SHOW BINARY LOG STATUS. Under load `executed` may lack transactions that are already in the file before
// `position`: their GTIDs are added at the end of the commit (sql/binlog.cc). Start from one of the two, not
// both.
struct BinlogEnd {
  BinlogPosition position;       // where the next transaction will be written
  GtidSet executed;              // MariaDB: BINLOG_GTID_POS() of the position, always exact
  std::string do_db, ignore_db;  // --binlog-do-db, --binlog-ignore-db, comma-separated
};

// Another reader of the binlog, of SHOW REPLICAS.
struct RegisteredReplica {
  std::uint32_t server_id = 0;
  std::string host, uuid;  // "" when it did not tell
};

// A session to which the server sends its binlog now, registered or not.
struct DumpThread {
  std::uint64_t id = 0;
  std::string user, host;  // host with port, as the server shows it
  bool by_gtid = false;
  std::uint64_t seconds = 0;  // since it began
  std::string state;          // "Source has sent all binlog to replica; waiting for more updates"
};

using Variables = std::map<std::string, std::string>;  // global values by lower-case name

// Where the log ends now: Server::end() with nothing but the position, in one round trip.
std::optional<BinlogPosition> end_position(Connection& connection);

class Server {
 public:
  explicit Server(Connection& connection);

  Connection& connection() const { return connection_; }
  const ServerVersion& version() const { return connection_.server_version(); }
  bool mariadb() const { return version().flavor == Flavor::mariadb; }
  // @@server_uuid; "" for MariaDB, which has none.
  const std::string& uuid() const { return uuid_; }
  std::uint32_t server_id() const { return server_id_; }
  GtidMode gtid_mode() const { return gtid_mode_; }
  // Whether a dump by GTID set can be had: gtid_mode ON, or MariaDB.
  bool can_dump_by_gtid() const { return gtid_mode_ == GtidMode::on; }
  // Whether what is committed now gets a GTID: ON, ON_PERMISSIVE, MariaDB.
  bool assigns_gtids() const { return gtid_mode_ == GtidMode::on || gtid_mode_ == GtidMode::on_permissive; }

  // Global value of one variable; nullopt when this server does not have it.
  std::optional<std::string> variable(std::string_view name);
  // All of them; the server cuts values at 1024 characters here.
  Variables variables();

  // MariaDB: gtid_binlog_pos, and of gtid_purged the GTID list at the start of the oldest file is the
  // counterpart (PositionFinder::file_start).
  GtidSet gtid_executed();
  GtidSet gtid_purged();
  // MariaDB: the last GTID of every domain and server in the binlog; empty for MySQL. A GTID at or below one
  // of these is known to the server, whichever server was the last to write to the domain.
  std::vector<MariadbGtid> gtid_binlog_state();
  // Given to transactions that are not committed yet; empty for MariaDB.
  GtidSet gtid_owned();

  // Oldest first. Needs REPLICATION CLIENT (MariaDB: BINLOG MONITOR). ServerError 1381 when log_bin is off.
  std::vector<BinlogFile> binlog_files();
  // Needs the same. nullopt when log_bin is off.
  std::optional<BinlogEnd> end();
  // Needs REPLICATION SLAVE (MariaDB: REPLICATION MASTER ADMIN).
  std::vector<RegisteredReplica> replicas();
  // XA transactions that are prepared now, in whatever session or none. Needs XA_RECOVER_ADMIN from MySQL 8.0 on.
  std::set<XaId> prepared_xas();
  // Without the privilege PROCESS: only those of the same user.
  std::vector<DumpThread> dump_threads();
  // One row for each channel, columns by the newer name ("Source_Host", "Seconds_Behind_Source") whatever the
  // server calls them. Needs REPLICATION CLIENT (MariaDB: SLAVE MONITOR).
  std::vector<std::map<std::string, Field>> replication_channels();

 private:
  Connection& connection_;
  std::string uuid_;
  std::uint32_t server_id_ = 0;
  GtidMode gtid_mode_ = GtidMode::off;
};

}  // namespace cdc
