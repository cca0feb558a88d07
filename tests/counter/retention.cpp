// SPDX-License-Identifier: BSL-1.0
// Old buckets leave, through a Counter: when, how far, and what becomes of what comes too late.
#include <livecount/retention.hpp>

#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>
#include <livecount/zone.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "counter/scripted.hpp"
#include "counter/watched_store.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/policies.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;
using enum PeriodType;

template <class Store>
struct Place {
  StorePlace<Store> place;
  TestClock clock;
  std::vector<Errc> told;
  std::unique_ptr<Manual<Store>> counter;

  explicit Place(Retention retention, Calendar calendar = {}) : calendar_(std::move(calendar)) {
    clock.set(utc("2026-03-10T12:00:00Z"));
    open(retention);
  }
  void open(Retention retention) {
    counter.reset();
    counter = std::make_unique<Manual<Store>>(typename Manual<Store>::Options{
        .store = place.options(),
        .calendar = calendar_,
        .retention = retention,
        .on_error = [this](const Error& error) { told.push_back(error.code()); },
        .clock = clock});
  }
  void go_to(const char* time) { clock.set(utc(time)); }

 private:
  Calendar calendar_;
};

TEMPLATE_TEST_CASE(
    "a bucket is kept for its retention after its end, and to get it is then as if it had never been", "",
    MemoryStore, FileStore, SqliteStore, LoggedSqliteStore) {
  Place<TestType> place({{hour, 2h}});
  auto& hits = *place.counter;
  const Lookup first{.period = hour, .at = utc("2026-03-10T12:00:00Z")};
  hits.increment("a", {.periods = hour | day, .delta = 3});
  SECTION("written") { hits.flush(); }
  SECTION("pending") {}
  place.go_to("2026-03-10T14:59:59Z");
  hits.retain();
  CHECK(hits.get("a", first) == 3);
  place.go_to("2026-03-10T15:00:00Z");
  CHECK(hits.get("a", first) == 3);  // nobody has looked yet
  hits.retain();
  CHECK(hits.horizons()[hour] == first.at->seconds().time_since_epoch().count() + 3600);
  CHECK(hits.get("a", first) == std::nullopt);
  CHECK(hits.read("a", first).durable == std::nullopt);
  CHECK(hits.top({.period = hour, .at = first.at}).empty());
  CHECK(hits.names({.period = hour}).empty());
  CHECK(hits.sum({.period = hour, .at = first.at}) == 0);
  CHECK(hits.get("a", {.period = day}) == 3);
  const auto range = hits.range("a", {.period = hour, .from = first.at});
  CHECK(range.size() == 4);
  CHECK(range.front().count == 0);

  hits.flush();
  CHECK(hits.get("a", {.period = day}) == 3);
  CHECK(hits.store().read({"default", hits.calendar().bucket(hour, *first.at), "a"}) == std::nullopt);
  const Stats stats = hits.stats();
  CHECK(stats.accepted_sum == 6);
  CHECK(stats.stored_sum + stats.expired_sum == 6);
  CHECK(stats.late == static_cast<std::uint64_t>(stats.expired_sum / 3));
  CHECK(place.told.empty());
}

