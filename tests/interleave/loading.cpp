// SPDX-License-Identifier: BSL-1.0
// A stored count that comes into its entry beside updates, batches, floored decrements and reads.
#include "interleave/scenario.hpp"

using namespace livecount;
using namespace livecount::tests;

namespace {

/// "a" is 1 in the store and not in the cache.
void store_one(ExploredCounter<>& counter) {
  counter.increment("a");
  counter.flush();
  (void)counter.drop_clean();
}

/// Of several processes.
class SharedStepStore : public StepStore {
 public:
  using StepStore::StepStore;
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  void apply_of_another_process(const Record& record) {
    (void)apply({WriterId{1}, 0, ++version_, {&record, 1}});
  }

 private:
  std::uint64_t version_ = 0;
};

}  // namespace

TEST_CASE("a load beside an add and a batch adds the stored count once") {
  expect_laws("load, add, freeze",
              [](World& world) {
                ExploredCounter<> counter(options_of());
                store_one(counter);
                int returned = 1;
                world.thread("adder", [&] {
                  counter.increment("a");
                  ++returned;
                });
                world.thread("worker", [&] { counter.flush(); });
                world.thread("reader", [&] {
                  const int before = returned;
                  const auto count = counter.get("a");
                  world.check(count.has_value() && *count >= before && *count <= 2,
                              "a read is right at some moment");
                });
                world.run();
                counter.flush();
                world.check(counter.store().stored("a") == 2, "no loss, no double count");
                world.check(counter.get("a") == 2, "the cache shows what the store has");
              },
              {.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 1, .failures = 1}});
}

TEST_CASE("of two readers of a stored counter none sees it half loaded") {
  expect_laws("load, get", [](World& world) {
    ExploredCounter<> counter(options_of());
    store_one(counter);
    for (const char* const name : {"one", "two"})
      world.thread(name, [&] { world.check(counter.get("a") == 1, "a read is right at some moment"); });
    world.run();
  });
}

TEST_CASE("of two readers none is kept by the other from what another process has stored") {
  using Shared = Counter<BasicLockFreeCache<Sync>, SharedStepStore, ManualQueue, EpochClock>;
  expect_laws("another process, get, get",
              [](World& world) {
                Shared::Options options;
                options.cache.entries = 64;
                Shared counter(options);
                (void)counter.get("a");
                counter.store().apply_of_another_process({{default_namespace, {}, "a"}, {1, no_floor}});
                (void)world.wait(&counter, world.now() + options.refresh);  // from then on it must be seen
                for (const char* const name : {"one", "two"})
                  world.thread(name, [&] {
                    world.check(counter.get("a") == 1, "a read shows what others had stored");
                  });
                world.run();
              },
              {.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 1, .failures = 1}});
}

TEST_CASE("a missing counter that is added to is found from then on, whatever is frozen meanwhile") {
  expect_laws("absent, add, freeze, get", [](World& world) {
    ExploredCounter<> counter(options_of());
    (void)counter.get("a");  // known to be missing
    world.thread("adder", [&] {
      counter.increment("a", {.delta = 0});
      counter.flush();
    });
    world.thread("reader", [&] {
      const bool first = counter.get("a").has_value();
      const bool second = counter.get("a").has_value();
      world.check(!first || second, "what was found once is found again");
    });
    world.run();
    world.check(counter.get("a") == 0, "a delta of 0 makes its counter");
  });
}

TEST_CASE("a floored decrement is exact beside an increment, a batch and a load") {
  expect_laws("load, increment, floored decrement, batch",
              [](World& world) {
                ExploredCounter<> counter(options_of());
                store_one(counter);
                Count after = -1;
                world.thread("up", [&] { counter.increment("a"); });
                world.thread("down", [&] { after = counter.increment_and_get("a", {.delta = -3}); });
                world.thread("worker", [&] { counter.flush(); });
                world.run();
                counter.flush();
                const Count stored = counter.store().stored("a");
                // Whichever comes first: the decrement leaves 0, and an increment after it leaves 1.
                world.check(after == 0 && (stored == 0 || stored == 1), "the floor is exact");
                world.check(counter.get("a") == stored, "the cache shows what the store has");
              },
              {.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 1, .failures = 1}});
}

