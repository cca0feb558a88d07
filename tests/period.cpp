// SPDX-License-Identifier: BSL-1.0
#include <livecount/period.hpp>

#include <chrono>
#include <iterator>
#include <limits>
#include <livecount/calendar.hpp>
#include <livecount/detail/quote.hpp>
#include <livecount/time_text.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/shared_data.hpp"

using namespace livecount;

namespace {

/// The code and message of the error that `action` ends in.
template <class Action>
std::pair<Errc, std::string> error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Errc::ok, "no error"};
}

/// A JSON string whose only escape is \t; anything else as it is.
std::string from_json(std::string_view quoted) {
  std::string text;
  if (!quoted.starts_with('"')) return std::string(quoted);
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\') {
      REQUIRE(quoted[++i] == 't');
      text += '\t';
    } else {
      text += quoted[i];
    }
  }
  return text;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

static_assert(static_cast<int>(PeriodType::second) == 0 && static_cast<int>(PeriodType::minute) == 1 &&
              static_cast<int>(PeriodType::hour) == 2 && static_cast<int>(PeriodType::day) == 3 &&
              static_cast<int>(PeriodType::week) == 4 && static_cast<int>(PeriodType::month) == 5 &&
              static_cast<int>(PeriodType::year) == 6 && static_cast<int>(PeriodType::all) == 7);
static_assert(sizeof(Periods) == 1);
static_assert(std::forward_iterator<Periods::const_iterator>);
static_assert((PeriodType::hour | PeriodType::day).size() == 2);
static_assert(Time(std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(-1)))
                  .seconds() == std::chrono::sys_seconds(std::chrono::seconds(-1)));

}  // namespace

TEST_CASE("names of period types can be read back and others are refused with the list of names") {
  for (const PeriodType type : Periods::every()) CHECK(parse_period_type(to_string(type)) == type);
  for (const std::string text : {"", "DAY", "Day", "days", " day", "day ", "day\n", "fortnight", "unknown"}) {
    INFO(text);
    const auto [code, message] = error_of([&] { (void)parse_period_type(text); });
    CHECK(code == Errc::invalid_text);
    CHECK(contains(message, "second,minute,hour,day,week,month,year,all"));
    CHECK(contains(message, detail::quote(text)));
  }
  CHECK(to_string(static_cast<PeriodType>(8)) == "unknown");
}

TEST_CASE("a set of periods is iterated from the shortest to the longest") {
  const Periods periods = PeriodType::all | PeriodType::second | PeriodType::week;
  const std::vector<PeriodType> types(periods.begin(), periods.end());
  CHECK(types == std::vector{PeriodType::second, PeriodType::week, PeriodType::all});
  CHECK(periods.size() == 3);
  CHECK(periods.contains(PeriodType::week));
  CHECK_FALSE(periods.contains(PeriodType::day));
  CHECK(Periods().empty());
  CHECK(Periods().begin() == Periods().end());
  CHECK_FALSE(periods.empty());
  CHECK(Periods::every().size() == 8);
  CHECK((periods | PeriodType::week) == periods);
  CHECK((periods | PeriodType::day) != periods);
}

TEST_CASE("every set of periods can be read back from its text") {
  CHECK(to_string(Periods()).empty());
  for (unsigned bits = 1; bits < 256; ++bits) {
    Periods periods;
    for (const PeriodType type : Periods::every()) {
      if ((bits >> static_cast<unsigned>(type) & 1U) != 0) periods = periods | type;
    }
    CHECK(parse_periods(to_string(periods)) == periods);
  }
  CHECK(parse_periods("week,day") == (PeriodType::day | PeriodType::week));
  CHECK(to_string(parse_periods("week,day")) == "day,week");
}

TEST_CASE("malformed sets of periods are refused") {
  for (const std::string text : {"", ",", "day,", ",day", "day,,week", "day, week", "day;week", "day,Week"}) {
    INFO(text);
    CHECK(error_of([&] { (void)parse_periods(text); }).first == Errc::invalid_text);
  }
  const auto [code, message] = error_of([] { (void)parse_periods("day,week,day"); });
  CHECK(code == Errc::invalid_text);
  CHECK(contains(message, "names day twice"));
}

