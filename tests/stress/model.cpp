// SPDX-License-Identifier: BSL-1.0
// Threads that count at the same time, against sums worked out beforehand. Much of the point is to run under
// ThreadSanitizer and AddressSanitizer: sizes are small enough for that.
#include <livecount/livecount.hpp>

#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/jitter_sync.hpp"
#include "support/threads.hpp"
#include "support/unreliable_store.hpp"

namespace {

using namespace livecount;
using JitteryCache = BasicLockFreeCache<livecount::tests::JitterSync>;
using livecount::tests::run_together;
using livecount::tests::threads;
using livecount::tests::UnreliableStore;

std::string name_of(std::uint64_t i) { return "name-" + std::to_string(i); }

/// The count in the store, summed over what is not there as 0.
template <class Store>
Count stored(Store& store, const std::string& name) {
  return store.read(KeyView{default_namespace, {PeriodType::all, 0}, name}).value_or(0);
}

/// Calls f until the store, which fails on purpose, lets it pass: what was refused has changed nothing.
template <class F>
auto insist(F f) {
  for (;;) {
    try {
      return f();
    } catch (const Error& error) {
      if (error.code() != Errc::store_unavailable) throw;
    }
  }
}

template <class C>
typename C::Options options_of() {
  typename C::Options options;
  options.cache.entries = 64;
  options.when_full = Limit::flush;
  options.max_batch = 16;
  return options;
}

TEMPLATE_TEST_CASE("increments of many threads on few names all arrive", "", LockFreeCache, JitteryCache,
                   LruCache, NullCache) {
  using C = Counter<TestType, UnreliableStore, JthreadQueue>;
  typename C::Options options = options_of<C>();
  options.queue = {.max_delay = std::chrono::milliseconds(1)};
  C counter(options);
  constexpr int each = 100'000;
  constexpr std::uint64_t names = 8;
  run_together([&](int, std::mt19937_64& random) {
    for (int i = 0; i < each; ++i) counter.increment(name_of(random() % names));
  });
  REQUIRE(counter.close(std::chrono::seconds(60)).clean);
  Count sum = 0;
  for (std::uint64_t i = 0; i < names; ++i) sum += stored(counter.store(), name_of(i));
  CHECK(sum == Count{threads} * each);
  CHECK(counter.stats().accepted == std::uint64_t{threads} * each);
}

TEMPLATE_TEST_CASE("with eviction all the time and a store that fails now and then, every sum is right", "",
                   LockFreeCache, JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, UnreliableStore, JthreadQueue>;
  typename C::Options options = options_of<C>();
  options.queue = {.max_delay = std::chrono::milliseconds(1), .first_retry = std::chrono::milliseconds(1)};
  options.store.fail_every = 7;
  options.when_full = Limit::block;
  options.block_timeout = std::chrono::seconds(60);
  options.floor = Floor::none;
  C counter(options);
  constexpr int each = 30'000;
  constexpr std::uint64_t names = 500;
  std::vector<std::vector<Count>> sums(threads, std::vector<Count>(names));
  run_together([&](int thread, std::mt19937_64& random) {
    for (int i = 0; i < each; ++i) {
      const std::uint64_t name = random() % names;
      const Count delta = static_cast<Count>(random() % 21) - 10;
      counter.increment(name_of(name), {.delta = delta});
      sums[static_cast<std::size_t>(thread)][name] += delta;
      if (i % 16 == 0) (void)insist([&] { return counter.get(name_of(random() % names)); });
    }
  });
  REQUIRE(counter.close(std::chrono::seconds(60)).clean);
  for (std::uint64_t name = 0; name < names; ++name) {
    Count expected = 0;
    for (const auto& sum : sums) expected += sum[name];
    REQUIRE(stored(counter.store(), name_of(name)) == expected);
  }
  CHECK(counter.stats().evicted > 0);
}

TEMPLATE_TEST_CASE("floored decrements of a name that one thread changes follow the sequential model exactly",
                   "", LockFreeCache, JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, UnreliableStore, JthreadQueue>;
  typename C::Options options = options_of<C>();
  options.queue = {.max_delay = std::chrono::milliseconds(1), .first_retry = std::chrono::milliseconds(1)};
  options.store.fail_every = 11;
  options.block_timeout = std::chrono::seconds(60);
  options.when_full = Limit::block;
  C counter(options);
  constexpr int each = 15'000;
  constexpr std::uint64_t names = 40;  // of each thread
  std::atomic<int> wrong{0};
  run_together([&](int thread, std::mt19937_64& random) {
    std::vector<Count> model(names, -1);  // -1: never updated
    for (int i = 0; i < each; ++i) {
      const std::uint64_t name = random() % names;
      const Count delta = static_cast<Count>(random() % 19) - 9;
      const std::string text = name_of(static_cast<std::uint64_t>(thread) * names + name);
      const std::optional<Count> before = insist([&] { return counter.get(text); });
      if (before.value_or(-1) != model[name]) ++wrong;
      insist([&] { counter.increment(text, {.delta = delta}); });
      model[name] = std::max<Count>(std::max<Count>(model[name], 0) + delta, 0);
    }
    insist([&] { counter.flush(); });
    for (std::uint64_t name = 0; name < names; ++name) {
      const std::string text = name_of(static_cast<std::uint64_t>(thread) * names + name);
      if (stored(counter.store(), text) != std::max<Count>(model[name], 0)) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("the periods of one call are in one batch", "", LockFreeCache, JitteryCache, LruCache) {
  using C = Counter<TestType, UnreliableStore, ManualQueue>;
  typename C::Options options = options_of<C>();
  constexpr Periods three = PeriodType::day | PeriodType::month | PeriodType::all;
  constexpr std::uint64_t names = 4;
  // After every batch, all periods of a name have the same count: each call adds to all of them.
  int torn = 0;
  options.store.after_batch = [&torn](const MemoryStore& store) {
    for (std::uint64_t i = 0; i < names; ++i) {
      const auto count = [&](PeriodType type) {
        return store.read(KeyView{default_namespace, {type, 0}, name_of(i)}).value_or(0);
      };
      if (count(PeriodType::day) != count(PeriodType::all) ||
          count(PeriodType::month) != count(PeriodType::all))
        ++torn;
    }
  };
  C counter(options);
  std::atomic<int> counting{threads - 1};
  run_together([&](int thread, std::mt19937_64& random) {
    if (thread == 0) {
      while (counting > 0) counter.queue().pump();
      return;
    }
    for (int i = 0; i < 20'000; ++i)
      counter.increment(name_of(random() % names), {.periods = three, .at = Time{}});
    --counting;
  });
  REQUIRE(counter.close(std::chrono::seconds(60)).clean);
  CHECK(torn == 0);
}

TEMPLATE_TEST_CASE("increments that return the new count return each number once", "", LockFreeCache,
                   JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, UnreliableStore, JthreadQueue>;
  typename C::Options options = options_of<C>();
  options.queue = {.max_delay = std::chrono::milliseconds(1)};
  C counter(options);
  constexpr std::size_t each = 10'000;
  std::vector<std::atomic<int>> seen(threads * each + 1);
  run_together([&](int, std::mt19937_64&) {
    Count last = 0;
    for (std::size_t i = 0; i < each; ++i) {
      const Count count = counter.increment_and_get("one");
      if (count <= last) seen[0]++;  // went back
      last = count;
      seen.at(static_cast<std::size_t>(count))++;
    }
  });
  CHECK(seen[0] == 0);
  for (std::size_t i = 1; i < seen.size(); ++i) REQUIRE(seen[i] == 1);
}

TEMPLATE_TEST_CASE("reads of a counter that only grows never go back, across eviction and flush", "",
                   LockFreeCache, JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, UnreliableStore, JthreadQueue>;
  typename C::Options options = options_of<C>();
  options.queue = {.max_delay = std::chrono::milliseconds(0)};
  options.store.fail_every = 5;
  C counter(options);
  std::atomic<int> back{0};
  run_together([&](int thread, std::mt19937_64& random) {
    std::vector<Count> last(16);
    for (int i = 0; i < 30'000; ++i) {
      const std::uint64_t name = random() % 16;
      if (thread % 2 == 0) {
        (void)counter.try_increment(name_of(name));
        if (i % 64 == 0) (void)counter.drop_clean();
      } else if (const auto count = insist([&] { return counter.get(name_of(name)); })) {
        if (*count < last[name]) ++back;
        last[name] = *count;
      }
    }
  });
  CHECK(back == 0);
}

}  // namespace
