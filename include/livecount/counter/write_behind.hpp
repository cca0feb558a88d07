// SPDX-License-Identifier: BSL-1.0
//
// Write-behind: from a changed entry to a batch that the store has applied, exactly once.
//
//   changed      An update that finds `queued` unset sets it, inside the gate of the entry's name, and chains
//                the entry. From then on further updates only add: one record will stand for all of them.
//   collected    The worker closes one gate at a time, waits for those inside, takes the chain, waits for those
//                that are crossing, if there is anything to freeze, and freezes the entries of that gate, without
//                I/O. Then it opens the gate.
//   sent         The frozen changes are a batch with a number. It is sent until the store says `applied`;
//                after an unclear answer it is sent again, the same records under the same number. Nothing
//                is ever counted back.
//   settled      The entries are given back: they may be evicted, or are queued already for a later batch.
//
// Invariants
//   1. Whatever was marked by an update that has returned is chained when its gate has been closed: marking
//      and chaining happen inside the gate. So a flush that closes every gate once misses nothing that came
//      before it.
//   2. All entries of one name have one gate, and a name is collected whole or not at all. An update of
//      several periods makes its changes in one stay inside the gate, or in one Crossing, so they get into one
//      batch. Who crosses changes only what is marked: without that there is nothing to wait for.
//   3. At most one batch is in flight, and only the holder of `turn_` forms, sends or settles one.
//   4. `room_` counts the marks that are not settled. It is raised before the mark is set.
//   5. A batch that the store has not taken is kept, whatever the reason, and nothing else is sent before it. If
//      waiting does not heal the reason, the store is asked again at most once in `no_hammering`, whoever asks.
//   6. What a cap on names moves to overflow counters it moves before the batch is first sent (name_cap.hpp); the
//      entries concerned stay in the batch's hands until it is settled.
//   7. A writer that has been idle for `identity_age` takes a new identity with its next batch: a store may by then
//      have forgotten the old one. A batch that has been sent keeps its own.
//
// Threads: any; drain calls take turns. Progress: marking is lock-free but for the moment in which its gate
// is closed. (A file longer than most: what one drain does is read from top to bottom.)
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../concepts.hpp"
#include "../detail/epoch.hpp"
#include "attempts.hpp"
#include "figures.hpp"
#include "gate.hpp"
#include "handler.hpp"
#include "lifetime.hpp"
#include "name_cap.hpp"
#include "room.hpp"
#include "stripes.hpp"

namespace livecount::inline v0_1::detail {

template <class Cache, class Store>
class WriteBehind {
 public:
  using Report = Drain::Report;
  using Scope = Drain::Scope;
  using Sync = typename Cache::Sync;
  using Entry = BasicEntry<Sync>;
  using Inside = typename Gate<Sync>::Inside;

  struct Limits {
    std::size_t max_pending;  // marks
    std::size_t max_batch;    // records; one name's may go over it
    Pace pace;
    std::size_t max_names = 0;  // of a bucket; 0: as many as come
  };

  /// How seldom a store is asked again that has failed in a way which waiting does not heal.
  static constexpr std::chrono::milliseconds no_hammering{1000};
  static constexpr std::chrono::hours identity_age{24};

  /// `handler`: told of every failed attempt. `seed`: of the hash of names. Throws what the source of randomness throws.
  WriteBehind(Cache& cache, Store& store, const Lifetime<Sync>& lifetime, const ErrorHandler& handler,
              Limits limits, std::uint64_t seed)
      : cache_(cache),
        store_(store),
        lifetime_(lifetime),
        handler_(handler),
        limits_(limits),
        seed_(seed),
        room_(limits.max_pending),
        name_cap_(store, limits.max_names, seed) {}

  /// Names with one latch have one gate, too.
  static constexpr std::size_t latches = 256;

  [[nodiscard]] Gate<Sync>& gate(std::uint64_t name_hash) noexcept { return section(name_hash).gate; }
  [[nodiscard]] const Pace& pace() const noexcept { return limits_.pace; }
  [[nodiscard]] Room<Sync>& room() noexcept { return room_; }
  [[nodiscard]] std::size_t pending() const noexcept { return room_.taken(); }

