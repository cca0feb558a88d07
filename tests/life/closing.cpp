// SPDX-License-Identifier: BSL-1.0
// The end of a counter: close with a deadline, under load, twice, beside other calls; and on_error, which may not do it.
#include <livecount/livecount.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/keys.hpp"
#include "support/switched_store.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using namespace std::chrono_literals;
using livecount::tests::code_of;
using livecount::tests::key_of;
using livecount::tests::run_together;
using livecount::tests::SwitchedStore;

using Switched = Counter<LockFreeCache, SwitchedStore, JthreadQueue>;

TEST_CASE("after close every call says so, and looking inside still works") {
  Switched counter;
  auto handle = counter.handle("a");
  handle.increment();
  CHECK(counter.close(1min).clean);
  CHECK(counter.close(1min).clean);
  CHECK(handle.try_increment() == Errc::closed);
  CHECK(counter.try_increment("a") == Errc::closed);
  CHECK(counter.try_increment("a", {.periods = PeriodType::day | PeriodType::all}) == Errc::closed);
  CHECK(counter.try_decrement("a") == Errc::closed);
  CHECK(code_of([&] { (void)counter.increment_and_get("a"); }) == Errc::closed);
  CHECK(code_of([&] { (void)counter.get("a"); }) == Errc::closed);
  CHECK(code_of([&] { (void)counter.handle("a"); }) == Errc::closed);
  CHECK(code_of([&] { counter.flush(); }) == Errc::closed);
  CHECK(counter.stats().accepted == 1);
  CHECK(counter.pending() == 0);
  CHECK(counter.store().read(key_of("a")) == 1);
}

TEST_CASE("who waits for room when the counter is closed is refused, and does not hold up the closing") {
  std::atomic<bool> down = true;
  Switched counter{{.store = {.down = &down}, .max_pending = 8, .block_timeout = 24h}};
  for (int i = 0; i < 8; ++i) counter.increment("n" + std::to_string(i));
  std::vector<std::thread> waiting;
  std::atomic<int> closed = 0;
  const auto wait = [&](auto f) {
    waiting.emplace_back([&closed, f] { closed += f() == Errc::closed ? 1 : 0; });
  };
  wait([&] { return counter.try_increment("a"); });
  wait([&] { return counter.try_increment("b", {.periods = PeriodType::day | PeriodType::all}); });
  wait([&, handle = std::make_shared<Switched::Handle>(counter.handle("c"))] {
    return handle->try_increment();
  });
  while (counter.stats().entries < 12) std::this_thread::sleep_for(1ms);  // a, b twice, c
  const CloseReport report = counter.close(0ms);
  for (std::thread& thread : waiting) thread.join();
  CHECK(closed == 3);
  CHECK_FALSE(report.clean);
  CHECK(report.counters_left == 8);
  CHECK(report.message.find("switched off") != std::string::npos);
  down = false;
  CHECK(counter.close(1min).clean);
  CHECK(counter.stats().stored_sum == 8);
}

TEST_CASE(
    "a call of the store that is under way is waited for, also past the deadline, and what it wrote is "
    "known") {
  struct StuckStore : MemoryStore {
    struct Options {
      std::atomic<bool>* entered;
      std::atomic<bool>* stuck;
    };
    explicit StuckStore(Options given) : options(given) {}
    ApplyResult apply(const Batch& batch) {
      *options.entered = true;
      while (*options.stuck) std::this_thread::sleep_for(1ms);
      return MemoryStore::apply(batch);
    }
    Options options;
  };
  std::atomic<bool> entered = false, stuck = true, returned = false;
  using C = Counter<LockFreeCache, StuckStore, JthreadQueue>;
  auto counter = std::make_unique<C>(
      C::Options{.store = {&entered, &stuck}, .queue = {.max_delay = 0ms}, .block_timeout = 1ms});
  counter->increment("a");
  while (!entered) std::this_thread::sleep_for(1ms);
  counter->increment("b");
  // Nobody who asks is held up by it for longer than block_timeout.
  CHECK(code_of([&] { (void)counter->get("a"); }) == Errc::store_unavailable);
  CHECK(counter->stats().in_flight_sum == 1);
  CHECK_FALSE(counter->stats().unflushed_sum.has_value());
  CloseReport report;
  std::thread closing([&] {
    report = counter->close(0ms);
    returned = true;
  });
  while (counter->try_increment("c") != Errc::closed) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(20ms);
  CHECK_FALSE(returned);
  stuck = false;
  closing.join();
  CHECK(report.clean);
  const Stats stats = counter->stats();
  CHECK(stats.stored_sum == stats.accepted_sum);
}

