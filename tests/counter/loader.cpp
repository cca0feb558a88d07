// SPDX-License-Identifier: BSL-1.0
#include <livecount/counter/loader.hpp>

#include <chrono>
#include <new>
#include <stdexcept>
#include <thread>

#include "counter/scripted.hpp"
#include "support/catch.hpp"

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;

namespace {

Errc code_of_get(Scripted& counter, std::string_view name) {
  try {
    (void)counter.get(name);
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::ok;
}

}  // namespace

TEST_CASE("a count is read from the store once, and then from memory") {
  const auto script = std::make_shared<Script>();
  int reads = 0;
  script->on_read = [&](const KeyView&) { ++reads; };
  Scripted counter{{.store = {script}}};
  for (int i = 0; i < 3; ++i) CHECK(counter.get("a") == std::nullopt);
  CHECK(reads == 1);
  counter.increment("a");
  CHECK(counter.get("a") == 1);
  CHECK(reads == 1);
  CHECK(counter.stats().loads == 1);
}

TEST_CASE("a get beside another process's commit looks again, and does not answer that there is no counter") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}, .refresh = 0ms}};
  const Record theirs{named("a"), {5, no_floor}};
  REQUIRE(counter.store().data().apply({WriterId{1}, 0, 1, {&theirs, 1}}).outcome == Outcome::applied);
  std::thread other;
  script->on_read = [&](const KeyView& key) {
    if (key.name != "a" || other.joinable()) return;
    ++script->version;  // another process commits now, and another thread of ours is told so
    std::atomic<bool> begun{false};
    other = std::thread([&counter, &begun] {
      begun = true;
      (void)counter.get("b");
    });
    while (!begun) std::this_thread::yield();
    std::this_thread::sleep_for(20ms);
  };
  const std::optional<Count> count = counter.get("a");
  other.join();
  CHECK(count == 5);
}

TEST_CASE("whatever a store throws in a read, the counter can be written and read afterwards") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}}};
  counter.increment("a");
  Errc expected = Errc::store_unavailable;
  SECTION("an Error: its code is told") {
    script->on_read = [](const KeyView&) { throw Error(Errc::corrupt, "torn", "ScriptedStore"); };
    expected = Errc::corrupt;
  }
  SECTION("an exception") {
    script->on_read = [](const KeyView&) { throw std::runtime_error("broken"); };
  }
  SECTION("something else") {
    script->on_read = [](const KeyView&) { throw 42; };
  }
  CHECK(code_of_get(counter, "a") == expected);
  script->on_read = nullptr;
  CHECK_FALSE(counter.queue().pump().failed);  // busy has been given back: it gets into a batch
  CHECK(counter.pending() == 0);
  CHECK(counter.get("a") == 1);
  CHECK(counter.drop_clean() == 1);
}

TEST_CASE("a store may throw when there is no memory, not even for its message") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}}};
  counter.increment("a");
  script->on_read = [](const KeyView&) {
    const Error error(Errc::corrupt, std::string(100, 'x'), "ScriptedStore");
    allocations_left = 0;
    throw error;
  };
  bool thrown = false;
  try {
    (void)counter.get("a");
  } catch (const std::bad_alloc&) {
    allocations_left = -1;
    thrown = true;
  }
  CHECK(thrown);
  script->on_read = nullptr;
  CHECK(counter.get("a") == 1);
}

TEST_CASE("a stored count outside of its range is refused, and nothing is shown for it") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}}};
  counter.increment("a", {.delta = max_count});  // blindly: full
  const Record theirs{named("a"), {1, no_floor}};
  REQUIRE(counter.store().data().apply({WriterId{1}, 0, 1, {&theirs, 1}}).outcome == Outcome::applied);
  CHECK(code_of_get(counter, "a") == Errc::out_of_range);
  counter.flush();
  CHECK(counter.get("a") == 1);  // the store has put our change aside
}

TEST_CASE("a reader waits only for a while for a word that is out of its range") {
  using Cache = LruCache;
  Cache cache({});
  MemoryStore store;
  const detail::Lifetime<StdSync> lifetime;
  const detail::ErrorHandler nobody({});
  detail::WriteBehind<Cache, MemoryStore> write_behind(cache, store, lifetime, nobody, {100, 100, {}}, 1);
  detail::Loader<Cache, MemoryStore> loader(store, write_behind, 10ms, 10ms);
  auto* const entry = cache.pin({named("a"), 1});
  REQUIRE(loader.load(*entry, 1) == Errc::ok);
  entry->add(max_count);
  (void)entry->mark();
  entry->add(1);  // whose thread is taking its time to take it back
  std::optional<Count> count;
  CHECK(loader.read(*entry, count));
  CHECK(count == max_count + 1);
  cache.unpin(*entry);
}
