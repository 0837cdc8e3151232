// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "tools/cdc-check/report.hpp"

namespace cdc::check {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view color_of(Status status) {
  constexpr std::array<std::string_view, 5> kColors{"\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[1;31m",
                                                    "\x1b[2m"};
  return kColors[static_cast<std::size_t>(status)];
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.resize(std::max(width, out.size()), ' ');
  return out;
}

void append_line(std::string& out, const CheckResult& result, std::size_t id_width, bool color) {
  const std::string label = padded(status_label(result.status), 4);
  out += color ? std::string(color_of(result.status)) + label + std::string(kReset) : label;
  out += "  " + padded(result.id, id_width) + "  " + result.message + "\n";
}

std::string counted(const Results& results, Status status, const std::string& noun) {
  const auto count =
      std::count_if(results.begin(), results.end(), [&](const auto& r) { return r.status == status; });
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string verdict_line(const Report& report) {
  constexpr std::array<std::string_view, 4> kWords{"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  std::string line(kWords[static_cast<std::size_t>(report.verdict)]);
  if (report.verdict == Verdict::unknown) return line + ": the server could not be asked";
  line += ": " + counted(report.results, Status::critical, "critical problem") + ", " +
          counted(report.results, Status::warning, "warning") + ", " +
          counted(report.results, Status::note, "note");
  if (report.first_run) line += "; first run, the source alone was checked";
  return line;
}

// The advice of what is wrong, the worst first; a paragraph for each, continued lines indented.
std::string advice_text(const Report& report) {
  std::string out;
  for (const Status status : {Status::critical, Status::warning}) {
    for (const CheckResult& result : report.results) {
      if (result.status != status || result.advice.empty()) continue;
      out += "  " + result.id + ": ";
      for (const char c : result.advice) {
        out += c;
        if (c == '\n') out += "    ";
      }
      out += "\n";
    }
  }
  return out;
}

}  // namespace

std::string text_report(const Report& report, bool color, bool quiet) {
  std::size_t id_width = 0;
  for (const CheckResult& result : report.results) id_width = std::max(id_width, result.id.size());
  std::string out;
  for (const CheckResult& result : report.results)
    if (!quiet || result.status == Status::warning || result.status == Status::critical)
      append_line(out, result, id_width, color);
  if (quiet && out.empty()) return out;
  if (report.input) {
    for (const Reading& reading : all_readings(*report.input))
      if (!quiet && reading.bytes > 0)
        out += "read  " + bytes_text(reading.bytes) + " to know " + reading.question + "\n";
  }
  out += "\n" + verdict_line(report) + "\n";
  if (const std::string advice = advice_text(report); !advice.empty()) out += "\nWhat to do:\n" + advice;
  return out;
}

std::vector<Reading> all_readings(const CheckInput& input) {
  std::vector<Reading> readings = input.position.readings;
  readings.push_back({"how old files are", input.metrics.bytes_read});
  if (input.tables.activity) readings.push_back({"what lies behind the position", input.tables.activity->bytes});
  return readings;
}

std::optional<BinlogPosition> usable_position(const PositionFacts& position) {
  if (position.scan) return BinlogPosition{position.scan->position.file, position.scan->before};
  if (position.start.error == StartError::no_such_file) return std::nullopt;
  return position.position;
}

std::optional<std::string> gtid_set_text(const PositionFacts& position) {
  const std::optional<GtidSet> set = usable_set(position);
  if (!set) return std::nullopt;
  return set->text() + "\n";
}

std::optional<std::string> file_pos_text(const PositionFacts& position) {
  const std::optional<BinlogPosition> place = usable_position(position);
  if (!place) return std::nullopt;
  return place->file + " " + std::to_string(place->pos) + "\n";
}

}  // namespace cdc::check
