// SPDX-License-Identifier: Apache-2.0
// TransactionTracker: the one place that knows where transactions begin and end. Fed every event in order, it
// says what each is to the transaction structure:
//
//   log         = { outside | transaction }
//   transaction = whole | begin { inside } end
//   begin       = GTID event | BEGIN or XA START query | INTVAR, RAND, USER_VAR before a statement
//   end         = XID | COMMIT | ROLLBACK | XA_PREPARE | a statement straight behind the GTID event (DDL, XA
//   COMMIT,
//                 XA ROLLBACK) | INCIDENT | a TRANSACTION_PAYLOAD that is not expanded
//
// A position is a place to start or resume exactly when no transaction is open there. A GTID is executed only
// when its transaction ends. The facts of the newest transaction stay readable until the next one begins.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/binlog/ddl.hpp"
#include "common/binlog/event.hpp"
#include "common/binlog/event_bodies.hpp"
#include "common/binlog/payload.hpp"
#include "common/model/gtid.hpp"
#include "common/model/position.hpp"

namespace cdc {

enum class TransactionStep : std::uint8_t {
  outside,  // belongs to no transaction: ROTATE, FORMAT_DESCRIPTION, PREVIOUS_GTIDS, HEARTBEAT, STOP…
  begin,    // first event of a transaction
  inside,
  end,    // last event
  whole,  // first and last: a statement without GTID event
};

enum class TransactionEnd : std::uint8_t {
  open,
  commit,      // XID, COMMIT, XA COMMIT … ONE PHASE
  rollback,    // ROLLBACK: changes of transactional tables are undone, those of others (MyISAM) stay
  statement,   // one statement that commits by itself (DDL, GRANT…): see query()
  xa_prepare,  // see xid(); in doubt until the xa_commit or xa_rollback of the same xid
  xa_commit,
  xa_rollback,
  incident,
  payload,    // a payload left closed (Payloads::closed), that of an XA transaction excepted
  abandoned,  // the log went on elsewhere (crash, truncated file): never committed, its GTID is not executed
};

struct Transaction {
  Gtid gtid;  // none: anonymous, or no GTID event
  bool has_gtid_event = false;
  // Start of the GTID event, else of the BEGIN query or the statement.
  std::string file;
  std::uint64_t begin_pos = 0;
  // Milliseconds since the epoch. original: on the server where it was first committed (ts_ms of the
  // records). commit: on this server, what --timestamp compares. Each falls back on the other, then on the
  // first event's header.
  std::int64_t original_commit_ms = 0;
  std::int64_t commit_ms = 0;
  std::uint64_t length = 0;     // bytes of all its events as the server says; 0 not told
  std::uint32_t server_id = 0;  // of the server that executed it
  bool without_effect = false;  // MariaDB's START ALTER, ROLLBACK ALTER: its statement was not done

  TransactionEnd end = TransactionEnd::open;
  std::uint64_t end_pos = 0;  // behind the last event; only when ended
  std::optional<XaId> xid;    // from XA START on; of a two-phase end, the statement's
};

// An XA transaction behind its XA PREPARE: what that was, and where a reader has to begin to get its rows.
struct PreparedXa {
  Gtid gtid;
  BinlogPosition begin;
  bool operator==(const PreparedXa&) const = default;
};
// Those that are prepared and not yet ended, by what a reader has seen.
using PreparedXas = std::map<XaId, PreparedXa>;
// Takes in a transaction that has ended.
void follow_prepared(const Transaction& ended, PreparedXas& prepared);

class TransactionTracker {
 public:
  // expanded: each TRANSACTION_PAYLOAD is followed by its inner events (in_payload). closed: it is not, and
  // ends the transaction; the tracker looks into it only to tell an XA transaction.
  enum class Payloads : std::uint8_t { expanded, closed };
  explicit TransactionTracker(Payloads payloads = Payloads::expanded) : payloads_(payloads) {}

  // Throws DecodeError (without place) when a GTID, QUERY or XA event or a closed payload cannot be decoded,
  // and when an event's type is not known and its header does not say that it may be ignored.
  TransactionStep feed(const Event& event);

  // Whether a transaction is open behind the last event.
  bool inside() const { return inside_; }
  // The open or else the newest transaction.
  const Transaction& transaction() const { return transaction_; }
  // Whether the last event showed that the transaction before it was never completed. It is then the event
  // that begins the next (step begin) or an outside one (file end, restart); the abandoned one is previous().
  bool abandoned() const { return abandoned_; }
  const Transaction& previous() const { return previous_; }

  // Behind the last event that left no transaction open: the newest place to resume. "" and 0 before the
  // first event.
  std::string_view boundary_file() const { return boundary_file_; }
  std::uint64_t boundary_pos() const { return boundary_pos_; }

  // When the last event was a QUERY: its content, valid as long as the event, and what it is. nullptr
  // otherwise.
  const QueryEvent* query() const { return is_query_ ? &query_ : nullptr; }
  StatementKind statement() const { return statement_; }

  // Forgets an open transaction: before a new connection sends events from a boundary again.
  void reset();

 private:
  TransactionStep feed_gtid(const Event& event);
  TransactionStep feed_query(const Event& event);
  TransactionStep feed_xa_prepare(const Event& event);
  TransactionStep feed_closed_payload(const Event& event);
  TransactionStep feed_other(const Event& event);
  TransactionStep continue_with(const Event& event);
  TransactionStep close(const Event& event, TransactionEnd end);
  TransactionStep close_xa(const Event& event, TransactionEnd end);
  void open(const Event& event);
  void abandon();
  void mark_boundary(const Event& event);

  Payloads payloads_;
  std::optional<PayloadReader> payload_reader_;  // when they are closed
  bool inside_ = false;
  bool in_group_ = false;  // behind BEGIN or XA START: a statement does not end it
  bool abandoned_ = false;
  bool is_query_ = false;
  StatementKind statement_ = StatementKind::other;
  Transaction transaction_, previous_;
  std::string boundary_file_;
  std::uint64_t boundary_pos_ = 0;
  QueryEvent query_;
  std::string query_scratch_;
};

}  // namespace cdc
