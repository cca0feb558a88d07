// SPDX-License-Identifier: BSL-1.0
//
// The counting protocol: how updates, reads, loads, batches and evictions of one entry get along. Counter is
// its public face; handles share it, so that they may outlive the Counter.
//
// Ways of an update
//   plain      One period, and no floor can bite: look the entry up, add blindly, look at the old word.
//              Lock-free.
//   marked     Several periods whose entries are all resident, marked and in the middle of their range, and no floor can
//              bite: look them up, and add inside the gate, where what is marked stays so and cannot leave. Takes no lock.
//   quick      Plain or marked, if the delta is not negative, the name short and in the default namespace, and the time in
//              the buckets that were asked for last: the same in one function that calls others only for what is rare, and
//              that crosses the gate (gate.hpp). What it cannot do, it leaves to those. Reads have such a way, too. Not where
//              the queue writes through, nor with a clock that throws.
//   fetched    Plain or marked, of many in one call: entries that were fetched ahead need not be looked for again.
//   striped    By a striped handle: to its own stripe (stripes.hpp). Wait-free.
//   together   All others: floored decrements, very large deltas, updates that want the new count, and those
//              that met something unusual. Pins every entry, loads where a count is needed, then adds by
//              compare-and-swap inside the gate: all or none, and whole for the worker.
// What is rare lies in functions that are not inlined: else the usual way would save registers for it, and wait for that
// before each atomic operation.
//
// Locks, in the order in which they are taken: the latch of the name (one loader, one floored decrement at a
// time; held during a store read), the turn of the drain, the gate of the name, a shard of its stripes, a cache's own.
// Nobody waits for the store inside a gate or a Guard. (The file is longer than most: these ways and locks are read
// together.)
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "../calendar.hpp"
#include "../detail/tally.hpp"
#include "../moment.hpp"
#include "adder.hpp"
#include "bucket_clock.hpp"
#include "lifetime.hpp"
#include "loader.hpp"
#include "options.hpp"
#include "pins.hpp"
#include "raise.hpp"
#include "retainer.hpp"
#include "write_behind.hpp"

namespace livecount::inline v0_1::detail {

template <class Cache, class Store, class Queue, class Clock>
class Core final : private Drain {
 public:
  using Sync = typename Cache::Sync;
  using Entry = BasicEntry<Sync>;
  using Word = typename Entry::Word;
  using Guard = typename Epochs<Sync>::Guard;
  using Stripe = detail::Stripe<Sync>;

  Core(typename Cache::Options cache, typename Store::Options store, typename Queue::Options queue,
       CoreOptions options, Clock clock)
      : options_(sane(std::move(options))),
        seed_(Sync::random()),
        default_seed_(seed_of(default_namespace, seed_)),
        clock_(std::move(clock)),
        buckets_(options_.calendar),
        cache_(std::move(cache)),
        store_(std::move(store)),
        queue_(std::move(queue)),
        handler_(options_.on_error),
        write_behind_(cache_, store_, lifetime_, handler_, limits(), seed_),
        adder_(write_behind_, options_.floor),
        loader_(store_, write_behind_, options_.block_timeout, options_.refresh),
        retainer_(options_.retention, options_.calendar, handler_) {
    if constexpr (SettingsStore<Store>) {
      store_.adopt(Settings{options_.calendar.text(), options_.calendar.week_start(), options_.floor});
    }
    if constexpr (ExpiringStore<Store>) {
      retainer_.learn(store_);
    } else if (!options_.retention.empty()) {
      throw Error(Errc::invalid_option, "this store lets no counts go (it is no ExpiringStore): no retention",
                  "retention");
    }
    if (!QuestionStore<Store> && options_.max_names != 0) {
      throw Error(Errc::invalid_option,
                  "this store cannot tell its names (it is no QuestionStore): no max_names", "max_names");
    }
    Epochs<Sync>::prepare();
    queue_.start(*this);
    if (!options_.retention.empty()) queue_.notify(Wake::dirty);
  }

  // ---- updates

  /// `result`: where the new count goes, if it is wanted; then there is one period.
  [[nodiscard, gnu::noinline]] Errc update(std::string_view name, const Update& update, Count delta,
                                           Count* result) noexcept {
    if constexpr (quick) {
      if (!result && delta >= 0 && adder_.is_plain(delta) && is_quick(name, update.ns)) [[likely]] {
        const std::uint64_t name_hash = hash_bytes(name, default_seed_);
        if (!update.periods.is_single()) return update_several(name, update, delta, name_hash);
        Place place;
        if (!recall_kept(*update.periods.begin(), update.at, place)) [[unlikely]]
          return update_with_care(name, update, delta, nullptr);
        const Added added = add_quickly(name, place, name_hash, delta);
        if (added == Added::yes) [[likely]]
          return Errc::ok;
        return finish_quickly(name, place, name_hash, delta, added);
      }
    }
    return update_with_care(name, update, delta, result);
  }

  /// Many updates, each for itself, in their order; `named(i)` gives the i-th, a pair of name and Update, and
  /// `report(i, code)` is told of those that failed. What they will look at is fetched ahead, for a group of them at a
  /// time, so that they do not wait for memory one by one.
  template <class Named, class Report>
  void update_many(std::size_t count, Named named, Report report) noexcept {
    std::array<Keys, group> keys;
    std::array<Errc, group> codes;
    for (std::size_t first = 0; first < count; first += group) {
      const std::size_t some = std::min(group, count - first);
      for (std::size_t i = 0; i < some; ++i) {
        const auto& [name, update] = named(first + i);
        codes[i] = try_work_out(name, update, keys[i]);
        if constexpr (FetchingCache<Cache>)
          keys[i].for_each_hash([&](auto hash) { cache_.fetch_buckets(hash); });
      }
      if constexpr (FetchingCache<Cache> && !quick) {
        for (std::size_t i = 0; i < some; ++i)
          keys[i].for_each_hash([&](auto hash) { cache_.fetch_entry(hash); });
      }
      for (std::size_t i = 0; i < some; ++i) {
        if constexpr (quick) {
          if (i == 0 || may_add_fetched(keys[i], codes[i], named(first + i).second.delta)) {
            i = add_fetched(std::span(keys).first(some), codes, i,
                            [&](std::size_t of) { return named(first + of).second.delta; });
            if (i == some) break;
          }
        }
        const Errc code = account([&] {
          return codes[i] == Errc::ok ? add_keys(keys[i], named(first + i).second.delta, nullptr) : codes[i];
        });
        if (code != Errc::ok) report(first + i, code);
      }
    }
  }

