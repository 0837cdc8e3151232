// SPDX-License-Identifier: Apache-2.0
// What an event costs before its rows are looked at: frame, checksum, position, and its place in the
// transaction. The events are those of one captured single-row transaction (GTID, BEGIN, ROWS_QUERY,
// TABLE_MAP, WRITE_ROWS, XID).
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "../unit/binlog_fixture.hpp"
#include "common/binlog/table_map.hpp"
#include "common/binlog/transaction.hpp"

namespace {

enum Work { kFrame, kChecksum, kTransactions };

void BM_Events(benchmark::State& state) {
  const auto work = static_cast<Work>(state.range(0));
  cdc::fixture::File file("mysql-transactions", "binlog.000001");
  cdc::EventReader reader(work != kFrame);
  reader.read(file.next().value());
  // From the first GTID event behind which a BEGIN follows to its XID.
  std::vector<cdc::RawEvent> events;
  bool complete = false;
  while (!complete) {
    const cdc::RawEvent raw = file.next().value();
    const cdc::Event event = reader.read(raw);
    if (event.type() == cdc::EventType::gtid) events.clear();
    events.push_back(raw);
    complete = event.type() == cdc::EventType::xid;
  }
  cdc::TransactionTracker tracker;
  cdc::TableMapCache tables;
  std::size_t count = 0;
  for (auto _ : state) {
    for (const cdc::RawEvent& raw : events) {
      const cdc::Event event = reader.read(raw);
      benchmark::DoNotOptimize(event);
      if (work != kTransactions) continue;
      benchmark::DoNotOptimize(tracker.feed(event));
      if (event.type() == cdc::EventType::table_map) benchmark::DoNotOptimize(tables.add(event, false).get());
    }
    count += events.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK(BM_Events)->Arg(kFrame)->Arg(kChecksum)->Arg(kTransactions)->ArgName("frame/checksum/transactions");

}  // namespace
