// SPDX-License-Identifier: BSL-1.0
//
// The contracts: what a cache, a store and a queue must offer to be put into Counter<Cache, Store, Queue>.
//
// Each concept stands below with its table, its thread rules and its smallest model. Counter checks its
// policies with check_cache, check_store and check_queue, whose first error names the policy and the
// operation that it lacks. Beside a policy of your own write the same:
//
//     static_assert(livecount::check_store<MyStore>());
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "detail/epoch.hpp"
#include "entry.hpp"
#include "record.hpp"
#include "retention.hpp"
#include "selection.hpp"

namespace livecount::inline v0_1 {

// ---- StorePolicy: the durable home of the counts
//
//   expression         returns                throws  meaning
//   S::Options         a type                         default constructible; S is made from it
//   S::guarantee       exactly_once or ...            what a batch sent twice does
//   s.read(key)        std::optional<Count>   Error   the count last applied; nullopt if there is none
//   s.apply(batch)     ApplyResult            Error   every record, or nothing; to throw is to say "unknown"
//
//   Threads: one apply at a time; reads run beside it, from any thread.
//   Progress: both may wait, for a disk or for other processes; whoever closes the Counter waits for them.
//   Smallest model (whole: examples/custom_store.cpp); KeyView is in key.hpp, the rest in record.hpp:
//
//     std::optional<Count> read(const KeyView& key);                    // key.ns, key.bucket, key.name
//     ApplyResult apply(const Batch& batch) {
//       for (const auto& [key, change] : batch.records) count_of(key) = change.apply(count_of(key));  // 0 if new
//       return Outcome::applied;
//     }
//
//   A record makes its counter, also when it changes nothing. A store that says exactly_once keeps, for each
//   (batch.writer, batch.shard), the last sequence and digest(batch), in the transaction of the records, and answers
//
//     sequence == last + 1                       after applying it: applied
//     sequence == last, the same digest          applied, with the same `quarantined`; nothing changes
//     sequence == last, another digest           not_applied, Errc::writer_duplicated
//     sequence < last                            applied; nothing changes
//     sequence > last + 1                        not_applied, Errc::store_rolled_back
//
//   A record whose result is not in_range() is set aside, and its position put into `quarantined`.
//
// Refinements, each optional:
//
//   SettingsStore      s.adopt(settings)      Error   keeps the settings with the data, or compares them with
//                                                     what is kept and refuses (settings_mismatch)
//   RemovingStore      S::removes                     true: apply erases the counters of records whose
//                                                     change.is_removal(), and the next record makes them anew.
//                                                     Counter::remove sends no such record to other stores
//   ExpiringStore      s.horizons()         Horizons  since when buckets are kept, as it is stored with the data
//                      s.expire(first, most)  Error   moves the horizon of first.type to this bucket, never back, and
//                                                     removes at most so many of the counters before it, or all: in one
//                                                     transaction. True if there are more; of `all` it throws
//                                                     invalid_option. Beside apply, by any thread
//                                                     A record before the horizon, which apply looks at in its
//                                                     transaction, is left out, and its position put into `late`:
//                                                     also when the batch is sent again
//   GroupingStore      s.reads_together()   an object; while it lives reads may see one moment of the data, but never one
//                                           before a batch that apply had acknowledged when the read began: cheaper
//   SharedStore        s.version()                    a number that moves when another process has changed
//                                                     the data: counts in memory are refreshed by it
//   QuestionStore      s.snapshot()           Error   one moment of the data, for as long as the object lives
//                                                     (batches may have to wait for that). Asked by one thread:
//     snapshot.applied(writer, shard)                 the writer's last sequence; 0 if there is none
//     snapshot.read(key)                              as s.read
//     snapshot.scan(selection, f)                     f(const KeyView&, Count) for each counter selected, by
//                                                     bucket and name, for as long as f returns true
//     snapshot.top(ns, bucket, limit)                 NamedCounts: the largest counts, ties by name
//     snapshot.names(selection, after, limit)         the distinct names selected, in order, above `after`
//     snapshot.namespaces()                           all of them, in order
//     snapshot.horizons()                             of an ExpiringStore
//     snapshot.sum(selection)                         optional: the sum of what is selected, or nothing if it does
//                                                     not fit into a Count. Without it every row is looked at

namespace detail {
template <class S>
concept has_read = requires(S& s, const KeyView& key) {
  { s.read(key) } -> std::same_as<std::optional<Count>>;
};
template <class S>
concept has_apply = requires(S& s, const Batch& batch) {
  { s.apply(batch) } -> std::convertible_to<ApplyResult>;
};
template <class S>
concept has_guarantee = requires {
  typename S::guarantee;
}
&&(std::same_as<typename S::guarantee, exactly_once> || std::same_as<typename S::guarantee, at_least_once>);
template <class P>
concept has_options = requires {
  typename P::Options;
}
&&std::default_initializable<typename P::Options>;
template <class P>
concept made_from_options = has_options<P> && std::constructible_from<P, typename P::Options>;
}  // namespace detail

template <class S>
concept StorePolicy =
    detail::made_from_options<S> && detail::has_guarantee<S> && detail::has_read<S> && detail::has_apply<S>;

template <class S>
concept SettingsStore = StorePolicy<S> && requires(S& s, const Settings& settings) {
  s.adopt(settings);
};

template <class S>
concept RemovingStore = StorePolicy<S> && S::removes;

template <class S>
concept ExpiringStore = StorePolicy<S> && requires(S& s, Bucket first, std::size_t most) {
  { s.horizons() } -> std::same_as<Horizons>;
  { s.expire(first, most) } -> std::same_as<bool>;
};

template <class S>
concept GroupingStore = StorePolicy<S> && requires(S& s) {
  s.reads_together();
};

template <class S>
concept SharedStore = StorePolicy<S> && requires(S& s) {
  { s.version() } -> std::convertible_to<std::uint64_t>;
};

template <class S>
concept QuestionStore = StorePolicy<S> &&
    requires(S& s, const WriterId& writer, const KeyView& key, const Selection& selection, Bucket bucket,
             std::optional<std::string_view> after, bool (*f)(const KeyView&, Count)) {
  { s.snapshot().applied(writer, 0U) } -> std::same_as<std::uint64_t>;
  { s.snapshot().read(key) } -> std::same_as<std::optional<Count>>;
  s.snapshot().scan(selection, f);
  { s.snapshot().top(selection.ns, bucket, 1U) } -> std::same_as<std::vector<NamedCount>>;
  { s.snapshot().names(selection, after, 1U) } -> std::same_as<std::vector<std::string>>;
  { s.snapshot().namespaces() } -> std::same_as<std::vector<std::string>>;
};

// ---- CachePolicy: the entries in memory
//
//   expression          returns             meaning
//   C::Options          a type              default constructible; C is made from it
//   C::Sync             a type              the threads and atomics it runs on (StdSync)
//   c.peek(guard, key)  a reference         the entry if it is resident: tests as bool, `->` reaches it. It
//                                           is valid until it (if it has a destructor) or the guard goes, but
//                                           may be sealed meanwhile
//   c.pin(key)          BasicEntry<Sync>*   the entry, made if need be; it stays until c.unpin. Null if there
//                                           is no room: everything that could leave is dirty or pinned
//   c.unpin(entry)                          takes back one pin
//   c.settle(entry)                         gives busy back; the last touch of the entry by its caller
//   c.drop_clean()      std::size_t         evicts every entry that is neither dirty nor pinned; how many
//   c.capacity()        std::size_t         how many entries there can be
//   c.statistics()      CacheStatistics
//
//   Optional, for increment_many: c.fetch_buckets(hash) and, a while later, c.fetch_entry(hash), hints that a key of
//   this hash will be asked for. And, for retention, c.drop_clean(f): drop_clean of those of which f(key) is true.
//
//   Throws: pin std::bad_alloc, the constructor also Error{invalid_option}; the others nothing.
//   Threads: any of these from any thread. Invariants of an entry: entry.hpp.
//   Progress: none waits for I/O; each policy says what is lock-free and which locks are taken for a moment.
//   Smallest model: cache/null_cache.hpp.

/// What a cache makes of its option `entries`. Throws: Error{invalid_option} for a number no machine has room for.
[[nodiscard]] inline std::size_t checked_entries(std::size_t entries, std::size_t smallest) {
  if (entries > std::size_t{1} << 40) {
    throw Error(Errc::invalid_option,
                "a cache of " + std::to_string(entries) + " entries: at most 2^40 are possible", "cache");
  }
  return entries < smallest ? smallest : entries;
}

struct CacheStatistics {
  std::size_t entries = 0;     // resident now
  std::uint64_t inserted = 0;  // entries made since the start: every miss makes one
  std::uint64_t evicted = 0;   // entries that have left
};

namespace detail {
template <class C>
concept has_sync = requires {
  typename C::Sync;
};
template <class C>
concept has_peek = has_sync<C> &&
    requires(C& c, const typename Epochs<typename C::Sync>::Guard& guard, const HashedKey& key) {
  static_cast<bool>(c.peek(guard, key));
  { *c.peek(guard, key) } -> std::same_as<BasicEntry<typename C::Sync>&>;
};
template <class C>
concept has_pin = has_sync<C> && requires(C& c, const HashedKey& key) {
  { c.pin(key) } -> std::same_as<BasicEntry<typename C::Sync>*>;
};
template <class C>
concept has_unpin = has_sync<C> && requires(C& c, BasicEntry<typename C::Sync>& entry) {
  c.unpin(entry);
};
template <class C>
concept has_settle = has_sync<C> && requires(C& c, BasicEntry<typename C::Sync>& entry) {
  c.settle(entry);
};
template <class C>
concept has_drop_clean = requires(C& c) {
  { c.drop_clean() } -> std::same_as<std::size_t>;
};
template <class C>
concept has_capacity = requires(const C& c) {
  { c.capacity() } -> std::same_as<std::size_t>;
};
template <class C>
concept has_statistics = requires(const C& c) {
  { c.statistics() } -> std::same_as<CacheStatistics>;
};
}  // namespace detail

template <class C>
concept CachePolicy = detail::made_from_options<C> && detail::has_peek<C> && detail::has_pin<C> &&
    detail::has_unpin<C> && detail::has_settle<C> && detail::has_drop_clean<C> && detail::has_capacity<C> &&
    detail::has_statistics<C>;

/// A cache that can drop some of its entries.
template <class C>
concept DroppingCache = CachePolicy<C> && requires(C& c, bool (*f)(const KeyView&)) {
  c.drop_clean(f);
};

/// A cache that can fetch ahead what will be asked for.
template <class C>
concept FetchingCache = CachePolicy<C> && requires(const C& c, std::uint64_t hash) {
  c.fetch_buckets(hash);
  c.fetch_entry(hash);
};

/// A cache whose look-ups are fast enough to stand inline in each update. peek: the entry of this name of the default
/// namespace, in this packed bucket, or null; it stays valid while the guard (Epochs<Sync>::QuickGuard) lives. fetch_entry
/// also returns null, or an entry that is probably the one of this hash, valid while a guard of the caller's lives, if
/// there is one. So does what peek(Guard) refers to: nothing happens when the reference goes.
template <class C>
concept QuickCache = FetchingCache<C> &&
    requires(C& c, const typename C::QuickGuard& guard, std::string_view name, std::int64_t bucket,
             std::uint64_t hash) {
  { c.peek(guard, name, bucket, hash) } -> std::same_as<BasicEntry<typename C::Sync>*>;
  { c.fetch_entry(hash) } -> std::same_as<BasicEntry<typename C::Sync>*>;
};

// ---- QueuePolicy: when changes are written
//
//   expression           returns            meaning
//   Q::Options           a type             default constructible; Q is made from it
//   Q::writes_through    bool (constexpr)   an update returns only after it has been committed
//   q.pace()             Pace               when a dirty counter is ripe
//   q.start(drain)                          called once, before any other call; `drain` stays until stop returns
//   q.notify(wake)                          something is to do: see Wake. Returns at once
//   q.stop()                                drain is not called any more, and no call of it is running; repeatable
//
//   Throws: start what the start of a thread throws (std::system_error); the others nothing.
//   Threads: notify from any thread; start and stop from one.
//   Progress: notify takes a lock for a moment at most; stop waits for a drain that is under way.
//   Smallest model: queue/inline_queue.hpp.

/// Why a queue is notified.
enum class Wake : std::uint8_t {
  dirty,   // the first counter has become dirty since the last drain
  ripe,    // a counter has gathered `batch_size` changes
  urgent,  // somebody waits for room
};

struct Pace {
  std::chrono::milliseconds max_delay{
      200};                      // a dirty counter is ripe at this age at the latest (steady clock)
  std::uint32_t batch_size = 0;  // ... or with so many changes of its own; 0: as soon as the queue drains
};

/// The worker's side of a Counter: one call writes what is to be written. Thread-safe; calls take turns.
class Drain {
 public:
  enum class Scope : std::uint8_t { ripe, everything };
  struct Report {
    bool failed = false;    // the store did not take a batch: try again later
    bool left = false;      // something stayed: unripe, marked meanwhile, or in the hands of a loader
    bool held = false;      // ... in a loader's hands, though it was ripe and there before this drain
    Errc error = Errc::ok;  // why it failed
    std::string message;
    std::optional<std::chrono::milliseconds>
        again{};  // drain at the latest after this time, also if nothing is dirty
  };
  [[nodiscard]] virtual Report drain(Scope scope) noexcept = 0;

