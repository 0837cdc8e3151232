// SPDX-License-Identifier: Apache-2.0
// ServerFacts: all that the checks need to know of the server itself, each question asked once. A question
// that the server refuses leaves its reason, which names the grant if one is missing; a lost connection is
// thrown.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/model/gtid.hpp"
#include "common/mysql/server.hpp"

namespace cdc::check {

// An answer, or why there is none.
template <typename T>
struct Asked {
  std::optional<T> value;
  std::string refusal;  // the grant that is missing, or the server's words
  explicit operator bool() const { return value.has_value(); }
  const T& operator*() const { return *value; }
  const T* operator->() const { return &*value; }
};

// SHOW GRANTS of the session: what its user and its active roles may do.
struct Grants {
  std::set<std::string> global;  // upper case: "REPLICATION SLAVE", "ALL PRIVILEGES"
  struct Scope {
    std::string db, table;  // a pattern as in LIKE, a name or "*"
    std::set<std::string> privileges;
  };
  std::vector<Scope> scoped;
  std::vector<std::string> roles;  // granted, active or not
  std::vector<std::string> lines;  // as the server prints them

  bool has(std::string_view privilege) const;  // globally
  // Whether `table` of `db` may be read, column grants aside. Database patterns (shop\_%) are understood.
  bool may_select(std::string_view db, std::string_view table) const;
};
Grants parse_grants(const std::vector<std::string>& lines);

// Sessions whose binlog_format or binlog_row_image is not the global one, "binlog_format=STATEMENT" → how
// many.
using SessionOverrides = std::map<std::string, std::uint64_t>;

// How far the server's time_zone is ahead of UTC now and in half a year, when summer time may be another.
struct UtcOffset {
  std::int64_t now_s = 0, later_s = 0;
  bool operator==(const UtcOffset&) const = default;
};
constexpr std::int64_t kHalfAYear = 182 * 86'400;  // seconds

// How many XA PREPAREs, XA COMMITs and XA ROLLBACKs the server was asked for, over how many seconds up to now.
struct XaCount {
  std::uint64_t statements = 0;
  std::int64_t since_s = 0;
};

struct ServerFacts {
  std::string name;     // "repl@db1:3306"
  std::string account;  // CURRENT_USER(), quoted for a GRANT: 'repl'@'%'
  std::string tls;      // "TLSv1.3", "" without
  bool local = false;   // over a unix socket
  ServerVersion version;
  std::string uuid;
  std::uint32_t server_id = 0;
  GtidMode gtid_mode = GtidMode::off;
  std::int64_t now_ms = 0;  // the server's clock
  Variables variables;
  std::string managed;  // "Amazon Aurora", "Amazon RDS", "Google Cloud SQL", …; "" when it looks like none

  Asked<GtidSet> executed, purged, owned;
  Asked<std::vector<MariadbGtid>> binlog_state;  // MariaDB
  Asked<std::vector<BinlogFile>> files;
  Asked<std::optional<BinlogEnd>> end;
  Asked<Grants> grants;
  Asked<std::vector<RegisteredReplica>> replicas;
  Asked<std::vector<DumpThread>> dump_threads;
  Asked<std::vector<std::map<std::string, Field>>> channels;
  Asked<SessionOverrides> overrides;
  Asked<UtcOffset> utc_offset;
  Asked<std::set<XaId>> prepared_xas;  // now
  Asked<XaCount> xa_count;
  Asked<std::string> group_member;   // state of this member of a replication group; "" when in none
  Asked<std::string> rds_retention;  // mysql.rds_configuration 'binlog retention hours'; "" when not set

  bool mariadb() const { return version.flavor == Flavor::mariadb; }
  // The value of the first of these variables that the server has; nullopt when it has none.
  std::optional<std::string> variable(std::initializer_list<std::string_view> names) const;
  bool is_replica() const { return channels && !channels->empty(); }
  std::uint64_t binlog_bytes() const;
};

// "lacks SELECT: GRANT SELECT ON d.t TO 'repl'@'%';"
std::string lacking(const std::string& account, const std::string& privilege,
                    const std::string& object = "*.*");

ServerFacts gather_facts(Connection& connection);

}  // namespace cdc::check