  // ---- marking: inside the gate of the entry's name

  /// Marks the entry, with a reservation of one, and chains it if it was not marked. Returns the old word:
  /// without `live` the entry has left and nothing was done.
  typename Entry::Word mark(Entry& entry, std::uint64_t name_hash) noexcept {
    const auto old = entry.mark();
    if (!Entry::is_live(old) || Entry::is_queued(old)) {
      room_.unreserve(1);
    } else {
      chain(entry, section(name_hash).chain);
    }
    return old;
  }

  /// What floored decrements of the entry have done since its last batch. Requires: inside the gate of its name,
  /// under its latch; the entry is marked before the gate is left. Throws: std::bad_alloc.
  [[nodiscard]] Window& window(const Entry& entry, std::uint64_t name_hash) {
    return windows_[name_hash % latches][&entry];
  }

  [[nodiscard]] Stripes<Entry>& stripes() noexcept { return stripes_; }

  /// Brings what the entry's stripes have gathered into its word; true if the entry was clean, and is marked now. `only`: of
  /// this stripe, if not null. Requires: outside of the gate; a Guard, or a pin.
  bool fold(Entry& entry, std::uint64_t name_hash, const Stripe<Sync>* only = nullptr) noexcept {
    const Inside inside(gate(name_hash));
    bool marked = false;
    stripes_.take(entry, name_hash, only, [&](Count sum) {
      if (Entry::is_queued(entry.add(sum))) return;
      room_.reserve_by_force();
      marked = !Entry::is_queued(mark(entry, name_hash));
    });
    return marked;
  }

  /// Whether somebody has to be told, once, that there is something to drain.
  [[nodiscard]] bool take_news() noexcept {
    return news_.load(std::memory_order_relaxed) && news_.exchange(false, std::memory_order_acq_rel);
  }

  // ---- draining

  [[nodiscard]] Report drain(Scope scope) noexcept {
    if (lifetime_.forked())
      return refused(Errc::forked_child, "this process is a forked child of the counter's");
    if (handler_.inside())
      return refused(Errc::inside_handler, "on_error cannot write, or wait for, what it is told of");
    Report report;
    std::uint64_t put_aside = 0;
    std::uint64_t failures = 0;
    {
      const std::lock_guard turn(turn_);
      put_aside = figures_.quarantined.load(std::memory_order_relaxed);
      failures = figures_.failures.load(std::memory_order_relaxed);
      const std::int64_t oldest = oldest_.exchange(none, std::memory_order_acq_rel);
      sending_since_.store(oldest, std::memory_order_relaxed);
      const bool due = scope == Scope::everything || limits_.pace.batch_size == 0 || is_due(oldest);
      try {
        drain_gates(due, report);
      } catch (const std::exception&
                   error) {  // out of memory: what was frozen is in the batch, the rest is waiting
        fail(report, Errc::store_unavailable, error.what());
      }
      // What is merely new has noted its own time.
      if (report.failed || report.held || (report.left && !due)) set_oldest(oldest);
      sending_since_.store(none, std::memory_order_relaxed);
      put_aside = figures_.quarantined.load(std::memory_order_relaxed) - put_aside;
      failures = figures_.failures.load(std::memory_order_relaxed) - failures;
    }
    attempts_.add();
    if (failures != 0) handler_.tell(report.error, report.message, "write-behind");
    if (put_aside != 0) {
      handler_.tell(Errc::overflow,
                    "records whose count would have left its range were put aside by the store",
                    "write-behind");
    }
    return report;
  }

  [[nodiscard]] Attempts<Sync>& attempts() noexcept { return attempts_; }
  [[nodiscard]] const Attempts<Sync>& attempts() const noexcept { return attempts_; }