TEMPLATE_TEST_CASE("an update of a bucket that has gone is refused, or counts in the periods that are kept",
                   "", MemoryStore, SqliteStore, LoggedSqliteStore) {
  Place<TestType> place({{hour, 2h}});
  auto& hits = *place.counter;
  hits.retain();
  const Time old = utc("2026-03-10T09:59:59Z");
  const auto error = error_of([&] { hits.increment("a", {.periods = hour, .at = old}); });
  REQUIRE(error);
  CHECK(error->code() == Errc::expired);
  CHECK(std::string(error->what()).find("older than those that are kept") != std::string::npos);
  CHECK(hits.try_decrement("a", {.periods = hour, .at = old}) == Errc::expired);
  CHECK(code_of([&] { (void)hits.increment_and_get("a", {.periods = hour, .at = old}); }) == Errc::expired);
  CHECK(hits.try_reset("a", {.period = hour, .at = old}) == Errc::expired);
  CHECK(hits.try_remove("a", {.period = hour, .at = old}) == Errc::expired);
  std::optional<Count> taken;
  CHECK(hits.try_get_and_reset("a", taken, {.period = hour, .at = old}) == Errc::expired);
  const std::vector<NamedUpdate> updates{{"a", {.periods = hour, .at = old}},
                                         {"a", {.periods = day, .at = old}}};
  std::vector<Errc> codes(2);
  CHECK(hits.try_increment_many(updates, codes) == 1);
  CHECK(codes == std::vector<Errc>{Errc::expired, Errc::ok});
  CHECK(hits.stats().refused == 7);
  CHECK(hits.stats().late == 0);
  CHECK(hits.stats().accepted_sum == 1);

  hits.increment("a", {.periods = hour | day, .delta = 4, .at = old});
  auto handle = hits.handle("a", {.periods = hour | day});
  handle.increment(5, old);
  handle.increment(6);
  CHECK(hits.handle("a", {.periods = hour}).try_increment(1, old) == Errc::expired);
  CHECK(hits.get("a", {.period = hour, .at = old}) == std::nullopt);
  CHECK(hits.get("a", {.period = hour}) == 6);
  CHECK(hits.get("a", {.period = day}) == 16);
  CHECK(hits.stats().late == 2);
  CHECK(hits.stats().accepted_sum == 1 + 4 + 5 + 6 + 6);
  hits.flush();
  CHECK(hits.stats().stored_sum == hits.stats().accepted_sum);
}

TEMPLATE_TEST_CASE("what was counted before another process let its bucket go is late at the store", "",
                   MemoryStore, SqliteStore, LoggedSqliteStore) {
  Place<TestType> place({});
  auto& hits = *place.counter;
  const Bucket now = hits.calendar().bucket(hour, place.clock.now());
  hits.increment("a", {.periods = hour, .delta = 2});
  hits.flush();
  hits.increment("a", {.periods = hour | day, .delta = 3});
  hits.decrement("b", {.periods = hour, .delta = 1});
  (void)hits.store().expire({hour, now.start + 3600}, 100);  // as another process does
  hits.flush();
  CHECK(hits.get("a", {.period = hour}) == std::nullopt);
  CHECK(hits.get("b", {.period = hour}) == std::nullopt);
  CHECK(hits.get("a", {.period = day}) == 3);
  const Stats stats = hits.stats();
  CHECK(stats.late == 2);
  CHECK(stats.expired_sum == 3);
  CHECK(stats.stored_sum == 5);
  CHECK(stats.accepted_sum == stats.stored_sum + stats.expired_sum + stats.discarded_sum);
  CHECK(hits.horizons()[hour] == now.start + 3600);
  CHECK(hits.try_increment("a", {.periods = hour}) == Errc::expired);
}

TEST_CASE("a bucket that is being removed in pieces is not seen in part") {
  Place<MemoryStore> place({{hour, 1h}});
  auto& hits = *place.counter;
  for (int i = 0; i < 10; ++i) hits.increment(std::to_string(i), {.periods = hour});
  hits.flush();
  const Bucket now = hits.calendar().bucket(hour, place.clock.now());
  CHECK(hits.store().expire({hour, now.start + 3600}, 4));  // as another process does: six are left
  CHECK(hits.top({.period = hour}).empty());
  CHECK(hits.names({.period = hour}).empty());
  CHECK(hits.sum({.period = hour}) == 0);
  CHECK(hits.range("9", {.period = hour}).front().count == 0);
}

TEMPLATE_TEST_CASE("horizons are kept with the data, for who opens it without a retention, too", "",
                   FileStore, SqliteStore, LoggedSqliteStore) {
  Place<TestType> place({{second, 1h}, {week, 24h}});
  place.counter->increment("a", {.periods = second | week});
  place.counter->retain();
  const Horizons horizons = place.counter->horizons();
  CHECK(horizons[second] == utc("2026-03-10T11:00:00Z").seconds().time_since_epoch().count());
  CHECK(horizons[week] == utc("2026-03-09T00:00:00Z").seconds().time_since_epoch().count());
  place.open({});
  CHECK(place.counter->horizons() == horizons);
  CHECK(place.counter->try_increment("a", {.periods = second, .at = utc("2026-03-10T10:59:59Z")}) ==
        Errc::expired);
  CHECK(place.counter->try_increment("a", {.periods = second, .at = utc("2026-03-10T11:00:00Z")}) ==
        Errc::ok);
  CHECK(place.counter->get("a", {.period = week}) == 1);
}

