// SPDX-License-Identifier: BSL-1.0
// Counts that are taken, reset and removed while other threads count: nothing is lost, and nothing is there twice.
#include <livecount/livecount.hpp>

#include <atomic>
#include <optional>
#include <random>
#include <string>

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

constexpr int each = 20'000;  // changes of a thread, at the least
constexpr int rounds = 100;   // of the one that takes, resets or removes
constexpr std::uint64_t names = 4;

template <class C>
typename C::Options options_of() {
  typename C::Options options;
  options.cache.entries = 64;
  options.queue = {.max_delay = std::chrono::milliseconds(1), .first_retry = std::chrono::milliseconds(1)};
  options.store.fail_every = 5;
  options.block_timeout = std::chrono::seconds(60);
  return options;
}

/// Until the store, which fails on purpose, lets it pass: what was refused has changed nothing.
template <class F>
bool insist(F f) {
  Errc code = Errc::store_unavailable;
  while (code == Errc::store_unavailable) code = f();
  return code == Errc::ok;
}

/// All threads but the first count, by increments, decrements, handles and several periods; the first calls f(name)
/// meanwhile. Returns the sum of all deltas of the period `all`.
template <class C, class F>
Count count_beside(C& counter, bool down, F f) {
  std::atomic<int> counting{threads - 1};
  std::atomic<int> begun{0};  // threads that are in the middle of it
  std::atomic<int> round{0};  // since all are
  std::atomic<Count> sum{0};
  std::atomic<int> wrong{0};
  run_together([&](int thread, std::mt19937_64& random) {
    if (thread == 0) {
      while (counting > 0) {
        const bool beside = begun == threads - 1;
        if (!insist([&] { return f(std::to_string(random() % names)); })) ++wrong;
        if (beside) ++round;
      }
      return;
    }
    auto handle = counter.handle("0");
    for (int i = 0; i < each || round < rounds; ++i) {
      if (i == each / 2) ++begun;
      // Upwards on the whole: what is taken in the end cannot be 0 by chance.
      const Count delta = static_cast<Count>(random() % 5) - (down && random() % 4 == 0 ? 4 : 0);
      const Periods periods =
          random() % 4 == 0 ? PeriodType::day | PeriodType::all : Periods(PeriodType::all);
      const bool counted = insist([&] {
        return i % 4 == 0 ? handle.try_increment(delta)
                          : counter.try_increment(std::to_string(random() % names),
                                                  {.periods = periods, .delta = delta});
      });
      if (!counted) ++wrong;
      sum += delta;
    }
    --counting;
  });
  CHECK(wrong == 0);
  return sum;
}

template <class C>
Count left(C& counter) {
  Count sum = 0;
  for (std::uint64_t name = 0; name < names; ++name) {
    const std::optional<Count> stored = counter.store().read({default_namespace, {}, std::to_string(name)});
    CHECK(counter.get(std::to_string(name)) == stored);
    sum += stored.value_or(0);
  }
  return sum;
}

TEMPLATE_TEST_CASE("what is taken and what is left is what was counted", "", LockFreeCache, JitteryCache,
                   LruCache, NullCache) {
  using C = Counter<TestType, UnreliableStore, JthreadQueue>;
  for (const bool floored : {true, false}) {
    typename C::Options options = options_of<C>();
    options.floor = floored ? Floor::zero : Floor::none;
    C counter(options);
    Count taken = 0;
    const Count sum = count_beside(counter, !floored, [&](const std::string& name) {
      std::optional<Count> count;
      const Errc code = counter.try_get_and_reset(name, count);
      taken += count.value_or(0);
      return code;
    });
    CHECK(counter.close(std::chrono::seconds(60)).clean);
    const Stats stats = counter.stats();
    CHECK(taken != 0);
    CHECK(stats.discarded_sum == 0);
    Count stored = 0;
    for (std::uint64_t name = 0; name < names; ++name) {
      stored += counter.store().read({default_namespace, {}, std::to_string(name)}).value_or(0);
    }
    CHECK(taken + stored == sum);
  }
}

TEMPLATE_TEST_CASE("what resets and removals take is told, and the rest is what was counted", "",
                   LockFreeCache, JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, UnreliableStore, JthreadQueue>;
  for (const bool floored : {true, false}) {
    typename C::Options options = options_of<C>();
    options.floor = floored ? Floor::zero : Floor::none;
    C counter(options);
    std::uint64_t turn = 0;
    const Count sum = count_beside(counter, true, [&](const std::string& name) {
      return ++turn % 2 == 0 ? counter.try_reset(name) : counter.try_remove(name);
    });
    CHECK(insist([&] {
      try {
        counter.flush();
      } catch (const Error& error) {
        return error.code();
      }
      return Errc::ok;
    }));
    const Count stored = left(counter);
    CHECK(counter.close(std::chrono::seconds(60)).clean);
    const Stats stats = counter.stats();
    CHECK(stats.discarded_sum != 0);
    CHECK(stats.unflushed_sum == 0);
    CHECK(stats.in_flight_sum == 0);
    Count days = 0;
    counter.store().scan(default_namespace, PeriodType::day, std::nullopt,
                         [&](const KeyView&, Count count) { days += count; });
    CHECK(stored + days == stats.stored_sum);
    CHECK(stats.accepted_sum == stats.stored_sum + stats.discarded_sum);
    if (!floored) CHECK(sum + days == stats.stored_sum + stats.discarded_sum);
  }
}

}  // namespace
