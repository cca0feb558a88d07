// SPDX-License-Identifier: BSL-1.0
#include <livecount/calendar.hpp>

#include <ctime>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/times.hpp"

using namespace livecount;
using livecount::tests::code_of;
using support::time_of;
using support::utc;

namespace {

Time before(Time time) { return time.seconds() - std::chrono::seconds(1); }

/// Where the C library thinks that the bucket of a UTC time begins.
std::int64_t begin_by_c_library(PeriodType type, std::time_t seconds, WeekStart week_start) {
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  if (type == PeriodType::all) return 0;
  if (type >= PeriodType::minute) fields.tm_sec = 0;
  if (type >= PeriodType::hour) fields.tm_min = 0;
  if (type >= PeriodType::day) fields.tm_hour = 0;
  if (type == PeriodType::week)
    fields.tm_mday -= week_start == WeekStart::monday ? (fields.tm_wday + 6) % 7 : fields.tm_wday;
  if (type >= PeriodType::month) fields.tm_mday = 1;
  if (type >= PeriodType::year) fields.tm_mon = 0;
  return timegm(&fields);
}

std::vector<Calendar> calendars() {
  return {Calendar(), Calendar(WeekStart::sunday), Calendar::fixed(std::chrono::minutes(330)),
          Calendar::fixed(-std::chrono::minutes(23 * 60 + 59), WeekStart::sunday)};
}

}  // namespace

TEST_CASE("buckets in UTC begin where the C library says") {
  std::mt19937_64 random(2);
  std::uniform_int_distribution<std::int64_t> any(detail::first_second, detail::end_second - 1);
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t seconds = any(random);
    for (const WeekStart week_start : {WeekStart::monday, WeekStart::sunday}) {
      for (const PeriodType type : Periods::every()) {
        CAPTURE(seconds, to_string(type));
        const Bucket expected{type, begin_by_c_library(type, seconds, week_start)};
        REQUIRE(Calendar(week_start).bucket(type, time_of(seconds)) == expected);
      }
    }
  }
}

TEST_CASE("times before 1970 are floored") {
  const Calendar calendar;
  CHECK(to_scope(calendar.bucket(PeriodType::second, time_of(-1))) == "1969-12-31 23:59:59");
  CHECK(to_scope(calendar.bucket(PeriodType::hour, time_of(-1))) == "1969-12-31 23");
  CHECK(to_scope(calendar.bucket(PeriodType::week, time_of(-1))) == "1969-12-29week");
  CHECK(to_scope(calendar.bucket(PeriodType::month, utc("1582-10-10"))) == "1582-10");
  using std::chrono::system_clock;
  const std::chrono::sys_time<std::chrono::nanoseconds> fine{std::chrono::nanoseconds(-1)};
  CHECK(to_scope(calendar.bucket(PeriodType::second, fine)) == "1969-12-31 23:59:59");
}

TEST_CASE("a fixed offset moves the borders of buckets") {
  const Calendar india = Calendar::fixed(std::chrono::minutes(330));
  CHECK(to_scope(india.bucket(PeriodType::day, utc("2011-06-15 18:29:59"))) == "2011-06-15");
  CHECK(to_scope(india.bucket(PeriodType::day, utc("2011-06-15 18:30:00"))) == "2011-06-16");
  CHECK(to_text(india.bounds(parse_scope(PeriodType::day, "2011-06-16")).from) == "2011-06-15T18:30:00Z");
  CHECK(to_text(india.bounds(parse_scope(PeriodType::day, "2011-06-16")).until) == "2011-06-16T18:30:00Z");
  CHECK(india.local(utc("2011-06-15")).time_since_epoch() ==
        utc("2011-06-15 05:30:00").seconds().time_since_epoch());
  CHECK(india.to_utc(india.local(utc("2011-06-15"))) == utc("2011-06-15"));
}

TEST_CASE("a calendar has a text and equality") {
  CHECK(Calendar().text() == "UTC");
  CHECK(Calendar::fixed(std::chrono::seconds(0)).text() == "UTC");
  CHECK(Calendar::fixed(std::chrono::minutes(330)).text() == "+05:30");
  CHECK(Calendar::fixed(-std::chrono::hours(3)).text() == "-03:00");
  CHECK(Calendar::fixed(-std::chrono::minutes(1)).text() == "-00:01");
  CHECK(Calendar::fixed(std::chrono::minutes(23 * 60 + 59)).text() == "+23:59");
  CHECK(Calendar() == Calendar::fixed(std::chrono::seconds(0)));
  CHECK(Calendar() != Calendar(WeekStart::sunday));
  CHECK(Calendar() != Calendar::fixed(std::chrono::hours(1)));
  CHECK(Calendar(WeekStart::sunday).week_start() == WeekStart::sunday);
}

TEST_CASE("offsets of a day or more and of parts of a minute are refused") {
  for (const int seconds : {86'400, -86'400, 30, -1, 3601}) {
    CHECK(code_of([&] { (void)Calendar::fixed(std::chrono::seconds(seconds)); }) == Errc::invalid_option);
  }
}