  /// The same as update for a handle's entries, which stay pinned.
  [[nodiscard]] Errc update_pinned(Entry* const* entries, std::size_t count, std::uint64_t name_hash,
                                   Count delta) noexcept {
    if constexpr (!Queue::writes_through) {
      if (count == 1) [[likely]] {
        const Added added = add_plain_pinned(*entries[0], name_hash, delta);
        if (added == Added::yes) [[likely]]
          return Errc::ok;
        (void)tell_queue(added);
        if (is_done(added)) return Errc::ok;
      }
    }
    return update_pinned_together(entries, count, name_hash, delta);
  }

  /// The same for a handle's own stripe of the entry.
  [[nodiscard]] Errc update_striped(Entry& entry, Stripe& stripe, std::uint64_t name_hash,
                                    Count delta) noexcept {
    if (delta <= 0 || delta > Stripe::largest || write_behind_.room().full()) [[unlikely]]
      return update_beside_stripe(entry, stripe, name_hash, delta);
    stripe.add(delta);
    const Word word = entry.load();
    if (Entry::is_usual(word) && !closed()) [[likely]]
      return Errc::ok;
    return finish_striped(entry, stripe, name_hash, delta);
  }
  /// A stripe of the entry, which the caller has pinned; null where every update has to be seen at once. Throws:
  /// std::bad_alloc.
  [[nodiscard]] Stripe* join(Entry& entry, std::uint64_t name_hash) {
    if (Queue::writes_through || write_behind_.pace().batch_size != 0) return nullptr;
    return &write_behind_.stripes().join(entry, name_hash);
  }
  void leave(Entry& entry, Stripe& stripe, std::uint64_t name_hash) noexcept {
    fold_one(entry, stripe, name_hash);
    write_behind_.stripes().leave(entry, name_hash, stripe);
  }

  /// An update that counted has been left out of so many periods, whose buckets are not kept.
  void leave_out(std::size_t periods) noexcept { left_out_.fetch_add(periods, std::memory_order_relaxed); }

  /// A decrement by exactly the count that it gives; none, and nothing changed, if there is no such counter.
  [[nodiscard]] Errc take(std::string_view name, const Lookup& lookup, std::optional<Count>& count) noexcept {
    count = std::nullopt;
    return account([&] {
      return change_one(name, lookup, [&](Entry& entry, std::uint64_t name_hash) {
        return take_pinned(entry, name_hash, count);
      });
    });
  }

  /// Lets the count begin anew: by a reset, or by a removal.
  [[nodiscard]] Errc begin_anew(std::string_view name, const Lookup& lookup, Transform change) noexcept {
    const Errc code = account([&] {
      return change_one(name, lookup, [&](Entry& entry, std::uint64_t name_hash) {
        Count gone = 0;
        const Errc begun = write_behind_.begin_anew(entry, name_hash, change, gone);
        if (begun != Errc::ok) return begun;
        adder_.discard(gone);
        accepted_.add(Guard().thread_index(), 0);
        return Errc::ok;
      });
    });
    if (code == Errc::ok) queue_.notify(Wake::dirty);
    return code;
  }

  /// For updates that are refused before they get here.
  [[nodiscard]] Errc refuse(Errc code) noexcept {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return code;
  }

  [[nodiscard]] Errc check(std::string_view name, std::string_view ns, Count delta = 0) const noexcept {
    if (name.size() > max_name_bytes) return Errc::name_too_long;
    if (ns.size() > max_namespace_bytes) return Errc::namespace_too_long;
    return in_range(delta) ? Errc::ok : Errc::delta_out_of_range;
  }

  // ---- reads

  /// Throws Error{time_out_of_range}.
  [[nodiscard, gnu::noinline]] Errc get(std::string_view name, const Lookup& lookup,
                                        std::optional<Count>& count) {
    if constexpr (quick) {
      if (is_quick(name, lookup.ns) && options_.max_names == 0 && !loader_.has_to_look()) {
        const std::uint64_t name_hash = hash_bytes(name, default_seed_);
        Place place;
        if (recall_kept(lookup.period, lookup.at, place)) {
          const QuickGuard guard;
          if (guard && !closed()) {
            Entry* const entry = cache_.peek(guard, name, pack(place.bucket), name_hash ^ place.salt);
            Count found = 0;
            if (entry && !entry->is_striped() && loader_.read_quickly(*entry, found)) {
              count = adder_.visible(found);
              return Errc::ok;
            }
          }
        }
      }
    }
    return get_with_care(name, lookup, count);
  }
  [[nodiscard, gnu::noinline]] Errc get_with_care(std::string_view name, const Lookup& lookup,
                                                  std::optional<Count>& count) {
    if (const Errc code = check(name, lookup.ns); code != Errc::ok) return code;
    if (closed()) return refusal();  // before the store is asked
    look_for_changes();
    const std::uint64_t name_hash = hash_of(lookup.ns, name);
    const HashedKey key = key_of(name, lookup.ns, lookup.period, lookup.at, name_hash);
    count = std::nullopt;
    if (!retainer_.keeps(key.key.bucket)) return Errc::ok;
    if constexpr (QuestionStore<Store>) {
      if (options_.max_names != 0 && name == overflow_name) {  // what is in memory is not all of it
        count = moment([&](const KeyView& other) { return other == key.key; }).read(key.key);
        return show(count);
      }
    }
    {
      const Guard guard;
      if (closed()) return refusal();
      if (const auto entry = cache_.peek(guard, key); entry && read(*entry, name_hash, count))
        return show(count);
    }
    const Call call(lifetime_);
    if (!call) return refusal();
    Patience patience;
    for (;;) {
      {
        Pins<Cache> pins(cache_);
        if (pins.take(key)) {
          const std::lock_guard latch(latch_of(name_hash));
          const Errc code = loader_.load(*pins.entries()[0], name_hash);
          if (code != Errc::ok) return code;
          if (read(*pins.entries()[0], name_hash, count)) return show(count);
          continue;  // another process has changed the store in between: look again
        }
      }
      if (!relieve(patience)) return no_room();
    }
  }

