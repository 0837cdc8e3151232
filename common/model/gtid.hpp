// SPDX-License-Identifier: Apache-2.0
// Global transaction identifiers of both families.
//   MySQL:   uuid[:tag]:gno, sets "uuid:1-5:7:tag:1-3,uuid2:9" (sql/rpl_gtid.h; tags since 8.3).
//   MariaDB: domain-server_id-sequence, positions "0-1-100,1-2-7": the last transaction of each domain.
// A GtidSet holds either family, so that tools need not ask which: adding a MariaDB GTID moves its domain
// forward, subtracting keeps the domains that are further on. Sets are values, with no limit on their size;
// add() costs O(log n) of the intervals and allocates nothing when it extends one.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace cdc {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  std::string text() const;  // lower case with dashes
  // The three forms that the server accepts: 32 hex digits, the same in groups of 8-4-4-4-12, and those in braces.
  static std::optional<Uuid> parse(std::string_view text);
};

// Who numbers transactions: in MySQL a server UUID and an optional tag (lower case, <= 32 characters).
struct GtidSource {
  Uuid uuid;
  std::string tag;
  auto operator<=>(const GtidSource&) const = default;
};

struct MysqlGtid {
  GtidSource source;
  std::uint64_t gno = 0;  // 1 .. 2^63-2
};
struct MariadbGtid {
  std::uint32_t domain = 0, server_id = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const MariadbGtid&) const = default;
};

// One transaction's identifier, or none (anonymous).
struct Gtid {
  enum class Kind : std::uint8_t { none, mysql, mariadb };
  Kind kind = Kind::none;
  MysqlGtid mysql;
  MariadbGtid mariadb;

  bool empty() const { return kind == Kind::none; }
  bool operator==(const Gtid& other) const;
  std::string text() const;  // "" when none
  static Gtid of(GtidSource source, std::uint64_t gno);
  static Gtid of(MariadbGtid gtid);
  // "uuid:gno", "uuid:tag:gno" or "d-s-n", without blanks; nullopt when malformed.
  static std::optional<Gtid> parse(std::string_view text);
};

// Half open: start <= gno < end, as on the wire.
struct GnoInterval {
  std::uint64_t start = 0, end = 0;
};

constexpr std::uint64_t kMaxGno = INT64_MAX - 1;  // the last number the server gives (GNO_END - 1)

class GtidSet {
 public:
  // start → end of half-open intervals: sorted, disjoint, not touching, never an empty map. A tree, because a
  // multi-threaded replica fills holes far from the end of sets with very many of them.
  using Intervals = std::map<std::uint64_t, std::uint64_t>;
  using MysqlMap = std::map<GtidSource, Intervals>;
  using MariadbMap = std::map<std::uint32_t, MariadbGtid>;  // by domain

  // What a MySQL 9.7 server accepts: blanks and newlines between tokens, upper case, every form of UUID,
  // overlapping, unordered, repeated and reversed (empty) intervals, stray commas, sources without intervals; or
  // MariaDB's list, one GTID a domain. "" is the empty set. DataError says what was expected and where.
  static GtidSet parse(std::string_view text);
  // One set in the encoding of PREVIOUS_GTIDS_LOG_EVENT's body, plain or tagged (Gtid_set::encode in
  // sql/rpl_gtid_set.cc); leaves the reader behind it. DecodeError as strict as the server.
  static GtidSet decode(ByteReader& reader);

  bool empty() const { return mysql_.empty() && mariadb_.empty(); }
  // Canonical text as the server prints it without newlines: sources in order, "uuid:1-5:7:tag:1-3".
  std::string text() const;
  // The same encoding, as COM_BINLOG_DUMP_GTID wants it; tagged only when the set has tags, because servers before
  // 8.3 do not know that form. Not for MariaDB sets, which have no encoding.
  std::string encode() const;
  bool has_tags() const;

  void add(const Gtid& gtid);  // nothing when gtid is none
  void add(const GtidSource& source, GnoInterval interval);  // nothing when the interval is empty
  void add(const MariadbGtid& gtid);
  void add(const GtidSet& other);
  void subtract(const GtidSet& other);
  void clear();

  bool contains(const Gtid& gtid) const;
  bool contains(const GtidSet& other) const;  // other ⊆ *this
  bool intersects(const GtidSet& other) const;
  GtidSet intersection(const GtidSet& other) const;
  // Number of transactions; saturates. MariaDB positions count as 0: they do not say where a domain began.
  std::uint64_t count() const;
  bool operator==(const GtidSet& other) const { return mysql_ == other.mysql_ && mariadb_ == other.mariadb_; }

  const MysqlMap& mysql() const { return mysql_; }
  const MariadbMap& mariadb() const { return mariadb_; }

 private:
  MysqlMap mysql_;
  MariadbMap mariadb_;
};

GtidSet operator+(GtidSet a, const GtidSet& b);
GtidSet operator-(GtidSet a, const GtidSet& b);

}  // namespace cdc
