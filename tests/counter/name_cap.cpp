// SPDX-License-Identifier: BSL-1.0
// A cap on the names of a bucket: what goes over it is counted all the same, under one name.
#include <livecount/counter/name_cap.hpp>

#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>

#include <memory>
#include <string>
#include <vector>

#include "counter/scripted.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/policies.hpp"
#include "support/threads.hpp"
#include "support/unreliable_store.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;
using enum PeriodType;

template <class Store>
typename Manual<Store>::Options options_of(const StorePlace<Store>& place, const TestClock& clock,
                                           std::size_t names) {
  return {.store = place.options(), .max_names = names, .clock = clock};
}

TEMPLATE_TEST_CASE("names over the cap go to the overflow counter of their bucket, and nothing is lost", "",
                   MemoryStore, FileStore, SqliteStore, LoggedSqliteStore) {
  const StorePlace<TestType> place;
  TestClock clock;
  clock.set(utc("2026-03-10T12:00:00Z"));
  auto hits = std::make_unique<Manual<TestType>>(options_of(place, clock, 3));
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    hits->increment(name, {.periods = day | all, .delta = 2});
    hits->flush();
  }
  hits->increment("a", {.periods = day | all});
  hits->increment("f", {.periods = day | all, .delta = 5});
  CHECK(hits->get("f") == 5);  // until it is written
  hits->flush();
  const auto check = [&] {
    for (const PeriodType type : {day, all}) {
      CHECK(hits->get("a", {.period = type}) == 3);
      CHECK(hits->get("c", {.period = type}) == 2);
      CHECK(hits->get("d", {.period = type}) == std::nullopt);
      CHECK(hits->get("f", {.period = type}) == std::nullopt);
      CHECK(hits->get(overflow_name, {.period = type}) == 9);
      CHECK(hits->top({.period = type}) ==
            std::vector<NamedCount>{{"(other)", 9}, {"a", 3}, {"b", 2}, {"c", 2}});
    }
  };
  check();
  CHECK(hits->stats().overflowed == 6);
  CHECK(hits->stats().stored_sum == hits->stats().accepted_sum);
  CHECK(hits->stats().pending == 0);
  if (StorePlace<TestType>::on_disk) {
    hits.reset();
    hits = std::make_unique<Manual<TestType>>(options_of(place, clock, 3));
    check();
  }
  hits->increment("d", {.periods = day | all});
  hits->increment("b", {.periods = day | all, .delta = 7});
  hits->flush();
  CHECK(hits->get("b") == 9);
  CHECK(hits->get("d") == std::nullopt);
  CHECK(hits->get(overflow_name) == 10);

  clock.set(utc("2026-03-11T12:00:00Z"));  // another day has room of its own
  hits->increment("d", {.periods = day | all});
  hits->flush();
  CHECK(hits->get("d", {.period = day}) == 1);
  CHECK(hits->get("d") == std::nullopt);
}

TEST_CASE("a removed name makes room for another one, and namespaces have room of their own") {
  const StorePlace<MemoryStore> place;
  Manual<MemoryStore> hits(options_of(place, {}, 2));
  for (const char* ns : {"x", "y"}) {
    for (const char* name : {"a", "b", "c"}) hits.increment(name, {.ns = ns});
    hits.flush();
    CHECK(hits.get(overflow_name, {.ns = ns}) == 1);
  }
  const std::string gone = hits.get("a", {.ns = "x"}) ? "a" : "b";
  hits.remove(gone, {.ns = "x"});
  hits.flush();
  hits.increment("new", {.ns = "x"});
  hits.flush();
  CHECK(hits.get("new", {.ns = "x"}) == 1);
  CHECK(hits.get(overflow_name, {.ns = "x"}) == 1);
  CHECK(hits.top({.ns = "x"}).size() == 3);
}

