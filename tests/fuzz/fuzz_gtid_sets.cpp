// SPDX-License-Identifier: Apache-2.0
// GTID sets. The first byte chooses: one as text, one as PREVIOUS_GTIDS has it, a MariaDB list, a GTID event, or two texts
// parted by a zero. What is accepted reads back the same in every form, and obeys the laws of sets.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "common/base/error.hpp"
#include "common/binlog/gtid_events.hpp"

namespace {

using cdc::GtidSet;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const GtidSet& set) {
  require(GtidSet::parse(set.text()) == set);
  if (!set.mariadb().empty()) return;
  const std::string encoded = set.encode();
  cdc::ByteReader reader(cdc::as_bytes(encoded));
  require(GtidSet::decode(reader) == set && reader.at_end());
}

void check(const GtidSet& a, const GtidSet& b) {
  if (!a.mariadb().empty() || !b.mariadb().empty()) return;  // of a MariaDB domain the last number only is known
  const GtidSet both = a.intersection(b), all = a + b;
  require(all.contains(a) && all.contains(b) && a.contains(both) && b.contains(both));
  require((all - b) == (a - both) && !(a - b).intersects(b) && a.intersects(b) == !both.empty());
  require((a - b) + both == a && a.contains(b) == (both == b));
}

void run(std::uint8_t choice, cdc::ByteView input) {
  const std::string_view text = cdc::as_text(input);
  cdc::Event event;
  event.body = event.whole = input;
  constexpr cdc::EventType kGtids[] = {cdc::EventType::gtid, cdc::EventType::anonymous_gtid, cdc::EventType::gtid_tagged,
                                       cdc::EventType::mariadb_gtid};
  switch (choice % 5) {
    case 0:
      return check(GtidSet::parse(text));
    case 1:
    case 2:
      event.header.type = choice % 5 == 1 ? cdc::EventType::previous_gtids : cdc::EventType::mariadb_gtid_list;
      return check(decode_previous_gtids(event));
    case 3: {
      event.header.type = kGtids[choice / 5 % std::size(kGtids)];
      GtidSet set;
      set.add(decode_gtid(event).gtid);
      return check(set);
    }
    default: {
      const std::size_t end = std::min(text.find('\0'), text.size());
      const GtidSet a = GtidSet::parse(text.substr(0, end)), b = GtidSet::parse(text.substr(std::min(end + 1, text.size())));
      check(a, b);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    run(data[0], {data + 1, size - 1});
  } catch (const cdc::Error&) {
  }
  return 0;
}
