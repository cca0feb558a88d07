// SPDX-License-Identifier: BSL-1.0
// Every change is accounted for: what was attempted was accepted or refused, and the sum of what was accepted is in the
// store, in flight, unflushed, put aside, or was taken by a floor. Each figure is also counted beside the library.
#include <livecount/livecount.hpp>

#include <atomic>
#include <chrono>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/keys.hpp"
#include "support/switched_store.hpp"
#include "support/threads.hpp"
#include "support/unreliable_store.hpp"

namespace {

using namespace livecount;
using namespace std::chrono_literals;
using livecount::tests::key_of;
using livecount::tests::run_together;
using livecount::tests::SwitchedStore;
using livecount::tests::UnreliableStore;

/// The sum of all stored counts. For a store without anybody else's counts.
template <class Store>
Count stored_in(const Store& store) {
  Count sum = 0;
  for (const PeriodType type : {PeriodType::day, PeriodType::week, PeriodType::all}) {
    store.scan(default_namespace, type, std::nullopt, [&](const KeyView&, Count count) { sum += count; });
  }
  return sum;
}

void check_identity(const Stats& stats) {
  REQUIRE(stats.unflushed_sum.has_value());
  CHECK(stats.accepted_sum == stats.stored_sum + stats.in_flight_sum + *stats.unflushed_sum +
                                  stats.quarantined_sum + stats.discarded_sum);
}

TEMPLATE_TEST_CASE("each figure says where a change is", "", LockFreeCache, LruCache, NullCache) {
  std::atomic<bool> down = false;
  typename Counter<TestType, SwitchedStore, ManualQueue>::Options options;
  options.store.down = &down;
  options.max_batch = 2;
  Counter<TestType, SwitchedStore, ManualQueue> counter(options);

  counter.increment("a", {.periods = PeriodType::day | PeriodType::week | PeriodType::all, .delta = 5});
  CHECK(counter.stats().accepted == 1);
  CHECK(counter.stats().accepted_sum == 15);
  CHECK(counter.stats().unflushed_sum == 15);
  counter.flush();
  CHECK(counter.stats().stored_sum == 15);
  CHECK(stored_in(counter.store()) == 15);
  CHECK(counter.stats().unflushed_sum == 0);

  counter.decrement("a", {.delta = 7});  // of 5
  CHECK(counter.stats().accepted_sum == 8);
  CHECK(counter.stats().discarded_sum == -2);
  CHECK(counter.stats().unflushed_sum == -5);

  down = true;
  CHECK(counter.queue().pump().failed);
  CHECK(counter.stats().in_flight_sum == -5);
  CHECK(counter.stats().unflushed_sum == 0);
  counter.increment("a", {.delta = 3});  // while its batch is in flight
  counter.increment("b", {.delta = 4});
  CHECK(counter.stats().unflushed_sum == 7);
  check_identity(counter.stats());

  const CloseReport report = counter.close(0ms);
  CHECK_FALSE(report.clean);
  CHECK(report.counters_left == counter.pending());
  CHECK(counter.stats().in_flight_sum == -5);
  CHECK(counter.stats().unflushed_sum == 7);
  check_identity(counter.stats());

  down = false;
  CHECK(counter.close(10s).clean);
  CHECK(counter.stats().in_flight_sum == 0);
  CHECK(counter.stats().stored_sum == 17);
  CHECK(stored_in(counter.store()) == 17);
  check_identity(counter.stats());
}

TEST_CASE("what the store puts aside is accounted for, and what it names wrongly changes nothing") {
  struct LyingStore : MemoryStore {
    using MemoryStore::MemoryStore;
    ApplyResult apply(const Batch& batch) {
      ApplyResult result = MemoryStore::apply(batch);
      result.quarantined.insert(result.quarantined.end(), {result.quarantined.at(0), 1'000'000});
      return result;
    }
  };
  Counter<LruCache, LyingStore, ManualQueue>::Options options;
  options.floor = Floor::none;
  Counter<LruCache, LyingStore, ManualQueue> counter(options);
  const Record full{key_of("a"), {max_count - 1, no_floor}};
  REQUIRE(counter.store().MemoryStore::apply({WriterId{1}, 0, 1, {&full, 1}}).outcome == Outcome::applied);
  counter.increment("a", {.delta = 10});
  counter.increment("b", {.delta = 3});
  counter.flush();
  CHECK(counter.stats().quarantined_sum == 10);
  CHECK(counter.stats().stored_sum == 3);
  CHECK(counter.get("a") == max_count - 1);
  check_identity(counter.stats());
}

TEST_CASE("what is refused is counted, in every form, and adds to no sum") {
  Counter<LruCache, MemoryStore, ManualQueue> counter;
  const std::string long_name(max_name_bytes + 1, 'x');
  const Time far{std::chrono::sys_seconds(std::chrono::seconds(INT64_C(1) << 50))};
  CHECK(counter.try_increment(long_name) == Errc::name_too_long);
  CHECK(counter.try_increment("a", {.delta = INT64_MIN}) == Errc::delta_out_of_range);
  CHECK(counter.try_decrement("a", {.delta = INT64_MIN}) == Errc::delta_out_of_range);
  CHECK(counter.try_increment("a", {.periods = PeriodType::day, .at = far}) == Errc::time_out_of_range);
  CHECK(counter.handle("a").try_increment(INT64_MIN) == Errc::delta_out_of_range);
  CHECK(counter.handle("a", {.periods = PeriodType::day}).try_increment(1, far) == Errc::time_out_of_range);
  CHECK_THROWS_AS(counter.increment_and_get("a", {.periods = PeriodType::day | PeriodType::all}), Error);
  counter.increment("a", {.delta = max_count});
  CHECK(counter.try_increment("a") == Errc::overflow);
  CHECK(counter.handle("a").try_increment() == Errc::overflow);
  CHECK(counter.close(1s).clean);
  CHECK(counter.try_increment("a") == Errc::closed);
  CHECK(counter.stats().accepted == 1);
  CHECK(counter.stats().refused == 10);
  CHECK(counter.stats().accepted_sum == max_count);
  check_identity(counter.stats());
}

TEMPLATE_TEST_CASE("at rest after a storm every change is accounted for", "", LockFreeCache, LruCache,
                   NullCache) {
  for (const bool floored : {true, false}) {
    typename Counter<TestType, UnreliableStore, JthreadQueue>::Options options;
    options.cache.entries = 64;
    options.store.fail_every = 3;
    options.queue = {.max_delay = 1ms, .first_retry = 1ms, .last_retry = 2ms};
    options.floor = floored ? Floor::zero : Floor::none;
    options.max_pending = 16;
    options.when_full = Limit::refuse;
    Counter<TestType, UnreliableStore, JthreadQueue> counter(options);
    std::atomic<std::uint64_t> accepted = 0, refused = 0;
    std::atomic<Count> sum = 0;
    run_together([&](int thread, std::mt19937_64& random) {
      auto handle = counter.handle("1");
      for (int i = 0; i < 5'000; ++i) {
        const Update update{
            .periods = random() % 4 == 0 ? PeriodType::day | PeriodType::all : Periods(PeriodType::all),
            .delta = static_cast<Count>(random() % 7) - 3};
        const bool handled = thread == 0 && i % 2 == 0;
        const Errc code = handled ? handle.try_increment(update.delta)
                                  : counter.try_increment(std::to_string(random() % 100), update);
        if (code == Errc::ok) {
          ++accepted;
          sum += handled ? update.delta : update.delta * static_cast<Count>(update.periods.size());
        } else {
          ++refused;
        }
      }
    });
    CHECK(counter.close(60s).clean);
    const Stats stats = counter.stats();
    CHECK(stats.accepted == accepted);
    CHECK(stats.refused == refused);
    CHECK(stats.accepted_sum == sum);
    CHECK((stats.discarded_sum < 0) == floored);
    CHECK(stats.in_flight_sum == 0);
    CHECK(stats.unflushed_sum == 0);
    CHECK(stats.stored_sum == stored_in(counter.store()));
    check_identity(stats);
  }
}

}  // namespace
