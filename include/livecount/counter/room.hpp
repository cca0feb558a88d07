// SPDX-License-Identifier: BSL-1.0
// How many counters are dirty, and how many may be: each mark takes a place until its batch is settled.
#pragma once

#include <cstddef>

#include "../detail/sync.hpp"

namespace livecount::inline v0_1::detail {

/// Any thread; wait-free, but for the loop of a compare-and-swap.
template <class Sync>
class Room {
 public:
  explicit Room(std::size_t places) noexcept : places_(places) {}

  [[nodiscard]] std::size_t taken() const noexcept { return taken_.load(std::memory_order_acquire); }

  /// Whether an update should ask for room (reserve) before it changes anything.
  [[nodiscard]] bool full() const noexcept { return full_.load(std::memory_order_relaxed); }

  /// Makes room for so many marks; false if that would be more than there are places.
  [[nodiscard]] bool reserve(std::size_t marks) noexcept {
    if (marks == 0) {
      set_full(this->taken() >= places_);
      return true;
    }
    std::size_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken + marks > places_) {
        set_full(true);
        return false;
      }
    } while (!taken_.compare_exchange_weak(taken, taken + marks, std::memory_order_acq_rel));
    // Also mends a `full` that was set, too late, beside a settling.
    set_full(taken + marks >= places_);
    return true;
  }
  /// For an update that has already been added: its mark cannot be refused. So what is pending may pass the number of
  /// places by one for each update that is under way at that moment.
  void reserve_by_force() noexcept {
    if (taken_.fetch_add(1, std::memory_order_acq_rel) + 1 >= places_) {
      set_full(true);
    }
  }
  void unreserve(std::size_t marks) noexcept {
    if (taken_.fetch_sub(marks, std::memory_order_acq_rel) - marks < places_) {
      set_full(false);
    }
  }

 private:
  template <class T>
  using atomic = typename Sync::template atomic<T>;

  void set_full(bool full) noexcept {
    if (full_.load(std::memory_order_relaxed) != full) full_.store(full, std::memory_order_relaxed);
  }

  const std::size_t places_;
  alignas(cache_line) atomic<std::size_t> taken_{0};
  alignas(cache_line) atomic<bool> full_{
      false};  // a hint: taken_ has reached places_; each update looks at it
};

}  // namespace livecount::inline v0_1::detail
