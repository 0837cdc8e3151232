// SPDX-License-Identifier: Apache-2.0
#include "common/base/zone_file.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace cdc {

namespace {

constexpr std::int32_t kHour = 3600;
constexpr std::int64_t kDay = 86400;

// The six counts of a TZif header, in its order.
struct Counts {
  std::uint32_t is_utc, is_standard, leap, time, type, characters;

  std::size_t data_size(std::size_t time_width) const {
    return std::size_t{time} * (time_width + 1) + std::size_t{type} * 6 + characters +
           std::size_t{leap} * (time_width + 4) + is_standard + is_utc;
  }
};

Counts read_header(ByteReader& in) {
  if (in.text(4) != "TZif") in.fail("no time zone file");
  if (in.u8() < '2') in.fail("time zone file of version 1");
  in.skip(15);
  std::array<std::uint32_t, 6> counts{};
  for (std::uint32_t& count : counts) count = static_cast<std::uint32_t>(in.be_width(4));
  return {counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

std::int32_t be_i32(ByteReader& in) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(in.be_width(4)));
}

}  // namespace

// Parses the TZ string of the footer (RFC 8536 §3.3), "CET-1CEST,M3.5.0,M10.5.0/3".
class ZoneFile::RuleParser {
 public:
  explicit RuleParser(ByteReader& in) : in_(in) {}

  Rule rule() {
    Rule rule;
    name();
    rule.standard = -signed_time();
    if (peek() == '\n') return rule;
    rule.changes = true;
    name();
    rule.daylight = peek() == ',' ? rule.standard + kHour : -signed_time();
    rule.to_daylight = change();
    rule.to_standard = change();
    if (peek() != '\n') in_.fail("time zone rule goes on");
    return rule;
  }

  char peek() const { return in_.at_end() ? '\0' : static_cast<char>(*in_.cursor()); }

