// SPDX-License-Identifier: BSL-1.0
//
// Counter: counts things by name, in memory, and writes the counts to a store in the background.
//
// A name in a namespace has one count for each bucket of each period: so many today, so many this week, so
// many ever. Updates cost about an atomic add; reads are answered from memory; each change gets into the
// store exactly once. The three policies say how counts are kept in memory (cache/), where they are at home
// (store/), and when they are written (queue/): any combination works, concepts.hpp says what each must
// offer, and presets.hpp names the usual ones.
//
//     livecount::Counter<LockFreeCache, SqliteStore, JthreadQueue> hits{{.store = {.path = "hits.db"}}};
//     hits.increment("https://example.com/a");                      // all time
//     hits.increment(url, {.periods = PeriodType::day | PeriodType::week, .ns = "starred", .delta = 2});
//     hits.get(url, {.period = PeriodType::day, .ns = "starred"});  // std::optional<Count>, from memory
//     hits.flush();                                                 // all of it is in the store
//     hits.close(std::chrono::seconds(5));                          // tells what could not be written
//
// What a crash costs: changes that are not yet committed, at most those of the last `max_delay` and one
// commit, on at most `max_pending` counters. Nothing is counted twice: an unclear answer of the store is
// resolved by sending the same batch again.
//
// After fork() a Counter belongs to the parent alone. In the child every call on it, or on a handle of it, ends in
// Errc::forked_child without touching a lock; its destructor does nothing, and leaves its memory where it is. The child
// may make Counters of its own (SqliteStore says what it needs for that). Not noticed: vfork, _Fork, a raw clone.
//
// Static storage duration: a Counter is destroyed before the objects that were made before it, and those must not use it any
// more; so make the Counter first. A handle may be used after it (Errc::closed).
//
// Threads - Distinct objects: safe. Shared objects: safe, all operations, except construction and destruction.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calendar.hpp"
#include "concepts.hpp"
#include "counter/ask.hpp"
#include "counter/core.hpp"
#include "counter/handle.hpp"
#include "counter/options.hpp"
#include "counter/raise.hpp"

namespace livecount::inline v0_1 {

template <class Cache, class Store, class Queue, class Clock = CoarseClock>
class Counter {
  static_assert(check_cache<Cache>());
  static_assert(check_store<Store>());
  static_assert(check_queue<Queue>());

 public:
  /// What the store promises of a batch that is sent again: exactly_once, at_least_once.
  using guarantee = typename Store::guarantee;
  using Handle = BasicHandle<detail::Core<Cache, Store, Queue, Clock>, false>;
  using StripedHandle = BasicHandle<detail::Core<Cache, Store, Queue, Clock>, true>;

  struct Options {
    typename Cache::Options cache{};
    typename Store::Options store{};
    typename Queue::Options queue{};

    // What a count means; kept with the data, and other values are refused on it.
    Calendar calendar{};        // in which days begin, and weeks
    Floor floor = Floor::zero;  // Floor::none: counts may go below zero

    // How much may be pending, and what happens then.
    std::size_t max_pending = 0;  // dirty counters, at least 8; 0: half the cache's capacity
    Limit when_full = Limit::block;
    std::chrono::milliseconds block_timeout{1000};  // how long an update, or a read, waits for the store
    // How many names each bucket of a namespace may have; 0: as many as come. What is counted under more goes, when written,
    // to the counter overflow_name ("(other)") of that bucket, and get knows no such name then. Of several processes on one
    // store each makes room for so many. Needs a QuestionStore.
    std::size_t max_names = 0;
    std::size_t max_batch = 1000;             // records in a batch. More: fewer commits, longer ones
    std::chrono::milliseconds refresh{1000};  // how old other processes' changes may be in what is read

