// SPDX-License-Identifier: BSL-1.0
// Questions through a Counter: with everything that has been counted, wherever it is at the moment.
#include <livecount/counter/ask.hpp>

#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>
#include <livecount/zone.hpp>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <vector>

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
struct Place {
  StorePlace<Store> place;
  TestClock clock;
  Manual<Store> counter{typename Manual<Store>::Options{
      .cache = {.entries = 64}, .store = place.options(), .when_full = Limit::flush, .clock = clock}};
  Place() { clock.set(utc("2026-03-10T12:00:00Z")); }
};

TEMPLATE_TEST_CASE("top is exact, ties by name, over pending and stored counts alike", "", MemoryStore,
                   SqliteStore, LoggedSqliteStore) {
  Place<TestType> place;
  auto& hits = place.counter;
  for (const char* name : {"b", "a", "c"}) hits.increment(name, {.periods = day, .delta = 2});
  hits.flush();
  CHECK(hits.top({.period = day}) == std::vector<NamedCount>{{"a", 2}, {"b", 2}, {"c", 2}});
  hits.increment("c", {.periods = day});
  hits.decrement("a", {.periods = day, .delta = 5});
  hits.increment("d", {.periods = day, .delta = 9});
  CHECK(hits.top({.period = day}) == std::vector<NamedCount>{{"d", 9}, {"c", 3}, {"b", 2}, {"a", 0}});
  CHECK(hits.top({.period = day, .limit = 2}) == std::vector<NamedCount>{{"d", 9}, {"c", 3}});
  CHECK(hits.top({.period = day, .limit = 0}).empty());
  CHECK(hits.top({.period = hour}).empty());
  CHECK(hits.top({.period = day, .ns = "other"}).empty());
  CHECK(hits.top({.period = day, .at = utc("2026-03-11T12:00:00Z")}).empty());
}

TEMPLATE_TEST_CASE("top is exact over more names than the cache holds", "", MemoryStore, SqliteStore,
                   LoggedSqliteStore) {
  Place<TestType> place;
  std::vector<NamedCount> expected;
  for (Count i = 0; i < 500; ++i) {
    const std::string name = "name " + std::to_string(i * 7919 % 500);
    place.counter.increment(name, {.delta = i % 50});
    expected.push_back({name, i % 50});
  }
  sort_top(expected, 60);
  CHECK(place.counter.top({.limit = 60}) == expected);
}

TEMPLATE_TEST_CASE("range has a value for each bucket in the order of time", "", MemoryStore, SqliteStore,
                   LoggedSqliteStore) {
  Place<TestType> place;
  auto& hits = place.counter;
  const auto at = [](const char* text) { return utc(text); };
  hits.increment("a", {.periods = day, .delta = 3, .at = at("2026-02-27T23:00:00Z")});
  hits.increment("b", {.periods = day, .delta = 4, .at = at("2026-02-28T23:00:00Z")});
  hits.flush();
  hits.increment("a", {.periods = day, .delta = 5, .at = at("2026-03-02T00:00:00Z")});
  const auto days = hits.range("a", {.from = at("2026-02-26T01:00:00Z"), .to = at("2026-03-02T00:00:00Z")});
  std::vector<std::string> texts;
  for (const BucketCount& count : days)
    texts.push_back(to_scope(count.bucket) + " " + std::to_string(count.count));
  CHECK(texts == std::vector<std::string>{"2026-02-26 0", "2026-02-27 3", "2026-02-28 0", "2026-03-01 0",
                                          "2026-03-02 5"});
  CHECK(hits.range("a") == std::vector<BucketCount>{
                               {{day, at("2026-03-10T00:00:00Z").seconds().time_since_epoch().count()}, 0}});
  hits.increment("a");
  CHECK(hits.range("a", {.period = all}) == std::vector<BucketCount>{{{all, 0}, 1}});
  CHECK(code_of([&] { (void)hits.range("a", {.to = at("2026-03-09T00:00:00Z")}); }) == Errc::invalid_option);
  CHECK(code_of([&] { (void)hits.range("a", {.period = second, .from = at("2020-01-01T00:00:00Z")}); }) ==
        Errc::invalid_option);
}

