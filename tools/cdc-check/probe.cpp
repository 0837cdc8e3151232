// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/probe.hpp"

#include "common/mysql/binlog_stream.hpp"
#include "tools/cdc-check/explain.hpp"

namespace cdc::check {
namespace {

constexpr std::uint64_t kEnough = 8 << 20;  // bytes, when no transaction begins

// Where the first transaction of the dump begins; nullopt when none came.
std::optional<BinlogPosition> first_transaction(const ConnectOptions& options,
                                                const PositionFacts& position) {
  DumpRequest request;
  if (position.by_set)
    request.executed = position.given_set;
  else
    request.position = *position.position;
  request.stop_at_end = true;
  BinlogStream stream(Connection(options), request);
  EventReader reader;
  TransactionTracker tracker(TransactionTracker::Payloads::closed);
  while (const std::optional<RawEvent> raw = stream.next()) {
    const Event event = reader.read(*raw);
    const TransactionStep step = event.artificial ? TransactionStep::outside : tracker.feed(event);
    if (step == TransactionStep::begin || step == TransactionStep::whole)
      return BinlogPosition{std::string(event.file), event.begin_pos};
    if (stream.bytes_read() > kEnough) break;
  }
  return std::nullopt;
}

CheckResult judge_answer(const PositionFacts& position, const std::optional<BinlogPosition>& first) {
  const std::string got = first ? "the first transaction came from " + first->text() : "nothing to send yet";
  if (!position.start.server_accepts && position.start.error != StartError::inside_event)
    return {"probe", Status::warning, "the server accepted the dump against our prediction; " + got,
            "Please report this as a bug of cdc-check."};
  if (position.first && first && position.start.ok() &&
      *first != BinlogPosition{position.first->file, position.first->begin_pos})
    return {"probe", Status::warning,
            got + ", not from " + position.first->file + ":" + std::to_string(position.first->begin_pos),
            "Please report this as a bug of cdc-check."};
  return {"probe", Status::ok, "the server accepted the dump: " + got, ""};
}

}  // namespace

CheckResult probe(const ConnectOptions& options, const PositionFacts& position) {
  if (!position.asked) return {"probe", Status::skipped, "no position given", ""};
  if (!position.by_set && !position.position)
    return {"probe", Status::skipped, "the position is not known", ""};
  try {
    return judge_answer(position, first_transaction(options, position));
  } catch (const DecodeError& error) {
    return {"probe", Status::critical, "the server sends what cannot be read: " + error.message(), ""};
  } catch (const ServerError& error) {
    if (error.transient()) throw;
    const std::optional<Explanation> explanation = explain(error.message());
    const std::string kind =
        explanation ? std::string(explanation->kind) : "error " + std::to_string(error.number());
    const bool foretold = kind == start_error_text(position.start.error);
    return {
        "probe", Status::critical,
        "the server refused the dump" + std::string(foretold ? ", as foretold: " : ": ") + error.message(),
        explanation && !foretold ? std::string(explanation->advice) : ""};
  }
}

}  // namespace cdc::check
