// SPDX-License-Identifier: BSL-1.0
//
// Simulation: one execution of a story, with every law looked at after every step. simulator.hpp runs many.
// (A file longer than most: what can happen to processes, store and disk is read together.)
//
// Threads: one; it runs all others itself.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../counter.hpp"
#include "process_laws.hpp"
#include "story.hpp"

namespace livecount::inline v0_1::testing {

/// What is not said of anything: how often it happened. A simulation in which something never happens shows nothing of it.
using Happenings = std::map<std::string, std::uint64_t>;

template <class Cache, class Place, class Queue>
class Simulation {
 public:
  struct Result {
    std::string law;                 // the one that was broken; empty if none was
    std::vector<std::string> steps;  // what happened, if it was to be told
  };

  Simulation(const Story& story, bool tell, Happenings& happenings)
      : story_(story), tell_(tell), happenings_(happenings), threads_(story.seed), random_(story.seed) {
    Clock::minute = 0;
  }

  Result run() {
    for (std::size_t i = 0; i < story_.processes && !broken(); ++i) start(i);
    for (std::size_t i = 0; i < story_.steps.size() && !broken(); ++i) {
      const Step& step = story_.steps[i];
      if (tell_) result_.steps.push_back(to_string(step, story_.processes > 1));
      if (!paused_.empty()) quiet_since_ = threads_.now();
      resume_paused(i);
      take(step, i);
      threads_.poll();
      if (place_.disk() && place_.disk()->power_is_cut()) stop_machine();
      check_bounds();
    }
    if (!broken()) finish();
    if (stuck_) {
      for (Process& process : processes_) (void)process.counter.release();  // its locks may be held for ever
      threads_.abandon();
      detail::Epochs<SimulatorSync>::forget_other_threads();
    } else {
      for (std::size_t i = 0; i < story_.processes; ++i) end(i);
    }
    return std::move(result_);
  }

 private:
  using Store = FaultyStore<Place>;
  struct Clock {
    [[nodiscard]] static Time now() noexcept { return begin_of(minute); }
    static inline std::int64_t minute = 0;
  };
  [[nodiscard]] static Time begin_of(std::int64_t minute) noexcept {
    return Time(std::chrono::sys_seconds(std::chrono::minutes(minute)));
  }
  using C = Counter<Cache, Store, Queue, Clock>;
  using Link = Connection<typename Place::Store>;

  struct Process {
    std::shared_ptr<Link> link;
    std::unique_ptr<C> counter;
    std::optional<ProcessLaws> laws;
    std::array<bool, story_names.size()> changing{};  // a change of the name is under way
    std::uint64_t late = 0;                           // records that came too late
    std::size_t changes = 0;                          // under way
    std::size_t most_changes = 0;                     // that ever were, at a time
  };
  struct Paused {
    std::size_t thread;
    std::size_t until;  // which step
  };

  [[nodiscard]] bool broken() const { return !result_.law.empty(); }
  void require(const std::string& broken_law) {
    if (!broken() && !broken_law.empty()) result_.law = broken_law;
  }
  void happens(const char* what) { ++happenings_[what]; }
  void tell(const std::string& what) {
    if (tell_ && !result_.steps.empty()) result_.steps.back() += "; " + what;
  }

  // ---- threads

  void settle() {
    if (stuck_ || threads_.settle()) return;
    stuck_ = true;
    require("progress: a call never ends");
  }
  /// Runs what cannot be left in the middle.
  void run_whole(const std::function<void()>& body) {
    (void)threads_.start(body);
    settle();
  }
  void run_left(const Step& step, std::size_t at, std::function<void()> body) {
    const std::size_t thread = threads_.start(std::move(body), step.pause_after);
    if (!threads_.is_busy(thread)) return;
    if (step.pause_after != 0) happens("a call left in the middle");
    paused_.push_back({thread, at + step.paused_for});
    if (paused_.size() > 4) settle();
  }
  void resume_paused(std::size_t at) {
    std::vector<Paused> later;
    for (const Paused& paused : std::exchange(paused_, {})) {
      if (paused.until < at) threads_.resume(paused.thread);
      if (threads_.is_busy(paused.thread)) later.push_back(paused);
    }
    paused_ = std::move(later);
  }

  // ---- processes