TEST_CASE("a clock that jumps lets go of no more than a retention at a time, and is told") {
  Place<MemoryStore> place({{hour, 2h}});
  auto& hits = *place.counter;
  hits.increment("a", {.periods = hour});
  hits.retain();  // from 10:00 on
  place.go_to("2026-03-10T16:59:59Z");
  const auto error = error_of([&] { hits.retain(); });  // wants 14:00
  REQUIRE(error);
  CHECK(error->code() == Errc::clock_jump);
  for (const char* bucket : {"2026-03-10 14", "2026-03-10 12"}) {
    CHECK(std::string(error->what()).find(bucket) != std::string::npos);
  }
  CHECK(hits.horizons()[hour] == utc("2026-03-10T12:00:00Z").seconds().time_since_epoch().count());
  CHECK(hits.get("a", {.period = hour, .at = utc("2026-03-10T12:00:00Z")}) == 1);
  place.go_to("2026-03-10T12:00:00Z");  // it was wrong, and is right again
  hits.retain();
  CHECK(hits.get("a", {.period = hour}) == 1);
  place.go_to("2026-03-10T16:59:59Z");
  hits.retain();
  CHECK(hits.get("a", {.period = hour, .at = utc("2026-03-10T12:00:00Z")}) == std::nullopt);
}

TEST_CASE("a period that is longer than its retention goes one by one") {
  Place<MemoryStore> place({{month, 1h}});
  auto& hits = *place.counter;
  hits.increment("a", {.periods = month});
  hits.retain();
  place.go_to("2026-04-01T00:59:59Z");
  hits.retain();
  CHECK(hits.get("a", {.period = month, .at = utc("2026-03-10T12:00:00Z")}) == 1);
  place.go_to("2026-04-01T01:00:00Z");
  hits.retain();
  CHECK(hits.get("a", {.period = month, .at = utc("2026-03-10T12:00:00Z")}) == std::nullopt);
}

TEST_CASE(
    "a minute that comes twice is kept until it has come for the second time, and for its retention after "
    "that") {
  Place<MemoryStore> place({{minute, 30min}}, zoned_calendar("CET-1CEST,M3.5.0,M10.5.0/3"));
  auto& hits = *place.counter;
  // 02:05 is at 00:05Z and at 01:05Z: clocks go from 03:00 back to 02:00 at 01:00Z.
  const Time once = utc("2026-10-25T00:05:00Z"), again = utc("2026-10-25T01:05:00Z");
  for (const char* time :
       {"2026-10-25T00:05:00Z", "2026-10-25T00:50:00Z", "2026-10-25T01:05:00Z", "2026-10-25T01:35:59Z"}) {
    place.go_to(time);
    try {
      hits.retain();
    } catch (const Error& error) {
      CHECK(error.code() == Errc::clock_jump);
    }
    CHECK(hits.try_increment("a", {.periods = minute}) == Errc::ok);
    CHECK(hits.try_increment("b", {.periods = minute, .at = once}) == Errc::ok);
  }
  CHECK(hits.get("b", {.period = minute, .at = again}) == 4);
  place.go_to("2026-10-25T01:36:00Z");
  hits.retain();
  CHECK(hits.get("b", {.period = minute, .at = again}) == std::nullopt);
}

TEST_CASE("a store that lets nothing go takes no retention") {
  Scripted::Options options;
  options.retention = {{hour, 1h}};
  CHECK(code_of([&] { const Scripted counter(options); }) == Errc::invalid_option);
}

TEST_CASE("what the cache holds of old buckets is dropped") {
  Place<MemoryStore> place({{second, 1min}});
  auto& hits = *place.counter;
  for (int i = 0; i < 100; ++i) hits.increment(std::to_string(i), {.periods = second | day});
  hits.flush();
  CHECK(hits.stats().entries == 200);
  place.go_to("2026-03-10T12:01:00Z");
  hits.retain();
  CHECK(hits.stats().entries == 200);
  place.go_to("2026-03-10T12:01:01Z");
  hits.retain();
  CHECK(hits.stats().entries == 100);
}