TEST_CASE("floored decrements of two threads with a batch that has to be sent again are exact") {
  expect_laws("floored decrements, unclear answer",
              [](World& world) {
                ExploredCounter<> counter(options_of({Fault::answer_lost}));
                world.thread("one", [&] {
                  counter.increment("a", {.delta = 2});
                  counter.decrement("a", {.delta = 3});
                  counter.increment("a", {.delta = 4});
                });
                world.thread("worker", [&] { flush_all(counter); });
                world.run();
                flush_all(counter);
                world.check(counter.store().stored("a") == 4, "the floor is exact");
                world.check(counter.get("a") == 4, "the cache shows what the store has");
              },
              {.limit = 20'000, .random = 10'000});
}

TEST_CASE("an add past the range is taken back, beside others and a batch") {
  expect_laws("overshoot, undo, freeze",
              [](World& world) {
                auto options = options_of();
                options.floor = Floor::none;
                ExploredCounter<> counter(options);
                counter.increment("a", {.delta = max_count - 1});
                counter.flush();
                Errc up = Errc::ok;
                world.thread("up", [&] {
                  take_first_guard();
                  up = counter.try_increment("a", {.delta = 2});
                });
                world.thread("down", [&] { counter.increment("a", {.delta = -1}); });
                world.thread("worker", [&] { counter.flush(); });
                world.run();
                counter.flush();
                world.check(up == Errc::ok || up == Errc::overflow, "counted, or refused for its range");
                const Count expected = max_count - 2 + (up == Errc::ok ? 2 : 0);
                world.check(counter.store().stored("a") == expected,
                            "an update that is refused changes nothing");
                world.check(counter.get("a") == expected, "the cache shows what the store has");
                world.check(counter.stats().quarantined == 0, "nothing out of range gets into a batch");
              },
              {.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 1, .failures = 1}});
}

TEST_CASE("several periods that are counted together leave no range beside a very large delta") {
  static constexpr Periods periods = PeriodType::day | PeriodType::all;
  expect_laws("several periods, overshoot, batch",
              [](World& world) {
                auto options = options_of();
                options.floor = Floor::none;
                ExploredCounter<> counter(options);
                const Count before = max_count / 2 - 1;
                counter.increment("a", {.periods = periods, .delta = before});
                Errc several = Errc::ok;
                Errc large = Errc::ok;
                world.thread("several", [&] {
                  take_first_guard();
                  several = counter.try_increment("a", {.periods = periods, .delta = 2});
                });
                world.thread("large", [&] {
                  large = counter.try_increment("a", {.delta = max_count - before});
                  world.check(large != Errc::ok || counter.get("a") <= max_count, "a read is in range");
                });
                world.thread("worker", [&] { counter.flush(); });
                world.run();
                counter.flush();
                const Count day = before + (several == Errc::ok ? 2 : 0);
                const Count all = day + (large == Errc::ok ? max_count - before : 0);
                world.check((several == Errc::ok) != (large == Errc::ok), "one of them finds room");
                world.check(counter.store().stored("a", PeriodType::day) == day, "all periods or none");
                world.check(counter.store().stored("a") == all, "an update that is refused changes nothing");
                world.check(counter.stats().quarantined == 0, "nothing out of range gets into a batch");
              },
              {.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 1, .failures = 1}});
}

TEST_CASE("a load waits for an add past the range that is taken back") {
  expect_laws("overshoot, undo, load", [](World& world) {
    ExploredCounter<> counter(options_of());
    counter.increment("a", {.delta = max_count});
    world.thread("up", [&] {
      take_first_guard();
      world.check(counter.try_increment("a") == Errc::overflow, "what leaves the range is refused");
    });
    world.thread("reader",
                 [&] { world.check(counter.get("a") == max_count, "a read is right at some moment"); });
    world.run();
    counter.flush();
    world.check(counter.store().stored("a") == max_count, "an update that is refused changes nothing");
  });
}