  /// For who reads many counters: see GroupingStore.
  [[nodiscard]] auto reads_together() {
    const Call call(lifetime_);
    if (!call) raise(*this, refusal(), "get_many");
    if constexpr (GroupingStore<Store>) {
      return store_.reads_together();
    } else {
      return std::monostate();
    }
  }

  /// One moment of all counters that are `wanted(key)`. Throws: Error, what the store throws.
  template <class Wanted>
  [[nodiscard]] auto moment(Wanted wanted) {
    const Call call(lifetime_);
    if (!call) raise(*this, refusal(), "question");
    return Moment<decltype(store_.snapshot())>(retainer_.horizons(), [&](auto add) {
      return write_behind_.look([&](const KeyView& key, const Transform& change) {
        if (wanted(key)) add(key, change);
      });
    });
  }

  // ---- handles

  [[nodiscard]] std::uint64_t hash_of(std::string_view ns, std::string_view name) const noexcept {
    return hash_bytes(name, is_default(ns) ? default_seed_ : seed_of(ns, seed_));
  }
  /// Throws Error{time_out_of_range}.
  [[nodiscard, gnu::always_inline]] HashedKey key_of(std::string_view name, std::string_view ns,
                                                     PeriodType type, const std::optional<Time>& at,
                                                     std::uint64_t name_hash) {
    if (type == PeriodType::all) return {{ns, {type, 0}, name}, name_hash};
    // By its parts: what is copied whole right after it was written in parts is waited for.
    const auto place = buckets_.place(type, time_of(at));
    return {{ns, {type, place.bucket.start}, name}, name_hash ^ place.salt};
  }
  /// Null if there is no room, even after having waited for it.
  [[nodiscard]] Entry* pin(const HashedKey& key) {
    Patience patience;
    for (;;) {
      if (Entry* const entry = cache_.pin(key)) return entry;
      if (closed() || !relieve(patience)) return nullptr;
    }
  }
  void unpin(Entry& entry) noexcept { cache_.unpin(entry); }
  [[nodiscard]] bool keeps(Bucket bucket) const noexcept { return retainer_.keeps(bucket); }
  [[nodiscard]] std::uint64_t moves_of_horizons() const noexcept { return retainer_.moves(); }
  /// The time, or now.
  [[nodiscard]] Time time_of(const std::optional<Time>& at) const {
    return at.has_value() ? at.value() : Time(clock_.now());
  }

  // ---- upkeep

  /// What a queue asks for.
  [[nodiscard]] Report drain(Scope scope) noexcept override {
    Report report = write_behind_.drain(scope);
    report.again = retain();
    return report;
  }

  /// Lets all go that is to go by now. Not empty: a horizon did not move as far as it should have. Throws: Error, what the
  /// store throws.
  [[nodiscard]] std::string let_go() requires ExpiringStore<Store> {
    if (handler_.inside()) raise(*this, Errc::inside_handler, "retain");
    const Call call(lifetime_);
    if (!call) raise(*this, refusal(), "retain");
    return retainer_.finish(cache_, store_, time_of(std::nullopt), rows_at_a_time, [this] {
      write_behind_.attempts().rest(std::chrono::milliseconds(1));  // let batches in
      if (closed()) raise(*this, refusal(), "retain");
    });
  }
  [[nodiscard]] Horizons horizons() const noexcept { return retainer_.horizons(); }

  /// Writes everything that came before the call, or reports why not.
  [[nodiscard]] Drain::Report flush() noexcept {
    for (;;) {
      Drain::Report report = drain(Drain::Scope::everything);
      if (report.failed || !report.held) return report;
      write_behind_.attempts().rest(
          std::chrono::milliseconds(1));  // something is in a loader's hands for the length of a store read
    }
  }

  CloseReport close(std::chrono::milliseconds timeout) noexcept {
    if (lifetime_.forked()) return {false, 0, "the counter belongs to the parent of this process"};
    if (handler_.inside()) {
      return {false, write_behind_.pending(),
              "on_error cannot close the counter whose writing it may hold up"};
    }
    const std::lock_guard lock(close_mutex_);
    const auto deadline = Sync::now() + std::clamp(timeout, std::chrono::milliseconds(0), longest_wait);
    lifetime_.close([this] {
      write_behind_.attempts().end_waits();
      write_behind_.attempts().rest(std::chrono::milliseconds(1));
    });
    queue_.stop();
    for (;;) {
      const Drain::Report report = write_behind_.drain(Drain::Scope::everything);
      if (!report.failed && !report.left) return {};
      if (Sync::now() >= deadline) return {false, write_behind_.pending(), report.message};
      write_behind_.attempts().rest(std::chrono::milliseconds(50));
    }
  }

  /// Whether calls are refused, and why.
  [[nodiscard]] bool closed() const noexcept { return lifetime_.closed(); }
  [[nodiscard]] bool forked() const noexcept { return lifetime_.forked(); }
  [[nodiscard]] Errc refusal() const noexcept { return lifetime_.refusal(); }

