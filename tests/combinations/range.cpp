// SPDX-License-Identifier: BSL-1.0
// On every combination of policies: updates that would leave the range of a count.
#include <livecount/counter.hpp>

#include <cstdint>

#include "combinations/any_counter.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

TEST_CASE("an update past the range is refused and changes nothing") {
  const auto combination = each_combination();
  INFO(combination->name());
  Setup setup;
  setup.floor = Floor::none;
  const auto counter = combination->open(setup);
  CHECK(counter->increment_and_get("top", {.delta = max_count}) == max_count);
  CHECK(counter->increment_and_get("bottom", {.delta = min_count}) == min_count);
  forget(*counter);
  CHECK(code_of([&] { counter->increment_and_get("top"); }) == Errc::overflow);
  CHECK(code_of([&] { counter->increment_and_get("top", {.delta = max_count}); }) == Errc::overflow);
  CHECK(code_of([&] { counter->increment_and_get("bottom", {.delta = -1}); }) == Errc::overflow);
  CHECK(counter->get("top") == max_count);
  CHECK(counter->get("bottom") == min_count);
  CHECK(counter->increment_and_get("top", {.delta = -1}) == max_count - 1);
  CHECK(counter->increment_and_get("top", {.delta = 1}) == max_count);
  forget(*counter);
  CHECK(counter->get("top") == max_count);
  CHECK(counter->get("bottom") == min_count);
  CHECK(counter->stored(all_time("top")) == max_count);
}

TEST_CASE("a blind increment past the range is refused where the count is in memory") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  const auto handle = counter->handle("foo");  // keeps the count in memory
  CHECK(handle(max_count) == Errc::ok);
  counter->flush();
  CHECK(counter->get("foo") == max_count);
  CHECK(counter->try_increment("foo") == Errc::overflow);
  CHECK(counter->try_increment("foo", {.delta = max_count}) == Errc::overflow);
  CHECK(handle(1) == Errc::overflow);
  CHECK(handle(max_count) == Errc::overflow);
  CHECK(counter->get("foo") == max_count);
  CHECK(counter->try_decrement("foo", {.delta = max_count}) == Errc::ok);
  CHECK(handle(1) == Errc::ok);
  forget(*counter);
  CHECK(counter->get("foo") == 1);
  CHECK(counter->stats().quarantined == 0);
}

TEST_CASE(
    "where the count is not in memory, a blind increment past the range may be put aside by the store") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  counter->increment("foo", {.delta = max_count});
  forget(*counter);
  (void)counter->try_increment("foo");
  forget(*counter);
  CHECK(counter->get("foo") == max_count);
  CHECK(counter->increment_and_get("foo", {.delta = -1}) == max_count - 1);
  CHECK(counter->stats().refused + counter->stats().quarantined == 1);
}

TEST_CASE("with several periods, one past the range refuses the whole call") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  const Periods periods = PeriodType::hour | PeriodType::week | PeriodType::all;
  const auto handle = counter->handle("foo", {.periods = periods});
  CHECK(handle(0) == Errc::ok);  // from now on it keeps the counts in memory
  counter->increment("foo", {.periods = PeriodType::week, .delta = max_count});
  counter->increment("foo", {.periods = PeriodType::hour | PeriodType::all, .delta = 5});
  counter->flush();
  for (int i = 0; i < 2; ++i) {
    CHECK(counter->get("foo", {.period = PeriodType::hour}) == 5);
    CHECK(counter->get("foo", {.period = PeriodType::week}) == max_count);
    CHECK(counter->get("foo") == 5);
    CHECK(counter->try_increment("foo", {.periods = periods}) == Errc::overflow);
    CHECK(handle(1) == Errc::overflow);
    forget(*counter);
  }
  CHECK(counter->stats().pending == 0);
  CHECK(counter->stored(all_time("foo")) == 5);
}

TEST_CASE("a delta outside of the range is refused") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  CHECK(counter->try_increment("foo", {.delta = max_count + 1}) == Errc::delta_out_of_range);
  CHECK(counter->try_increment("foo", {.delta = min_count - 1}) == Errc::delta_out_of_range);
  CHECK(counter->try_increment("foo", {.delta = INT64_MAX}) == Errc::delta_out_of_range);
  CHECK(counter->try_decrement("foo", {.delta = INT64_MIN}) == Errc::delta_out_of_range);
  CHECK(code_of([&] { counter->decrement("foo", {.delta = INT64_MIN}); }) == Errc::delta_out_of_range);
  CHECK(counter->get("foo") == std::nullopt);
}

}  // namespace
