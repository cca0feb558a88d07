// SPDX-License-Identifier: BSL-1.0
// What every store has to do. A file for one store names it and includes this:
//
//     #include <livecount/store/memory_store.hpp>
//     #define LIVECOUNT_TESTED_STORE livecount::MemoryStore
//     #include "store/contract.hpp"
// support/policies.hpp tells where the store lives (StorePlace).
#ifndef LIVECOUNT_TESTED_STORE
#error "Name the store to be tested: #define LIVECOUNT_TESTED_STORE livecount::MemoryStore"
#endif
#pragma once

#include <livecount/concepts.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/model.hpp"
#include "store/writer.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

}  // namespace

TEMPLATE_TEST_CASE("a store has no counter until one is applied, and that can be read", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  CHECK(opened.store.read(named("a")) == std::nullopt);
  CHECK(rows(opened.store, "ns", PeriodType::all).empty());
  CHECK(opened.store.top("ns", all, 10).empty());
  Writer writer(1);
  CHECK(is_applied(writer.send(opened.store, {plus("a", 3), plus("b", -4)})));
  CHECK(opened.store.read(named("a")) == 3);
  CHECK(opened.store.read(named("b")) == -4);
  CHECK(opened.store.read(named("c")) == std::nullopt);
  CHECK(opened.store.read({"n", all, "a"}) == std::nullopt);
  CHECK(opened.store.read(named("a", day)) == std::nullopt);
  CHECK(is_applied(writer.send(opened.store, {plus("a", 4)})));
  CHECK(opened.store.read(named("a")) == 7);
}

TEMPLATE_TEST_CASE("a count moves to the larger of count + sum and low", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  const auto after = [&](Count sum, Count low) {
    REQUIRE(is_applied(writer.send(opened.store, {plus("a", sum, low)})));
    return opened.store.read(named("a"));
  };
  CHECK(after(-3, 2) == 2);  // a new counter counts from 0
  CHECK(after(5, 0) == 7);
  CHECK(after(-9, 0) == 0);
  CHECK(after(-9, no_floor) == -9);
  CHECK(after(1, -20) == -8);
  CHECK(after(0, -3) == -3);
  CHECK(after(0, no_floor) == -3);
  CHECK(after(no_floor, 6) == 6);  // whatever it was
  CHECK(after(no_floor, -6) == -6);
}

TEMPLATE_TEST_CASE("a reset and a change of nothing make the counter if there is none", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  REQUIRE(
      is_applied(writer.send(opened.store, {plus("a", no_floor, 0), plus("b", no_floor, 4), plus("c", 0)})));
  CHECK(opened.store.read(named("a")) == 0);
  CHECK(opened.store.read(named("b")) == 4);
  CHECK(opened.store.read(named("c")) == 0);
}

TEMPLATE_TEST_CASE("a removed counter is gone, and what comes after makes it anew from 0", "",
                   LIVECOUNT_TESTED_STORE) {
  STATIC_REQUIRE(RemovingStore<TestType>);
  const StorePlace<TestType> place;
  auto store = std::make_unique<TestType>(place.options());
  Writer writer(1);
  REQUIRE(is_applied(writer.send(*store, {plus("a", 3), plus("b", 5), plus("c", 7)})));
  const std::vector<Record> removals = {{named("a"), removal}, {named("none"), removal}, plus("b", 1)};
  REQUIRE(is_applied(writer.send(*store, removals)));
  const auto check = [&] {
    CHECK(store->read(named("a")) == std::nullopt);
    CHECK(store->read(named("none")) == std::nullopt);
    CHECK(store->read(named("b")) == 6);
    CHECK(store->top("ns", all, 10) == std::vector<NamedCount>{{"c", 7}, {"b", 6}});
    CHECK(rows(*store, "ns", PeriodType::all).size() == 2);
  };
  check();
  REQUIRE(is_applied(writer.send_again(*store, removals)));
  check();
  if (StorePlace<TestType>::on_disk) {
    store.reset();
    store = std::make_unique<TestType>(place.options());
    check();
  }
  REQUIRE(is_applied(writer.send(*store, {plus("a", 2), {named("c"), removal}})));
  CHECK(store->read(named("a")) == 2);
  REQUIRE(is_applied(writer.send(*store, {{named("a"), removal}, {named("b"), removal}, plus("a", -4, -2)})));
  CHECK(store->top("ns", all, 10) == std::vector<NamedCount>{{"a", -2}});
  REQUIRE(is_applied(writer.send(*store, {{named("a"), removal}})));
  CHECK(store->snapshot().namespaces().empty());
  CHECK(store->read(named("a")) == std::nullopt);
}