    // How long buckets are kept after their end; nothing: for ever. Needs an ExpiringStore. Older ones leave cache and
    // store in the background, by the queue's thread, or with what pump, flush and InlineQueue's updates write: all at once
    // where there was no horizon yet, then step by step. A clock that has gone on by more than a retention (or bucket) beyond
    // the steady clock is believed so far only, in each step, and on_error told (Errc::clock_jump). They do not come back:
    // to get they are as if they had never been, and an update of theirs is refused (Errc::expired), or, of several periods,
    // counts in those that are kept (Stats::late). Other processes respect the horizon, too.
    Retention retention{};
    // Told of each failed attempt to write, by the thread that made it. What does not heal by waiting (any code but
    // store_unavailable) is tried again at most once a second, whoever asks, and told each time. Inside of it flush, close,
    // pump and retain of this Counter end in Errc::inside_handler, as the caller may be waiting for their end; updates do
    // not wait for room. Also told what keeps old buckets from going (where(): "retention"), less and less often, down to
    // once a minute for each period. It must not destroy the Counter.
    std::function<void(const Error&)> on_error{};

    Clock clock{};  // chooses buckets; delays and ages use the steady clock. Faster if now() is noexcept.
  };

  Counter() : Counter(Options{}) {}
  /// Opens the store and starts the queue. Throws: what the store throws, Error{settings_mismatch}.
  explicit Counter(Options options)
      : core_(new Core(std::move(options.cache), std::move(options.store), std::move(options.queue),
                       detail::CoreOptions{std::move(options.calendar), options.floor, options.when_full,
                                           options.block_timeout, options.refresh, options.retention,
                                           options.max_pending, options.max_names, options.max_batch,
                                           std::move(options.on_error)},
                       std::move(options.clock)),
              destroy) {}
  /// close(5 s). What could not be written is told to on_error.
  ~Counter() {
    if (core_->forked()) return;
    const CloseReport report = core_->close(std::chrono::seconds(5));
    if (!report.clean) core_->handler().tell(Errc::not_yet_durable, report.message, "close");
  }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  // ---- counting

  /// Adds the delta (1) to the count of the name in each period named: all of them, or, with an error, none.
  /// With a floor of zero a decrement below zero leaves zero. The counter exists from then on, also after a
  /// delta of 0.
  /// Throws: Error with name_too_long, namespace_too_long, delta_out_of_range, time_out_of_range, overflow, expired,
  ///   backpressure, closed: nothing was changed. With a queue that writes through, not_yet_durable: it is
  ///   counted. A floored decrement reads the store, and also throws what that does.
  /// Overflow: an increment of a counter that is not loaded does not wait for the store, so its range is checked by
  ///   the store: a change that would leave it is put aside there and taken back here (Stats::quarantined).
  /// Progress: lock-free for one period whose counter is in the cache, without a decrement that may floor; if
  ///   the counter was clean, or there are several periods, it waits while a gate is closed (microseconds). Else
  ///   blocking, for moments; and see Limit.
  void increment(std::string_view name, const Update& update = {}) {
    if (const Errc code = core_->update(name, update, update.delta, nullptr); code != Errc::ok) {
      detail::raise(*core_, code, "increment", name, update);
    }
  }
  /// increment with the delta's sign turned. Throws and Progress: as increment.
  void decrement(std::string_view name, const Update& update = {}) {
    if (const Errc code = try_decrement(name, update); code != Errc::ok) {
      detail::raise(*core_, code, "decrement", name, update);
    }
  }
  /// The same, with the error as a code. Throws: nothing. Progress: as increment.
  [[nodiscard]] Errc try_increment(std::string_view name, const Update& update = {}) noexcept {
    return core_->update(name, update, update.delta, nullptr);
  }
  [[nodiscard]] Errc try_decrement(std::string_view name, const Update& update = {}) noexcept {
    return core_->update(name, update, in_range(update.delta) ? -update.delta : update.delta, nullptr);
  }

