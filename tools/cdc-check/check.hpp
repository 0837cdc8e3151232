// SPDX-License-Identifier: Apache-2.0
// What a check answers. Checks are plain functions from gathered facts to results: they ask no server and
// print nothing, so that a report, a monitoring line and a test all read the same list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cdc::check {

enum class Status {
  ok,
  note,  // a default one would rather have otherwise: no effect on the verdict unless --require names it
  warning,
  critical,
  skipped,  // does not apply, or may not be asked: the message says which
};
std::string_view status_text(Status status);   // "warning", as in JSON
std::string_view status_label(Status status);  // "WARN", as in text

struct CheckResult {
  std::string id;  // stable: "gtid.purged"
  Status status = Status::ok;
  std::string message;  // one line, with the values seen
  std::string advice;   // what to do, with the exact statement or value; "" when nothing is to be done
};
using Results = std::vector<CheckResult>;

enum class Verdict {
  ok = 0,
  warning = 1,
  critical = 2,
  unknown = 3
};                                               // exit statuses of a monitoring plugin
std::string_view verdict_text(Verdict verdict);  // "critical", as in JSON
Verdict worst(const Results& results);           // never unknown

}  // namespace cdc::check
