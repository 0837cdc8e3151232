// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/position_finder.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cdc {

PositionFinder::PositionFinder(ConnectOptions options, std::vector<BinlogFile> files, GtidSet purged,
                               WaitHook wait)
    : options_(std::move(options)),
      files_(std::move(files)),
      purged_(std::move(purged)),
      wait_(std::move(wait)) {}

// The whole log from a file's first event on; whoever has read enough drops the stream.
BinlogStream PositionFinder::open_dump(const std::string& file) const {
  DumpRequest request;
  request.position = {file, 4};
  request.stop_at_end = true;
  return BinlogStream(Connection(options_), request, wait_);
}

const FileStart& PositionFinder::file_start(const std::string& file) {
  const auto known = starts_.find(file);
  if (known != starts_.end()) return known->second;
  FileStart start;
  try {
    BinlogStream stream = open_dump(file);
    scan_file_start(stream, start);
  } catch (const ServerError& error) {
    // The set before the first transaction is known all the same; of a file that is gone nothing is.
    if (!is_refused_kind(error) && !is_missing_file(error)) throw;
  }
  bytes_read_ += start.bytes_read;
  return starts_.emplace(file, std::move(start)).first->second;
}

PositionScan PositionFinder::scan_to(const BinlogPosition& position) {
  PositionScan scan;
  try {
    BinlogStream stream = open_dump(position.file);
    scan = scan_position(stream, position);
  } catch (const ServerError& error) {
    if (!is_refused_kind(error)) throw;
    Connection connection(options_);
    scan = scan_shown_events(connection, position);
  }
  bytes_read_ += scan.bytes_read;
  if (scan.gtid_set) scan.gtid_set->add(purged_);
  return scan;
}

std::optional<std::string> PositionFinder::first_file_for(const GtidSet& set) {
  // The sets at the starts of files only grow, so those within `set` come first.
  const auto within = [&](const BinlogFile& file) {
    const std::optional<GtidSet>& previous = file_start(file.name).previous_gtids;
    return !previous || set.contains(*previous);
  };
  const auto beyond = std::partition_point(files_.begin(), files_.end(), within);
  if (beyond == files_.begin()) return std::nullopt;
  return std::prev(beyond)->name;
}

std::optional<FoundPlace> PositionFinder::place_of(const GtidSet& set) {
  const std::optional<std::string> first = first_file_for(set);
  if (!first) return std::nullopt;
  return find_from(*first, [&](const Transaction& transaction) { return !set.contains(transaction.gtid); });
}

std::optional<FoundPlace> PositionFinder::first_of(const GtidSet& set) {
  // A set from the start of a file has members that are older than the binlog: gtid_purged.
  const GtidSet retained = set - purged_;
  const auto begins_before = [&](const BinlogFile& file) {
    const std::optional<GtidSet>& previous = file_start(file.name).previous_gtids;
    return !previous || !previous->intersects(retained);
  };
  const auto beyond = std::partition_point(files_.begin(), files_.end(), begins_before);
  if (beyond == files_.begin()) return std::nullopt;
  FoundPlace place = find_from(std::prev(beyond)->name, [&](const Transaction& transaction) {
    return !transaction.gtid.empty() && retained.contains(transaction.gtid);
  });
  if (!place.first) return std::nullopt;
  return place;
}

FoundPlace PositionFinder::first_at(std::int64_t timestamp_ms) {
  // A file without transactions (the newest may be one) tells no time: the next that has one speaks for it.
  const auto begins_before = [&](std::size_t index) {
    for (; index < files_.size(); ++index)
      if (const auto first = file_start(files_[index].name).first_commit_ms) return *first < timestamp_ms;
    return false;
  };
  std::size_t low = 0, high = files_.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (begins_before(middle))
      low = middle + 1;
    else
      high = middle;
  }
  if (files_.empty()) throw RefusedError("the server has no binlog files");
  return find_from(files_[low == 0 ? 0 : low - 1].name,
                   [&](const Transaction& transaction) { return transaction.commit_ms >= timestamp_ms; });
}

FoundPlace PositionFinder::first_behind(const std::string& file) {
  const auto found =
      std::find_if(files_.begin(), files_.end(), [&](const BinlogFile& known) { return known.name == file; });
  if (found == files_.end() || found + 1 == files_.end()) return {};
  return find_from((found + 1)->name, [](const Transaction&) { return true; });
}

bool PositionFinder::has(const MariadbGtid& gtid) {
  // The last transaction of the domain before a file.
  const auto last_before = [&](const BinlogFile& file) -> std::optional<MariadbGtid> {
    const std::optional<GtidSet>& previous = file_start(file.name).previous_gtids;
    if (!previous) return std::nullopt;
    const auto found = previous->mariadb().find(gtid.domain);
    return found == previous->mariadb().end() ? std::nullopt : std::optional(found->second);
  };
  const auto begins_before = [&](const BinlogFile& file) {
    const std::optional<MariadbGtid> last = last_before(file);
    return !last || last->sequence < gtid.sequence;
  };
  const auto beyond = std::partition_point(files_.begin(), files_.end(), begins_before);
  if (beyond != files_.end() && last_before(*beyond) == gtid) return true;
  if (beyond == files_.begin()) return false;
  const FoundPlace place = find_from(std::prev(beyond)->name, [&](const Transaction& transaction) {
    const Gtid& met = transaction.gtid;
    return met.kind == Gtid::Kind::mariadb && met.mariadb.domain == gtid.domain &&
           (met.mariadb == gtid || met.mariadb.sequence > gtid.sequence);
  });
  return place.first && place.first->gtid.mariadb == gtid;
}

FoundPrepared PositionFinder::find_prepared(const std::map<XaId, BinlogPosition>& wanted,
                                            std::uint64_t limit) {
  FoundPrepared found;
  std::map<XaId, PreparedSearch> searches;
  for (const auto& [xid, before] : wanted) searches.emplace(xid, PreparedSearch{before, std::nullopt, false});
  found.all_read = true;
  std::uint64_t read = 0;
  for (auto file = files_.rbegin(); file != files_.rend() && !searches.empty(); ++file) {
    const BinlogPosition begin{file->name, 4};
    if (std::all_of(searches.begin(), searches.end(),
                    [&](const auto& search) { return search.second.before <= begin; }))
      continue;
    if (read >= limit) {
      found.all_read = false;
      break;
    }
    try {
      BinlogStream stream = open_dump(file->name);
      read += scan_prepared(stream, searches);
    } catch (const ServerError& error) {
      if (!is_refused_kind(error) && !is_missing_file(error)) throw;
      found.all_read =
          false;  // and what the rest of this file would tell of those prepared in it is not known
      break;
    }
    for (auto search = searches.begin(); search != searches.end();) {
      const auto& [xid, result] = *search;
      if (result.prepared) found.prepared.emplace(xid, *result.prepared);
      if (result.ended) found.ended.insert(xid);
      search = result.prepared || result.ended ? searches.erase(search) : std::next(search);
    }
  }
  bytes_read_ += read;
  return found;
}

FoundPlace PositionFinder::find_from(const std::string& file, const Wanted& wanted) {
  FoundPlace place;
  try {
    BinlogStream stream = open_dump(file);
    find_transaction(stream, wanted, place);
  } catch (const ServerError& error) {
    if (!is_refused_kind(error)) throw;
    place.refused_kind = true;
  }
  bytes_read_ += place.bytes_read;
  if (place.gtid_set) place.gtid_set->add(purged_);
  return place;
}

std::uint64_t PositionFinder::take_bytes_read() {
  return std::exchange(bytes_read_, 0);
}

}  // namespace cdc