  /// Many updates, in their order, each for itself. What they will look at is fetched ahead for 16 of them at a time.
  /// Throws: after all have been tried, the Error of the first that failed. Progress: as increment.
  void increment_many(std::span<const NamedUpdate> updates) {
    increment_all(updates.size(), [&](std::size_t i) { return Named(updates[i].name, updates[i].update); });
  }
  /// The same update of many names.
  void increment_many(std::span<const std::string_view> names, const Update& update = {}) {
    increment_all(names.size(), [&](std::size_t i) { return Named(names[i], update); });
  }
  /// The same, with errors as codes: returns how many failed, and `codes`, if not empty, gets the code of each.
  /// Requires: `codes` is empty or as long as `updates`.
  std::size_t try_increment_many(std::span<const NamedUpdate> updates, std::span<Errc> codes = {}) noexcept {
    std::size_t failed = 0;
    std::fill(codes.begin(), codes.end(), Errc::ok);
    core_->update_many(
        updates.size(), [&](std::size_t i) { return Named(updates[i].name, updates[i].update); },
        [&](std::size_t i, Errc code) {
          if (!codes.empty()) codes[i] = code;
          ++failed;
        });
    return failed;
  }

  /// Adds, and returns the new count. Reads the store if the counter is not in the cache.
  /// Throws: as increment, and what the store throws; invalid_option if there is not exactly one period.
  /// Progress: blocking, for moments; waits for the store if the counter is not in the cache and loaded, and once in
  /// `refresh` for others' changes.
  Count increment_and_get(std::string_view name, const Update& update = {}) {
    if (update.periods.size() != 1) {
      (void)core_->refuse(Errc::invalid_option);
      throw Error(Errc::invalid_option,
                  "increment_and_get takes one period, not " + to_string(update.periods),
                  "increment_and_get");
    }
    Count count = 0;
    if (const Errc code = core_->update(name, update, update.delta, &count); code != Errc::ok) {
      detail::raise(*core_, code, "increment_and_get", name, update);
    }
    return count;
  }

  /// Takes the count: a decrement by exactly the number returned, so that nothing that is counted is lost, or taken twice.
  /// Nothing, and nothing is changed, if there is no such counter.
  /// Throws and Progress: as increment_and_get. With a queue that writes through, not_yet_durable: it is taken, and the
  /// form with a code tells the number.
  std::optional<Count> get_and_reset(std::string_view name, const Lookup& lookup = {}) {
    std::optional<Count> count;
    if (const Errc code = try_get_and_reset(name, count, lookup); code != Errc::ok) {
      detail::raise(*core_, code, "get_and_reset", name, detail::update_of(lookup));
    }
    return count;
  }
  [[nodiscard]] Errc try_get_and_reset(std::string_view name, std::optional<Count>& count,
                                       const Lookup& lookup = {}) noexcept {
    return core_->take(name, lookup, count);
  }

  /// Sets the count to 0, whatever it was, here and in the store: also by what other processes have written before this
  /// is written. What was counted before is gone (Stats::discarded_sum), what comes after is counted. The counter exists
  /// from then on.
  /// Throws: as increment_and_get; store_unavailable also where a batch under way cannot be written; inside_handler.
  /// Progress: blocking: waits for a batch under way.
  void reset(std::string_view name, const Lookup& lookup = {}) {
    if (const Errc code = try_reset(name, lookup); code != Errc::ok) {
      detail::raise(*core_, code, "reset", name, detail::update_of(lookup));
    }
  }
  [[nodiscard]] Errc try_reset(std::string_view name, const Lookup& lookup = {}) noexcept {
    return core_->begin_anew(name, lookup, reset_to_zero);
  }

  /// The same, after which there is no such counter: get gives nothing, and no question tells of it. The next update
  /// makes it anew, from 0. For stores that are RemovingStores. Throws and Progress: as reset.
  void remove(std::string_view name, const Lookup& lookup = {}) requires RemovingStore<Store> {
    if (const Errc code = try_remove(name, lookup); code != Errc::ok) {
      detail::raise(*core_, code, "remove", name, detail::update_of(lookup));
    }
  }
  [[nodiscard]] Errc try_remove(std::string_view name,
                                const Lookup& lookup = {}) noexcept requires RemovingStore<Store> {
    return core_->begin_anew(name, lookup, removal);
  }

