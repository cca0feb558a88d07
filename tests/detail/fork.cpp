// SPDX-License-Identifier: BSL-1.0
#include <livecount/detail/fork.hpp>

#include <optional>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"

namespace {

using livecount::detail::ForkListener;
using livecount::tests::require;
using livecount::tests::run_in_child;

void count(void* calls) noexcept { ++*static_cast<int*>(calls); }

TEST_CASE("those who listen are called in a forked child, once in each, and not in the parent") {
  int calls[3] = {};
  const ForkListener first(count, &calls[0]);
  std::optional<ForkListener> gone(std::in_place, count, &calls[1]);
  const ForkListener last(count, &calls[2]);
  gone.reset();
  const auto called = [&](int times) { return calls[0] == times && calls[1] == 0 && calls[2] == times; };
  CHECK(run_in_child([&] {
          require(called(1), "once");
          require(run_in_child([&] { require(called(2), "in the child's child again"); }).empty(),
                  "grandchild");
          require(called(1), "not for a child of its own");
        }) == "");
  CHECK(called(0));
}

TEST_CASE("a process forks while others begin and end to listen") {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      int calls = 0;
      while (!stop) {
        const ForkListener a(count, &calls), b(count, &calls);
      }
    });
  }
  int calls = 0;
  const ForkListener mine(count, &calls);
  for (int i = 0; i < 50; ++i) {
    CHECK(run_in_child([&] {
            require(calls == 1, "called once");
            int others = 0;
            const ForkListener another(count, &others);  // the lock is free
          }) == "");
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