  [[nodiscard]] std::size_t drop_clean() { return cache_.drop_clean(); }
  [[nodiscard]] const CoreOptions& options() const noexcept { return options_; }
  [[nodiscard]] const Calendar& calendar() const noexcept { return options_.calendar; }
  [[nodiscard]] Store& store() noexcept { return store_; }
  [[nodiscard]] Queue& queue() noexcept { return queue_; }
  [[nodiscard]] const ErrorHandler& handler() const noexcept { return handler_; }
  [[nodiscard]] const WriteBehind<Cache, Store>& write_behind() const noexcept { return write_behind_; }

  /// What the store said when it failed last.
  [[nodiscard]] std::string last_failure() const {
    std::string failure = write_behind_.attempts().failure();
    return failure.empty() ? loader_.last_failure() : failure;
  }

  [[nodiscard]] Stats stats() {
    auto unflushed = write_behind_.unflushed_sum();
    auto accepted = accepted_.total();
    const auto striped = write_behind_.stripes().totals();
    accepted.updates += striped.folded.updates + striped.gathered.updates;
    accepted.sum += striped.folded.sum + striped.gathered.sum;
    if (unflushed) *unflushed += striped.gathered.sum;
    const auto& figures = write_behind_.figures();
    const auto read = [](const auto& figure) { return figure.load(std::memory_order_relaxed); };
    const auto sum = [](std::uint64_t bits) { return static_cast<Count>(bits); };
    const CacheStatistics cache = cache_.statistics();
    return {.accepted = accepted.updates,
            .refused = read(refused_),
            .accepted_sum = sum(accepted.sum),
            .stored_sum = sum(read(figures.stored_sum)),
            .in_flight_sum = sum(read(figures.in_flight_sum)),
            .unflushed_sum = unflushed ? std::optional(sum(*unflushed)) : std::nullopt,
            .quarantined_sum = sum(read(figures.quarantined_sum)),
            .expired_sum = sum(read(figures.expired_sum)),
            .discarded_sum = sum(adder_.discarded_sum()),
            .pending = write_behind_.pending(),
            .batches = read(figures.batches),
            .records = read(figures.records),
            .failures = read(figures.failures),
            .error = read(figures.error),
            .quarantined = read(figures.quarantined),
            .late = read(figures.late) + read(left_out_),
            .overflowed = read(figures.overflowed),
            .loads = loader_.loads(),
            .capacity = cache_.capacity(),
            .entries = cache.entries,
            .inserted = cache.inserted,
            .evicted = cache.evicted};
  }

 private:
  static constexpr std::size_t group = 16;             // of updates, that wait for memory together
  static constexpr std::size_t rows_at_a_time = 1000;  // to be removed in one transaction
  using Inside = typename Gate<Sync>::Inside;
  /// What peek finds stays valid while the guard lives: when the reference goes, nothing happens.
  static constexpr bool guards_references =
      std::is_trivially_destructible_v<decltype(std::declval<Cache&>().peek(
          std::declval<const Guard&>(), std::declval<const HashedKey&>()))>;
  using Call = typename Lifetime<Sync>::Call;
  template <class T>
  using atomic = typename Sync::template atomic<T>;

  /// Until when a call waits for room: set when it first has to.
  struct Patience {
    std::optional<typename Sync::time_point> deadline;
  };

  // ---- updates

  /// Turns what is thrown into codes, commits where the queue writes through, and counts what is refused.
  template <class F>
  [[nodiscard]] Errc account(F&& f) noexcept {
    Errc code = Errc::ok;
    try {
      code = f();
      if constexpr (Queue::writes_through) {
        if (code == Errc::ok) return commit();
      }
    } catch (const Error& error) {
      code = error.code();
    } catch (const std::exception&) {  // no memory for an entry: nothing has been counted
      code = Errc::backpressure;
    }
    if (code != Errc::ok) refused_.fetch_add(1, std::memory_order_relaxed);
    return code;
  }

  [[nodiscard]] Errc commit() noexcept { return flush().failed ? Errc::not_yet_durable : Errc::ok; }

  [[nodiscard]] Errc try_work_out(std::string_view name, const Update& update, Keys& keys) noexcept {
    keys.count = 0;
    if (const Errc code = check(name, update.ns, update.delta); code != Errc::ok) return code;
    try {
      work_out(name, update, hash_of(update.ns, name), keys);
      return Errc::ok;
    } catch (const Error& error) {
      return error.code();
    }
  }

  [[nodiscard, gnu::noinline]] Errc update_with_care(std::string_view name, const Update& update, Count delta,
                                                     Count* result) noexcept {
    return account([&] {
      if (const Errc code = check(name, update.ns, delta); code != Errc::ok) return code;
      const std::uint64_t name_hash = hash_of(update.ns, name);
      if (update.periods.is_single() && !result && adder_.is_plain(delta)) {
        const HashedKey key = key_of(name, update.ns, *update.periods.begin(), update.at, name_hash);
        return retainer_.keeps(key.key.bucket) ? add_plain(key, name_hash, delta) : too_late();
      }
      return update_keys(name, update, name_hash, delta, result);
    });
  }
  [[nodiscard, gnu::noinline]] Errc update_keys(std::string_view name, const Update& update,
                                                std::uint64_t name_hash, Count delta, Count* result) {
    if (closed()) return refusal();  // before the store is asked
    if (result) look_for_changes();
    return add_keys(keys_of(name, update, name_hash), delta, result);
  }

  /// In the way that the delta and the number of periods ask for.
  [[nodiscard]] Errc add_keys(const Keys& keys, Count delta, Count* result) {
    if (keys.expired == 0) return add_kept(keys, delta, result);
    if (keys.count == 0) return too_late();
    const Errc code = add_kept(keys, delta, result);
    if (code == Errc::ok) leave_out(keys.expired);
    return code;
  }
  [[nodiscard]] Errc add_kept(const Keys& keys, Count delta, Count* result) {
    if (!result && adder_.is_plain(delta)) {
      if (keys.count == 1) return add_plain(keys[0], keys.name_hash, delta);
      if constexpr (guards_references) {
        if (add_marked(keys, delta)) return Errc::ok;
      }
    }
    return add_together(keys, delta, result);
  }

