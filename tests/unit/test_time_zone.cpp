// SPDX-License-Identifier: Apache-2.0
// The oracle is the C library's localtime_r(), which reads the same database with its own code.
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <random>
#include <string>

#include "common/base/time_zone.hpp"

using cdc::CivilTime;
using cdc::TimeZone;

namespace {

// The process's TZ, put back at the end.
class ProcessZone {
 public:
  explicit ProcessZone(const std::string& tz) {
    if (const char* old = std::getenv("TZ")) old_ = old;
    ::setenv("TZ", tz.c_str(), 1);
    ::tzset();
  }
  ~ProcessZone() {
    if (old_.empty()) {
      ::unsetenv("TZ");
    } else {
      ::setenv("TZ", old_.c_str(), 1);
    }
    ::tzset();
  }

 private:
  std::string old_;
};

CivilTime by_libc(std::time_t t) {
  std::tm tm{};
  ::localtime_r(&t, &tm);
  return {tm.tm_year + 1900,
          static_cast<std::uint8_t>(tm.tm_mon + 1),
          static_cast<std::uint8_t>(tm.tm_mday),
          static_cast<std::uint8_t>(tm.tm_hour),
          static_cast<std::uint8_t>(tm.tm_min),
          static_cast<std::uint8_t>(tm.tm_sec)};
}

bool equal(const CivilTime& a, const CivilTime& b) {
  return a.year == b.year && a.month == b.month && a.day == b.day && a.hour == b.hour &&
         a.minute == b.minute && a.second == b.second;
}

// A TZif file without transitions, whose rule holds for all of time.
std::string rule_only_file(const std::string& rule) {
  std::string header = "TZif2";
  header.append(15, '\0');
  header += std::string(16, '\0') + std::string("\0\0\0\1\0\0\0\4", 8);  // one type, four characters
  const std::string type(6, '\0');
  const std::string block = header + type + std::string("LMT\0", 4);
  return block + block + "\n" + rule + "\n";
}

}  // namespace

TEST_CASE("civil time is that of gmtime_r") {
  std::mt19937_64 random(2);
  std::uniform_int_distribution<std::int64_t> seconds(-62167219200, 253402300799);  // years 0 to 9999
  const ProcessZone utc("UTC0");
  for (int i = 0; i < 20000; ++i) {
    const std::int64_t t = seconds(random);
    CAPTURE(t);
    const CivilTime civil = cdc::civil_from_seconds(t);
    REQUIRE(equal(civil, by_libc(t)));
    REQUIRE(cdc::seconds_from_civil(civil) == t);
  }
}

TEST_CASE("named zones agree with the C library, also at each change") {
  // Half-hour and negative daylight saving, a change at no quarter of an hour (Monrovia 1972), a skipped day
  // (Apia 2011), none at all, and years past the table.
  for (const char* name :
       {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Africa/Monrovia",
        "Africa/Casablanca", "Pacific/Apia", "Asia/Kolkata", "America/Nuuk", "Asia/Gaza"}) {
    CAPTURE(name);
    const TimeZone zone(name);
    const ProcessZone process(name);
    std::mt19937_64 random(3);
    std::uniform_int_distribution<std::int64_t> seconds(0, 4294967295);
    for (int i = 0; i < 2000; ++i) {
      const std::int64_t t = seconds(random);
      CAPTURE(t);
      REQUIRE(equal(zone.local(t), by_libc(t)));
    }
    long last = 0;
    for (std::int64_t t = 0; t < 4294967295; t += 5 * 86400) {
      std::tm tm{};
      ::localtime_r(&t, &tm);
      if (tm.tm_gmtoff == last) continue;
      last = tm.tm_gmtoff;
      std::int64_t low = t - 5 * 86400, high = t;  // the change is in (low, high]
      while (high - low > 1) {
        const std::int64_t middle = low + (high - low) / 2;
        ::localtime_r(&middle, &tm);
        (tm.tm_gmtoff == last ? high : low) = middle;
      }
      for (std::int64_t around = high - 2; around <= high + 2; ++around) {
        CAPTURE(around);
        REQUIRE(equal(zone.local(around), by_libc(around)));
        REQUIRE(equal(TimeZone(name).local(around), by_libc(around)));
      }
    }
  }
}

TEST_CASE("rules of the footer agree with the C library's TZ strings") {
  for (const char* rule : {"CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30", "IST-1GMT0,M10.5.0,M3.5.0/1",
                           "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "EST5EDT,J60/1,J300", "AAA3BBB,59/0:30,299/26",
                           "EET-2EEST,M3.4.4/50,M10.4.4/50", "NZST-12NZDT,M9.5.0,M4.1.0/3"}) {
    CAPTURE(rule);
    const std::string file = rule_only_file(rule);
    const cdc::ZoneFile zone(cdc::as_bytes(file));
    const ProcessZone process(rule);
    std::mt19937_64 random(4);
    std::uniform_int_distribution<std::int64_t> seconds(0, 4294967295);
    for (int i = 0; i < 5000; ++i) {
      const std::int64_t t = seconds(random);
      CAPTURE(t);
      std::tm tm{};
      ::localtime_r(&t, &tm);
      const cdc::OffsetSpan span = zone.at(t);
      REQUIRE(span.offset == tm.tm_gmtoff);
      REQUIRE(span.from <= t);
      REQUIRE(t < span.until);
    }
  }
}

TEST_CASE("fixed offsets and spellings of UTC") {
  CHECK(TimeZone().name() == "+00:00");
  CHECK(TimeZone("utc").name() == "+00:00");
  CHECK(TimeZone("-00:00").name() == "+00:00");
  CHECK(TimeZone("+8:00").name() == "+08:00");
  CHECK(TimeZone("-13:59").name() == "-13:59");
  const CivilTime civil = TimeZone("-05:30").local(0);
  CHECK(equal(civil, {1969, 12, 31, 18, 30, 0}));
  for (const char* bad :
       {"", "+14:01", "-14:00", "+08:60", "+008:00", "+0800", "+:00", "8:00", "Mars/Olympus", "Europe",
        "/etc/passwd", "../../../etc/passwd", "tzdata.zi", "Europe/Ber lin"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(TimeZone{bad}, cdc::UsageError);
  }
}

TEST_CASE("a time zone file cut at any byte is refused") {
  const std::string file = rule_only_file("CET-1CEST,M3.5.0,M10.5.0/3");
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(cdc::ZoneFile(cdc::as_bytes(file.substr(0, size))), cdc::DecodeError);
  }
}