 protected:
  ~Drain() = default;
};

namespace detail {
template <class Q>
concept has_writes_through = requires {
  { Q::writes_through } -> std::convertible_to<bool>;
};
template <class Q>
concept has_pace = requires(const Q& q) {
  { q.pace() } -> std::same_as<Pace>;
};
template <class Q>
concept has_start = requires(Q& q, Drain& drain) {
  q.start(drain);
};
template <class Q>
concept has_notify = requires(Q& q, Wake wake) {
  q.notify(wake);
};
template <class Q>
concept has_stop = requires(Q& q) {
  q.stop();
};
}  // namespace detail

template <class Q>
concept QueuePolicy = detail::made_from_options<Q> && detail::has_writes_through<Q> && detail::has_pace<Q> &&
    detail::has_start<Q> && detail::has_notify<Q> && detail::has_stop<Q>;

// ---- The checks whose messages a user meets

template <class S>
consteval bool check_store() {
  static_assert(detail::has_options<S>,
                "livecount: StorePolicy needs  struct Options  (default constructible)");
  static_assert(detail::made_from_options<S>, "livecount: StorePolicy needs  explicit Store(Options)");
  static_assert(
      detail::has_guarantee<S>,
      "livecount: StorePolicy needs  using guarantee = livecount::exactly_once  (or at_least_once)");
  static_assert(
      detail::has_read<S>,
      "livecount: StorePolicy needs  std::optional<livecount::Count> read(const livecount::KeyView& key)");
  static_assert(detail::has_apply<S>,
                "livecount: StorePolicy needs  livecount::ApplyResult apply(const livecount::Batch& batch)");
  return true;
}

template <class C>
consteval bool check_cache() {
  static_assert(detail::has_options<C>,
                "livecount: CachePolicy needs  struct Options  (default constructible)");
  static_assert(detail::made_from_options<C>, "livecount: CachePolicy needs  explicit Cache(Options)");
  static_assert(detail::has_sync<C>, "livecount: CachePolicy needs  using Sync = livecount::StdSync");
  static_assert(
      detail::has_peek<C>,
      "livecount: CachePolicy needs  Reference peek(const Guard& guard, const livecount::HashedKey& key)");
  static_assert(
      detail::has_pin<C>,
      "livecount: CachePolicy needs  livecount::BasicEntry<Sync>* pin(const livecount::HashedKey& key)");
  static_assert(detail::has_unpin<C>,
                "livecount: CachePolicy needs  void unpin(livecount::BasicEntry<Sync>& entry)");
  static_assert(detail::has_settle<C>,
                "livecount: CachePolicy needs  void settle(livecount::BasicEntry<Sync>& entry)");
  static_assert(detail::has_drop_clean<C>, "livecount: CachePolicy needs  std::size_t drop_clean()");
  static_assert(detail::has_capacity<C>, "livecount: CachePolicy needs  std::size_t capacity() const");
  static_assert(detail::has_statistics<C>,
                "livecount: CachePolicy needs  livecount::CacheStatistics statistics() const");
  return true;
}

template <class Q>
consteval bool check_queue() {
  static_assert(detail::has_options<Q>,
                "livecount: QueuePolicy needs  struct Options  (default constructible)");
  static_assert(detail::made_from_options<Q>, "livecount: QueuePolicy needs  explicit Queue(Options)");
  static_assert(detail::has_writes_through<Q>,
                "livecount: QueuePolicy needs  static constexpr bool writes_through");
  static_assert(detail::has_pace<Q>, "livecount: QueuePolicy needs  livecount::Pace pace() const");
  static_assert(detail::has_start<Q>, "livecount: QueuePolicy needs  void start(livecount::Drain& drain)");
  static_assert(detail::has_notify<Q>, "livecount: QueuePolicy needs  void notify(livecount::Wake wake)");
  static_assert(detail::has_stop<Q>, "livecount: QueuePolicy needs  void stop()");
  return true;
}

}  // namespace livecount::inline v0_1
