// SPDX-License-Identifier: BSL-1.0
// Several threads that begin at the same moment.
#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

namespace livecount::tests {

inline constexpr int threads = 4;

/// Runs f(number, random numbers) in several threads at once, and waits for them.
template <class F>
void run_together(F f) {
  std::atomic<int> ready{0};
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&ready, &f, i] {
      std::mt19937_64 random(static_cast<std::uint64_t>(i) + 1);
      ++ready;
      while (ready != threads) std::this_thread::yield();
      f(i, random);
    });
  }
  for (std::thread& thread : running) thread.join();
}

}  // namespace livecount::tests