  /// A name resolved once, for many updates; the first one looks it up. Throws: name_too_long, namespace_too_long, closed.
  [[nodiscard]] Handle handle(std::string_view name, const Binding& binding = {}) {
    return Handle(core_, name, binding);
  }
  /// For a counter that threads update very often: see counter/handle.hpp. Throws also: invalid_option unless of one period.
  [[nodiscard]] StripedHandle striped_handle(std::string_view name, const Binding& binding = {}) {
    return StripedHandle(core_, name, binding);
  }

  // ---- asking

  /// The count, with everything this process has counted; nothing, which is not 0, if there is no such counter. Other
  /// processes' changes are in it at the latest `refresh` after their commit.
  /// Throws: name_too_long, namespace_too_long, time_out_of_range, backpressure, closed; what the store throws.
  /// Progress: lock-free if the counter is in the cache and loaded, and has no striped handles (then it takes a lock); else,
  /// and once in `refresh` for others' changes, it waits for the store.
  [[nodiscard]] std::optional<Count> get(std::string_view name, const Lookup& lookup = {}) {
    std::optional<Count> count;
    if (const Errc code = core_->get(name, lookup, count); code != Errc::ok) {
      detail::raise(*core_, code, "get", name, detail::update_of(lookup));
    }
    return count;
  }

  /// get for several names: not one moment of all of them. Throws and Progress: as get.
  [[nodiscard]] std::vector<std::optional<Count>> get_many(std::span<const std::string_view> names,
                                                           const Lookup& lookup = {}) {
    std::vector<std::optional<Count>> counts;
    counts.reserve(names.size());
    [[maybe_unused]] const auto together = core_->reads_together();
    for (const std::string_view name : names) counts.push_back(get(name, lookup));
    return counts;
  }

  /// The count as get tells it, as the store has it, and how old what is not yet stored may be.
  /// Throws: as get, and what the store throws.
  [[nodiscard]] Reading read(std::string_view name, const Lookup& lookup = {}) {
    Reading reading{get(name, lookup), std::nullopt, oldest_pending_age()};
    const Bucket bucket = detail::bucket_of(*core_, lookup.period, lookup.at);
    if (core_->keeps(bucket)) reading.durable = core_->store().read({lookup.ns, bucket, name});
    return reading;
  }

  // Questions about many counters, for QuestionStores. An answer is one moment of the store with everything laid over it that
  // this process has counted and not yet written: it is not older than the call. Throws: Error with time_out_of_range,
  // closed; what the store throws. Progress: blocking: a batch under way is waited for. Costs a copy of the pending
  // counters that are asked for, and what the store says of its snapshot.

  /// The largest counts of a bucket, ties by name.
  [[nodiscard]] std::vector<NamedCount> top(const Top& top = {}) { return detail::ask_top(*core_, top); }

  /// A value for each bucket from `from` to `to`, by time, 0 where nothing was counted. Hours that the clock skips have no
  /// bucket. Throws also: invalid_option if `to` is before `from`, or for more than max_range buckets.
  [[nodiscard]] std::vector<BucketCount> range(std::string_view name, const Range& range = {}) {
    return detail::ask_range(*core_, name, range);
  }

  /// Counts a second over the last complete buckets. Throws also: invalid_option for `all`, and for no bucket.
  [[nodiscard]] double rate(std::string_view name, const Recent& recent = {}) {
    return detail::ask_rate(*core_, name, recent);
  }

  /// The sum of the counts in one bucket of all names with a prefix. Throws also: overflow past 64 bits.
  [[nodiscard]] Count sum(const Branch& branch = {}) { return detail::ask_sum(*core_, branch); }

  /// The names that have a counter, in order, page by page.
  [[nodiscard]] std::vector<std::string> names(const Names& names = {}) {
    return detail::ask_names(*core_, names);
  }

  /// All namespaces that have a counter, in order.
  [[nodiscard]] std::vector<std::string> namespaces() {
    return core_->moment([](const KeyView&) { return true; }).namespaces();
  }

