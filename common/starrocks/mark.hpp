// SPDX-License-Identifier: Apache-2.0
// What a mark (common/model/checkpoint.hpp) says of a transaction: that the table has all of it, its changes up to one
// of them, or nothing. A table may have parts of several transactions, when another server tells them in another order.
#pragma once

#include <cstdint>
#include <string>

#include "common/model/checkpoint.hpp"

namespace cdc::starrocks {

// Who made a change: the transaction's GTID or, without GTIDs, where it begins.
struct TransactionId {
  Gtid gtid;
  BinlogPosition begin;
  bool operator==(const TransactionId&) const = default;
  std::string text() const { return gtid.empty() ? begin.text() : gtid.text(); }
};

bool is(const OpenTransaction& open, const TransactionId& id);
TransactionId id_of(const OpenTransaction& open);

// Whether the mark has all of the transaction.
bool contains(const Mark& mark, const TransactionId& id);
// The part of the transaction that the mark has, nullptr when there is none of its own; valid until the mark changes.
const OpenTransaction* find_part(const Mark& mark, const TransactionId& id);
// The mark has the transaction's changes up to `seq` at least. Nothing when it has all of them.
void add_part(Mark& mark, const TransactionId& id, std::uint64_t seq);
// Takes out the parts of transactions of which the mark has all.
void drop_contained_parts(Mark& mark);

}  // namespace cdc::starrocks
