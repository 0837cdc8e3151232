// SPDX-License-Identifier: Apache-2.0
// Change records: rows to native lines, single values to JSON, and lines back to records.
#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/json/native_writer.hpp"
#include "common/json/record_reader.hpp"

namespace {

using cdc::Value;

cdc::RowsContext make_context(std::size_t columns) {
  auto schema = std::make_shared<cdc::TableSchema>();
  schema->name = {"shop", "orders"};
  for (std::size_t i = 0; i < columns; ++i) {
    cdc::Column column;
    column.name = "column_" + std::to_string(i);
    schema->columns.push_back(column);
  }
  cdc::RowsContext context;
  context.serial = 1;
  context.table = schema;
  context.gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:4711";
  context.ts_ms = 1'795'265'424'242;
  context.file = "binlog.000042";
  context.pos = 4'010'690;
  return context;
}

std::vector<Value> make_row() {
  Value date;
  date.kind = Value::Kind::datetime;
  date.fsp = 6;
  date.temporal = {2026, 13, 1, 2, 14, 15, 123'456};
  return {Value::of_int(4711),
          Value::of_text(Value::Kind::text, "A-2026-000004711"),
          Value::of_text(Value::Kind::decimal, "1234.50"),
          date,
          Value::of_null(),
          Value::of_double(0.1429),
          Value::of_text(Value::Kind::text, "order \"7\"; leave at the door, or with the neighbours"),
          Value::of_text(Value::Kind::json, R"({"sku": "SKU-7", "tags": ["a", "b"]})")};
}

void write_rows(benchmark::State& state) {
  const std::vector<Value> row = make_row();
  const cdc::RowsContext context = make_context(row.size());
  cdc::OutBuffer out;
  cdc::NativeWriter writer(out, {});
  std::int64_t bytes = 0;
  for (auto _ : state) {
    out.clear();
    writer.insert(context, 0, row);
    bytes += static_cast<std::int64_t>(out.size());
  }
  state.SetBytesProcessed(bytes);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(write_rows);

void write_double(benchmark::State& state, double number) {
  cdc::OutBuffer out;
  for (auto _ : state) {
    out.clear();
    cdc::append_double(out, number);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK_CAPTURE(write_double, short, 80.69);
BENCHMARK_CAPTURE(write_double, long, 1.0 / 3);

void write_string(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  cdc::OutBuffer out;
  for (auto _ : state) {
    out.clear();
    cdc::append_json_string(out, text);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_string)->Arg(2)->Arg(7)->Arg(15)->Arg(100);

void read_lines(benchmark::State& state) {
  const std::vector<Value> row = make_row();
  const cdc::RowsContext context = make_context(row.size());
  cdc::OutBuffer out;
  cdc::NativeWriter writer(out, {});
  for (std::uint64_t seq = 0; seq < 10'000; ++seq) writer.insert(context, seq, row);
  const cdc::UniqueFd file(memfd_create("records", MFD_CLOEXEC));
  cdc::write_all(file.get(), out.view(), "records");
  for (auto _ : state) {
    lseek(file.get(), 0, SEEK_SET);
    cdc::RecordReader reader(file.get(), "records");
    while (reader.fill()) {
      while (const cdc::RecordView* record = reader.next()) benchmark::DoNotOptimize(record->fields.data());
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
  state.SetItemsProcessed(state.iterations() * 10'000);
}
BENCHMARK(read_lines);

}  // namespace
