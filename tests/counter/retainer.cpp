// SPDX-License-Identifier: BSL-1.0
// Old buckets leave: how far a horizon moves, how much is removed at a time, and what is told.
#include <livecount/counter/retainer.hpp>

#include <livecount/livecount.hpp>
#include <livecount/zone.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "counter/watched_store.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/times.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;
using support::utc;
using enum PeriodType;

/// Steady time is what a test says.
struct StillSync : StdSync {
  static inline time_point time{};
  [[nodiscard]] static time_point now() noexcept { return time; }
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

  std::uint64_t records = 0;  // written so far

  explicit Seconds(std::chrono::seconds kept, const Calendar& calendar = Calendar())
      : retainer({{second, kept}}, calendar, handler) {}

  auto look() { return retainer.step(cache, store, now, 10, records); }
  auto look_after(std::chrono::milliseconds passed, std::chrono::seconds by_the_clock) {
    StillSync::time += passed;
    now = Time(now.seconds() + by_the_clock);
    return look();
  }
  /// Counters of one bucket, an hour ago.
  void write(std::size_t count) {
    const Bucket bucket = Calendar().bucket(second, Time(now.seconds() - 1h));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(records++));
    std::vector<Record> batch;
    for (const std::string& name : names) batch.push_back({{"ns", bucket, name}, {1}});
    (void)store.apply(Batch{{}, 0, ++batches_, batch});
  }
  [[nodiscard]] std::size_t rows() const {
    std::size_t rows = 0;
    store.scan("ns", second, std::nullopt, [&](const KeyView&, Count) { ++rows; });
    return rows;
  }
  [[nodiscard]] std::chrono::seconds kept() const {
    return now.seconds().time_since_epoch() - std::chrono::seconds(store.horizons()[second]);
  }

 private:
  std::uint64_t batches_ = 0;
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

TEST_CASE("what a horizon is behind is told though the store failed while all was let go") {
  Seconds seconds(16s);
  (void)seconds.look();
  *seconds.on_expire = [] { throw Error(Errc::store_unavailable, "not now", "store"); };
  seconds.now = Time(seconds.now.seconds() + 100s);
  CHECK(code_of([&] {
          (void)seconds.retainer.finish(seconds.cache, seconds.store, seconds.now, 10, [] {});
        }) == Errc::store_unavailable);
  *seconds.on_expire = nullptr;
  (void)seconds.look_after(1s, 1s);
  CHECK(seconds.told == std::vector<Errc>{Errc::clock_jump});
}

TEST_CASE("clocks that are turned forward are no jump") {
  Seconds seconds(30min, zoned_calendar("CET-1CEST,M3.5.0,M10.5.0/3"));
  seconds.now = utc("2026-03-29T01:29:50Z");  // at 01:00Z it was 02:00, and then 03:00
  (void)seconds.look();
  (void)seconds.look_after(120s, 120s);
  CHECK(seconds.store.horizons()[second] ==
        seconds.now.seconds().time_since_epoch().count() - 1800 + 2 * 3600);
  CHECK(seconds.told.empty());
}

TEST_CASE("the more is written while some are left to be removed, the more are removed at a time") {
  Seconds seconds(1s);
  seconds.write(1000);
  CHECK(seconds.look() == 20ms);
  CHECK(seconds.rows() == 990);
  seconds.records += 50;
  StillSync::time += 10ms;
  CHECK(seconds.look() == 10ms);  // not yet
  seconds.records += 50;
  *seconds.on_expire = [] { throw Error(Errc::store_unavailable, "not now", "store"); };
  StillSync::time += 10ms;
  CHECK(seconds.look() == 1s);
  *seconds.on_expire = nullptr;
  StillSync::time += 1s;
  (void)seconds.look();
  CHECK(seconds.rows() == 990 - 10 - 2 * 100);
  (void)seconds.look_after(20ms, 0s);
  CHECK(seconds.rows() == 990 - 10 - 2 * 100 - 10);
}

}  // namespace
