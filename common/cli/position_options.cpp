// SPDX-License-Identifier: Apache-2.0
#include "common/cli/position_options.hpp"

#include "common/base/text.hpp"

namespace cdc {
namespace {

std::optional<BinlogPosition> read_position(const std::optional<std::string>& file,
                                            const std::optional<std::string>& pos,
                                            const std::string& prefix) {
  if (!file) {
    if (pos) throw UsageError(prefix + "pos needs " + prefix + "file");
    return std::nullopt;
  }
  if (file->empty() || file->find('/') != std::string::npos)
    throw UsageError(prefix + "file: a name as SHOW BINARY LOGS prints it, without a directory");
  constexpr std::uint64_t kFirstEvent = 4;
  const std::optional<std::uint64_t> offset = pos ? parse_uint(*pos) : kFirstEvent;
  if (!offset) throw UsageError(prefix + "pos: '" + *pos + "' is no byte offset");
  return BinlogPosition{*file, *offset};
}

std::optional<GtidSet> read_gtid_set(const std::optional<std::string>& text, const std::string& option) {
  if (!text) return std::nullopt;
  try {
    return GtidSet::parse(*text);
  } catch (const Error& error) {
    throw UsageError(option + ": " + error.message());
  }
}

std::optional<std::int64_t> read_timestamp(const std::optional<std::string>& text,
                                           const std::string& option) {
  if (!text) return std::nullopt;
  const std::optional<std::int64_t> ms = parse_timestamp_ms(*text);
  if (!ms)
    throw UsageError(option + ": '" + *text +
                     "' is neither RFC 3339 (2026-11-21T10:00:00Z) nor milliseconds since 1970");
  return ms;
}

// The rules that start and stop have in common; `prefix` is "--" or "--stop-". Without a mode the other
// options imply it. StartPoint and StopPoint have the same members.
template <typename Point, typename Mode>
std::optional<Point> make_point(std::optional<Mode> mode, const std::string& mode_option,
                                std::optional<BinlogPosition> position, std::optional<GtidSet> gtid_set,
                                std::optional<std::int64_t> timestamp_ms, const std::string& prefix) {
  const bool has_place = position || gtid_set;
  const std::string place = position ? prefix + "file" : prefix + "gtid-set";
  if (has_place && timestamp_ms) throw UsageError(prefix + "timestamp and " + place + " exclude each other");
  if (!mode) {
    if (has_place) {
      mode = Mode::specific;
    } else if (timestamp_ms) {
      mode = Mode::timestamp;
    } else {
      return std::nullopt;
    }
  }
  if (mode == Mode::specific && !has_place)
    throw UsageError(mode_option + "=specific needs " + prefix + "file or " + prefix + "gtid-set");
  if (mode == Mode::timestamp && !timestamp_ms)
    throw UsageError(mode_option + "=timestamp needs " + prefix + "timestamp");
  if (mode != Mode::specific && has_place)
    throw UsageError(place + " needs " + mode_option + "=specific or none");
  if (mode != Mode::timestamp && timestamp_ms)
    throw UsageError(prefix + "timestamp needs " + mode_option + "=timestamp or none");
  return Point{*mode, std::move(position), std::move(gtid_set), timestamp_ms};
}

}  // namespace

void PositionOptions::declare_start(App& app) {
  constexpr const char* kGroup = "Start";
  CLI::App& cli = app.cli();
  cli.add_option("--startup-mode", startup_mode_, "initial, earliest, latest, specific or timestamp")
      ->type_name("MODE")
      ->group(kGroup);
  cli.add_option("--file", file_, "Binlog file, as SHOW BINARY LOGS names it")
      ->type_name("NAME")
      ->group(kGroup);
  cli.add_option("--pos", pos_, "Byte offset in it, a transaction boundary (4)")
      ->type_name("N")
      ->group(kGroup);
  cli.add_option("--gtid-set", gtid_set_, "The transactions already processed, all of them")
      ->type_name("SET")
      ->group(kGroup);
  cli.add_option("--timestamp", timestamp_, "The first commit at or after RFC 3339 or epoch milliseconds")
      ->type_name("T")
      ->group(kGroup);
  cli.add_option("--checkpoint", checkpoint_, "Position file; once it exists it wins over the others")
      ->type_name("FILE")
      ->group(kGroup);
}

void PositionOptions::declare_stop(App& app) {
  constexpr const char* kGroup = "Stop, at a transaction's end";
  CLI::App& cli = app.cli();
  cli.add_option("--stop-mode", stop_mode_, "never, latest (the server's end now), specific or timestamp")
      ->type_name("MODE")
      ->group(kGroup);
  cli.add_option("--stop-file", stop_file_, "Binlog file")->type_name("NAME")->group(kGroup);
  cli.add_option("--stop-pos", stop_pos_, "Byte offset in it (4)")->type_name("N")->group(kGroup);
  cli.add_option("--stop-gtid-set", stop_gtid_set_, "Once all of these transactions are read")
      ->type_name("SET")
      ->group(kGroup);
  cli.add_option("--stop-timestamp", stop_timestamp_,
                 "Where commit times reach RFC 3339 or epoch milliseconds")
      ->type_name("T")
      ->group(kGroup);
}

std::optional<StartPoint> PositionOptions::start() const {
  std::optional<StartupMode> mode;
  if (startup_mode_ && !(mode = parse_startup_mode(*startup_mode_)))
    throw UsageError("--startup-mode: '" + *startup_mode_ +
                     "' is none of initial, earliest, latest, specific, timestamp");
  return make_point<StartPoint>(mode, "--startup-mode", read_position(file_, pos_, "--"),
                                read_gtid_set(gtid_set_, "--gtid-set"),
                                read_timestamp(timestamp_, "--timestamp"), "--");
}

std::optional<StopPoint> PositionOptions::stop() const {
  std::optional<StopMode> mode;
  if (stop_mode_ && !(mode = parse_stop_mode(*stop_mode_)))
    throw UsageError("--stop-mode: '" + *stop_mode_ + "' is none of never, latest, specific, timestamp");
  const auto position = read_position(stop_file_, stop_pos_, "--stop-");
  const auto gtid_set = read_gtid_set(stop_gtid_set_, "--stop-gtid-set");
  if (position && gtid_set) throw UsageError("--stop-file and --stop-gtid-set exclude each other");
  return make_point<StopPoint>(mode, "--stop-mode", position, gtid_set,
                               read_timestamp(stop_timestamp_, "--stop-timestamp"), "--stop-");
}

}  // namespace cdc
