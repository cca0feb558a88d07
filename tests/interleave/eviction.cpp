// SPDX-License-Identifier: BSL-1.0
// Counters that leave the cache and come back, beside updates, reads and batches.
#include "interleave/scenario.hpp"

using namespace livecount;
using namespace livecount::tests;

namespace {

/// "a" is in the cache, loaded and clean, with a count of 1.
void make_clean(ExploredCounter<>& counter) {
  counter.increment("a");
  counter.flush();
  (void)counter.get("a");
}

}  // namespace

TEST_CASE("an add, a seal and a re-insert: nothing is lost") {
  expect_laws("add, seal, re-insert", [](World& world) {
    ExploredCounter<> counter(options_of());
    make_clean(counter);
    world.thread("adder", [&] {
      counter.increment("a");
      counter.increment("a");
    });
    world.thread("evictor", [&] { (void)counter.drop_clean(); });
    world.run();
    counter.flush();
    world.check(counter.store().stored("a") == 3, "no loss, no double count");
    world.check(counter.get("a") == 3, "the cache shows what the store has");
  });
}

TEST_CASE("an add, a batch and an eviction: nothing is lost") {
  expect_laws("add, freeze, settle, seal",
              [](World& world) {
                ExploredCounter<> counter(options_of());
                make_clean(counter);
                world.thread("adder", [&] {
                  counter.increment("a");
                  counter.increment("a");
                });
                world.thread("worker", [&] { counter.flush(); });
                world.thread("evictor", [&] { (void)counter.drop_clean(); });
                world.run();
                counter.flush();
                world.check(counter.store().stored("a") == 3, "no loss, no double count");
                world.check(counter.get("a") == 3, "the cache shows what the store has");
              },
              {.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 1, .failures = 1}});
}

TEST_CASE("adds that cancel out beside a seal still mark their counter") {
  expect_laws("adds that cancel out, seal",
              [](World& world) {
                auto options = options_of();
                options.floor = Floor::none;
                ExploredCounter<> counter(options);
                make_clean(counter);
                world.thread("up", [&] {
                  take_first_guard();
                  counter.increment("a", {.delta = 5});
                });
                world.thread("down", [&] { counter.increment("a", {.delta = -5}); });
                world.thread("evictor", [&] { (void)counter.drop_clean(); });
                world.run();
                counter.flush();
                world.check(counter.store().stored("a") == 1, "no loss, no double count");
                world.check(counter.get("a") == 1, "the cache shows what the store has");
              },
              {.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 1, .failures = 1}});
}

TEST_CASE("reads of a growing counter never go back, and never miss it, while it leaves and comes") {
  expect_laws("add, batch, seal, get", [](World& world) {
    ExploredCounter<> counter(options_of());
    make_clean(counter);
    world.thread("reader", [&] {
      Count last = 1;
      for (int i = 0; i < 2; ++i) {
        const auto count = counter.get("a");
        world.check(count.has_value(), "a counter that exists is found");
        world.check(*count >= last, "reads never go back");
        last = *count;
      }
    });
    world.thread("adder and evictor", [&] {
      counter.increment("a");
      counter.flush();
      (void)counter.drop_clean();
    });
    world.run();
  });
}

TEST_CASE("the counter of a handle stays in the cache, however clean it is") {
  expect_laws("pinned add, seal", [](World& world) {
    ExploredCounter<> counter(options_of());
    make_clean(counter);
    auto handle = counter.handle("a");
    handle.increment();
    counter.flush();
    world.thread("adder", [&] { handle.increment(); });
    world.thread("evictor", [&] { world.check(counter.drop_clean() == 0, "what is pinned stays"); });
    world.run();
    counter.flush();
    world.check(counter.store().stored("a") == 3, "no loss, no double count");
  });
}

TEST_CASE("two threads that bring in one counter make one entry") {
  expect_laws("two inserts of one key", [](World& world) {
    ExploredCounter<> counter(options_of());
    world.thread("one", [&] { counter.increment("new"); });
    world.thread("two", [&] { counter.increment("new"); });
    world.run();
    world.check(counter.stats().entries == 1, "one name, one entry");
    counter.flush();
    world.check(counter.store().stored("new") == 2, "no loss, no double count");
  });
}

TEST_CASE("a full table gives a clean counter's place away, and nothing is lost") {
  expect_laws("insert into a full table, add to the victim",
              [](World& world) {
                ExploredCounter<> counter(options_of());
                std::vector<std::string> names;
                for (int i = 0; i < 80; ++i) names.push_back("n" + std::to_string(i));
                for (const std::string& name : names) {
                  counter.increment(name);
                  counter.flush();
                }
                world.thread("newcomer", [&] {
                  counter.increment("x");
                  counter.increment("y");
                });
                world.thread("adder", [&] {
                  for (std::size_t i = 60; i < 64; ++i) counter.increment(names[i]);
                });
                world.run();
                counter.flush();
                world.check(counter.store().stored("x") == 1 && counter.store().stored("y") == 1,
                            "the new ones count");
                for (std::size_t i = 0; i < names.size(); ++i) {
                  const Count expected = i >= 60 && i < 64 ? 2 : 1;
                  world.check(counter.store().stored(names[i]) == expected, "no loss, no double count");
                }
                world.check(counter.stats().evicted >= 18, "somebody had to leave");
              },
              {.newest = {.preemptions = 1},
               .old = {.preemptions = 1, .old_values = 1},
               .limit = 2'000,
               .random = 1'000});
}
