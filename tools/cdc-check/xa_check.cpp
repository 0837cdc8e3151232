// SPDX-License-Identifier: Apache-2.0
// position.xa: whether rows are lost to a reader that starts behind the XA PREPARE that they were logged
// with.
#include <algorithm>

#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

using Fate = OpenXa::Fate;

// Those that matter: what was rolled back takes nothing along.
struct Danger {
  std::vector<std::pair<XaId, OpenXa>> transactions;
  bool all_found = true;   // each has its place
  bool committed = false;  // one that has no place, for certain
  std::optional<BinlogPosition> oldest;

  explicit Danger(const XaFacts& xa) {
    for (const auto& [xid, transaction] : xa.open) {
      if (transaction.fate == Fate::rolled_back) continue;
      transactions.emplace_back(xid, transaction);
      if (transaction.prepared) {
        const BinlogPosition& begin = transaction.prepared->begin;
        if (!oldest || begin < *oldest) oldest = begin;
      } else {
        all_found = false;
        committed |= transaction.fate == Fate::committed;
      }
    }
  }
};

std::string description(const XaId& xid, const OpenXa& transaction, bool log_searched) {
  std::string text = xid.text() + " (";
  if (!transaction.prepared)
    text += log_searched ? "not in the binlog" : "not in what was read of the binlog before";
  else if (transaction.prepared->gtid.empty())
    text += transaction.prepared->begin.text();
  else
    text += transaction.prepared->gtid.text() + " at " + transaction.prepared->begin.text();
  if (transaction.fate == Fate::open) text += ", open now";
  if (transaction.fate == Fate::committed) text += ", committed";
  return text + ")";
}

std::string message(const Danger& danger, const XaFacts& xa) {
  constexpr std::size_t kShown = 3;
  const std::size_t count = danger.transactions.size();
  std::string text = grouped(count) + (count == 1 ? " XA transaction is" : " XA transactions are") +
                     " prepared before the position and not ended there: ";
  for (std::size_t i = 0; i < std::min(count, kShown); ++i) {
    const auto& [xid, transaction] = danger.transactions[i];
    text += (i > 0 ? ", " : "") + description(xid, transaction, xa.log_searched);
  }
  return count > kShown ? text + "…" : text;
}

std::string what_it_means(Consumer consumer) {
  switch (consumer) {
    case Consumer::cdc_tail:
      return "; cdc-tail reads their rows there when they commit";
    case Consumer::generic:
      return "; a reader that starts here gets their XA COMMIT without their rows";
    default:  // BinlogStreamingChangeEventSource, which all three have inside
      return "; " + std::string(consumer_text(consumer)) +
             " takes rows at their XA PREPARE, even those that are rolled back later, and passes over XA "
             "COMMIT: "
             "starting here it never gets them";
  }
}

std::string advice(const CheckInput& in, const Danger& danger) {
  if (!danger.all_found)
    return "What is not in the binlog cannot be read from it: start behind their XA COMMIT or XA ROLLBACK, "
           "with a new "
           "snapshot of their tables (XA RECOVER lists those that are open).";
  const std::string by_place =
      "--file " + danger.oldest->file + " --pos " + std::to_string(danger.oldest->pos);
  const std::optional<GtidSet> set = usable_set(in.position);
  if (in.server.mariadb() || in.server.gtid_mode != GtidMode::on || !set)
    return "Start before the oldest of them, where all that follows is sent again: " + by_place;
  return "Start by GTID set without their XA PREPAREs, which the server then sends first:\n" + set->text() +
         "\nor before the oldest of them, where all that follows is sent again: " + by_place;
}

}  // namespace

CheckResult check_xa(const CheckInput& in) {
  constexpr const char* kId = "position.xa";
  if (!in.position.asked) return {kId, Status::skipped, "no position given", ""};
  if (!logs_xa_prepare(in.server))
    return {kId, Status::ok, "this server logs an XA transaction when it commits, as any other", ""};
  if (!in.position.start.ok() || !in.position.position)
    return {kId, Status::skipped, "not known, because there is no start", ""};
  const XaFacts& xa = in.position.xa;
  const Danger danger(xa);
  if (danger.transactions.empty()) {
    if (xa.unknown.empty()) return {kId, Status::ok, "no XA transaction is prepared and open here", ""};
    return {kId, Status::skipped,
            "no XA transaction is known to be prepared and open here, but not " + xa.unknown, ""};
  }
  const std::string text = message(danger, xa);
  // What is open and has no rows in the log hurts only if it is committed.
  const Status lost = danger.committed ? Status::critical : Status::warning;
  if (in.consumer != Consumer::cdc_tail)
    return {kId, danger.oldest ? Status::critical : lost, text + what_it_means(in.consumer),
            advice(in, danger)};
  // cdc-tail reads as far back as the log goes.
  if (danger.all_found || !xa.log_searched) return {kId, Status::ok, text + what_it_means(in.consumer), ""};
  return {kId, lost, text + "; cdc-tail will end with 69 at the XA COMMIT of what is not in the binlog",
          advice(in, danger)};
}

}  // namespace cdc::check
