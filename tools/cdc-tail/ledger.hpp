// SPDX-License-Identifier: Apache-2.0
// Ledger: the complete set of executed transactions, and the part of it that no boundary record has told yet.
// A transaction costs the same however large the set is, and nothing is allocated while numbers run on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/gtid.hpp"

namespace cdc::tail {

// Prints GTIDs into strings that keep their memory.
class GtidPrinter {
 public:
  void assign(std::string& out, const Gtid& gtid);
  // "source:first-last", or without "-last" when that is `first`.
  void assign_range(std::string& out, const GtidSource& source, std::uint64_t first, std::uint64_t last);

 private:
  GtidSource source_;
  std::string prefix_;  // "uuid[:tag]:" of source_; "" before the first
};

class Ledger {
 public:
  explicit Ledger(GtidSet executed) : executed_(std::move(executed)) {}

  // A transaction has ended and counts as executed. Anonymous ones are ignored.
  void complete(const Gtid& gtid);
  // Executed elsewhere, never to be seen in the stream.
  void complete(const GtidSet& gtids);
  // Text of all that was completed since the last call.
  void take(std::string& out);
  bool has_untold() const { return !untold_.empty() || run_untold_ <= run_.end; }

  const GtidSet& executed();

 private:
  void close_run();

  GtidSet executed_, untold_;  // without run_
  // The newest transactions while they come in order from one source: first and last number, both included.
  GtidSource run_source_;
  GnoInterval run_{1, 0};
  std::uint64_t run_untold_ = 1;  // first number of the run that was not told; run_.end + 1: none
  GtidPrinter printer_;
};

}  // namespace cdc::tail
