// SPDX-License-Identifier: BSL-1.0
// Each policy as small as it may be, and each with one thing missing or wrong.
#include <livecount/concepts.hpp>

#include <livecount/sqlite.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

using namespace livecount;

namespace {

struct Nothing {};
template <bool given, class Part>
using If = std::conditional_t<given, Part, Nothing>;

struct WithOptions {
  struct Options {};
};
struct NeedsArguments {
  struct Options {
    explicit Options(int) {}
  };
};

/// What is wrong with a policy: a member of this name is missing, or it has another type than it should.
enum class Flaw {
  none,
  options,
  options_need_arguments,
  constructor,
  guarantee,
  guarantee_type,
  read,
  read_type,
  apply,
  apply_type,
  apply_parameter,
  sync,
  peek,
  peek_type,
  pin,
  pin_type,
  unpin,
  settle,
  drop_clean,
  drop_clean_type,
  capacity,
  capacity_type,
  capacity_const,
  statistics,
  statistics_type,
  writes_through,
  writes_through_type,
  pace,
  pace_type,
  start,
  notify,
  stop,
};

/// Options, and a constructor that takes them.
template <Flaw flaw>
struct Made : std::conditional_t<
                  flaw == Flaw::options, Nothing,
                  std::conditional_t<flaw == Flaw::options_need_arguments, NeedsArguments, WithOptions>> {
  Made() = default;
  template <class Options>
  explicit Made(const Options&) requires(flaw != Flaw::constructor) {}
};

// ---- stores

struct WithGuarantee {
  using guarantee = at_least_once;
};
struct WithOtherGuarantee {
  using guarantee = int;
};

template <Flaw flaw = Flaw::none>
struct SmallStore : Made<flaw>,
                    If<flaw != Flaw::guarantee,
                       std::conditional_t<flaw == Flaw::guarantee_type, WithOtherGuarantee, WithGuarantee>> {
  using Made<flaw>::Made;
  using Read = std::conditional_t<flaw == Flaw::read_type, Count, std::optional<Count>>;
  using Apply = std::conditional_t<flaw == Flaw::apply_type, bool, Outcome>;

  Read read(const KeyView& key) requires(flaw != Flaw::read) {
    const auto found = counts.find({std::string(key.ns), key.bucket, std::string(key.name)});
    return found == counts.end() ? Read{} : Read{found->second};
  }
  Apply apply(const Batch& batch) requires(flaw != Flaw::apply && flaw != Flaw::apply_parameter) {
    for (const auto& [key, change] : batch.records) {
      Count& count = counts[{std::string(key.ns), key.bucket, std::string(key.name)}];
      count = change.apply(count);
    }
    return Apply{};
  }
  Outcome apply(Batch&) requires(flaw == Flaw::apply_parameter);

  std::map<Key, Count> counts;
};

static_assert(StorePolicy<SmallStore<>>);
static_assert(!SettingsStore<SmallStore<>> && !SharedStore<SmallStore<>>);
static_assert(!StorePolicy<SmallStore<Flaw::options>>);
static_assert(!StorePolicy<SmallStore<Flaw::options_need_arguments>>);
static_assert(!StorePolicy<SmallStore<Flaw::constructor>>);
static_assert(!StorePolicy<SmallStore<Flaw::guarantee>>);
static_assert(!StorePolicy<SmallStore<Flaw::guarantee_type>>);
static_assert(!StorePolicy<SmallStore<Flaw::read>>);
static_assert(!StorePolicy<SmallStore<Flaw::read_type>>);
static_assert(!StorePolicy<SmallStore<Flaw::apply>>);
static_assert(!StorePolicy<SmallStore<Flaw::apply_type>>);
static_assert(!StorePolicy<SmallStore<Flaw::apply_parameter>>);
static_assert(!StorePolicy<int> && !StorePolicy<Nothing>);

struct KeepsSettings : SmallStore<> {
  using SmallStore<>::SmallStore;
  void adopt(const Settings&) {}
};
struct IsShared : SmallStore<> {
  using SmallStore<>::SmallStore;
  std::uint64_t version() { return 0; }
};
struct VersionIsText : SmallStore<> {
  using SmallStore<>::SmallStore;
  const char* version() { return "1"; }
};
static_assert(SettingsStore<KeepsSettings> && !SharedStore<KeepsSettings>);
static_assert(SharedStore<IsShared> && !SettingsStore<IsShared>);
static_assert(StorePolicy<VersionIsText> && !SharedStore<VersionIsText>);

// ---- caches

struct WithSync {
  using Sync = StdSync;
};

/// Keeps everything, for ever.
template <Flaw flaw = Flaw::none>
struct SmallCache : Made<flaw>, If<flaw != Flaw::sync, WithSync> {
  using Made<flaw>::Made;
  using Entry = BasicEntry<StdSync>;
  using Guard = detail::Epochs<StdSync>::Guard;
  using Size =
      std::conditional_t<flaw == Flaw::drop_clean_type || flaw == Flaw::capacity_type, int, std::size_t>;

