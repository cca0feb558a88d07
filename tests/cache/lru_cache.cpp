// SPDX-License-Identifier: BSL-1.0
#include <livecount/cache/lru_cache.hpp>

#include <algorithm>
#include <list>
#include <random>

#define LIVECOUNT_TESTED_CACHE livecount::LruCache
#include "cache/contract.hpp"

TEST_CASE("an LRU cache has room for what was asked for, in equal shards, and for 64 at least") {
  CHECK(LruCache({.entries = 0}).capacity() == 64);
  CHECK(LruCache({.entries = 64}).capacity() == 64);
  CHECK(LruCache({.entries = 127}).capacity() == 127);
  for (const std::size_t entries : {128U, 1'000U, 65'536U, 100'001U}) {
    const std::size_t capacity = LruCache({.entries = entries}).capacity();
    CHECK(capacity >= entries);
    CHECK(capacity < entries + 64);
  }
}

TEST_CASE("entries leave an LRU cache in the order of their last use, those that must stay left out") {
  struct Place {
    std::uint64_t name;
    bool stays;
  };
  LruCache cache({.entries = 64});  // one shard
  std::list<Place> model;           // the most recently used first
  std::mt19937_64 random(1);
  const auto in_model = [&](std::uint64_t name) {
    return std::find_if(model.begin(), model.end(), [&](const Place& place) { return place.name == name; });
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t name = random() % 90;
    const auto place = in_model(name);
    if (i % 4 == 0) {  // a look, which counts as a use
      REQUIRE((find(cache, name) != nullptr) == (place != model.end()));
      if (place != model.end()) model.splice(model.begin(), model, place);
      continue;
    }
    auto* const entry = pin(cache, name);
    REQUIRE(entry);
    if (place != model.end()) {
      model.splice(model.begin(), model, place);
    } else {
      if (model.size() == 64) {
        const auto oldest =
            std::find_if(model.rbegin(), model.rend(), [](const Place& p) { return !p.stays; });
        model.erase(std::next(oldest).base());
      }
      model.push_front({name, false});
    }
    Place& used = model.front();
    if (used.stays) {  // becomes clean again
      (void)entry->freeze();
      cache.settle(*entry);
      used.stays = false;
    } else if (random() % 8 == 0) {
      entry->mark();
      used.stays = true;
    }
    cache.unpin(*entry);
  }
  for (std::uint64_t name = 0; name < 90; ++name)
    CHECK((find(cache, name) != nullptr) == (in_model(name) != model.end()));
}

TEST_CASE("a reference to an entry of an LRU cache pins it") {
  LruCache cache({.entries = 64});
  cache.unpin(*pin(cache, 1));
  const Numbered one(1);
  const Guard<LruCache> guard;
  {
    const auto reference = cache.peek(guard, one.key());
    crowd(cache);
    CHECK(cache.drop_clean() == cache.capacity() - 1);
    CHECK(Entry<LruCache>::is_live(reference->load()));
  }
  CHECK(cache.drop_clean() == 1);
}
