// SPDX-License-Identifier: BSL-1.0
//
// How old buckets leave: a horizon for each period type moves on as time passes, and what is before it goes.
//
// A horizon is first known here, so that nobody reads, or counts into, what is about to go; then the store keeps it, and
// removes what is before it, some at a time. Records that are older when they reach the store are late: it leaves them
// out. Where it is asked often enough, a horizon moves in steps of a 16th of its retention (a second at least), so a bucket
// may stay longer by so much.
//
// A clock that is wrong must not cost all counts: one step moves a horizon by no more than its retention, or one bucket, and
// by the time that has passed since the step before it on the steady clock, so that a horizon keeps up however seldom
// somebody asks. What is left is told, once until it is made up (Errc::clock_jump). The first step of a process has no
// step before it; the first one of all has nothing to measure by, and moves at once.
//
// Threads: any; a step beside another one is left out. Progress: looking is wait-free; a step waits for the store. The
// handler is told when the turn is over.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "../calendar.hpp"
#include "../concepts.hpp"
#include "../detail/sync.hpp"
#include "../error.hpp"
#include "../retention.hpp"
#include "handler.hpp"

namespace livecount::inline v0_1::detail {

template <class Sync>
class Retainer {
 public:
  using Wait = std::optional<std::chrono::milliseconds>;

  Retainer(Retention retention, const Calendar& calendar, const ErrorHandler& handler)
      : retention_(retention), calendar_(calendar), handler_(handler) {
    for (auto& start : starts_) start.store(Horizons::none, std::memory_order_relaxed);
  }

  [[nodiscard]] bool keeps(Bucket bucket) const noexcept {
    // Nothing hangs on when a horizon is seen: who is late finds out at the store.
    return bucket.start >= starts_[index(bucket.type)].load(std::memory_order_relaxed);
  }
  /// How often a horizon has moved: while this is the same, so is what is kept. acquire: pairs with the release in raise.
  [[nodiscard]] std::uint64_t moves() const noexcept { return moves_.load(std::memory_order_acquire); }
  [[nodiscard]] Horizons horizons() const noexcept {
    Horizons horizons;
    for (const PeriodType type : Periods::every())
      horizons.raise({type, starts_[index(type)].load(std::memory_order_relaxed)});
    return horizons;
  }
  /// What the store keeps: another process may have moved it. Throws what the store throws.
  template <class Store>
  void learn(Store& store) {
    const Horizons horizons = store.horizons();
    for (const PeriodType type : Periods::every()) raise({type, horizons[type]});
  }
  /// The same, with failures told.
  template <class Store>
  void try_learn(Store& store) noexcept {
    tell(failure_of([&] { learn(store); }));
  }

  /// Moves the horizons that have to move, has at most so many counters of each type removed, and twice as many as were
  /// written since some were left, so that what comes is outrun; and drops from the cache what has gone. `records`: written
  /// so far. Returns when to come again, if ever.
  template <class Cache, class Store>
  [[nodiscard]] Wait step(Cache& cache, Store& store, Time now, std::size_t most,
                          std::uint64_t records) noexcept {
    std::array<std::exception_ptr, type_count> told;
    Wait next;
    {
      const std::unique_lock turn(turn_, std::try_to_lock);
      if (!turn) return pause;  // whoever has it does not tell this caller's queue
      for (const PeriodType type : Periods::every()) {
        if (retention_.of(type).count() == 0) continue;
        Task& task = tasks_[index(type)];
        if (task.due <= Sync::now())
          told[index(type)] = work_on(task, type, cache, store, now, most, records);
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(task.due - Sync::now());
        next = std::max(std::min(next.value_or(wait), wait), std::chrono::milliseconds(0));
      }
    }
    for (const std::exception_ptr& what : told) tell(what);
    return next;
  }

  /// The same now, and to the end, but in pieces of `most`, with between() after each. Not empty: a horizon did not move as
  /// far as it should have. Throws: Error, what the store and `between` throw.
  template <class Cache, class Store, class Between>
  [[nodiscard]] std::string finish(Cache& cache, Store& store, Time now, std::size_t most, Between between) {
    const std::lock_guard turn(turn_);
    try {
      std::string jumps;
      for (const PeriodType type : Periods::every()) {
        if (retention_.of(type).count() != 0) jumps += move(tasks_[index(type)], type, cache, now);
      }
      for (const PeriodType type : Periods::every()) {
        while (remove(type, store, most)) between();
      }
      return jumps;
    } catch (...) {
      for (Task& task : tasks_) task.behind = false;  // to be told the next time
      throw;
    }
  }

