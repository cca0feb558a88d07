// SPDX-License-Identifier: BSL-1.0
// fork(): the child cannot use the parent's counters, is told so, never hangs, and may make its own. The parent does not
// notice. Each child is forked while other threads of the parent count, flush and read.
#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/policies.hpp"

namespace {

using namespace livecount;
using namespace std::chrono_literals;
using livecount::tests::require;
using livecount::tests::run_in_child;

#if defined(LIVECOUNT_THREAD_SANITIZER)
constexpr bool child_may_start_threads =
    false;  // ThreadSanitizer ends a child of a process with threads that does
#else
constexpr bool child_may_start_threads = true;
#endif

// AddressSanitizer's allocator does not care about forks: a child in which one of its locks is held hangs.
#if defined(LIVECOUNT_ADDRESS_SANITIZER)
constexpr bool threads_may_allocate = false;
#else
constexpr bool threads_may_allocate = true;
#endif

/// Requires that f throws an Error with forked_child.
template <class F>
void require_refused(const char* what, F f) {
  try {
    f();
  } catch (const Error& error) {
    return require(error.code() == Errc::forked_child, what);
  }
  require(false, what);
}

/// Threads that use a counter in all ways until they are told to stop.
template <class C>
class Load {
 public:
  explicit Load(C& counter) {
    for (int i = 0; i < 3; ++i) {
      threads_.emplace_back([this, &counter, i] {
        auto handle = counter.handle("handled");
        for (int n = 0; !stop_; ++n) {
          while (pausing_) std::this_thread::sleep_for(1ms);  // else who pauses would wait for ever
          const std::shared_lock running(pause_);
          handle.increment();
          counter.increment("n" + std::to_string(n % 300), {.periods = PeriodType::day | PeriodType::all});
          counted_ += 3;
          if (n % 64 == 0) (void)counter.get("n" + std::to_string(n % 300));
          if (n % 256 == 0 && i == 0) counter.flush();
          if (n % 256 == 0 && i == 1) (void)counter.drop_clean();
          if (n % 256 == 0 && i == 2) (void)counter.stats();
        }
      });
    }
  }
  /// They rest until resume.
  void pause() {
    pausing_ = true;
    pause_.lock();
  }
  void resume() {
    pausing_ = false;
    pause_.unlock();
  }
  /// What they have counted in all.
  Count stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    return counted_;
  }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<Count> counted_ = 0;
  std::atomic<bool> pausing_ = false;
  std::shared_mutex pause_;
  std::vector<std::thread> threads_;
};

/// Every operation of a counter that belongs to the parent, and its destructor. Takes the handle away from the parent's
/// copy of the world only: this runs in a child.
template <class C, class Handle>
void use_parents_counter(std::unique_ptr<C>& counter, std::optional<Handle>& handle) {
  const Periods two = PeriodType::day | PeriodType::all;
  require(counter->try_increment("a") == Errc::forked_child, "try_increment");
  require(counter->try_increment("a", {.periods = two}) == Errc::forked_child, "several periods");
  require(counter->try_increment("a", {.delta = max_count}) == Errc::forked_child, "a large delta");
  require(counter->try_decrement("a") == Errc::forked_child, "try_decrement");
  require(handle->try_increment() == Errc::forked_child, "a handle's try_increment");
  require_refused("increment", [&] { counter->increment("a"); });
  require_refused("decrement", [&] { counter->decrement("a"); });
  require_refused("increment_and_get", [&] { (void)counter->increment_and_get("a"); });
  require_refused("get", [&] { (void)counter->get("never seen"); });
  require_refused("handle", [&] { (void)counter->handle("a"); });
  require_refused("a handle's increment", [&] { handle->increment(); });
  require_refused("flush", [&] { counter->flush(); });
  require_refused("drop_clean", [&] { (void)counter->drop_clean(); });
  require_refused("stats", [&] { (void)counter->stats(); });
  require_refused("store", [&] { (void)counter->store(); });
  require_refused("queue", [&] { (void)counter->queue(); });
  require(!counter->close(1h).clean, "close");
  (void)counter->pending();
  (void)counter->oldest_pending_age();
  handle.reset();
  counter.reset();
}

TEMPLATE_TEST_CASE(
    "a child is refused by its parent's counter, destroys it in peace, and counts in one of its own", "",
    (Counter<LockFreeCache, MemoryStore, JthreadQueue>), (Counter<LruCache, MemoryStore, ManualQueue>),
    (Counter<NullCache, MemoryStore, InlineQueue>), (Counter<LockFreeCache, SqliteStore, JthreadQueue>)) {
  using Store = std::remove_reference_t<decltype(std::declval<TestType&>().store())>;
  using Own = Counter<LockFreeCache, MemoryStore, JthreadQueue>;
  const tests::StorePlace<Store> place;
  typename TestType::Options options;
  options.store = place.options();
  options.cache.entries = 200;  // entries come and go
  options.when_full = Limit::flush;
  auto counter = std::make_unique<TestType>(options);
  std::optional handle(counter->handle("kept"));
  handle->increment();
  Load load(*counter);
  for (int i = 0; i < 20; ++i) {
    if (!threads_may_allocate) {
      load.pause();
      counter->flush();
    }
    REQUIRE(run_in_child([&] {
              use_parents_counter(counter, handle);
              if (!child_may_start_threads) return;
              Own::Options own;
              own.cache.entries = 64;
              Own mine(own);
              for (int n = 0; n < 1'000; ++n)
                mine.increment("n" + std::to_string(n));  // evicts: needs the epochs
              mine.flush();
              require(mine.get("n1") == 1, "counts");
              require(mine.close(10s).clean, "closes");
            }) == "");
    if (!threads_may_allocate) load.resume();
  }
  if (!child_may_start_threads) WARN("skipped under ThreadSanitizer: a child with a counter of its own");
  const Count counted = load.stop();
  counter->flush();
  Count stored = 0;
  for (const PeriodType type : {PeriodType::day, PeriodType::all}) {
    counter->store().scan(default_namespace, type, {}, [&](const KeyView&, Count count) { stored += count; });
  }
  CHECK(stored == counted + 1);
  CHECK(counter->close(10s).clean);
}

TEST_CASE("a queue that a child still knows does not write what belongs to the parent") {
  Counter<LruCache, MemoryStore, ManualQueue> counter;
  ManualQueue& queue = counter.queue();
  counter.increment("a");
  CHECK(run_in_child([&] {
          const Drain::Report report = queue.pump();
          require(report.failed && report.error == Errc::forked_child, "pump");
        }) == "");
  counter.flush();
}

TEST_CASE(
    "a child counts into the parent's SQLite file only if it was forked before that was opened, or after "
    "exec") {
  const tests::StorePlace<SqliteStore> place;
  using C = Counter<LockFreeCache, SqliteStore, ManualQueue>;
  const auto count = [&] {
    C counter({.store = place.options()});
    counter.increment("a");
    counter.flush();
  };
  CHECK(run_in_child(count) == "");
  C counter({.store = place.options()});
  counter.increment("a");
  const std::string refused = run_in_child(count);
  INFO(refused);
  CHECK(refused.find("fork") != std::string::npos);
  CHECK(run_in_child(
            [&] { require_refused("any file", [] { SqliteStore({.path = "/nowhere/else.db"}); }); }) == "");
  counter.flush();
  CHECK(counter.get("a") == 2);
}

}  // namespace