// ---- retention

TEMPLATE_TEST_CASE("what is before a horizon goes, and does not come again", "", LIVECOUNT_TESTED_STORE) {
  STATIC_REQUIRE(ExpiringStore<TestType>);
  const StorePlace<TestType> place;
  auto store = std::make_unique<TestType>(place.options());
  CHECK(store->horizons() == Horizons());
  Writer writer(1);
  const Bucket hour{PeriodType::hour, day.start};
  const std::vector<Record> records{{named("a", day), {1}},  {named("a", next_day), {2}},
                                    {named("a", hour), {3}}, {{"other", day, "b"}, {4}},
                                    {{"", day, "c"}, {5}},   {named("a", all), {6}}};
  REQUIRE(is_applied(writer.send(*store, records)));
  CHECK_FALSE(store->expire(day, 100));  // all that is before it: nothing
  CHECK(store->read(named("a", day)) == 1);
  CHECK_FALSE(store->expire(next_day, 100));

  Horizons expected;
  expected.raise(next_day);
  const auto check = [&] {
    CHECK(store->horizons() == expected);
    CHECK(store->snapshot().horizons() == expected);
    CHECK(store->read(named("a", day)) == std::nullopt);
    CHECK(store->read({"other", day, "b"}) == std::nullopt);
    CHECK(store->read(named("a", next_day)) == 2);
    CHECK(store->read(named("a", hour)) == 3);
    CHECK(store->read(named("a", all)) == 6);
    CHECK(rows(*store, "ns", PeriodType::day).size() == 1);
    CHECK(store->snapshot().namespaces() == std::vector<std::string>{"ns"});
  };
  check();
  CHECK_FALSE(store->expire(day, 100));  // never back
  check();
  if (StorePlace<TestType>::on_disk) {
    store.reset();
    store = std::make_unique<TestType>(place.options());
    check();
  }
}

TEMPLATE_TEST_CASE("what comes too late is left out and named, the rest of its batch is applied", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1)})));
  (void)opened.store.expire(next_day, 100);
  const std::vector<Record> records{{named("a", day), {1}},
                                    {named("a", next_day), {2}},
                                    {named("b", day), removal},
                                    {named("d", next_day), {max_count + 1}},
                                    {named("c", day), reset_to_zero}};
  for (int times = 0; times < 2; ++times) {
    const ApplyResult result =
        times == 0 ? writer.send(opened.store, records) : writer.send_again(opened.store, records);
    CHECK(result.outcome == Outcome::applied);
    CHECK(result.late == std::vector<std::size_t>{0, 2, 4});
    CHECK(result.quarantined == std::vector<std::size_t>{3});
    CHECK(opened.store.read(named("a", day)) == std::nullopt);
    CHECK(opened.store.read(named("c", day)) == std::nullopt);
    CHECK(opened.store.read(named("a", next_day)) == 2);
    CHECK(rows(opened.store, "ns", PeriodType::day).size() == 1);
  }
  REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1)})));
  CHECK(opened.store.read(named("a")) == 2);
}