  /// With what the process keeps by now.
  [[nodiscard]] ProcessLaws& laws_of(Process& process) {
    if (story_.retains && process.counter)
      threads_.without_points([&] { process.laws->know(process.counter->horizons()); });
    return *process.laws;
  }

  [[nodiscard]] static std::int64_t minute_of(const Step& step) {
    return std::max<std::int64_t>(Clock::minute - step.ago, 0);
  }
  [[nodiscard]] std::vector<KeyView> keys_of(const Step& step) const {
    const std::string_view name = story_names[step.name];
    std::vector<KeyView> keys = {{default_namespace, {PeriodType::all, 0}, name}};
    if (has_two_periods(step.name))
      keys.push_back({default_namespace, {PeriodType::minute, 60 * minute_of(step)}, name});
    return keys;
  }
  /// The one that a step is about that is not about all of them.
  [[nodiscard]] KeyView key_of(const Step& step) const { return keys_of(step)[is_of_minute(step) ? 1 : 0]; }
  [[nodiscard]] static Lookup lookup_of(const KeyView& key) {
    return {.period = key.bucket.type,
            .at = Time(std::chrono::sys_seconds(std::chrono::seconds(key.bucket.start)))};
  }
  [[nodiscard]] Count lowest() const { return story_.floor == Floor::zero ? 0 : no_floor; }
  [[nodiscard]] static Periods periods_of(const Step& step) {
    return has_two_periods(step.name) ? PeriodType::all | PeriodType::minute : Periods(PeriodType::all);
  }
  [[nodiscard]] bool alone() const { return story_.processes == 1; }

  [[nodiscard]] typename C::Options options_of(Process& process) const {
    typename C::Options options;
    options.cache.entries = 64;
    options.store.connection = process.link;
    if constexpr (requires { options.queue.batch_size; }) options.queue.batch_size = story_.batch_size;
    if constexpr (requires { options.queue.max_delay; }) options.queue.max_delay = max_delay;
    options.floor = story_.floor;
    options.when_full = story_.when_full;
    options.max_pending = story_.max_pending;
    options.max_batch = story_.max_batch;
    options.refresh = refresh;
    if (story_.retains) options.retention = {{PeriodType::minute, std::chrono::minutes(1)}};
    return options;
  }

  void start(std::size_t number) {
    Process& process = processes_[number];
    process = {};
    process.link = std::make_shared<Link>();
    Link& link = *process.link;
    link.open = [this] { return place_.open(); };
    link.sending = [this, &process](const Batch& batch) { require(laws_of(process).send(batch, writers_)); };
    link.answered = [this, &process](const Batch& batch, const ApplyResult* of_store,
                                     const ApplyResult& told) { answered(process, batch, of_store, told); };
    link.expired = [this, &process](Bucket first, bool certain) {
      if (process.link->dead) return;
      model_.expire(first, certain);
      happens(certain ? "buckets let go" : "a letting go in doubt");
      note_stored(process);
    };
    link.read = [this](const KeyView& key, const std::optional<Count>& count) { see(key, count); };
    std::string why;
    for (int attempts = 0; attempts < 50 && !process.counter && !broken(); ++attempts) {
      run_whole([&] {
        try {
          process.counter = std::make_unique<C>(options_of(process));
        } catch (const Error& error) {
          why = error.what();
          if (error.code() != Errc::store_unavailable)
            require(std::string("a store can be opened after whatever has happened: ") + error.what());
        }
      });
      if (process.counter) break;
      happens("an opening that fails");
      if (MemoryDisk* const disk = place_.disk()) {  // it went again while the files were opened
        if (disk->power_is_cut()) lose_machine();
        if (attempts > 20) disk->room.reset();
      }
    }
    if (!process.counter) return require("a store can be opened after whatever has happened: " + why);
    check_store(*link.store);
    process.laws.emplace(model_.states().front().counts, alone());
  }

  /// The process closes what it has, or, if it was killed, goes without a trace.
  void end(std::size_t number) {
    Process& process = processes_[number];
    if (!process.counter) return;
    process.link->dead = true;
    settle();
    if (!stuck_) run_whole([&] { process.counter.reset(); });
    paused_.clear();
  }