  /// Puts a change that does not look at the count (a reset, a removal) behind all that has been counted of the name
  /// and before all that will be: both go into the batch that is sent next. `gone`: gets the count that was. Any code
  /// but ok: nothing was changed; backpressure: there is no room. Requires: pinned, loaded, under the name's latch;
  /// outside of its gate, without a Guard. Throws: std::bad_alloc. Progress: waits for a batch under way.
  [[nodiscard]] Errc begin_anew(Entry& entry, std::uint64_t name_hash, Transform change, Count& gone) {
    if (handler_.inside()) return Errc::inside_handler;
    const KeyView key = entry.key();
    const Look turn(*this);
    for (;;) {
      Report report;
      // What is in a batch can be in a second one only when that is settled.
      const bool in_the_way = sent_ || records_.size() >= limits_.max_batch ||
                              std::any_of(records_.begin(), records_.end(), [&](const Record& record) {
                                return record.key.name == key.name && record.key.ns == key.ns;
                              });
      if (in_the_way && !records_.empty() && !send(report)) return report.error;
      if (change.is_removal() && !let_adds_mark(entry, name_hash)) return Errc::backpressure;
      const auto code = try_begin_anew(entry, name_hash, change, gone);
      if (code) return *code;
      Sync::yield();  // an evictor is looking at another period's entry
    }
  }

  /// For somebody who needs the batch in flight out of the way: sends it if nobody else does, or waits for
  /// the end of another attempt than the ones seen. False if the store does not take it, or at the deadline.
  [[nodiscard]] bool help(std::uint64_t seen, typename Sync::time_point deadline) {
    {
      const std::unique_lock turn(turn_, std::try_to_lock);
      if (turn) {
        Report report;
        return records_.empty() || send(report);
      }
    }
    return attempts_.wait(seen, deadline);
  }

  /// One moment of store and memory: opens a snapshot of the store while no batch is being applied, and calls
  /// f(key, change) for each change that it lacks, a counter's in the order in which they were made. (Of an update of
  /// several periods that is at work some may be in it: no question is about more than one.) Throws what the store
  /// throws. Progress: waits for a batch under way; gates are closed for moments.
  template <class F>
  [[nodiscard]] auto look(F f) {
    const Look turn(*this);
    auto snapshot = store_.snapshot();
    if (!records_.empty() && snapshot.applied(writer_, 0) < sequence_) {
      for (const Record& record : records_) f(record.key, record.change);
    }
    std::vector<std::pair<Entry*, Transform>> pending;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      const typename Gate<Sync>::Closed closed(sections_[i].gate);
      take_chain(i);
      for (const Waiting& waiting : waiting_[i]) {
        fold_queued(*waiting.entry, waiting.name_hash);
        pending.emplace_back(waiting.entry, waiting.entry->pending(window_of(waiting)));
      }
    }
    // Outside of the gates: queued entries stay, and only the holder of turn_ could change that.
    for (const auto& [entry, change] : pending) f(entry->key(), change);
    return snapshot;
  }

