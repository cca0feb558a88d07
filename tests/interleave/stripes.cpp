// SPDX-License-Identifier: BSL-1.0
// Striped handles beside the worker, readers and closing.
#include "interleave/scenario.hpp"

#include <optional>

using namespace livecount;
using namespace livecount::tests;
using testing::Barrier;

namespace {

template <Barrier barrier>
using Striped = Counter<BasicLockFreeCache<ExplorerSync<barrier>>, StepStore, ManualQueue, EpochClock>;

template <Barrier barrier>
void add_beside_a_batch(World& world) {
  Striped<barrier> counter({.cache = {.entries = 64}});
  typename ExplorerSync<barrier>::template atomic<int> returned{0};
  auto handle = counter.striped_handle("a");
  handle.increment();
  world.thread("adder", [&] {
    handle.increment();
    returned.fetch_add(1, std::memory_order_release);
    handle.increment();
  });
  world.thread("worker", [&] {
    const int before = returned.load(std::memory_order_acquire);
    counter.flush();
    world.check(counter.store().stored("a") > before, "a flush misses nothing that came before it");
  });
  world.run();
  counter.flush();
  world.check(counter.store().stored("a") == 3, "no loss, no double count");
  world.check(counter.pending() == 0, "nothing is pending after a flush");
}

/// A handle joins its counter at its first update.
template <Barrier barrier>
void join_beside_a_batch(World& world) {
  Striped<barrier> counter({.cache = {.entries = 64}});
  counter.increment("a");
  auto handle = counter.striped_handle("a");
  world.thread("adder", [&] { handle.increment(); });
  world.thread("worker", [&] { counter.flush(); });
  world.run();
  counter.flush();
  world.check(counter.store().stored("a") == 2, "no loss, no double count");
}

template <Barrier barrier>
void join_beside_close(World& world) {
  Striped<barrier> counter({.cache = {.entries = 64}});
  counter.increment("a");
  int accepted = 0;
  auto handle = counter.striped_handle("a");
  world.thread("adder", [&] {
    if (handle.try_increment() == Errc::ok) ++accepted;
  });
  world.thread("closer", [&] { (void)counter.close(std::chrono::hours(1)); });
  world.run();
  world.check(counter.store().stored("a") == 1 + accepted,
              "what was accepted is stored, and what was refused is not");
}

template <Barrier barrier>
void add_beside_close(World& world) {
  Striped<barrier> counter({.cache = {.entries = 64}});
  int accepted = 0;
  auto handle = counter.striped_handle("a");
  handle.increment();
  std::optional other(counter.striped_handle("a"));
  other->increment();
  world.thread("adder", [&] {
    for (int i = 0; i < 2; ++i) {
      if (handle.try_increment() == Errc::ok) ++accepted;
    }
  });
  world.thread("leaver", [&] { other.reset(); });
  world.thread("closer", [&] { (void)counter.close(std::chrono::hours(1)); });
  world.run();
  world.check(counter.store().stored("a") == 2 + accepted,
              "what was accepted is stored, and what was refused is not");
  world.check(counter.pending() == 0, "nothing is pending after a close");
}

/// A removal of a counter that is not there freezes the name's other periods, too.
template <Barrier barrier>
void add_beside_another_periods_removal(World& world) {
  Striped<barrier> counter({.cache = {.entries = 64}});
  auto handle = counter.striped_handle("a", {.periods = PeriodType::day});
  handle.increment();
  world.thread("adder", [&] { handle.increment(); });
  world.thread("remover", [&] { counter.remove("a"); });
  world.run();
  counter.flush();
  world.check(counter.store().stored("a", PeriodType::day) == 2, "no loss, no double count");
}

template <Barrier barrier>
void add_beside_a_removal(World& world) {
  Striped<barrier> counter({.cache = {.entries = 64}});
  auto handle = counter.striped_handle("a");
  handle.increment(5);
  world.check(counter.get("a") == 5, "it is there");
  world.thread("adder", [&] { handle.increment(); });
  world.thread("remover", [&] { counter.remove("a"); });
  world.thread("reader", [&] { world.check(counter.get("a") != 0, "no count is read that never was"); });
  world.run();
  const auto count = counter.get("a");
  world.check(!count || count == 1, "after the removal there is none, or what came after it");
}

template <Barrier barrier>
void make_beside_readers(World& world) {
  Striped<barrier> counter({.cache = {.entries = 64}});
  auto handle = counter.striped_handle("a");
  world.check(!counter.get("a"), "there is none");
  world.thread("adder", [&] { handle.increment(); });
  for (const char* const name : {"reader", "another"}) {
    world.thread(name, [&] {
      const auto count = counter.get("a");
      world.check(!count || count == 1, "there is none, or it has been counted");
    });
  }
  world.run();
}

}  // namespace

