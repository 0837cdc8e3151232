// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/mark.hpp"

#include <algorithm>

namespace cdc::starrocks {

bool is(const OpenTransaction& open, const TransactionId& id) {
  return id.gtid.empty() ? open.gtid.empty() && open.begin == id.begin : open.gtid == id.gtid.text();
}

TransactionId id_of(const OpenTransaction& open) {
  return {open.gtid.empty() ? Gtid() : Gtid::parse(open.gtid).value_or(Gtid()), open.begin};
}

bool contains(const Mark& mark, const TransactionId& id) {
  return id.gtid.empty() ? mark.position && id.begin < *mark.position : mark.gtids.contains(id.gtid);
}

const OpenTransaction* find_part(const Mark& mark, const TransactionId& id) {
  const auto found = std::find_if(mark.open.begin(), mark.open.end(), [&](const OpenTransaction& open) { return is(open, id); });
  return found == mark.open.end() ? nullptr : &*found;
}

void add_part(Mark& mark, const TransactionId& id, std::uint64_t seq) {
  if (contains(mark, id)) return;
  const auto found = std::find_if(mark.open.begin(), mark.open.end(), [&](const OpenTransaction& open) { return is(open, id); });
  if (found == mark.open.end()) {
    mark.open.push_back({id.gtid.text(), id.begin, seq});
  } else {
    found->seq = std::max(found->seq, seq);
  }
}

void drop_contained_parts(Mark& mark) {
  std::erase_if(mark.open, [&](const OpenTransaction& open) { return contains(mark, id_of(open)); });
}

}  // namespace cdc::starrocks
