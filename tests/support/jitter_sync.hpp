// SPDX-License-Identifier: BSL-1.0
// A world in which, now and then, a thread loses the processor right before an atomic operation: so the narrow windows
// between two of them are met often, and not once in a million runs.
#pragma once

#include <livecount/detail/sync.hpp>

#include <atomic>
#include <thread>

namespace livecount::tests {

struct JitterSync : StdSync {
  static void disturb() noexcept {
    thread_local std::uint32_t state =
        static_cast<std::uint32_t>(std::hash<std::thread::id>()(std::this_thread::get_id()));
    state = state * 1'664'525U + 1'013'904'223U;
    if (state >> 26U == 0) std::this_thread::yield();  // one time in 64
  }

  template <class T>
  class atomic : std::atomic<T> {
    using Base = std::atomic<T>;

   public:
    using Base::Base;

    T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
      return disturb(), Base::load(order);
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
      disturb();
      Base::store(value, order);
    }
    T exchange(T value, std::memory_order order) noexcept { return disturb(), Base::exchange(value, order); }
    T fetch_add(T value, std::memory_order order) noexcept {
      return disturb(), Base::fetch_add(value, order);
    }
    T fetch_sub(T value, std::memory_order order) noexcept {
      return disturb(), Base::fetch_sub(value, order);
    }
    T fetch_or(T value, std::memory_order order) noexcept { return disturb(), Base::fetch_or(value, order); }
    T fetch_and(T value, std::memory_order order) noexcept {
      return disturb(), Base::fetch_and(value, order);
    }
    template <class... Orders>
    bool compare_exchange_weak(T& expected, T desired, Orders... orders) noexcept {
      return disturb(), Base::compare_exchange_weak(expected, desired, orders...);
    }
    template <class... Orders>
    bool compare_exchange_strong(T& expected, T desired, Orders... orders) noexcept {
      return disturb(), Base::compare_exchange_strong(expected, desired, orders...);
    }
  };
};

}  // namespace livecount::tests
