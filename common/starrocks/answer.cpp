// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/answer.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "common/base/text.hpp"

namespace cdc::starrocks {

namespace {

using Document = rapidjson::Document;

// StarRocks spells the same member "Status" and "status", by whoever answers.
std::string text_member(const Document& document, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto member = document.FindMember(name);
    if (member != document.MemberEnd() && member->value.IsString())
      return {member->value.GetString(), member->value.GetStringLength()};
  }
  return {};
}

std::int64_t count_member(const Document& document, const char* name) {
  const auto member = document.FindMember(name);
  return member != document.MemberEnd() && member->value.IsInt64() ? member->value.GetInt64() : -1;
}

bool contains_any(std::string_view lower, std::initializer_list<std::string_view> needles) {
  return std::any_of(needles.begin(), needles.end(),
                     [&](std::string_view needle) { return lower.find(needle) != std::string_view::npos; });
}

std::string excerpt(std::string_view body) {
  constexpr std::size_t kMost = 200;
  std::string text(trim(body.substr(0, kMost)));
  std::replace_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text.empty() ? "empty body" : text;
}

// A failure for which StarRocks says that the transaction was rolled back or never begun.
LoadResult classify_failure(std::string_view message) {
  const std::string lower = lower_ascii(message);
  const auto says = [&lower](std::initializer_list<std::string_view> needles) { return contains_any(lower, needles); };
  // Order matters: the more telling words first.
  if (says({"has already been used"})) return LoadResult::label_exists;
  const bool lost = says({"transaction", "txn"}) && says({"not exist", "not found"});  // an FE that was restarted meanwhile
  if (lost || says({"transaction status unknown", "commit transaction fail cause", "publish timeout"})) return LoadResult::unknown;
  if (says({"access denied", "authentication", "no valid basic authorization", "unauthorized", "privilege"}))
    return LoadResult::denied;
  if (says({"too many versions", "too large compaction score", "ingestion rejected", "current running txns on db"}))
    return LoadResult::overloaded;
  if (says({"too many filtered rows", "primary key size exceed", "dataqualityerror", "illegal json", "null value in non-nullable",
            "json parse", "failed to parse", "value length is beyond", "parse error", "the input payload size is beyond",
            "parser limit", "utf-8", "utf8"}))
    return LoadResult::bad_data;
  if (says({"unknown table", "unknown database", "does not exist", "not exist", "unknown column", "duplicate column",
            "has no default value", "label format error", "column is not in table", "invalid ", "unknown data format", "exceed limit: ",
            "exceed the max size", "only primary key table", "no 100-continue header", "can not specify both", "not support",
            "all partitions have no load data", "header is larger"}))
    return LoadResult::refused;
  // What is left (memory, no backend, shutting down, timeouts, locks, RPC) passes; and words that we do not know are
  // better tried again than taken for final.
  return LoadResult::retriable;
}

LoadAnswer from_http_status(long http_status, std::string_view body, BodySent sent) {
  LoadAnswer answer;
  answer.message = "HTTP " + std::to_string(http_status) + ": " + excerpt(body);
  if (sent == BodySent::maybe) {
    answer.result = LoadResult::unknown;
  } else if (http_status == 401 || http_status == 403) {
    answer.result = LoadResult::denied;
  } else {
    answer.result = http_status >= 400 && http_status < 500 && http_status != 408 && http_status != 429 ? LoadResult::refused
                                                                                                  : LoadResult::retriable;
  }
  return answer;
}

LoadResult classify(const std::string& status, const std::string& message) {
  if (status == "Success" || status == "OK") return LoadResult::loaded;
  if (status == "Publish Timeout" || status == "PUBLISH_TIMEOUT") return LoadResult::unpublished;
  if (status == "Label Already Exists" || status == "LABEL_ALREADY_EXISTS") return LoadResult::label_exists;
  return classify_failure(message);
}

}  // namespace

bool LoadAnswer::counts(std::uint64_t rows) const {
  const auto sent = static_cast<std::int64_t>(rows);
  return total_rows == sent && loaded_rows == sent && filtered_rows == 0 && unselected_rows == 0;
}

LoadAnswer parse_load_answer(long http_status, std::string_view body, BodySent sent) {
  Document document;
  document.Parse(body.data(), body.size());
  if (document.HasParseError() || !document.IsObject()) return from_http_status(http_status, body, sent);

  LoadAnswer answer;
  answer.status = text_member(document, {"Status", "status"});
  answer.message = text_member(document, {"Message", "msg", "message"});
  answer.error_url = text_member(document, {"ErrorURL"});
  answer.total_rows = count_member(document, "NumberTotalRows");
  answer.loaded_rows = count_member(document, "NumberLoadedRows");
  answer.filtered_rows = count_member(document, "NumberFilteredRows");
  answer.unselected_rows = count_member(document, "NumberUnselectedRows");
  if (answer.status.empty()) return from_http_status(http_status, body, sent);
  if (http_status == 401 || http_status == 403) {
    answer.result = LoadResult::denied;
    return answer;
  }
  answer.result = classify(answer.status, answer.message);
  // A success can only come from the one that read the body; from anybody else it is somebody's mistake.
  const bool good = answer.result == LoadResult::loaded || answer.result == LoadResult::unpublished;
  if (good && (http_status != 200 || sent == BodySent::no)) answer.result = LoadResult::unknown;
  return answer;
}

std::string_view label_state_text(LabelState state) {
  constexpr std::array<std::string_view, 6> kTexts = {"UNKNOWN", "PREPARE", "PREPARED", "COMMITTED", "VISIBLE", "ABORTED"};
  return kTexts[static_cast<std::size_t>(state)];
}

std::optional<LabelState> parse_label_state(long http_status, std::string_view body, std::string* why) {
  const auto no_answer = [&](std::string text) {
    if (why != nullptr) *why = std::move(text);
    return std::nullopt;
  };
  Document document;
  document.Parse(body.data(), body.size());
  if (http_status != 200 || document.HasParseError() || !document.IsObject())
    return no_answer("HTTP " + std::to_string(http_status) + ": " + excerpt(body));
  const std::string state = text_member(document, {"state", "State"});
  for (const LabelState known : {LabelState::unknown, LabelState::prepare, LabelState::prepared, LabelState::committed,
                                 LabelState::visible, LabelState::aborted})
    if (state == label_state_text(known)) return known;
  const std::string message = text_member(document, {"msg", "message", "Message"});
  return no_answer(message.empty() ? "no state in: " + excerpt(body) : message);
}

}  // namespace cdc::starrocks
