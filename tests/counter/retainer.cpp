// SPDX-License-Identifier: BSL-1.0
// Old buckets leave, through a Counter: when, how far, and what becomes of what comes too late.
#include <livecount/counter/retainer.hpp>

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
    MemoryStore, FileStore, SqliteStore) {
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
                   "", MemoryStore, SqliteStore) {
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
                   MemoryStore, SqliteStore) {
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
                   FileStore, SqliteStore) {
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

/// Steady time is what a test says.
struct StillSync : StdSync {
  static inline time_point time{};
  [[nodiscard]] static time_point now() noexcept { return time; }
};

/// Calls a function when something is to go.
class WatchedStore : public MemoryStore {
 public:
  struct Options {
    std::shared_ptr<std::function<void()>> on_expire = std::make_shared<std::function<void()>>();
  };
  explicit WatchedStore(Options options) : on_expire_(std::move(options.on_expire)) {}
  bool expire(Bucket first, std::size_t most) {
    if (*on_expire_) (*on_expire_)();
    return MemoryStore::expire(first, most);
  }

 private:
  std::shared_ptr<std::function<void()>> on_expire_;
};

/// A Retainer of seconds, on a store that lets them go.
struct Seconds {
  std::shared_ptr<std::function<void()>> on_expire = std::make_shared<std::function<void()>>();
  WatchedStore store{{on_expire}};
  LruCache cache{{}};
  Time now = utc("2026-03-10T12:00:00Z");
  std::vector<Errc> told;
  detail::ErrorHandler handler{[this](const Error& error) { told.push_back(error.code()); }};
  detail::Retainer<StillSync> retainer;

  explicit Seconds(std::chrono::seconds kept) : retainer({{second, kept}}, Calendar(), handler) {}

  auto look() { return retainer.step(cache, store, now, 10); }
  auto look_after(std::chrono::milliseconds passed, std::chrono::seconds by_the_clock) {
    StillSync::time += passed;
    now = Time(now.seconds() + by_the_clock);
    return look();
  }
  [[nodiscard]] std::chrono::seconds kept() const {
    return now.seconds().time_since_epoch() - std::chrono::seconds(store.horizons()[second]);
  }
};

TEST_CASE("a horizon keeps up however seldom somebody looks") {
  Seconds seconds(1s);
  (void)seconds.look();
  for (const std::chrono::seconds apart : {1s, 2s, 60s, 1s, 86'400s}) {
    (void)seconds.look_after(apart + 20ms, apart);
    CHECK(seconds.kept() == 1s);
  }
  CHECK(seconds.told.empty());
}

TEST_CASE("what a horizon is behind is told once, until it is made up") {
  Seconds seconds(16s);
  (void)seconds.look();
  for (int jumps = 1; jumps <= 2; ++jumps) {
    (void)seconds.look_after(1s, 40s);
    CHECK(seconds.kept() == 40s + 16s - 17s);
    CHECK(seconds.told == std::vector<Errc>(static_cast<std::size_t>(jumps), Errc::clock_jump));
    (void)seconds.look_after(1s, 1s);
    CHECK(seconds.kept() == 40s - 17s);
    (void)seconds.look_after(1s, 1s);
    CHECK(seconds.kept() == 16s);
    CHECK(seconds.told.size() == static_cast<std::size_t>(jumps));
  }
}

TEST_CASE("a clock that went back and forth again costs nothing") {
  Seconds seconds(16s);
  (void)seconds.look();
  (void)seconds.look_after(1s, -3'600s);
  (void)seconds.look_after(1s, 3'602s);
  CHECK(seconds.kept() == 16s);
  CHECK(seconds.told.empty());
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
                   SqliteStore) {
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

TEST_CASE("whatever a store throws is told, and it is asked less and less often") {
  Seconds seconds(16s);
  int asked = 0;
  *seconds.on_expire = [&] {
    if (++asked % 2 == 0) throw 2;
    throw std::bad_alloc();
  };
  std::vector<std::chrono::milliseconds> waits;
  for (int i = 0; i < 9; ++i) {
    const auto wait = seconds.look();
    REQUIRE(wait);
    waits.push_back(*wait);
    StillSync::time += *wait - 1ms;
    (void)seconds.look();  // too early
    CHECK(asked == i + 1);
    StillSync::time += 1ms;
  }
  CHECK(waits == std::vector<std::chrono::milliseconds>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s});
  CHECK(seconds.told.size() == 9);
  CHECK(seconds.told[0] == Errc::store_unavailable);
  CHECK(seconds.told[1] == Errc::store_failed);
  *seconds.on_expire = nullptr;
  CHECK(seconds.look() == 1s);
}

TEST_CASE("what a horizon is behind is told though the store failed just then") {
  Seconds seconds(16s);
  (void)seconds.look();
  *seconds.on_expire = [] { throw Error(Errc::store_unavailable, "not now", "store"); };
  (void)seconds.look_after(1s, 100s);
  CHECK(seconds.told == std::vector<Errc>{Errc::store_unavailable});
  *seconds.on_expire = nullptr;
  (void)seconds.look_after(1s, 1s);
  CHECK(seconds.told == std::vector<Errc>{Errc::store_unavailable, Errc::clock_jump});
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

}  // namespace
