// SPDX-License-Identifier: Apache-2.0
// A whole binlog: as a file when it begins with a file's magic, else as a server's dump. Frames, transactions, payloads,
// and every body that has a decoder, down to the values of rows. Positions never go back within a file, and what was
// decompressed is checked like the rest.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "common/binlog/ddl.hpp"
#include "common/binlog/event_bodies.hpp"
#include "common/binlog/gtid_events.hpp"
#include "common/binlog/payload.hpp"
#include "common/binlog/rows.hpp"
#include "common/binlog/table_map.hpp"
#include "common/binlog/transaction.hpp"

namespace {

using cdc::Event;
using cdc::EventType;

class Decoder {
 public:
  void event(const Event& event, bool mariadb) {
    if (event.begin_pos > event.end_pos || event.body.size() > event.whole.size()) std::abort();
    tracker_.feed(event);
    try {
      body(event, mariadb);
    } catch (const cdc::Error&) {  // the next event does not depend on it
    }
  }

 private:
  void body(const Event& event, bool mariadb) {
    switch (event.type()) {
      case EventType::query:
      case EventType::execute_load_query:
      case EventType::mariadb_query_compressed: {
        const cdc::QueryEvent query = decode_query(event, scratch_);
        cdc::parse_ddl(query.sql, query.db, query.sql_mode);
        break;
      }
      case EventType::gtid:
      case EventType::anonymous_gtid:
      case EventType::gtid_tagged:
      case EventType::mariadb_gtid:
        decode_gtid(event);
        break;
      case EventType::previous_gtids:
      case EventType::mariadb_gtid_list:
        decode_previous_gtids(event);
        break;
      case EventType::rotate:
        decode_rotate(event);
        break;
      case EventType::incident:
        decode_incident(event);
        break;
      case EventType::table_map:
        maps_.add(event, mariadb);
        break;
      default:
        if (is_rows_event(event.type())) rows(event);
    }
  }

  void rows(const Event& event) {
    const cdc::RowsEvent rows(event);
    const auto* map = maps_.find(rows.table_id());
    if (map == nullptr) return;
    cdc::RowCursor cursor(rows, (*map)->columns, context_);
    std::uint64_t count = 0;
    for (cdc::RowImages images; cursor.next(images);) ++count;
    if (count_rows(rows, (*map)->columns) != count) std::abort();
  }

  cdc::TransactionTracker tracker_;
  cdc::TableMapCache maps_;
  static inline cdc::DecodeContext context_{cdc::BadText::replace};  // tables of character sets take long to make
  std::string scratch_;
};

// The next event's bytes by its own length, as far as there are any.
cdc::ByteView cut(cdc::ByteView& rest) {
  std::size_t size = rest.size();
  if (size >= cdc::EventHeader::kSize) {
    std::uint32_t claimed = 0;
    for (std::size_t i = 4; i-- > 0;) claimed = claimed << 8 | std::uint32_t{rest[9 + i]};
    size = std::min(size, std::max<std::size_t>(claimed, cdc::EventHeader::kSize));
  }
  const cdc::ByteView event = rest.first(size);
  rest = rest.subspan(size);
  return event;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cdc::ByteView rest(data, size);
  const bool is_file = size >= 4 && data[0] == 0xfe && data[1] == 'b' && data[2] == 'i' && data[3] == 'n';
  if (is_file) rest = rest.subspan(4);
  cdc::EventReader reader(false);
  cdc::PayloadReader payload;
  Decoder decoder;
  try {
    for (bool first = is_file; !rest.empty(); first = false) {
      cdc::RawEvent raw{cut(rest), {}, 0};
      if (first) raw.starts_file = "binlog.000001", raw.starts_pos = 4;
      const Event event = reader.read(raw);
      decoder.event(event, reader.format().mariadb);
      if (event.type() != EventType::transaction_payload) continue;
      payload.open(event);
      while (const std::optional<Event> inner = payload.next()) decoder.event(*inner, reader.format().mariadb);
    }
  } catch (const cdc::Error&) {
  }
  return 0;
}
