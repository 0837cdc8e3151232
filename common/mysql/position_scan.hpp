// SPDX-License-Identifier: Apache-2.0
// What a byte offset in a binlog file is: a place to start from, or inside something; and which transactions
// are executed there. The complete set at an offset is the file's PREVIOUS_GTIDS plus the GTIDs of the
// transactions that end at or before it (TransactionTracker knows where they end). Works on any source of
// events that begins at the start of the file: a server's dump (PositionFinder), a file on disk, a test.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/binlog/event.hpp"
#include "common/binlog/transaction.hpp"
#include "common/model/gtid.hpp"
#include "common/model/position.hpp"
#include "common/mysql/connection.hpp"

namespace cdc {

enum class Place {
  boundary,            // no transaction is open: a place to start
  inside_transaction,  // between two events of one transaction
  inside_event,
  before_start,  // below 4: in the file's magic number
  behind_end,    // the file is shorter
};

struct PositionScan {
  BinlogPosition position;  // as asked
  Place place = Place::boundary;
  // The newest boundary at or before the position (the same when it is one), and the first one at or behind
  // it: where the GTID event says that the open transaction ends, or where it does; nullopt when it never
  // did.
  std::uint64_t before = 4;
  std::optional<std::uint64_t> after;
  // All executed at `before`. nullopt when the file does not begin with a set (MySQL 5.6 without gtid_mode).
  std::optional<GtidSet> gtid_set;
  // XA transactions of this file that are prepared there and not ended; their GTIDs are in the set.
  PreparedXas prepared;
  // GTIDs of the file's transactions that end at or before `before`, which a reader from the file's start has
  // seen.
  GtidSet seen;
  std::uint64_t anonymous = 0;  // transactions without GTID that end at or before `before`
  // The transaction that the position is inside of, and the first that begins at or behind it in this file.
  std::optional<Transaction> open, next;
  // Commit time of the newest transaction in the file that ends at or before `before`; 0 when there is none.
  std::int64_t last_commit_ms = 0;
  // place inside_event: where that event begins, its type's name.
  std::uint64_t event_begin = 0;
  std::string event_type;
  // Where the file ends, when that was reached; bytes of events taken from the source.
  std::optional<std::uint64_t> file_end;
  std::uint64_t bytes_read = 0;
};

// Reads `source` as far as needed: through `position`, the end of the transaction it is in, and the first
// event of the next one. The source may go on into later files; those are not looked at. DecodeError
// "FILE:POS: …".
PositionScan scan_position(EventSource& source, const BinlogPosition& position);

// `executed` without the XA PREPAREs: the set to start from, by which a server sends them again before their
// XA COMMIT. MariaDB's positions cannot leave out one transaction and stay as they are.
GtidSet without_prepared(GtidSet executed, const PreparedXas& prepared);

// scan_position() from the rows of SHOW BINLOG EVENTS, for a file whose dump the server breaks off because it
// holds transactions without GTID while gtid_mode is ON, or with one while it is OFF. Needs REPLICATION
// SLAVE, and MySQL 5.7, whose transactions all begin with a GTID event. Times and lengths of transactions are
// not known (0).
PositionScan scan_shown_events(Connection& connection, const BinlogPosition& position);
// Whether a dump was broken off for that reason.
bool is_refused_kind(const ServerError& error);
// Whether a file that the server lists is not there any more.
bool is_missing_file(const ServerError& error);

// The first events of a file.
struct FileStart {
  FormatDescription format;
  std::uint32_t created_s = 0;  // header timestamp of the FORMAT_DESCRIPTION: a session can falsify it
  std::optional<GtidSet> previous_gtids;  // nullopt as above
  // Commit time of the first transaction; nullopt when the file has none, or may not be read that far.
  std::optional<std::int64_t> first_commit_ms;
  std::uint64_t bytes_read = 0;
};
// Fills `start` as it reads, so that it has what came before an error.
void scan_file_start(EventSource& source, FileStart& start);

// A boundary in the binlog, all that is executed there, and the first transaction that a reader gets from
// there.
struct FoundPlace {
  BinlogPosition position;
  std::optional<GtidSet> gtid_set;   // nullopt: no GTIDs in this binlog
  PreparedXas prepared;              // as of PositionScan, in what was read
  std::optional<Transaction> first;  // nullopt: none yet, the position is the server's end
  bool refused_kind = false;  // the server will not send the transaction at the position: is_refused_kind()
  std::int64_t last_commit_ms = 0;  // of the newest transaction before it that was read; 0 none
  std::uint64_t bytes_read = 0;
};

// Finds the first transaction of the source, through all its files, for which `wanted` says yes as of its
// first event. Fills `place` as it reads.
void find_transaction(EventSource& source, const std::function<bool(const Transaction&)>& wanted,
                      FoundPlace& place);

// What a file tells of an XA transaction that was prepared before a place.
struct PreparedSearch {
  BinlogPosition before;
  std::optional<PreparedXa> prepared;  // the newest time, and not ended before the place
  bool ended = false;                  // it was, and not prepared again
};
// Reads the source's first file for all of these; the bytes that took.
std::uint64_t scan_prepared(EventSource& source, std::map<XaId, PreparedSearch>& searches);

}  // namespace cdc
