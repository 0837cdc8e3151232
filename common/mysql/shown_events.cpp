// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "common/base/text.hpp"
#include "common/mysql/position_scan.hpp"

namespace cdc {
namespace {

// One row of SHOW BINLOG EVENTS; views live as long as the row.
struct ShownEvent {
  std::uint64_t begin, end;
  std::string_view type, info;

  bool begins_transaction() const {
    return type == "Gtid" || type == "Anonymous_Gtid" || type.starts_with("Gtid_tagged");
  }
  bool is_outside() const {
    return type == "Format_desc" || type == "Previous_gtids" || type == "Rotate" || type == "Stop";
  }
};

class ShownScan {
 public:
  explicit ShownScan(const BinlogPosition& position) {
    result_.position = position;
    result_.after = position.pos;
  }

  void feed(const ShownEvent& event) {
    if (event.begins_transaction() || event.is_outside()) close(event.begin);
    if (event.type == "Previous_gtids") result_.gtid_set = GtidSet::parse(event.info);
    if (event.begins_transaction()) open(event);
    if (open_) note_xa(event);
    if (event.begin < pos() && pos() < event.end) {
      result_.place = Place::inside_event;
      result_.event_begin = event.begin;
      result_.event_type = event.type;
      result_.before = event.begin;  // moved to the transaction's begin when it ends
      result_.after = event.end;
    } else if (event.is_outside() && event.end <= pos()) {
      result_.before = event.end;
    }
    last_end_ = event.end;
  }

  PositionScan finish() {
    close(last_end_);
    result_.file_end = last_end_;
    if (pos() < 4) {
      result_.place = Place::before_start;
    } else if (pos() > last_end_) {
      result_.place = Place::behind_end;
      result_.after.reset();
    }
    return std::move(result_);
  }

  std::uint64_t& bytes_read() { return result_.bytes_read; }

 private:
  std::uint64_t pos() const { return result_.position.pos; }

  void open(const ShownEvent& event) {
    Transaction transaction;
    transaction.has_gtid_event = true;
    transaction.file = result_.position.file;
    transaction.begin_pos = event.begin;
    // SET @@SESSION.GTID_NEXT= 'ANONYMOUS'
    const std::size_t quote = event.info.find('\'');
    if (quote != std::string_view::npos)
      if (const auto gtid = Gtid::parse(event.info.substr(quote + 1, event.info.size() - quote - 2)))
        transaction.gtid = *gtid;
    open_ = std::move(transaction);
  }

  void note_xa(const ShownEvent& event) {
    if (event.type != "XA_prepare" && event.type != "Query") return;
    bool one_phase = false;
    const StatementKind kind = classify_statement(event.info);
    std::optional<XaId> xid = parse_xa_id(event.info, &one_phase);
    if (!xid || one_phase) return;
    if (kind == StatementKind::xa_prepare) {
      open_->end = TransactionEnd::xa_prepare;
    } else if (kind == StatementKind::xa_commit) {
      open_->end = TransactionEnd::xa_commit;
    } else if (kind == StatementKind::xa_rollback) {
      open_->end = TransactionEnd::xa_rollback;
    } else {
      return;
    }
    open_->xid = std::move(xid);
  }

  // A transaction ends where the next event outside of it begins.
  void close(std::uint64_t end) {
    if (!open_) return;
    Transaction transaction = *std::exchange(open_, std::nullopt);
    transaction.end_pos = end;
    if (end <= pos()) {
      count(transaction);
      result_.before = end;
    } else if (transaction.begin_pos < pos()) {
      if (result_.place == Place::boundary) result_.place = Place::inside_transaction;
      result_.before = transaction.begin_pos;
      result_.after = end;
      result_.open = std::move(transaction);
    } else if (!result_.next) {
      result_.next = std::move(transaction);
    }
  }

  void count(const Transaction& transaction) {
    follow_prepared(transaction, result_.prepared);
    if (transaction.gtid.empty()) {
      ++result_.anonymous;
      return;
    }
    result_.seen.add(transaction.gtid);
    if (!result_.gtid_set) result_.gtid_set.emplace();
    result_.gtid_set->add(transaction.gtid);
  }

  PositionScan result_;
  std::optional<Transaction> open_;
  std::uint64_t last_end_ = 4;
};

}  // namespace

PositionScan scan_shown_events(Connection& connection, const BinlogPosition& position) {
  ShownScan scan(position);
  const std::string sql = "SHOW BINLOG EVENTS IN " + connection.quote(position.file);
  connection.query_stream(sql, [&](Connection::RowView row) {
    for (const auto& field : row) scan.bytes_read() += field.value_or("").size();
    const auto number = [&](std::size_t column) { return parse_uint(row[column].value_or("")).value_or(0); };
    // Log_name, Pos, Event_type, Server_id, End_log_pos, Info
    scan.feed({number(1), number(4), row[2].value_or(""), row[5].value_or("")});
  });
  return scan.finish();
}

namespace {

constexpr unsigned kFatalErrorReadingBinlog = 1236;

}  // namespace

bool is_missing_file(const ServerError& error) {
  return error.number() == kFatalErrorReadingBinlog &&
         error.message().find("Could not open log file") != std::string::npos;
}

bool is_refused_kind(const ServerError& error) {
  const std::string& text = error.message();
  return error.number() == kFatalErrorReadingBinlog &&
         (text.find("Cannot replicate anonymous transaction") != std::string::npos ||
          text.find("Cannot replicate GTID-transaction") != std::string::npos);
}

}  // namespace cdc
