// SPDX-License-Identifier: BSL-1.0
//
// How old buckets leave: a horizon for each period type moves on as time passes, and what is before it goes.
//
// A horizon is first known here, so that nobody reads, or counts into, what is about to go; then the store keeps it, and
// removes what is before it, some at a time. Records that are older when they reach the store are late: it leaves them
// out. Where it is asked often enough, a horizon moves in steps of a 16th of its retention (a second at least), so a bucket
// may stay longer by so much.
//
// A clock that is wrong must not cost all counts: one step moves a horizon by no more than its retention, or one bucket,
// however long ago the last one was, and is told (Errc::clock_jump). So where steps are further apart than the retention,
// the horizon falls behind. The first step of all has nothing to measure by, and moves at once.
//
// Threads: any; a step beside another one is left out. Progress: looking is wait-free; a step waits for the store.
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
  [[nodiscard]] Horizons horizons() const noexcept {
    Horizons horizons;
    for (const PeriodType type : Periods::every())
      horizons.raise({type, starts_[index(type)].load(std::memory_order_relaxed)});
    return horizons;
  }
  /// What the store keeps: another process may have moved it.
  template <class Store>
  void learn(Store& store) noexcept {
    attempt([&] {
      const Horizons horizons = store.horizons();
      for (const PeriodType type : Periods::every()) raise({type, horizons[type]});
    });
  }

  /// Moves the horizons that have to move, has at most so many counters of each type removed, and drops from the cache
  /// what has gone. Returns when to come again, if ever.
  template <class Cache, class Store>
  [[nodiscard]] Wait step(Cache& cache, Store& store, Time now, std::size_t most) noexcept {
    const std::unique_lock turn(turn_, std::try_to_lock);
    if (!turn) return pause;  // whoever has it does not tell this caller's queue
    Wait next;
    const auto come_in = [&next](std::chrono::milliseconds wait) {
      next = next ? std::min(*next, wait) : wait;
    };
    for (const PeriodType type : Periods::every()) {
      if (retention_.of(type).count() == 0) continue;
      Task& task = tasks_[index(type)];
      const auto until_due = task.due - Sync::now();
      if (until_due <= until_due.zero()) {
        come_in(work_on(task, type, cache, store, now, most));
      } else {
        come_in(std::chrono::ceil<std::chrono::milliseconds>(until_due));
      }
    }
    return next;
  }

  /// The same now, and to the end, but in pieces of `most`. Not empty: a horizon did not move as far as it should have.
  /// Throws: Error, what the store throws.
  template <class Cache, class Store>
  [[nodiscard]] std::string finish(Cache& cache, Store& store, Time now, std::size_t most) {
    const std::lock_guard turn(turn_);
    std::string jumps;
    for (const PeriodType type : Periods::every()) {
      if (retention_.of(type).count() != 0) jumps += move(type, cache, now);
      while (remove(type, store, most)) {
      }
    }
    return jumps;
  }

 private:
  static constexpr std::chrono::milliseconds pause{20};  // between two transactions
  static constexpr std::chrono::milliseconds shortest_step{1000};

  // No zone turns its clocks back by more than this.
  static constexpr std::chrono::hours longest_fold{25};

  struct Task {
    typename Sync::time_point due{};       // to be worked on
    typename Sync::time_point move_due{};  // ... and to move the horizon
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
  }

  /// Returns when to come again.
  template <class Cache, class Store>
  [[nodiscard]] std::chrono::milliseconds work_on(Task& task, PeriodType type, Cache& cache, Store& store,
                                                  Time now, std::size_t most) noexcept {
    std::chrono::milliseconds wait = shortest_step;
    attempt([&] {
      if (task.move_due <= Sync::now()) {
        const std::chrono::milliseconds step = retention_.of(type) / 16;
        task.move_due = Sync::now() + std::clamp(step, shortest_step, longest_wait);
        const std::string jump = move(type, cache, now);
        if (!jump.empty()) handler_.tell(Errc::clock_jump, jump, "retention");
      }
      wait = remove(type, store, most)
                 ? pause
                 : std::chrono::ceil<std::chrono::milliseconds>(task.move_due - Sync::now());
    });
    task.due = Sync::now() + wait;
    return wait;
  }

  /// True if there is more to be removed.
  template <class Store>
  [[nodiscard]] bool remove(PeriodType type, Store& store, std::size_t most) {
    const std::int64_t first = starts_[index(type)].load(std::memory_order_relaxed);
    return first != Horizons::none && store.expire(Bucket{type, first}, most);
  }

  /// Tells what f throws: it is tried again.
  template <class F>
  void attempt(F f) const noexcept {
    try {
      f();
    } catch (const Error& error) {
      handler_.tell(error.code(), error.what(), "retention");
    } catch (const std::exception& error) {
      handler_.tell(Errc::store_unavailable, error.what(), "retention");
    }
  }

  /// Moves the horizon, and drops from the cache what has gone. Not empty: how far it should have moved, and did not.
  /// Throws: Error{time_out_of_range}.
  template <class Cache>
  [[nodiscard]] std::string move(PeriodType type, Cache& cache, Time now) {
    const std::chrono::seconds kept = retention_.of(type);
    const std::int64_t before = starts_[index(type)].load(std::memory_order_relaxed);
    const std::int64_t wanted = first_kept(type, now, kept).start;
    if (wanted <= before) return {};
    std::int64_t start = wanted;
    if (before != Horizons::none) {
      const std::int64_t furthest =
          std::max(begin_of(type, before + kept.count(), calendar_.week_start()), end_of(type, before));
      start = std::min(start, furthest);
    }
    raise({type, start});
    if constexpr (DroppingCache<Cache>) {
      (void)cache.drop_clean([this](const KeyView& key) { return !keeps(key.bucket); });
    }
    return start < wanted ? describe_jump(type, before, start, wanted) : std::string();
  }

  /// The first bucket that ends later than `kept` ago. In the hours before clocks are turned back, one that has its first
  /// end behind it still has another one before it.
  [[nodiscard]] Bucket first_kept(PeriodType type, Time now, std::chrono::seconds kept) const {
    const std::chrono::sys_seconds since = now.seconds() - kept;
    const auto turned_back = calendar_.local(since) + longest_fold - calendar_.local(since + longest_fold);
    return calendar_.bucket(type, since - std::max(turned_back, std::chrono::seconds(0)));
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
  std::array<typename Sync::template atomic<std::int64_t>, 8> starts_;  // of the first buckets that are kept
  typename Sync::mutex turn_;
  std::array<Task, 8> tasks_;  // under turn_
};

}  // namespace livecount::inline v0_1::detail
