// SPDX-License-Identifier: BSL-1.0
// What is special to one way of using a Counter. What holds for every combination of policies: combinations.cpp.
#include <livecount/counter.hpp>

#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>

#include <atomic>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/keys.hpp"
#include "support/policies.hpp"

namespace {

using namespace livecount;
using namespace std::chrono_literals;
using livecount::tests::code_of;
using livecount::tests::key_of;

/// A MemoryStore that can be switched off, and remembers how many records each batch had.
class SwitchedStore {
 public:
  struct Options {
    std::atomic<bool>* down = nullptr;
    std::vector<std::size_t>* batches = nullptr;
  };
  using guarantee = exactly_once;
  explicit SwitchedStore(Options options) : options_(options) {}
  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    if (is_down()) throw Error(Errc::store_unavailable, "switched off", "SwitchedStore");
    return store_.read(key);
  }
  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    if (is_down()) return {Outcome::not_applied, Errc::store_unavailable, "switched off"};
    if (options_.batches) options_.batches->push_back(batch.records.size());
    return store_.apply(batch);
  }

 private:
  [[nodiscard]] bool is_down() const { return options_.down && *options_.down; }
  Options options_;
  MemoryStore store_;
};

using Manual = Counter<LruCache, SwitchedStore, ManualQueue>;

TEST_CASE("a hundred increments are one record") {
  std::vector<std::size_t> batches;
  Manual counter{{.store = {.batches = &batches}}};
  for (int i = 0; i < 100; ++i) counter.increment("a");
  CHECK(counter.pending() == 1);
  CHECK_FALSE(counter.queue().pump().failed);
  CHECK(batches == std::vector<std::size_t>{1});
  CHECK(counter.store().read(key_of("a")) == 100);
  CHECK(counter.pending() == 0);
}

TEST_CASE("with a batch size a counter is written once it has gathered so many changes of its own") {
  Manual counter{{.queue = {.max_delay = 1h, .batch_size = 3}}};
  counter.increment("a");
  counter.increment("a", {.delta = 10});
  counter.increment("b");
  CHECK(counter.queue().pump().left);
  CHECK(counter.store().read(key_of("a")) == std::nullopt);
  counter.increment("a");
  counter.queue().pump();
  CHECK(counter.store().read(key_of("a")) == 12);
  CHECK(counter.store().read(key_of("b")) == std::nullopt);

  SECTION("a flush writes the rest") {
    counter.flush();
    CHECK(counter.store().read(key_of("b")) == 1);
  }
  SECTION("so does close") {
    CHECK(counter.close(1s).clean);
    CHECK(counter.store().read(key_of("b")) == 1);
  }
}

TEST_CASE("a tail that never fills its batch is written when it is max_delay old") {
  Manual counter{{.queue = {.max_delay = 20ms, .batch_size = 1000}}};
  counter.increment("a");
  while (counter.queue().pump().left) std::this_thread::sleep_for(1ms);
  CHECK(counter.store().read(key_of("a")) == 1);
}

TEST_CASE("a name's periods are ripe together") {
  Manual counter{{.queue = {.max_delay = 1h, .batch_size = 2}}};
  counter.increment("a", {.periods = PeriodType::day | PeriodType::all, .at = Time{}});
  counter.increment("a");  // the second change of its all-time count only
  counter.queue().pump();
  CHECK(counter.store().read(key_of("a")) == 2);
  CHECK(counter.store().read({default_namespace, {PeriodType::day, 0}, "a"}) == 1);
}

TEST_CASE("many updates in one call count as one after the other would, and those that fail are named") {
  Counter<LockFreeCache, MemoryStore, ManualQueue> counter{
      {.cache = {.entries = 64}, .when_full = Limit::flush}};
  const std::string too_long(max_name_bytes + 1, 'x');
  const std::string too_long_ns(max_namespace_bytes + 1, 'x');
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("n" + std::to_string(i));  // more than there are places
  std::vector<NamedUpdate> updates;
  for (int i = 0; i < 1000; ++i) {
    updates.push_back(
        {names[static_cast<std::size_t>(i * i) % 100], {.delta = i % 3 - 1}});  // floored decrements, too
    updates.push_back(
        {names[static_cast<std::size_t>(i) % 100],
         {.periods = PeriodType::day | PeriodType::all, .ns = "other", .delta = i, .at = Time{}}});
  }
  updates[5].name = too_long;
  updates[16].update.ns = too_long_ns;
  updates[17].update.at = Time(std::chrono::sys_days(std::chrono::year(1399) / 1 / 1));
  updates[1001].update.delta = max_count + 1;

  std::vector<Errc> codes(updates.size(), Errc::closed);
  CHECK(counter.try_increment_many(updates, codes) == 4);
  Counter<LruCache, MemoryStore, ManualQueue> expected;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    REQUIRE(codes[i] == expected.try_increment(updates[i].name, updates[i].update));
  }
  CHECK(counter.stats().accepted == expected.stats().accepted);
  CHECK(counter.stats().refused == 4);
  for (const std::string& name : names) {
    CHECK(counter.get(name) == expected.get(name));
    for (const PeriodType type : {PeriodType::day, PeriodType::all}) {
      const Lookup lookup{.period = type, .ns = "other", .at = Time{}};
      REQUIRE(counter.get(name, lookup) == expected.get(name, lookup));
    }
  }
}

