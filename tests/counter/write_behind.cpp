// SPDX-License-Identifier: BSL-1.0
#include <livecount/counter/write_behind.hpp>

#include <chrono>
#include <string>
#include <thread>

#include "counter/scripted.hpp"
#include "support/catch.hpp"

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;

namespace {

constexpr int names = 200;  // so that several are behind each gate
std::string name(int i) { return "n" + std::to_string(i); }

}  // namespace

TEST_CASE("a batch has at most max_batch records, and all of them are written by one drain") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}, .max_batch = 3}};
  for (int i = 0; i < names; ++i) counter.increment(name(i));
  CHECK_FALSE(counter.queue().pump().left);
  std::size_t records = 0;
  for (const std::size_t size : script->batches) {
    CHECK(size <= 3);
    records += size;
  }
  CHECK(records == names);
  CHECK(counter.pending() == 0);
}

TEST_CASE("a drain leaves what is marked meanwhile to the next one, so it ends") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}, .max_batch = 1}};
  const auto count_all = [&] {
    for (int i = 0; i < names; ++i) counter.increment(name(i));
  };
  int rounds = 1;
  script->on_apply = [&](const Batch&) {
    if (rounds == 5 * names) return;  // a drain without an end would end here
    ++rounds;
    count_all();
  };
  count_all();

  SECTION("of what is ripe") { CHECK(counter.queue().pump().left); }
  SECTION("of everything, for a flush that need not wait for it") { counter.flush(); }
  CHECK(script->batches.size() <= names);
  CHECK(counter.pending() > 0);

  script->on_apply = nullptr;
  counter.flush();
  for (int i = 0; i < names; ++i) REQUIRE(counter.store().data().read(named(name(i))) == rounds);
}

TEST_CASE("out of memory while a batch is formed loses nothing and repeats nothing") {
  for (int allocations = 0, failed = 1; failed != 0; ++allocations) {
    const auto script = std::make_shared<Script>();
    Scripted counter{{.cache = {.entries = 1000}, .store = {script}}};
    for (int i = 0; i < names; ++i) counter.increment(name(i), {.delta = i});
    {
      const OutOfMemory after(allocations);
      failed = counter.queue().pump().failed;
    }
    counter.flush();
    REQUIRE(counter.pending() == 0);
    REQUIRE(counter.stats().records == names);
    for (int i = 0; i < names; ++i) REQUIRE(counter.store().data().read(named(name(i))) == i);
    CHECK((failed != 0 || allocations > 3));  // it did meet the end of memory a few times
  }
}

TEST_CASE("what the store puts aside is told to on_error") {
  std::vector<Errc> told;
  Scripted counter{
      {.floor = Floor::none, .on_error = [&](const Error& error) { told.push_back(error.code()); }}};
  const Record full{named("full"), {max_count, no_floor}};
  REQUIRE(counter.store().data().apply({WriterId{1}, 0, 1, {&full, 1}}).outcome == Outcome::applied);
  counter.increment("a");
  counter.flush();
  CHECK(told.empty());
  counter.increment("full");  // blindly: what the store has is not known here
  counter.flush();
  CHECK(told == std::vector{Errc::overflow});
  CHECK(counter.stats().quarantined == 1);
}

TEST_CASE("while a batch is being sent, its oldest change still has its age") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}}};
  std::optional<std::chrono::nanoseconds> age;
  script->on_apply = [&](const Batch&) { age = counter.oldest_pending_age(); };
  counter.increment("a");
  std::this_thread::sleep_for(5ms);
  counter.flush();
  REQUIRE(age);
  CHECK(*age >= 5ms);
}

TEST_CASE("a change that fails to be written keeps its age") {
  const auto script = std::make_shared<Script>();
  Scripted counter{{.store = {script}}};
  script->on_apply = [](const Batch&) { throw Error(Errc::store_unavailable, "not now", "ScriptedStore"); };
  counter.increment("a");
  std::this_thread::sleep_for(5ms);
  CHECK(counter.queue().pump().failed);
  CHECK(*counter.oldest_pending_age() >= 5ms);
  script->on_apply = nullptr;
  counter.flush();
  CHECK_FALSE(counter.oldest_pending_age());
}