  [[nodiscard]] Keys keys_of(std::string_view name, const Update& update, std::uint64_t name_hash) {
    Keys keys;
    work_out(name, update, name_hash, keys);
    return keys;
  }
  void work_out(std::string_view name, const Update& update, std::uint64_t name_hash, Keys& keys) {
    keys.ns = update.ns;
    keys.name = name;
    keys.name_hash = name_hash;
    keys.count = keys.expired = 0;
    const Time at = time_of(update.at);  // one for all periods
    for (const PeriodType type : update.periods) {
      const HashedKey key = key_of(name, update.ns, type, at, name_hash);
      if (retainer_.keeps(key.key.bucket)) {
        keys.add(key);
      } else {
        ++keys.expired;
      }
    }
  }

  [[nodiscard]] Errc add_plain(const HashedKey& key, std::uint64_t name_hash, Count delta) {
    Added added = Added::no;
    {
      const Guard guard;
      if (closed()) return refusal();
      if (const auto entry = cache_.peek(guard, key)) {
        if (delta < 0) [[unlikely]]
          fold(*entry, name_hash);
        added = add_and_count(guard, *entry, name_hash, delta);
      }
    }
    (void)tell_queue(added);
    return is_done(added) ? Errc::ok : add_not_plain(key, name_hash, delta, added);
  }
  [[nodiscard, gnu::noinline]] Errc add_not_plain(const HashedKey& key, std::uint64_t name_hash, Count delta,
                                                  Added added) {
    Keys keys;
    keys.ns = key.key.ns;
    keys.name = key.key.name;
    keys.name_hash = name_hash;
    keys.add(key);
    return added == Added::cancelled ? repeat_cancelled(keys, delta) : add_together(keys, delta, nullptr);
  }

  /// Added::no if it is not plain. Never cancelled: what is pinned does not leave.
  [[nodiscard]] Added add_plain_pinned(Entry& entry, std::uint64_t name_hash, Count delta) noexcept {
    if (!adder_.is_plain(delta)) [[unlikely]]
      return Added::no;
    if (delta >= 0) [[likely]] {
      const QuickGuard guard;
      if (guard && !closed()) [[likely]]
        return add_and_count(guard, entry, name_hash, delta);
    }
    const Guard guard;
    if (closed()) return Added::no;
    if (delta < 0) [[unlikely]]
      fold(entry, name_hash);
    return add_and_count(guard, entry, name_hash, delta);
  }
  template <class G>
  [[nodiscard, gnu::always_inline]] Added add_and_count(const G& guard, Entry& entry, std::uint64_t name_hash,
                                                        Count delta) noexcept {
    const Added added = adder_.add(entry, name_hash, delta);
    if (is_done(added)) [[likely]]
      accepted_.add(guard.thread_index(), delta);
    return added;
  }

  [[nodiscard, gnu::noinline]] Errc update_pinned_together(Entry* const* entries, std::size_t count,
                                                           std::uint64_t name_hash, Count delta) noexcept {
    return account([&] {
      if (!in_range(delta)) return Errc::delta_out_of_range;
      Patience patience;
      for (;;) {
        {
          const Call call(lifetime_);
          if (!call) return refusal();
          const Errc code = add_pinned(entries, count, name_hash, delta, nullptr);
          if (code != Errc::backpressure) return code;
        }
        if (!relieve(patience)) return no_room();
      }
    });
  }

  [[nodiscard]] static bool is_in_middle(Word word) noexcept {
    return Entry::count_of(word) <= Stripe::middle && Entry::count_of(word) >= -Stripe::middle;
  }
  /// The stripe has it: now it is marked, or taken back and refused.
  [[nodiscard, gnu::noinline]] Errc finish_striped(Entry& entry, Stripe& stripe, std::uint64_t name_hash,
                                                   Count delta) noexcept {
    if (forked()) return refuse(Errc::forked_child);
    {
      const Guard guard;
      if (!closed() && is_in_middle(entry.load())) {
        fold(entry, name_hash);
        return Errc::ok;
      }
      if (!write_behind_.stripes().take_back(stripe, name_hash, delta)) return Errc::ok;
      if (closed()) return refuse(refusal());
    }
    return update_beside_stripe(entry, stripe, name_hash, delta);
  }
  [[nodiscard, gnu::noinline]] Errc update_beside_stripe(Entry& entry, Stripe& stripe,
                                                         std::uint64_t name_hash, Count delta) noexcept {
    if (!forked()) fold_one(entry, stripe, name_hash);  // what its handle has counted before comes first
    Entry* const entries = &entry;
    return update_pinned(&entries, 1, name_hash, delta);
  }
  void fold_one(Entry& entry, const Stripe& stripe, std::uint64_t name_hash) noexcept {
    if (write_behind_.fold(entry, name_hash, &stripe)) (void)tell_queue(Added::marked);
  }
  /// Brings what stripes have gathered into the count, which is about to be looked at, or to become smaller: a count is
  /// never seen without what came before a decrement. Requires: a Guard, or a pin; a call that closing waits for.
  void fold(Entry& entry, std::uint64_t name_hash) noexcept {
    if (entry.is_striped() && write_behind_.fold(entry, name_hash)) (void)tell_queue(Added::marked);
  }
  [[nodiscard]] bool read(Entry& entry, std::uint64_t name_hash, std::optional<Count>& count) noexcept {
    fold(entry, name_hash);
    return loader_.read(entry, count);
  }

  /// It is counted, whatever becomes of the repeat: that only sees to it that the counter exists.
  [[nodiscard]] Errc repeat_cancelled(const Keys& keys, Count delta) noexcept {
    bool repeated = false;
    try {
      repeated = add_together(keys, 0, nullptr) == Errc::ok;
    } catch (const std::exception&) {  // no memory for an entry
    }
    accepted_.add(Guard().thread_index(), delta, repeated ? 0 : 1);
    return Errc::ok;
  }

