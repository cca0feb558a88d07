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

TEST_CASE("nobody is inside while it is closed, and what was done inside is seen by the closer") {
  Gate gate;
  std::mutex closers;  // one at a time
  int value = 0;       // no atomic: written when closed, read inside
  std::array<int, threads> done{};
  std::atomic<int> inside{0};  // relaxed throughout: it must not order what the gate has to order
  std::atomic<int> wrong{0};
  run_together([&](int number, auto& random) {
    int& mine = done[static_cast<std::size_t>(number)];
    for (int i = 0; i < 4'000; ++i) {
      if (random() % 8 != 0) {
        const Gate::Inside scope(gate);
        inside.fetch_add(1, std::memory_order_relaxed);
        if (value % 2 != 0) ++wrong;
        if (i % 16 == 0) std::this_thread::yield();  // a closer comes meanwhile
        ++mine;
        inside.fetch_sub(1, std::memory_order_relaxed);
      } else {
        const std::lock_guard lock(closers);
        const Gate::Closed scope(gate);
        if (inside.load(std::memory_order_relaxed) != 0) ++wrong;
        ++value;  // odd
        for (const int& other : done) value += 2 * (other % 2);
        ++value;
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(value > 0);
}