TEST_CASE(
    "range passes over the hour that a clock skips, and has one bucket for the hour that it shows twice") {
  TestClock clock;
  Counter<LruCache, MemoryStore, ManualQueue, TestClock> hits{
      {.calendar = zoned_calendar("CET-1CEST,M3.5.0,M10.5.0/3"), .clock = clock}};
  const auto scopes = [&](const char* from, const char* to) {
    std::vector<std::string> texts;
    for (const BucketCount& count : hits.range("a", {.period = hour, .from = utc(from), .to = utc(to)}))
      texts.push_back(to_scope(count.bucket) + " " + std::to_string(count.count));
    return texts;
  };
  hits.increment("a", {.periods = hour, .at = utc("2026-10-25T00:30:00Z")});
  hits.increment("a", {.periods = hour, .at = utc("2026-10-25T01:30:00Z")});
  CHECK(scopes("2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z") ==
        std::vector<std::string>{"2026-03-29 01 0", "2026-03-29 03 0"});
  CHECK(scopes("2026-10-24T23:00:00Z", "2026-10-25T02:00:00Z") ==
        std::vector<std::string>{"2026-10-25 01 0", "2026-10-25 02 2", "2026-10-25 03 0"});
}

TEMPLATE_TEST_CASE("a rate is the count of the last complete buckets, per second", "", MemoryStore,
                   SqliteStore, LoggedSqliteStore) {
  Place<TestType> place;
  auto& hits = place.counter;
  for (int minute_ago = 0; minute_ago < 4; ++minute_ago) {
    hits.increment("a", {.periods = minute,
                         .delta = 60 << minute_ago,
                         .at = place.clock.now().seconds() - minute_ago * 1min});
  }
  CHECK(hits.rate("a") == 2.0);
  CHECK(hits.rate("a", {.buckets = 2}) == 3.0);
  CHECK(hits.rate("a", {.buckets = 4}) == 3.5);
  CHECK(hits.rate("b") == 0.0);
  CHECK(code_of([&] { (void)hits.rate("a", {.period = all}); }) == Errc::invalid_option);
  CHECK(code_of([&] { (void)hits.rate("a", {.buckets = 0}); }) == Errc::invalid_option);
}

TEMPLATE_TEST_CASE("names are listed by prefix, in one bucket or in all, page by page", "", MemoryStore,
                   SqliteStore, LoggedSqliteStore) {
  Place<TestType> place;
  auto& hits = place.counter;
  using Strings = std::vector<std::string>;
  for (const char* name : {"blog/2026/a", "blog/2025/b", "shop", ""}) {
    hits.increment(name, {.periods = day | all});
    if (*name == 'b') hits.flush();
  }
  hits.increment("old", {.periods = day, .at = utc("2026-01-01T00:00:00Z")});
  CHECK(hits.names() == Strings{"", "blog/2025/b", "blog/2026/a", "shop"});
  CHECK(hits.names({.period = day}) == Strings{"", "blog/2025/b", "blog/2026/a", "old", "shop"});
  CHECK(hits.names({.period = day, .at = place.clock.now()}) ==
        Strings{"", "blog/2025/b", "blog/2026/a", "shop"});
  CHECK(hits.names({.prefix = "blog/"}) == Strings{"blog/2025/b", "blog/2026/a"});
  CHECK(hits.names({.after = "", .limit = 2}) == Strings{"blog/2025/b", "blog/2026/a"});
  CHECK(hits.names({.after = "blog/2026/a", .limit = 2}) == Strings{"shop"});
  CHECK(hits.names({.period = hour}).empty());
  hits.increment("x", {.ns = "b"});
  hits.flush();
  hits.increment("x", {.ns = ""});
  CHECK(hits.namespaces() == Strings{"", "b", "default"});
}

TEMPLATE_TEST_CASE("the counts under a prefix are summed", "", MemoryStore, SqliteStore, LoggedSqliteStore) {
  Place<TestType> place;
  auto& hits = place.counter;
  for (const char* name : {"a/b/c", "a/b/d", "a/c", "a", "b"}) hits.increment(name, {.delta = 10});
  hits.flush();
  hits.increment("a/b/e", {.delta = 7});
  hits.decrement("a/c", {.delta = 99});
  CHECK(hits.sum({.prefix = "a/"}) == 27);
  CHECK(hits.sum({.prefix = "a/b/"}) == 27);
  CHECK(hits.sum() == 47);
  CHECK(hits.sum({.prefix = "c"}) == 0);
}

