// SPDX-License-Identifier: BSL-1.0
// The small parts by themselves: gate, epochs, bucket clock, lifetime.
#include <livecount/counter/bucket_clock.hpp>
#include <livecount/counter/gate.hpp>
#include <livecount/counter/lifetime.hpp>

#include <memory>

#include "interleave/scenario.hpp"

using namespace livecount;
using namespace livecount::tests;
using testing::Barrier;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

template <class S>
void retire_beside_a_reader(World& world) {
  struct Node {
    typename S::template atomic<int> value{7};
  };
  using Epochs = detail::Epochs<S>;
  auto node = std::make_unique<Node>();
  typename S::template atomic<Node*> place{node.get()};
  world.thread("reader", [&] {
    for (int i = 0; i < 2; ++i) {
      const typename Epochs::Guard guard;
      if (Node* const found = place.load(std::memory_order_acquire)) {
        world.check(found->value.load(relaxed) == 7, "what is read is whole");
      }
    }
  });
  world.thread("freer", [&] {
    place.store(nullptr, std::memory_order_release);
    const std::uint64_t stamp = Epochs::stamp();
    for (int i = 0; i < 2 && node; ++i) {
      if (Epochs::oldest_reader() > stamp) node.reset();
    }
  });
  world.run();
}

template <class S>
void close_beside_crossings(World& world) {
  using Gate = detail::Gate<S>;
  using Epochs = detail::Epochs<S>;
  Gate gate;
  typename S::template atomic<int> done{0};
  typename S::template atomic<int> closings{0};
  int crossing = 0;
  int left = 0;
  world.thread("crosser", [&] {
    for (int i = 0; i < 2; ++i) {
      const typename Epochs::Crossing guard;
      if (!gate.is_open(guard)) continue;
      ++crossing;
      done.store(i + 1, relaxed);
      world.check(closings.load(relaxed) % 2 == 0, "nobody crosses a closed gate");
      --crossing;
      left = i + 1;
    }
  });
  world.thread("closer", [&] {
    for (int i = 0; i < 2; ++i) {
      const typename Gate::Closed scope(gate);
      Epochs::wait_for_crossings();
      closings.store(2 * i + 1, relaxed);
      world.check(crossing == 0, "nobody crosses a closed gate");
      World::step("collects");
      world.check(done.load(relaxed) == left, "the closer sees what was done by those who crossed");
      closings.store(2 * i + 2, relaxed);
    }
  });
  world.run();
}

template <class S>
void close_beside_calls(World& world) {
  detail::Lifetime<S> lifetime;
  int working = 0;
  bool closed = false;
  world.thread("caller", [&] {
    const typename detail::Lifetime<S>::Call call(lifetime);
    if (!call) return;
    ++working;
    World::step("works");
    world.check(!closed, "closing waits for calls");
    --working;
  });
  world.thread("plain caller", [&] {
    const typename detail::Epochs<S>::Guard guard;
    if (lifetime.closed()) return;
    ++working;
    World::step("works");
    world.check(!closed, "closing waits for calls");
    --working;
  });
  world.thread("closer", [&] {
    lifetime.close([] { S::yield(); });
    closed = true;
    world.check(working == 0, "nobody works after the closing");
  });
  world.run();
}

}  // namespace

TEST_CASE("a gate: nobody is inside while it is closed, and what was done is handed over") {
  expect_laws("gate",
              [](World& world) {
                detail::Gate<Sync> gate;
                Sync::atomic<int> done{0};
                Sync::atomic<int> closings{0};
                int inside = 0;
                int left = 0;
                for (const char* const name : {"one", "two"}) {
                  world.thread(name, [&] {
                    const detail::Gate<Sync>::Inside scope(gate);
                    ++inside;
                    done.fetch_add(1, relaxed);
                    world.check(closings.load(relaxed) % 2 == 0, "nobody enters a closed gate");
                    --inside;
                    ++left;
                  });
                }
                world.thread("closer", [&] {
                  for (int i = 0; i < 2; ++i) {
                    const detail::Gate<Sync>::Closed scope(gate);
                    closings.store(2 * i + 1, relaxed);
                    world.check(inside == 0, "nobody is inside a closed gate");
                    World::step("collects");
                    world.check(done.load(relaxed) == left, "the closer sees what was done inside");
                    closings.store(2 * i + 2, relaxed);
                  }
                });
                world.run();
              },
              {.limit = 30'000});
}

TEST_CASE("who crosses is out before the closer goes on, with a barrier of the kernel's and without") {
  expect_laws("crossings, heavy", close_beside_crossings<ExplorerSync<Barrier::heavy>>);
  expect_laws<ExplorerSync<Barrier::light>>("crossings, light",
                                            close_beside_crossings<ExplorerSync<Barrier::light>>);
}

TEST_CASE("what a reader may still see is not freed, with a barrier of the kernel's and without") {
  expect_laws("epochs, heavy", retire_beside_a_reader<ExplorerSync<Barrier::heavy>>);
  expect_laws<ExplorerSync<Barrier::light>>("epochs, light",
                                            retire_beside_a_reader<ExplorerSync<Barrier::light>>);
}

TEST_CASE("the bucket clock never mixes two answers") {
  expect_laws("bucket clock", [](World& world) {
    detail::BucketClock<Sync> clock{Calendar{}};
    const auto ask = [&](int day) {
      const Time noon(std::chrono::sys_seconds(std::chrono::hours(24 * day + 12)));
      world.check(clock.place(PeriodType::day, noon).bucket.start == day * 86'400,
                  "the bucket is that of the time");
    };
    world.thread("one", [&] {
      ask(0);
      ask(1);
    });
    world.thread("two", [&] {
      ask(1);
      ask(0);
    });
    world.run();
  });
}

TEST_CASE("a call either comes before the closing, which waits for it, or finds it closed") {
  const Exploration options{.newest = {.preemptions = 2}, .old = {.preemptions = 1, .old_values = 2}};
  expect_laws("lifetime, heavy", close_beside_calls<ExplorerSync<Barrier::heavy>>, options);
  // Without a barrier of the kernel's only the order of the two sides' own operations is left.
  expect_laws<ExplorerSync<Barrier::light>>("lifetime, light",
                                            close_beside_calls<ExplorerSync<Barrier::light>>, options);
}

TEST_CASE("an update beside the closing is counted and written, or refused") {
  expect_laws("close, add", [](World& world) {
    ExploredCounter<> counter(options_of());
    counter.increment("a");
    Count accepted = 1;
    world.thread("adder", [&] {
      for (const char* const name : {"a", "b"}) {
        const Errc code = counter.try_increment(name);
        world.check(code == Errc::ok || code == Errc::closed, "counted, or closed");
        accepted += code == Errc::ok;
      }
    });
    world.thread("closer",
                 [&] { world.check(counter.close(std::chrono::seconds(1)).clean, "closed clean"); });
    world.run();
    world.check(counter.store().stored("a") + counter.store().stored("b") == accepted,
                "what was accepted is written");
  });
}
