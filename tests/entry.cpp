// SPDX-License-Identifier: BSL-1.0
#include <livecount/entry.hpp>

#include <functional>
#include <memory>
#include <string>

#include "support/catch.hpp"

using namespace livecount;

namespace {

using Entry = BasicEntry<StdSync>;
using Word = Entry::Word;

constexpr Bucket all{PeriodType::all, 0};

static_assert(Entry::live == 1 && Entry::queued == 2 && Entry::busy == 4 && Entry::unit == 8);
static_assert(Entry::count_of(-1 * Entry::unit | Entry::live | Entry::queued | Entry::busy) == -1);
static_assert(Entry::count_of(max_count * Entry::unit | Entry::live) == max_count);
static_assert(Entry::count_of(min_count * Entry::unit | Entry::busy) == min_count);
static_assert(Entry::is_live(Entry::live) && !Entry::is_live(~Entry::live));
static_assert(Entry::is_queued(Entry::queued) && !Entry::is_queued(~Entry::queued));
static_assert(Entry::is_busy(Entry::busy) && !Entry::is_busy(~Entry::busy));

struct Destroy {
  void operator()(Entry* entry) const noexcept { Entry::destroy(entry); }
};
using Owned = std::unique_ptr<Entry, Destroy>;

Owned make(const KeyView& key = {"ns", all, "name"}) { return Owned(Entry::create(key)); }

/// An entry with this word, reached by the operations that lead there.
Owned make_with(Count count, Word flags) {
  Owned entry = make();
  entry->add(count);
  entry->set_watermark(count);
  if ((flags & Entry::live) == 0) {
    REQUIRE(entry->try_seal());
  }
  if ((flags & Entry::busy) != 0) {
    REQUIRE(entry->try_take());
  }
  if ((flags & Entry::queued) != 0) entry->mark();
  REQUIRE(entry->load() == (count * Entry::unit | flags));
  return entry;
}

/// Does something in each wait, as if another thread did it.
struct WaitingSync : StdSync {
  static inline int yields = 0;
  static inline std::function<void()> meanwhile;
  static void yield() noexcept {
    ++yields;
    if (meanwhile) meanwhile();
  }
};

}  // namespace

