// SPDX-License-Identifier: BSL-1.0
// get_many reads what is not in memory in one transaction of the store: beside a writer whose counters come and go, it
// tells neither less than was counted before it, nor more than was counted when it returned.
#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/policies.hpp"

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;

TEST_CASE("get_many is exact beside a thread that counts in a cache that is too small") {
  const StorePlace<SqliteStore> place;
  Counter<LockFreeCache, SqliteStore, JthreadQueue> hits{{.cache = {.entries = 128},
                                                          .store = place.options(),
                                                          .queue = {.max_delay = 1ms},
                                                          .when_full = Limit::flush}};
  std::vector<std::string> names;
  for (int i = 0; i < 400; ++i) names.push_back("name " + std::to_string(i));
  const std::vector<std::string_view> views(names.begin(), names.end());
  constexpr Count rounds = 400;
  std::atomic<Count> round{0};
  std::thread writer([&] {
    for (Count i = 1; i <= rounds; ++i) {
      for (const std::string& name : names) hits.increment(name);
      round = i;
    }
  });
  int wrong = 0;
  while (round < rounds) {
    const Count before = round;
    const auto counts = hits.get_many(views);
    const Count after = round + 1;
    for (const auto& count : counts) {
      if (count.value_or(0) < before || count.value_or(0) > after) ++wrong;
    }
  }
  writer.join();
  CHECK(wrong == 0);
  for (const auto& count : hits.get_many(views)) CHECK(count == rounds);
}