TEST_CASE("pumping lets go bit by bit, and says when to come again") {
  Place<MemoryStore> place({{second, 16s}});
  auto& hits = *place.counter;
  const auto count = [&] {
    std::size_t rows = 0;
    hits.store().scan("default", second, std::nullopt, [&](const KeyView&, Count) { ++rows; });
    return rows;
  };
  for (int i = 0; i < 3000; ++i) hits.increment(std::to_string(i), {.periods = second});
  Drain::Report report = hits.queue().pump();
  REQUIRE(report.again);
  CHECK((*report.again > 0ms && *report.again <= 1s));
  CHECK(count() == 3000);
  place.go_to("2026-03-10T12:00:17Z");
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  std::size_t fewest = 3000;
  while (count() != 0) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    const std::size_t before = count();
    report = hits.queue().pump();
    CHECK(before - count() <= 1000);
    fewest = std::min(fewest, count());
    REQUIRE(report.again);
    std::this_thread::sleep_for(*report.again);
  }
  CHECK(hits.get("1", {.period = second, .at = utc("2026-03-10T12:00:00Z")}) == std::nullopt);
}

TEMPLATE_TEST_CASE("the period all does not end, and nothing of it goes", "", MemoryStore, FileStore,
                   SqliteStore, LoggedSqliteStore) {
  Place<TestType> place({});
  CHECK(code_of([&] { (void)place.counter->store().expire({all, 1}, 10); }) == Errc::invalid_option);
  CHECK(place.counter->horizons() == Horizons());
  place.open({});
  CHECK(place.counter->store().horizons() == Horizons());
}

TEST_CASE("a drain beside another one that lets go is told to come again") {
  using C = Counter<LruCache, WatchedStore, ManualQueue, TestClock>;
  const WatchedStore::Options store;
  TestClock clock;
  clock.set(utc("2026-03-10T12:00:00Z"));
  C hits({.store = store, .retention = {{second, 1h}}, .clock = clock});
  Drain::Report beside;
  *store.on_expire = [&] { std::thread([&] { beside = hits.queue().pump(); }).join(); };
  (void)hits.queue().pump();
  CHECK(beside.again.has_value());
}

TEST_CASE("on_error may wait for who lets go, but cannot itself") {
  using C = Counter<LruCache, WatchedStore, ManualQueue, TestClock>;
  const WatchedStore::Options store;
  TestClock clock;
  clock.set(utc("2026-03-10T12:00:00Z"));
  std::unique_ptr<C> hits;
  std::vector<std::optional<Errc>> codes;
  hits = std::make_unique<C>(C::Options{.store = store,
                                        .retention = {{second, 1h}},
                                        .on_error =
                                            [&](const Error& error) {
                                              codes.push_back(error.code());
                                              codes.push_back(code_of([&] { hits->retain(); }));
                                              std::thread([&] { hits->retain(); }).join();
                                            },
                                        .clock = clock});
  bool fails = true;
  *store.on_expire = [&] {
    if (std::exchange(fails, false)) throw Error(Errc::store_failed, "no", "store");
  };
  (void)hits->queue().pump();
  CHECK(codes == std::vector<std::optional<Errc>>{Errc::store_failed, Errc::inside_handler});
}

TEST_CASE("letting much go by hand does not hold up who closes") {
  using C = Counter<LruCache, WatchedStore, ManualQueue, TestClock>;
  const WatchedStore::Options store;
  TestClock clock;
  clock.set(utc("2026-03-10T12:00:00Z"));
  C hits({.store = store, .retention = {{second, 1h}}, .clock = clock});
  for (int i = 0; i < 5000; ++i)
    hits.increment(std::to_string(i), {.periods = second, .at = utc("2026-03-10T10:00:00Z")});
  *store.on_expire = [] { throw Error(Errc::store_unavailable, "not yet", "store"); };
  hits.flush();
  std::thread closing;
  bool clean = false;
  *store.on_expire = [&] {
    if (closing.joinable()) return;
    closing = std::thread([&] { clean = hits.close(60s).clean; });
    while (hits.try_increment("a") != Errc::closed) std::this_thread::yield();
  };
  CHECK(code_of([&] { hits.retain(); }) == Errc::closed);
  closing.join();
  CHECK(clean);
}