  ~SmallCache() {
    for (Entry* const entry : entries) Entry::destroy(entry);
  }
  Entry* find(const HashedKey& key) {
    for (Entry* const entry : entries) {
      if (entry->has(key.key)) return entry;
    }
    return nullptr;
  }

  Entry* peek(const Guard&, const HashedKey& key) requires(flaw != Flaw::peek && flaw != Flaw::peek_type) {
    const std::lock_guard lock(mutex);
    return find(key);
  }
  std::optional<int> peek(const Guard&, const HashedKey&) requires(flaw == Flaw::peek_type);
  std::conditional_t<flaw == Flaw::pin_type, void*, Entry*> pin(const HashedKey& key) requires(flaw !=
                                                                                               Flaw::pin) {
    const std::lock_guard lock(mutex);
    Entry* entry = find(key);
    if (!entry) entries.push_back(entry = Entry::create(key.key));
    ++entry->pins;
    return entry;
  }
  void unpin(Entry& entry) requires(flaw != Flaw::unpin) { --entry.pins; }
  void settle(Entry& entry) requires(flaw != Flaw::settle) { entry.release(); }
  Size drop_clean() requires(flaw != Flaw::drop_clean) { return 0; }
  Size capacity() const requires(flaw != Flaw::capacity && flaw != Flaw::capacity_const) { return 1'000'000; }
  std::size_t capacity() requires(flaw == Flaw::capacity_const);
  std::conditional_t<flaw == Flaw::statistics_type, int, CacheStatistics> statistics() const
      requires(flaw != Flaw::statistics) {
    return {};
  }

