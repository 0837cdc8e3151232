// SPDX-License-Identifier: Apache-2.0
// GTIDs and their sets as text (libs/mysql/gtids of MySQL 9.7; sql/rpl_gtid.cc of MariaDB) and as bytes.
#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstring>

#include "common/base/text.hpp"
#include "common/model/gtid.hpp"

namespace cdc {

namespace {

constexpr std::size_t kMaxTagLength = 32;

constexpr std::array<std::int8_t, 256> make_hex_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < 16; ++i) {
    values[static_cast<std::size_t>("0123456789abcdef"[i])] = static_cast<std::int8_t>(i);
    values[static_cast<std::size_t>("0123456789ABCDEF"[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr std::array<std::int8_t, 256> kHexValues = make_hex_values();
int hex_value(char c) { return kHexValues[static_cast<unsigned char>(c)]; }
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_tag_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// A text and a place in it. Each take_…() either takes what it names or leaves the place and says so.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_blanks() {
    while (!at_end() && is_blank(peek())) ++at_;
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Digits of a number in [low, high].
  std::optional<std::uint64_t> take_number(std::uint64_t low, std::uint64_t high) {
    std::uint64_t value = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, value);
    if (error != std::errc{} || value < low || value > high) return std::nullopt;
    at_ = static_cast<std::size_t>(stop - text_.data());
    return value;
  }
  std::optional<Uuid> take_uuid() {
    const std::size_t size = peek() == '{' ? 38 : text_.size() - at_ > 8 && text_[at_ + 8] == '-' ? 36 : 32;
    const std::optional<Uuid> uuid = Uuid::parse(text_.substr(at_, size));
    if (uuid) at_ += size;
    return uuid;
  }
  // In lower case.
  std::optional<std::string> take_tag() {
    std::size_t end = at_;
    if (!is_tag_start(peek())) return std::nullopt;
    while (end < text_.size() && (is_tag_start(text_[end]) || is_digit(text_[end]))) ++end;
    if (end - at_ > kMaxTagLength) return std::nullopt;
    std::string tag = lower_ascii(text_.substr(at_, end - at_));
    at_ = end;
    return tag;
  }
  std::optional<MariadbGtid> take_mariadb() {
    const std::size_t before = at_;
    const auto domain = take_number(0, UINT32_MAX);
    if (domain && take('-')) {
      const auto server_id = take_number(0, UINT32_MAX);
      if (server_id && take('-')) {
        if (const auto sequence = take_number(0, UINT64_MAX))
          return MariadbGtid{static_cast<std::uint32_t>(*domain), static_cast<std::uint32_t>(*server_id),
                             *sequence};
      }
    }
    at_ = before;
    return std::nullopt;
  }

  [[noreturn]] void fail(std::string_view expected) const {
    std::string message = "malformed GTID set: expected " + std::string(expected) + " at character ";
    append_number(message, at_ + 1);
    if (at_end()) throw DataError(message + ", which is the end");
    constexpr std::size_t kShown = 40;
    message.append(", found \"").append(text_.substr(at_, kShown));
    throw DataError(message + (text_.size() - at_ > kShown ? "…\"" : "\""));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string Uuid::text() const {
  std::string text = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') {
    text = text.substr(1, 36);
  } else if (text.size() != 36 && text.size() != 32) {
    return std::nullopt;
  }
  const bool dashes = text.size() == 36;
  Uuid uuid;
  std::size_t at = 0;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-') return std::nullopt;
    const int high = hex_value(text[at++]);
    const int low = hex_value(text[at++]);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return uuid;
}

namespace {

void append_mariadb(std::string& out, const MariadbGtid& gtid) {
  append_number(out, gtid.domain);
  out.push_back('-');
  append_number(out, gtid.server_id);
  out.push_back('-');
  append_number(out, gtid.sequence);
}

}  // namespace

std::string Gtid::text() const {
  std::string text;
  if (kind == Kind::mariadb) append_mariadb(text, mariadb);
  if (kind != Kind::mysql) return text;
  text = mysql.source.uuid.text();
  if (!mysql.source.tag.empty()) text.append(":").append(mysql.source.tag);
  text.push_back(':');
  append_number(text, mysql.gno);
  return text;
}

std::optional<Gtid> Gtid::parse(std::string_view text) {
  Cursor in(text);
  if (const std::optional<Uuid> uuid = in.take_uuid()) {
    GtidSource source{*uuid, {}};
    if (!in.take(':')) return std::nullopt;
    if (std::optional<std::string> tag = in.take_tag()) {
      source.tag = std::move(*tag);
      if (!in.take(':')) return std::nullopt;
    }
    const std::optional<std::uint64_t> gno = in.take_number(1, kMaxGno);
    if (!gno || !in.at_end()) return std::nullopt;
    return of(std::move(source), *gno);
  }
  const std::optional<MariadbGtid> gtid = in.take_mariadb();
  if (!gtid || !in.at_end()) return std::nullopt;
  return of(*gtid);
}

namespace {

// What follows a UUID: { ":" ( tag | number [ "-" number ] ) }, blanks anywhere between.
void parse_intervals(Cursor& in, GtidSource source, GtidSet& set) {
  for (in.skip_blanks(); in.take(':'); in.skip_blanks()) {
    in.skip_blanks();
    if (is_tag_start(in.peek())) {
      std::optional<std::string> tag = in.take_tag();
      if (!tag) in.fail("a tag of at most 32 characters");
      source.tag = std::move(*tag);
      continue;
    }
    const std::optional<std::uint64_t> start = in.take_number(1, kMaxGno);
    if (!start) in.fail("a transaction number (1 to 9223372036854775806) or a tag");
    std::uint64_t last = *start;
    in.skip_blanks();
    if (in.take('-')) {
      in.skip_blanks();
      const std::optional<std::uint64_t> end = in.take_number(0, kMaxGno);
      if (!end) in.fail("a transaction number (up to 9223372036854775806)");
      last = *end;
    }
    set.add(source, {*start, last + 1});
  }
}

}  // namespace

GtidSet GtidSet::parse(std::string_view text) {
  GtidSet set;
  Cursor in(text);
  const auto skip_separators = [&] {
    for (in.skip_blanks(); in.take(','); in.skip_blanks()) {
    }
  };
  bool maybe_mysql = true, maybe_mariadb = true;  // until the first GTID has shown which
  for (skip_separators(); !in.at_end(); skip_separators()) {
    if (const std::optional<Uuid> uuid = maybe_mysql ? in.take_uuid() : std::nullopt) {
      maybe_mariadb = false;
      parse_intervals(in, {*uuid, {}}, set);
    } else if (const std::optional<MariadbGtid> gtid = maybe_mariadb ? in.take_mariadb() : std::nullopt) {
      maybe_mysql = false;
      if (set.mariadb_.contains(gtid->domain))
        throw DataError("malformed GTID set: two GTIDs of domain " + std::to_string(gtid->domain));
      set.add(*gtid);
      in.skip_blanks();
    } else {
      in.fail(!maybe_mariadb ? "a UUID" : maybe_mysql ? "a UUID or a GTID of MariaDB" : "a GTID of MariaDB");
    }
    if (!in.at_end() && in.peek() != ',') in.fail("a comma");
  }
  return set;
}

std::string GtidSet::text() const {
  std::string text;
  const Uuid* uuid = nullptr;
  for (const auto& [source, intervals] : mysql_) {
    if (uuid == nullptr || *uuid != source.uuid) {
      if (uuid != nullptr) text.push_back(',');
      text += source.uuid.text();
      uuid = &source.uuid;
    }
    if (!source.tag.empty()) text.append(":").append(source.tag);
    for (const auto& [start, end] : intervals) {
      text.push_back(':');
      append_number(text, start);
      if (end - start == 1) continue;
      text.push_back('-');
      append_number(text, end - 1);
    }
  }
  for (const auto& [domain, gtid] : mariadb_) {
    if (!text.empty()) text.push_back(',');
    append_mariadb(text, gtid);
  }
  return text;
}

// ---- The encoding: count of sources, then for each its UUID, in the tagged form its tag, and its intervals.
// The tagged form marks itself with 1 in the first and the last byte of the count, which lies between.

namespace {

constexpr std::uint8_t kTagged = 1;

void append_u64(std::string& out, std::uint64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}

// The length is a variable-length integer of the server's serialisation library, one byte for all valid tags.
std::string decode_tag(ByteReader& reader) {
  const std::uint8_t length = reader.u8();
  if (length % 2 != 0 || length / 2 > kMaxTagLength) reader.fail("GTID tag of invalid length");
  std::string tag(reader.text(length / 2));
  const bool valid =
      tag.empty() || (is_tag_start(tag.front()) && std::all_of(tag.begin(), tag.end(), [](char c) {
                        return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z');
                      }));
  if (!valid) reader.fail("invalid GTID tag");
  return tag;
}

}  // namespace

std::string GtidSet::encode() const {
  assert(mariadb_.empty());
  const bool tagged = has_tags();
  std::string out;
  append_u64(out, tagged ? (std::uint64_t{kTagged} << 56) | (mysql_.size() << 8) | kTagged : mysql_.size());
  for (const auto& [source, intervals] : mysql_) {
    out += as_text(source.uuid.bytes);
    if (tagged) {
      out.push_back(static_cast<char>(source.tag.size() << 1));
      out += source.tag;
    }
    append_u64(out, intervals.size());
    for (const auto& [start, end] : intervals) {
      append_u64(out, start);
      append_u64(out, end);
    }
  }
  return out;
}

GtidSet GtidSet::decode(ByteReader& reader) {
  GtidSet set;
  std::uint64_t sources = reader.u64();
  const auto format = static_cast<std::uint8_t>(sources >> 56);
  if (format > kTagged) reader.fail("GTID set of unknown format " + std::to_string(format));
  const bool tagged = format == kTagged;
  if (tagged) sources = sources << 8 >> 16;
  for (; sources > 0; --sources) {
    GtidSource source;
    const ByteView uuid = reader.bytes(source.uuid.bytes.size());
    std::copy(uuid.begin(), uuid.end(), source.uuid.bytes.begin());
    if (tagged) source.tag = decode_tag(reader);
    std::uint64_t last = 0;
    for (std::uint64_t left = reader.u64(); left > 0; --left) {
      const std::uint64_t start = reader.u64();
      const std::uint64_t end = reader.u64();
      if (start <= last || end <= start || end > kMaxGno + 1)
        reader.fail("GTID set with intervals out of order");
      set.add(source, {start, end});
      last = end;
    }
  }
  return set;
}

}  // namespace cdc
