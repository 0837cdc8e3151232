// SPDX-License-Identifier: Apache-2.0
// --explain: what an error text of a binlog dump means, without asking any server. The texts are those of
// MySQL and Percona 5.6 to 9.x and MariaDB (sql/rpl_source.cc, sql/rpl_binlog_sender.cc,
// sql/share/messages_to_clients.txt; MariaDB sql/sql_repl.cc), wherever in a log line they stand, in both
// vocabularies.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/gtid.hpp"

namespace cdc::check {

struct Explanation {
  std::string_view kind;     // as in predictions: "purged", "replica_has_more", "bogus_event", …
  std::string_view meaning;  // what the server says with it
  std::string_view advice;
  std::string_view worded_by;            // the versions that word it so
  std::optional<GtidSet> sent, missing;  // the sets found in the text
  std::vector<std::string> findings;     // what the sets tell
};

// nullopt: not an error of a dump that we know.
std::optional<Explanation> explain(std::string_view text);

std::string explanation_text(const Explanation& explanation);
std::string explanation_json(const Explanation& explanation);

}  // namespace cdc::check