TEST_CASE(
    "increment_many counts right where some counters are in the cache, some are not, and some have two "
    "periods") {
  Counter<LockFreeCache, MemoryStore, ManualQueue> counter{
      {.cache = {.entries = 64}, .when_full = Limit::flush}};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < 100; ++i) names.push_back("n" + std::to_string(i) + std::string(i, 'x'));
  std::vector<NamedUpdate> updates;
  for (std::size_t i = 0; i < 5'000; ++i) {
    updates.push_back({names[i * i * i % (i % 50 == 0 ? 100 : 40)], {.delta = static_cast<Count>(i)}});
    if (i % 37 == 0) updates.back().update.periods = PeriodType::day | PeriodType::all;
    updates.back().update.at = Time{};
  }
  CHECK(counter.try_increment_many(updates) == 0);
  Counter<LruCache, MemoryStore, ManualQueue> expected;
  for (const NamedUpdate& update : updates) expected.increment(update.name, update.update);
  CHECK(counter.stats().accepted == expected.stats().accepted);
  CHECK(counter.stats().accepted_sum == expected.stats().accepted_sum);
  for (const std::string& name : names) {
    REQUIRE(counter.get(name) == expected.get(name));
    const Lookup day{.period = PeriodType::day, .at = Time{}};
    REQUIRE(counter.get(name, day) == expected.get(name, day));
  }
}

TEST_CASE("increment_many tries all of them and throws what the first failure would throw") {
  Manual counter;
  const std::string too_long(max_name_bytes + 1, 'x');
  const std::vector<NamedUpdate> updates = {
      {"a"}, {too_long}, {"b", {.delta = max_count + 1}}, {"a", {.delta = 5}}};
  CHECK(code_of([&] { counter.increment_many(updates); }) == Errc::name_too_long);
  CHECK(counter.get("a") == 6);
  CHECK_FALSE(counter.get("b"));
  const std::vector<std::string_view> names = {"a", "c", "a"};
  counter.increment_many(names, {.delta = 2});
  CHECK(counter.get("a") == 10);
  CHECK(counter.get("c") == 2);
  counter.increment_many(std::span<const std::string_view>());
  CHECK(counter.try_increment_many({}) == 0);
  counter.close(1s);
  CHECK(counter.try_increment_many(updates) == 4);
}

TEST_CASE("past max_pending an update is refused, blocked or flushes, and changes nothing if it is refused") {
  std::atomic<bool> down = true;
  Manual::Options options{.store = {.down = &down}, .max_pending = 10, .block_timeout = 20ms};

  SECTION("refuse") { options.when_full = Limit::refuse; }
  SECTION("block, in vain") { options.when_full = Limit::block; }
  SECTION("flush, in vain") { options.when_full = Limit::flush; }
  Manual counter(options);
  for (int i = 0; i < 10; ++i) counter.increment("n" + std::to_string(i));
  CHECK(counter.pending() == 10);
  CHECK(counter.try_increment("one more") == Errc::backpressure);
  CHECK(counter.try_increment("two", {.periods = PeriodType::day | PeriodType::all}) == Errc::backpressure);
  CHECK(counter.stats().refused == 2);
  if (options.when_full != Limit::flush) {  // else it is in the batch that failed, and would be dirty twice
    CHECK(counter.try_increment("n3") == Errc::ok);
  }

  down = false;
  counter.flush();
  CHECK(counter.store().read(key_of("n3")) == (options.when_full == Limit::flush ? 1 : 2));
  CHECK(counter.store().read(key_of("one more")) == std::nullopt);
  CHECK(counter.try_increment("one more") == Errc::ok);
}

TEST_CASE("a blocked update goes on when the store is back") {
  std::atomic<bool> down = true;
  Counter<LockFreeCache, SwitchedStore, JthreadQueue> counter{
      {.store = {.down = &down},
       .queue = {.max_delay = 1ms, .last_retry = 50ms},
       .max_pending = 8,
       .block_timeout = 60s}};
  for (int i = 0; i < 8; ++i) counter.increment("n" + std::to_string(i));
  std::thread other([&] { counter.increment("blocked"); });
  std::this_thread::sleep_for(20ms);
  down = false;
  other.join();
  counter.flush();
  CHECK(counter.store().read(key_of("blocked")) == 1);
}

