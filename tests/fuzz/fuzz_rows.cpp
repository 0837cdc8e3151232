// SPDX-License-Identifier: Apache-2.0
// Rows events over tables of any columns: the first bytes choose event type and columns, the rest is the
// event's body. What can be decoded can be counted, and gives as many rows.
#include <cstdlib>
#include <iterator>
#include <vector>

#include "common/base/text.hpp"
#include "common/binlog/rows.hpp"

namespace {

using cdc::Column;
using cdc::EventType;

constexpr EventType kTypes[] = {EventType::write_rows,     EventType::update_rows,
                                EventType::delete_rows,    EventType::partial_update_rows,
                                EventType::update_rows_v1, EventType::mariadb_write_rows_compressed_v1,
                                EventType::write_rows_v1};
constexpr std::uint16_t kCollations[] = {0, 63, 255, 8, 28, 54, 248, 12};

Column column_from(cdc::ByteReader& reader) {
  Column column;
  column.type = static_cast<cdc::ColumnType>(reader.u8());
  column.meta = reader.u16();
  const std::uint8_t rest = reader.u8();
  column.collation = kCollations[rest % 8];
  column.is_unsigned = (rest & 8) != 0;
  if ((rest & 16) != 0) column.labels = {"a", "b", "c"};
  if ((rest & 32) != 0) column.type_text = "inet6";
  return column;
}

std::uint64_t decode_all(const cdc::RowsEvent& rows, const std::vector<Column>& columns,
                         cdc::DecodeContext& context) {
  cdc::RowCursor cursor(rows, columns, context);
  std::uint64_t count = 0;
  for (cdc::RowImages images; cursor.next(images); ++count)
    for (const auto image : {images.before, images.after})
      for (const cdc::Value& value : image)
        if (value.kind == cdc::Value::Kind::text && !cdc::is_valid_utf8(value.text)) std::abort();
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static cdc::DecodeContext contexts[2]{cdc::DecodeContext(cdc::BadText::refuse),
                                        cdc::DecodeContext(cdc::BadText::replace)};
  try {
    cdc::ByteReader reader({data, size});
    const std::uint8_t choice = reader.u8();
    std::vector<Column> columns(reader.u8() % 16U);
    for (Column& column : columns) column = column_from(reader);
    cdc::Event event;
    event.header.type = kTypes[choice % std::size(kTypes)];
    event.body = reader.rest();
    const cdc::RowsEvent rows(event);
    const std::uint64_t count = decode_all(rows, columns, contexts[choice >> 7]);
    if (cdc::count_rows(rows, columns) != count) std::abort();
  } catch (const cdc::Error&) {
  }
  return 0;
}