  // ---- writing

  /// Waits until every update that returned before the call is in the store. Throws: closed; what the store said.
  void flush() {
    if (core_->closed()) detail::raise(*core_, core_->refusal(), "flush");
    const Drain::Report report = core_->flush();
    if (!report.failed) return;
    throw Error(
        report.error,
        "flush: up to " + std::to_string(pending()) + " counters are not yet in the store: " + report.message,
        "flush");
  }

  /// Refuses all further calls, ends what waits for room, waits for calls under way, stops the queue, and writes what is
  /// pending, until all is in the store or the time is over. What is left then is told, and kept: a repeated close tries again.
  /// Calls of close take turns. The time bounds the waiting for a store that fails; a call of the store that is under way is
  /// waited for however long it takes. Throws: nothing. Progress: waits for the store.
  CloseReport close(std::chrono::milliseconds timeout) noexcept { return core_->close(timeout); }

  /// Lets all buckets go that are to go by now, and that would go by themselves bit by bit (Options::retention).
  /// Throws: closed, inside_handler; what the store throws; clock_jump: a horizon would have to move on, but see
  ///   Options::retention. Call again, if the clock is right. Progress: blocking: waits for the store.
  void retain() requires ExpiringStore<Store> {
    const std::string jump = core_->let_go();
    if (!jump.empty()) throw Error(Errc::clock_jump, "retain: " + jump, "retain");
  }
  /// Since when buckets are kept, by period type: as this process knows it, late where others move them. Wait-free.
  [[nodiscard]] Horizons horizons() const noexcept { return core_->horizons(); }

  /// Drops from memory what has no pending change and no handle; how many. Throws: forked_child. Progress: blocking, briefly.
  std::size_t drop_clean() {
    require_not_forked("drop_clean");
    return core_->drop_clean();
  }

  // ---- looking inside

  /// Looks at each dirty counter. Throws: forked_child. Progress: blocking, for moments.
  [[nodiscard]] Stats stats() const {
    require_not_forked("stats");
    return core_->stats();
  }
  /// Counters with changes not yet in the store; twice, if changed while in a batch. Throws: nothing. Progress: wait-free.
  [[nodiscard]] std::size_t pending() const noexcept { return core_->write_behind().pending(); }
  /// How long the oldest of these has been waiting (steady clock); nothing if there is none. Throws: nothing. Wait-free.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> oldest_pending_age() const {
    return core_->write_behind().oldest_pending_age();
  }
  [[nodiscard]] const Calendar& calendar() const noexcept { return core_->calendar(); }
  /// For questions beyond get. Its writing side is the Counter's alone. Throws: forked_child. Progress: wait-free.
  [[nodiscard]] Store& store() {
    require_not_forked("store");
    return core_->store();
  }
  /// For queues with calls of their own, as ManualQueue::pump. Throws: forked_child. Progress: wait-free.
  [[nodiscard]] Queue& queue() {
    require_not_forked("queue");
    return core_->queue();
  }

 private:
  using Core = detail::Core<Cache, Store, Queue, Clock>;

  using Named = std::pair<std::string_view, const Update&>;

  template <class F>
  void increment_all(std::size_t count, F named) {
    std::optional<std::pair<std::size_t, Errc>> first;
    core_->update_many(count, named, [&](std::size_t i, Errc code) {
      if (!first) first.emplace(i, code);
    });
    if (!first) return;
    const auto& [name, update] = named(first->first);
    detail::raise(*core_, first->second, "increment_many", name, update);
  }

  // The parent's threads, locks and connections: a child must not let go of what it does not have.
  static void destroy(Core* core) noexcept {
    if (!core->forked()) delete core;
  }

  void require_not_forked(std::string_view operation) const {
    if (core_->forked()) detail::raise(*core_, Errc::forked_child, operation);
  }

  const std::shared_ptr<Core> core_;
};

}  // namespace livecount::inline v0_1
