// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/xa_facts.hpp"

#include "common/mysql/position_finder.hpp"
#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

using Fate = OpenXa::Fate;

class Gatherer {
 public:
  Gatherer(const ServerFacts& server, const TablesFacts& tables, PositionFacts& position)
      : server_(server),
        tables_(tables),
        position_(position),
        behind_(tables.activity ? tables.activity->xas : XaBehind()),
        all_behind_known_(tables.activity ? tables.activity->complete
                                          : !may_have_xas_behind(server, position)) {}

  void run(std::uint64_t limit, PositionFinder& finder) {
    for (const auto& [xid, prepared] : position_.prepared) open()[xid].prepared = prepared;
    if (server_.prepared_xas) {
      for (const XaId& xid : *server_.prepared_xas)
        if (!behind_.prepared.contains(xid)) open()[xid].fate = Fate::open;
    }
    for (const auto& [xid, end] : behind_.ended) {
      Fate& fate = open()[xid].fate;
      // A set may have the XA PREPAREs of a name that was used again.
      if (fate == Fate::open && position_.by_set && !end.committed) continue;
      fate = end.committed ? Fate::committed : Fate::rolled_back;
    }
    forget_unlogged_ends();
    find_places(limit, finder);
    say_what_is_not_known();
  }

 private:
  std::map<XaId, OpenXa>& open() { return position_.xa.open; }

  // Ended with sql_log_bin=0: no XA COMMIT of theirs is in the log.
  void forget_unlogged_ends() {
    if (!server_.prepared_xas || !all_behind_known_) return;
    std::erase_if(open(), [&](const auto& entry) {
      if (entry.second.fate != Fate::unknown) return false;
      position_.prepared.erase(entry.first);
      return true;
    });
  }

  // Behind which place the XA PREPARE cannot be. What a set counts as processed may lie anywhere.
  BinlogPosition bound_of(const XaId& xid, Fate fate) const {
    if (!position_.by_set) return *position_.position;
    const auto end = behind_.ended.find(xid);
    if (end != behind_.ended.end() && fate != Fate::open) return end->second.place;
    return {server_.files->back().name, server_.files->back().size};
  }

  void find_places(std::uint64_t limit, PositionFinder& finder) {
    if (!server_.files || server_.files->empty()) return;
    std::map<XaId, BinlogPosition> wanted;
    for (const auto& [xid, transaction] : open())
      if (!transaction.prepared) wanted.emplace(xid, bound_of(xid, transaction.fate));
    if (wanted.empty()) return;
    const FoundPrepared found = finder.find_prepared(wanted, limit);
    position_.readings.push_back({"where XA transactions were prepared", finder.take_bytes_read()});
    position_.xa.log_searched = found.all_read;
    for (const auto& [xid, prepared] : found.prepared) {
      if (position_.by_set && !position_.given_set->contains(prepared.gtid))
        open().erase(xid);  // it will be sent
      else
        open()[xid].prepared = prepared;
    }
    for (const XaId& xid : found.ended) open().erase(xid);
    // As long as the log behind the position is not known, they may have been prepared there.
    if (!all_behind_known_)
      std::erase_if(open(), [](const auto& entry) {
        return !entry.second.prepared && entry.second.fate == Fate::open;
      });
  }

  void say_what_is_not_known() {
    std::string& unknown = position_.xa.unknown;
    if (!server_.prepared_xas) unknown = "those that are open now: " + server_.prepared_xas.refusal;
    if (all_behind_known_) return;
    if (!unknown.empty()) unknown += "; ";
    unknown += "those that ended behind the position: ";
    if (!tables_.activity)
      unknown += tables_.no_activity;
    else if (!tables_.activity->refused.empty())
      unknown += "the server breaks the dump off, " + tables_.activity->refused;
    else
      unknown += "only the next " + bytes_text(tables_.activity->bytes) + " were read (--scan-limit)";
  }

  const ServerFacts& server_;
  const TablesFacts& tables_;
  PositionFacts& position_;
  XaBehind behind_;
  bool all_behind_known_;
};

}  // namespace

void XaBehind::follow(const Transaction& transaction) {
  if (!transaction.xid) return;
  const bool committed = transaction.end == TransactionEnd::xa_commit;
  if ((committed || transaction.end == TransactionEnd::xa_rollback) && !prepared.contains(*transaction.xid)) {
    End& end = ended.try_emplace(*transaction.xid).first->second;
    if (!end.committed) end = {{transaction.file, transaction.begin_pos}, committed};
  }
  follow_prepared(transaction, prepared);
}

bool logs_xa_prepare(const ServerFacts& server) {
  return server.mariadb() ? server.version.at_least(10, 5) : server.version.at_least(5, 7, 7);
}

// Replicas apply what their source has counted.
bool may_have_xas_behind(const ServerFacts& server, const PositionFacts& position) {
  if (!logs_xa_prepare(server)) return false;
  const bool own_statements_only =
      server.channels && server.channels->empty() && server.group_member.value.value_or("").empty();
  if (!own_statements_only || !server.xa_count || server.xa_count->statements > 0) return true;
  if (!position.first) return !server.files;  // else the position is the server's end
  const std::int64_t age_ms = server.now_ms - position.first->commit_ms;
  return position.first->commit_ms == 0 || age_ms >= server.xa_count->since_s * 1000;
}

void gather_xas(const ServerFacts& server, const TablesFacts& tables, std::uint64_t limit,
                PositionFinder& finder, PositionFacts& position) {
  if (!position.asked || !position.position || !position.start.ok() || !logs_xa_prepare(server)) return;
  Gatherer(server, tables, position).run(limit, finder);
}

}  // namespace cdc::check
