// SPDX-License-Identifier: Apache-2.0
// GTID sets of many intervals: what a transaction, a comparison and the text cost as the set grows.
#include <benchmark/benchmark.h>

#include <string>

#include "common/model/gtid.hpp"

namespace {

cdc::GtidSource source() {
  return cdc::Gtid::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1")->mysql.source;
}

// Every second number up to 2 * `intervals`.
cdc::GtidSet holes(std::int64_t intervals) {
  cdc::GtidSet set;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(intervals); ++i)
    set.add(source(), {2 * i + 1, 2 * i + 2});
  return set;
}

void gtid_add_in_order(benchmark::State& state) {
  cdc::GtidSet set = holes(state.range(0));
  const cdc::GtidSource from = source();
  std::uint64_t next = 2 * static_cast<std::uint64_t>(state.range(0)) + 1;
  for (auto _ : state) {
    set.add(from, {next, next + 1});
    ++next;
  }
}
BENCHMARK(gtid_add_in_order)->Arg(1)->Arg(100'000);

void gtid_contains(benchmark::State& state) {
  const cdc::GtidSet set = holes(state.range(0));
  cdc::Gtid gtid = cdc::Gtid::of(source(), 1);
  for (auto _ : state) {
    gtid.mysql.gno = gtid.mysql.gno * 6364136223846793005U % 200'003 + 1;
    benchmark::DoNotOptimize(set.contains(gtid));
  }
}
BENCHMARK(gtid_contains)->Arg(1)->Arg(100'000);

void gtid_text(benchmark::State& state) {
  const cdc::GtidSet set = holes(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(set.text());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(gtid_text)->Arg(100'000);

void gtid_parse(benchmark::State& state) {
  const std::string text = holes(state.range(0)).text();
  for (auto _ : state) benchmark::DoNotOptimize(cdc::GtidSet::parse(text));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(gtid_parse)->Arg(100'000);

}  // namespace
