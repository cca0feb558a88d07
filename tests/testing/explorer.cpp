// SPDX-License-Identifier: BSL-1.0
#include <livecount/testing/explorer.hpp>

#include <mutex>
#include <optional>

#include "support/catch.hpp"

using namespace livecount::testing;

namespace {

using Sync = ExplorerSync<>;
template <class T>
using atomic = Sync::atomic<T>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto sequential = std::memory_order_seq_cst;

Report explore_all(const std::function<void(World&)>& body, Exploration options = {}) {
  return explore<Sync>(options, body);
}

void lose_an_update(World& world) {
  atomic<int> hits{0};
  for (const char* name : {"a", "b"}) {
    world.thread(name, [&] { hits.store(hits.load() + 1); });
  }
  world.run();
  world.check(hits.load() == 2, "no loss");
}

/// Two threads write and read crosswise; true if both may read 0.
bool both_read_zero(std::memory_order store, std::memory_order load) {
  return explore_all([&](World& world) {
           atomic<int> x{0};
           atomic<int> y{0};
           int first = -1;
           int second = -1;
           world.thread("x", [&] {
             x.store(1, store);
             first = y.load(load);
           });
           world.thread("y", [&] {
             y.store(1, store);
             second = x.load(load);
           });
           world.run();
           world.check(first != 0 || second != 0, "one comes first");
         })
      .failed;
}

/// One thread writes data and then a flag; false if who sees the flag may miss the data.
bool hands_over(std::memory_order store, std::memory_order load) {
  return !explore_all([&](World& world) {
            atomic<int> data{0};
            atomic<bool> flag{false};
            world.thread("writer", [&] {
              data.store(1, relaxed);
              flag.store(true, store);
            });
            world.thread("reader", [&] {
              if (flag.load(load)) world.check(data.load(relaxed) == 1, "the data is there");
            });
            world.run();
          }).failed;
}

}  // namespace

TEST_CASE("a lost update is found, and its story is one preemption") {
  const Report report = explore_all(lose_an_update);
  REQUIRE(report.failed);
  CHECK(report.law == "no loss");
  CHECK(report.schedule.find(' ') == std::string::npos);
  CHECK(report.schedule.find('t') != std::string::npos);
  CHECK(report.story.find("stores 1") != std::string::npos);
  CHECK(report.text().find(report.schedule) != std::string::npos);
}

TEST_CASE("a schedule replays the same steps") {
  const Report found = explore_all(lose_an_update);
  const Report again = explore_all(lose_an_update, {.schedule = found.schedule});
  REQUIRE(again.failed);
  CHECK(again.trace == found.trace);
  CHECK(again.story == found.story);
  CHECK(again.schedule == found.schedule);
}

TEST_CASE("what is right is explored completely") {
  const Report report = explore_all([](World& world) {
    atomic<int> hits{0};
    for (const char* name : {"a", "b"}) {
      world.thread(name, [&] {
        hits.fetch_add(1);
        hits.fetch_add(1);
      });
    }
    world.run();
    world.check(hits.load() == 4, "no loss");
  });
  INFO(report.text());
  CHECK_FALSE(report.failed);
  CHECK(report.newest.complete);
  CHECK(report.newest.executions == 6);  // 4 steps, 2 of each: 4! / (2! * 2!)
  CHECK(report.old.complete);
}

TEST_CASE("preemptions are counted, and what needs more of them than allowed is not met") {
  const auto body = [](World& world) {
    atomic<int> turn{0};
    const auto take = [&](int number) {
      if (turn.load() == number) turn.store(number + 1);
    };
    world.thread("first", [&] {
      take(0);
      take(2);
      take(4);
    });
    world.thread("second", [&] {
      take(1);
      take(3);
    });
    world.run();
    world.check(turn.load() != 5, "they never come by turns");
  };
  Exploration options{.random = 0, .lessons = 0};
  options.old = {.preemptions = 2, .old_values = 0};
  options.newest.preemptions = 2;
  CHECK_FALSE(explore_all(body, options).failed);
  options.newest.preemptions = 3;
  CHECK(explore_all(body, options).failed);
}

TEST_CASE("store buffering: only sequential consistency keeps two threads from both coming first") {
  CHECK_FALSE(both_read_zero(sequential, sequential));
  CHECK(both_read_zero(release, acquire));
  CHECK(both_read_zero(sequential, acquire));
  CHECK(both_read_zero(release, sequential));
}