TEST_CASE("times outside the years 1400 to 9999 of the calendar's clock are refused") {
  for (const Calendar& calendar : calendars()) {
    const auto [from, until] = calendar.bounds(Bucket{});
    CHECK(to_text(calendar.to_utc(calendar.local(from))) == to_text(from));
    for (const PeriodType type : Periods::every()) {
      CAPTURE(calendar.text(), to_string(type));
      CHECK(calendar.segment(type, from).bucket == calendar.bucket(type, from));
      CHECK(calendar.segment(type, before(until)).bucket == calendar.bucket(type, before(until)));
      for (const Time time : {before(from), until, time_of(std::numeric_limits<std::int64_t>::min()),
                              time_of(std::numeric_limits<std::int64_t>::max())}) {
        CHECK(code_of([&] { (void)calendar.bucket(type, time); }) == Errc::time_out_of_range);
        CHECK(code_of([&] { (void)calendar.segment(type, time); }) == Errc::time_out_of_range);
        CHECK(code_of([&] { (void)calendar.local(time); }) == Errc::time_out_of_range);
        const std::chrono::local_seconds local{time.seconds().time_since_epoch()};
        if (calendar.text() == "UTC")
          CHECK(code_of([&] { (void)calendar.to_utc(local); }) == Errc::time_out_of_range);
      }
    }
  }
  try {
    (void)Calendar().bucket(PeriodType::day, utc("1400-01-01").seconds() - std::chrono::days(10'000));
    FAIL_CHECK("accepted");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) ==
          "the time 1372-08-15 00:00:00 (UTC) is outside the years 1400 to 9999 of the calendar UTC");
  }
}

TEST_CASE("the buckets at the ends hold only the instants within the range") {
  const Calendar calendar;
  const Bucket first = calendar.bucket(PeriodType::week, utc("1400-01-01"));
  CHECK(to_scope(first) == "1399-12-30week");
  CHECK(to_text(calendar.bounds(first).from) == "1400-01-01T00:00:00Z");
  CHECK(to_text(calendar.bounds(first).until) == "1400-01-06T00:00:00Z");
  CHECK(calendar.next(first) == parse_scope(PeriodType::week, "1400-01-06week"));
  CHECK(calendar.previous(calendar.next(first)) == first);
  const Bucket last = calendar.bucket(PeriodType::week, utc("9999-12-31"));
  CHECK(to_scope(last) == "9999-12-27week");
  CHECK(calendar.bounds(last).until == time_of(detail::end_second));
  CHECK(calendar.bounds(Bucket{}) == Calendar::Bounds{utc("1400-01-01"), time_of(detail::end_second)});
  for (const PeriodType type : Periods::every()) {
    const Bucket at_first = calendar.bucket(type, utc("1400-01-01"));
    const Bucket at_last = calendar.bucket(type, utc("9999-12-31 23:59:59"));
    CHECK(code_of([&] { (void)calendar.previous(at_first); }) == Errc::time_out_of_range);
    CHECK(code_of([&] { (void)calendar.next(at_last); }) == Errc::time_out_of_range);
  }
  CHECK(code_of([&] {
          (void)calendar.bounds({PeriodType::day, detail::end_second});
        }) == Errc::time_out_of_range);
  CHECK(code_of([&] {
          (void)calendar.bounds({PeriodType::day, detail::first_second - 1});
        }) == Errc::time_out_of_range);
  CHECK(code_of([&] {
          (void)calendar.next({PeriodType::day, std::numeric_limits<std::int64_t>::max()});
        }) == Errc::time_out_of_range);
}

TEST_CASE("bounds and segments are exactly the instants of a bucket") {
  std::mt19937_64 random(3);
  std::uniform_int_distribution<std::int64_t> any(detail::first_second + 2 * detail::day_seconds,
                                                  detail::end_second - 2 * detail::day_seconds);
  for (const Calendar& calendar : calendars()) {
    for (int i = 0; i < 1000; ++i) {
      const Time time = time_of(any(random));
      for (const PeriodType type : Periods::every()) {
        CAPTURE(calendar.text(), to_text(time), to_string(type));
        const Bucket bucket = calendar.bucket(type, time);
        const auto [from, until] = calendar.bounds(bucket);
        REQUIRE((from <= time && time < until));
        REQUIRE(calendar.bucket(type, from) == bucket);
        REQUIRE(calendar.bucket(type, before(until)) == bucket);
        REQUIRE(calendar.segment(type, time) == Calendar::Segment{bucket, from, until});
        if (type == PeriodType::all) continue;
        if (from != calendar.bounds(Bucket{}).from) {
          REQUIRE(calendar.bucket(type, before(from)) < bucket);
          REQUIRE(calendar.previous(bucket) == calendar.bucket(type, before(from)));
        }
        if (until != calendar.bounds(Bucket{}).until) {
          REQUIRE(calendar.bucket(type, until) > bucket);
          REQUIRE(calendar.next(bucket) == calendar.bucket(type, until));
        }
      }
    }
  }
}
