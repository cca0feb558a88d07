// SPDX-License-Identifier: BSL-1.0
// What a Counter does whatever its policies are: each case runs on every combination of a cache, a store and
// a queue. Names, times and limits: the files in combinations/.
#include <livecount/counter.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "combinations/any_counter.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

// ---- Counting

TEST_CASE("an increment without more adds 1 to all time in the namespace default") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  counter->increment("foo");
  CHECK(counter->get("foo") == 1);
  counter->increment("foo");
  CHECK(counter->get("foo", {.period = PeriodType::all, .ns = "default"}) == 2);
  CHECK(counter->get("foo", by_day) == std::nullopt);
  CHECK(counter->get("foo", {.ns = "other"}) == std::nullopt);
  CHECK(counter->increment_and_get("foo", {.delta = 40}) == 42);
  CHECK(counter->try_increment("foo") == Errc::ok);
  CHECK(counter->try_decrement("foo", {.delta = 3}) == Errc::ok);
  CHECK(counter->get("foo") == 40);
  counter->flush();
  CHECK(counter->stored(all_time("foo")) == 40);
}

TEST_CASE("one call counts in each of its periods, and in no other") {
  const auto combination = each_combination();
  INFO(combination->name());
  Setup setup;
  setup.clock.set(utc("2011-06-19 23:59:59"));  // a Sunday
  const auto counter = combination->open(setup);
  const Periods periods = PeriodType::hour | PeriodType::week | PeriodType::year;
  counter->increment("foo", {.periods = periods, .ns = "tweet", .delta = 3});
  counter->increment("foo", {.periods = periods, .ns = "tweet", .delta = 4, .at = utc("2011-06-20")});
  forget(*counter);
  const auto count = [&](PeriodType type, std::string_view at) {
    return counter->get("foo", {.period = type, .ns = "tweet", .at = utc(at)});
  };
  CHECK(count(PeriodType::hour, "2011-06-19 23:00:00") == 3);
  CHECK(count(PeriodType::hour, "2011-06-20 00:30:00") == 4);
  CHECK(count(PeriodType::week, "2011-06-13") == 3);
  CHECK(count(PeriodType::week, "2011-06-26 23:59:59") == 4);
  CHECK(count(PeriodType::year, "2011-12-31") == 7);
  for (const PeriodType type : Periods::every()) {
    if (!periods.contains(type)) CHECK(count(type, "2011-06-19 23:59:59") == std::nullopt);
  }
  counter->increment("bar", {.periods = Periods::every(), .delta = 5});
  for (const PeriodType type : Periods::every()) CHECK(counter->get("bar", {.period = type}) == 5);
  counter->increment("none", {.periods = Periods{}});
  CHECK(counter->get("none") == std::nullopt);
}

TEST_CASE("each decrement stops at zero when it happens") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  counter->decrement("missing");
  CHECK(counter->get("missing") == 0);
  counter->increment("missing");
  CHECK(counter->get("missing") == 1);

  counter->increment("foo", {.delta = 3});
  forget(*counter);
  counter->decrement("foo", {.delta = 5});
  counter->increment("foo", {.delta = 2});
  CHECK(counter->get("foo") == 2);
  counter->increment("foo", {.delta = -1});
  CHECK(counter->increment_and_get("foo", {.delta = -9}) == 0);
  counter->decrement("foo", {.delta = -7});
  forget(*counter);
  CHECK(counter->get("foo") == 7);

  counter->increment("bar", {.periods = PeriodType::day, .delta = 9});
  counter->decrement("bar", {.periods = PeriodType::day | PeriodType::all, .delta = 4});
  counter->increment("bar", day_and_all);
  forget(*counter);
  CHECK(counter->get("bar", by_day) == 6);
  CHECK(counter->get("bar") == 1);
}

TEST_CASE("any sequence of updates, writes and drops leaves what was counted, with and without a floor") {
  const auto combination = each_combination();
  const Floor floor = GENERATE(Floor::zero, Floor::none);
  INFO(combination->name());
  Setup setup;
  setup.floor = floor;
  setup.entries = 16;
  const auto counter = combination->open(setup);
  std::mt19937 random(1);
  std::vector<std::optional<Count>> model(40);
  for (int i = 0; i < 1500; ++i) {
    const std::size_t name = random() % model.size();
    const Count delta = static_cast<Count>(random() % 19) - 9;
    counter->increment(std::to_string(name), {.delta = delta});
    const Count sum = model[name].value_or(0) + delta;
    model[name] = floor == Floor::zero ? std::max<Count>(sum, 0) : sum;
    if (random() % 16 == 0) counter->flush();
    if (random() % 32 == 0) counter->drop_clean();
    const std::size_t other = random() % model.size();
    REQUIRE(counter->get(std::to_string(other)) == model[other]);
  }
  counter->flush();
  for (std::size_t name = 0; name < model.size(); ++name) {
    REQUIRE(counter->stored(all_time(std::to_string(name))) == model[name]);
  }
  CHECK(counter->stats().evicted > 0);
}

