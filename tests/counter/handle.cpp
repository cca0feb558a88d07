// SPDX-License-Identifier: BSL-1.0
// What is special to handles. That they count into the buckets of the time, with every combination of policies:
// combinations/names_and_times.cpp; that they outlive their Counter: stress/flush_close.cpp.
#include <livecount/counter/handle.hpp>

#include <livecount/queue/inline_queue.hpp>

#include <chrono>
#include <string>
#include <utility>

#include "counter/scripted.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

using namespace livecount;
using namespace livecount::tests;

TEST_CASE("a handle counts what its Counter counts") {
  Scripted counter;
  auto handle = counter.handle("a", {.periods = PeriodType::day | PeriodType::all});
  handle.increment(3, Time{});
  counter.increment("a");
  handle.decrement(2, Time{});
  CHECK(counter.get("a") == 2);
  CHECK(counter.get("a", {.period = PeriodType::day, .at = Time{}}) == 1);
  handle.decrement(9, Time{});  // the floor holds for it, too
  CHECK(counter.get("a") == 0);
  CHECK(counter.stats().accepted == 4);
}

TEST_CASE("a handle of all time takes a time of any year, as its Counter does, and no other handle does") {
  Scripted counter;
  const Time far = std::chrono::sys_seconds(std::chrono::seconds(400'000'000'000));  // the year 14645
  CHECK(counter.try_increment("a", {.at = far}) == Errc::ok);
  CHECK(counter.handle("a").try_increment(1, far) == Errc::ok);
  auto both = counter.handle("a", {.periods = PeriodType::day | PeriodType::all});
  CHECK(both.try_increment(1, far) == Errc::time_out_of_range);
  CHECK(both.try_increment(1, far) == Errc::time_out_of_range);
  CHECK(both.try_increment(1, Time{}) == Errc::ok);
  CHECK(counter.get("a") == 3);
}

TEST_CASE("a handle keeps the counters of its buckets in memory until it moves on or goes") {
  Scripted counter;
  {
    auto handle = counter.handle("a", {.periods = PeriodType::day | PeriodType::month});
    handle.increment(1, Time{});
    counter.flush();
    CHECK(counter.drop_clean() == 0);
    handle.increment(1, std::chrono::sys_days{std::chrono::days{1}});  // the next day of the same month
    counter.flush();
    CHECK(counter.drop_clean() == 1);
    CHECK(counter.stats().entries == 2);
  }
  CHECK(counter.drop_clean() == 2);
}

TEST_CASE("a handle that was moved from keeps nothing, and the other one counts on") {
  Scripted counter;
  auto first = counter.handle("a");
  first.increment();
  {
    auto second = std::move(first);
    second.increment();
  }
  counter.flush();
  CHECK(counter.drop_clean() == 1);
  CHECK(counter.get("a") == 2);
}

TEST_CASE("a handle of a name or namespace that is too long is not made") {
  Scripted counter;
  const std::string long_name(max_name_bytes + 1, 'n');
  const std::string long_namespace(max_namespace_bytes + 1, 'n');
  CHECK(code_of([&] { (void)counter.handle(long_name); }) == Errc::name_too_long);
  CHECK(code_of([&] { (void)counter.handle("a", {.ns = long_namespace}); }) == Errc::namespace_too_long);
}

TEST_CASE("an update by a handle that is refused changes nothing, and says why") {
  Scripted counter;
  auto handle = counter.handle("a", {.periods = PeriodType::year | PeriodType::all});
  CHECK(handle.try_increment(max_count + 1) == Errc::delta_out_of_range);
  CHECK(handle.try_increment(1, Time(std::chrono::sys_days{std::chrono::year(1399) / 12 / 31})) ==
        Errc::time_out_of_range);
  handle.increment(max_count, Time{});
  CHECK(handle.try_increment(1, Time{}) == Errc::overflow);
  CHECK(counter.get("a") == max_count);
  try {
    handle.increment(1, Time{});
    FAIL("counted");
  } catch (const Error& error) {
    CHECK(error.code() == Errc::overflow);
    CHECK(std::string(error.what()).find("\"a\"") != std::string::npos);
  }
  counter.close(std::chrono::seconds(1));
  CHECK(handle.try_increment() == Errc::closed);
  CHECK(counter.stats().refused == 5);
  CHECK(counter.stats().accepted == 1);
}

TEST_CASE("a handle for which there is no room is refused, and counts when there is some again") {
  Scripted counter{{.cache = {.entries = 8}, .when_full = Limit::refuse}};
  const auto capacity = counter.stats().capacity;
  std::vector<Scripted::Handle> handles;
  while (handles.size() < capacity) {
    handles.push_back(counter.handle(std::to_string(handles.size())));
    if (handles.back().try_increment() == Errc::backpressure) break;
    counter.flush();
  }
  auto last = counter.handle("last", {.periods = PeriodType::day | PeriodType::week | PeriodType::all});
  CHECK(last.try_increment() == Errc::backpressure);
  handles.clear();
  CHECK(last.try_increment() == Errc::ok);
}

TEST_CASE("striped handles count into one counter, whoever looks at it, and however") {
  Scripted counter;
  auto first = counter.striped_handle("a");
  auto second = counter.striped_handle("a");
  first.increment();
  second.increment(2);
  CHECK(counter.get("a") == 3);
  CHECK(counter.stats().accepted == 2);
  first.increment(4);
  CHECK(counter.stats().accepted == 3);
  CHECK(counter.stats().accepted_sum == 7);
  CHECK(counter.stats().unflushed_sum == 7);
  CHECK(counter.increment_and_get("a") == 8);
  second.increment(2);
  counter.flush();
  CHECK(counter.store().data().read(named("a")) == 10);
  CHECK(counter.pending() == 0);

  second.increment();
  first.decrement(20);  // the floor holds
  CHECK(counter.get("a") == 0);
  first.increment(6);
  CHECK(counter.get_and_reset("a") == 6);
  first.increment(3);
  counter.reset("a");
  second.increment(2);
  counter.flush();
  CHECK(counter.store().data().read(named("a")) == 2);
  const Stats stats = counter.stats();
  CHECK(stats.accepted_sum == stats.stored_sum + stats.discarded_sum);
}

TEST_CASE("a striped handle makes a counter with a delta of 0, and it is marked once more after each batch") {
  Scripted counter;
  auto handle = counter.striped_handle("a");
  handle.increment(0);
  CHECK(counter.pending() == 1);
  CHECK(counter.get("a") == 0);
  for (Count count = 1; count <= 3; ++count) {
    counter.flush();
    CHECK(counter.pending() == 0);
    handle.increment();
    CHECK(counter.pending() == 1);
    CHECK(counter.get("a") == count);
  }
}

TEST_CASE("what a striped handle has counted stays when it moves on or goes") {
  Scripted counter;
  {
    auto first = counter.striped_handle("a", {.periods = PeriodType::day});
    first.increment(1, Time{});
    auto handle = std::move(first);
    handle.increment(2, Time{});
    handle.increment(4, std::chrono::sys_days{std::chrono::days{1}});
  }
  CHECK(counter.get("a", {.period = PeriodType::day, .at = Time{}}) == 3);
  counter.flush();
  CHECK(counter.drop_clean() == 2);
  CHECK(counter.get("a", {.period = PeriodType::day, .at = std::chrono::sys_days{std::chrono::days{1}}}) ==
        4);
}

TEST_CASE("a striped handle is refused as any other, and then nothing has changed") {
  Scripted counter{{.cache = {.entries = 8}, .max_pending = 8, .when_full = Limit::refuse}};
  CHECK(code_of([&] { (void)counter.striped_handle("a", {.periods = PeriodType::day | PeriodType::all}); }) ==
        Errc::invalid_option);
  auto handle = counter.striped_handle("a");
  CHECK(handle.try_increment(max_count + 1) == Errc::delta_out_of_range);
  CHECK(handle.try_increment(max_count) == Errc::ok);
  CHECK(handle.try_increment(1) == Errc::overflow);
  CHECK(handle.try_increment(0) == Errc::ok);
  counter.reset("a");
  CHECK(handle.try_increment(3) == Errc::ok);
  counter.flush();
  for (int i = 0; i < 8; ++i) CHECK(counter.try_increment(std::to_string(i)) == Errc::ok);
  CHECK(handle.try_increment() == Errc::backpressure);
  counter.flush();
  CHECK(handle.try_increment() == Errc::ok);
  const auto accepted = counter.stats().accepted;
  counter.close(std::chrono::seconds(1));
  CHECK(handle.try_increment() == Errc::closed);
  CHECK(counter.stats().accepted == accepted);
  CHECK(counter.store().data().read(named("a")) == 4);
}

TEST_CASE("with a batch size, or a queue that writes through, a striped handle counts as any other") {
  Counter<LruCache, MemoryStore, ManualQueue> pairs{{.queue = {.max_delay = longest_wait, .batch_size = 2}}};
  auto handle = pairs.striped_handle("a");
  handle.increment();
  handle.increment();
  (void)pairs.queue().pump();
  CHECK(pairs.store().read(named("a")) == 2);

  Counter<LruCache, MemoryStore, InlineQueue> through;
  through.striped_handle("a").increment();
  CHECK(through.store().read(named("a")) == 1);
}

TEST_CASE("a handle refuses a time that is further away than seconds can tell") {
  Scripted counter;
  auto handle = counter.handle("a", {.periods = PeriodType::day});
  handle.increment(1, Time{});
  for (const auto seconds : {std::chrono::seconds::min(), std::chrono::seconds::max()}) {
    CHECK(handle.try_increment(1, std::chrono::sys_seconds(seconds)) == Errc::time_out_of_range);
  }
}