TEMPLATE_TEST_CASE("a sum that 64 bits do not hold is refused", "", MemoryStore, SqliteStore,
                   LoggedSqliteStore) {
  Place<TestType> place;
  for (int i = 0; i < 33; ++i) place.counter.increment(std::to_string(i), {.delta = max_count});
  CHECK(code_of([&] { (void)place.counter.sum(); }) == Errc::overflow);
}

TEMPLATE_TEST_CASE("a reading tells what is counted, what is stored, and for how long that has differed", "",
                   MemoryStore, SqliteStore, LoggedSqliteStore) {
  Place<TestType> place;
  auto& hits = place.counter;
  CHECK(hits.read("a").live == std::nullopt);
  CHECK(hits.read("a").durable == std::nullopt);
  hits.increment("a");
  CHECK(hits.read("a").live == 1);
  CHECK(hits.read("a").durable == std::nullopt);
  CHECK(hits.read("a").pending_age.has_value());
  hits.flush();
  hits.increment("a");
  CHECK(hits.read("a").live == 2);
  CHECK(hits.read("a").durable == 1);
  hits.flush();
  CHECK_FALSE(hits.read("a").pending_age.has_value());
  CHECK(hits.get_many(std::vector<std::string_view>{"a", "b", "a"}) ==
        std::vector<std::optional<Count>>{2, std::nullopt, 2});
}

TEST_CASE("questions after close are refused") {
  Place<MemoryStore> place;
  place.counter.close(1s);
  CHECK(code_of([&] { (void)place.counter.top(); }) == Errc::closed);
  CHECK(code_of([&] { (void)place.counter.namespaces(); }) == Errc::closed);
}

// Batches that failed before or after they were applied, floors, evictions: the answer is that of a plain table.
TEST_CASE("answers are exact while the store fails in every way") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    Counter<LockFreeCache, UnreliableStore, ManualQueue> hits{{.cache = {.entries = 64},
                                                               .store = {.fail_every = 2},
                                                               .when_full = Limit::flush,
                                                               .block_timeout = 0ms,
                                                               .max_batch = 1 + random() % 20}};
    std::map<std::string, Count> model;
    for (int step = 0; step < 400; ++step) {
      const std::string name = std::to_string(random() % 60);
      const Count delta = static_cast<Count>(random() % 12) - 4;
      if (hits.try_increment(name, {.delta = delta}) == Errc::ok)
        model[name] = std::max<Count>(model[name] + delta, 0);
      if (random() % 16 == 0) hits.queue().pump();
      if (random() % 64 == 0) hits.drop_clean();
      if (random() % 16 != 0) continue;
      std::vector<NamedCount> expected;
      std::vector<std::string> names;
      Count sum = 0;
      for (const auto& [counted, count] : model) {
        expected.push_back({counted, count});
        names.push_back(counted);
        sum += count;
      }
      sort_top(expected, 10);
      REQUIRE(hits.top({.limit = 10}) == expected);
      REQUIRE(hits.names() == names);
      REQUIRE(hits.sum() == sum);
    }
  }
}

TEMPLATE_TEST_CASE(
    "answers asked beside writers and a worker never go back, and miss nothing that had returned", "",
    MemoryStore, SqliteStore, LoggedSqliteStore) {
  StorePlace<TestType> place;
  Counter<LockFreeCache, TestType, JthreadQueue> hits{{.cache = {.entries = 64},
                                                       .store = place.options(),
                                                       .queue = {.max_delay = 1ms},
                                                       .when_full = Limit::flush}};
  std::atomic<Count> returned{0};
  std::atomic<Count> begun{0};
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 20'000; ++i) {
      ++begun;
      hits.increment(std::to_string(i % 100));
      ++returned;
    }
    done = true;
  });
  Count last = 0;
  while (!done) {
    const Count before = returned;
    const Count sum = hits.sum();
    const Count after = begun;
    REQUIRE(before <= sum);
    REQUIRE(sum <= after);
    REQUIRE(last <= sum);
    last = sum;
  }
  writer.join();
  CHECK(hits.sum() == 20'000);
}

}  // namespace