  /// Several periods at once, if all their entries are resident and usual. False, and nothing changed, if it has to be
  /// done with pins.
  [[nodiscard]] bool add_marked(const Keys& keys, Count delta) noexcept {
    Added added = Added::no;
    {
      const Guard guard;
      if (closed()) return false;
      std::array<Entry*, most_periods> entries;
      for (std::size_t i = 0; i < keys.count; ++i) {
        const auto entry = cache_.peek(guard, keys[i]);
        if (!entry) return false;
        entries[i] = &*entry;
        if (delta < 0) fold(*entry, keys.name_hash);
      }
      added = add_all_and_count(guard, entries.data(), keys.count, keys.name_hash, delta);
    }
    if (!is_done(added)) return false;
    (void)tell_queue(added);
    return true;
  }
  /// The same for several periods of a name: all or none. Inside the gate what is queued stays so, and so cannot leave.
  /// Added::no, and nothing changed: one was not usual, or would have left its range beside the changes of others. Requires: adder_.is_plain(delta).
  template <class G>
  [[nodiscard, gnu::always_inline]] Added add_all_and_count(const G& guard, Entry* const* entries,
                                                            std::size_t count, std::uint64_t name_hash,
                                                            Count delta) noexcept {
    const Inside inside(write_behind_.gate(name_hash));
    for (std::size_t i = 0; i < count; ++i) {
      if (!Entry::is_usual(entries[i]->load())) return Added::no;
    }
    return add_all_usual(guard, entries, count, delta);
  }
  /// Requires also: inside the gate, where all were usual.
  template <class G>
  [[nodiscard, gnu::always_inline]] Added add_all_usual(const G& guard, Entry* const* entries,
                                                        std::size_t count, Count delta) noexcept {
    bool fits = true;
    for (std::size_t i = 0; i < count; ++i) {
      const Word old = entries[i]->add(delta);
      fits &= Entry::is_usual(old) || in_range(Entry::count_of(old) + delta);
    }
    if (!fits) [[unlikely]] {
      for (std::size_t i = 0; i < count; ++i) (void)entries[i]->add(-delta);
      return Added::no;
    }
    Added added = Added::yes;
    for (std::size_t i = 0; i < count; ++i) {
      if (adder_.note_change(*entries[i])) added = Added::ripe;
    }
    accepted_.add(guard.thread_index(), delta * static_cast<Count>(count));
    return added;
  }

  [[nodiscard]] Errc add_together(const Keys& keys, Count delta, Count* result) {
    return with_pins(keys, [&](Entry* const* entries) {
      return add_pinned(entries, keys.count, keys.name_hash, delta, result);
    });
  }

  /// Calls f(entries) until it returns another code than backpressure, for which room is made in between.
  template <class F>
  [[nodiscard]] Errc with_pins(const Keys& keys, F f) {
    const Call call(lifetime_);
    if (!call) return refusal();
    Patience patience;
    for (;;) {
      {
        Pins<Cache> pins(cache_);
        if (pins.take(keys)) {
          const Errc code = f(pins.entries());
          if (code != Errc::backpressure) return code;
        }
      }
      if (!relieve(patience)) return no_room();
    }
  }

  /// Calls f(entry, name_hash) for a change that needs the count: pinned, loaded, under the latch.
  template <class F>
  [[nodiscard]] Errc change_one(std::string_view name, const Lookup& lookup, F f) {
    if (const Errc code = check(name, lookup.ns); code != Errc::ok) return code;
    if (closed()) return refusal();  // before the store is asked
    look_for_changes();
    const std::uint64_t name_hash = hash_of(lookup.ns, name);
    const Keys keys = keys_of(name, update_of(lookup), name_hash);
    if (keys.expired != 0) return too_late();
    return with_pins(keys, [&](Entry* const* entries) {
      const std::lock_guard latch(latch_of(name_hash));
      fold(*entries[0], name_hash);  // first, so that loading sees when the count would leave its range
      const Errc code = loader_.load(*entries[0], name_hash);
      if (code != Errc::ok) return code;
      fold(*entries[0], name_hash);
      return f(*entries[0], name_hash);
    });
  }

  /// All or none. Errc::backpressure: there is no room for the marks, and nothing was changed.
  [[nodiscard]] Errc add_pinned(Entry* const* entries, std::size_t count, std::uint64_t name_hash,
                                Count delta, Count* result) {
    const bool floored = adder_.is_floored(delta);
    std::unique_lock latch(latch_of(name_hash), std::defer_lock);
    if (floored || result) {
      latch.lock();
      for (std::size_t i = 0; i < count; ++i) {
        fold(*entries[i], name_hash);
        if (const Errc code = loader_.load(*entries[i], name_hash); code != Errc::ok) return code;
      }
    }
    for (std::size_t i = 0; i < count && (delta < 0 || result); ++i) fold(*entries[i], name_hash);
    Added added = Added::yes;
    {
      const Inside inside(write_behind_.gate(name_hash));
      std::array<bool, most_periods> clean{};
      std::size_t marks = 0;
      for (std::size_t i = 0; i < count; ++i) {
        clean[i] = !Entry::is_queued(entries[i]->load());  // what is queued stays so inside the gate
        if (clean[i]) ++marks;
      }
      // A look first, so that hardly ever anything has to be undone.
      for (std::size_t i = 0; i < count && !floored; ++i) {
        if (!in_range(Entry::count_of(entries[i]->load()) + delta)) return Errc::overflow;
      }
      if (!write_behind_.room().reserve(marks)) return Errc::backpressure;
      std::array<Window*, most_periods> windows{};
      try {
        for (std::size_t i = 0; i < count && floored; ++i)
          windows[i] = &write_behind_.window(*entries[i], name_hash);
      } catch (...) {
        write_behind_.room().unreserve(marks);
        throw;
      }
      for (std::size_t i = 0; i < count; ++i) {
        if (adder_.change(*entries[i], delta, windows[i], result)) continue;
        while (i > 0) (void)entries[--i]->add(-delta);  // never of a floored decrement: that cannot fail
        write_behind_.room().unreserve(marks);
        return Errc::overflow;
      }
      for (std::size_t i = 0; i < count; ++i) {
        if (clean[i] && !Entry::is_queued(write_behind_.mark(*entries[i], name_hash))) added = Added::marked;
      }
      for (std::size_t i = 0; i < count; ++i) {
        if (adder_.note_change(*entries[i])) added = Added::ripe;
      }
    }
    accepted_.add(Guard().thread_index(), delta * static_cast<Count>(count));
    return tell_queue(added);
  }

