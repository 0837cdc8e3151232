// SPDX-License-Identifier: Apache-2.0
// start and restart: what the predictions say, in words, and what to do.
#include "tools/cdc-check/checks.hpp"

namespace cdc::check {
namespace {

std::string start_message(const CheckInput& in) {
  const StartPrediction& start = in.position.start;
  const std::string where = in.position.by_set     ? "the GTID set"
                            : in.position.position ? in.position.position->text()
                                                   : std::string("the position");
  if (!start.server_text.empty()) {
    std::string text = "the server will refuse " + where + " with 1236: " + start.server_text;
    if (!start.transactions.empty()) text += "; " + brief(start.transactions);
    return text;
  }
  switch (start.error) {
    case StartError::none:
      break;
    case StartError::inside_event:
      return where + " is inside an event: the server checks nothing and sends garbage or fails";
    case StartError::inside_transaction:
      return "the server will accept " + where +
             ", in the middle of a transaction: its first changes are lost or unreadable";
    case StartError::other_server:
      return "the server will accept " + where + ", but the position was made on the server " +
             in.position.recorded_uuid;
    case StartError::foreign_gtids:
      return "the server will accept the set, but it never executed " + brief(start.transactions);
    case StartError::set_disagrees:
      return "file and offset and GTID set are not the same position";
    case StartError::tags_unsupported:
      return "a set with tags cannot be sent to this server";
    case StartError::wrong_gtid_kind:
      return in.server.mariadb() ? "MariaDB does not understand MySQL's GTIDs"
                                 : "MySQL does not understand MariaDB's GTIDs";
    default:
      break;
  }
  std::string text = "a dump from " + where + " starts";
  if (!in.position.first) return text + " at the end: nothing to send yet";
  if (!in.position.first->gtid.empty()) text += " with " + in.position.first->gtid.text();
  return text + " at " + in.position.first->file + ":" + std::to_string(in.position.first->begin_pos);
}

std::string start_advice(const CheckInput& in) {
  switch (in.position.start.error) {
    case StartError::gtid_mode:
      return in.position.position ? "Start by file and offset: --file " + in.position.position->file +
                                        " --pos " + std::to_string(in.position.position->pos)
                                  : "Start by file and offset, or set gtid_mode = ON.";
    case StartError::other_server:
      return "Use the GTID set, or find the place of the last processed transaction on this server.";
    default:
      return "";  // the check that found it says what to do
  }
}

CheckResult check_start(const CheckInput& in) {
  if (!in.position.asked) return {"start", Status::skipped, "no position given", ""};
  const StartPrediction& start = in.position.start;
  if (start.error == StartError::unknown)
    return {"start", Status::skipped, in.position.refusal.empty() ? in.position.damage : in.position.refusal,
            ""};
  return {"start", start.ok() ? Status::ok : Status::critical, start_message(in), start_advice(in)};
}

std::string collector(Consumer consumer) {
  switch (consumer) {
    case Consumer::seatunnel:
      return "SeaTunnel's MySQL-CDC (Debezium 1.9.8; later releases guess the gap and can lose transactions)";
    case Consumer::flink:
      return "Flink CDC (Debezium 1.9.8; later releases guess the gap and can lose transactions)";
    case Consumer::debezium:
      return "Debezium before 3.0 (later releases start over at gtid_purged, whatever the file and offset)";
    default:
      return "a connector";
  }
}

// Connectors that take gaps in their set for processed. What is in the binlog already is lost for sure; what
// the server itself lacks yet, if it comes.
std::optional<CheckResult> filled_gaps(const CheckInput& in) {
  const GtidSet& skips = in.position.restart.skips;
  if (skips.empty() || (in.consumer != Consumer::seatunnel && in.consumer != Consumer::flink))
    return std::nullopt;
  const GtidSet there = skips.intersection(in.position.sets.executed);
  std::string text = std::string(consumer_text(in.consumer)) +
                     ", in releases that fill the gaps of a stored set, will never be sent ";
  if (there.empty())
    return CheckResult{
        "restart", Status::warning,
        text + brief(skips) + ", which the server lacks and may yet get (" + transactions(skips) + ")",
        "Have the source commit in order (replica_preserve_commit_order = ON), or read from its "
        "own source."};
  return CheckResult{"restart", Status::critical, text + brief(there) + " (" + transactions(there) + ")",
                     "Use a reader that sends its set as it is, or have these transactions processed first."};
}

CheckResult check_restart(const CheckInput& in) {
  const PositionFacts& position = in.position;
  const auto ok = [](const std::string& why) { return CheckResult{"restart", Status::ok, why, ""}; };
  if (!position.asked) return {"restart", Status::skipped, "no position given", ""};
  if (!position.start.ok() && position.start.error != StartError::inside_transaction)
    return {"restart", Status::skipped, "there is no start", ""};
  if (in.consumer == Consumer::cdc_tail) return ok("cdc-tail keeps the complete set from its first event on");
  if (position.by_set) return filled_gaps(in).value_or(ok("a reader that was given the set goes on with it"));
  if (position.mode == StartupMode::latest)
    return ok("connectors store the server's executed set with its end");
  if (in.server.gtid_mode == GtidMode::off)
    return ok("without GTIDs by file and offset, on this server and while the file is kept");
  if (position.restart.ok)
    return filled_gaps(in).value_or(ok("the GTIDs that a connector sees from here on are enough"));
  const std::string where = position.position ? position.position->text() : "here";
  std::string text = collector(in.consumer) + " that starts at " + where + " and collects GTIDs from there ";
  const RestartPrediction& restart = position.restart;
  if (restart.replays_all) {
    text += "will at its restart be sent all before it again (" + transactions(restart.replays) +
            "), and be refused once one of them is purged";
  } else {
    text +=
        "will be refused at its restart with 1236: " + refused(in.server.version, restart.error).server_text;
    if (!restart.replays.empty())
      text +=
          "; adding gtid_purged to its set would silence that and replay " + transactions(restart.replays);
  }
  return {"restart", Status::critical, text,
          position.complete ? "Start by GTID set instead, with everything before " + where +
                                  " counted as processed:\n" + usable_set(position)->text()
                            : ""};
}

}  // namespace

Results forecast_checks(const CheckInput& input) {
  return {check_start(input), check_restart(input)};
}

}  // namespace cdc::check
