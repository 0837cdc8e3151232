// SPDX-License-Identifier: Apache-2.0
// The algebra of GTID sets; texts are in gtid_text.cpp.
#include "common/model/gtid.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

namespace cdc {

Gtid Gtid::of(GtidSource source, std::uint64_t gno) {
  Gtid gtid;
  gtid.kind = Kind::mysql;
  gtid.mysql = {std::move(source), gno};
  return gtid;
}

Gtid Gtid::of(MariadbGtid mariadb) {
  Gtid gtid;
  gtid.kind = Kind::mariadb;
  gtid.mariadb = mariadb;
  return gtid;
}

bool Gtid::operator==(const Gtid& other) const {
  if (kind != other.kind) return false;
  if (kind == Kind::mysql) return mysql.gno == other.mysql.gno && mysql.source == other.mysql.source;
  return kind == Kind::none || mariadb == other.mariadb;
}

namespace {

using Intervals = GtidSet::Intervals;

// The first interval that has a number >= gno. `Map` is Intervals, const or not.
template <typename Map>
auto find_reaching(Map& intervals, std::uint64_t gno) {
  auto it = intervals.upper_bound(gno);
  if (it != intervals.begin() && std::prev(it)->second > gno) --it;
  return it;
}

void add_interval(Intervals& intervals, GnoInterval added) {
  // The everyday case, the newest interval grows, without a search.
  if (!intervals.empty()) {
    auto newest = std::prev(intervals.end());
    if (newest->first <= added.start && added.start <= newest->second) {
      newest->second = std::max(newest->second, added.end);
      return;
    }
  }
  auto next = intervals.upper_bound(added.start);
  auto grown = next;
  if (next != intervals.begin() && std::prev(next)->second >= added.start) {
    grown = std::prev(next);
    grown->second = std::max(grown->second, added.end);
  } else {
    grown = intervals.emplace_hint(next, added.start, added.end);
  }
  while (next != intervals.end() && next->first <= grown->second) {
    grown->second = std::max(grown->second, next->second);
    next = intervals.erase(next);
  }
}

void subtract_interval(Intervals& intervals, GnoInterval removed) {
  auto it = find_reaching(intervals, removed.start);
  while (it != intervals.end() && it->first < removed.end) {
    const GnoInterval old{it->first, it->second};
    if (old.start < removed.start) {
      it->second = removed.start;
      ++it;
    } else {
      it = intervals.erase(it);
    }
    if (removed.end < old.end) {
      intervals.emplace_hint(it, removed.end, old.end);
      return;
    }
  }
}

// Whether all numbers of the interval are there: then they are in one interval, since none touch.
bool contains_interval(const Intervals& intervals, GnoInterval wanted) {
  const auto it = find_reaching(intervals, wanted.start);
  return it != intervals.end() && it->first <= wanted.start && wanted.end <= it->second;
}

bool contains_all(const Intervals& intervals, const Intervals& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& interval) {
    return contains_interval(intervals, {interval.first, interval.second});
  });
}

// Calls take(start, end) for each stretch common to both, in order, until it returns false. Costs
// O(log) of the larger for each interval of the smaller, besides the stretches themselves.
template <typename Take>
void for_each_common(const Intervals& a, const Intervals& b, Take take) {
  const Intervals& smaller = a.size() <= b.size() ? a : b;
  const Intervals& larger = a.size() <= b.size() ? b : a;
  for (const auto& [start, end] : smaller) {
    for (auto it = find_reaching(larger, start); it != larger.end() && it->first < end; ++it) {
      if (!take(std::max(start, it->first), std::min(end, it->second))) return;
    }
  }
}

}  // namespace

void GtidSet::add(const Gtid& gtid) {
  if (gtid.kind == Gtid::Kind::mysql) {
    add(gtid.mysql.source, {gtid.mysql.gno, gtid.mysql.gno + 1});
  } else if (gtid.kind == Gtid::Kind::mariadb) {
    add(gtid.mariadb);
  }
}

void GtidSet::add(const GtidSource& source, GnoInterval interval) {
  if (interval.start >= interval.end) return;
  assert(interval.start >= 1 && interval.end <= kMaxGno + 1);
  add_interval(mysql_[source], interval);
}

