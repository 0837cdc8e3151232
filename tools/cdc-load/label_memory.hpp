// SPDX-License-Identifier: Apache-2.0
// LabelMemory: how long StarRocks will remember the loads that are made now. It keeps the labels of so many finished
// loads of a database (label_keep_max_num), so that many tables and short batches use up its memory in minutes; a run
// that is started again later cannot ask any more how its last loads ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace cdc::load {

class LabelMemory {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kWindow{60};    // over which the rate is taken
  static constexpr std::chrono::seconds kEnough{600};

  // `kept`: how many labels of a database StarRocks keeps; asked when it matters.
  explicit LabelMemory(std::function<std::uint64_t()> kept) : kept_(std::move(kept)) {}

  // A load of a database was committed. The time for which it will be remembered if the rate of the last window goes
  // on, when that is too short; once for each database.
  std::optional<std::chrono::seconds> committed(const std::string& db, Clock::time_point now = Clock::now());

 private:
  struct Database {
    Clock::time_point begin;
    std::uint64_t loads = 0;
    bool told = false;
  };
  std::function<std::uint64_t()> kept_;
  std::map<std::string, Database> databases_;
};

}  // namespace cdc::load