  /// All that runs on it is gone.
  void stop_machine() {
    lose_machine();  // first: what the processes do on their way out is done to what is gone
    for (std::size_t i = 0; i < story_.processes; ++i) end(i);
    for (std::size_t i = 0; i < story_.processes && !broken(); ++i) start(i);
  }
  void lose_machine() {
    if (power_) {
      place_.cut_power(random_);
      happens("a power cut");
    } else {
      place_.kill();
      happens("a machine that stops");
    }
    power_ = true;
  }

  // ---- the store

  void answered(Process& process, const Batch& batch, const ApplyResult* of_store, const ApplyResult& told) {
    if (process.link->dead) return;
    for (const Record& record : batch.records) sent_.insert(owned(record.key));
    if (told.outcome == Outcome::unknown) happens("a batch in doubt");
    if (!told.late.empty()) happens("a record that comes too late");
    if (of_store != nullptr) {
      if (of_store->outcome == Outcome::unknown) happens("a store that cannot tell");
      if (!model_.take(batch, *of_store)) {
        require("no loss, no double count: the store's answer to batch " + std::to_string(batch.sequence) +
                " contradicts what it has" + (of_store->message.empty() ? "" : ": " + of_store->message));
      }
      if (of_store->outcome == Outcome::applied) note_stored(process);
    }
    if (told.outcome != Outcome::applied) return;
    laws_of(process).acknowledge(batch);
    process.late += told.late.size();
  }
  void note_stored(const Process& writer) {
    for (Process& other : processes_) {
      if (other.link && &other != &writer) ++other.link->others_batches;
    }
    if (!alone()) stored_at_.emplace_back(threads_.now(), model_.states().front().counts);
  }

  void see(const KeyView& key, const std::optional<Count>& count) {
    const std::string expected = model_.expected(key);
    if (!model_.see(key, count)) {
      require("no loss, no double count: the store has " + describe(count) + " for " + describe(key) +
              ", and " + expected + " was acknowledged");
    }
  }

  void check_store(typename Place::Store& store) {
    if (model_.states().size() > 1) happens("a doubt that a restart settles");
    for (const Key& key : sent_) see(key, store.read(key));
    if constexpr (ExpiringStore<typename Place::Store>) {
      if (!model_.see(store.horizons()))
        require("retention: the store's horizon is another one than it was told");
    }
  }

  // ---- steps

  void take(const Step& step, std::size_t at) {
    Process& process = processes_[step.process];
    switch (step.act) {
      case Act::add:
      case Act::add_and_get:
      case Act::add_pinned: change_left(process, step, at, &Simulation::add); break;
      case Act::get_and_reset: change_left(process, step, at, &Simulation::get_and_reset); break;
      case Act::reset:
      case Act::remove: change_left(process, step, at, &Simulation::begin_anew); break;
      case Act::get: run_left(step, at, [this, &process, &step] { get(process, step); }); break;
      case Act::pump: run_left(step, at, [this, &process] { pump(process); }); break;
      case Act::flush: run_left(step, at, [this, &process] { (void)flush(process); }); break;
      case Act::let_go: run_left(step, at, [this, &process] { let_go(process); }); break;
      case Act::evict:
        run_left(step, at, [this, &process] {
          if (process.counter->drop_clean() != 0) happens("an eviction");
        });
        break;
      case Act::crowd: run_left(step, at, [this, &process] { crowd(process); }); break;
      case Act::pass: pass(std::chrono::milliseconds(step.amount)); break;
      case Act::next_minute: ++Clock::minute; break;
      case Act::tend:
        try {
          place_.tend(*process.link->store);
          happens("upkeep");
        } catch (const Error& error) {
          happens("upkeep that fails");
          tell(error.what());
        }
        break;
      case Act::store_fault: process.link->faults.push_back(step.fault); break;
      case Act::disk_errors:
        place_.disk()->fail_from = place_.disk()->calls + 1;
        place_.disk()->fail_until = place_.disk()->fail_from + step.amount;
        break;
      case Act::disk_full: place_.disk()->room = step.amount; break;
      case Act::disk_freed: place_.disk()->room.reset(); break;
      case Act::stop_later:
        place_.disk()->power_cut_at = place_.disk()->calls + step.amount;
        power_ = step.delta < 0;
        break;
      case Act::kill:
        happens("a kill");
        kill(step.process);
        break;
      case Act::cut_power:
        power_ = true;
        stop_machine();
        break;
      case Act::reopen: reopen(step.process); break;
    }
  }

