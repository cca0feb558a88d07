// SPDX-License-Identifier: BSL-1.0
// Eviction under load: far more counters than fit, while others hold on to theirs.
#include <livecount/livecount.hpp>

#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/jitter_sync.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using JitteryCache = BasicLockFreeCache<livecount::tests::JitterSync>;
using livecount::tests::run_together;
using livecount::tests::threads;

constexpr Periods two = PeriodType::day | PeriodType::all;

template <class C>
typename C::Options options_of() {
  typename C::Options options;
  options.cache.entries = 64;
  options.queue.max_delay = std::chrono::milliseconds(0);
  options.when_full = Limit::flush;
  options.block_timeout = std::chrono::seconds(60);
  return options;
}

Count total(MemoryStore& store, PeriodType type) {
  Count sum = 0;
  store.scan(default_namespace, type, std::nullopt, [&](const KeyView&, Count count) { sum += count; });
  return sum;
}

TEMPLATE_TEST_CASE("a thousand counters through sixty-four places lose nothing", "", LockFreeCache,
                   JitteryCache, LruCache) {
  using C = Counter<TestType, MemoryStore, JthreadQueue>;
  C counter(options_of<C>());
  constexpr int each = 20'000;
  run_together([&](int, std::mt19937_64& random) {
    for (int i = 0; i < each; ++i) {
      counter.increment("n" + std::to_string(random() % 1000), {.periods = two, .at = Time{}});
    }
  });
  REQUIRE(counter.close(std::chrono::seconds(60)).clean);
  CHECK(total(counter.store(), PeriodType::all) == Count{threads} * each);
  CHECK(total(counter.store(), PeriodType::day) == Count{threads} * each);
  CHECK(counter.stats().evicted > 1000);
  CHECK(counter.stats().entries <= counter.stats().capacity);
}

TEMPLATE_TEST_CASE("a handle keeps its counter while everything around it is evicted", "", LockFreeCache,
                   JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, MemoryStore, JthreadQueue>;
  C counter(options_of<C>());
  constexpr int each = 20'000;
  run_together([&](int thread, std::mt19937_64& random) {
    auto handle = counter.handle("held");
    for (int i = 0; i < each; ++i) {
      handle.increment();
      if (thread == 0) (void)counter.drop_clean();
      if (thread == 1) counter.increment("n" + std::to_string(random() % 1000));
    }
  });
  REQUIRE(counter.close(std::chrono::seconds(60)).clean);
  CHECK(counter.store().read(KeyView{default_namespace, {}, "held"}) == Count{threads} * each);
  CHECK(total(counter.store(), PeriodType::all) == Count{threads + 1} * each);
}

TEMPLATE_TEST_CASE("deltas that cancel out while their counter is being evicted are all counted", "",
                   LockFreeCache, JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, MemoryStore, JthreadQueue>;
  typename C::Options options = options_of<C>();
  options.floor = Floor::none;
  C counter(options);
  run_together([&](int thread, std::mt19937_64&) {
    const Count delta = thread % 2 == 0 ? 1 : -1;
    for (int i = 0; i < 20'000; ++i) {
      counter.increment("balanced", {.delta = delta});
      if (i % 4 == 0) (void)counter.drop_clean();
    }
  });
  REQUIRE(counter.close(std::chrono::seconds(60)).clean);
  CHECK(counter.store().read(KeyView{default_namespace, {}, "balanced"}) == 0);
}

TEMPLATE_TEST_CASE("at the end of the range adds are refused or counted, never both and never neither", "",
                   LockFreeCache, JitteryCache, LruCache) {
  using C = Counter<TestType, MemoryStore, JthreadQueue>;
  typename C::Options options = options_of<C>();
  options.floor = Floor::none;
  C counter(options);
  // Keeps it in memory: else only the store knows where the end is.
  const auto handle = counter.handle("edge");
  counter.increment("edge", {.delta = max_count - 5});
  REQUIRE(counter.try_increment("edge", {.delta = 6}) == Errc::overflow);
  std::atomic<Count> accepted{max_count - 5};
  run_together([&](int, std::mt19937_64& random) {
    for (int i = 0; i < 20'000; ++i) {
      const Count delta = static_cast<Count>(random() % 15) - 7;
      if (counter.try_increment("edge", {.delta = delta}) == Errc::ok) accepted += delta;
      const auto count = counter.get("edge");
      if (!count || !in_range(*count)) std::terminate();
    }
  });
  REQUIRE(counter.close(std::chrono::seconds(60)).clean);
  CHECK(counter.store().read(KeyView{default_namespace, {}, "edge"}) == accepted);
  CHECK(counter.stats().quarantined == 0);
}

}  // namespace
