// SPDX-License-Identifier: BSL-1.0
// A store that is down for long: what is pending stays bounded, counting goes on within the bound, and all of it is
// written by itself once the store is back. And a store that will not heal: told, visible, and not hammered.
#include <livecount/livecount.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/keys.hpp"
#include "support/switched_store.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using namespace std::chrono_literals;
using livecount::tests::key_of;
using livecount::tests::run_together;
using livecount::tests::SwitchedStore;

using Switched = Counter<LockFreeCache, SwitchedStore, JthreadQueue>;

TEST_CASE(
    "through hundreds of attempts to write, what is kept is bounded, and it is caught up with by itself") {
  // Minutes of real time are of no use here: what could grow would grow with each attempt, and with each update.
  for (const Limit limit : {Limit::refuse, Limit::block, Limit::flush}) {
    CAPTURE(static_cast<int>(limit));
    std::atomic<bool> down = true;
    std::atomic<std::uint64_t> asked = 0;
    constexpr std::size_t max_pending = 50;
    Switched counter{{.cache = {.entries = 128},
                      .store = {.down = &down, .asked = &asked},
                      .queue = {.max_delay = 1ms, .first_retry = 1ms, .last_retry = 1ms},
                      .max_pending = max_pending,
                      .when_full = limit,
                      .block_timeout = 1ms,
                      .max_batch = 20}};
    std::atomic<std::uint64_t> accepted = 0, refused = 0, beyond = 0;
    run_together([&](int, std::mt19937_64& random) {
      for (int i = 0; asked < 300 || i < 300; ++i) {
        const Errc code = counter.try_increment("n" + std::to_string(random() % 1000));
        (code == Errc::ok ? accepted : refused) += 1;
        if (code != Errc::ok && code != Errc::backpressure) ++beyond;
        // One more for each update under way: see the README's limits.
        if (counter.pending() > max_pending + tests::threads) ++beyond;
      }
    });
    CHECK(beyond == 0);
    CHECK(accepted >= max_pending);
    CHECK(refused > 0);
    const Stats during = counter.stats();
    CHECK(during.entries <= during.capacity);
    CHECK(during.stored_sum == 0);
    CHECK(during.error == Errc::store_unavailable);
    CHECK(counter.oldest_pending_age().has_value());

    // What has room goes on: a counter that is waiting takes any number of changes.
    std::string waiting;
    for (int i = 0; waiting.empty(); ++i) {
      if (counter.try_increment("n" + std::to_string(i % 1000)) == Errc::ok)
        waiting = "n" + std::to_string(i % 1000);
    }
    down = false;
    while (counter.pending() != 0) std::this_thread::sleep_for(1ms);  // nobody flushes
    while (counter.stats().in_flight_sum != 0) std::this_thread::sleep_for(1ms);
    CHECK(counter.stats().stored_sum == static_cast<Count>(accepted + 1));
    CHECK(counter.stats().error == Errc::ok);
    CHECK(counter.stats().refused >= refused);
    CHECK(counter.try_increment("after") == Errc::ok);
  }
}

TEST_CASE("a lone change is written after max_delay without any further call") {
  Counter<LockFreeCache, MemoryStore, JthreadQueue> counter{
      {.queue = {.max_delay = 20ms, .batch_size = 1000}}};
  counter.increment("a");
  while (counter.store().read(key_of("a")) != 1) std::this_thread::sleep_for(1ms);
  while (counter.pending() != 0) std::this_thread::sleep_for(1ms);
  CHECK_FALSE(counter.oldest_pending_age().has_value());
}

TEST_CASE("the age of what is pending goes on through failed attempts, and others do not make it younger") {
  std::atomic<bool> down = true;
  Counter<LruCache, SwitchedStore, ManualQueue> counter{{.store = {.down = &down}}};
  counter.increment("a");
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(2ms);
    counter.increment("n" + std::to_string(i));
    CHECK(counter.queue().pump().failed);
    const auto waited = std::chrono::steady_clock::now() - begun;
    CHECK(*counter.oldest_pending_age() >= waited);
  }
  down = false;
  counter.flush();
  CHECK_FALSE(counter.oldest_pending_age().has_value());
}

TEMPLATE_TEST_CASE(
    "what waiting does not heal is told each time it is tried, at most once a second, by whatever way", "",
    JthreadQueue, ManualQueue, InlineQueue) {
  const Errc error =
      GENERATE(Errc::store_failed, Errc::corrupt, Errc::writer_duplicated, Errc::store_rolled_back);
  CAPTURE(to_string(error));
  std::atomic<bool> down = true;
  std::atomic<std::uint64_t> asked = 0, told = 0, wrong = 0;
  using C = Counter<LruCache, SwitchedStore, TestType>;
  typename C::Options options;
  options.store = {.down = &down, .error = error, .asked = &asked};
  options.max_pending = 8;
  options.when_full = Limit::flush;
  options.on_error = [&](const Error& what) {
    ++told;
    wrong += what.code() == error ? 0 : 1;
  };
  C counter(options);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 2'000; ++i) {
    (void)counter.try_increment("n" + std::to_string(i % 20));
    if (i % 10 == 0) {
      try {
        counter.flush();
        ++wrong;
      } catch (const Error& what) {
        wrong += what.code() == error && std::string(what.what()).find("switched off") != std::string::npos
                     ? 0
                     : 1;
      }
    }
  }
  CHECK_FALSE(counter.close(0ms).clean);
  const auto seconds =
      std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - begun).count();
  CHECK(asked >= 1);
  CHECK(asked <= static_cast<std::uint64_t>(seconds) + 1);
  CHECK(told == asked);
  CHECK(wrong == 0);
  CHECK(counter.stats().error == error);
  CHECK(counter.stats().failures == asked);
  down = false;  // somebody has repaired it after all
  CHECK(counter.close(1min).clean);
  CHECK(counter.stats().stored_sum == counter.stats().accepted_sum);
}

}  // namespace