TEST_CASE("a counter is destroyed while threads count through handles: each update is stored, or refused") {
  for (int round = 0; round < 20; ++round) {
    struct KeptStore : MemoryStore {
      struct Options {
        std::shared_ptr<MemoryStore> kept;
      };
      using guarantee = exactly_once;
      explicit KeptStore(Options given) : kept(std::move(given.kept)) {}
      [[nodiscard]] std::optional<Count> read(const KeyView& key) const { return kept->read(key); }
      [[nodiscard]] ApplyResult apply(const Batch& batch) { return kept->apply(batch); }
      std::shared_ptr<MemoryStore> kept;
    };
    const auto kept = std::make_shared<MemoryStore>();
    using C = Counter<LockFreeCache, KeptStore, JthreadQueue>;
    auto counter = std::make_unique<C>(C::Options{.store = {kept}, .queue = {.max_delay = 1ms}});
    std::vector<C::Handle> handles;
    for (int i = 0; i < tests::threads; ++i) handles.push_back(counter->handle("n" + std::to_string(i % 2)));
    std::atomic<Count> accepted = 0;
    run_together([&](int thread, std::mt19937_64& random) {
      if (thread == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
        counter.reset();
      } else {
        while (handles[static_cast<std::size_t>(thread)].try_increment() == Errc::ok) ++accepted;
      }
    });
    CHECK(kept->read(key_of("n0")).value_or(0) + kept->read(key_of("n1")).value_or(0) == accepted);
  }
}

TEST_CASE("several threads close at once, and all are told the same") {
  for (int round = 0; round < 20; ++round) {
    Switched counter;
    for (int i = 0; i < 100; ++i) counter.increment("n" + std::to_string(i));
    std::atomic<int> clean = 0;
    run_together([&](int, std::mt19937_64&) { clean += counter.close(1min).clean ? 1 : 0; });
    CHECK(clean == tests::threads);
    CHECK(counter.stats().stored_sum == 100);
  }
}

// ---- on_error

TEST_CASE("on_error may ask and count, but is refused what its own caller may be waiting for") {
  std::atomic<bool> down = true;
  std::atomic<int> told = 0, wrong = 0;
  std::mutex mutex;
  Switched* self = nullptr;  // under mutex
  const auto tell_of = [&](Switched* counter) {
    const std::lock_guard lock(mutex);
    self = counter;
  };
  const auto require = [&](bool right) { wrong += right ? 0 : 1; };
  Switched::Options options{.store = {.down = &down},
                            .queue = {.max_delay = 1ms, .first_retry = 1ms, .last_retry = 2ms},
                            .max_pending = 9,
                            .block_timeout = 24h};
  options.on_error = [&](const Error& error) {
    const std::lock_guard lock(mutex);
    Switched* const counter = self;
    if (!counter) return;
    ++told;
    require(error.code() == Errc::store_unavailable);
    require(code_of([&] { counter->flush(); }) == Errc::inside_handler);
    const CloseReport report = counter->close(24h);
    require(!report.clean && !report.message.empty());
    require(counter->try_increment("n1") == Errc::ok);             // the ninth, then the same again
    require(counter->try_increment("new") == Errc::backpressure);  // at once, not after 24 hours
    require(counter->stats().error == Errc::store_unavailable);
  };
  Switched counter(options);
  for (int i = 0; i < 8; ++i) counter.increment("n" + std::to_string(i));
  tell_of(&counter);
  while (told < 3) std::this_thread::sleep_for(1ms);                    // by the queue's thread
  CHECK(code_of([&] { counter.flush(); }) == Errc::store_unavailable);  // by this one
  tell_of(nullptr);  // it may be inside of it still, where a closed counter would be another one
  down = false;
  CHECK(counter.close(1min).clean);
  CHECK(wrong == 0);
  CHECK(counter.stats().error == Errc::ok);
  CHECK(counter.stats().stored_sum == counter.stats().accepted_sum);
}

TEST_CASE("two counters whose handlers flush each other come to an end") {
  std::atomic<bool> down = true;
  using C = Counter<LruCache, SwitchedStore, ManualQueue>;
  C *a = nullptr, *b = nullptr;
  int inside = 0;
  const auto flush = [&inside](C*& other) {
    return [&](const Error&) {
      if (other && code_of([&] { other->flush(); }) == Errc::inside_handler) ++inside;
    };
  };
  C first({.store = {.down = &down}, .on_error = flush(b)});
  C second({.store = {.down = &down}, .on_error = flush(a)});
  a = &first;
  b = &second;
  first.increment("a");
  second.increment("b");
  CHECK(code_of([&] { first.flush(); }) == Errc::store_unavailable);
  CHECK(inside == 1);
  a = b = nullptr;
  down = false;
}

TEST_CASE("a handler that throws harms nobody, and pump inside of it is refused") {
  std::atomic<bool> down = true;
  Drain::Report inside;
  Counter<LruCache, SwitchedStore, ManualQueue>* self = nullptr;
  Counter<LruCache, SwitchedStore, ManualQueue> counter(
      {.store = {.down = &down}, .on_error = [&](const Error&) {
         inside = self->queue().pump();
         throw 7;
       }});
  self = &counter;
  counter.increment("a");
  CHECK(counter.queue().pump().error == Errc::store_unavailable);
  CHECK(inside.error == Errc::inside_handler);
  down = false;
  counter.flush();
  CHECK(counter.stats().stored_sum == 1);
}

}  // namespace
