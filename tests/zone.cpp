// SPDX-License-Identifier: BSL-1.0
#include <livecount/zone.hpp>

#include <array>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/times.hpp"
#include "support/zones.hpp"

using namespace livecount;
using support::changes;
using support::chicago_text;
using support::LocalZone;
using support::number;
using support::offset;
using support::time_of;
using support::utc;
using support::zone_texts;

namespace {

std::string scope(const Calendar& calendar, PeriodType type, std::string_view time) {
  return to_scope(calendar.bucket(type, utc(time)));
}

std::string refusal(std::string_view text) {
  const std::optional<Error> error = livecount::tests::error_of([&] { (void)parse_calendar(text); });
  if (!error) return "accepted";
  CHECK(error->code() == Errc::invalid_text);
  return error->what();
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("local times are those of the C library") {
  std::mt19937_64 random(4);
  std::uniform_int_distribution<std::int64_t> usual(number(utc("1971-01-01")), number(utc("2100-01-01")) - 1);
  std::uniform_int_distribution<std::int64_t> any(number(utc("1971-01-01")), number(utc("9999-12-30")));
  for (const char* text : zone_texts) {
    const Calendar calendar = zoned_calendar(text);
    const LocalZone zone(text);
    const auto check = [&](std::int64_t instant) {
      CAPTURE(text, to_text(time_of(instant)));
      REQUIRE(calendar.local(time_of(instant)).time_since_epoch().count() == LocalZone::civil(instant));
    };
    for (int i = 0; i < 3000; ++i) check(usual(random));
    for (int i = 0; i < 1000; ++i) check(any(random));
    for (int year = 1971; year < 2100; ++year) {
      for (const Time change : changes(calendar, year)) {
        for (const std::int64_t near : {-3600, -1, 0, 1, 3599}) check(number(change) + near);
      }
    }
  }
}

// The C library does not know rules before 1970.
TEST_CASE("local times before 1970 are those of 400, 800 or 1200 years later") {
  std::mt19937_64 random(6);
  std::uniform_int_distribution<std::int64_t> past(number(utc("1400-01-02")), number(utc("1971-01-01")));
  for (const char* text : zone_texts) {
    const Calendar calendar = zoned_calendar(text);
    for (int i = 0; i < 1000; ++i) {
      const std::int64_t instant = past(random);
      CAPTURE(text, to_text(time_of(instant)));
      for (const std::int64_t cycles : {1, 2, 3}) {
        const Time later = time_of(instant + cycles * 146'097 * detail::day_seconds);
        REQUIRE(offset(calendar, time_of(instant)) == offset(calendar, later));
      }
    }
  }
}

TEST_CASE("zones with rules change twice in a year and others never") {
  for (const char* text : zone_texts) {
    CAPTURE(text);
    const bool has_rules = contains(text, ",");
    for (const int year : {1401, 1899, 1970, 1999, 2000, 2011, 2399, 2400, 9998}) {
      CHECK(changes(zoned_calendar(text), year).size() == (has_rules ? 2 : 0));
    }
  }
}

TEST_CASE("the sign of POSIX text counts to the west") {
  CHECK(scope(zoned_calendar(chicago_text), PeriodType::second, "2011-01-01 12:00:00") ==
        "2011-01-01 06:00:00");
  CHECK(scope(zoned_calendar(chicago_text), PeriodType::second, "2011-07-01 12:00:00") ==
        "2011-07-01 07:00:00");
  CHECK(scope(zoned_calendar("CET-1CEST,M3.5.0,M10.5.0/3"), PeriodType::hour, "2011-07-01 12:00:00") ==
        "2011-07-01 14");
  CHECK(scope(zoned_calendar("IST-5:30"), PeriodType::minute, "2011-07-01 12:00:00") == "2011-07-01 17:30");
  CHECK(scope(zoned_calendar("<-03>3"), PeriodType::hour, "2011-07-01 12:00:00") == "2011-07-01 09");
  CHECK(scope(zoned_calendar("AEST-10AEDT,M10.1.0,M4.1.0/3"), PeriodType::hour, "2011-01-01 12:00:00") ==
        "2011-01-01 23");
}

TEST_CASE("an hour that happens twice is one bucket of two hours") {
  const Calendar chicago = zoned_calendar(chicago_text);
  const Bucket hour = parse_scope(PeriodType::hour, "2011-11-06 01");
  CHECK(chicago.bucket(PeriodType::hour, utc("2011-11-06 06:00:00")) == hour);
  CHECK(chicago.bucket(PeriodType::hour, utc("2011-11-06 07:59:59")) == hour);
  CHECK(chicago.bounds(hour) == Calendar::Bounds{utc("2011-11-06 06:00:00"), utc("2011-11-06 08:00:00")});
  CHECK(to_scope(chicago.next(hour)) == "2011-11-06 02");
  CHECK(to_scope(chicago.previous(hour)) == "2011-11-06 00");
  // A segment does not pass the change of the offset.
  CHECK(chicago.segment(PeriodType::hour, utc("2011-11-06 06:30:00")) ==
        Calendar::Segment{hour, utc("2011-11-06 06:00:00"), utc("2011-11-06 07:00:00")});
  CHECK(chicago.segment(PeriodType::hour, utc("2011-11-06 07:30:00")) ==
        Calendar::Segment{hour, utc("2011-11-06 07:00:00"), utc("2011-11-06 08:00:00")});
}

TEST_CASE("a minute that happens twice is one bucket of two separate minutes") {
  const Calendar chicago = zoned_calendar(chicago_text);
  const Bucket minute = parse_scope(PeriodType::minute, "2011-11-06 01:30");
  CHECK(chicago.bounds(minute) == Calendar::Bounds{utc("2011-11-06 06:30:00"), utc("2011-11-06 07:31:00")});
  CHECK(chicago.segment(PeriodType::minute, utc("2011-11-06 06:30:30")) ==
        Calendar::Segment{minute, utc("2011-11-06 06:30:00"), utc("2011-11-06 06:31:00")});
  CHECK(chicago.segment(PeriodType::minute, utc("2011-11-06 07:30:30")) ==
        Calendar::Segment{minute, utc("2011-11-06 07:30:00"), utc("2011-11-06 07:31:00")});
  CHECK(to_scope(chicago.next(parse_scope(PeriodType::minute, "2011-11-06 01:59"))) == "2011-11-06 02:00");
}

TEST_CASE("a missing hour holds nothing and is passed over") {
  const Calendar chicago = zoned_calendar(chicago_text);
  const Time change = utc("2011-03-13 08:00:00");
  for (const PeriodType type : {PeriodType::hour, PeriodType::minute, PeriodType::second}) {
    const auto text = [&](const char* time) {
      return std::string(time).substr(0, detail::scope_example(type).size());
    };
    const Bucket missing = parse_scope(type, text("2011-03-13 02:17:05"));
    CHECK(chicago.bounds(missing) == Calendar::Bounds{change, change});
    CHECK(to_scope(chicago.next(missing)) == text("2011-03-13 03:00:00"));
    CHECK(to_scope(chicago.previous(missing)) == text("2011-03-13 01:59:59"));
    CHECK(to_scope(chicago.next(parse_scope(type, text("2011-03-13 01:59:59")))) ==
          text("2011-03-13 03:00:00"));
    CHECK(to_scope(chicago.previous(parse_scope(type, text("2011-03-13 03:00:00")))) ==
          text("2011-03-13 01:59:59"));
  }
  CHECK(chicago.bounds(parse_scope(PeriodType::day, "2011-03-13")) ==
        Calendar::Bounds{utc("2011-03-13 06:00:00"), utc("2011-03-14 05:00:00")});
}

TEST_CASE("a half-hour change leaves half an hour of the missing hour") {
  const Calendar lord_howe = zoned_calendar("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
  const Bucket hour = parse_scope(PeriodType::hour, "2011-10-02 02");
  CHECK(lord_howe.bounds(hour) == Calendar::Bounds{utc("2011-10-01 15:30:00"), utc("2011-10-01 16:00:00")});
  CHECK(to_scope(lord_howe.previous(parse_scope(PeriodType::minute, "2011-10-02 02:30"))) ==
        "2011-10-02 01:59");
}

TEST_CASE("bounds are the hull of the instants in a bucket, second by second around a change") {
  for (const char* text : zone_texts) {
    const Calendar calendar = zoned_calendar(text);
    for (const Time change : changes(calendar, 2011)) {
      const std::int64_t first = number(change) - 4 * detail::hour_seconds;
      const std::int64_t last = number(change) + 4 * detail::hour_seconds;
      for (const PeriodType type : {PeriodType::minute, PeriodType::hour}) {
        std::map<Bucket, Calendar::Bounds> seen;
        for (std::int64_t instant = first; instant < last; ++instant) {
          const Time time = time_of(instant);
          const auto place =
              seen.try_emplace(calendar.bucket(type, time), Calendar::Bounds{time, time}).first;
          place->second.until = time_of(instant + 1);
        }
        const Bucket begin = calendar.bucket(type, time_of(number(change) - 2 * detail::hour_seconds));
        const Bucket end = calendar.bucket(type, time_of(number(change) + 2 * detail::hour_seconds));
        for (auto place = seen.find(begin); place->first < end; ++place) {
          CAPTURE(text, to_scope(place->first));
          REQUIRE(calendar.bounds(place->first) == place->second);
          REQUIRE(calendar.next(place->first) == std::next(place)->first);
          REQUIRE(calendar.previous(std::next(place)->first) == place->first);
        }
      }
    }
  }
}

TEST_CASE("segments are as long as bucket and offset allow") {
  std::mt19937_64 random(5);
  std::uniform_int_distribution<std::int64_t> any(number(utc("1400-02-01")), number(utc("9999-11-30")));
  for (const char* text : zone_texts) {
    const Calendar calendar = zoned_calendar(text, WeekStart::sunday);
    for (int i = 0; i < 400; ++i) {
      Time time = time_of(any(random));
      const Time change = calendar.segment(PeriodType::all, time).from;
      if (i % 2 == 0 && contains(text, ",")) time = time_of(number(change) + any(random) % 7200 - 3600);
      for (const PeriodType type : Periods::every()) {
        CAPTURE(text, to_text(time), to_string(type));
        const Calendar::Segment segment = calendar.segment(type, time);
        const Bucket bucket = segment.bucket;
        const Time from = segment.from;
        const Time until = segment.until;
        const auto same = [&](Time other) {
          return calendar.bucket(type, other) == bucket && offset(calendar, other) == offset(calendar, time);
        };
        REQUIRE(bucket == calendar.bucket(type, time));
        REQUIRE((from <= time && time < until));
        REQUIRE(same(from));
        REQUIRE(same(time_of(number(until) - 1)));
        const auto [least, greatest] = calendar.bounds(Bucket{});
        if (from != least) REQUIRE_FALSE(same(time_of(number(from) - 1)));
        if (until != greatest) REQUIRE_FALSE(same(until));
        const Calendar::Bounds bounds = calendar.bounds(bucket);
        REQUIRE((bounds.from <= from && until <= bounds.until));
      }
    }
  }
}

TEST_CASE("local times give the first instant that shows them, or as if clocks had not been set forward") {
  for (const char* text : zone_texts) {
    const Calendar calendar = zoned_calendar(text);
    for (const Time change : changes(calendar, 2011)) {
      std::map<std::int64_t, Time> first_shown;
      for (std::int64_t instant = number(change) - 6 * detail::hour_seconds;
           instant < number(change) + 6 * detail::hour_seconds; instant += 30) {
        first_shown.try_emplace(calendar.local(time_of(instant)).time_since_epoch().count(),
                                time_of(instant));
      }
      const std::int64_t before = offset(calendar, time_of(number(change) - 1));
      const std::int64_t begin = number(change) + before - 3 * detail::hour_seconds;
      for (std::int64_t civil = begin; civil < begin + 6 * detail::hour_seconds; civil += 30) {
        CAPTURE(text, detail::civil_text(civil));
        const auto shown = first_shown.find(civil);
        const Time expected = shown == first_shown.end() ? time_of(civil - before) : shown->second;
        REQUIRE(calendar.to_utc(std::chrono::local_seconds{std::chrono::seconds{civil}}) == expected);
      }
    }
  }
}

TEST_CASE("the range is that of the calendar's clock, daylight-saving time or not") {
  for (const char* text : zone_texts) {
    CAPTURE(text);
    const Calendar calendar = zoned_calendar(text);
    const auto [from, until] = calendar.bounds(Bucket{});
    CHECK(detail::describe_civil(calendar.local(from).time_since_epoch().count()) == "1400-01-01 00:00:00");
    CHECK(detail::describe_civil(calendar.local(time_of(number(until) - 1)).time_since_epoch().count()) ==
          "9999-12-31 23:59:59");
    CHECK_THROWS_AS(calendar.local(until), Error);
    CHECK_THROWS_AS(calendar.local(time_of(std::numeric_limits<std::int64_t>::min())), Error);
    CHECK_THROWS_AS(calendar.local(time_of(std::numeric_limits<std::int64_t>::max())), Error);
    CHECK_THROWS_AS(calendar.local(time_of(number(from) - 1)), Error);
    CHECK(calendar.to_utc(calendar.local(from)) == from);
  }
}

TEST_CASE("a rule may reach into the year before or after") {
  const Calendar before = zoned_calendar("AAA0BBB,0/-5,J200");
  const Calendar after = zoned_calendar("AAA0BBB,J200/1,J365/30");
  for (const int year : {1401, 1999, 2000, 2001, 2398, 2399, 2400, 9998}) {
    const std::string text = std::to_string(year);
    CHECK(changes(before, year) == std::vector{utc(text + "-07-19 01:00:00"), utc(text + "-12-31 19:00:00")});
    CHECK(offset(before, utc(text + "-01-01 00:00:00")) == 3600);
    CHECK(changes(after, year) == std::vector{utc(text + "-01-01 05:00:00"), utc(text + "-07-19 01:00:00")});
    CHECK(offset(after, utc(text + "-01-01 04:59:59")) == 3600);
  }
}

TEST_CASE("daylight-saving time that ends when it begins again lasts for ever") {
  const Calendar always = zoned_calendar("EST5EDT,0/0,J365/25");
  for (const char* time :
       {"1970-01-01 03:30:00", "2011-01-01 04:59:59", "2011-07-01 12:00:00", "2012-12-31 23:59:59"}) {
    CHECK(offset(always, utc(time)) == -4 * detail::hour_seconds);
  }
  CHECK(changes(always, 2011).empty());
  const Calendar never = zoned_calendar("EST5EDT,J365/23,0/0");
  CHECK(offset(never, utc("2011-07-01")) == -5 * detail::hour_seconds);
  CHECK(offset(zoned_calendar("AAA5BBB5,M3.2.0,M11.1.0"), utc("2011-07-01")) == -5 * detail::hour_seconds);
}

TEST_CASE("a calendar keeps its text and can be read back from it") {
  for (const char* text : zone_texts) {
    const Calendar calendar = parse_calendar(text, WeekStart::sunday);
    CHECK(calendar.text() == text);
    CHECK(calendar.week_start() == WeekStart::sunday);
    CHECK(parse_calendar(calendar.text(), WeekStart::sunday) == calendar);
    CHECK(parse_calendar(calendar.text()) != calendar);
  }
  CHECK(zoned_calendar("CST6CDT,M3.2.0,M11.1.0") != zoned_calendar(chicago_text));
}

TEST_CASE("calendars are read from UTC and offsets") {
  CHECK(parse_calendar("UTC") == Calendar());
  CHECK(parse_calendar("Z", WeekStart::sunday) == Calendar(WeekStart::sunday));
  CHECK(parse_calendar("+05:30") == Calendar::fixed(std::chrono::minutes(330)));
  CHECK(parse_calendar("-03:00").text() == "-03:00");
  CHECK(parse_calendar("-00:00") == Calendar());
  for (const char* text : {"+5:30", "+0530", "+05:60", "+24:00", "+05:30 ", "+", "-", "+05-30", "+05:3x"}) {
    INFO(text);
    CHECK(contains(refusal(text), "must look like \"+05:30\""));
  }
}

TEST_CASE("malformed zones are refused with the right form") {
  const std::array<std::pair<const char*, const char*>, 48> rows{{
      {"", "a name must be three letters"},
      {"America/Chicago", "such as \"America/Chicago\" are not known"},
      {":America/Chicago", "are not known"},
      {"Etc/GMT+5", "are not known"},
      {"EST", "the offset from UTC is missing"},
      {"utc", "the offset from UTC is missing"},
      {"Japan", "the offset from UTC is missing"},
      {"AB3", "a name must be"},
      {"<-3", "a name must be"},
      {"<-03 3", "a name must be"},
      {"<-0>3", "a name must be"},
      {"<a b>3", "a name must be"},
      {"3", "a name must be"},
      {" CST6", "a name must be"},
      {"CST 6", "hours must be 0 to 24"},
      {"CST25", "hours must be 0 to 24"},
      {"CST+-6", "hours must be 0 to 24"},
      {"CST-+6", "hours must be 0 to 24"},
      {"CST006", "a name must be"},
      {"CST6:60", "minutes must be 0 to 59"},
      {"CST6:5", "minutes must have two digits"},
      {"CST6:05:5", "seconds must have two digits"},
      {"CST6:05:05:05", "a name must be"},
      {"CST6,M3.2.0,M11.1.0", "a name must be"},
      {"CST6CDT", "CST6CDT,M3.5.0,M10.5.0/3"},
      {"CST6CDT5", "CST6CDT5,M3.5.0,M10.5.0/3"},
      {"<-03>3<-02>", "<-03>3<-02>,M3.5.0,M10.5.0/3"},
      {"CST6CDT,", "a rule is Mmonth.week.day"},
      {"CST6CDT,M3.2.0", "two rules are needed"},
      {"CST6CDT,M3.2.0;M11.1.0", "two rules are needed"},
      {"CST6CDT,M3.2.0,M11.1.0,", "nothing may follow"},
      {"CST6CDT,M3.2.0,M11.1.0 ", "nothing may follow"},
      {"CST6CDT,M0.2.0,M11.1.0", "the month of a rule must be 1 to 12"},
      {"CST6CDT,M13.2.0,M11.1.0", "the month of a rule must be 1 to 12"},
      {"CST6CDT,M3.6.0,M11.1.0", "the week of a rule must be 1 to 5"},
      {"CST6CDT,M3.2.7,M11.1.0", "the day of a rule (0 is Sunday) must be 0 to 6"},
      {"CST6CDT,M3.2,M11.1.0", "a rule is Mmonth.week.day"},
      {"CST6CDT,J0,J300", "the day of a J rule must be 1 to 365"},
      {"CST6CDT,J366,J300", "the day of a J rule must be 1 to 365"},
      {"CST6CDT,366,300", "must be 0 to 365"},
      {"CST6CDT,M3.2.0/168,M11.1.0", "hours must be 0 to 167"},
      {"CST6CDT,M3.2.0/,M11.1.0", "hours must be 0 to 167"},
      {"CST6CDT,M3.2.0/2:0,M11.1.0", "minutes must have two digits"},
      {"CST6CDT-20,M3.2.0,M11.1.0", "may not move clocks by 24 hours"},
      {"CST6CDT,M3.2.0,M3.2.0/3", "must each last 24 hours or more"},
      {"CST6CDT,0/0,J365/22", "must each last 24 hours or more"},
      {"CST6CDT,0/0,J365/30", "must each last 24 hours or more"},
      {"CST6CDT,M3.2.0,J70", "must each last 24 hours or more"},
  }};
  for (const auto& [text, reason] : rows) {
    const std::string message = refusal(text);
    CAPTURE(text, message);
    CHECK(contains(message, reason));
    CHECK(contains(message, "such text looks like \"CST6CDT,M3.2.0/2,M11.1.0/2\" (Chicago)"));
  }
}

TEST_CASE("damaged zones are refused with an Error or are calendars like others") {
  std::mt19937_64 random(7);
  const std::string_view bytes = "0123456789+-:,./<>MJACDST \x00\xff";
  std::size_t accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = zone_texts[random() % std::size(zone_texts)];
    for (std::uint64_t damage = random() % 3; damage <= 2; ++damage) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0) text.erase(at, 1);
      text.insert(at, 1, bytes[random() % bytes.size()]);
      if (random() % 3 == 0) text.erase(at, 1 + random() % 5);
      if (text.empty()) break;
    }
    CAPTURE(text);
    try {
      const Calendar calendar = parse_calendar(text);
      ++accepted;
      const auto [from, until] = calendar.bounds(Bucket{});
      const std::int64_t length = number(until) - number(from);
      for (int j = 0; j < 10; ++j) {
        const Time time =
            time_of(number(from) + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(length)));
        const Calendar::Segment segment = calendar.segment(PeriodType::hour, time);
        REQUIRE((segment.from <= time && time < segment.until));
        REQUIRE(calendar.bounds(segment.bucket).from <= segment.from);
        REQUIRE(calendar.bucket(PeriodType::hour, calendar.to_utc(calendar.local(time))) == segment.bucket);
      }
    } catch (const Error& error) {
      REQUIRE(error.code() == Errc::invalid_text);
    }
  }
  CHECK(accepted > 100);
}