  void change_left(Process& process, const Step& step, std::size_t at,
                   void (Simulation::*body)(Process&, const Step&)) {
    if (process.changing[step.name]) settle();
    if (!broken()) run_left(step, at, [this, &process, &step, body] { (this->*body)(process, step); });
  }

  void kill(std::size_t number) {
    processes_[number].link->dead = true;
    if (alone()) place_.kill();
    end(number);
    if (!broken()) start(number);
  }

  /// A change of these counters, of the step's name: `make` makes it, `end` is told whether it counted.
  template <class Make, class End>
  void change(Process& process, const Step& step, const std::vector<KeyView>& keys, Make make, End end) {
    process.changing[step.name] = true;
    process.most_changes = std::max(process.most_changes, ++process.changes);
    const Errc code = make();
    process.changing[step.name] = false;
    --process.changes;
    if (process.link->dead) return;
    const bool counted = code == Errc::ok || code == Errc::not_yet_durable;
    if (!counted)
      happens(code == Errc::backpressure ? "an update refused for want of room" : "an update refused");
    const bool gone = code == Errc::expired && !laws_of(process).keeps(keys[0].bucket);
    if (!counted && !gone && code != Errc::backpressure && code != Errc::store_unavailable &&
        code != Errc::store_failed)
      require("an update is refused for a reason: " + std::string(to_string(code)));
    for (const KeyView& key : keys) {
      require(end(key, counted));
      if (Queue::writes_through && code == Errc::ok) require(laws_of(process).require_stored(key));
    }
  }

  void add(Process& process, const Step& step) {
    auto keys = keys_of(step);
    const Time at = begin_of(minute_of(step));
    if (keys.size() == 2 && !laws_of(process).keeps(keys[1].bucket)) {
      keys.pop_back();
      happens("an update of a minute that has gone");
    }
    const auto minute = keys.size() == 2 ? std::optional(keys[1].bucket) : std::nullopt;
    const Transform sum{step.delta, step.delta < 0 ? lowest() : no_floor};
    for (const KeyView& key : keys) laws_of(process).begin(key, sum, minute);
    std::optional<Count> told;
    const auto make = [&] {
      const Update update{.periods = periods_of(step), .delta = step.delta, .at = at};
      try {
        if (step.act == Act::add_pinned) {
          auto handle = process.counter->handle(keys[0].name, {.periods = update.periods});
          return handle.try_increment(step.delta, at);
        }
        if (step.act == Act::add_and_get && !has_two_periods(step.name)) {
          told = process.counter->increment_and_get(keys[0].name, update);
          return Errc::ok;
        }
      } catch (const Error& error) {
        return error.code();
      }
      return process.counter->try_increment(keys[0].name, update);
    };
    change(process, step, keys, make, [&](const KeyView& key, bool counted) {
      if (told) require(laws_of(process).answer(key, *told));
      return laws_of(process).end(key, counted);
    });
  }

  void get_and_reset(Process& process, const Step& step) {
    const KeyView key = key_of(step);
    std::optional<Count> taken;
    laws_of(process).begin_taking(key, taken, lowest());
    const auto make = [&] { return process.counter->try_get_and_reset(key.name, taken, lookup_of(key)); };
    change(process, step, {key}, make, [&](const KeyView&, bool counted) {
      if (taken) happens("a count taken");
      return laws_of(process).end_taking(key, taken, counted);
    });
  }

  void begin_anew(Process& process, const Step& step) {
    const KeyView key = key_of(step);
    laws_of(process).begin(key, step.act == Act::reset ? reset_to_zero : removal, std::nullopt);
    const auto make = [&] {
      const Lookup lookup = lookup_of(key);
      if constexpr (RemovingStore<Store>) {
        if (step.act == Act::remove) return process.counter->try_remove(key.name, lookup);
      }
      return process.counter->try_reset(key.name, lookup);
    };
    change(process, step, {key}, make, [&](const KeyView&, bool counted) {
      if (counted) happens(step.act == Act::reset ? "a reset" : "a removal");
      return laws_of(process).end(key, counted);
    });
  }