  [[nodiscard]] Errc take_pinned(Entry& entry, std::uint64_t name_hash, std::optional<Count>& count) {
    Added added = Added::yes;
    {
      const Inside inside(write_behind_.gate(name_hash));
      const bool clean = !Entry::is_queued(entry.load());
      if (clean && entry.state() == Entry::State::absent) return Errc::ok;
      if (clean && !write_behind_.room().reserve(1)) return Errc::backpressure;
      Window* window = nullptr;
      try {
        if (options_.floor == Floor::zero) window = &write_behind_.window(entry, name_hash);
      } catch (...) {
        if (clean) write_behind_.room().unreserve(1);
        throw;
      }
      count = adder_.take(entry, window);
      if (clean && !Entry::is_queued(write_behind_.mark(entry, name_hash))) added = Added::marked;
      if (adder_.note_change(entry)) added = Added::ripe;
    }
    accepted_.add(Guard().thread_index(), -*count);
    return tell_queue(added);
  }

  Errc tell_queue(Added added) noexcept {
    if (added == Added::yes || added == Added::no) return Errc::ok;
    if (write_behind_.take_news()) queue_.notify(Wake::dirty);
    if (added == Added::ripe) queue_.notify(Wake::ripe);
    return Errc::ok;
  }

  /// Makes room, or waits for it, as the options say; false if the update is to be refused.
  [[nodiscard]] bool relieve(Patience& patience) {
    if (options_.when_full == Limit::refuse || closed() || handler_.inside()) return false;
    const auto now = Sync::now();
    if (!patience.deadline) {
      patience.deadline = now + options_.block_timeout;
    } else if (now >= *patience.deadline) {
      return false;
    }
    if (options_.when_full == Limit::flush) {
      return !write_behind_.drain(Drain::Scope::everything).failed;
    }
    const std::uint64_t seen = write_behind_.attempts().count();
    queue_.notify(Wake::urgent);
    (void)write_behind_.attempts().wait(seen, *patience.deadline);
    return true;
  }

  // ---- the quick way: as the others, for what is usual, in functions that call others only for what is rare

  static constexpr bool quick = noexcept(Time(std::declval<const Clock&>().now())) && QuickCache<Cache> &&
                                guards_references && !Queue::writes_through;
  using Place = typename BucketClock<Sync>::Place;
  using QuickGuard = typename Epochs<Sync>::QuickGuard;
  using Crossing = typename Epochs<Sync>::Crossing;

  [[nodiscard, gnu::always_inline]] static bool is_quick(std::string_view name,
                                                         std::string_view ns) noexcept {
    return name.size() <= 128 && is_default(ns);  // XXH3 calls a function for longer ones
  }
  /// False if the time is not in the bucket that was asked for last, or that is not kept.
  [[nodiscard, gnu::always_inline]] bool recall_kept(PeriodType type, const std::optional<Time>& at,
                                                     Place& place) const noexcept {
    if (type == PeriodType::all) {
      place = {{type, 0}, 0};
    } else if (!buckets_.recall(type, time_of(at), place)) {
      return false;
    }
    return retainer_.keeps(place.bucket);
  }
  /// As add_plain, for names of the default namespace. Added::no: it has to be done with more care.
  [[nodiscard, gnu::always_inline]] Added add_quickly(std::string_view name, const Place& place,
                                                      std::uint64_t name_hash, Count delta) noexcept {
    const QuickGuard guard;
    if (!guard || closed()) [[unlikely]]
      return Added::no;
    Entry* const entry = cache_.peek(guard, name, pack(place.bucket), name_hash ^ place.salt);
    if (!entry) [[unlikely]]
      return Added::no;
    return add_and_count(guard, *entry, name_hash, delta);
  }
  [[nodiscard, gnu::noinline]] Errc finish_quickly(std::string_view name, Place place,
                                                   std::uint64_t name_hash, Count delta,
                                                   Added added) noexcept {
    (void)tell_queue(added);
    if (is_done(added)) return Errc::ok;
    const HashedKey key{{default_namespace, place.bucket, name}, name_hash ^ place.salt};
    return account([&] {
      if (added == Added::cancelled) return add_not_plain(key, name_hash, delta, added);
      return add_plain(key, name_hash, delta);
    });
  }
  /// The same for several periods.
  [[nodiscard, gnu::noinline]] Errc update_several(std::string_view name, const Update& update, Count delta,
                                                   std::uint64_t name_hash) noexcept {
    const Time at = time_of(update.at);
    std::array<Entry*, most_periods> entries;
    std::size_t count = 0;
    Added added = Added::no;
    {
      const Crossing guard;
      bool all =
          guard && write_behind_.gate(name_hash).is_open(guard) && !closed() && !update.periods.empty();
      for (auto type = update.periods.begin(); all && type != update.periods.end(); ++type, ++count) {
        Place place;
        all = recall_kept(*type, at, place);
        if (!all) break;
        entries[count] = cache_.peek(guard, name, pack(place.bucket), name_hash ^ place.salt);
        all = entries[count] && Entry::is_usual(entries[count]->load());
      }
      if (all) [[likely]]
        added = add_all_usual(guard, entries.data(), count, delta);
    }
    if (added == Added::yes) [[likely]]
      return Errc::ok;
    return is_done(added) ? tell_queue(added) : update_with_care(name, update, delta, nullptr);
  }

  // ---- what was fetched ahead