TEST_CASE("without a floor counts go below zero") {
  const auto combination = each_combination();
  INFO(combination->name());
  Setup setup;
  setup.floor = Floor::none;
  const auto counter = combination->open(setup);
  counter->decrement("foo");
  CHECK(counter->get("foo") == -1);
  forget(*counter);
  counter->decrement("foo", {.periods = PeriodType::day | PeriodType::all, .delta = 4});
  CHECK(counter->get("foo") == -5);
  CHECK(counter->get("foo", by_day) == -4);
  CHECK(counter->increment_and_get("foo", {.delta = 8}) == 3);
  forget(*counter);
  CHECK(counter->get("foo") == 3);
}

TEST_CASE("a counter that is missing is no 0, and asking does not make it") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  CHECK(counter->get("foo") == std::nullopt);
  CHECK(counter->get("foo") == std::nullopt);
  counter->increment("bar");
  forget(*counter);
  CHECK(counter->get("foo") == std::nullopt);
  CHECK(counter->stored(all_time("foo")) == std::nullopt);
}

TEST_CASE("an update with 0 makes the counter") {
  const auto combination = each_combination();
  const Floor floor = GENERATE(Floor::zero, Floor::none);
  INFO(combination->name());
  Setup setup;
  setup.floor = floor;
  const auto counter = combination->open(setup);
  CHECK(counter->get("zero") == std::nullopt);
  counter->increment("zero", {.delta = 0});
  CHECK(counter->get("zero") == 0);
  counter->increment("zeros", {.periods = PeriodType::day | PeriodType::all, .delta = 0});
  counter->increment("there and back");
  counter->decrement("there and back");
  forget(*counter);
  CHECK(counter->get("zero") == 0);
  CHECK(counter->get("zeros") == 0);
  CHECK(counter->get("zeros", by_day) == 0);
  CHECK(counter->get("there and back") == 0);
  CHECK(counter->stored(all_time("zero")) == 0);
}

// ---- Writing, forgetting, closing
// -------------------------------------------------------------------------------

TEST_CASE("after a flush everything is in the store, for other Counters on it too") {
  const auto combination = each_combination();
  INFO(combination->name());
  Setup setup;
  setup.refresh = std::chrono::milliseconds(0);
  const auto first = combination->open(setup);
  for (int i = 0; i < 50; ++i) {
    first->increment(std::to_string(i), {.periods = PeriodType::day | PeriodType::all, .delta = i});
  }
  first->flush();
  CHECK(first->stats().pending == 0);
  for (int i = 0; i < 50; ++i) REQUIRE(first->stored(all_time(std::to_string(i))) == i);
  if (!combination->shared()) return;
  {
    const auto second = combination->open(setup);
    for (int i = 0; i < 50; ++i) REQUIRE(second->get(std::to_string(i), by_day) == i);
    second->increment("7");
    second->decrement("8", {.delta = 100});
    CHECK(second->get("missing") == std::nullopt);
  }
  CHECK(first->get("7") == 8);
  CHECK(first->get("8") == 0);
  CHECK(first->get("8", by_day) == 8);
  setup.floor = Floor::none;
  CHECK(code_of([&] { (void)combination->open(setup); }) == Errc::settings_mismatch);
}

TEST_CASE("where two Counters write to one store, floors bite in the order of the commits") {
  const auto combination = each_combination();
  if (!combination->shared()) return;
  INFO(combination->name());
  Setup setup;
  setup.max_delay = std::chrono::hours(1);  // so only flush writes, or each update does
  const std::unique_ptr<AnyCounter> counters[] = {combination->open(setup), combination->open(setup)};
  std::vector<Count> unwritten[2];
  Count count = 0;
  std::mt19937 random(2);
  for (int i = 0; i < 600; ++i) {
    const std::size_t writer = random() % 2;
    const Count delta = static_cast<Count>(random() % 19) - 9;
    counters[writer]->increment("foo", {.delta = delta});
    unwritten[writer].push_back(delta);
    if (random() % 4 == 0) counters[writer]->flush();
    if (random() % 8 == 0) counters[writer]->drop_clean();
    if (counters[writer]->stats().pending != 0) continue;
    for (const Count written : unwritten[writer]) count = std::max<Count>(count + written, 0);
    unwritten[writer].clear();
    REQUIRE(counters[writer]->stored(all_time("foo")) == count);
  }
}

