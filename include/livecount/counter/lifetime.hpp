// SPDX-License-Identifier: BSL-1.0
// From open to closed: each call either comes before the closing, which then waits for it, or finds it closed.
#pragma once

#include <cstdint>

#include "../detail/epoch.hpp"

namespace livecount::inline v0_1::detail {

template <class Sync>
class Lifetime {
 public:
  /// Without waiting: for a call that holds a Guard while it asks and while it works.
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// For a call that may block, and so holds no Guard.
  class Call {
   public:
    explicit Call(Lifetime& lifetime) noexcept : lifetime_(lifetime) {
      // Sequentially consistent here and in close: either close sees this call,
      // or the call sees that it is closed.
      lifetime_.calls_.fetch_add(1, std::memory_order_seq_cst);
      open_ = !lifetime_.closed_.load(std::memory_order_seq_cst);
    }
    ~Call() { lifetime_.calls_.fetch_sub(1, std::memory_order_seq_cst); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    [[nodiscard]] explicit operator bool() const noexcept { return open_; }

   private:
    Lifetime& lifetime_;
    bool open_;
  };

  /// Closes, and waits for every call that has not found it closed. Repeatable.
  void close() noexcept {
    closed_.store(true, std::memory_order_seq_cst);
    Epochs<Sync>::synchronize();
    while (calls_.load(std::memory_order_seq_cst) != 0) Sync::yield();
  }

 private:
  typename Sync::template atomic<bool> closed_{false};
  typename Sync::template atomic<std::uint32_t> calls_{0};  // that may block and are under way
};

}  // namespace livecount::inline v0_1::detail
