// SPDX-License-Identifier: BSL-1.0
// Striped handles beside batches, readers, resets and close: nothing is lost, nothing counted twice, and a count that
// only grows is never read smaller.
#include <livecount/livecount.hpp>

#include <atomic>
#include <optional>
#include <random>
#include <thread>

#include "support/catch.hpp"
#include "support/jitter_sync.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using JitteryCache = BasicLockFreeCache<livecount::tests::JitterSync>;
using livecount::tests::run_together;

const KeyView one{default_namespace, {}, "one"};

TEMPLATE_TEST_CASE("striped handles beside batches and readers", "", LockFreeCache, JitteryCache, LruCache,
                   NullCache) {
  using C = Counter<TestType, MemoryStore, ManualQueue>;
  C counter;
  std::atomic<Count> returned{0};
  std::atomic<int> missing{0};
  std::atomic<int> backwards{0};
  run_together([&](int thread, std::mt19937_64& random) {
    if (thread < 2) {
      std::optional<typename C::StripedHandle> handle;
      for (int i = 0; i < 20'000; ++i) {
        if (i % 1000 == 0) {
          handle.reset();
          handle.emplace(counter.striped_handle("one"));
        }
        handle->increment();
        ++returned;
      }
      return;
    }
    Count last = 0;
    for (int i = 0; i < 2'000; ++i) {
      const Count before = returned;
      if (thread == 2) {
        counter.flush();
        if (counter.store().read(one).value_or(0) < before) ++missing;
        continue;
      }
      const Count count =
          random() % 4 == 0 ? counter.increment_and_get("one", {.delta = 0}) : counter.get("one").value_or(0);
      if (count < before || count < last) ++backwards;
      last = count;
    }
  });
  CHECK(missing == 0);
  CHECK(backwards == 0);
  CHECK(counter.get("one") == 40'000);
  counter.flush();
  CHECK(counter.store().read(one) == 40'000);
  CHECK(counter.pending() == 0);
  const Stats stats = counter.stats();
  CHECK(stats.accepted_sum == 40'000);
  CHECK(stats.stored_sum == 40'000);
}

TEMPLATE_TEST_CASE("striped handles beside resets: what they discard and what is stored is all there was", "",
                   LockFreeCache, JitteryCache) {
  using C = Counter<TestType, MemoryStore, ManualQueue>;
  C counter;
  std::atomic<Count> taken{0};
  run_together([&](int thread, std::mt19937_64& random) {
    if (thread < 2) {
      auto handle = counter.striped_handle("one");
      for (int i = 0; i < 20'000; ++i) handle.increment();
      return;
    }
    for (int i = 0; i < 500; ++i) {
      switch (random() % 4) {
        case 0: counter.reset("one"); break;
        case 1: counter.remove("one"); break;
        case 2: counter.flush(); break;
        default: taken += counter.get_and_reset("one").value_or(0);
      }
    }
  });
  counter.flush();
  const Stats stats = counter.stats();
  CHECK(stats.accepted_sum == 40'000 - taken);
  CHECK(stats.stored_sum + stats.discarded_sum == stats.accepted_sum);
  CHECK(counter.get("one").value_or(0) == counter.store().read(one).value_or(0));
}

TEMPLATE_TEST_CASE("an update by a striped handle beside close is accepted and stored, or refused", "",
                   LockFreeCache, JitteryCache, LruCache) {
  using C = Counter<TestType, MemoryStore, JthreadQueue>;
  for (int round = 0; round < 100; ++round) {
    typename C::Options options;
    options.cache.entries = 64;
    options.queue.max_delay = std::chrono::milliseconds(round % 2);
    C counter(options);
    std::atomic<Count> accepted{0};
    std::atomic<bool> clean{false};
    run_together([&](int thread, std::mt19937_64& random) {
      if (thread == 0) {
        for (std::uint64_t i = random() % 8; i > 0; --i) std::this_thread::yield();
        clean = counter.close(std::chrono::seconds(60)).clean;
        return;
      }
      try {
        auto handle = counter.striped_handle("one");
        while (handle.try_increment() == Errc::ok) ++accepted;
      } catch (const Error& error) {
        if (error.code() != Errc::closed) throw;
      }
    });
    REQUIRE(clean);
    REQUIRE(counter.store().read(one).value_or(0) == accepted);
    REQUIRE(counter.stats().accepted_sum == accepted);
  }
}

}  // namespace
