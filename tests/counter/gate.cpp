// SPDX-License-Identifier: BSL-1.0
#include <livecount/counter/gate.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace livecount;
using livecount::tests::run_together;
using livecount::tests::threads;

namespace {

using Gate = detail::Gate<StdSync>;
using Epochs = detail::Epochs<StdSync>;

void sleep_for(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

}  // namespace

TEST_CASE("a gate can be entered and closed again and again") {
  Gate gate;
  for (int i = 0; i < 3; ++i) {
    { const Gate::Inside inside(gate); }
    { const Gate::Closed closed(gate); }
  }
}

TEST_CASE("many are inside at a time") {
  Gate gate;
  std::atomic<int> inside{0};
  run_together([&](int, auto&) {
    const Gate::Inside scope(gate);
    ++inside;
    while (inside != threads) std::this_thread::yield();  // for ever, if one had to wait for another
  });
  CHECK(inside == threads);
}

TEST_CASE("the closer waits for those inside") {
  Gate gate;
  std::optional<Gate::Inside> inside(std::in_place, gate);
  std::atomic<bool> closed{false};
  std::thread closer([&] {
    const Gate::Closed scope(gate);
    closed = true;
  });
  sleep_for(20);
  CHECK_FALSE(closed);
  inside.reset();
  closer.join();
  CHECK(closed);
}

TEST_CASE("who comes while the gate is closed waits until it opens") {
  Gate gate;
  std::optional<Gate::Closed> closed(std::in_place, gate);
  std::atomic<int> entered{0};
  std::atomic<int> early{0};
  std::thread opener([&] {
    sleep_for(20);
    early = entered.load();
    closed.reset();
  });
  run_together([&](int, auto&) {
    const Gate::Inside inside(gate);
    ++entered;
  });
  opener.join();
  CHECK(early == 0);
  CHECK(entered == threads);
}

TEST_CASE("who crosses finds it open, and the closer waits for it if it asks") {
  Gate gate;
  { const Epochs::Guard first; }
  {
    const Epochs::Crossing crossing;
    REQUIRE(crossing);
    CHECK(gate.is_open(crossing));
  }
  {
    const Gate::Closed closed(gate);
    const Epochs::Crossing crossing;
    CHECK_FALSE(gate.is_open(crossing));
  }
  std::optional<Epochs::Crossing> crossing(std::in_place);
  std::atomic<bool> closed{false};
  std::atomic<bool> alone{false};
  std::thread closer([&] {
    const Gate::Closed scope(gate);
    closed = true;
    Epochs::wait_for_crossings();
    alone = true;
  });
  while (!closed) std::this_thread::yield();  // who only crosses does not keep it from being closed
  sleep_for(20);
  CHECK_FALSE(alone);
  crossing.reset();
  closer.join();
  CHECK(alone);
}

TEST_CASE("nobody is inside or crosses while it is closed, and what was done there is seen by the closer") {
  Gate gate;
  std::mutex closers;  // one at a time
  int value = 0;       // no atomic: written when closed, read inside
  std::array<int, threads> done{};
  std::atomic<int> inside{0};  // relaxed throughout: it must not order what the gate has to order
  std::atomic<int> wrong{0};
  std::atomic<int> crossed{0};
  run_together([&](int number, auto& random) {
    int& mine = done[static_cast<std::size_t>(number)];
    const auto work = [&] {
      inside.fetch_add(1, std::memory_order_relaxed);
      if (value % 2 != 0) ++wrong;
      if (random() % 16 == 0) std::this_thread::yield();  // a closer comes meanwhile
      ++mine;
      inside.fetch_sub(1, std::memory_order_relaxed);
    };
    { const Epochs::Guard first; }
    for (int i = 0; i < 4'000; ++i) {
      const auto way = random() % 8;
      if (way == 0) {
        const std::lock_guard lock(closers);
        const Gate::Closed scope(gate);
        Epochs::wait_for_crossings();
        if (inside.load(std::memory_order_relaxed) != 0) ++wrong;
        ++value;  // odd
        for (const int& other : done) value += 2 * (other % 2);
        ++value;
      } else if (way < 4) {
        const Gate::Inside scope(gate);
        work();
      } else if (const Epochs::Crossing crossing; gate.is_open(crossing)) {
        work();
        ++crossed;
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(value > 0);
  CHECK(crossed > 0);
}