TEMPLATE_TEST_CASE("old counters go in pieces no larger than asked for, and the horizon goes first", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back(std::to_string(i));
  std::vector<Record> records;
  for (const std::string& name : names) {
    for (const char* ns : {"x", "y"}) records.push_back({{ns, day, name}, {1}});
    records.push_back({{"x", next_day, name}, {1}});
  }
  REQUIRE(is_applied(writer.send(opened.store, records)));
  const auto left = [&] {
    return rows(opened.store, "x", PeriodType::day, day).size() +
           rows(opened.store, "y", PeriodType::day, day).size();
  };
  std::size_t before = left();
  REQUIRE(before == 200);
  for (int calls = 0; opened.store.expire(next_day, 30); ++calls) {
    REQUIRE(calls < 100);
    const std::size_t now = left();
    CHECK(now == before - 30);
    before = now;
    CHECK(opened.store.horizons()[PeriodType::day] == next_day.start);
    CHECK(writer.send(opened.store, {{named("late", day), {1}}}).late.size() == 1);
  }
  CHECK(left() == 0);
  CHECK(rows(opened.store, "x", PeriodType::day).size() == 100);
}

// ---- exactly once

TEMPLATE_TEST_CASE("a batch that comes again is acknowledged and changes nothing", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  const std::vector<Record> records = {plus("a", 3), plus("b", 1, 5)};
  for (int i = 0; i < 6; ++i) {
    const std::vector<Record> sent = i % 2 == 0 ? records : std::vector<Record>{};  // also a batch of nothing
    REQUIRE(is_applied(writer.send(opened.store, sent)));
    REQUIRE(is_applied(writer.send_again(opened.store, sent)));
    REQUIRE(is_applied(writer.send_again(opened.store, sent)));
  }
  CHECK(opened.store.read(named("a")) == 9);
  CHECK(opened.store.read(named("b")) == 7);
}

TEMPLATE_TEST_CASE("an older batch is acknowledged and changes nothing", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  for (int i = 0; i < 3; ++i) REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1)})));
  CHECK(is_applied(writer.send_as(opened.store, 1, {plus("a", 1)})));
  CHECK(is_applied(writer.send_as(opened.store, 2, {plus("a", 1)})));
  CHECK(opened.store.read(named("a")) == 3);
  CHECK(is_applied(writer.send(opened.store, {plus("a", 1)})));
  CHECK(opened.store.read(named("a")) == 4);
}

TEMPLATE_TEST_CASE("a batch that does not follow the last one is refused: the store has forgotten some", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1)})));
  CHECK(is_refused(writer.send_as(opened.store, 3, {plus("a", 1)}), Errc::store_rolled_back));
  CHECK(is_refused(Writer(2).send_as(opened.store, 2, {plus("a", 1)}), Errc::store_rolled_back));
  CHECK(is_refused(Writer(1, 1).send_as(opened.store, 2, {plus("a", 1)}), Errc::store_rolled_back));
  CHECK(opened.store.read(named("a")) == 1);
  CHECK(is_applied(writer.send(opened.store, {plus("a", 1)})));  // it was not noted
}

TEMPLATE_TEST_CASE("the number of the last batch with other records is refused: two have one identity", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1), plus("b", 1)})));
  const std::vector<std::vector<Record>> others = {
      {plus("a", 2), plus("b", 1)},
      {plus("b", 1), plus("a", 1)},
      {plus("a", 1)},
      {plus("a", 1), plus("b", 1), plus("c", 0)},
      {},
  };
  for (const std::vector<Record>& other : others) {
    CHECK(is_refused(writer.send_again(opened.store, other), Errc::writer_duplicated));
  }
  CHECK(opened.store.read(named("a")) == 1);
  CHECK(opened.store.read(named("c")) == std::nullopt);
  CHECK(is_applied(writer.send_again(opened.store, {plus("a", 1), plus("b", 1)})));
  CHECK(is_applied(writer.send(opened.store, {plus("a", 1)})));
}