  void get(Process& process, const Step& step) {
    const KeyView key = key_of(step);
    ProcessLaws::Moment moment = laws_of(process).before_read(key);
    for (const auto& [time, counts] : stored_at_) {
      if (time + refresh > threads_.now()) break;
      const auto found = counts.find(owned(key));
      if (found != counts.end()) moment.others = found->second;
    }
    const bool was_kept = laws_of(process).keeps(key.bucket);
    try {
      const auto count = process.counter->get(key.name, lookup_of(key));
      if (process.link->dead) return;
      if (!was_kept && count)
        require("retention: " + describe(key) + " is shown as " + describe(count) + ", and has gone");
      if (!laws_of(process).keeps(key.bucket)) return;  // it may have gone meanwhile
      // What another process has let go may be shown or not; what this one lets go is first known here.
      if (!alone() && !model_.states().front().horizons.keeps(key.bucket)) return;
      std::optional<Count> most;
      if (story_.growing) {
        most = 0;
        for (const Step& any : story_.steps) {
          if (any.act <= Act::add_pinned && any.name == step.name) *most += any.delta;
        }
      }
      require(laws_of(process).read(key, moment, count, most));
      happens("a read");
    } catch (const Error& error) {
      if (error.code() != Errc::store_unavailable && error.code() != Errc::backpressure &&
          error.code() != Errc::store_failed)
        require(std::string("a read fails for a reason: ") + error.what());
      happens("a read refused");
    }
  }

  void pump(Process& process) {
    if constexpr (requires { process.counter->queue().pump(); }) {
      const auto finished = laws_of(process).finished();
      const Drain::Report report = process.counter->queue().pump();
      if (!report.failed && !report.left && !process.link->dead)
        require(laws_of(process).require_stored(finished));
    }
  }

  /// False if the store did not take everything.
  [[nodiscard]] bool flush(Process& process) {
    const auto finished = laws_of(process).finished();
    try {
      process.counter->flush();
      if (!process.link->dead) require(laws_of(process).require_stored(finished));
      return true;
    } catch (const Error& error) {
      happens("a flush that fails");
      return false;
    }
  }

  void let_go(Process& process) {
    if constexpr (ExpiringStore<Store>) {
      const std::int64_t first = first_kept();
      try {
        process.counter->retain();
        if (!process.link->dead && model_.states().front().horizons[PeriodType::minute] < first)
          require("retention: what was to go is still there");
      } catch (const Error& error) {
        happens(error.code() == Errc::clock_jump ? "a clock that jumps" : "a letting go that fails");
      }
    }
  }
  /// Where the first minute begins that is to be kept by now.
  [[nodiscard]] static std::int64_t first_kept() { return 60 * (Clock::minute - 1); }

  void crowd(Process& process) {
    static const std::vector<std::string> names = [] {
      std::vector<std::string> made;
      for (int i = 0; i < 100; ++i) made.push_back("one of many " + std::to_string(i));
      return made;
    }();
    for (const std::string& name : names) {
      try {
        if (process.counter->get(name) && !process.link->dead)
          require("a counter that nobody counted is not there: \"" + name + "\"");
      } catch (const Error&) {  // no room for it, or the store is down
      }
    }
    if (process.counter->stats().evicted != 0) happens("a victim");
  }

  void pass(std::chrono::milliseconds time) {
    threads_.pass(time);
    // With a thread that writes, nothing stays for longer than max_delay while the store takes everything.
    if constexpr (!Queue::writes_through && !requires(Queue & queue) { queue.pump(); }) {
      if (!paused_.empty()) quiet_since_ = threads_.now();
      if (threads_.now() - quiet_since_ < 2 * max_delay)
        return;  // a call may have been left before it told the queue
      for (Process& process : processes_) {
        if (!process.counter || process.link->failed_batches != 0) continue;
        const auto age = process.counter->oldest_pending_age();
        if (age && *age > 2 * max_delay)
          require("age bound: a change waits for longer than max_delay, though the store takes every batch");
      }
    }
  }

  void reopen(std::size_t number) {
    settle();
    if (broken()) return;
    Process& process = processes_[number];
    run_whole([&] {
      const auto finished = laws_of(process).finished();
      const CloseReport report = process.counter->close(std::chrono::seconds(5));
      if (report.clean) require(laws_of(process).require_stored(finished));
      if (report.clean && process.counter->pending() != 0)
        require("close: it is said to be clean, and something is pending");
      happens(report.clean ? "a clean close" : "a close that leaves something");
      process.counter.reset();
    });
    paused_.clear();
    if (place_.disk() && place_.disk()->power_is_cut()) return;  // stop_machine follows
    if (!broken()) start(number);
  }

