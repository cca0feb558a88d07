// SPDX-License-Identifier: BSL-1.0
// What every cache has to do. A file for one cache names it and includes this:
//
//     #include <livecount/cache/lru_cache.hpp>
//     #define LIVECOUNT_TESTED_CACHE livecount::LruCache
//     #include "cache/contract.hpp"
#ifndef LIVECOUNT_TESTED_CACHE
#error "Name the cache to be tested: #define LIVECOUNT_TESTED_CACHE livecount::LruCache"
#endif
#pragma once

#include <livecount/concepts.hpp>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using livecount::tests::run_together;

template <class Cache>
using Entry = BasicEntry<typename Cache::Sync>;
template <class Cache>
using Guard = typename detail::Epochs<typename Cache::Sync>::Guard;

constexpr Bucket all{PeriodType::all, 0};

HashedKey hashed(const KeyView& key) {
  const auto salt =
      static_cast<std::uint64_t>(key.bucket.start) * 8 + static_cast<std::uint64_t>(key.bucket.type);
  return {key, detail::mix(detail::hash_name(key.ns, key.name, 20'110'615), salt)};
}

/// The i-th of many keys, with the bytes of its name.
struct Numbered {
  explicit Numbered(std::uint64_t i) : name("name-" + std::to_string(i)) {}
  [[nodiscard]] HashedKey key() const { return hashed({"ns", all, name}); }
  std::string name;
};

template <class Cache>
Entry<Cache>* pin(Cache& cache, std::uint64_t i) {
  const Numbered numbered(i);
  return cache.pin(numbered.key());
}

/// The address at which the entry is found, or null. It may be gone already.
template <class Cache>
Entry<Cache>* find(Cache& cache, const HashedKey& key) {
  const Guard<Cache> guard;
  const auto reference = cache.peek(guard, key);
  return reference ? &*reference : nullptr;
}
template <class Cache>
Entry<Cache>* find(Cache& cache, std::uint64_t i) {
  const Numbered numbered(i);
  return find(cache, numbered.key());
}