TEST_CASE("the queue's thread lets old buckets go, though nothing is counted any more") {
  TestClock clock;
  clock.set(utc("2026-03-10T12:00:00Z"));
  Counter<LruCache, MemoryStore, JthreadQueue, TestClock> hits{
      {.queue = {.max_delay = 1ms}, .retention = {{second, 1s}}, .clock = clock}};
  hits.increment("a", {.periods = second});
  hits.flush();
  clock.set(utc("2026-03-10T12:00:02Z"));
  const KeyView key{"default", hits.calendar().bucket(second, utc("2026-03-10T12:00:00Z")), "a"};
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (hits.store().read(key)) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(10ms);
  }
}

TEST_CASE("an update of a bucket that has gone is refused first because the counter is closed") {
  Place<MemoryStore> place({{hour, 2h}});
  auto& hits = *place.counter;
  hits.retain();
  (void)hits.close(1s);
  const Time old = utc("2026-03-10T09:59:59Z");
  CHECK(hits.try_increment("a", {.periods = hour, .at = old}) == Errc::closed);
  CHECK(hits.try_decrement("a", {.periods = hour, .at = old}) == Errc::closed);
  CHECK(hits.try_reset("a", {.period = hour, .at = old}) == Errc::closed);
}

TEST_CASE("a handle that is bound to a bucket counts no more into it when it has gone") {
  Place<MemoryStore> place({{hour, 2h}});
  auto& hits = *place.counter;
  const Time at = place.clock.now();
  auto both = hits.handle("a", {.periods = hour | day}), one = hits.handle("a", {.periods = hour});
  both.increment(1, at);
  one.increment(1, at);
  hits.flush();
  for (const char* time : {"2026-03-10T14:00:00Z", "2026-03-10T15:00:00Z"}) {
    place.go_to(time);
    hits.retain();
  }
  CHECK(one.try_increment(1, at) == Errc::expired);
  CHECK(both.try_increment(1, at) == Errc::ok);
  CHECK(hits.get("a", {.period = day}) == 2);
  hits.flush();
  CHECK(hits.stats().late == 1);  // left out of the call, not at the store
  CHECK(hits.stats().expired_sum == 0);
  CHECK(hits.stats().stored_sum == hits.stats().accepted_sum);
  one.increment(1);
  CHECK(hits.get("a", {.period = hour}) == 1);
}

TEST_CASE("what another process lets go has gone for every call, though it is not yet removed") {
  const StorePlace<SqliteStore> place;
  TestClock clock;
  clock.set(utc("2026-03-10T12:00:00Z"));
  Manual<SqliteStore> hits({.store = place.options(), .refresh = 0ms, .clock = clock});
  for (const char* name : {"a", "b", "c"}) {
    hits.increment(name, {.periods = hour});
    (void)hits.get(name, {.period = hour});
  }
  hits.flush();
  SqliteStore other(place.options());
  const Bucket bucket = hits.calendar().bucket(hour, clock.now());
  REQUIRE(other.expire({hour, bucket.start + 3600}, 1));
  REQUIRE(other.read({"default", bucket, "c"}) == 1);
  const Lookup c{.period = hour};
  std::optional<Count> taken;
  SECTION("get") { CHECK(hits.get("c", c) == std::nullopt); }
  SECTION("read") { CHECK(hits.read("c", c).durable == std::nullopt); }
  SECTION("get_many") {
    const std::vector<std::string_view> names{"b", "c"};
    CHECK(hits.get_many(names, c) == std::vector<std::optional<Count>>(2));
  }
  SECTION("increment_and_get") {
    CHECK(code_of([&] { (void)hits.increment_and_get("c", {.periods = hour}); }) == Errc::expired);
  }
  SECTION("get_and_reset") { CHECK(hits.try_get_and_reset("c", taken, c) == Errc::expired); }
  SECTION("reset") { CHECK(hits.try_reset("c", c) == Errc::expired); }
  CHECK(hits.horizons()[hour] == bucket.start + 3600);
}

TEST_CASE("who asks for a new count by increments alone gets what other processes have counted, too") {
  const StorePlace<SqliteStore> place;
  Manual<SqliteStore> hits({.store = place.options(), .refresh = 0ms}), other({.store = place.options()});
  CHECK(hits.increment_and_get("a") == 1);
  hits.flush();
  other.increment("a", {.delta = 10});
  other.flush();
  CHECK(hits.increment_and_get("a") == 12);
}

}  // namespace
