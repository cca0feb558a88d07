// SPDX-License-Identifier: BSL-1.0
// Counts that are taken, reset and removed beside adds, batches and reads.
#include "interleave/scenario.hpp"

#include <optional>

using namespace livecount;
using namespace livecount::tests;

namespace {

const Exploration usual{.newest = {.preemptions = 2},
                        .old = {.preemptions = 1, .old_values = 1, .failures = 1}};

/// "a" is 1 in the store; in the cache, too, or not.
void store_one(ExploredCounter<>& counter, bool resident) {
  counter.increment("a");
  counter.flush();
  if (!resident) (void)counter.drop_clean();
}

}  // namespace

TEST_CASE("what is taken and what is left is what was added") {
  expect_laws(
      "take, add, batch",
      [](World& world) {
        ExploredCounter<> counter(options_of({Fault::none, Fault::answer_lost}));
        store_one(counter, true);
        Count taken = 0;
        world.thread("adder", [&] { counter.increment("a", {.delta = 2}); });
        world.thread("taker", [&] { taken = counter.get_and_reset("a").value_or(0); });
        world.thread("worker", [&] { flush_all(counter); });
        world.run();
        flush_all(counter);
        world.check(taken == 1 || taken == 3, "a count is taken whole");
        world.check(taken + counter.store().stored("a") == 3, "no loss, no double count");
        world.check(counter.get("a") == counter.store().stored("a"), "the cache shows what the store has");
      },
      usual);
}

TEST_CASE("a reset takes what came before it, and nothing else") {
  for (const bool resident : {true, false}) {
    expect_laws(
        resident ? "reset, add, batch" : "reset, add, batch, load",
        [&](World& world) {
          ExploredCounter<> counter(options_of({Fault::none, Fault::answer_lost}));
          store_one(counter, resident);
          world.thread("adder", [&] {
            counter.increment("a", {.delta = 2});
            const auto count = counter.get("a");
            world.check(count == 3 || count == 2 || count == 0, "a read is right at some moment");
          });
          world.thread("resetter", [&] {
            for (Errc code = Errc::backpressure; code != Errc::ok;) code = counter.try_reset("a");
          });
          world.thread("worker", [&] { flush_all(counter); });
          world.run();
          flush_all(counter);
          const Count stored = counter.store().stored("a");
          world.check(stored == 0 || stored == 2, "an add comes before the reset or after it");
          world.check(counter.get("a") == stored, "the cache shows what the store has");
          const Stats stats = counter.stats();
          world.check(stats.discarded_sum == 3 - stored, "what was discarded is told");
          world.check(stats.stored_sum == stored, "what is stored is told");
        },
        usual);
  }
}

TEST_CASE("an add of several periods comes before the reset of one of them or after it, with all of them") {
  static constexpr Periods periods = PeriodType::day | PeriodType::all;
  expect_laws(
      "reset one of two periods, add",
      [](World& world) {
        auto options = options_of();
        std::optional<Count> day_at_reset;
        options.store.after_batch = [&](const MemoryStore& store) {
          const auto count = [&](PeriodType type) {
            return store.read(KeyView{default_namespace, {type, 0}, "a"}).value_or(0);
          };
          if (count(PeriodType::all) == 0 && !day_at_reset) day_at_reset = count(PeriodType::day);
        };
        ExploredCounter<> counter(options);
        counter.increment("a", {.periods = periods});
        world.thread("adder", [&] {
          take_first_guard();
          counter.increment("a", {.periods = periods});
        });
        world.thread("resetter", [&] {
          for (Errc code = Errc::backpressure; code != Errc::ok;) code = counter.try_reset("a");
        });
        world.run();
        flush_all(counter);
        world.check(counter.store().stored("a", PeriodType::day) == 2, "no loss, no double count");
        world.check(counter.store().stored("a") == 2 - day_at_reset.value_or(0),
                    "both periods come before the reset or after it");
      },
      usual);
}

TEST_CASE("after a removal there is no counter, or the one that was made after it") {
  for (const bool there : {true, false}) {
    expect_laws(
        there ? "remove, add, get, batch" : "remove what is not there, add, get, batch",
        [&](World& world) {
          ExploredCounter<> counter(options_of({Fault::none, Fault::answer_lost}));
          if (there) store_one(counter, true);
          (void)counter.get("a");
          const Count before = there ? 1 : 0;
          world.thread("adder", [&] {
            take_first_guard();
            counter.increment("a", {.delta = 2});
            flush_all(counter);
          });
          world.thread("remover", [&] {
            for (Errc code = Errc::backpressure; code != Errc::ok;) code = counter.try_remove("a");
          });
          world.thread("reader", [&] {
            take_first_guard();
            const auto count = counter.get("a");
            world.check(!count || *count == 2 || *count == before + 2 || (there && *count == 1),
                        "a read is right at some moment");
          });
          world.run();
          flush_all(counter);
          const auto count = counter.get("a");
          world.check(!count || *count == 2, "an add comes before the removal or after it");
          world.check(counter.store().read({default_namespace, {}, "a"}) == count,
                      "the cache shows what the store has");
          const Stats stats = counter.stats();
          world.check(stats.accepted_sum == stats.stored_sum + stats.discarded_sum,
                      "every change is accounted for");
        },
        usual);
  }
}

TEST_CASE("a read beside a removal takes no counter for the one that is made after it") {
  expect_laws("get, remove, add",
              [](World& world) {
                ExploredCounter<> counter(options_of());
                store_one(counter, true);
                (void)counter.get("a");
                world.thread("reader", [&] {
                  take_first_guard();
                  const auto count = counter.get("a");
                  world.check(count != 0, "a read is right at some moment");
                });
                world.thread("remover", [&] {
                  for (Errc code = Errc::backpressure; code != Errc::ok;) code = counter.try_remove("a");
                });
                world.thread("adder", [&] {
                  counter.increment("a", {.delta = 2});
                  counter.flush();
                });
                world.run();
              },
              {.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 1}});
}
