// SPDX-License-Identifier: Apache-2.0
// --map: which target table takes the changes of a source table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/model/schema.hpp"

namespace cdc::load {

class Routes {
 public:
  // "SRC_DB.TABLE:DST_DB.TABLE"; each part of the source may have one *, which the * of the same part of the
  // destination stands for; a destination part without * takes all. UsageError when malformed.
  void add(std::string_view text);

  // Of the first rule that matches; the same name when none does.
  TableName target(const TableName& source) const;
  // Every rule, for comparing two runs.
  std::string text() const;

 private:
  struct Rule {
    std::string text;
    TableName from, to;
  };
  std::vector<Rule> rules_;
};

}  // namespace cdc::load
