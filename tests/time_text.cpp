// SPDX-License-Identifier: BSL-1.0
#include <livecount/time_text.hpp>

#include <ctime>
#include <limits>
#include <livecount/zone.hpp>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/times.hpp"

using namespace livecount;
using support::time_of;

namespace {

std::int64_t seconds_of(std::string_view text, const Calendar& zone = {}) {
  return parse_time(text, zone).seconds().time_since_epoch().count();
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("times are read in all forms") {
  constexpr std::int64_t expected = 1'308'161'492;
  for (const char* text :
       {"2011-06-15 18:11:32", "2011-06-15T18:11:32", "2011-06-15 18:11:32Z", "2011-06-15T18:11:32Z",
        "2011-06-15T18:11:32.1", "2011-06-15 18:11:32.999999999", "2011-06-15T18:11:32.5Z",
        "2011-06-15T18:11:32+00:00", "2011-06-15T18:11:32-00:00", "2011-06-15T23:41:32+05:30",
        "2011-06-15 13:11:32.25-05:00", "2011-06-16T18:10:32+23:59", "2011-06-14T18:12:32-23:59"}) {
    INFO(text);
    CHECK(seconds_of(text) == expected);
    CHECK(try_parse_time(text, Calendar()) == time_of(expected));
  }
  CHECK(seconds_of("1970-01-01") == 0);
  CHECK(seconds_of("1969-12-31 23:59:59.999") == -1);
  CHECK(seconds_of("2012-02-29") == 1'330'473'600);
}

TEST_CASE("the input zone is used where the text has no offset and only there") {
  const Calendar india = Calendar::fixed(std::chrono::minutes(330));
  CHECK(seconds_of("2011-06-15 23:41:32", india) == seconds_of("2011-06-15 18:11:32Z"));
  CHECK(seconds_of("2011-06-15", india) == seconds_of("2011-06-14 18:30:00Z"));
  CHECK(seconds_of("2011-06-15 23:41:32Z", india) == seconds_of("2011-06-15 23:41:32"));
  CHECK(seconds_of("2011-06-15 23:41:32+02:00", india) == seconds_of("2011-06-15 21:41:32"));
  const Calendar chicago = zoned_calendar("CST6CDT,M3.2.0/2,M11.1.0/2");
  CHECK(seconds_of("2011-01-15 12:00:00", chicago) == seconds_of("2011-01-15 18:00:00Z"));
  CHECK(seconds_of("2011-06-15 12:00:00", chicago) == seconds_of("2011-06-15 17:00:00Z"));
  CHECK(seconds_of("2011-11-06 01:30:00", chicago) ==
        seconds_of("2011-11-06 06:30:00Z"));  // the first of two
  CHECK(seconds_of("2011-03-13 02:30:00", chicago) == seconds_of("2011-03-13 08:30:00Z"));  // there was none
}

TEST_CASE("malformed times are refused with the reason") {
  struct Row {
    std::string text;
    std::string_view reason;
  };
  const Row rows[] = {
      {"", "not of that form"},
      {"now", "not of that form"},
      {"1308247892", "not of that form"},
      {"2011-06", "not of that form"},
      {"2011-06-1", "not of that form"},
      {"2011-06-15 ", "not of that form"},
      {"2011-06-15 18", "not of that form"},
      {"2011-06-15 18:11", "not of that form"},
      {"2011-06-15 18:11:3", "not of that form"},
      {"2011-06-15  18:11:32", "not of that form"},
      {"2011-06-15t18:11:32", "not of that form"},
      {"2011-06-15\t18:11:32", "\\x09"},
      {"2011/06/15 18:11:32", "not of that form"},
      {"2011-06-15 18-11-32", "not of that form"},
      {"2011-06-15 1 :11:32", "not of that form"},
      {" 2011-06-15 18:11:32", "not of that form"},
      {"+2011-06-15 18:11:32", "not of that form"},
      {"2011-06-15Z", "not of that form"},
      {"2011-06-15+05:30", "not of that form"},
      {"2011-00-15 18:11:32", "a month is 01 to 12"},
      {"2011-13-15 18:11:32", "a month is 01 to 12"},
      {"2011-06-31 18:11:32", "does not have this day"},
      {"2011-02-29", "does not have this day"},
      {"2100-02-29", "does not have this day"},
      {"2011-06-15 24:00:00", "an hour is 00 to 23"},
      {"2011-06-15 18:60:00", "a minute is 00 to 59"},
      {"2012-06-30 23:59:60", "leap seconds are not counted"},
      {"2011-06-15 18:11:61", "a second is 00 to 59"},
      {"2011-06-15 18:11:32.", "a fraction is"},
      {"2011-06-15 18:11:32.x", "a fraction is"},
      {"2011-06-15 18:11:32.1234567890", "a fraction is"},
      {"2011-06-15 18:11:32.1.2", "an offset as +05:30"},
      {"2011-06-15 18:11:32,5", "an offset as +05:30"},
      {"2011-06-15 18:11:32 ", "an offset as +05:30"},
      {"2011-06-15 18:11:32z", "an offset as +05:30"},
      {"2011-06-15 18:11:32ZZ", "an offset as +05:30"},
      {"2011-06-15 18:11:32 UTC", "an offset as +05:30"},
      {"2011-06-15 18:11:32+5:30", "an offset as +05:30"},
      {"2011-06-15 18:11:32+0530", "an offset as +05:30"},
      {"2011-06-15 18:11:32+05:60", "an offset as +05:30"},
      {"2011-06-15 18:11:32+24:00", "an offset as +05:30"},
      {"2011-06-15 18:11:32+05:3x", "an offset as +05:30"},
      {"2011-06-15 18:11:32+05-30", "an offset as +05:30"},
      {"2011-06-15 18:11:32*05:30", "an offset as +05:30"},
      {std::string(3000, '2'), "(3000 bytes)"},
      {std::string("2011-06-15 18:11:32\0", 20), "\\x00"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK_FALSE(try_parse_time(row.text, Calendar()));
    try {
      (void)parse_time(row.text, Calendar());
      FAIL_CHECK("accepted");
    } catch (const Error& error) {
      CAPTURE(error.what());
      CHECK(error.code() == Errc::invalid_text);
      CHECK(contains(error.what(), row.reason));
      CHECK(contains(error.what(), "2011-06-15T18:11:32Z"));
    }
  }
}

TEST_CASE("only the years 1400 to 9999 are read") {
  CHECK(to_text(parse_time("1400-01-01", {})) == "1400-01-01T00:00:00Z");
  CHECK(to_text(parse_time("9999-12-31 23:59:59", {})) == "9999-12-31T23:59:59Z");
  for (const char* text : {"1399-12-31 23:59:59", "0000-01-01", "1399-12-31"}) {
    CHECK_FALSE(try_parse_time(text, Calendar()));
    try {
      (void)parse_time(text, Calendar());
      FAIL_CHECK("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == Errc::time_out_of_range);
      CHECK(contains(error.what(), "1400 to 9999"));
    }
  }
}

TEST_CASE("every instant can be read back from its text") {
  CHECK(to_text(time_of(1'308'161'492)) == "2011-06-15T18:11:32Z");
  CHECK(to_text(time_of(-1)) == "1969-12-31T23:59:59Z");
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> any(detail::first_second, detail::end_second - 1);
  for (int i = 0; i < 10'000; ++i) {
    const Time time = time_of(any(random));
    const std::time_t seconds = time.seconds().time_since_epoch().count();
    std::tm fields{};
    gmtime_r(&seconds, &fields);
    char text[32];
    REQUIRE(std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &fields) == 20);
    REQUIRE(to_text(time) == text);
    REQUIRE(parse_time(text, Calendar()) == time);
  }
}

TEST_CASE("instants that no year of four digits holds have a text too") {
  CHECK(to_text(time_of(detail::end_second)) == "@253402300800");
  CHECK(to_text(time_of(detail::year_zero)) == "0000-01-01T00:00:00Z");
  CHECK(to_text(time_of(detail::year_zero - 1)) == "@-62167219201");
  CHECK(to_text(time_of(std::numeric_limits<std::int64_t>::min())) == "@-9223372036854775808");
}