TEST_CASE("dropping what is clean loses nothing, written or not") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  for (int i = 0; i < 100; ++i) counter->increment(std::to_string(i), {.delta = i});
  counter->drop_clean();
  for (int i = 0; i < 100; ++i) REQUIRE(counter->get(std::to_string(i)) == i);
  forget(*counter);
  CHECK(counter->stats().entries == 0);
  CHECK(counter->stats().evicted == counter->stats().inserted);
  for (int i = 0; i < 100; ++i) REQUIRE(counter->get(std::to_string(i)) == i);
}

TEST_CASE("close writes what is pending and ends everything else") {
  const auto combination = each_combination();
  INFO(combination->name());
  auto counter = combination->open();
  const auto all = counter->handle("foo");
  const auto both = counter->handle("foo", {.periods = PeriodType::day | PeriodType::all});
  counter->increment("foo", day_and_all);
  CHECK(all(1) == Errc::ok);
  CHECK(both(1) == Errc::ok);
  CHECK(counter->close().clean);
  CHECK(counter->stored(all_time("foo")) == 3);

  CHECK(code_of([&] { counter->increment("foo"); }) == Errc::closed);
  CHECK(code_of([&] { counter->decrement("foo"); }) == Errc::closed);
  CHECK(code_of([&] { counter->increment_and_get("foo"); }) == Errc::closed);
  CHECK(counter->try_increment("foo", day_and_all) == Errc::closed);
  CHECK(counter->try_decrement("bar") == Errc::closed);
  CHECK(code_of([&] { (void)counter->get("foo"); }) == Errc::closed);
  CHECK(code_of([&] { counter->flush(); }) == Errc::closed);
  CHECK(all(1) == Errc::closed);
  CHECK(both(1) == Errc::closed);
  CHECK(counter->close().clean);
  CHECK(counter->stored(all_time("foo")) == 3);
  CHECK(counter->stats().pending == 0);
  counter.reset();
  CHECK(all(1) == Errc::closed);
  CHECK(both(1) == Errc::closed);
}

TEST_CASE("a Counter that goes writes what is pending") {
  const auto combination = each_combination();
  if (!combination->on_disk()) return;
  INFO(combination->name());
  combination->open()->increment("foo", {.delta = 3});
  CHECK(combination->open()->get("foo") == 3);
}

TEST_CASE("every update is either accepted or refused") {
  const auto combination = each_combination();
  INFO(combination->name());
  Setup setup;
  const auto counter = combination->open(setup);
  const auto handle = counter->handle("foo", {.periods = PeriodType::day | PeriodType::all});
  CHECK(counter->try_increment("foo") == Errc::ok);
  CHECK(counter->try_increment("foo", day_and_all) == Errc::ok);
  CHECK(counter->try_decrement("foo", {.delta = 9}) == Errc::ok);
  CHECK(counter->increment_and_get("foo") == 1);
  CHECK(handle(1) == Errc::ok);
  CHECK(handle(-1) == Errc::ok);
  CHECK(counter->try_increment("foo", {.periods = Periods{}}) == Errc::ok);
  CHECK(counter->handle("foo", {.periods = Periods{}})(1) == Errc::ok);
  CHECK(counter->stats().accepted == 8);
  CHECK(counter->stats().refused == 0);

  const Time too_late = std::chrono::sys_days(std::chrono::year{10000} / 1 / 1);
  CHECK(counter->try_increment(std::string(max_name_bytes + 1, 'n')) == Errc::name_too_long);
  CHECK(counter->try_increment("foo", {.delta = INT64_MAX}) == Errc::delta_out_of_range);
  CHECK(counter->try_increment("foo", {.periods = PeriodType::day, .at = too_late}) ==
        Errc::time_out_of_range);
  CHECK(code_of([&] { counter->increment_and_get("foo", {.delta = max_count}); }) == Errc::overflow);
  CHECK(handle(INT64_MAX) == Errc::delta_out_of_range);
  CHECK(counter->stats().refused == 5);
  CHECK(counter->try_decrement("foo", {.delta = INT64_MIN}) == Errc::delta_out_of_range);
  CHECK(counter->stats().refused == 6);
  setup.clock.set(too_late);
  CHECK(handle(1) == Errc::time_out_of_range);
  CHECK(counter->stats().refused == 7);

  CHECK(counter->close().clean);
  CHECK(counter->try_increment("foo") == Errc::closed);
  CHECK(counter->stats().refused == 8);
  CHECK(handle(1) == Errc::closed);
  CHECK(counter->stats().refused == 9);
  CHECK(counter->stats().accepted == 8);
  CHECK(counter->stats().quarantined == 0);
  CHECK(counter->stats().failures == 0);
}

}  // namespace
