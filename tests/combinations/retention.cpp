// SPDX-License-Identifier: BSL-1.0
// Retention under load: while threads count into 10,000 seconds, what is on both sides of the horizon is exact, and disk
// and memory stop growing.
#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"
#include "support/policies.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;
using enum PeriodType;

/// Threads that go on together. (libstdc++ 12's std::barrier was seen to let all of its threads wait.)
class Together {
 public:
  explicit Together(int threads) : threads_(threads) {}
  void wait_for_all() {
    std::unique_lock lock(mutex_);
    const int round = round_;
    if (++here_ == threads_) {
      here_ = 0;
      ++round_;
      all_are_here_.notify_all();
    }
    all_are_here_.wait(lock, [&] { return round_ != round; });
  }

 private:
  const int threads_;
  std::mutex mutex_;
  std::condition_variable all_are_here_;
  int here_ = 0, round_ = 0;  // under mutex_
};

/// What the store takes on disk once all is where it belongs; 0 for a store without files.
template <class Store>
std::uintmax_t bytes_on_disk([[maybe_unused]] Store& store,
                             [[maybe_unused]] const typename Store::Options& options) {
  std::uintmax_t bytes = 0;
  if constexpr (std::is_same_v<Store, SqliteStore>) {  // with what is still in its log
    detail::SqliteConnection connection(options.path, SQLITE_OPEN_READONLY, 10s);
    bytes = static_cast<std::uintmax_t>(detail::query_number(connection, "PRAGMA page_count")) * 4096;
  } else if constexpr (std::is_same_v<Store, FileStore>) {
    store.compact();
    bytes = std::filesystem::file_size(options.path) + std::filesystem::file_size(options.path + ".snapshot");
  }
  return bytes;
}

TEMPLATE_TEST_CASE(
    "over 10,000 seconds that are kept for 600, disk and memory stop growing, and counts are exact", "",
    MemoryStore, FileStore, SqliteStore) {
  constexpr int seconds = 10'000, kept = 600, names = 3, threads = 2;
  const Time begin = utc("2026-03-10T12:00:00Z");
  const auto at = [&](int offset) { return Time(begin.seconds() + std::chrono::seconds(offset)); };
  TestClock clock;
  clock.set(begin);
  const StorePlace<TestType> place;
  const auto options = place.options();
  Counter<LockFreeCache, TestType, JthreadQueue, TestClock> hits{
      {.cache = {.entries = 8192},
       .store = options,
       .queue = {.max_delay = 1ms},
       .retention = {{second, std::chrono::seconds(kept)}},
       .clock = clock}};
  Together step(threads + 1);  // before each second, and after it
  std::vector<std::thread> counters;
  for (int t = 0; t < threads; ++t) {
    counters.emplace_back([&] {
      for (int i = 0; i < seconds; ++i) {
        step.wait_for_all();
        for (int n = 0; n < names; ++n)
          hits.increment(std::to_string(n), {.periods = second | all, .delta = n + 1, .at = at(i)});
        step.wait_for_all();
      }
    });
  }
  const auto rows = [&] {
    std::size_t count = 0;
    hits.store().snapshot().scan(Selection{default_namespace, second},
                                 [&](const KeyView&, Count) { return ++count; });
    return count;
  };
  std::size_t most_rows = 0;
  std::uintmax_t early = 0, late = 0;
  for (int i = 0; i < seconds; ++i) {
    clock.set(at(i));
    step.wait_for_all();
    step.wait_for_all();
    if (i % 100 == 99) {
      hits.flush();
      hits.retain();
      most_rows = std::max(most_rows, rows());
      std::uintmax_t& most = i < seconds / 4 ? early : late;
      most = std::max(most, bytes_on_disk(hits.store(), options));
    }
  }
  for (std::thread& counter : counters) counter.join();
  hits.flush();
  hits.retain();

  for (int n = 0; n < names; ++n) {
    const std::string name = std::to_string(n);
    CHECK(hits.get(name) == Count{seconds} * threads * (n + 1));
    const auto range = hits.range(name, {.period = second, .from = begin, .to = at(seconds - 1)});
    REQUIRE(range.size() == seconds);
    const auto wrong = std::count_if(range.begin(), range.end(), [&](const BucketCount& count) {
      const bool is_kept = count.bucket.start >= hits.horizons()[second];
      return count.count != (is_kept ? threads * (n + 1) : 0);
    });
    CHECK(wrong == 0);
  }
  CHECK(hits.horizons()[second] == at(seconds - 1 - kept).seconds().time_since_epoch().count());
  CHECK(rows() == (kept + 1) * names);
  CHECK(most_rows <= (kept + 100) * names);
  CHECK(late <= early + early / 4);
  CHECK((early != 0) == StorePlace<TestType>::on_disk);
  CHECK(hits.stats().late == 0);
  CHECK(hits.stats().stored_sum == hits.stats().accepted_sum);
  CHECK(hits.stats().entries <= hits.stats().capacity);
}

}  // namespace