TEST_CASE("scopes are those of the ancestor") {
  const Time time = parse_time("2011-06-15 18:11:32.123456", Calendar());
  const auto scope = [&](PeriodType type) { return to_scope(Calendar().bucket(type, time)); };
  CHECK(scope(PeriodType::second) == "2011-06-15 18:11:32");
  CHECK(scope(PeriodType::minute) == "2011-06-15 18:11");
  CHECK(scope(PeriodType::hour) == "2011-06-15 18");
  CHECK(scope(PeriodType::day) == "2011-06-15");
  CHECK(scope(PeriodType::week) == "2011-06-13week");
  CHECK(scope(PeriodType::month) == "2011-06");
  CHECK(scope(PeriodType::year) == "2011");
  CHECK(scope(PeriodType::all) == "all");
}

TEST_CASE("a week is named by its first day") {
  const auto week = [](const char* time, WeekStart start) {
    return to_scope(Calendar(start).bucket(PeriodType::week, parse_time(time, Calendar())));
  };
  CHECK(week("2011-06-19 23:59:59", WeekStart::monday) == "2011-06-13week");
  CHECK(week("2011-06-20", WeekStart::monday) == "2011-06-20week");
  CHECK(week("2012-01-01", WeekStart::monday) == "2011-12-26week");
  CHECK(week("2011-06-18 23:59:59", WeekStart::sunday) == "2011-06-12week");
  CHECK(week("2011-06-19", WeekStart::sunday) == "2011-06-19week");
  CHECK(parse_scope(PeriodType::week, "2011-06-12week", WeekStart::sunday).start ==
        parse_scope(PeriodType::day, "2011-06-12").start);
  const auto [code, message] = error_of([] { (void)parse_scope(PeriodType::week, "2011-06-12week"); });
  CHECK(code == Errc::invalid_text);
  CHECK(contains(message, "2011-06-06week"));
  CHECK_FALSE(contains(
      error_of([] { (void)parse_scope(PeriodType::week, "2011-06-12week", WeekStart::sunday); }).second,
      "week is named"));
}

TEST_CASE("malformed scopes are refused with what would be right") {
  struct Row {
    PeriodType type;
    std::string_view text;
    std::string_view reason;
  };
  const Row rows[] = {
      {PeriodType::second, "2011-06-15 18:11", "such as \"2011-06-15 18:11:32\""},
      {PeriodType::second, "2011-06-15T18:11:32", "not of that form"},
      {PeriodType::second, "2011-06-15 18:11:60", "leap seconds"},
      {PeriodType::second, "2011-06-15 18:11:61", "a second is"},
      {PeriodType::second, "2011-06-15 18-11-32", "not of that form"},
      {PeriodType::minute, "2011-06-15 18:60", "a minute is 00 to 59"},
      {PeriodType::minute, "2011-06-15 18:1x", "not of that form"},
      {PeriodType::hour, "2011-06-15 24", "an hour is 00 to 23"},
      {PeriodType::hour, "2011-06-15-18", "not of that form"},
      {PeriodType::hour, "2011-06-15 -1", "not of that form"},
      {PeriodType::day, "2011-02-29", "does not have this day"},
      {PeriodType::day, "2011-06-00", "does not have this day"},
      {PeriodType::day, "2011-13-01", "a month is 01 to 12"},
      {PeriodType::day, "2011-6-15", "such as \"2011-06-15\""},
      {PeriodType::day, "2011-06-15 ", "such as \"2011-06-15\""},
      {PeriodType::day, "2011/06/15", "not of that form"},
      {PeriodType::day, "+011-06-15", "not of that form"},
      {PeriodType::day,
       std::string_view("2011-06\0"
                        "15",
                        10),
       "\\x00"},
      {PeriodType::week, "2011-06-13", "such as \"2011-06-13week\""},
      {PeriodType::week, "2011-06-13Week", "not of that form"},
      {PeriodType::week, "2011-W24xxweek", "not of that form"},
      {PeriodType::month, "2011-00", "a month is 01 to 12"},
      {PeriodType::month, "2011-6", "such as \"2011-06\""},
      {PeriodType::month, "2011/06", "not of that form"},
      {PeriodType::year, "11", "such as \"2011\""},
      {PeriodType::year, "20x1", "not of that form"},
      {PeriodType::all, "", "such as \"all\""},
      {PeriodType::all, "All", "not of that form"},
      {PeriodType::day, "all", "such as \"2011-06-15\""},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto [code, message] = error_of([&] { (void)parse_scope(row.type, row.text); });
    CAPTURE(message);
    CHECK(code == Errc::invalid_text);
    CHECK(contains(message, row.reason));
    CHECK(contains(message, detail::quote(row.text)));
  }
}

