// SPDX-License-Identifier: BSL-1.0
// From open to closed: each call either comes before the closing, which then waits for it, or finds it closed.
// In a forked child every call finds it forked: it belongs to the parent, whose locks and threads it cannot use.
#pragma once

#include <cstdint>

#include "../detail/epoch.hpp"
#include "../detail/fork.hpp"
#include "../error.hpp"

namespace livecount::inline v0_1::detail {

template <class Sync>
class Lifetime {
 public:
  /// Whether calls are refused. Without waiting: for a call that holds a Guard while it asks and while it works.
  [[nodiscard]] bool closed() const noexcept { return state_.load(std::memory_order_acquire) != State::open; }
  /// Whether this is a copy in a forked child. Then nothing else of its owner may be touched but atomics.
  [[nodiscard]] bool forked() const noexcept {
    return state_.load(std::memory_order_relaxed) == State::forked;  // set when there was one thread only
  }
  /// Why calls are refused.
  [[nodiscard]] Errc refusal() const noexcept { return forked() ? Errc::forked_child : Errc::closed; }

  /// For a call that may block, and so holds no Guard.
  class Call {
   public:
    explicit Call(Lifetime& lifetime) noexcept : lifetime_(lifetime) {
      // Sequentially consistent here and in close: either close sees this call,
      // or the call sees that it is closed.
      lifetime_.calls_.fetch_add(1, std::memory_order_seq_cst);
      open_ = lifetime_.state_.load(std::memory_order_seq_cst) == State::open;
    }
    ~Call() { lifetime_.calls_.fetch_sub(1, std::memory_order_seq_cst); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    [[nodiscard]] explicit operator bool() const noexcept { return open_; }

   private:
    Lifetime& lifetime_;
    bool open_;
  };

  /// Closes, and waits for every call that has not found it closed. `wake` is called in between, and whenever such a
  /// call is still under way: it ends, or sits out, what they wait for. Repeatable; not in a forked child.
  template <class F>
  void close(F wake) noexcept {
    state_.store(State::closed, std::memory_order_seq_cst);
    Epochs<Sync>::synchronize();
    while (calls_.load(std::memory_order_seq_cst) != 0) wake();
  }

 private:
  enum class State : std::uint8_t { open, closed, forked };

  static void in_child(void* lifetime) noexcept {
    static_cast<Lifetime*>(lifetime)->state_.store(State::forked, std::memory_order_relaxed);
    Epochs<Sync>::forget_other_threads();
  }

  typename Sync::template atomic<State> state_{State::open};
  typename Sync::template atomic<std::uint32_t> calls_{0};  // that may block and are under way
  ForkListener listener_{in_child, this};
};

}  // namespace livecount::inline v0_1::detail
