// SPDX-License-Identifier: BSL-1.0
// On every combination of policies: names, and the buckets of times.
#include <livecount/counter.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "combinations/any_counter.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using namespace std::string_literals;

TEST_CASE("names and namespaces are bytes, each different one a counter of its own") {
  const auto combination = each_combination();
  INFO(combination->name());
  const std::string long_name(max_name_bytes - 1, 'n');
  const std::string long_ns(max_namespace_bytes - 1, 'n');
  const std::vector<std::pair<std::string, std::string>> keys{
      // Where the namespace ends and the name begins
      {"", ""},
      {"default", ""},
      {"", "abc"},
      {"a", "bc"},
      {"ab", "c"},
      {"abc", ""},
      // Letters and blanks
      {"default", "a"},
      {"default", "A"},
      {"default", "a "},
      {"default", "foo"},
      {"default", "foo_dirty"},
      // NUL
      {"default", "a\0"s},
      {"default", "\0a"s},
      {"default", "a\0b"s},
      {"default", "a\0c"s},
      {"default", "\0"s},
      {"\0"s, ""},
      {"default\0"s, "a"},
      // Colons; the last two have the same text
      {"default", ":"},
      {"default", "a:b"},
      {"default:a", "b"},
      {"a:all:all:day", "n"},
      {"a", "day:all:all:n"},
      // No UTF-8
      {"default", "\xff"},
      {"default", "\xfe"},
      {"default", "\xc3\x28"},
      {"\xff", "a"},
      {"default", "\xed\xa0\x80"},
      // As long as they can be
      {long_ns + 'a', "a"},
      {long_ns + 'b', "a"},
      {"default", long_name + 'a'},
      {"default", long_name + 'b'},
  };
  const auto counter = combination->open();
  for (std::size_t round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      counter->increment(keys[i].second, {.ns = keys[i].first, .delta = static_cast<Count>(i) + 1});
    }
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(counter->get(keys[i].second, {.ns = keys[i].first}) == 2 * (static_cast<Count>(i) + 1));
  }
  forget(*counter);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(counter->get(keys[i].second, {.ns = keys[i].first}) == 2 * (static_cast<Count>(i) + 1));
    CHECK(counter->stored(all_time(keys[i].second, keys[i].first)) == 2 * (static_cast<Count>(i) + 1));
  }
}

TEST_CASE("a name or namespace that is too long is refused") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  const std::string name(max_name_bytes + 1, 'n');
  const std::string ns(max_namespace_bytes + 1, 'n');
  CHECK(code_of([&] { counter->increment(name); }) == Errc::name_too_long);
  CHECK(code_of([&] { counter->decrement(name); }) == Errc::name_too_long);
  CHECK(code_of([&] { counter->increment_and_get(name); }) == Errc::name_too_long);
  CHECK(code_of([&] { (void)counter->get(name); }) == Errc::name_too_long);
  CHECK(code_of([&] { (void)counter->handle(name); }) == Errc::name_too_long);
  CHECK(counter->try_increment(name) == Errc::name_too_long);
  CHECK(counter->try_increment("foo", {.ns = ns}) == Errc::namespace_too_long);
  CHECK(code_of([&] { (void)counter->get("foo", {.ns = ns}); }) == Errc::namespace_too_long);
  CHECK(code_of([&] { (void)counter->handle("foo", {.ns = ns}); }) == Errc::namespace_too_long);
  CHECK(counter->stats().accepted == 0);
  CHECK(counter->stats().entries == 0);
}

TEST_CASE("a time outside of the years 1400 to 9999 is refused in every period") {
  const auto combination = each_combination();
  INFO(combination->name());
  Setup setup;
  const auto counter = combination->open(setup);
  using std::chrono::seconds;
  using std::chrono::sys_days;
  using std::chrono::year;
  const Time first = sys_days(year{1400} / 1 / 1);
  const Time end = sys_days(year{10000} / 1 / 1);
  for (const Time time : {Time(first.seconds() - seconds(1)), end}) {
    CHECK(counter->try_increment("foo", {.periods = PeriodType::day, .at = time}) == Errc::time_out_of_range);
    CHECK(counter->try_decrement("foo", {.periods = Periods::every(), .at = time}) ==
          Errc::time_out_of_range);
    CHECK(code_of([&] { (void)counter->get("foo", {.period = PeriodType::day, .at = time}); }) ==
          Errc::time_out_of_range);
    setup.clock.set(time);
    CHECK(code_of([&] { counter->increment("foo", day_and_all); }) == Errc::time_out_of_range);
  }
  counter->flush();
  CHECK(counter->get("foo") == std::nullopt);
  for (const Time time : {first, Time(end.seconds() - seconds(1))}) {
    counter->increment("foo", {.periods = Periods::every(), .at = time});
    for (const PeriodType type : Periods::every()) {
      if (type != PeriodType::all) CHECK(counter->get("foo", {.period = type, .at = time}) == 1);
    }
  }
  CHECK(counter->get("foo") == 2);
}

TEST_CASE("the clock is read at each call") {
  const auto combination = each_combination();
  INFO(combination->name());
  Setup setup;
  setup.clock.set(utc("2011-06-15 23:59:59"));
  const auto counter = combination->open(setup);
  counter->increment("foo", day_and_all);
  setup.clock.set(utc("2011-06-16 00:00:00"));
  CHECK(counter->get("foo", by_day) == std::nullopt);
  counter->increment("foo", {.periods = PeriodType::day | PeriodType::all, .delta = 2});
  CHECK(counter->get("foo", by_day) == 2);
  setup.clock.set(utc("2011-06-15 12:00:00"));
  CHECK(counter->get("foo", by_day) == 1);
  CHECK(counter->get("foo") == 3);
}

TEST_CASE("a handle counts into the buckets of the time") {
  const auto combination = each_combination();
  INFO(combination->name());
  Setup setup;
  setup.clock.set(utc("2011-06-15 23:59:59"));
  const auto counter = combination->open(setup);
  const auto both = counter->handle("foo", {.periods = PeriodType::day | PeriodType::all, .ns = "tweet"});
  const auto day = counter->handle("foo", {.periods = PeriodType::day, .ns = "tweet"});
  const auto ever = counter->handle("foo", {.periods = PeriodType::all, .ns = "tweet"});
  const auto count_in_each = [&] {
    for (const auto& handle : {both, day, ever}) CHECK(handle(1) == Errc::ok);
  };
  const auto count_of_day = [&](std::string_view at) {
    return counter->get("foo", {.period = PeriodType::day, .ns = "tweet", .at = utc(at)});
  };
  count_in_each();
  setup.clock.set(utc("2011-06-16 00:00:00"));
  count_in_each();
  forget(*counter);
  count_in_each();
  setup.clock.set(utc("2011-06-15"));
  count_in_each();
  setup.clock.set(utc("2011-06-14 23:59:59"));
  count_in_each();
  CHECK(day(-4) == Errc::ok);
  for (int i = 0; i < 2; ++i) {
    CHECK(count_of_day("2011-06-14") == 0);
    CHECK(count_of_day("2011-06-15") == 4);
    CHECK(count_of_day("2011-06-16") == 4);
    CHECK(counter->get("foo", {.ns = "tweet"}) == 10);
    forget(*counter);
  }
}

}  // namespace
