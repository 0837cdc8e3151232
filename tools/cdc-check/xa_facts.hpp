// SPDX-License-Identifier: Apache-2.0
// XA transactions that are prepared before a position and end behind it, or have not ended yet: whoever
// starts there gets their XA COMMIT without their rows, which are logged with the XA PREPARE (MySQL from 5.7,
// MariaDB from 10.5 on). They are known from the position's own file, which is read up to it anyway, from XA
// RECOVER, and from those that end behind the position without having been prepared there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/binlog/transaction.hpp"

namespace cdc {
class PositionFinder;
}

namespace cdc::check {

struct ServerFacts;
struct PositionFacts;
struct TablesFacts;

// What the log behind the position does to them.
struct XaBehind {
  struct End {
    BinlogPosition place;
    bool committed = false;
  };
  std::map<XaId, End> ended;  // not prepared behind the position
  PreparedXas prepared;       // there, and not ended in what was read
  // Takes in a transaction that has ended.
  void follow(const Transaction& transaction);
};

struct OpenXa {
  enum class Fate { unknown, open, committed, rolled_back };
  Fate fate = Fate::unknown;
  std::optional<PreparedXa> prepared;  // nullopt: not in what was read of the log
};

struct XaFacts {
  std::map<XaId, OpenXa> open;  // at the position
  bool log_searched = true;     // to its beginning for those that have no place
  std::string unknown;          // why there may be more; "" when all are known
};

// Whether the server logs XA PREPAREs.
bool logs_xa_prepare(const ServerFacts& server);
// Whether XA transactions may have ended, or been prepared, behind the position: false when the server has
// counted no such statement since then.
bool may_have_xas_behind(const ServerFacts& server, const PositionFacts& position);
// Puts position.xa together; begins to read no file of the log more once `limit` bytes were read.
void gather_xas(const ServerFacts& server, const TablesFacts& tables, std::uint64_t limit,
                PositionFinder& finder, PositionFacts& position);

}  // namespace cdc::check
