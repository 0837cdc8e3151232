// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/position_scan.hpp"

#include <algorithm>

#include "common/binlog/gtid_events.hpp"

namespace cdc {
namespace {

bool begins(TransactionStep step) {
  return step == TransactionStep::begin || step == TransactionStep::whole;
}
bool ends(TransactionStep step) {
  return step == TransactionStep::end || step == TransactionStep::whole;
}

bool is_previous_set(EventType type) {
  return type == EventType::previous_gtids || type == EventType::mariadb_gtid_list;
}

template <typename Function>
auto with_place(const Event& event, Function&& function) {
  try {
    return function();
  } catch (Error& error) {
    throw error.add_context(event.place());
  }
}

// The real events of the first file of a source: the dump thread's own are left out, later files end it.
class FileEvents {
 public:
  explicit FileEvents(EventSource& source) : source_(source) {}

  std::optional<Event> next() {
    while (std::optional<RawEvent> raw = source_.next()) {
      bytes_read_ += raw->bytes.size();
      const Event event = reader_.read(*raw);
      if (file_.empty()) file_ = event.file;
      if (!file_.empty() && reader_.file() != file_ && event.type() != EventType::rotate) break;
      if (event.artificial) continue;
      return event;
    }
    return std::nullopt;
  }
  std::uint64_t bytes_read() const { return bytes_read_; }
  const FormatDescription& format() const { return reader_.format(); }

 private:
  EventSource& source_;
  EventReader reader_;
  std::string file_;
  std::uint64_t bytes_read_ = 0;
};

class Scan {
 public:
  Scan(EventSource& source, const BinlogPosition& position) : events_(source) { result_.position = position; }

  PositionScan run() {
    while (!done_) {
      const std::optional<Event> event = events_.next();
      if (!event) {
        at_file_end();
        break;
      }
      with_place(*event, [&] { step(*event); });
      last_end_ = event->end_pos;
    }
    if (pos() < 4) result_.place = Place::before_start;
    result_.bytes_read = events_.bytes_read();
    return std::move(result_);
  }

 private:
  std::uint64_t pos() const { return result_.position.pos; }

  void step(const Event& event) {
    const bool was_inside = tracker_.inside();
    const std::uint64_t open_since = tracker_.transaction().begin_pos;
    const TransactionStep step = tracker_.feed(event);
    if (is_previous_set(event.type())) result_.gtid_set = decode_previous_gtids(event);
    const bool inside = was_inside && !tracker_.abandoned();
    if (!crossed_ && event.end_pos > pos()) cross(event, inside, inside ? open_since : event.begin_pos);
    if (!crossed_) {
      if (ends(step)) count(tracker_.transaction());
      return;
    }
    look_behind(event, step);
  }

  // `event` is the first one that ends behind the position.
  void cross(const Event& event, bool was_inside, std::uint64_t boundary) {
    crossed_ = true;
    result_.before = boundary;
    if (last_end_ < pos() && pos() < event.begin_pos) {
      // MariaDB leaves ANNOTATE_ROWS out of a dump unless it is asked for.
      result_.place = Place::inside_event;
      result_.event_begin = last_end_;
      result_.event_type = "unsent";
      open_ = was_inside;
    } else if (event.begin_pos < pos()) {
      result_.place = Place::inside_event;
      result_.event_begin = event.begin_pos;
      result_.event_type = event_type_name(event.type());
      // A position in the first event of a transaction is inside that transaction, too.
      open_ = was_inside || tracker_.inside();
    } else if (was_inside) {
      result_.place = Place::inside_transaction;
      open_ = true;
    } else {
      result_.after = pos();
    }
  }

  // The position is behind us: the end of the open transaction and the beginning of the next are wanted.
  void look_behind(const Event& event, TransactionStep step) {
    if (open_) {
      if (tracker_.abandoned()) {
        result_.open = tracker_.previous();
        open_ = false;
      } else {
        result_.open = tracker_.transaction();
        const std::uint64_t length = result_.open->length;
        if (ends(step) || length > 0) {
          result_.after = ends(step) ? event.end_pos : result_.open->begin_pos + length;
          done_ = true;
        }
        return;
      }
    }
    if (!result_.after && !tracker_.inside()) result_.after = event.end_pos;
    if (begins(step) && event.begin_pos >= pos()) {
      result_.next = tracker_.transaction();
      done_ = true;
    }
  }

  void at_file_end() {
    result_.file_end = last_end_;
    if (crossed_) return;
    const bool inside = tracker_.inside();
    result_.before = inside ? tracker_.transaction().begin_pos : last_end_;
    if (pos() > last_end_) {
      result_.place = Place::behind_end;
    } else if (inside) {
      result_.place = Place::inside_transaction;
      result_.open = tracker_.transaction();
    } else {
      result_.after = pos();
    }
  }