TEST_CASE("an entry keeps a copy of its key") {
  std::string ns = "names";
  std::string name(1024, 'x');
  const Owned entry = make({ns, {PeriodType::day, -86'400}, name});
  const std::string name_before = name;
  ns = name = "gone";
  CHECK(entry->key() == KeyView{"names", {PeriodType::day, -86'400}, name_before});
  CHECK(make({"", all, ""})->key() == KeyView{"", all, ""});
  const std::string bytes("\0\xff:", 3);
  CHECK(make({bytes, all, bytes})->key() == KeyView{bytes, all, bytes});
}

TEST_CASE("the default namespace is not written out") {
  const KeyView key{default_namespace, all, "name"};
  const Owned entry = make(key);
  CHECK(entry->key() == key);
  CHECK(entry->has(key));
  CHECK_FALSE(entry->has({"", all, "name"}));
  CHECK_FALSE(entry->has({"defaulT", all, "name"}));
  CHECK_FALSE(entry->has({"default", all, "namf"}));
  CHECK_FALSE(make({"", all, "name"})->has(key));
  CHECK_FALSE(make({"t", all, "namedefaul"})->has(key));
  CHECK(Entry::bytes_for(key) == sizeof(Entry) + 4);
  CHECK(entry->bytes_taken() == sizeof(Entry) + 4);
  CHECK(Entry::bytes_for({"defaul", all, "name"}) == sizeof(Entry) + 10);
}

TEST_CASE("state and generation do not disturb each other") {
  const Owned entry = make();
  CHECK(entry->generation() == 0);
  entry->set_generation(Entry::last_generation);
  CHECK(entry->state() == Entry::State::unloaded);
  REQUIRE(entry->try_take());
  REQUIRE(entry->add_stored(1, Entry::State::present));
  CHECK(entry->generation() == Entry::last_generation);
  entry->set_generation(3);
  CHECK(entry->state() == Entry::State::present);
  CHECK(entry->generation() == 3);
}

TEST_CASE("an entry has its own key and no other") {
  const Owned entry = make({"ab", all, "cd"});
  CHECK(entry->has({"ab", all, "cd"}));
  CHECK_FALSE(entry->has({"abc", all, "d"}));
  CHECK_FALSE(entry->has({"a", all, "bcd"}));
  CHECK_FALSE(entry->has({"ab", all, "cD"}));
  CHECK_FALSE(entry->has({"Ab", all, "cd"}));
  CHECK_FALSE(entry->has({"ab", {PeriodType::day, 0}, "cd"}));
  CHECK_FALSE(entry->has({"ab", {PeriodType::all, 1}, "cd"}));
}

TEST_CASE("a new entry is live, clean and not loaded") {
  const Owned entry = make();
  CHECK(entry->load() == Entry::live);
  CHECK(entry->watermark() == 0);
  CHECK(entry->state() == Entry::State::unloaded);
  CHECK(entry->pins.load() == 0);
}

TEST_CASE("an add returns the old word and touches no flag, of a sealed entry neither") {
  for (const Word flags : {Entry::live, Entry::live | Entry::queued, Entry::live | Entry::busy,
                           Entry::live | Entry::queued | Entry::busy, Word{0}}) {
    const Owned entry = make_with(5, flags);
    CHECK(entry->add(-7) == (5 * Entry::unit | flags));
    CHECK(entry->load() == (-2 * Entry::unit | flags));
    CHECK(entry->add(max_count) == (-2 * Entry::unit | flags));
    CHECK(entry->load() == ((max_count - 2) * Entry::unit | flags));
  }
}

TEST_CASE("a word is replaced only if it is the expected one") {
  const Owned entry = make_with(5, Entry::live);
  Word word = 6 * Entry::unit | Entry::live;
  CHECK_FALSE(entry->replace(word, 0));
  CHECK(word == (5 * Entry::unit | Entry::live));
  while (!entry->replace(word, 9 * Entry::unit | Entry::live)) {
  }
  CHECK(entry->load() == (9 * Entry::unit | Entry::live));
}

TEST_CASE("a mark sets queued, keeps the rest, and tells what was there") {
  for (const Word flags : {Entry::live, Entry::live | Entry::queued, Entry::live | Entry::busy}) {
    const Owned entry = make_with(-3, flags);
    CHECK(entry->mark() == (-3 * Entry::unit | flags));
    CHECK(entry->load() == (-3 * Entry::unit | flags | Entry::queued));
  }
}

TEST_CASE("busy is taken from a live entry that nobody holds, dirty or not, and given back") {
  for (const Word flags : {Entry::live, Entry::live | Entry::queued}) {
    const Owned entry = make_with(4, flags);
    CHECK(entry->try_take());
    CHECK(entry->load() == (4 * Entry::unit | flags | Entry::busy));
    CHECK_FALSE(entry->try_take());
    CHECK(entry->load() == (4 * Entry::unit | flags | Entry::busy));
    entry->release();
    CHECK(entry->load() == (4 * Entry::unit | flags));
    CHECK(entry->try_take());
  }
  const Owned sealed = make_with(4, 0);
  CHECK_FALSE(sealed->try_take());
  CHECK(sealed->load() == 4 * Entry::unit);
}

TEST_CASE("only a clean entry in nobody's hands is sealed") {
  const Owned clean = make_with(4, Entry::live);
  CHECK(clean->try_seal());
  CHECK(clean->load() == 4 * Entry::unit);
  CHECK_FALSE(clean->try_seal());

  for (const Word flags :
       {Entry::live | Entry::queued, Entry::live | Entry::busy, Entry::live | Entry::queued | Entry::busy}) {
    const Owned entry = make_with(4, flags);
    CHECK_FALSE(entry->try_seal());
    CHECK(entry->load() == (4 * Entry::unit | flags));
  }
}

TEST_CASE("an entry that was added to and not yet marked is not sealed") {
  const Owned entry = make_with(4, Entry::live);
  entry->add(1);
  CHECK_FALSE(entry->try_seal());
  CHECK(entry->load() == (5 * Entry::unit | Entry::live));
  entry->add(-1);  // unmarked adds that cancel out are each begun anew on another entry
  CHECK(entry->try_seal());
}

TEST_CASE("freezing takes the change since the last batch and turns queued into busy") {
  const Owned entry = make_with(10, Entry::live);
  entry->add(7);
  entry->mark();
  entry->changes = 3;
  const Frozen frozen = entry->freeze();
  CHECK(frozen.change == Transform{7, no_floor});
  CHECK(frozen.net == 7);
  CHECK(entry->load() == (17 * Entry::unit | Entry::live | Entry::busy));
  CHECK(entry->watermark() == 17);
  CHECK(entry->changes == 0);

  entry->add(-2);  // while the batch is in flight: the next one's
  entry->mark();
  CHECK_FALSE(entry->try_seal());
  entry->release();
  CHECK_FALSE(entry->try_seal());
  CHECK(entry->freeze().change == Transform{-2, no_floor});
  entry->release();
  CHECK(entry->try_seal());
}

TEST_CASE("a word that is out of its range is waited for, as long as a thread may be without its processor") {
  using Waiting = BasicEntry<WaitingSync>;
  const std::unique_ptr<Waiting, void (*)(Waiting*)> entry(Waiting::create({"ns", all, "name"}),
                                                           &Waiting::destroy);
  const auto overshoot = [&] {
    entry->add(1);
    WaitingSync::yields = 0;
    WaitingSync::meanwhile = [&] {
      if (WaitingSync::yields == 100'000) entry->add(-1);
    };
  };
  entry->add(max_count);
  entry->mark();
  overshoot();
  CHECK(entry->freeze().net == max_count);
  overshoot();
  CHECK(entry->add_stored(-1, Waiting::State::present));
  CHECK(Waiting::count_of(entry->load()) == max_count - 1);
  WaitingSync::meanwhile = nullptr;
}

TEST_CASE("freezing waits only for a while for a word that is out of its range") {
  const Owned entry = make();
  entry->add(max_count);
  entry->mark();
  entry->add(1);                                // whose thread is taking its time to take it back
  CHECK(entry->freeze().net == max_count + 1);  // the store will put it aside
}

TEST_CASE("a change of nothing is frozen too: the counter is made by it") {
  const Owned entry = make();
  entry->mark();
  const Frozen frozen = entry->freeze();
  CHECK(frozen.change == Transform{0, no_floor});
  CHECK(frozen.net == 0);
}

TEST_CASE("freezing tells what floors have done since the last batch, once") {
  // From 3: -5 is clipped by 2 and leaves 0, then +4, -1 leaves 3.
  const Owned entry = make_with(3, Entry::live);
  const Window window{.clipped = 2, .lowest = -5, .floored = true};
  entry->mark();
  entry->add(0);  // 3 in all
  const Frozen frozen = entry->freeze(&window);
  CHECK(frozen.net == 0);
  CHECK(frozen.change == Transform{-2, 3});
  CHECK(frozen.change.apply(3) == 3);
  CHECK(frozen.change.apply(1) == 3);  // what another process left

  entry->release();
  entry->add(1);
  entry->mark();
  CHECK(entry->freeze().change == Transform{1, no_floor});
}

TEST_CASE("a counter that the store does not have is there once its first change is frozen") {
  const Owned entry = make();
  REQUIRE(entry->try_take());
  REQUIRE(entry->add_stored(0, Entry::State::absent));
  entry->release();
  CHECK(entry->state() == Entry::State::absent);
  entry->mark();
  (void)entry->freeze();
  CHECK(entry->state() == Entry::State::present);

  const Owned unloaded = make();
  unloaded->mark();
  (void)unloaded->freeze();
  CHECK(unloaded->state() == Entry::State::unloaded);
}

TEST_CASE("what is stored is added to count and watermark alike, so no change comes of it") {
  const Owned entry = make();
  entry->add(5);
  entry->mark();
  REQUIRE(entry->try_take());
  CHECK(entry->add_stored(100, Entry::State::present));
  CHECK(entry->load() == (105 * Entry::unit | Entry::live | Entry::queued | Entry::busy));
  CHECK(entry->watermark() == 100);
  CHECK(entry->state() == Entry::State::present);
  entry->release();
  CHECK(entry->freeze().change == Transform{5, no_floor});
}

TEST_CASE("a stored part that would take the count out of range is refused and changes nothing") {
  const Owned entry = make();
  entry->add(5);
  REQUIRE(entry->try_take());
  CHECK_FALSE(entry->add_stored(max_count - 4, Entry::State::present));
  CHECK(entry->load() == (5 * Entry::unit | Entry::live | Entry::busy));
  CHECK(entry->watermark() == 0);
  CHECK(entry->state() == Entry::State::unloaded);
  CHECK(entry->add_stored(max_count - 5, Entry::State::present));
  CHECK(Entry::count_of(entry->load()) == max_count);
}

TEST_CASE("what the store has put aside is taken back from count and watermark") {
  const Owned entry = make_with(10, Entry::live);
  entry->add(7);
  entry->mark();
  const Frozen frozen = entry->freeze();
  entry->add(1);
  entry->take_back(frozen.net);
  CHECK(entry->load() == (11 * Entry::unit | Entry::live | Entry::busy));
  CHECK(entry->watermark() == 10);
}