  /// Adds, in their order from `done` on, where all counters are in the cache. Returns the first update that has to be done
  /// with more care, or their number.
  template <class DeltaOf>
  [[nodiscard]] std::size_t add_fetched(std::span<const Keys> keys, const std::array<Errc, group>& codes,
                                        std::size_t done, DeltaOf delta_of) noexcept {
    std::array<std::array<Entry*, most_periods>, group> entries{};
    Added news = Added::yes;
    bool cancelled = false;
    {
      const Guard guard;
      for (std::size_t i = 0; i < keys.size() && done == 0; ++i)
        for (std::size_t p = 0; p < keys[i].count; ++p) entries[i][p] = cache_.fetch_entry(keys[i].hashes[p]);
      if (closed()) return done;
      for (; done < keys.size(); ++done) {
        const Count delta = delta_of(done);
        if (!may_add_fetched(keys[done], codes[done], delta)) break;
        if (!find_fetched(guard, keys[done], entries[done].data())) break;
        const std::uint64_t name_hash = keys[done].name_hash;
        const Added added = keys[done].count == 1 ? add_and_count(guard, *entries[done][0], name_hash, delta)
                                                  : add_all_and_count(guard, entries[done].data(),
                                                                      keys[done].count, name_hash, delta);
        cancelled = added == Added::cancelled;
        if (added == Added::taken_back) news = std::max(news, Added::marked);
        if (!is_done(added)) break;
        news = std::max(news, added);
      }
    }
    (void)tell_queue(news);
    if (cancelled) (void)repeat_cancelled(keys[done], delta_of(done));
    return cancelled ? done + 1 : done;
  }
  [[nodiscard]] bool may_add_fetched(const Keys& keys, Errc code, Count delta) const noexcept {
    return code == Errc::ok && keys.expired == 0 && delta >= 0 && adder_.is_plain(delta);
  }
  /// Turns `entries`, which may be those of the keys or null, into those; false if one is not in the cache.
  [[nodiscard]] bool find_fetched(const Guard& guard, const Keys& keys, Entry** entries) noexcept {
    for (std::size_t i = 0; i < keys.count; ++i) {
      const HashedKey key = keys[i];
      if (entries[i] && entries[i]->has(key.key)) {
        entries[i]->use();
      } else if (const auto found = cache_.peek(guard, key)) {
        entries[i] = &*found;
      } else {
        return false;
      }
    }
    return true;
  }

  // ---- the rest

  /// Lets old buckets go, as far as it is time. Returns when to come again.
  [[nodiscard]] typename Retainer<Sync>::Wait retain() noexcept {
    if constexpr (ExpiringStore<Store>) {
      if (closed() || handler_.inside()) return std::nullopt;
      const auto& figures = write_behind_.figures();
      const std::uint64_t late = figures.late.load(std::memory_order_relaxed);
      if (late != late_.exchange(late, std::memory_order_relaxed)) retainer_.try_learn(store_);
      if (options_.retention.empty()) return std::nullopt;
      return retainer_.step(cache_, store_, time_of(std::nullopt), rows_at_a_time,
                            figures.records.load(std::memory_order_relaxed));
    } else {
      return std::nullopt;
    }
  }

  /// Once in `refresh`: what other processes have counted, and let go. Throws what the store throws.
  void look_for_changes() {
    loader_.look_for_changes([&] {
      if constexpr (ExpiringStore<Store>) retainer_.learn(store_);
    });
  }

  [[nodiscard]] Errc show(std::optional<Count>& count) const noexcept {
    if (count) count = adder_.visible(*count);
    return Errc::ok;
  }

  /// Why an update of buckets that are not kept is refused.
  [[nodiscard]] Errc too_late() const noexcept { return closed() ? refusal() : Errc::expired; }
  /// Why an update is refused that has found no room, nor got any.
  [[nodiscard]] Errc no_room() const noexcept { return closed() ? refusal() : Errc::backpressure; }

  [[nodiscard]] typename Sync::mutex& latch_of(std::uint64_t name_hash) noexcept {
    return latches_[name_hash % latches_.size()].mutex;
  }

  /// "For ever" must not overflow a time point.
  [[nodiscard]] static CoreOptions sane(CoreOptions options) {
    options.block_timeout = std::clamp(options.block_timeout, std::chrono::milliseconds(0), longest_wait);
    options.refresh = std::clamp(options.refresh, std::chrono::milliseconds(0), longest_wait);
    return options;
  }

  [[nodiscard]] typename WriteBehind<Cache, Store>::Limits limits() const {
    Pace pace = queue_.pace();
    pace.max_delay = std::clamp(pace.max_delay, std::chrono::milliseconds(0), longest_wait);
    // All periods of one name must find room.
    const std::size_t pending = options_.max_pending != 0 ? options_.max_pending : cache_.capacity() / 2;
    return {std::max(pending, most_periods), std::max<std::size_t>(options_.max_batch, 1), pace,
            options_.max_names};
  }

  struct alignas(cache_line) Latch {
    typename Sync::mutex mutex;
  };

  // Set once
  const CoreOptions options_;
  const std::uint64_t seed_;
  const std::uint64_t default_seed_;  // of the names in the default namespace
  const Clock clock_;

  // Any thread
  BucketClock<Sync> buckets_;
  Cache cache_;
  Store store_;
  Queue queue_;
  Lifetime<Sync> lifetime_;
  const ErrorHandler handler_;
  WriteBehind<Cache, Store> write_behind_;
  Adder<Cache, Store> adder_;
  Loader<Cache, Store> loader_;
  std::array<Latch, WriteBehind<Cache, Store>::latches> latches_;
  Retainer<Sync> retainer_;
  Tally<Sync> accepted_;
  atomic<std::uint64_t> refused_{0};
  atomic<std::uint64_t> left_out_{0};  // of updates: periods whose bucket is not kept
  atomic<std::uint64_t> late_{0};      // records, as retain() saw them last
  typename Sync::mutex close_mutex_;
};

}  // namespace livecount::inline v0_1::detail
