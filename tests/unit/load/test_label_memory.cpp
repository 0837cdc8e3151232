// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tools/cdc-load/label_memory.hpp"

using cdc::load::LabelMemory;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// What is told in five minutes of loads with that pause between them.
std::vector<std::int64_t> told(milliseconds pause, std::uint64_t kept, const std::vector<const char*>& dbs = {"ods"}) {
  LabelMemory memory([=] { return kept; });
  std::vector<std::int64_t> found;
  LabelMemory::Clock::time_point now{seconds(1000)};
  for (milliseconds passed{0}; passed < seconds(300); passed += pause, now += pause)
    for (const char* db : dbs)
      if (const auto remembered = memory.committed(db, now)) found.push_back(remembered->count());
  return found;
}

}  // namespace

TEST_CASE("loads that come so fast that StarRocks forgets them in minutes are told once") {
  CHECK(told(milliseconds(500), 1000) == std::vector<std::int64_t>{500});  // 1000 labels at 2 a second
  CHECK(told(milliseconds(50), 1000) == std::vector<std::int64_t>{50});
  CHECK(told(milliseconds(50), 100'000).empty());
  CHECK(told(seconds(1), 1000).empty());
  CHECK(told(milliseconds(500), 1000, {"a", "b"}) == std::vector<std::int64_t>{500, 500});  // each has its own
}

TEST_CASE("a short backlog is not a rate") {
  LabelMemory memory([]() -> std::uint64_t { throw std::logic_error("not asked"); });
  LabelMemory::Clock::time_point now{seconds(1000)};
  for (int i = 0; i < 5000; ++i) CHECK_FALSE(memory.committed("ods", now += milliseconds(10)).has_value());
}
