// SPDX-License-Identifier: BSL-1.0
#include <livecount/cache/lock_free_cache.hpp>

#define LIVECOUNT_TESTED_CACHE livecount::LockFreeCache
#include "cache/contract.hpp"
#include "support/jitter_sync.hpp"

namespace {

/// Keys of one hash share the 16 slots of two buckets.
constexpr std::uint64_t slots = 16;

HashedKey crowded(const Numbered& numbered) { return {{"ns", all, numbered.name}, 42}; }

void visit(LockFreeCache& cache, std::uint64_t i) {
  auto* const entry = cache.pin(crowded(Numbered(i)));
  REQUIRE(entry);
  cache.unpin(*entry);
}
bool resident(LockFreeCache& cache, std::uint64_t i) {
  const Numbered numbered(i);
  const Guard<LockFreeCache> guard;
  return static_cast<bool>(cache.peek(guard, crowded(numbered)));
}

}  // namespace

TEST_CASE(
    "a lock-free cache has room for what was asked for, in whole buckets of eight, and for 64 at least") {
  CHECK(LockFreeCache({.entries = 0}).capacity() == 64);
  CHECK(LockFreeCache({.entries = 64}).capacity() == 64);
  CHECK(LockFreeCache({.entries = 65}).capacity() == 72);
  CHECK(LockFreeCache({.entries = 1'000}).capacity() == 1'000);
}

TEST_CASE("a lock-free cache holds four fifths of its capacity without evicting") {
  LockFreeCache cache({.entries = 10'000});
  for (std::uint64_t i = 0; i < 8'000; ++i) cache.unpin(*pin(cache, i));
  CHECK(cache.statistics().evicted <= 8);  // one in a thousand
}

TEST_CASE("a key may stand in 16 places, and no further one is made when all of them are taken") {
  LockFreeCache cache({.entries = 64});
  std::vector<Entry<LockFreeCache>*> entries;
  for (std::uint64_t i = 0; i < slots; ++i) {
    entries.push_back(cache.pin(crowded(Numbered(i))));
    REQUIRE(entries.back());
  }
  CHECK(cache.pin(crowded(Numbered(slots))) == nullptr);
  CHECK(cache.statistics().inserted == slots);
  cache.unpin(*entries[3]);
  CHECK(cache.pin(crowded(Numbered(slots))) != nullptr);
  CHECK_FALSE(resident(cache, 3));
  CHECK(cache.pin(crowded(Numbered(3))) == nullptr);
}

TEST_CASE(
    "a quick look finds just what others find, wherever it stands, and so do most entries that were "
    "fetched") {
  LockFreeCache cache({.entries = 1'000});
  std::uint64_t fetched = 0;
  for (std::uint64_t i = 0; i < 900; ++i) {
    const std::string name = "name-" + std::to_string(i);
    cache.unpin(*cache.pin(hashed({default_namespace, all, name})));
  }
  { const Guard<LockFreeCache> first; }  // of this thread: the next ones may be quick
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const std::string name = "name-" + std::to_string(i);
    const HashedKey key = hashed({default_namespace, all, name});
    auto* const entry = find(cache, key);
    const LockFreeCache::QuickGuard guard;
    REQUIRE(guard);
    REQUIRE(cache.peek(guard, name, detail::pack(all), key.hash) == entry);
    REQUIRE_FALSE(cache.peek(guard, name, detail::pack({PeriodType::day, 0}), key.hash));
    if (entry && cache.fetch_entry(key.hash) == entry) ++fetched;
  }
  CHECK(fetched > 800);
  auto* const other = cache.pin(hashed({"other", all, "name"}));
  cache.unpin(*other);
  const LockFreeCache::QuickGuard guard;
  CHECK_FALSE(cache.peek(guard, "name", detail::pack(all), hashed({"other", all, "name"}).hash));
}

TEST_CASE("an entry that was looked at has a second chance before those that were not") {
  int stayed = 0;
  for (std::uint64_t favourite = 0; favourite < slots; ++favourite) {
    LockFreeCache cache({.entries = 64});
    for (std::uint64_t i = 0; i < slots; ++i) visit(cache, i);
    visit(cache, slots);  // passes over all of them once: none of the old ones counts as used any more
    if (!resident(cache, favourite)) continue;
    visit(cache, slots + 1);
    CHECK(resident(cache, favourite));
    ++stayed;
  }
  CHECK(stayed == slots - 1);
}

TEST_CASE("an entry that nobody looks at leaves after at most two rounds") {
  LockFreeCache cache({.entries = 64});
  for (std::uint64_t i = 0; i < 3 * slots; ++i) visit(cache, i);
  for (std::uint64_t i = 0; i < slots; ++i) CHECK_FALSE(resident(cache, i));
  for (std::uint64_t i = 3 * slots - 1; i >= 2 * slots + slots / 2; --i) CHECK(resident(cache, i));
}

TEST_CASE("an entry that has left is not freed while a guard from before lives") {
  LockFreeCache cache({.entries = 64});
  const Numbered one(1);
  cache.unpin(*cache.pin(one.key()));
  const Guard<LockFreeCache> guard;
  const auto reference = cache.peek(guard, one.key());
  REQUIRE(reference);
  crowd(cache);  // more than enough of them to be freed
  CHECK_FALSE(Entry<LockFreeCache>::is_live(reference->load()));
  CHECK(reference->key() == one.key().key);
  CHECK(find(cache, 1) == nullptr);
}

TEST_CASE("an entry that an evictor has sealed is replaced by who comes for its key") {
  LockFreeCache cache({.entries = 64});
  auto* const sealed = pin(cache, 1);
  cache.unpin(*sealed);
  const Guard<LockFreeCache> guard;
  REQUIRE(sealed->try_seal());  // ... and has not taken out yet
  auto* const entry = pin(cache, 1);
  REQUIRE(entry);
  CHECK(entry != sealed);
  CHECK(Entry<LockFreeCache>::is_live(entry->load()));
  CHECK(find(cache, 1) == entry);
  CHECK(cache.statistics().entries == 1);
  CHECK(cache.statistics().evicted == 1);
}

TEST_CASE("threads that lose the processor between any two steps lose nothing") {
  count_together<BasicLockFreeCache<livecount::tests::JitterSync>>(90, 4'000);
}
