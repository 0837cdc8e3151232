// SPDX-License-Identifier: Apache-2.0
// Row decoding alone, in bytes of rows a second: sysbench rows (two INT, CHAR(120), CHAR(60), utf8mb4) and
// rows with a DECIMAL, temporals and a document.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "common/binlog/rows.hpp"

namespace {

using cdc::Column;
using cdc::ColumnType;

Column column_of(ColumnType type, std::uint32_t meta = 0, std::uint16_t collation = 0) {
  Column column;
  column.type = type;
  column.meta = meta;
  column.collation = collation;
  return column;
}

struct Rows {
  std::vector<Column> columns;
  std::string row;  // null bitmap and values
};

Rows sysbench_rows() {
  const std::string c =
      "83868641912-28773972837-60736120486-75162659906-27563526494-20381887404-41576422241-93426793964-"
      "56405065102-33518432330";
  const std::string pad = "67847967377-48000963322-62604785301-91415491898-96926520291";
  Rows rows{{column_of(ColumnType::long_int), column_of(ColumnType::long_int),
             column_of(ColumnType::string, 480, 255), column_of(ColumnType::string, 240, 255)},
            {}};
  rows.row = std::string("\xf0\x01\0\0\0\x39\x30\0\0", 9) + static_cast<char>(c.size()) + '\0' + c +
             static_cast<char>(pad.size()) + pad;
  return rows;
}

Rows document_rows() {
  Rows rows{{column_of(ColumnType::longlong), column_of(ColumnType::newdecimal, 12 << 8 | 2),
             column_of(ColumnType::datetime2, 6), column_of(ColumnType::timestamp2),
             column_of(ColumnType::json, 4)},
            {}};
  // {"sku": "SKU-123", "qty": 7, "tags": [1, "a"]}, offsets as in sql-common/json_binary.h.
  std::string document(
      "\0\x03\0\x3d\0\x19\0\x03\0\x1c\0\x03\0\x1f\0\x04\0\x05\x07\0\x0c\x23\0\x02\x2b\0qtyskutags\x07SKU-123"
      "\x02\0\x0d\0\x05\x01\0\x0c\x0a\0\x01"
      "a",
      1 + 0x39);
  document[3] = static_cast<char>(document.size() - 1);
  rows.row = std::string(
                 "\xe0\x01\0\0\0\0\0\0\0\x80\0\0\x7b\x2d\x05\x99\xb2\xba\xc8\xb8\x01\xe2\x40\x66\0\0\0", 27) +
             static_cast<char>(document.size()) + std::string(3, '\0') + document;
  return rows;
}

std::string insert_of(const Rows& rows, int count) {
  std::string body("\x01\0\0\0\0\0\x01\0\x02\0", 10);
  body += static_cast<char>(rows.columns.size());
  body += '\xff';
  for (int i = 0; i < count; ++i) body += rows.row;
  return body;
}

void run(benchmark::State& state, const Rows& rows, bool decode) {
  const std::string body = insert_of(rows, static_cast<int>(state.range(0)));
  cdc::Event event;
  event.header.type = cdc::EventType::write_rows;
  event.body = cdc::as_bytes(body);
  cdc::DecodeContext context;
  for (auto _ : state) {
    const cdc::RowsEvent parsed(event);
    if (decode) {
      cdc::RowCursor cursor(parsed, rows.columns, context);
      for (cdc::RowImages images; cursor.next(images);) benchmark::DoNotOptimize(images.after.data());
    } else {
      benchmark::DoNotOptimize(cdc::count_rows(parsed, rows.columns));
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void decode_sysbench(benchmark::State& state) {
  run(state, sysbench_rows(), true);
}
void count_sysbench(benchmark::State& state) {
  run(state, sysbench_rows(), false);
}
void decode_documents(benchmark::State& state) {
  run(state, document_rows(), true);
}

BENCHMARK(decode_sysbench)->Arg(1)->Arg(40);
BENCHMARK(count_sysbench)->Arg(40);
BENCHMARK(decode_documents)->Arg(40);

}  // namespace
