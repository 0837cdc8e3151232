// SPDX-License-Identifier: Apache-2.0
// What StarRocks means by its answers to a Stream Load. Pure text to meaning, no I/O. The HTTP status says little:
// a BE answers 200 for every failure, an FE for most, each with a JSON shape of its own; a duplicate label comes in
// three spellings. The rules follow be/src/http/action/stream_load.cpp (StreamLoadContext::to_json) and
// fe/…/http/rest/{LoadAction,TransactionResult,RestBaseResult}.java of StarRocks 2.5 to 4.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cdc::starrocks {

enum class LoadResult : std::uint8_t {
  loaded,        // committed and visible
  unpublished,   // committed, visible soon ("Publish Timeout"): as good as loaded
  label_exists,  // the label is or was in use: only its state tells by whom and how it ended
  unknown,       // it may or may not have been committed: the label's state has to settle it
  retriable,     // nothing was committed; the same may work later
  overloaded,    // the same, because of too many small loads: load less often
  bad_data,      // nothing was committed: rows were rejected, see error_url
  refused,       // nothing was committed: the request itself is wrong (table, column, header, size)
  denied,        // nothing was committed: authentication or privileges
};

struct LoadAnswer {
  LoadResult result = LoadResult::unknown;
  std::string status;   // as StarRocks spells it; "" when it sent no such thing
  std::string message;  // StarRocks' or curl's words
  std::string error_url;
  bool body_sent = false;  // or a part of it
  // Counters, -1 when not told.
  std::int64_t total_rows = -1, loaded_rows = -1, filtered_rows = -1, unselected_rows = -1;

  // Whether every one of `rows` rows was loaded. Ask before believing `loaded` or `unpublished`.
  bool counts(std::uint64_t rows) const;
};

// An answer to a request whose body was not sent, or to one whose body may have been read.
enum class BodySent : std::uint8_t { no, maybe };

LoadAnswer parse_load_answer(long http_status, std::string_view body, BodySent sent);

// TransactionStatus of fe/…/transaction; `unknown` is what an FE says of a label that it does not know or has
// forgotten, and never a proof that nothing was committed.
enum class LabelState : std::uint8_t { unknown, prepare, prepared, committed, visible, aborted };
std::string_view label_state_text(LabelState state);

// The answer of GET /api/DB/get_load_state. nullopt when it is no answer at all (another status than 200, no JSON, a
// database that does not exist): `why`, if given, then says what came instead.
std::optional<LabelState> parse_label_state(long http_status, std::string_view body, std::string* why = nullptr);

}  // namespace cdc::starrocks