  void count(const Transaction& transaction) {
    result_.last_commit_ms = transaction.commit_ms;
    follow_prepared(transaction, result_.prepared);
    if (transaction.gtid.empty()) {
      ++result_.anonymous;
      return;
    }
    result_.seen.add(transaction.gtid);
    if (!result_.gtid_set) result_.gtid_set.emplace();
    result_.gtid_set->add(transaction.gtid);
  }

  FileEvents events_;
  TransactionTracker tracker_{TransactionTracker::Payloads::closed};
  PositionScan result_;
  std::uint64_t last_end_ = 4;
  bool crossed_ = false;  // an event ended behind the position
  bool open_ = false;     // the position is inside the open transaction
  bool done_ = false;
};

}  // namespace

PositionScan scan_position(EventSource& source, const BinlogPosition& position) {
  return Scan(source, position).run();
}

GtidSet without_prepared(GtidSet executed, const PreparedXas& prepared) {
  GtidSet open;
  for (const auto& [xid, transaction] : prepared)
    if (transaction.gtid.kind == Gtid::Kind::mysql) open.add(transaction.gtid);
  executed.subtract(open);
  return executed;
}

void scan_file_start(EventSource& source, FileStart& start) {
  FileEvents events(source);
  TransactionTracker tracker(TransactionTracker::Payloads::closed);
  while (const std::optional<Event> event = events.next()) {
    start.bytes_read = events.bytes_read();
    const TransactionStep step = with_place(*event, [&] { return tracker.feed(*event); });
    if (event->type() == EventType::format_description) {
      start.created_s = event->header.timestamp;
      start.format = events.format();
    }
    if (is_previous_set(event->type()))
      start.previous_gtids = with_place(*event, [&] { return decode_previous_gtids(*event); });
    if (begins(step)) {
      start.first_commit_ms = tracker.transaction().commit_ms;
      break;
    }
  }
}

void find_transaction(EventSource& source, const std::function<bool(const Transaction&)>& wanted,
                      FoundPlace& place) {
  EventReader reader;
  TransactionTracker tracker(TransactionTracker::Payloads::closed);
  while (const std::optional<RawEvent> raw = source.next()) {
    place.bytes_read += raw->bytes.size();
    const Event event = reader.read(*raw);
    if (event.artificial) continue;
    const TransactionStep step = with_place(event, [&] { return tracker.feed(event); });
    if (is_previous_set(event.type()))
      place.gtid_set = with_place(event, [&] { return decode_previous_gtids(event); });
    if (begins(step)) {
      place.position = {std::string(event.file), event.begin_pos};
      if (wanted(tracker.transaction())) {
        place.first = tracker.transaction();
        return;
      }
    }
    if (ends(step)) {
      place.last_commit_ms = tracker.transaction().commit_ms;
      follow_prepared(tracker.transaction(), place.prepared);
      if (const Gtid& gtid = tracker.transaction().gtid; !gtid.empty()) {
        if (!place.gtid_set) place.gtid_set.emplace();
        place.gtid_set->add(gtid);
      }
    }
    if (!tracker.inside()) place.position = {std::string(event.file), event.end_pos};
  }
}

std::uint64_t scan_prepared(EventSource& source, std::map<XaId, PreparedSearch>& searches) {
  FileEvents events(source);
  TransactionTracker tracker(TransactionTracker::Payloads::closed);
  const auto is_behind = [](const auto& search, const BinlogPosition& place) {
    return search.second.before <= place;
  };
  while (const std::optional<Event> event = events.next()) {
    const TransactionStep step = with_place(*event, [&] { return tracker.feed(*event); });
    if (!ends(step)) continue;
    const Transaction& transaction = tracker.transaction();
    const BinlogPosition begin{transaction.file, transaction.begin_pos};
    if (std::all_of(searches.begin(), searches.end(),
                    [&](const auto& search) { return is_behind(search, begin); }))
      break;
    if (!transaction.xid) continue;
    const auto found = searches.find(*transaction.xid);
    if (found == searches.end() || is_behind(*found, begin)) continue;
    PreparedSearch& search = found->second;
    if (transaction.end == TransactionEnd::xa_prepare) {
      search.prepared = PreparedXa{transaction.gtid, begin};
      search.ended = false;
    } else if (transaction.end == TransactionEnd::xa_commit ||
               transaction.end == TransactionEnd::xa_rollback) {
      search.prepared.reset();
      search.ended = true;
    }
  }
  return events.bytes_read();
}

}  // namespace cdc
