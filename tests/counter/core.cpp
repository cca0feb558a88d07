// SPDX-License-Identifier: BSL-1.0
// What a Counter does when it is told, or meets, the extreme. What holds for each update and read: combinations.cpp.
#include <livecount/counter/core.hpp>

#include <livecount/cache/lock_free_cache.hpp>
#include <livecount/counter.hpp>
#include <livecount/store/memory_store.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "counter/scripted.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;

namespace {

/// Writes at once what it is told of.
struct ToldQueue {
  struct Options {};
  static constexpr bool writes_through = false;

  explicit ToldQueue(Options) {}
  [[nodiscard]] static Pace pace() { return {}; }
  void start(Drain& to) { drain = &to; }
  void notify(Wake) { (void)drain->drain(Drain::Scope::everything); }
  void stop() {}

  Drain* drain = nullptr;
};

}  // namespace

TEST_CASE("the queue is told of each counter that becomes dirty, also by an update that is taken back") {
  Counter<LockFreeCache, MemoryStore, ToldQueue> counter;
  counter.increment("a", {.delta = max_count});
  REQUIRE(counter.pending() == 0);
  auto handle = counter.handle("a");
  auto striped = counter.striped_handle("a");
  const std::vector<NamedUpdate> many(3, {"a", {}});
  for (int i = 0; i < 2; ++i) {  // a thread's second update may go another way than its first
    CHECK(counter.try_increment("a") == Errc::overflow);
    CHECK(counter.pending() == 0);
    CHECK(counter.try_increment("a", {.periods = PeriodType::day | PeriodType::all}) == Errc::overflow);
    CHECK(counter.pending() == 0);
    CHECK(handle.try_increment() == Errc::overflow);
    CHECK(counter.pending() == 0);
    CHECK(striped.try_increment() == Errc::overflow);
    CHECK(counter.pending() == 0);
    CHECK(counter.try_increment_many(many) == 3);
    CHECK(counter.pending() == 0);
  }
}

TEST_CASE("out of memory during an update: it is counted, or refused and changes nothing") {
  const Periods periods = PeriodType::day | PeriodType::month | PeriodType::all;
  Count delta = 1;
  SECTION("an increment") {}
  SECTION("a decrement that the floor may stop") { delta = -1; }
  int refused = 0;
  for (int allocations = 0;; ++allocations) {
    Scripted counter{{.cache = {.entries = 100}}};
    counter.increment("a", {.delta = 5});
    Errc code = Errc::ok;
    {
      const OutOfMemory after(allocations);
      code = counter.try_increment("a", {.periods = periods, .delta = delta, .at = Time{}});
    }
    counter.flush();
    CHECK(counter.store().data().read(named("a")) == (code == Errc::ok ? 5 + delta : 5));
    CHECK(counter.get("a", {.period = PeriodType::day, .at = Time{}}).has_value() == (code == Errc::ok));
    CHECK(counter.pending() == 0);
    if (code == Errc::ok) break;
    CHECK(code == Errc::backpressure);
    ++refused;
  }
  CHECK(refused > 1);
}

TEST_CASE("an update that may wait for ever waits for the store") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script},
                    .max_pending = 8,
                    .when_full = Limit::block,
                    .block_timeout = std::chrono::milliseconds::max(),
                    .refresh = std::chrono::milliseconds::max()}};
  for (int i = 0; i < 8; ++i) counter.increment(std::to_string(i));
  std::thread worker([&] {
    std::this_thread::sleep_for(20ms);
    counter.queue().pump();
  });
  CHECK(counter.try_increment("one more") == Errc::ok);
  worker.join();
}

TEST_CASE("options below zero are none") {
  Scripted counter{{.max_pending = 8,
                    .block_timeout = std::chrono::milliseconds::min(),
                    .max_batch = 0,
                    .refresh = std::chrono::milliseconds::min()}};
  for (int i = 0; i < 8; ++i) counter.increment(std::to_string(i));
  CHECK(counter.try_increment("one more") == Errc::backpressure);
  counter.flush();
  CHECK(counter.get("0") == 1);
}

TEST_CASE("with a batch size, a delay for ever is one") {
  Scripted counter{{.queue = {.max_delay = std::chrono::milliseconds::max(), .batch_size = 2}}};
  counter.increment("a");
  CHECK(counter.queue().pump().left);
  counter.increment("a");
  CHECK_FALSE(counter.queue().pump().left);
}

TEST_CASE("a close that may take for ever ends when all is written, and one below zero tries once") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}}};
  counter.increment("a");
  int attempts = 0;
  script->on_apply = [&](const Batch&) {
    if (++attempts < 3) throw Error(Errc::store_unavailable, "not now", "ScriptedStore");
  };
  CHECK_FALSE(counter.close(std::chrono::milliseconds::min()).clean);
  CHECK(attempts == 1);
  CHECK(counter.close(std::chrono::milliseconds::max()).clean);
  CHECK(attempts == 3);
}

TEST_CASE("a closed counter does not ask the store") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}, .refresh = std::chrono::milliseconds(0)}};
  counter.increment("a");
  counter.close(std::chrono::seconds(1));
  script->on_read = [](const KeyView&) { FAIL("the store is read"); };
  const int looks = script->looks;
  Count count = 0;
  std::optional<Count> taken;
  CHECK(code_of([&] { (void)counter.get("a"); }) == Errc::closed);
  CHECK(code_of([&] { count = counter.increment_and_get("a"); }) == Errc::closed);
  CHECK(counter.try_get_and_reset("a", taken) == Errc::closed);
  CHECK(counter.try_reset("a") == Errc::closed);
  CHECK(script->looks == looks);
}