TEST_CASE("message passing: data is handed over by a release that is acquired, and by nothing less") {
  CHECK(hands_over(release, acquire));
  CHECK(hands_over(sequential, sequential));
  CHECK_FALSE(hands_over(release, relaxed));
  CHECK_FALSE(hands_over(relaxed, acquire));
}

TEST_CASE("a read-modify-write goes on with the release sequence, a store ends it") {
  const auto fails = [](bool by_store) {
    return explore_all([&](World& world) {
             atomic<int> data{0};
             atomic<int> flag{0};
             world.thread("writer", [&] {
               data.store(1, relaxed);
               flag.store(1, release);
             });
             world.thread("between", [&] {
               int one = 1;
               if (by_store && flag.load(relaxed) == 1) flag.store(2, relaxed);
               if (!by_store) (void)flag.compare_exchange_strong(one, 2, relaxed);
             });
             world.thread("reader", [&] {
               if (flag.load(acquire) == 2) world.check(data.load(relaxed) == 1, "the data is there");
             });
             world.run();
           })
        .failed;
  };
  CHECK_FALSE(fails(false));
  CHECK(fails(true));
}

TEST_CASE("one place never runs backwards for a reader, also across threads that know one another") {
  const Report report = explore_all([](World& world) {
    atomic<int> place{0};
    atomic<bool> told{false};
    int seen = 0;
    world.thread("writer", [&] {
      place.store(1, relaxed);
      place.store(2, relaxed);
    });
    world.thread("one", [&] {
      seen = place.load(relaxed);
      world.check(place.load(relaxed) >= seen, "forwards");
      told.store(true, release);
    });
    world.thread("other", [&] {
      if (told.load(acquire)) world.check(place.load(relaxed) >= seen, "forwards for both");
    });
    world.run();
  });
  INFO(report.text());
  CHECK_FALSE(report.failed);
}

TEST_CASE("a barrier in all threads orders a relaxed store with a later load") {
  const auto fails = [](bool barrier) {
    return explore_all([&](World& world) {
             atomic<int> reading{0};
             atomic<int> gone{0};
             bool saw = false;
             bool missed = false;
             world.thread("reader", [&] {
               reading.store(1, relaxed);
               saw = gone.load(relaxed) == 0;
             });
             world.thread("freer", [&] {
               gone.store(1, relaxed);
               if (barrier) Sync::heavy_barrier();
               missed = reading.load(relaxed) == 0;
             });
             world.run();
             world.check(!saw || !missed, "a reader is seen, or sees");
           })
        .failed;
  };
  CHECK_FALSE(fails(true));
  CHECK(fails(false));
}

TEST_CASE("a weak compare-and-swap may fail for nothing") {
  const auto body = [](World& world) {
    atomic<int> place{0};
    world.thread("a", [&] {
      int zero = 0;
      world.check(place.compare_exchange_weak(zero, 1), "it does not fail");
    });
    world.run();
  };
  CHECK(explore_all(body).failed);
  CHECK_FALSE(explore_all(body, {.old = {.failures = 0}, .random = 0}).failed);
}

TEST_CASE("two locks taken crosswise are a deadlock") {
  const Report report = explore_all([](World& world) {
    Sync::mutex a;
    Sync::mutex b;
    world.thread("ab", [&] {
      const std::scoped_lock first(a);
      const std::scoped_lock second(b);
    });
    world.thread("ba", [&] {
      const std::scoped_lock first(b);
      const std::scoped_lock second(a);
    });
    world.run();
  });
  REQUIRE(report.failed);
  CHECK(report.law == "nobody can go on; waiting for ever: ab, ba");
}

TEST_CASE("a lock orders what is done under it") {
  const Report report = explore_all([](World& world) {
    Sync::mutex mutex;
    atomic<int> hits{0};
    for (const char* name : {"a", "b", "c"}) {
      world.thread(name, [&] {
        const std::lock_guard lock(mutex);
        hits.store(hits.load(relaxed) + 1, relaxed);
      });
    }
    world.run();
    world.check(hits.load() == 3, "no loss");
  });
  INFO(report.text());
  CHECK_FALSE(report.failed);
}

TEST_CASE("a wake-up that comes before the sleep is lost, unless the state is under the lock") {
  const auto fails = [](bool under_lock) {
    return explore_all([&](World& world) {
             Sync::mutex mutex;
             Sync::condition_variable changed;
             atomic<bool> ready{false};
             world.thread("sleeper", [&] {
               std::unique_lock lock(mutex);
               while (!ready.load()) {
                 Sync::yield();
                 changed.wait(lock);
               }
             });
             world.thread("waker", [&] {
               std::unique_lock lock(mutex, std::defer_lock);
               if (under_lock) lock.lock();
               ready.store(true);
               changed.notify_one();
             });
             world.run();
           })
        .failed;
  };
  CHECK_FALSE(fails(true));
  CHECK(fails(false));
}

