// SPDX-License-Identifier: Apache-2.0
// The options that say where to start and where to stop, shared by cdc-check and cdc-tail, and every rule
// on which of them go together.
#pragma once

#include <optional>
#include <string>

#include "common/cli/app.hpp"
#include "common/model/position.hpp"

namespace cdc {

class PositionOptions {
 public:
  // --startup-mode --file --pos --gtid-set --timestamp --checkpoint in the group "Start".
  // The object must live until the last call of start() and stop().
  void declare_start(App& app);
  // --stop-mode --stop-file --stop-pos --stop-gtid-set --stop-timestamp in the group "Stop".
  void declare_stop(App& app);

  // After App::parse(); UsageError names the option. nullopt: the command line names no start, the caller has
  // its default.
  // --file without --pos is the file's first event.
  std::optional<StartPoint> start() const;
  std::optional<StopPoint> stop() const;
  // The position file, which wins over start() when it exists.
  const std::optional<std::string>& checkpoint() const { return checkpoint_; }

 private:
  std::optional<std::string> startup_mode_, file_, pos_, gtid_set_, timestamp_, checkpoint_;
  std::optional<std::string> stop_mode_, stop_file_, stop_pos_, stop_gtid_set_, stop_timestamp_;
};

}  // namespace cdc