 private:
  static constexpr const char* where = "retention";
  static constexpr std::size_t type_count = 8;
  static constexpr std::chrono::milliseconds pause{20};  // between two transactions
  static constexpr std::chrono::milliseconds shortest_step{1000};
  static constexpr std::chrono::milliseconds longest_retry{60'000};  // after a failure

  struct Task {
    typename Sync::time_point due{};                   // to be worked on
    typename Sync::time_point move_due{};              // ... and to move the horizon
    std::optional<typename Sync::time_point> moved{};  // when it was looked at whether it has to move
    bool behind = false;                               // then it did not move as far as it should have
    std::optional<std::uint64_t> left_at{};            // records written when some were left to be removed
    std::chrono::milliseconds retry{0};                // not 0: how long was waited since the last failure
  };

  [[nodiscard]] static constexpr std::size_t index(PeriodType type) noexcept {
    return static_cast<std::size_t>(type);
  }

  void raise(Bucket first) noexcept {
    auto& start = starts_[index(first.type)];
    std::int64_t before = start.load(std::memory_order_relaxed);
    while (before < first.start &&
           !start.compare_exchange_weak(before, first.start, std::memory_order_relaxed)) {
    }
    if (before < first.start) moves_.fetch_add(1, std::memory_order_release);
  }

  /// Returns what is to be told, if anything.
  template <class Cache, class Store>
  [[nodiscard]] std::exception_ptr work_on(Task& task, PeriodType type, Cache& cache, Store& store, Time now,
                                           std::size_t most, std::uint64_t records) noexcept {
    std::exception_ptr told;
    const std::exception_ptr failure = failure_of([&] {
      if (task.move_due <= Sync::now()) {
        const std::chrono::milliseconds step = retention_.of(type) / 16;
        task.move_due = Sync::now() + std::clamp(step, shortest_step, longest_wait);
        const bool was_behind = task.behind;
        const std::string jump = move(task, type, cache, now);
        if (!jump.empty() && !was_behind)
          told = std::make_exception_ptr(Error(Errc::clock_jump, jump, where));
      }
      const auto since = static_cast<std::size_t>(records - task.left_at.value_or(records));
      const bool more = remove(type, store, std::min(most + 2 * since, 100 * most));
      task.left_at = more ? std::optional(records) : std::nullopt;
      task.due = more ? Sync::now() + pause : task.move_due;
      task.retry = {};
    });
    if (!failure) return told;
    if (told) task.behind = false;  // to be told the next time
    task.retry = std::clamp(task.retry * 2, shortest_step, longest_retry);
    task.due = Sync::now() + task.retry;
    return failure;
  }

  /// True if there is more to be removed.
  template <class Store>
  [[nodiscard]] bool remove(PeriodType type, Store& store, std::size_t most) {
    const std::int64_t first = starts_[index(type)].load(std::memory_order_relaxed);
    return first != Horizons::none && store.expire(Bucket{type, first}, most);
  }

  template <class F>
  [[nodiscard]] static std::exception_ptr failure_of(F f) noexcept {
    try {
      f();
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }
  void tell(const std::exception_ptr& what) const noexcept {
    if (!what) return;
    try {
      std::rethrow_exception(what);
    } catch (const Error& error) {
      handler_.tell(error.code(), error.what(), where);
    } catch (const std::exception& error) {  // out of memory, as likely as not
      handler_.tell(Errc::store_unavailable, error.what(), where);
    } catch (...) {
      handler_.tell(Errc::store_failed, "the store has thrown what is no std::exception", where);
    }
  }

  /// Moves the horizon, and drops from the cache what has gone. Not empty: how far it should have moved, and did not.
  /// Throws: Error{time_out_of_range}.
  template <class Cache>
  [[nodiscard]] std::string move(Task& task, PeriodType type, Cache& cache, Time now) {
    const std::chrono::seconds kept = retention_.of(type);
    const std::int64_t before = starts_[index(type)].load(std::memory_order_relaxed);
    const std::int64_t wanted = retention_.first_kept(type, now, calendar_).start;
    const std::chrono::seconds passed = local_time_passed(task, now.seconds() - kept);
    std::int64_t start = wanted;
    if (before != Horizons::none) {
      const std::int64_t furthest =
          std::max(begin_of(type, before + kept.count() + passed.count(), calendar_.week_start()),
                   end_of(type, begin_of(type, before + passed.count(), calendar_.week_start())));
      start = std::min(start, furthest);
    }
    task.behind = start < wanted;
    if (start <= before) return {};
    raise({type, start});
    if constexpr (DroppingCache<Cache>) {
      (void)cache.drop_clean([this](const KeyView& key) { return !keeps(key.bucket); });
    }
    return task.behind ? describe_jump(type, before, start, wanted) : std::string();
  }

  /// Since the horizon was looked at last, by the calendar's clock around `since`: that may have been turned forward.
  [[nodiscard]] std::chrono::seconds local_time_passed(Task& task, std::chrono::sys_seconds since) const {
    const typename Sync::time_point looked = Sync::now();
    const auto passed =
        std::chrono::floor<std::chrono::seconds>(looked - std::exchange(task.moved, looked).value_or(looked));
    return std::max(passed, calendar_.local(since) - calendar_.local(since - passed));
  }

  [[nodiscard]] static std::string describe_jump(PeriodType type, std::int64_t before, std::int64_t start,
                                                 std::int64_t wanted) {
    return "by the clock, of the period " + std::string(to_string(type)) + " all before " +
           to_scope({type, wanted}) + " is to go, but " + to_scope({type, before}) +
           " was the first to be kept until now: only what is before " + to_scope({type, start}) +
           " goes now, and more the next time. Is the clock right?";
  }

  const Retention retention_;
  const Calendar calendar_;
  const ErrorHandler& handler_;
  std::array<typename Sync::template atomic<std::int64_t>, type_count>
      starts_;  // of the first buckets that are kept
  typename Sync::template atomic<std::uint64_t> moves_{0};
  typename Sync::mutex turn_;
  std::array<Task, type_count> tasks_;  // under turn_
};

}  // namespace livecount::inline v0_1::detail
