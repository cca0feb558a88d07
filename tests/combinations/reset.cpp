// SPDX-License-Identifier: BSL-1.0
// On every combination of policies: counts that are taken, set to 0, removed.
#include <livecount/counter.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "combinations/any_counter.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

TEST_CASE("a count is taken by exactly what is returned") {
  const auto combination = each_combination();
  const Floor floor = GENERATE(Floor::zero, Floor::none);
  INFO(combination->name());
  Setup setup;
  setup.floor = floor;
  const auto counter = combination->open(setup);
  CHECK(counter->get_and_reset("foo") == std::nullopt);
  CHECK(counter->get("foo") == std::nullopt);
  counter->increment("foo", {.delta = 5});
  CHECK(counter->get_and_reset("foo") == 5);
  CHECK(counter->get("foo") == 0);
  CHECK(counter->get_and_reset("foo") == 0);
  counter->increment("foo", {.delta = 7});
  forget(*counter);
  CHECK(counter->get_and_reset("foo") == 7);
  counter->increment("foo", {.delta = 2});
  forget(*counter);
  CHECK(counter->stored(all_time("foo")) == 2);
  counter->decrement("foo", {.delta = 6});
  CHECK(counter->get_and_reset("foo") == (floor == Floor::zero ? 0 : -4));
  counter->increment("foo", day_and_all);
  CHECK(counter->get_and_reset("foo", by_day) == 1);
  CHECK(counter->get("foo") == 1);
  counter->flush();
  CHECK(counter->stored(all_time("foo")) == 1);
}

TEST_CASE("a reset leaves 0, a removal nothing, and what comes after counts from there") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  const auto handle = counter->handle("held");
  for (const bool stored : {false, true}) {
    CAPTURE(stored);
    for (const char* name : {"reset", "removed", "held"}) {
      counter->increment(name, {.periods = PeriodType::day | PeriodType::all, .delta = 5});
    }
    if (stored) forget(*counter);
    counter->reset("reset");
    counter->remove("removed");
    counter->remove("held");
    CHECK(counter->get("reset") == 0);
    CHECK(counter->get("removed") == std::nullopt);
    CHECK(counter->get("held") == std::nullopt);
    CHECK(counter->get_and_reset("held") == std::nullopt);
    CHECK(counter->top() == std::vector<NamedCount>{{"reset", 0}});
    CHECK(counter->names() == std::vector<std::string>{"reset"});
    CHECK(counter->names({.period = PeriodType::day}).size() == 3);
    forget(*counter);
    CHECK(counter->stored(all_time("reset")) == 0);
    CHECK(counter->stored(all_time("removed")) == std::nullopt);
    CHECK(counter->get("removed") == std::nullopt);
    counter->increment("reset", {.delta = 3});
    counter->decrement("removed", {.delta = 3});
    CHECK(handle(4) == Errc::ok);
    CHECK(counter->top() == std::vector<NamedCount>{{"held", 4}, {"reset", 3}, {"removed", 0}});
    forget(*counter);
    CHECK(counter->top() == std::vector<NamedCount>{{"held", 4}, {"reset", 3}, {"removed", 0}});
    CHECK(counter->get("removed", by_day) == (stored ? 10 : 5));
  }
  counter->reset("new");
  CHECK(counter->get("new") == 0);
  counter->remove("none");
  counter->flush();
  CHECK(counter->stored(all_time("new")) == 0);
  CHECK(counter->stored(all_time("none")) == std::nullopt);
}

TEST_CASE("any sequence of updates, resets, removals, writes and drops leaves what a map would have") {
  const auto combination = each_combination();
  const Floor floor = GENERATE(Floor::zero, Floor::none);
  INFO(combination->name());
  Setup setup;
  setup.floor = floor;
  setup.entries = 16;
  auto counter = combination->open(setup);
  std::mt19937 random(1);
  std::map<std::string, Count> model;
  for (int i = 0; i < 1'500; ++i) {
    const std::string name = std::to_string(random() % 30);
    const auto found = model.find(name);
    switch (random() % 8) {
      case 0:
        REQUIRE(counter->get_and_reset(name) ==
                (found == model.end() ? std::nullopt : std::optional(found->second)));
        if (found != model.end()) found->second = 0;
        break;
      case 1:
        counter->reset(name);
        model[name] = 0;
        break;
      case 2:
        counter->remove(name);
        model.erase(name);
        break;
      default: {
        const Count delta = static_cast<Count>(random() % 19) - 9;
        counter->increment(name, {.delta = delta});
        const Count sum = model[name] + delta;
        model[name] = floor == Floor::zero && delta < 0 ? std::max<Count>(sum, 0) : sum;
      }
    }
    if (random() % 16 == 0) counter->flush();
    if (random() % 32 == 0) counter->drop_clean();
    if (combination->on_disk() && random() % 256 == 0) {
      counter.reset();
      counter = combination->open(setup);
    }
    const std::string other = std::to_string(random() % 30);
    const auto expected = model.find(other);
    REQUIRE(counter->get(other) ==
            (expected == model.end() ? std::nullopt : std::optional(expected->second)));
    if (i % 64 != 0) continue;
    std::vector<std::string> names;
    for (const auto& row : model) names.push_back(row.first);
    REQUIRE(counter->names() == names);
  }
  counter->flush();
  for (int name = 0; name < 30; ++name) {
    const auto expected = model.find(std::to_string(name));
    CHECK(counter->stored(all_time(std::to_string(name))) ==
          (expected == model.end() ? std::nullopt : std::optional(expected->second)));
  }
}

TEST_CASE("every change is accounted for, also those that are reset") {
  const auto combination = each_combination();
  INFO(combination->name());
  const auto counter = combination->open();
  counter->increment("a", {.delta = 5});
  counter->flush();
  counter->increment("a", {.delta = 2});
  counter->reset("a");
  counter->increment("a", {.delta = 4});
  counter->increment("b", {.delta = 9});
  counter->remove("b");
  counter->increment("c", {.delta = 6});
  CHECK(counter->get_and_reset("c") == 6);
  counter->flush();
  const Stats stats = counter->stats();
  CHECK(stats.accepted_sum == 5 + 2 + 4 + 9);
  CHECK(stats.discarded_sum == 5 + 2 + 9);
  CHECK(stats.stored_sum == 4);
  CHECK(stats.accepted == 8);
  CHECK(stats.pending == 0);
}

}  // namespace