 private:
  bool take(char c) {
    if (peek() != c) return false;
    in_.skip(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) in_.fail(std::string("time zone rule: no '") + c + "' where one belongs");
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  void name() {
    if (take('<')) {
      while (!take('>')) in_.skip(1);
      return;
    }
    const std::size_t before = in_.left();
    while ((peek() >= 'A' && peek() <= 'Z') || (peek() >= 'a' && peek() <= 'z')) in_.skip(1);
    if (in_.left() == before) in_.fail("time zone rule: no zone name");
  }
  int number(int low, int high) {
    if (!is_digit(peek())) in_.fail("time zone rule: no number");
    int value = 0;
    while (is_digit(peek()) && value <= high) value = value * 10 + (in_.u8() - '0');
    if (value < low || value > high) in_.fail("time zone rule: number out of range");
    return value;
  }
  std::int32_t signed_time() {
    const bool negative = take('-');
    if (!negative) take('+');
    std::int32_t seconds = number(0, 167) * kHour;
    if (take(':')) seconds += number(0, 59) * 60;
    if (take(':')) seconds += number(0, 59);
    return negative ? -seconds : seconds;
  }
  YearlyChange change() {
    YearlyChange change;
    expect(',');
    if (take('M')) {
      change.kind = YearlyChange::Kind::month_week_day;
      change.month = number(1, 12);
      expect('.');
      change.week = number(1, 5);
      expect('.');
      change.day = number(0, 6);
    } else if (take('J')) {
      change.kind = YearlyChange::Kind::julian;
      change.day = number(1, 365);
    } else {
      change.kind = YearlyChange::Kind::zero_based_day;
      change.day = number(0, 365);
    }
    change.seconds = take('/') ? signed_time() : 2 * kHour;
    return change;
  }

  ByteReader& in_;
};

ZoneFile::ZoneFile(ByteView bytes) {
  ByteReader in(bytes);
  in.skip(read_header(in).data_size(4));  // the same again with 32-bit times, for old readers
  const Counts counts = read_header(in);
  if (counts.leap != 0) in.fail("time zone file that counts leap seconds");
  if (counts.type == 0) in.fail("time zone file without local time types");
  in.need(counts.data_size(8));

  transitions_.resize(counts.time);
  for (Transition& transition : transitions_) transition.at = static_cast<std::int64_t>(in.be_width(8));
  const ByteView types = in.bytes(counts.time);
  std::vector<std::int32_t> offsets(counts.type);
  for (std::int32_t& offset : offsets) {
    offset = be_i32(in);
    in.skip(2);  // daylight flag, index of the abbreviation
  }
  for (std::size_t i = 0; i < transitions_.size(); ++i) {
    if (types[i] >= offsets.size()) in.fail("time zone file: type out of range");
    if (i > 0 && transitions_[i].at <= transitions_[i - 1].at)
      in.fail("time zone file: transitions out of order");
    transitions_[i].offset = offsets[types[i]];
  }
  first_offset_ = offsets[0];
  in.skip(counts.characters + counts.is_standard + counts.is_utc);

  if (in.u8() != '\n') in.fail("time zone file without footer");
  RuleParser parser(in);
  if (parser.peek() != '\n') rule_ = parser.rule();
}

OffsetSpan ZoneFile::at(std::int64_t utc_seconds) const {
  const auto next =
      std::upper_bound(transitions_.begin(), transitions_.end(), utc_seconds,
                       [](std::int64_t t, const Transition& transition) { return t < transition.at; });
  const std::int64_t from = next == transitions_.begin() ? INT64_MIN : std::prev(next)->at;
  if (next == transitions_.end() && rule_) {
    OffsetSpan span = rule_->at(utc_seconds);
    span.from = std::max(span.from, from);
    return span;
  }
  return {from, next == transitions_.end() ? INT64_MAX : next->at,
          next == transitions_.begin() ? first_offset_ : std::prev(next)->offset};
}

OffsetSpan ZoneFile::Rule::at(std::int64_t utc_seconds) const {
  if (!changes) return {INT64_MIN, INT64_MAX, standard};
  const std::chrono::sys_days date{
      std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{std::chrono::seconds{utc_seconds}})};
  const int year = static_cast<int>(std::chrono::year_month_day{date}.year());
  // Changes lie up to a week outside of their year (RFC 8536 §3.3.1), so two years on each side surely
  // enclose.
  std::array<Transition, 10> around{};
  for (std::size_t i = 0; i < 5; ++i) {
    const int y = year - 2 + static_cast<int>(i);
    around[2 * i] = {to_daylight.local_seconds(y) - standard, daylight};
    around[2 * i + 1] = {to_standard.local_seconds(y) - daylight, standard};
  }
  std::sort(around.begin(), around.end(),
            [](const Transition& a, const Transition& b) { return a.at < b.at; });
  const auto next =
      std::upper_bound(around.begin(), around.end(), utc_seconds,
                       [](std::int64_t t, const Transition& transition) { return t < transition.at; });
  const Transition& last = *std::prev(next);
  return {last.at, next->at, last.offset};
}

std::int64_t ZoneFile::YearlyChange::local_seconds(int year) const {
  namespace chrono = std::chrono;
  const chrono::year y{year};
  chrono::sys_days date = y / chrono::January / 1;
  switch (kind) {
    case Kind::julian:
      date += chrono::days{day - 1 + (y.is_leap() && day >= 60 ? 1 : 0)};
      break;
    case Kind::zero_based_day:
      date += chrono::days{day};
      break;
    case Kind::month_week_day: {
      const chrono::month m{static_cast<unsigned>(month)};
      const chrono::weekday weekday{static_cast<unsigned>(day)};
      date = week == 5 ? chrono::sys_days{y / m / weekday[chrono::last]}
                       : chrono::sys_days{y / m / weekday[static_cast<unsigned>(week)]};
    }
  }
  return std::int64_t{date.time_since_epoch().count()} * kDay + seconds;
}

}  // namespace cdc
