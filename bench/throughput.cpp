// SPDX-License-Identifier: BSL-1.0
//
// What does an increment by name cost? Nanoseconds of one thread (Time), and increments a second of all threads.
//
//   workload   names                                     what it shows
//   hot        one                                       the bare path; with 2 threads, a contended line
//   zipf       100,000, by a Zipf law, exponent 0.99     what a web site's pages are like
//
//   contender  what it is
//   Floor      hash of the name (XXH3) and one atomic add, no look-up: nothing that counts by name is faster
//   MutexMap   the naive rival: a mutex and a std::unordered_map; no eviction, no store
//   Livecount  the whole product, by cache: eviction and dirty marks on, a JthreadQueue writes to a MemoryStore
//   Day        the same, counting into the current day: with clock and calendar
//   Three      day, week and month in one call
//   handle     a name resolved once
#include <benchmark/benchmark.h>
#include <livecount/livecount.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using namespace livecount;

/// Names like URLs, and the order in which they are asked for.
struct Workload {
  explicit Workload(std::size_t count) : order(1U << 20U) {
    for (std::size_t i = 0; i < count; ++i) {
      names.push_back("https://news.example.com/articles/" + std::to_string(i * 7919 % 100'000'007));
    }
    std::vector<double> cumulated;
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i)
      cumulated.push_back(sum += 1 / std::pow(static_cast<double>(i + 1), 0.99));
    std::mt19937_64 random(1);
    for (std::string_view& name : order) {
      const double at = std::uniform_real_distribution<>(0, sum)(random);
      const auto found = std::lower_bound(cumulated.begin(), cumulated.end(), at) - cumulated.begin();
      name = names[std::min(static_cast<std::size_t>(found), count - 1)];
    }
  }
  std::vector<std::string> names;
  std::vector<std::string_view> order;
};

const Workload& hot() {
  static const Workload workload(1);
  return workload;
}
const Workload& zipf() {
  static const Workload workload(100'000);
  return workload;
}

struct Floor {
  void add(std::string_view name) {
    cells[detail::hash_name({}, name, 0) % cells.size()].fetch_add(1, std::memory_order_relaxed);
  }
  std::vector<std::atomic<Count>> cells = std::vector<std::atomic<Count>>(1U << 17U);
};

struct MutexMap {
  void add(std::string_view name) {
    const std::lock_guard lock(mutex);
    ++counts[std::string(name)];
  }
  std::mutex mutex;
  std::unordered_map<std::string, Count> counts;
};

template <class Cache>
struct Livecount {
  void add(std::string_view name) { counter.increment(name, update); }
  typename livecount::Counter<Cache, MemoryStore, JthreadQueue> counter{{.cache = {.entries = 1'000'000}}};
  Update update;
};
template <class Cache>
struct Day : Livecount<Cache> {
  Day() { this->update.periods = PeriodType::day; }
};
template <class Cache>
struct Three : Livecount<Cache> {
  Three() { this->update.periods = PeriodType::day | PeriodType::week | PeriodType::month; }
};

template <class Contender, const Workload& (*workload)()>
void increment(benchmark::State& state) {
  static std::unique_ptr<Contender> contender;
  if (state.thread_index() == 0) {
    contender = std::make_unique<Contender>();
    for (const std::string& name : workload().names) contender->add(name);
  }
  const std::vector<std::string_view>& order = workload().order;
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * 12'345;
  for ([[maybe_unused]] auto _ : state) contender->add(order[i++ % order.size()]);
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) contender.reset();
}

void handle(benchmark::State& state) {
  static std::unique_ptr<Livecount<LockFreeCache>> contender;
  if (state.thread_index() == 0) contender = std::make_unique<Livecount<LockFreeCache>>();
  std::optional<decltype(contender->counter.handle(""))> name;
  for ([[maybe_unused]] auto _ : state) {
    if (!name) name.emplace(contender->counter.handle("one"));  // after the first thread has made the counter
    name->increment();
  }
  state.SetItemsProcessed(state.iterations());
  name.reset();
  if (state.thread_index() == 0) contender.reset();
}

#define LIVECOUNT_BENCH(contender, workload)         \
  BENCHMARK_TEMPLATE(increment, contender, workload) \
      ->Name(#contender "/" #workload)               \
      ->ThreadRange(1, 2)                            \
      ->UseRealTime()

LIVECOUNT_BENCH(Floor, hot);
LIVECOUNT_BENCH(MutexMap, hot);
LIVECOUNT_BENCH(Livecount<LockFreeCache>, hot);
LIVECOUNT_BENCH(Livecount<LruCache>, hot);
LIVECOUNT_BENCH(Day<LockFreeCache>, hot);
LIVECOUNT_BENCH(Three<LockFreeCache>, hot);
BENCHMARK(handle)->ThreadRange(1, 2)->UseRealTime();
LIVECOUNT_BENCH(Floor, zipf);
LIVECOUNT_BENCH(MutexMap, zipf);
LIVECOUNT_BENCH(Livecount<LockFreeCache>, zipf);
LIVECOUNT_BENCH(Livecount<LruCache>, zipf);
LIVECOUNT_BENCH(Day<LockFreeCache>, zipf);
LIVECOUNT_BENCH(Three<LockFreeCache>, zipf);

}  // namespace