void GtidSet::add(const MariadbGtid& gtid) {
  const auto [it, is_new] = mariadb_.try_emplace(gtid.domain, gtid);
  if (!is_new && it->second.sequence < gtid.sequence) it->second = gtid;
}

void GtidSet::add(const GtidSet& other) {
  for (const auto& [source, intervals] : other.mysql_) {
    const auto [it, is_new] = mysql_.try_emplace(source);
    if (is_new) {
      it->second = intervals;
    } else {
      for (const auto& [start, end] : intervals) add_interval(it->second, {start, end});
    }
  }
  for (const auto& [domain, gtid] : other.mariadb_) add(gtid);
}

void GtidSet::subtract(const GtidSet& other) {
  if (this == &other) return clear();
  for (const auto& [source, intervals] : other.mysql_) {
    const auto it = mysql_.find(source);
    if (it == mysql_.end()) continue;
    for (const auto& [start, end] : intervals) subtract_interval(it->second, {start, end});
    if (it->second.empty()) mysql_.erase(it);
  }
  for (const auto& [domain, gtid] : other.mariadb_) {
    const auto it = mariadb_.find(domain);
    if (it != mariadb_.end() && it->second.sequence <= gtid.sequence) mariadb_.erase(it);
  }
}

void GtidSet::clear() {
  mysql_.clear();
  mariadb_.clear();
}

bool GtidSet::contains(const Gtid& gtid) const {
  if (gtid.kind == Gtid::Kind::mysql) {
    const auto it = mysql_.find(gtid.mysql.source);
    return it != mysql_.end() && contains_interval(it->second, {gtid.mysql.gno, gtid.mysql.gno + 1});
  }
  const auto it = mariadb_.find(gtid.mariadb.domain);
  return gtid.kind == Gtid::Kind::mariadb && it != mariadb_.end() &&
         gtid.mariadb.sequence <= it->second.sequence;
}

bool GtidSet::contains(const GtidSet& other) const {
  for (const auto& [source, intervals] : other.mysql_) {
    const auto it = mysql_.find(source);
    if (it == mysql_.end() || !contains_all(it->second, intervals)) return false;
  }
  return std::all_of(other.mariadb_.begin(), other.mariadb_.end(),
                     [&](const auto& entry) { return contains(Gtid::of(entry.second)); });
}

bool GtidSet::intersects(const GtidSet& other) const {
  bool found = false;
  for (const auto& [source, intervals] : other.mysql_) {
    const auto it = mysql_.find(source);
    if (it == mysql_.end()) continue;
    for_each_common(it->second, intervals, [&](std::uint64_t, std::uint64_t) {
      found = true;
      return false;
    });
    if (found) return true;
  }
  return std::any_of(other.mariadb_.begin(), other.mariadb_.end(),
                     [&](const auto& entry) { return mariadb_.contains(entry.first); });
}

GtidSet GtidSet::intersection(const GtidSet& other) const {
  GtidSet common;
  for (const auto& [source, intervals] : other.mysql_) {
    const auto it = mysql_.find(source);
    if (it == mysql_.end()) continue;
    for_each_common(it->second, intervals, [&, &from = source](std::uint64_t start, std::uint64_t end) {
      common.add(from, {start, end});
      return true;
    });
  }
  for (const auto& [domain, gtid] : other.mariadb_) {
    const auto it = mariadb_.find(domain);
    if (it != mariadb_.end()) common.add(it->second.sequence < gtid.sequence ? it->second : gtid);
  }
  return common;
}

std::uint64_t GtidSet::count() const {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t total = 0;
  for (const auto& [source, intervals] : mysql_) {
    for (const auto& [start, end] : intervals)
      total = end - start > kMost - total ? kMost : total + (end - start);
  }
  return total;
}

bool GtidSet::has_tags() const {
  return std::any_of(mysql_.begin(), mysql_.end(),
                     [](const auto& entry) { return !entry.first.tag.empty(); });
}

GtidSet operator+(GtidSet a, const GtidSet& b) {
  a.add(b);
  return a;
}

GtidSet operator-(GtidSet a, const GtidSet& b) {
  a.subtract(b);
  return a;
}

}  // namespace cdc
