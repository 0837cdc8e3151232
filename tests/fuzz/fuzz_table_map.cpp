// SPDX-License-Identifier: Apache-2.0
// TABLE_MAP bodies, of MySQL (first byte even) and MariaDB. What is accepted is consistent: key columns exist, texts are
// UTF-8, and the cache gives the same definition again.
#include <cstdlib>

#include "common/base/text.hpp"
#include "common/binlog/table_map.hpp"

constexpr std::uint16_t kBinary = 63;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool mariadb = (data[0] & 1) != 0;
  cdc::Event event;
  event.header.type = cdc::EventType::table_map;
  event.body = event.whole = {data + 1, size - 1};
  try {
    static cdc::TextDecoder labels;  // tables of character sets take long to make
    const cdc::TableMap map = decode_table_map(event, mariadb, labels);
    for (const std::size_t index : map.primary_key)
      if (index >= map.columns.size()) std::abort();
    for (const cdc::Column& column : map.columns) {
      if (!cdc::is_valid_utf8(column.type_text)) std::abort();
      if (column.collation == 0 || column.collation == kBinary) continue;  // labels are bytes
      for (const std::string& label : column.labels)
        if (!cdc::is_valid_utf8(label)) std::abort();
    }
    static cdc::TableMapCache caches[2];
    cdc::TableMapCache& cache = caches[mariadb ? 1 : 0];
    const auto first = cache.add(event, mariadb);
    if (*first != map || cache.add(event, mariadb) != first || map.table_id != table_map_id(event)) std::abort();
  } catch (const cdc::Error&) {
  }
  return 0;
}
