// SPDX-License-Identifier: Apache-2.0
// One line on stderr that is rewritten at most twice a second, for a person who waits. When it is off, every
// call does nothing. Clear it before anything else is written to stderr; the destructor does.
#pragma once

#include <chrono>
#include <string_view>

namespace cdc {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  // `on`: App::show_progress().
  explicit Progress(bool on) : on_(on) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Whether show() would write now: ask first when the text costs something to make.
  bool due(Clock::time_point now = Clock::now()) const { return on_ && now >= next_; }
  // Shows `text` (UTF-8, one line; cut at the terminal's width), unless the last one is less than half a
  // second old.
  void show(std::string_view text, Clock::time_point now = Clock::now());
  void clear();

 private:
  bool on_;
  bool shown_ = false;
  Clock::time_point next_{};
};

}  // namespace cdc