/// Entries that come and go, clean, until each place has been used many times. Their numbers begin at
/// 1'000'000.
template <class Cache>
void crowd(Cache& cache) {
  for (std::uint64_t i = 0; i < 40 * cache.capacity(); ++i) {
    if (auto* const entry = pin(cache, 1'000'000 + i)) cache.unpin(*entry);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("pin makes an entry that peek then finds", "", LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  CHECK(find(cache, 1) == nullptr);
  CHECK(cache.statistics().inserted == 0);  // looking makes nothing

  auto* const entry = pin(cache, 1);
  REQUIRE(entry);
  CHECK(entry->key() == KeyView{"ns", all, "name-1"});
  CHECK(entry->load() == Entry<TestType>::live);
  CHECK(entry->pins == 1);
  CHECK(find(cache, 1) == entry);
  CHECK(find(cache, 2) == nullptr);

  CHECK(pin(cache, 1) == entry);
  CHECK(entry->pins == 2);
  CHECK(cache.statistics().inserted == 1);
  cache.unpin(*entry);
  CHECK(entry->pins == 1);
}

TEMPLATE_TEST_CASE("a key is namespace, period type, time and name: all of them bytes or numbers of any kind",
                   "", LIVECOUNT_TESTED_CACHE) {
  const std::string longest(1024, 'n');
  const std::string longest_ns(255, 's');
  const std::string bytes("\0\xff:", 3);
  const std::vector<KeyView> keys = {
      {"ns", all, "name"},
      {"ns", all, "nam"},
      {"nsn", all, "ame"},
      {"n", all, "sname"},
      {"ns", {PeriodType::day, 0}, "name"},
      {"ns", {PeriodType::day, 86'400}, "name"},
      {"ns", {PeriodType::day, -86'400}, "name"},
      {"ns", {PeriodType::week, 86'400}, "name"},
      {"", all, ""},
      {"", all, "ns"},
      {"ns", all, ""},
      {"ns", all, longest},
      {longest_ns, all, longest},
      {longest_ns, all, std::string_view(longest).substr(1)},
      {bytes, all, bytes},
      {bytes, all, std::string_view(bytes).substr(0, 1)},
  };
  // Also if all hashes were the same.
  const bool same_hash = GENERATE(false, true);
  TestType cache({.entries = 1'000});
  std::vector<Entry<TestType>*> entries;
  for (const KeyView& key : keys) {
    auto* const entry = cache.pin({key, same_hash ? 7 : hashed(key).hash});
    REQUIRE(entry);
    REQUIRE(entry->key() == key);
    entries.push_back(entry);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(find(cache, {keys[i], same_hash ? 7 : hashed(keys[i]).hash}) == entries[i]);
    for (std::size_t j = 0; j < i; ++j) REQUIRE(entries[i] != entries[j]);
  }
  CHECK(cache.statistics().entries == keys.size());
  for (std::size_t i = 0; i < keys.size(); i += 2) cache.unpin(*entries[i]);  // may leave: the others do not
  (void)cache.drop_clean();
  for (std::size_t i = 1; i < keys.size(); i += 2) {
    CHECK(find(cache, {keys[i], same_hash ? 7 : hashed(keys[i]).hash}) == entries[i]);
  }
  CHECK(cache.statistics().entries == keys.size() / 2);
}

TEMPLATE_TEST_CASE("a pinned entry stays, however many others come", "", LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  auto* const entry = pin(cache, 1);
  crowd(cache);
  CHECK(cache.drop_clean() <= cache.capacity());
  REQUIRE(find(cache, 1) == entry);
  CHECK(Entry<TestType>::is_live(entry->load()));
}

TEMPLATE_TEST_CASE("what is referred to can be read, and if it has left, its word says so", "",
                   LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  const Numbered one(1);
  auto* const entry = cache.pin(one.key());
  const Guard<TestType> guard;
  const auto reference = cache.peek(guard, one.key());
  cache.unpin(*entry);
  crowd(cache);
  (void)cache.drop_clean();
  CHECK(reference->key() == one.key().key);
  CHECK(Entry<TestType>::is_live(reference->load()) == (find(cache, 1) == &*reference));
}

TEMPLATE_TEST_CASE("a queued, a busy and a just changed entry stay, however many others come", "",
                   LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  auto* const queued = pin(cache, 1);
  queued->mark();
  cache.unpin(*queued);
  auto* const busy = pin(cache, 2);
  REQUIRE(busy->try_take());
  cache.unpin(*busy);
  auto* const changed = pin(cache, 3);  // its adder is about to mark it
  changed->add(5);
  cache.unpin(*changed);

  crowd(cache);
  (void)cache.drop_clean();
  CHECK(find(cache, 1) == queued);
  CHECK(find(cache, 2) == busy);
  CHECK(find(cache, 3) == changed);
  CHECK(changed->load() == (5 * Entry<TestType>::unit | Entry<TestType>::live));
}

TEMPLATE_TEST_CASE("clean entries leave for others, whatever their count", "", LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  for (std::uint64_t i = 0; i < 32; ++i) {
    auto* const entry = pin(cache, i);
    REQUIRE(entry);
    entry->add(static_cast<Count>(i));
    entry->set_watermark(static_cast<Count>(i));
    cache.unpin(*entry);
  }
  crowd(cache);
  for (std::uint64_t i = 0; i < 32; ++i) REQUIRE(find(cache, i) == nullptr);
}

TEMPLATE_TEST_CASE("an entry that comes back begins anew", "", LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  auto* entry = pin(cache, 1);
  entry->add(5);
  entry->set_watermark(5);
  cache.unpin(*entry);
  (void)cache.drop_clean();
  REQUIRE(find(cache, 1) == nullptr);
  entry = pin(cache, 1);
  CHECK(entry->load() == Entry<TestType>::live);
  CHECK(entry->watermark() == 0);
  CHECK(entry->state() == Entry<TestType>::State::unloaded);
}

TEMPLATE_TEST_CASE("a cache full of pinned entries makes no more, loses nothing, and goes on when one goes",
                   "", LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  std::vector<std::pair<std::uint64_t, Entry<TestType>*>> pinned;
  for (std::uint64_t i = 0; i < 40 * cache.capacity(); ++i) {
    auto* const entry = pin(cache, i);
    if (!entry) continue;
    entry->add(static_cast<Count>(i));
    pinned.emplace_back(i, entry);
  }
  CHECK(pinned.size() <= cache.capacity());
  CHECK(pinned.size() == cache.statistics().inserted);  // what was refused has not been made
  CHECK(cache.statistics().evicted == 0);
  for (const auto& [i, entry] : pinned) {
    REQUIRE(find(cache, i) == entry);
    REQUIRE(Entry<TestType>::count_of(entry->load()) == static_cast<Count>(i));
    REQUIRE(pin(cache, i) == entry);  // what is there can be pinned once more
    cache.unpin(*entry);
  }
  for (const auto& [i, entry] : pinned) {
    entry->set_watermark(static_cast<Count>(i));
    cache.unpin(*entry);
  }
  CHECK(pin(cache, 1'000'000));
}

TEMPLATE_TEST_CASE("settling gives busy back, and the entry may leave then", "", LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  auto* const entry = pin(cache, 1);
  entry->add(3);
  entry->mark();
  cache.unpin(*entry);
  CHECK(entry->freeze().change == Transform{3, no_floor});
  crowd(cache);
  (void)cache.drop_clean();
  REQUIRE(find(cache, 1) == entry);
  cache.settle(*entry);
  crowd(cache);
  CHECK(find(cache, 1) == nullptr);
}

TEMPLATE_TEST_CASE("settling an entry that is pinned or dirty again leaves it where it is", "",
                   LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 64});
  auto* const entry = pin(cache, 1);
  entry->mark();
  (void)entry->freeze();
  cache.settle(*entry);
  CHECK(entry->load() == Entry<TestType>::live);
  crowd(cache);
  REQUIRE(find(cache, 1) == entry);  // pinned

  entry->mark();
  (void)entry->freeze();
  entry->mark();
  cache.unpin(*entry);
  cache.settle(*entry);
  crowd(cache);
  REQUIRE(find(cache, 1) == entry);  // queued
  CHECK(entry->load() == (Entry<TestType>::live | Entry<TestType>::queued));
}

TEMPLATE_TEST_CASE("drop_clean drops all that is clean and keeps what is dirty or pinned", "",
                   LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 1'000});
  for (std::uint64_t i = 0; i < 300; ++i) {
    auto* const entry = pin(cache, i);
    REQUIRE(entry);
    if (i % 3 == 0) entry->mark();
    if (i % 3 != 1) cache.unpin(*entry);
  }
  const std::size_t before = cache.statistics().entries;
  CHECK(cache.drop_clean() == before - 200);
  CHECK(cache.statistics().entries == 200);
  for (std::uint64_t i = 0; i < 300; ++i) REQUIRE((find(cache, i) != nullptr) == (i % 3 != 2));
  CHECK(cache.drop_clean() == 0);
}

TEMPLATE_TEST_CASE("more entries than any machine has room for are refused, with their number", "",
                   LIVECOUNT_TESTED_CACHE) {
  typename TestType::Options options;
  options.entries = SIZE_MAX;
  try {
    const TestType cache(options);
    FAIL("made");
  } catch (const Error& error) {
    CHECK(error.code() == Errc::invalid_option);
    CHECK(std::string(error.what()).find(std::to_string(SIZE_MAX)) != std::string::npos);
  }
  options.entries = 0;
  CHECK(TestType(options).capacity() >= 8);  // room for all periods of one name
}

TEMPLATE_TEST_CASE("however many come, there are never more than the capacity", "", LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 1'000});
  REQUIRE(cache.capacity() >= 1'000);
  std::size_t most = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    auto* const entry = pin(cache, i);
    REQUIRE(entry);  // all others could leave
    most = std::max(most, cache.statistics().entries);
    cache.unpin(*entry);
  }
  CHECK(most <= cache.capacity());
  const CacheStatistics statistics = cache.statistics();
  CHECK(statistics.inserted == 100'000);
  CHECK(statistics.entries == statistics.inserted - statistics.evicted);
}

TEMPLATE_TEST_CASE("there are as many entries as the statistics say", "", LIVECOUNT_TESTED_CACHE) {
  TestType cache({.entries = 200});
  std::size_t found = 0;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    auto* const entry = pin(cache, i);
    if (!entry) continue;
    if (i % 20 == 0) entry->mark();
    cache.unpin(*entry);
  }
  for (std::uint64_t i = 0; i < 2'000; ++i) found += find(cache, i) ? 1U : 0U;
  CHECK(cache.statistics().entries == found);
}

namespace {

// Each thread counts into entries as a Counter that writes through would: it loads them from a store, adds, and
// writes back, all under busy. Eviction goes on all the time.
template <class Cache>
void count_together(std::uint64_t names, int each) {
  using State = typename Entry<Cache>::State;
  Cache cache({.entries = 64});
  std::vector<Count> store(names);  // of a name: under busy of its one live entry
  std::vector<std::atomic<int>> holders(names);
  std::atomic<int> added{0};
  std::atomic<int> wrong{0};
  run_together([&](int, auto& random) {
    for (int i = 0; i < each; ++i) {
      const std::uint64_t name = random() % names;
      auto* const entry = pin(cache, name);
      if (!entry) continue;
      bool taken = false;
      while (!(taken = entry->try_take()) && Entry<Cache>::is_live(entry->load())) std::this_thread::yield();
      if (!taken) {  // a pinned entry has left
        ++wrong;
        continue;
      }
      if (++holders[name] != 1) ++wrong;  // two live entries of one name
      if (entry->state() == State::unloaded && !entry->add_stored(store[name], State::present)) ++wrong;
      entry->add(1);
      store[name] = Entry<Cache>::count_of(entry->load());
      entry->set_watermark(store[name]);
      --holders[name];
      cache.settle(*entry);
      cache.unpin(*entry);
      ++added;
      if (i % 100 == 0) (void)cache.drop_clean();
      const Numbered other(random() % names);
      const Guard<Cache> guard;
      if (const auto reference = cache.peek(guard, other.key())) {
        if (!reference->has(other.key().key)) ++wrong;
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(added > 0);
  Count sum = 0;
  for (const Count count : store) sum += count;
  CHECK(sum == added);
  CHECK(cache.statistics().evicted > 0);
  CHECK(cache.statistics().entries <= cache.capacity());
}

}  // namespace

TEMPLATE_TEST_CASE("threads that pin, add and unpin while others are evicted lose nothing", "",
                   LIVECOUNT_TESTED_CACHE) {
  count_together<TestType>(300, 4'000);
}