TEST_CASE(
    "what becomes of a name over the cap: decrements stop at zero, resets are nothing, and it may come "
    "again") {
  const StorePlace<MemoryStore> place;
  Manual<MemoryStore> hits(options_of(place, {}, 1));
  hits.increment("a");
  hits.flush();
  hits.increment("b", {.delta = 3});
  hits.decrement("b", {.delta = 5});
  hits.increment("b");
  hits.flush();
  CHECK(hits.get("b") == std::nullopt);
  CHECK(hits.get(overflow_name) == 1);
  hits.decrement("b");
  CHECK(hits.get("b") == 0);
  hits.flush();
  CHECK(hits.get(overflow_name) == 1);
  hits.increment("b", {.delta = 2});
  hits.reset("b");
  hits.flush();
  CHECK(hits.get("b") == std::nullopt);
  CHECK(hits.get(overflow_name) == 1);  // what was counted before the reset is gone
  auto handle = hits.handle("b");
  for (int i = 0; i < 3; ++i) {
    handle.increment();
    hits.flush();
  }
  CHECK(hits.get("b") == std::nullopt);
  CHECK(hits.get(overflow_name) == 4);
  hits.increment(overflow_name);
  CHECK(hits.get(overflow_name) == 5);
  hits.increment("c");
  hits.flush();
  CHECK(hits.get(overflow_name) == 6);
  const Stats stats = hits.stats();
  CHECK(stats.accepted_sum == stats.stored_sum + stats.discarded_sum);
}

TEST_CASE("a batch with an overflow that is sent again is counted once") {
  Counter<LockFreeCache, UnreliableStore, ManualQueue> hits({.store = {.fail_every = 2}, .max_names = 1});
  const auto flush = [&] {
    while (code_of([&] { hits.flush(); }) != Errc::ok) {
    }
  };
  hits.increment("a");
  flush();
  for (int round = 1; round <= 20; ++round) {
    hits.increment("b", {.delta = 2});
    (void)hits.queue().pump();
    hits.increment("b", {.delta = 3});
    flush();
    CHECK(hits.get("b") == std::nullopt);
    CHECK(hits.get(overflow_name) == 5 * round);
  }
  CHECK(hits.stats().failures > 5);
  CHECK(hits.stats().stored_sum == 101);
}

/// Puts the last record of a batch aside; and says also, as it would to a batch that is sent again after its buckets have
/// gone, that it came too late.
struct TwiceLeftOut : MemoryStore {
  struct Options {};
  explicit TwiceLeftOut(Options) {}
  ApplyResult apply(const Batch& batch) {
    const std::size_t last = batch.records.size() - 1;
    ApplyResult result =
        MemoryStore::apply({batch.writer, batch.shard, batch.sequence, batch.records.first(last)});
    result.quarantined = result.late = {last};
    return result;
  }
};

TEST_CASE("what was left out of an overflow counter for two reasons is taken back once") {
  Counter<LruCache, TwiceLeftOut, ManualQueue> hits({.max_names = 1});
  hits.increment("a");
  hits.increment("b", {.delta = 2});
  hits.increment("c", {.delta = 3});
  hits.flush();
  const Stats stats = hits.stats();
  CHECK(stats.accepted_sum == 6);
  CHECK(stats.quarantined_sum > 0);  // two of the three, by the order of their hashes
  CHECK(stats.expired_sum == 0);
  CHECK(stats.stored_sum + stats.quarantined_sum == 6);
}

TEST_CASE("names made up by several threads stay within the cap, and the sum is right") {
  Counter<LockFreeCache, MemoryStore, JthreadQueue> hits{
      {.cache = {.entries = 4096}, .queue = {.max_delay = 1ms}, .when_full = Limit::flush, .max_names = 100}};
  constexpr int each = 20'000;
  run_together([&](int number, auto&) {
    for (int i = 0; i < each; ++i)
      hits.increment("made up " + std::to_string(number) + std::to_string(i % 5000));
  });
  hits.flush();
  const std::vector<NamedCount> rows = hits.top({.limit = 1000});
  CHECK(rows.size() == 101);
  Count sum = 0;
  for (const NamedCount& row : rows) sum += row.count;
  CHECK(sum == hits.stats().accepted_sum);
  CHECK(hits.stats().stored_sum == sum);
  CHECK(sum % each == 0);
}

TEST_CASE("a store that cannot tell its names takes no cap") {
  Scripted::Options options;
  options.max_names = 10;
  CHECK(code_of([&] { const Scripted counter(options); }) == Errc::invalid_option);
}

}  // namespace