TEST_CASE("scopes outside the years 1400 to 9999 are refused") {
  CHECK(to_scope(parse_scope(PeriodType::day, "1400-01-01")) == "1400-01-01");
  CHECK(to_scope(parse_scope(PeriodType::second, "9999-12-31 23:59:59")) == "9999-12-31 23:59:59");
  CHECK(to_scope(parse_scope(PeriodType::week, "1399-12-30week")) == "1399-12-30week");
  CHECK(to_scope(parse_scope(PeriodType::week, "1399-12-29week", WeekStart::sunday)) == "1399-12-29week");
  CHECK(error_of([] { (void)parse_scope(PeriodType::day, "1399-12-31"); }).first == Errc::time_out_of_range);
  CHECK(error_of([] { (void)parse_scope(PeriodType::year, "0000"); }).first == Errc::time_out_of_range);
  CHECK(error_of([] { (void)parse_scope(PeriodType::week, "1399-12-23week"); }).first ==
        Errc::time_out_of_range);
  CHECK(contains(error_of([] { (void)parse_scope(PeriodType::month, "1399-12"); }).second, "1400 to 9999"));
  const std::int64_t end = parse_scope(PeriodType::second, "9999-12-31 23:59:59").start + 1;
  for (const std::int64_t start :
       {end, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    for (const PeriodType type : Periods::every()) {
      if (type == PeriodType::all) continue;
      CHECK(error_of([&] { (void)to_scope({type, start}); }).first == Errc::time_out_of_range);
    }
  }
  CHECK(to_scope({PeriodType::all, 0}) == "all");
}

TEST_CASE("quoted bytes are shortened and harmless") {
  CHECK(detail::quote("foo bar") == "\"foo bar\"");
  CHECK(detail::quote("") == "\"\"");
  CHECK(detail::quote(std::string_view("a\0\n\x1b[31m\xc3\xa9\x7f", 11)) ==
        R"("a\x00\x0a\x1b[31m\xc3\xa9\x7f")");
  CHECK(detail::quote(R"(say "a\b")") == R"("say \"a\\b\"")");
  CHECK(detail::quote(std::string(60, 'x')) == '"' + std::string(60, 'x') + '"');
  CHECK(detail::quote(std::string(2000, 'x')) == '"' + std::string(60, 'x') + "...\" (2000 bytes)");
}

TEST_CASE("every recorded period gives the recorded scope") {
  const auto path = support::shared_file("golden/periods.tsv");
  if (!path) return;
  std::size_t made = 0;
  for (const auto& row : support::read_table(*path)) {
    REQUIRE(row.size() == 4);
    CAPTURE(row[0], row[2]);
    const PeriodType type = parse_period_type(row[0]);
    const Bucket bucket = Calendar().bucket(type, parse_time(row[2], Calendar()));
    REQUIRE(to_scope(bucket) == row[3]);
    REQUIRE(parse_scope(type, row[3]) == bucket);
    ++made;
  }
  CHECK(made == 19'080);
}

// The ancestor cut scopes out of any text. What is a time to livecount gets the scope of that time; that is
// the ancestor's, or the one that the ancestor gave for the same time in its canonical form. All else is
// refused.
TEST_CASE("recorded periods of odd form give the right scope or are refused") {
  const auto path = support::shared_file("golden/periods-odd.tsv");
  if (!path) return;
  std::size_t same = 0;
  std::size_t canonical = 0;
  std::size_t refused = 0;
  for (const auto& row : support::read_table(*path)) {
    REQUIRE(row.size() == 3);
    CAPTURE(row[0], row[1], row[2]);
    const std::string period = from_json(row[1]);
    const PeriodType type = parse_period_type(row[0]);
    const std::optional<Time> time = try_parse_time(period, Calendar());
    if (!time) {
      REQUIRE_THROWS_AS(parse_time(period, Calendar()), Error);
      ++refused;
    } else if (to_scope(Calendar().bucket(type, *time)) == from_json(row[2])) {
      ++same;
    } else {
      // A date alone, a T between date and time, an offset.
      REQUIRE((period == "2011-06-16" || period == "2011-06-16T18:11:32" ||
               period == "2011-06-16 18:11:32Z" || period == "2011-06-16 18:11:32+00:00"));
      const std::string whole = period.size() == 10 ? "2011-06-16 00:00:00" : "2011-06-16 18:11:32";
      REQUIRE(to_scope(Calendar().bucket(type, *time)) ==
              (type == PeriodType::week ? "2011-06-13week"
                                        : whole.substr(0, detail::scope_example(type).size())));
      ++canonical;
    }
  }
  CHECK(same == 86);
  CHECK(canonical == 10);
  CHECK(refused == 432);
  CHECK(same + canonical + refused == 528);
}