TEMPLATE_TEST_CASE("writers and shards number their batches each for itself", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  std::vector<Writer> writers = {Writer(1), Writer(2), Writer(1, 1), Writer(1, 4'000'000'000U)};
  writers[1].id = writers[0].id;
  writers[1].id.back() ^= 1;
  for (int i = 0; i < 3; ++i) {
    for (Writer& writer : writers) {
      REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1)})));
      REQUIRE(is_applied(writer.send_again(opened.store, {plus("a", 1)})));
    }
  }
  CHECK(opened.store.read(named("a")) == 12);
}

// ---- the range

TEMPLATE_TEST_CASE("what would leave the range is put aside and named, and the rest is applied", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  REQUIRE(is_applied(
      writer.send(opened.store, {plus("high", max_count), plus("low", min_count), plus("old", -10)})));
  const std::vector<Record> records = {
      plus("high", 1),              // 0: too high
      plus("a", 1),                 // 1
      plus("low", -1),              // 2: too low
      plus("new", max_count + 1),   // 3: too high, and the counter is not made
      plus("new2", min_count - 1),  // 4
      plus("old", max_count + 5),   // 5: too high for a new counter, but not for this one
      plus("low", -1, min_count),   // 6: the floor keeps it
      plus("b", min_count - 1, 0),  // 7: the same for a new counter
      plus("c", 0, max_count + 1),  // 8: a floor that is too high
      plus("old2", 1),              // 9
  };
  const ApplyResult result = writer.send(opened.store, records);
  CHECK(result.outcome == Outcome::applied);
  CHECK(result.quarantined == std::vector<std::size_t>{0, 2, 3, 4, 8});
  CHECK(opened.store.read(named("high")) == max_count);
  CHECK(opened.store.read(named("low")) == min_count);
  CHECK(opened.store.read(named("new")) == std::nullopt);
  CHECK(opened.store.read(named("new2")) == std::nullopt);
  CHECK(opened.store.read(named("old")) == max_count - 5);
  CHECK(opened.store.read(named("a")) == 1);
  CHECK(opened.store.read(named("b")) == 0);
  CHECK(opened.store.read(named("c")) == std::nullopt);
  CHECK(is_applied(writer.send(opened.store, {plus("high", -1)})));
}

TEMPLATE_TEST_CASE("a reset to what is out of range is put aside", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1)})));
  const ApplyResult result =
      writer.send(opened.store, {plus("a", no_floor, max_count + 1), plus("b", no_floor, min_count - 1)});
  CHECK(result.quarantined == std::vector<std::size_t>{0, 1});
  CHECK(opened.store.read(named("a")) == 1);
  CHECK(opened.store.read(named("b")) == std::nullopt);
}

// The answer may have been lost: the sender asks again, to learn what it has to take back.
TEMPLATE_TEST_CASE("a batch that comes again is told anew what was put aside", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  REQUIRE(is_applied(writer.send(opened.store, {plus("high", max_count)})));
  const std::vector<Record> records = {plus("a", 1), plus("high", 1), plus("b", 1)};
  REQUIRE(writer.send(opened.store, records).quarantined == std::vector<std::size_t>{1});
  const ApplyResult again = writer.send_again(opened.store, records);
  CHECK(again.outcome == Outcome::applied);
  CHECK(again.quarantined == std::vector<std::size_t>{1});
  CHECK(is_applied(writer.send(opened.store, {plus("high", -1)})));
  CHECK(is_applied(writer.send_again(opened.store, {plus("high", -1)})));
}

// ---- keys and questions

