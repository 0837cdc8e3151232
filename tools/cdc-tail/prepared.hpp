// SPDX-License-Identifier: Apache-2.0
// XA transactions between XA PREPARE and XA COMMIT. Their rows are told when they commit, so their TABLE_MAP
// and rows events are kept until then: in memory, and beyond a few MB in a file that has no name and dies
// with the process.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/base/fd.hpp"
#include "common/binlog/event.hpp"
#include "common/binlog/event_bodies.hpp"
#include "common/model/gtid.hpp"

namespace cdc::tail {

// Events of one transaction, copied.
class StoredEvents {
 public:
  void add(const Event& event);
  // Hands out the events in order: type, body, file and begin_pos are as they were; they live until the call
  // returns.
  void replay(const std::function<void(const Event&)>& handle);
  bool empty() const { return bytes_.empty() && !spill_; }

 private:
  void spill();
  bool read_record(std::uint64_t& offset, std::string& record);

  std::string file_;   // a transaction lies in one binlog file
  std::string bytes_;  // records; the tail of them when there is a spill file
  UniqueFd spill_;
  std::uint64_t spilled_ = 0;  // bytes in the file
};

struct PreparedTransaction {
  Gtid gtid;  // of the XA PREPARE; counts as executed only when the transaction ends
  StoredEvents events;
};

using PreparedTransactions = std::map<XaId, PreparedTransaction>;

}  // namespace cdc::tail