TEST_CASE(
    "striped handles beside removals and readers: a counter is there with what was counted, or not at all") {
  const Exploration options{.newest = {.preemptions = 2},
                            .old = {.preemptions = 1, .old_values = 1},
                            .limit = 10'000,
                            .random = 5'000};
  expect_laws("stripe, another's removal, heavy", add_beside_another_periods_removal<Barrier::heavy>,
              options);
  expect_laws<ExplorerSync<Barrier::light>>("stripe, another's removal, light",
                                            add_beside_another_periods_removal<Barrier::light>, options);
  expect_laws("stripe, removal, heavy", add_beside_a_removal<Barrier::heavy>, options);
  expect_laws<ExplorerSync<Barrier::light>>("stripe, removal, light", add_beside_a_removal<Barrier::light>,
                                            options);
  expect_laws("stripe, readers, heavy", make_beside_readers<Barrier::heavy>, options);
  expect_laws<ExplorerSync<Barrier::light>>("stripe, readers, light", make_beside_readers<Barrier::light>,
                                            options);
}

TEST_CASE("a striped handle beside a batch: a flush misses nothing that came before it") {
  const Exploration options{.limit = 20'000, .random = 5'000};
  expect_laws("stripe, freeze, settle, heavy", add_beside_a_batch<Barrier::heavy>, options);
  expect_laws<ExplorerSync<Barrier::light>>("stripe, freeze, settle, light",
                                            add_beside_a_batch<Barrier::light>, options);
}

TEST_CASE("a striped handle beside close: each update is stored or refused") {
  const Exploration options{.limit = 10'000, .random = 5'000};
  expect_laws("stripe, close, heavy", add_beside_close<Barrier::heavy>, options);
  expect_laws<ExplorerSync<Barrier::light>>("stripe, close, light", add_beside_close<Barrier::light>,
                                            options);
}

TEST_CASE("a striped handle that joins beside a batch, and beside close: no update is missed") {
  const Exploration options{.old = {.preemptions = 2, .old_values = 2, .failures = 1}, .limit = 20'000};
  expect_laws("join, batch, heavy", join_beside_a_batch<Barrier::heavy>, options);
  expect_laws<ExplorerSync<Barrier::light>>("join, batch, light", join_beside_a_batch<Barrier::light>,
                                            options);
  expect_laws("join, close, heavy", join_beside_close<Barrier::heavy>, options);
  expect_laws<ExplorerSync<Barrier::light>>("join, close, light", join_beside_close<Barrier::light>, options);
}

TEST_CASE("a striped handle beside a reader and a batch: a count that grows is never read smaller") {
  expect_laws("stripe, read, freeze",
              [](World& world) {
                ExploredCounter<> counter(options_of());
                counter.increment("a", {.delta = 0});
                Sync::atomic<int> returned{0};
                world.thread("adder", [&] {
                  auto handle = counter.striped_handle("a");
                  for (int i = 0; i < 2; ++i) {
                    handle.increment();
                    returned.fetch_add(1, std::memory_order_release);
                  }
                });
                world.thread("reader", [&] {
                  Count last = 0;
                  for (int i = 0; i < 2; ++i) {
                    const int before = returned.load(std::memory_order_acquire);
                    const Count count = counter.get("a").value_or(0);
                    world.check(count >= before, "a read misses nothing that came before it");
                    world.check(count >= last, "reads never go back");
                    last = count;
                  }
                });
                world.thread("worker", [&] { counter.flush(); });
                world.run();
                counter.flush();
                world.check(counter.store().stored("a") == 2, "no loss, no double count");
              },
              {.newest = {.preemptions = 2},
               .old = {.preemptions = 1, .old_values = 1, .failures = 1},
               .limit = 20'000,
               .random = 10'000});
}

TEST_CASE("decrements beside a striped handle: no count is seen without what came before them") {
  expect_laws("stripe, decrements, freeze",
              [](World& world) {
                auto options = options_of();
                options.floor = Floor::none;
                options.store.after_batch = [&world](const MemoryStore& store) {
                  const Count count = store.read(KeyView{default_namespace, {}, "a"}).value_or(0);
                  world.check(count >= 0, "no count is stored that never was");
                };
                ExploredCounter<> counter(options);
                counter.increment("a", {.delta = 0});
                (void)counter.get("a");
                world.thread("adder", [&] {
                  auto handle = counter.striped_handle("a");
                  handle.increment(5);
                  handle.decrement(5);
                  handle.increment(3);
                  counter.decrement("a", {.delta = 3});
                });
                world.thread("reader", [&] {
                  world.check(counter.get("a").value_or(0) >= 0, "no count is read that never was");
                });
                world.thread("worker", [&] { counter.flush(); });
                world.run();
                counter.flush();
                world.check(counter.store().stored("a") == 0, "no loss, no double count");
              },
              {.newest = {.preemptions = 2},
               .old = {.preemptions = 1, .old_values = 1, .failures = 1},
               .limit = 20'000,
               .random = 5'000});
}

TEST_CASE("a striped handle beside a removal: the count begins anew with what comes after it") {
  expect_laws("stripe, remove",
              [](World& world) {
                ExploredCounter<> counter(options_of());
                auto handle = counter.striped_handle("a");
                handle.increment(5);
                world.thread("adder", [&] {
                  handle.increment(1);
                  counter.increment("a", {.delta = 2});
                });
                world.thread("remover", [&] { counter.remove("a"); });
                world.run();
                counter.flush();
                const Count left = counter.store().stored("a");
                world.check(left <= 3, "what came before is gone");
                world.check(counter.get("a").value_or(0) == left, "cache and store agree");
                const Stats stats = counter.stats();
                world.check(stats.stored_sum + stats.discarded_sum == 8, "all is accounted for");
              },
              {.newest = {.preemptions = 2},
               .old = {.preemptions = 1, .old_values = 1, .failures = 1},
               .limit = 20'000,
               .random = 5'000});
}