  std::mutex mutex;
  std::vector<Entry*> entries;
};

static_assert(CachePolicy<SmallCache<>>);
static_assert(!CachePolicy<SmallCache<Flaw::options>>);
static_assert(!CachePolicy<SmallCache<Flaw::options_need_arguments>>);
static_assert(!CachePolicy<SmallCache<Flaw::constructor>>);
static_assert(!CachePolicy<SmallCache<Flaw::sync>>);
static_assert(!CachePolicy<SmallCache<Flaw::peek>>);
static_assert(!CachePolicy<SmallCache<Flaw::peek_type>>);
static_assert(!CachePolicy<SmallCache<Flaw::pin>>);
static_assert(!CachePolicy<SmallCache<Flaw::pin_type>>);
static_assert(!CachePolicy<SmallCache<Flaw::unpin>>);
static_assert(!CachePolicy<SmallCache<Flaw::settle>>);
static_assert(!CachePolicy<SmallCache<Flaw::drop_clean>>);
static_assert(!CachePolicy<SmallCache<Flaw::drop_clean_type>>);
static_assert(!CachePolicy<SmallCache<Flaw::capacity>>);
static_assert(!CachePolicy<SmallCache<Flaw::capacity_type>>);
static_assert(!CachePolicy<SmallCache<Flaw::capacity_const>>);
static_assert(!CachePolicy<SmallCache<Flaw::statistics>>);
static_assert(!CachePolicy<SmallCache<Flaw::statistics_type>>);
static_assert(!CachePolicy<int> && !CachePolicy<MemoryStore>);

// ---- queues

struct WithWritesThrough {
  static constexpr bool writes_through = false;
};
struct WithTextForWritesThrough {
  struct Text {};
  static constexpr Text writes_through{};
};

/// Writes at once what it is told of.
template <Flaw flaw = Flaw::none>
struct SmallQueue
    : Made<flaw>,
      If<flaw != Flaw::writes_through,
         std::conditional_t<flaw == Flaw::writes_through_type, WithTextForWritesThrough, WithWritesThrough>> {
  using Made<flaw>::Made;

  std::conditional_t<flaw == Flaw::pace_type, std::chrono::milliseconds, Pace> pace() const
      requires(flaw != Flaw::pace) {
    return {};
  }
  void start(Drain& to) requires(flaw != Flaw::start) { drain = &to; }
  void notify(Wake) requires(flaw != Flaw::notify) { (void)drain->drain(Drain::Scope::everything); }
  void stop() requires(flaw != Flaw::stop) {}

  Drain* drain = nullptr;
};

static_assert(QueuePolicy<SmallQueue<>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::options>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::options_need_arguments>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::constructor>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::writes_through>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::writes_through_type>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::pace>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::pace_type>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::start>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::notify>>);
static_assert(!QueuePolicy<SmallQueue<Flaw::stop>>);
static_assert(!QueuePolicy<int> && !QueuePolicy<LruCache>);

// ---- what is shipped

static_assert(CachePolicy<LockFreeCache> && CachePolicy<LruCache> && CachePolicy<NullCache>);
static_assert(StorePolicy<MemoryStore> && StorePolicy<SqliteStore>);
static_assert(!SettingsStore<MemoryStore> && !SharedStore<MemoryStore>);
static_assert(SettingsStore<SqliteStore> && SharedStore<SqliteStore>);
static_assert(QueuePolicy<InlineQueue> && QueuePolicy<ManualQueue> && QueuePolicy<JthreadQueue>);
static_assert(!StorePolicy<LruCache> && !CachePolicy<InlineQueue> && !QueuePolicy<MemoryStore>);
static_assert(check_store<SmallStore<>>() && check_cache<SmallCache<>>() && check_queue<SmallQueue<>>());

/// Another world than StdSync, as a simulator would have.
struct OtherSync : StdSync {};

template <class C>
void require_that_it_counts() {
  C counter;
  counter.increment("a");
  counter.increment("a", {.delta = 4});
  counter.decrement("b", {.delta = 2});
  CHECK(counter.get("a") == 5);
  CHECK(counter.get("b") == 0);
  CHECK(counter.get("c") == std::nullopt);
  CHECK(counter.increment_and_get("a") == 6);
  REQUIRE(counter.close(std::chrono::seconds(30)).clean);
  CHECK(counter.store().read({"default", {PeriodType::all, 0}, "a"}) == 6);
  CHECK(counter.store().read({"default", {PeriodType::all, 0}, "b"}) == 0);
}

}  // namespace

TEST_CASE("a counter of policies that have only what is required counts") {
  require_that_it_counts<Counter<SmallCache<>, SmallStore<>, SmallQueue<>>>();
  STATIC_REQUIRE(std::is_same_v<Counter<SmallCache<>, SmallStore<>, SmallQueue<>>::guarantee, at_least_once>);
}

TEST_CASE("each policy that has only what is required counts together with shipped ones") {
  require_that_it_counts<Counter<SmallCache<>, MemoryStore, JthreadQueue>>();
  require_that_it_counts<Counter<LockFreeCache, SmallStore<>, JthreadQueue>>();
  require_that_it_counts<Counter<LruCache, KeepsSettings, InlineQueue>>();
  require_that_it_counts<Counter<NullCache, IsShared, ManualQueue>>();
  require_that_it_counts<Counter<LruCache, MemoryStore, SmallQueue<>>>();
}

TEST_CASE("a counter can run on other atomics, locks and threads") {
  require_that_it_counts<Counter<BasicLruCache<OtherSync>, MemoryStore, BasicJthreadQueue<OtherSync>>>();
  require_that_it_counts<Counter<BasicLockFreeCache<OtherSync>, MemoryStore, ManualQueue>>();
}
