// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/label_memory.hpp"

namespace cdc::load {

std::optional<std::chrono::seconds> LabelMemory::committed(const std::string& db, Clock::time_point now) {
  const auto [it, is_new] = databases_.try_emplace(db, Database{now, 0, false});
  Database& database = it->second;
  if (database.told || is_new) return std::nullopt;
  ++database.loads;
  const std::chrono::duration<double> took = now - database.begin;
  if (took < kWindow) return std::nullopt;
  const double seconds = static_cast<double>(kept_()) * took.count() / static_cast<double>(database.loads);
  database = {now, 0, seconds < std::chrono::duration<double>(kEnough).count()};
  if (!database.told) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(seconds));
}

}  // namespace cdc::load
