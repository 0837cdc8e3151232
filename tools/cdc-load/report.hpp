// SPDX-License-Identifier: Apache-2.0
// --report: one JSON line for each committed load, appended when it is known to be. A load whose answer was lost in a
// crash is told by the run that learns of it, then without its time; at worst a line comes twice, with the same label.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/fd.hpp"
#include "common/model/checkpoint.hpp"

namespace cdc::load {

class Report {
 public:
  // `path` "": nothing is told. IoError.
  explicit Report(const std::string& path);

  void committed(const std::string& target, const LoadIntent& load, std::optional<std::int64_t> took_ms);

 private:
  std::string path_;
  UniqueFd file_;
};

}  // namespace cdc::load