  void check_bounds() {
    for (const Process& process : processes_) {
      if (!process.counter) continue;
      if (process.counter->horizons()[PeriodType::minute] > first_kept())
        require("retention: a bucket goes before it is time");
      const std::size_t pending = process.counter->pending();
      const std::size_t most = story_.max_pending + process.most_changes;
      if (pending > most)
        require("bound: " + std::to_string(pending) + " counters are pending, and " +
                std::to_string(story_.max_pending) + " may be");
    }
  }

  /// All faults are over: what waits is written by itself, and everything adds up.
  void finish() {
    if (tell_) result_.steps.emplace_back("all faults are over, everybody flushes");
    settle();
    if (MemoryDisk* const disk = place_.disk()) {
      disk->fail_from = disk->fail_until = disk->power_cut_at = 0;
      disk->room.reset();
    }
    for (std::size_t i = 0; i < story_.processes && !broken(); ++i) {
      Process& process = processes_[i];
      process.link->faults.clear();
      bool flushed = false;
      for (int attempts = 0; attempts < 5 && !flushed && !broken(); ++attempts) {
        threads_.pass(std::chrono::seconds(2));
        run_whole([&] { flushed = flush(process); });
      }
      if (!flushed) require("progress: a store that works again does not get what waits for it");
      if (!broken()) check_accounts(process);
    }
    for (std::size_t i = 0; i < story_.processes && !broken(); ++i) check_store(*processes_[i].link->store);
    threads_.pass(2 * refresh);
    for (std::size_t i = 0; i < story_.processes && !broken(); ++i) check_shown(processes_[i]);
    for (std::size_t i = 0; i < story_.processes && !broken(); ++i) reopen(i);
  }

  /// Everything has been written, and for longer than `refresh`.
  void check_shown(Process& process) {
    for (const Key& key : sent_) {
      std::optional<Count> shown;
      run_whole([&] {
        try {
          shown = process.counter->get(key.name, lookup_of(key));
        } catch (const Error& error) {
          require(std::string("progress: a read fails though nothing else does: ") + error.what());
        }
      });
      const auto stored = laws_of(process).keeps(key.bucket)
                              ? StoreModel::count_in(model_.states().front(), key)
                              : std::nullopt;
      if (shown != stored)
        require("reads: in the end " + describe(key) + " is shown as " + describe(shown) +
                ", and the store has " + describe(stored));
    }
  }

  void check_accounts(Process& process) {
    Stats stats;
    run_whole([&] { stats = process.counter->stats(); });
    if (broken()) return;
    const Count sum = stats.stored_sum + stats.in_flight_sum + stats.unflushed_sum.value_or(0) +
                      stats.quarantined_sum + stats.expired_sum + stats.discarded_sum;
    if (stats.accepted_sum != sum || stats.in_flight_sum != 0 || stats.pending != 0)
      require("every change is accounted for: " + std::to_string(stats.accepted_sum) + " was accepted, and " +
              std::to_string(sum) + " is somewhere");
    if (stats.late < process.late)
      require("every change is accounted for: " + std::to_string(process.late) + " came too late, and " +
              std::to_string(stats.late) + " is told");
    if (stats.entries > stats.capacity) require("bound: the cache holds more than it may");
  }

  static constexpr std::chrono::milliseconds refresh{1000};
  static constexpr std::chrono::milliseconds max_delay{200};

  const Story& story_;
  const bool tell_;
  Happenings& happenings_;
  SimulatedThreads threads_;
  std::mt19937_64 random_;
  Place place_;
  StoreModel model_;
  std::set<WriterId> writers_;
  std::set<Key> sent_;  // what has ever been in a batch
  std::vector<std::pair<SimulatedThreads::time_point, std::map<Key, Count>>> stored_at_;
  std::array<Process, 4> processes_;
  std::vector<Paused> paused_;
  SimulatedThreads::time_point quiet_since_ = threads_.now();  // since when no call has been left
  bool power_ = true;  // what stops the machine: the power, or everything on it is killed
  bool stuck_ = false;
  Result result_;
};

}  // namespace livecount::inline v0_1::testing