TEST_CASE("time stands still while somebody can go on, and then jumps to the earliest deadline") {
  const Report report = explore_all([](World& world) {
    Sync::mutex mutex;
    Sync::condition_variable never;
    const auto begin = Sync::now();
    world.thread("long", [&] {
      std::unique_lock lock(mutex);
      CHECK_FALSE(never.wait_until(lock, begin + std::chrono::hours(5), [] { return false; }));
      world.check(Sync::now() == begin + std::chrono::hours(5), "the later deadline");
    });
    world.thread("short", [&] {
      std::unique_lock lock(mutex);
      CHECK_FALSE(never.wait_until(lock, begin + std::chrono::hours(1), [] { return false; }));
      world.check(
          Sync::now() == begin + std::chrono::hours(1) || Sync::now() == begin + std::chrono::hours(5),
          "the earlier deadline");
    });
    world.run();
  });
  INFO(report.text());
  CHECK_FALSE(report.failed);
}

TEST_CASE("a deadline may come although others could go on, as a deviation") {
  const auto body = [](World& world) {
    Sync::mutex mutex;
    Sync::condition_variable changed;
    bool ready = false;
    world.thread("sleeper", [&] {
      std::unique_lock lock(mutex);
      world.check(changed.wait_until(lock, Sync::now() + std::chrono::hours(1), [&] { return ready; }),
                  "in time");
    });
    world.thread("waker", [&] {
      World::step("works");
      const std::lock_guard lock(mutex);
      ready = true;
      changed.notify_one();
    });
    world.run();
  };
  CHECK_FALSE(explore_all(body).failed);
  const Report early = explore_all(body, {.newest = {.deadlines = 1}});
  CHECK(early.failed);
  CHECK(early.schedule.find('d') != std::string::npos);
}

TEST_CASE("memory that is freed under a reader, or published without a release, is found") {
  struct Node {
    atomic<int> value{7};
  };
  const auto publish = [](std::memory_order order) {
    return explore_all([&](World& world) {
      atomic<Node*> place{nullptr};
      world.thread("writer", [&] { place.store(new Node, order); });
      world.thread("reader", [&] {
        if (Node* const node = place.load(acquire)) (void)node->value.load(relaxed);
      });
      world.run();
      delete place.load();
    });
  };
  CHECK_FALSE(publish(release).failed);
  const Report early = publish(relaxed);
  CHECK(early.failed);
  CHECK(early.law.find("nothing orders its construction") != std::string::npos);

  const Report freed = explore_all([](World& world) {
    auto node = std::make_optional<Node>();
    atomic<bool> gone{false};
    world.thread("reader", [&] {
      if (!gone.load(acquire)) (void)node->value.load(relaxed);
    });
    world.thread("freer", [&] {
      gone.store(true, release);
      node.reset();
    });
    world.run();
  });
  CHECK(freed.failed);
}

TEST_CASE("a thread that throws, and one that never ends, fail") {
  CHECK(explore_all([](World& world) {
          world.thread("thrower", [] { throw std::runtime_error("no"); });
          world.run();
        }).law == "thrower threw: no");
  CHECK(explore_all([](World& world) {
          atomic<int> place{0};
          world.thread("runner", [&] {
            for (;;) place.fetch_add(1);
          });
          world.run();
        }).law == "no end after 50000 steps");
}

TEST_CASE("what outlives an execution begins each one with the same value") {
  static atomic<int> place{5};
  const Report report = explore_all([](World& world) {
    world.check(place.load() == 5, "as before");
    world.thread("a", [&] { place.fetch_add(1, acq_rel); });
    world.run();
    place.fetch_add(1);
    world.check(place.load() == 7, "within one execution");
  });
  INFO(report.text());
  CHECK_FALSE(report.failed);
  CHECK(place.load() == 5);
}

TEST_CASE("a written schedule is read again, and nonsense is refused") {
  const Deviations deviations{{{57, Kind::thread}, 2}, {{80, Kind::old}, 1}};
  CHECK(to_string(deviations) == "57t2 80o1");
  CHECK(parse_schedule(to_string(deviations)) == deviations);
  CHECK(parse_schedule("").empty());
  CHECK_THROWS_AS(parse_schedule("57x2"), std::invalid_argument);
  CHECK_THROWS_AS(parse_schedule("57t"), std::invalid_argument);
}
