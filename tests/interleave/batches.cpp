// SPDX-License-Identifier: BSL-1.0
// Updates beside the worker: freezing, sending, unclear answers, settling.
#include <livecount/queue/inline_queue.hpp>
#include <livecount/queue/jthread_queue.hpp>

#include "interleave/scenario.hpp"

using namespace livecount;
using namespace livecount::tests;

TEST_CASE("adds beside two batches: a flush misses nothing that came before it, and nothing counts twice") {
  expect_laws("add, freeze, settle", [](World& world) {
    ExploredCounter<> counter(options_of());
    int returned = 0;
    world.thread("adder", [&] {
      for (int i = 0; i < 3; ++i) {
        counter.increment("a");
        ++returned;
      }
    });
    world.thread("worker", [&] {
      for (int i = 0; i < 2; ++i) {
        const int before = returned;
        counter.flush();
        world.check(counter.store().stored("a") >= before, "a flush misses nothing that came before it");
      }
    });
    world.run();
    counter.flush();
    world.check(counter.store().stored("a") == 3, "no loss, no double count");
    world.check(counter.pending() == 0, "nothing is pending after a flush");
  });
}

TEST_CASE("a batch whose answer is unclear is sent again as it was, whatever is added meanwhile") {
  for (const Fault fault : {Fault::refused, Fault::lost, Fault::answer_lost}) {
    expect_laws("add, unclear answer, retry",
                [fault](World& world) {
                  ExploredCounter<> counter(options_of({fault, fault}));
                  counter.increment("a");
                  world.thread("adder", [&] {
                    counter.increment("a", {.delta = 10});
                    counter.increment("b");
                  });
                  world.thread("worker", [&] { flush_all(counter); });
                  world.run();
                  flush_all(counter);
                  world.check(counter.store().stored("a") == 11, "no loss, no double count");
                  world.check(counter.store().stored("b") == 1, "no loss, no double count");
                  world.check(counter.get("a") == 11, "the cache shows what the store has");
                },
                {.limit = 12'000, .random = 4'000});
  }
}

TEST_CASE("the periods of one call get into one batch, beside batches and evictions") {
  static constexpr Periods periods = PeriodType::day | PeriodType::all;
  expect_laws("several periods, batch, eviction",
              [](World& world) {
                auto options = options_of();
                options.store.after_batch = [&world](const MemoryStore& store) {
                  const auto count = [&](PeriodType type) {
                    return store.read(KeyView{default_namespace, {type, 0}, "a"}).value_or(0);
                  };
                  world.check(count(PeriodType::day) == count(PeriodType::all),
                              "a batch never splits a name");
                };
                ExploredCounter<> counter(options);
                world.thread("adder", [&] {
                  counter.increment("a", {.periods = periods});
                  counter.increment("a", {.periods = periods});
                });
                world.thread("worker", [&] {
                  counter.flush();
                  (void)counter.drop_clean();
                });
                world.run();
                counter.flush();
                world.check(counter.store().stored("a") == 2, "no loss, no double count");
              },
              {.newest = {.preemptions = 2},
               .old = {.preemptions = 1, .old_values = 1, .failures = 1},
               .limit = 30'000});
}

TEST_CASE("a batch of more names than it may hold goes in several, and each counter in one of them") {
  expect_laws("add, two batches of one record", [](World& world) {
    auto options = options_of();
    options.max_batch = 1;
    ExploredCounter<> counter(options);
    counter.increment("a");
    counter.increment("b");
    world.thread("adder", [&] {
      counter.increment("a");
      counter.increment("b");
    });
    world.thread("worker", [&] { counter.flush(); });
    world.run();
    counter.flush();
    world.check(counter.store().stored("a") == 2 && counter.store().stored("b") == 2,
                "no loss, no double count");
  });
}

TEST_CASE("pending counters stay within their bound: an update waits until there is room") {
  expect_laws("max_pending, wake-up",
              [](World& world) {
                auto options = options_of();
                options.max_pending = 8;
                options.block_timeout = std::chrono::hours(1);
                ExploredCounter<> counter(options);
                for (const char* const name : {"1", "2", "3", "4", "5", "6", "7", "8"})
                  counter.increment(name);
                bool given_up = false;
                world.thread("adder", [&] {
                  given_up = counter.try_increment("9") != Errc::ok;
                  world.check(counter.pending() <= 8, "the bound is kept");
                });
                world.thread("worker", [&] { counter.flush(); });
                world.run();
                world.check(!given_up, "who waits for room is told when there is some");
                counter.flush();
                world.check(counter.store().stored("9") == 1, "no loss, no double count");
              },
              {.random = 5'000});
}

TEST_CASE("a queue that writes through has each update in the store when it returns") {
  expect_laws("inline queue",
              [](World& world) {
                ExploredCounter<InlineQueue> counter(options_of<InlineQueue>({Fault::answer_lost}));
                for (const char* const name : {"one", "two"}) {
                  world.thread(name, [&counter, &world] {
                    const Errc code = counter.try_increment("a");
                    world.check(code == Errc::ok || code == Errc::not_yet_durable, "counted");
                    if (code == Errc::ok)
                      world.check(counter.store().stored("a") >= 1, "what has returned is in the store");
                  });
                }
                world.run();
                flush_all(counter);
                world.check(counter.store().stored("a") == 2, "no loss, no double count");
              },
              {.limit = 15'000, .random = 10'000});
}

TEST_CASE("a thread that writes behind is woken by the first change, and by closing") {
  using Queue = BasicJthreadQueue<Sync>;
  expect_laws("jthread queue",
              [](World& world) {
                auto options = options_of<Queue>();
                options.queue.max_delay = std::chrono::milliseconds(5);
                auto counter = std::make_unique<ExploredCounter<Queue>>(options);
                const auto begin = Sync::now();
                world.thread("adder", [&] {
                  counter->increment("a");
                  while (counter->store().stored("a") == 0) Sync::yield();
                  counter->increment("a");
                  world.check(counter->close(std::chrono::hours(1)).clean, "closed clean");
                  world.check(Sync::now() - begin < std::chrono::minutes(1),
                              "nobody has waited until a deadline");
                });
                world.run();
                world.check(counter->store().stored("a") == 2, "no loss, no double count");
              },
              {.newest = {.preemptions = 2, .deadlines = 1},
               .old = {.preemptions = 1, .old_values = 1, .failures = 1},
               .limit = 30'000,
               .random = 5'000});
}
