// SPDX-License-Identifier: BSL-1.0
#include <livecount/counter/adder.hpp>

#include <livecount/cache/lru_cache.hpp>
#include <livecount/store/memory_store.hpp>

#include "support/catch.hpp"

using namespace livecount;

namespace {

using Entry = BasicEntry<StdSync>;

/// An adder with an entry that is loaded, pinned, and has a window.
struct Fixture {
  explicit Fixture(Floor floor = Floor::zero, std::uint32_t batch_size = 0)
      : write_behind(cache, store, lifetime, nobody, {100, 100, {.batch_size = batch_size}}, 1),
        adder(write_behind, floor),
        entry(*cache.pin({{"ns", {}, "a"}, 1})) {}
  ~Fixture() { cache.unpin(entry); }

  bool change(Count delta) {
    const detail::Gate<StdSync>::Inside inside(write_behind.gate(1));
    return adder.change(entry, delta, &window, nullptr);
  }
  [[nodiscard]] Count count() const { return Entry::count_of(entry.load()); }
  /// What the store would make of `stored` with all changes since the last time.
  Count frozen(Count stored) {
    (void)entry.mark();
    const Transform change = entry.freeze(&window).change;
    window = {};
    entry.release();
    return change.apply(stored);
  }

  LruCache cache{{}};
  MemoryStore store;
  detail::Lifetime<StdSync> lifetime;
  detail::ErrorHandler nobody{{}};
  detail::WriteBehind<LruCache, MemoryStore> write_behind;
  detail::Adder<LruCache, MemoryStore> adder;
  Entry& entry;
  Window window;
};

}  // namespace

TEST_CASE("a blind add is for deltas that cannot meet a floor and are not very large") {
  const Fixture floored;
  CHECK(floored.adder.is_plain(1));
  CHECK(floored.adder.is_plain(0));
  CHECK_FALSE(floored.adder.is_plain(-1));
  CHECK(floored.adder.is_plain(Count{1} << 40));
  CHECK_FALSE(floored.adder.is_plain((Count{1} << 40) + 1));
  CHECK(floored.adder.is_floored(-1));
  const Fixture without(Floor::none);
  CHECK(without.adder.is_plain(-1));
  CHECK_FALSE(without.adder.is_plain((Count{-1} << 40) - 1));
  CHECK_FALSE(without.adder.is_floored(-1));
}

TEST_CASE("a blind add marks a clean entry, once") {
  Fixture f;
  CHECK(f.adder.add(f.entry, 1, 2) == detail::Added::marked);
  CHECK(f.adder.add(f.entry, 1, 3) == detail::Added::yes);
  CHECK(f.count() == 5);
  CHECK(f.write_behind.pending() == 1);
}

TEST_CASE("the change that fills a counter's batch says so") {
  Fixture f(Floor::zero, 3);
  CHECK(f.adder.add(f.entry, 1, 1) == detail::Added::marked);
  CHECK(f.adder.add(f.entry, 1, 1) == detail::Added::yes);
  CHECK(f.adder.add(f.entry, 1, 1) == detail::Added::ripe);
  CHECK(f.adder.add(f.entry, 1, 1) == detail::Added::yes);
}

TEST_CASE(
    "a blind add past the range takes itself back, and leaves a mark for whoever froze the entry in "
    "between") {
  Fixture f;
  REQUIRE(f.change(max_count));
  CHECK(f.adder.add(f.entry, 1, 1) == detail::Added::taken_back);
  CHECK(f.count() == max_count);
  CHECK(Entry::is_queued(f.entry.load()));
  CHECK(f.write_behind.pending() == 1);
}

TEST_CASE("an add to an entry that has left counts nothing") {
  Fixture f;
  f.entry.release();
  REQUIRE(f.entry.try_seal());
  CHECK(f.adder.add(f.entry, 1, 1) == detail::Added::no);
  CHECK(f.write_behind.pending() == 0);
}

TEST_CASE("a change waits only for a while for a word that is out of its range") {
  Fixture f;
  REQUIRE(f.change(max_count));
  f.entry.add(1);  // whose thread is taking its time to take it back
  CHECK_FALSE(f.change(1));
  CHECK(f.count() == max_count + 1);
}

TEST_CASE("however often the floor stops decrements, their window is exact") {
  Fixture f;
  for (int i = 0; i < 100; ++i) {  // together they are far beyond what 64 bits hold
    REQUIRE(f.change(max_count - f.count()));
    REQUIRE(f.change(-max_count));
    REQUIRE(f.change(-max_count));
    REQUIRE(f.change(5));
  }
  CHECK(f.count() == 5);
  CHECK(f.frozen(0) == 5);

  // Also if another process has counted meanwhile: the floor stops at zero from wherever it begins.
  for (int i = 0; i < 100; ++i) REQUIRE(f.change(-max_count));
  REQUIRE(f.change(7));
  CHECK(f.frozen(max_count) == 7);
}