  /// How long the oldest change that is not in the store has been waiting; nothing if there is none.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> oldest_pending_age() const {
    if (pending() == 0) return std::nullopt;
    const std::int64_t oldest =
        std::min(oldest_.load(std::memory_order_acquire), sending_since_.load(std::memory_order_relaxed));
    return std::chrono::nanoseconds(oldest == none ? 0 : std::max<std::int64_t>(now() - oldest, 0));
  }

  [[nodiscard]] const Figures<Sync>& figures() const noexcept { return figures_; }

  /// The sum of what has been counted and is not in a batch, modulo 2^64, taken from the dirty entries one by one;
  /// nothing while a drain is at work. Exact if nobody counts meanwhile. Costs a look at each.
  [[nodiscard]] std::optional<std::uint64_t> unflushed_sum() {
    const Look turn(*this, std::try_to_lock);
    if (!turn) return std::nullopt;
    std::uint64_t sum = 0;
    const auto add = [&sum](const Entry& entry) {
      sum += static_cast<std::uint64_t>(Entry::count_of(entry.load()) - entry.watermark());
    };
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      for (const Waiting& waiting : waiting_[i]) add(*waiting.entry);
      for (const Entry* entry = taken_[i]; entry; entry = entry->next) add(*entry);
      // (2) Only the holder of turn_ takes an entry out of the chain, and none in it can be evicted.
      const Entry* entry = sections_[i].chain.load(std::memory_order_acquire);
      for (; entry; entry = entry->next) add(*entry);
    }
    return sum;
  }

 private:
  template <class T>
  using atomic = typename Sync::template atomic<T>;

  static constexpr std::int64_t none = INT64_MAX;
  static constexpr std::size_t spare = 1024;  // what waits behind a gate keeps room for so many

  /// The names whose hashes share a gate, and those of their entries that are dirty and not yet in the worker's hands. A
  /// line for each, so that threads at different names leave each other alone.
  struct alignas(cache_line) Section {
    Gate<Sync> gate;
    atomic<Entry*> chain{nullptr};
  };
  static_assert(sizeof(Section) == cache_line);

  struct Waiting {
    Entry* entry;
    std::uint64_t name_hash;
    std::uint64_t visit;  // in which it was taken from the chain
  };

  /// A turn for looking only. Who has found it taken, and waits for the end of an attempt, is told of its end.
  class Look {
   public:
    template <class... How>
    explicit Look(WriteBehind& write_behind, How... how)
        : attempts_(write_behind.attempts_), turn_(write_behind.turn_, how...) {}
    ~Look() {
      if (!turn_) return;
      turn_.unlock();
      attempts_.add();
    }
    Look(const Look&) = delete;
    Look& operator=(const Look&) = delete;
    [[nodiscard]] explicit operator bool() const noexcept { return turn_.owns_lock(); }

   private:
    Attempts<Sync>& attempts_;
    std::unique_lock<typename Sync::mutex> turn_;
  };

  [[nodiscard]] static Report refused(Errc error, const char* message) noexcept {
    Report report;
    report.failed = true;
    report.error = error;
    try {
      report.message = message;
    } catch (const std::exception&) {  // no memory: the code must do
    }
    return report;
  }

  [[nodiscard]] static WriterId draw_writer() {
    WriterId writer;
    for (std::size_t i = 0; i < writer.size(); i += 8) {
      const std::uint64_t bits = Sync::random();
      for (std::size_t j = 0; j < 8; ++j) writer[i + j] = static_cast<std::uint8_t>(bits >> (8 * j));
    }
    return writer;
  }

  [[nodiscard]] static std::int64_t now() noexcept { return Sync::now().time_since_epoch().count(); }
  [[nodiscard]] bool is_due(std::int64_t oldest) const noexcept {
    return oldest != none &&
           now() - oldest >=
               std::chrono::duration_cast<std::chrono::nanoseconds>(limits_.pace.max_delay).count();
  }
  void set_oldest(std::int64_t time) noexcept {
    std::int64_t oldest = oldest_.load(std::memory_order_relaxed);
    while (time < oldest && !oldest_.compare_exchange_weak(oldest, time, std::memory_order_acq_rel)) {
    }
  }

  [[nodiscard]] Section& section(std::uint64_t name_hash) noexcept {
    return sections_[name_hash % sections_.size()];
  }

  void chain(Entry& entry, atomic<Entry*>& chain) noexcept {
    entry.next = chain.load(std::memory_order_relaxed);
    while (!chain.compare_exchange_weak(entry.next, &entry, std::memory_order_release,  // (1) pairs with (2)
                                        std::memory_order_relaxed)) {
    }
    if (entry.next) return;
    if (oldest_.load(std::memory_order_relaxed) == none) set_oldest(now());
    news_.store(true, std::memory_order_release);
  }

  // ---- collecting: by the holder of turn_

  void drain_gates(bool due, Report& report) {
    if (!records_.empty() && !send(report)) return;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      const std::uint64_t visit = ++visit_;
      while (collect(i, visit, due, report)) {
        ++visit_;  // what is marked from now on behind this gate is left for the next drain, else this might never end
        if (!send(report)) return;
      }
    }
    if (!records_.empty() && !send(report)) return;
    report.left |=
        std::any_of(waiting_.begin(), waiting_.end(), [](const auto& gate) { return !gate.empty(); });
  }

  /// Freezes what is ripe behind one gate; true if the batch is full and there may be more.
  [[nodiscard]] bool collect(std::size_t index, std::uint64_t visit, bool due, Report& report) {
    // Most of the work is done before the gate is closed: only the holder of turn_ sees what has been taken.
    std::vector<Waiting>& waiting = waiting_[index];
    const auto by_name = [](const Waiting& a, const Waiting& b) { return a.name_hash < b.name_hash; };
    take_chain(index);
    std::sort(waiting.begin(), waiting.end(), by_name);
    const auto sorted = static_cast<std::ptrdiff_t>(waiting.size());

    const typename Gate<Sync>::Closed closed(sections_[index].gate);
    take_chain(index);
    std::sort(waiting.begin() + sorted, waiting.end(), by_name);
    std::inplace_merge(waiting.begin(), waiting.begin() + sorted, waiting.end(), by_name);
    if (waiting.empty()) return false;
    Epochs<Sync>::wait_for_crossings();
    // All memory first: between freezing an entry and taking it from what is waiting nothing may throw.
    make_room_in_batch(waiting.size());
    const std::size_t before = entries_.size();

    auto kept = waiting.begin();
    auto name = waiting.begin();
    while (name != waiting.end() && records_.size() < limits_.max_batch) {
      const auto next = std::find_if(
          name, waiting.end(), [&](const Waiting& other) { return other.name_hash != name->name_hash; });
      if (is_ripe(name, next, visit, due)) {
        freeze(name, next);
      } else {
        report.held |= due && std::any_of(name, next, [&](const Waiting& w) { return w.visit <= visit; });
        kept = kept == name ? next : std::move(name, next, kept);
      }
      name = next;
    }
    const bool full = name != waiting.end();
    waiting.erase(kept == name ? waiting.end() : std::move(name, waiting.end(), kept), waiting.end());
    if (waiting.empty() && waiting.capacity() > spare) waiting = std::vector<Waiting>();
    report.left |= mark_gathered(before);
    return full;
  }

  void take_chain(std::size_t index) {
    Entry*& taken = taken_[index];
    do {
      for (; taken; taken = taken->next) {
        const KeyView key = taken->key();
        waiting_[index].push_back({taken, hash_name(key.ns, key.name, seed_), visit_});
      }
      taken = sections_[index].chain.exchange(nullptr, std::memory_order_acquire);  // (2) pairs with (1)
    } while (taken);
  }

  /// A name is ripe if one of its entries is, and none is in a loader's hands.
  template <class Iterator>
  [[nodiscard]] bool is_ripe(Iterator first, Iterator last, std::uint64_t visit, bool due) const {
    const bool busy =
        std::any_of(first, last, [](const Waiting& w) { return Entry::is_busy(w.entry->load()); });
    return !busy && std::any_of(first, last, [&](const Waiting& waiting) {
      // What comes in while this drain is at work is left for the next one, else it might never end.
      if (waiting.visit > visit) return false;
      return due || waiting.entry->changes.load(std::memory_order_relaxed) >= limits_.pace.batch_size;
    });
  }

  /// Lets an add that has found the entry unmarked, and has not yet marked it, come to its end: if it marked what is
  /// removed meanwhile, there would be a counter again, without what was added. False if there is no room.
  [[nodiscard]] bool let_adds_mark(Entry& entry, std::uint64_t name_hash) {
    {
      const Inside inside(gate(name_hash));
      const bool clean = !Entry::is_queued(entry.load());
      if (clean && entry.state() == Entry::State::present) {
        if (!room_.reserve(1)) return false;
        (void)mark(entry, name_hash);
      }
    }
    Epochs<Sync>::synchronize();  // blind adds hold a Guard from the add to the mark
    return true;
  }

  /// Nothing if an entry of the name is busy. See begin_anew.
  [[nodiscard]] std::optional<Errc> try_begin_anew(Entry& entry, std::uint64_t name_hash, Transform change,
                                                   Count& gone) {
    const std::size_t index = name_hash % sections_.size();
    std::vector<Waiting>& waiting = waiting_[index];
    const typename Gate<Sync>::Closed closed(sections_[index].gate);
    take_chain(index);
    Epochs<Sync>::wait_for_crossings();
    const auto name = std::partition(waiting.begin(), waiting.end(),
                                     [&](const Waiting& w) { return w.name_hash != name_hash; });
    const auto is_busy = [](const Waiting& w) { return Entry::is_busy(w.entry->load()); };
    if (std::any_of(name, waiting.end(), is_busy)) return std::nullopt;
    make_room_in_batch(static_cast<std::size_t>(waiting.end() - name) + 1);
    if (!Entry::is_queued(entry.load()) && !room_.reserve(1)) return Errc::backpressure;

    const auto itself = [&](const Waiting& w) { return w.entry == &entry; };
    const std::size_t before = entries_.size();
    freeze(name, std::remove_if(name, waiting.end(), itself));
    waiting.erase(name, waiting.end());
    set_oldest(now());
    if (!Entry::is_queued(entry.load()) && entry.state() == Entry::State::absent && change.is_removal()) {
      (void)entry.try_take();  // there is none here; an add that is about to make it comes after this
      add_to_batch(entry, change, 0);
      (void)mark_gathered(before);
      return Errc::ok;
    }
    windows_[name_hash % latches].erase(&entry);
    const Count written = entry.watermark();
    gone = entry.begin_anew(change.is_removal() ? Entry::State::absent : Entry::State::present);
    if constexpr (!SharedStore<Store>) {
      // Who looks twice sees a removal, also if the counter has been made anew meanwhile.
      entry.set_generation((entry.generation() + 1) & Entry::last_generation);
    }
    add_to_batch(entry, change, -written);
    (void)mark_gathered(before);
    return Errc::ok;
  }

  /// Null if there were no floored decrements. By the closer of its gate.
  [[nodiscard]] const Window* window_of(const Waiting& waiting) const {
    const auto& windows = windows_[waiting.name_hash % latches];
    if (windows.empty()) return nullptr;
    const auto found = windows.find(waiting.entry);
    return found == windows.end() ? nullptr : &found->second;
  }
  template <class Iterator>
  void freeze(Iterator first, Iterator last) noexcept {
    for (; first != last; ++first) {
      fold_queued(*first->entry, first->name_hash);
      const Window* const window = window_of(*first);
      const Frozen frozen = first->entry->freeze(window);
      if (window) windows_[first->name_hash % latches].erase(first->entry);
      add_to_batch(*first->entry, frozen.change, frozen.net);
    }
  }
  /// Requires: the gate closed by the caller, the entry queued.
  void fold_queued(Entry& entry, std::uint64_t name_hash) noexcept {
    if (entry.is_striped())
      stripes_.take(entry, name_hash, nullptr, [&](Count sum) { (void)entry.add(sum); });
  }
  /// Marks anew what stripes have gathered beside the freezing (stripes.hpp, 2): of the entries in the batch from this
  /// position on. True if there is any. Requires: the gate closed by the caller.
  [[nodiscard]] bool mark_gathered(std::size_t position) noexcept {
    const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(position);
    if (std::none_of(first, entries_.end(), [](const Entry* entry) { return entry->is_striped(); }))
      return false;
    Epochs<Sync>::barrier();
    bool any = false;
    for (auto entry = first; entry != entries_.end(); ++entry) {
      if (!(*entry)->is_striped()) continue;
      const KeyView key = (*entry)->key();
      const std::uint64_t name_hash = hash_name(key.ns, key.name, seed_);
      stripes_.take(**entry, name_hash, nullptr, [&](Count sum) {
        (void)(*entry)->add(sum);
        room_.reserve_by_force();
        (void)mark(**entry, name_hash);
        any = true;
      });
    }
    return any;
  }
  void add_to_batch(Entry& entry, Transform change, Count net) noexcept {
    figures_.frozen(net);
    entries_.push_back(&entry);
    records_.push_back({entry.key(), change});
    nets_.push_back(net);
  }
  void make_room_in_batch(std::size_t more) {
    reserve_more(entries_, more);
    reserve_more(records_, more);
    reserve_more(nets_, more);
  }
  template <class T>
  static void reserve_more(std::vector<T>& vector, std::size_t count) {
    if (vector.capacity() - vector.size() < count) vector.reserve(2 * (vector.size() + count));
  }

  // ---- sending: by the holder of turn_

  [[nodiscard]] bool send(Report& report) {
    const auto now = Sync::now();
    if (now < ask_again_) {
      report.failed = true;
      report.error = figures_.error.load(std::memory_order_relaxed);
      report.message = attempts_.failure();
      return false;
    }
    const ApplyResult result = apply(now);
    const bool applied = result.outcome == Outcome::applied;
    if (!applied) {
      const Errc error = result.error == Errc::ok ? Errc::store_unavailable : result.error;
      fail(report, error, result.message);
      if (error != Errc::store_unavailable) ask_again_ = Sync::now() + no_hammering;
    } else {
      settle(result);
    }
    attempts_.add();
    return applied;
  }

  // What a store throws leaves open whether the batch is in it.
  [[nodiscard]] ApplyResult apply(typename Sync::time_point now) {
    try {
      if (!sent_) cap_names();
      if (!sent_ && (sequence_ == 1 || now - settled_ >= identity_age)) {
        writer_ = draw_writer();
        sequence_ = 1;
      }
      sent_ = true;
      return store_.apply(Batch{writer_, 0, sequence_, records_});
    } catch (const Error& error) {
      return {Outcome::unknown, error.code(), error.what()};
    } catch (const std::exception& error) {
      return {Outcome::unknown, Errc::store_unavailable, error.what()};
    } catch (...) {
      return {Outcome::unknown, Errc::store_unavailable,
              "the store threw something that is no std::exception"};
    }
  }

  void fail(Report& report, Errc error, std::string_view message) noexcept {
    figures_.failed(error);
    report.failed = true;
    report.error = error;
    try {
      report.message = message;
      attempts_.set_failure(report.message);
    } catch (const std::exception&) {  // no memory: the code must do
    }
  }

  /// Lets the changes of names for which their bucket has no room go to its overflow counter, in this batch. Throws: what
  /// the store throws, std::bad_alloc; then nothing was changed.
  void cap_names() {
    if constexpr (QuestionStore<Store>) {
      if (!name_cap_.is_on()) return;
      std::vector<bool> stays;
      for (const Record& record : records_)
        stays.push_back(name_cap_.admits(record) || !in_range(record.change.apply(0)));
      const auto leaving = static_cast<std::size_t>(std::count(stays.begin(), stays.end(), false));
      std::vector<Record> overflow;
      overflow.reserve(leaving);
      reserve_more(records_, leaving);
      reserve_more(redirected_, leaving);
      std::size_t kept = 0;
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!stays[i]) {
          redirected_.emplace_back(entries_[i], nets_[i]);
          add_to_overflow(overflow, records_[i]);
          continue;
        }
        entries_[kept] = entries_[i];
        records_[kept] = records_[i];
        nets_[kept++] = nets_[i];
      }
      entries_.resize(kept);
      nets_.resize(kept);
      records_.resize(kept);
      records_.insert(records_.end(), overflow.begin(), overflow.end());
    }
  }
  /// What the record would make of a new counter is added to the overflow counter of its bucket.
  static void add_to_overflow(std::vector<Record>& overflow, const Record& record) noexcept {
    const KeyView key{record.key.ns, record.key.bucket, overflow_name};
    const Count amount = record.change.apply(0);
    for (Record& other : overflow) {
      if (other.key != key || !in_range(other.change.sum + amount)) continue;
      other.change.sum += amount;
      return;
    }
    overflow.push_back({key, {amount, no_floor}});
  }

  void settle(const ApplyResult& result) noexcept {
    typename Figures<Sync>::Part all{entries_.size() + redirected_.size(), 0};
    for (const Count net : nets_) all.sum += static_cast<std::uint64_t>(net);
    for (const auto& [entry, net] : redirected_) all.sum += static_cast<std::uint64_t>(net);
    const auto aside = take_back(result.quarantined);
    const auto late = take_back(result.late);
    // Where others write too, a floor may have stopped at another place in the store than here, and what came too late has
    // left no counter: look again.
    const auto look_again = [this](std::size_t i) { entries_[i]->set_generation(Entry::last_generation); };
    for (std::size_t i = 0; SharedStore<Store> && i < entries_.size(); ++i) {
      const Transform& change = records_[i].change;
      if (change.low != no_floor || change.is_removal()) look_again(i);
    }
    for (const std::size_t i : result.late) {
      if (SharedStore<Store> && i < entries_.size()) look_again(i);
    }
    forget_redirected();
    figures_.applied(all, aside, late);
    ++sequence_;
    sent_ = false;
    settled_ = Sync::now();
    records_.clear();  // its keys lie in the entries
    nets_.clear();
    for (Entry* const entry : entries_) cache_.settle(*entry);
    entries_.clear();
    room_.unreserve(all.records);
  }

  /// Takes out of their counts what the store has not put in: of the records at these positions.
  [[nodiscard]] typename Figures<Sync>::Part take_back(const std::vector<std::size_t>& positions) noexcept {
    typename Figures<Sync>::Part part;
    for (const std::size_t i : positions) {
      if (i >= records_.size()) continue;  // a store that names no record of the batch has left none out
      ++part.records;
      if (i >= entries_.size()) {  // of an overflow counter
        part.sum += static_cast<std::uint64_t>(std::exchange(records_[i].change.sum, 0));
        continue;
      }
      const KeyView key = entries_[i]->key();
      const typename Gate<Sync>::Closed closed(
          gate(hash_name(key.ns, key.name, seed_)));  // no decrement in between
      const Count net = std::exchange(nets_[i], 0);
      entries_[i]->take_back(net);
      part.sum += static_cast<std::uint64_t>(net);
    }
    return part;
  }

  /// What went to overflow counters is no count of its own name any more.
  void forget_redirected() noexcept {
    for (const auto& [entry, net] : redirected_) {
      const KeyView key = entry->key();
      const typename Gate<Sync>::Closed closed(gate(hash_name(key.ns, key.name, seed_)));
      if (!entry->add_stored(-net, Entry::State::absent))
        entry->take_back(net);  // past the range, as others' adds have carried it there
      entry->set_generation(Entry::last_generation);
      cache_.settle(*entry);
    }
    figures_.redirected(redirected_.size());
    redirected_.clear();
  }

  // Set once
  Cache& cache_;
  Store& store_;
  const Lifetime<Sync>& lifetime_;
  const ErrorHandler& handler_;
  const Limits limits_;
  const std::uint64_t seed_;

  // Any thread
  std::array<Section, gate_count<Sync>> sections_;
  static_assert(latches % gate_count<Sync> == 0);  // one gate for all names of a latch
  Room<Sync> room_;                                // for marks that are not settled
  Stripes<Entry> stripes_;
  atomic<std::int64_t> oldest_{
      none};  // steady time, ns, at which the oldest unwritten change was marked, or earlier
  atomic<std::int64_t> sending_since_{none};  // the same for what a drain has in its hands
  atomic<bool> news_{false};                  // the chain was empty and is not any more
  Figures<Sync> figures_;
  Attempts<Sync> attempts_;

  // Inside a gate, under a name's latch; or by the gate's closer
  std::array<std::unordered_map<const Entry*, Window>, latches> windows_;

  // Under turn_
  typename Sync::mutex turn_;
  NameCap<Store> name_cap_;
  std::array<std::vector<Waiting>, gate_count<Sync>> waiting_;  // taken from the chains, not yet frozen
  std::array<Entry*, gate_count<Sync>> taken_{};  // the rests of chains for which there was no memory
  std::uint64_t visit_ = 0;
  WriterId writer_{};                      // who sends that batch
  std::uint64_t sequence_ = 1;             // of the batch that is in flight, or the next one
  bool sent_ = false;                      // that batch, at least once: it keeps its writer and sequence
  typename Sync::time_point settled_{};    // when the last one was
  typename Sync::time_point ask_again_{};  // not before: see no_hammering
  std::vector<Record> records_;            // that batch, if not empty; its entries are busy
  std::vector<Entry*> entries_;            // parallel to records_, but for overflow counters at their end
  std::vector<Count> nets_;                // parallel to entries_
  std::vector<std::pair<Entry*, Count>>
      redirected_;  // whose changes, so much, are in overflow counters of that batch
};

}  // namespace livecount::inline v0_1::detail