TEMPLATE_TEST_CASE("names and namespaces are bytes", "", LIVECOUNT_TESTED_STORE) {
  const std::vector<std::string> texts = {"",
                                          "a",
                                          std::string(1, '\0'),
                                          std::string("a\0b", 3),
                                          "a:b",
                                          ":",
                                          "'",
                                          "\"",
                                          "%",
                                          "\xff",
                                          "\xc3\x28",
                                          "\xc3\xa9",
                                          "A",
                                          " ",
                                          "?",
                                          std::string(1024, 'x')};
  Opened<TestType> opened;
  std::vector<Record> records;
  for (const std::string& ns : texts) {
    for (const std::string& name : texts) {
      records.push_back({{ns, day, name}, {static_cast<Count>(records.size()), no_floor}});
    }
  }
  REQUIRE(is_applied(Writer(1).send(opened.store, records)));
  for (const Record& record : records) REQUIRE(opened.store.read(record.key) == record.change.sum);
  CHECK(opened.store.read({std::string_view(), day, std::string_view()}) ==
        0);  // no bytes, not even an address
  for (const std::string& ns : texts) {
    const auto found = rows(opened.store, ns, PeriodType::day);
    REQUIRE(found.size() == texts.size());
    for (const auto& [key, count] : found) REQUIRE(opened.store.read(key) == count);
  }
}

