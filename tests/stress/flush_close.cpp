// SPDX-License-Identifier: BSL-1.0
// flush() and close() while others count: what had returned before is in the store, what is refused is not.
#include <livecount/livecount.hpp>

#include <atomic>
#include <memory>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/jitter_sync.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using JitteryCache = BasicLockFreeCache<livecount::tests::JitterSync>;
using livecount::tests::run_together;
using livecount::tests::threads;

const KeyView one{default_namespace, {}, "one"};

TEMPLATE_TEST_CASE("flush covers every update that had returned, also those of other threads", "",
                   LockFreeCache, JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, MemoryStore, JthreadQueue>;
  typename C::Options options;
  options.queue.max_delay = std::chrono::milliseconds(1);
  C counter(options);
  std::atomic<Count> returned{0};
  std::atomic<int> missing{0};
  run_together([&](int thread, std::mt19937_64&) {
    for (int i = 0; i < 5'000; ++i) {
      counter.increment("one");
      ++returned;
      if (thread == 0 && i % 8 == 0) {
        const Count before = returned;
        counter.flush();
        if (counter.store().read(one).value_or(0) < before) ++missing;
      }
    }
  });
  CHECK(missing == 0);
}

TEMPLATE_TEST_CASE("an update beside close is accepted and stored, or refused", "", LockFreeCache,
                   JitteryCache, LruCache, NullCache) {
  using C = Counter<TestType, MemoryStore, JthreadQueue>;
  for (int round = 0; round < 50; ++round) {
    typename C::Options options;
    options.cache.entries = 64;
    C counter(options);
    std::atomic<Count> accepted{0};
    std::atomic<bool> clean{false};
    auto handle = counter.handle("one");  // of thread 1
    run_together([&](int thread, std::mt19937_64& random) {
      if (thread == 0) {
        for (std::uint64_t i = random() % 4; i > 0; --i) std::this_thread::yield();
        clean = counter.close(std::chrono::seconds(60)).clean;
        return;
      }
      for (Errc code = Errc::ok; code == Errc::ok;) {
        code = thread == 1 ? handle.try_increment() : counter.try_increment("one");
        if (code == Errc::ok) ++accepted;
        if (thread == 2 && code == Errc::ok) {
          code = counter.try_decrement("one");
          if (code == Errc::ok) --accepted;
        }
      }
    });
    REQUIRE(clean);
    REQUIRE(counter.store().read(one).value_or(0) == accepted);
    REQUIRE(counter.try_increment("one") == Errc::closed);
  }
}

TEST_CASE("handles outlive their counter") {
  using C = Counter<LockFreeCache, MemoryStore, JthreadQueue>;
  auto counter = std::make_unique<C>();
  auto handle = counter->handle("one", {.periods = PeriodType::day | PeriodType::all});
  handle.increment();
  counter.reset();
  CHECK(handle.try_increment() == Errc::closed);
}

TEST_CASE("a counter is destroyed while a slow store is at work, and loses nothing") {
  struct SlowStore : MemoryStore {
    using MemoryStore::MemoryStore;
    [[nodiscard]] ApplyResult apply(const Batch& batch) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      ApplyResult result = MemoryStore::apply(batch);
      written() += batch.records.size();
      return result;
    }
    static std::atomic<std::size_t>& written() {
      static std::atomic<std::size_t> records{0};
      return records;
    }
  };
  using C = Counter<LockFreeCache, SlowStore, JthreadQueue>;
  typename C::Options options;
  options.max_batch = 10;
  {
    C counter(options);
    for (int i = 0; i < 500; ++i) counter.increment("n" + std::to_string(i));
  }
  CHECK(SlowStore::written() == 500);
}

}  // namespace
