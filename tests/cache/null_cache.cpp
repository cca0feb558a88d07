// SPDX-License-Identifier: BSL-1.0
#include <livecount/cache/null_cache.hpp>

#define LIVECOUNT_TESTED_CACHE livecount::NullCache
#include "cache/contract.hpp"

TEST_CASE("a null cache keeps nothing that is clean and not in use") {
  NullCache cache({.entries = 64});
  auto* entry = pin(cache, 1);
  CHECK(pin(cache, 1) == entry);
  cache.unpin(*entry);
  CHECK(find(cache, 1) == entry);
  cache.unpin(*entry);
  CHECK(find(cache, 1) == nullptr);
  CHECK(cache.statistics().entries == 0);
  CHECK(cache.statistics().evicted == 1);

  entry = pin(cache, 1);
  entry->mark();
  cache.unpin(*entry);
  (void)entry->freeze();
  CHECK(find(cache, 1) == entry);
  CHECK(cache.drop_clean() == 0);
  cache.settle(*entry);
  CHECK(find(cache, 1) == nullptr);
  CHECK(cache.statistics().entries == 0);
}

TEST_CASE("a reference to an entry of a null cache keeps it, and lets it go") {
  NullCache cache({.entries = 64});
  const Numbered one(1);
  auto* const entry = cache.pin(one.key());
  const Guard<NullCache> guard;
  {
    const auto reference = cache.peek(guard, one.key());
    cache.unpin(*entry);
    CHECK(&*reference == entry);
    CHECK(find(cache, 1) == entry);
  }
  CHECK(find(cache, 1) == nullptr);
}

TEST_CASE("a null cache holds exactly as many entries as it was told to, and 8 at least") {
  CHECK(NullCache({.entries = 0}).capacity() == 8);
  NullCache cache({.entries = 9});
  CHECK(cache.capacity() == 9);
  auto* const first = pin(cache, 1);
  REQUIRE(first);
  for (std::uint64_t i = 2; i <= 9; ++i) REQUIRE(pin(cache, i));
  CHECK(pin(cache, 10) == nullptr);
  cache.unpin(*first);
  CHECK(pin(cache, 10));
}
