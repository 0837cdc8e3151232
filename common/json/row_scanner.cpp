// SPDX-License-Identifier: Apache-2.0
#include "common/json/row_scanner.hpp"

#include <simdjson.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <cstring>

namespace cdc {
namespace {

constexpr std::array<bool, 256> make_number_bytes() {
  std::array<bool, 256> bytes{};
  for (const char c : std::string_view("0123456789+-.eE")) bytes[static_cast<unsigned char>(c)] = true;
  return bytes;
}
constexpr std::array<bool, 256> kNumberBytes = make_number_bytes();

// A block of text: which of its bytes are a quote, a backslash or a control character, and which are beyond ASCII. The
// masks have kMaskStep bits a byte, the first byte's lowest, of which one may be set.
struct Block {
  explicit Block(const char* at);
  std::uint64_t special = 0, high = 0;
};
#if defined(__SSE2__)
constexpr int kBlock = 16, kMaskStep = 1;
Block::Block(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  special = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash))));
  high = static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
}
#else
constexpr int kBlock = 8, kMaskStep = 8;
Block::Block(const char* at) {
  for (int i = 0; i < kBlock; ++i) {
    const auto byte = static_cast<unsigned char>(at[i]);
    special |= std::uint64_t{byte < 0x20 || byte == '"' || byte == '\\'} << (kMaskStep * i);
    high |= std::uint64_t{byte >= 0x80} << (kMaskStep * i);
  }
}
#endif
static_assert(kBlock <= RowScanner::kPadding);

// A place in a line. Each take…() moves behind what it names or says false, and then the place means nothing, except
// for a single character. None goes beyond the newline, which is a control character and part of no token.
class Cursor {
 public:
  explicit Cursor(const char* at) : at_(at) {}

  const char* at() const { return at_; }
  // Whether a byte beyond ASCII was passed.
  bool has_high() const { return high_ != 0; }

  bool take(char c) { return *at_ == c && (++at_, true); }
  template <std::size_t Size>
  bool take(const char (&text)[Size]) {
    static_assert(Size - 1 <= 16);  // RowScanner::kPadding
    if (std::memcmp(at_, text, Size - 1) != 0) return false;
    at_ += Size - 1;
    return true;
  }

  // A string, at its opening quote. Escapes are passed over.
  bool take_string() {
    if (!take('"')) return false;
    for (;;) {
      find_special();
      if (*at_ == '"') return ++at_, true;
      if (*at_ != '\\' || static_cast<unsigned char>(at_[1]) < 0x20) return false;
      ++at_;
      if (*at_ == '"' || *at_ == '\\') ++at_;
    }
  }
  // A string without escapes, which is what stands between its quotes.
  bool take_plain(std::string_view& text) {
    const char* const begin = at_ + 1;
    if (!take_string()) return false;
    text = {begin, static_cast<std::size_t>(at_ - 1 - begin)};
    return text.find('\\') == std::string_view::npos;
  }
  // Up to 19 digits, which cannot overflow, as JSON has them.
  bool take_uint(std::uint64_t& value) {
    const char* const begin = at_;
    value = 0;
    for (; *at_ >= '0' && *at_ <= '9' && at_ - begin < 20; ++at_) value = value * 10 + static_cast<unsigned>(*at_ - '0');
    return at_ != begin && at_ - begin < 20 && (*begin != '0' || at_ - begin == 1);
  }
  bool take_value(unsigned depth = 0) {
    switch (*at_) {
      case '"':
        return take_string();
      case '{':
        return depth < kDeepest && take_object(depth + 1);
      case '[':
        return depth < kDeepest && take_array(depth + 1);
      case 'n':
        return take("null");
      case 't':
        return take("true");
      case 'f':
        return take("false");
      default: {
        const char* const begin = at_;
        while (kNumberBytes[static_cast<unsigned char>(*at_)]) ++at_;
        return at_ != begin;
      }
    }
  }

 private:
  static constexpr unsigned kDeepest = 100;  // MySQL's JSON_DOCUMENT_MAX_DEPTH

  // With a blank behind commas and colons, as the server tells documents, or without.
  bool take_object(unsigned depth) {
    take('{');
    if (take('}')) return true;
    do {
      take(' ');
      if (!take_string() || !take(':')) return false;
      take(' ');
      if (!take_value(depth)) return false;
    } while (take(','));
    return take('}');
  }
  bool take_array(unsigned depth) {
    take('[');
    if (take(']')) return true;
    do {
      take(' ');
      if (!take_value(depth)) return false;
    } while (take(','));
    return take(']');
  }

  // To the next quote, backslash or control character.
  void find_special() {
    for (;; at_ += kBlock) {
      const Block block(at_);
      if (block.special == 0) {
        high_ |= block.high;
        continue;
      }
      high_ |= block.high & (block.special ^ (block.special - 1));  // up to the special byte
      at_ += std::countr_zero(block.special) / kMaskStep;
      return;
    }
  }

  const char* at_;
  std::uint64_t high_ = 0;
};

// `,"db":…,"seq":`
bool take_head(Cursor& in, std::string_view& db, std::string_view& table, std::optional<std::string_view>& gtid,
               std::uint64_t& pos) {
  if (!in.take(",\"db\":") || !in.take_plain(db) || !in.take(",\"table\":") || !in.take_plain(table) ||
      !in.take(",\"gtid\":"))
    return false;
  if (std::string_view text; *in.at() == '"') {
    if (!in.take_plain(text)) return false;
    gtid = text;
  } else if (!in.take("null")) {
    return false;
  }
  std::uint64_t ts_ms = 0;
  return in.take(",\"ts_ms\":") && (in.take('-'), in.take_uint(ts_ms)) && in.take(",\"file\":") && in.take_string() &&
         in.take(",\"pos\":") && in.take_uint(pos) && in.take(",\"seq\":");
}

// `{…}`, whose members go to `fields`.
bool take_data(Cursor& in, std::vector<RawField>& fields) {
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
  Cursor in(at);
  Head head;
  const bool again = !text_.empty() && static_cast<std::size_t>(end - at) > text_.size() &&
                     std::memcmp(at, text_.data(), text_.size()) == 0;
  if (again) {
    in = Cursor(at + text_.size());
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
