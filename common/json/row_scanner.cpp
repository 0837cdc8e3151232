// SPDX-License-Identifier: Apache-2.0
#include "common/json/row_scanner.hpp"

#include <simdjson.h>

#include <cstring>

#include "common/json/line_cursor.hpp"

namespace cdc {
namespace {

// `,"db":…,"seq":`
bool take_head(LineCursor& in, std::string_view& db, std::string_view& table, std::optional<std::string_view>& gtid,
               std::uint64_t& pos) {
  std::int64_t ts_ms = 0;
  return in.take(",\"db\":") && in.take_plain(db) && in.take(",\"table\":") && in.take_plain(table) &&
         in.take(",\"gtid\":") && in.take_plain_or_null(gtid) && in.take(",\"ts_ms\":") && in.take_int(ts_ms) &&
         in.take(",\"file\":") && in.take_string() && in.take(",\"pos\":") && in.take_uint(pos) && in.take(",\"seq\":");
}

// `{…}`, whose members go to `fields`.
bool take_data(LineCursor& in, std::vector<RawField>& fields) {
  if (!in.take('{')) return false;
  if (in.take('}')) return true;
  do {
    const char* const name = in.at();
    if (!in.take_string()) return false;
    const char* const colon = in.at();
    if (!in.take(':')) return false;
    const char* const value = in.at();
    if (!in.take_value()) return false;
    fields.push_back({{name + 1, static_cast<std::size_t>(colon - name - 2)},
                      {value, static_cast<std::size_t>(in.at() - value)}});
  } while (in.take(','));
  return in.take('}');
}

std::optional<RecordKind> row_kind(const char* text) {
  switch (text[0]) {
    case '+':
      if (text[1] == 'I') return RecordKind::insert;
      if (text[1] == 'U') return RecordKind::update_after;
      return std::nullopt;
    case '-':
      if (text[1] == 'U') return RecordKind::update_before;
      if (text[1] == 'D') return RecordKind::remove;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool RowScanner::scan(std::string_view line, RecordView& view) {
  constexpr std::string_view kOpening = "{\"kind\":\"";
  if (!line.starts_with(kOpening)) return false;
  const char* const text = line.data() + kOpening.size();
  if (const auto kind = row_kind(text)) return text[2] == '"' && scan_row(text + 3, *kind, line, view);
  const std::string_view rest = line.substr(kOpening.size(), 16);
  const auto kind = parse_record_kind(rest.substr(0, rest.find('"')));
  if (!kind || rest.find('"') == std::string_view::npos) return false;
  view.kind = *kind;
  view.line = line;
  return true;
}

bool RowScanner::scan_row(const char* at, RecordKind kind, std::string_view line, RecordView& view) {
  const char* const end = line.data() + line.size();
  LineCursor in(at);
  Head head;
  const bool again = !text_.empty() && static_cast<std::size_t>(end - at) > text_.size() &&
                     std::memcmp(at, text_.data(), text_.size()) == 0;
  if (again) {
    in = LineCursor(at + text_.size());
  } else {
    if (!take_head(in, head.db, head.table, head.gtid, head.pos)) return false;
    head.text = {at, static_cast<std::size_t>(in.at() - at)};
  }
  std::uint64_t seq = 0;
  if (!in.take_uint(seq) || !in.take(',')) return false;
  const bool snapshot = in.take("\"snapshot\":true,");
  if (!in.take("\"data\":")) return false;
  const char* const data = in.at();
  view.fields.clear();
  if (!take_data(in, view.fields)) return false;
  const std::string_view data_text(data, static_cast<std::size_t>(in.at() - data));
  if (!in.take('}') || in.at() != end) return false;
  if (in.has_high() && !simdjson::validate_utf8(line.data(), line.size())) return false;

  // Now that it is one: the view before, whose names may be in text_, is needed no longer than this.
  const Head& told = again ? head_ : head;
  const bool same_table = view.db.data() != nullptr && view.db == told.db && view.table == told.table;
  if (!again) keep(head);
  view.kind = kind;
  view.line = line;
  view.same_table = same_table;
  view.db = head_.db;
  view.table = head_.table;
  view.gtid = head_.gtid;
  view.pos = head_.pos;
  view.seq = seq;
  view.snapshot = snapshot;
  view.data = data_text;
  view.json_null.clear();
  return true;
}

void RowScanner::keep(Head head) {
  const char* const from = head.text.data();
  text_ = head.text;
  const auto kept = [&](std::string_view part) {
    return std::string_view(text_.data() + (part.data() - from), part.size());
  };
  head_ = {text_, kept(head.db), kept(head.table), std::nullopt, head.pos};
  if (head.gtid) head_.gtid = kept(*head.gtid);
}

}  // namespace cdc