TEMPLATE_TEST_CASE("a scan tells the counters of one namespace and period type, by period and name", "",
                   LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  const Bucket ancient{PeriodType::day, -86'400};
  const std::vector<std::string_view> names = {
      "", std::string_view("\0", 1), "A", "a", "a\x01", "ab", "b", "\x80", "\xff"};
  std::vector<Record> records;
  for (const Bucket& bucket : {next_day, ancient, day}) {
    for (const std::string_view name : names) records.push_back({named(name, bucket), {1, no_floor}});
  }
  std::reverse(records.begin(), records.end());
  records.push_back({named("a", {PeriodType::week, day.start}), {1, no_floor}});
  records.push_back({named("a"), {1, no_floor}});
  for (const std::string_view ns : {"n", "ns2", "", "NS"}) records.push_back({{ns, day, "a"}, {1, no_floor}});
  REQUIRE(is_applied(Writer(1).send(opened.store, records)));

  std::vector<std::pair<Key, Count>> expected;
  for (const Bucket& bucket : {ancient, day, next_day}) {
    for (const std::string_view name : names) expected.push_back({{"ns", bucket, std::string(name)}, 1});
  }
  CHECK(rows(opened.store, "ns", PeriodType::day) == expected);
  const auto middle = expected.begin() + static_cast<std::ptrdiff_t>(names.size());
  CHECK(rows(opened.store, "ns", PeriodType::day, day) ==
        std::vector(middle, middle + static_cast<std::ptrdiff_t>(names.size())));
  CHECK(rows(opened.store, "ns", PeriodType::all, all).size() == 1);
  CHECK(rows(opened.store, "ns", PeriodType::week).size() == 1);
  CHECK(rows(opened.store, "ns", PeriodType::month).empty());
  CHECK(rows(opened.store, "ns", PeriodType::day, Bucket{PeriodType::day, 0}).empty());
  CHECK(rows(opened.store, "", PeriodType::day).size() == 1);
}

TEMPLATE_TEST_CASE("the top of a bucket comes by count, then by name", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  REQUIRE(is_applied(Writer(1).send(opened.store, {plus("b", 5),
                                                   plus("\xff", 5),
                                                   plus("", 5),
                                                   plus("a", 5),
                                                   plus("most", 9),
                                                   plus("least", -1),
                                                   plus("none", 0),
                                                   {named("other", day), {99, no_floor}},
                                                   {{"other", all, "ns"}, {99, no_floor}}})));
  const std::vector<NamedCount> expected = {{"most", 9}, {"", 5},     {"a", 5},     {"b", 5},
                                            {"\xff", 5}, {"none", 0}, {"least", -1}};
  CHECK(opened.store.top("ns", all, 100) == expected);
  CHECK(opened.store.top("ns", all, static_cast<std::size_t>(-1)) == expected);
  CHECK(opened.store.top("ns", all, 3) == std::vector(expected.begin(), expected.begin() + 3));
  CHECK(opened.store.top("ns", all, 0).empty());
  CHECK(opened.store.top("ns", next_day, 10).empty());
}

TEMPLATE_TEST_CASE("many that are equal come by name", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  std::vector<NamedCount> expected;
  for (int i = 100; i < 300; ++i) expected.push_back({std::to_string(i), i % 2 == 0 ? 2 : 1});
  std::vector<Record> records;
  for (const NamedCount& row : expected) records.push_back(plus(row.name, row.count));
  REQUIRE(is_applied(Writer(1).send(opened.store, records)));
  std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
    return std::pair(-a.count, a.name) < std::pair(-b.count, b.name);
  });
  CHECK(opened.store.top("ns", all, 1'000) == expected);
}

// ---- threads, and everything at once

TEMPLATE_TEST_CASE("reads and scans run beside an apply and see whole batches", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  constexpr Count batches = 200;
  std::atomic<Count> applied{0};
  std::atomic<int> wrong{0};
  run_together([&](int number, auto&) {
    if (number == 0) {
      Writer writer(1);
      while (applied != batches) {
        if (!is_applied(writer.send(opened.store, {plus("a", 1), plus("b", 1)}))) ++wrong;
        ++applied;
      }
      return;
    }
    Count last = 0;
    while (applied != batches) {
      const Count before = applied;
      const Count a = opened.store.read(named("a")).value_or(0);
      const Count b = opened.store.read(named("b")).value_or(0);
      if (a < before || a < last || b < a) ++wrong;
      last = b;
      const auto found = rows(opened.store, "ns", PeriodType::all);
      if (!found.empty() &&
          (found.size() != 2 || found[0].second != found[1].second || found[0].second < last))
        ++wrong;
      std::this_thread::yield();  // a lock that readers hold all the time may keep writers out
    }
  });
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("a store does what a plain map does, whatever comes", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Model model;
  const std::vector<Key> keys = some_keys();
  std::mt19937_64 random(20'110'615);
  std::vector<Writer> writers = {Writer(1), Writer(2), Writer(1, 1)};
  std::vector<std::vector<Record>> sent(writers.size());  // by each of them, last
  for (int i = 0; i < 1'500; ++i) {
    const std::size_t number = random() % writers.size();
    Writer& writer = writers[number];
    std::vector<Record> records = draw_records(random, keys);
    std::uint64_t sequence = writer.sequence + 1;
    switch (random() % 12) {
      case 0: sequence = writer.sequence; break;
      case 1: sequence = writer.sequence + 2; break;
      case 2: sequence = writer.sequence / 2 + 1; break;
      case 3:
        sequence = writer.sequence;
        records = sent[number];
        break;
      default: break;
    }
    if (sequence == 0) continue;
    CAPTURE(i, number, sequence);
    ApplyResult expected = model.apply({writer.id, writer.shard, sequence, records});
    const ApplyResult result = writer.send_as(opened.store, sequence, records);
    REQUIRE(result.outcome == expected.outcome);
    REQUIRE(result.error == expected.error);
    if (sequence == writer.sequence + 1) {
      REQUIRE(result.quarantined == expected.quarantined);
      writer.sequence = sequence;
      sent[number] = records;
    }
  }
  for (const Key& key : keys) {
    const auto found = model.counts.find(key);
    REQUIRE(opened.store.read(key) ==
            (found == model.counts.end() ? std::nullopt : std::optional(found->second)));
  }
  std::vector<std::pair<Key, Count>> found;
  for (const std::string& ns : {std::string(), std::string("\0\xff", 2), std::string("ns")}) {
    for (const PeriodType type : Periods::every()) {
      for (const auto& row : rows(opened.store, ns, type)) found.push_back(row);
    }
  }
  CHECK(found == std::vector<std::pair<Key, Count>>(model.counts.begin(), model.counts.end()));
}