TEST_CASE("while the store is down counts go on, reads of loaded counters too, and nothing is lost") {
  std::atomic<bool> down = false;
  int errors = 0;
  Manual counter{{.store = {.down = &down}, .on_error = [&](const Error&) { ++errors; }}};
  counter.increment("a");
  counter.flush();
  CHECK(counter.get("a") == 1);
  down = true;
  counter.increment("a");
  counter.increment("new");
  CHECK(counter.get("a") == 2);
  CHECK(code_of([&] { (void)counter.get("new"); }) == Errc::store_unavailable);
  CHECK(code_of([&] { counter.decrement("new"); }) == Errc::store_unavailable);
  CHECK(code_of([&] { counter.flush(); }) == Errc::store_unavailable);
  CHECK(errors == 1);
  CHECK(counter.stats().failures == 1);

  const CloseReport report = counter.close(1ms);
  CHECK_FALSE(report.clean);
  CHECK(report.counters_left == 2);
  CHECK(report.message.find("switched off") != std::string::npos);
  down = false;
  CHECK(counter.close(1s).clean);
  CHECK(counter.store().read(key_of("a")) == 2);
  CHECK(counter.store().read(key_of("new")) == 1);
}

TEST_CASE(
    "a queue that writes through says when an update is counted but not yet durable, and resolves it once") {
  std::atomic<bool> down = true;
  Counter<NullCache, SwitchedStore, InlineQueue> counter{{.store = {.down = &down}}};
  CHECK(counter.try_increment("a") == Errc::not_yet_durable);
  down = false;
  CHECK(counter.try_increment("b") == Errc::ok);
  CHECK(counter.store().read(key_of("a")) == 1);
}

TEST_CASE("the age of what is pending counts from the oldest change") {
  Manual counter;
  CHECK_FALSE(counter.oldest_pending_age());
  counter.increment("a");
  std::this_thread::sleep_for(5ms);
  counter.increment("b");
  CHECK(*counter.oldest_pending_age() >= 5ms);
  counter.flush();
  CHECK_FALSE(counter.oldest_pending_age());
}

TEST_CASE("a record that would leave the range is put aside by the store and taken back from memory") {
  MemoryStore::Options none;
  Counter<LruCache, MemoryStore, ManualQueue> counter{{.store = none, .floor = Floor::none}};
  // Another writer has been here: this process adds blindly to a count that is almost full.
  const Record full{key_of("a"), {max_count - 1, no_floor}};
  REQUIRE(counter.store().apply({WriterId{1}, 0, 1, {&full, 1}}).outcome == Outcome::applied);
  counter.increment("a", {.delta = 10});
  counter.increment("b");
  counter.flush();
  CHECK(counter.store().read(key_of("a")) == max_count - 1);
  CHECK(counter.store().read(key_of("b")) == 1);
  CHECK(counter.get("a") == max_count - 1);
  CHECK(counter.stats().quarantined == 1);
}

TEST_CASE(
    "two counters on one database see each other's changes, and the floor holds in the order of commits") {
  const tests::TemporaryDirectory folder;
  using C = Counter<LockFreeCache, SqliteStore, ManualQueue>;
  C::Options options{.store = {.path = (folder.path() / "shared.db").string()}, .refresh = 0ms};
  C a(options), b(options);
  a.increment("n", {.delta = 5});
  a.flush();
  CHECK(b.get("n") == 5);
  b.increment("n", {.delta = 2});
  b.flush();
  CHECK(a.get("n") == 7);

  b.decrement("n", {.delta = 6});  // 1 here
  a.decrement("n", {.delta = 6});  // 1 here, too
  b.flush();
  CHECK(a.get("n") == 0);  // what a shows is never below the floor
  a.flush();
  CHECK(a.get("n") == 0);
  CHECK(b.get("n") == 0);
  a.increment("n");
  a.flush();
  CHECK(b.get("n") == 1);
  CHECK(a.store().read(key_of("n")) == 1);
}

TEST_CASE("data made with one calendar or floor is not opened with another") {
  const tests::TemporaryDirectory folder;
  using C = Counter<LruCache, SqliteStore, ManualQueue>;
  const std::string path = (folder.path() / "settings.db").string();
  { C counter{{.store = {.path = path}, .calendar = Calendar::fixed(1h)}}; }
  try {
    C counter{{.store = {.path = path}}};
    FAIL("opened");
  } catch (const Error& error) {
    CHECK(error.code() == Errc::settings_mismatch);
    CHECK(std::string(error.what()).find("+01:00") != std::string::npos);
    CHECK(std::string(error.what()).find("UTC") != std::string::npos);
  }
  C counter{{.store = {.path = path}, .calendar = Calendar::fixed(1h)}};
}

}  // namespace
