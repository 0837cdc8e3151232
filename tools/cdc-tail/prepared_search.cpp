// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/prepared_search.hpp"

#include <limits>

#include "common/binlog/payload.hpp"
#include "common/binlog/transaction.hpp"
#include "common/mysql/binlog_stream.hpp"
#include "common/mysql/position_finder.hpp"

namespace cdc::tail {

namespace {

// Keeps the rows of one transaction.
class Keeper {
 public:
  // True when the transaction is over.
  bool take(const Event& event) {
    const TransactionStep step = tracker_.feed(event);
    if (event.type() == EventType::table_map || is_rows_event(event.type())) events_.add(event);
    if (event.type() == EventType::transaction_payload) {
      payload_.open(event);
      while (const std::optional<Event> inner = payload_.next())
        if (take(*inner)) return true;
    }
    return step == TransactionStep::end || step == TransactionStep::whole;
  }
  StoredEvents events() && { return std::move(events_); }

 private:
  TransactionTracker tracker_;
  PayloadReader payload_;
  StoredEvents events_;
};

std::optional<StoredEvents> read_transaction(const BinlogPosition& begin, const ConnectOptions& options,
                                             const WaitHook& wait) {
  DumpRequest request;
  request.position = begin;
  request.stop_at_end = true;
  BinlogStream stream(Connection(options), request, wait);
  EventReader reader;
  Keeper keeper;
  while (const std::optional<RawEvent> raw = stream.next()) {
    const Event event = reader.read(*raw);
    if (event.artificial || event.begin_pos < begin.pos) continue;  // see kFarthestDump
    if (keeper.take(event)) return std::move(keeper).events();
  }
  return std::nullopt;
}

}  // namespace

std::optional<StoredEvents> read_prepared(const XaId& xid, const BinlogPosition& commit, Server& server,
                                          const ConnectOptions& options, const WaitHook& wait) {
  PositionFinder finder(options, server.binlog_files(), GtidSet(), wait);
  constexpr auto kWholeLog = std::numeric_limits<std::uint64_t>::max();
  const FoundPrepared found = finder.find_prepared({{xid, commit}}, kWholeLog);
  const auto place = found.prepared.find(xid);
  if (place == found.prepared.end()) return std::nullopt;
  return read_transaction(place->second.begin, options, wait);
}

}  // namespace cdc::tail
