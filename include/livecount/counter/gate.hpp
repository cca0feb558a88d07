// SPDX-License-Identifier: BSL-1.0
// A gate: many may be inside at a time; one closer shuts it, waits for those inside, and opens it again.
// Unlike a reader-writer lock it never lets the closer starve: while it is closed nobody enters.
//
// Two ways lead in. Who is Inside has been counted in, by two read-modify-writes, and may have waited for the gate to open. Who
// holds a Crossing (detail/epoch.hpp) only looks whether it is open, which costs a load; for that the closer has to ask all
// threads whether they are crossing, and does so only where it matters to him.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../detail/epoch.hpp"
#include "../detail/sync.hpp"

namespace livecount::inline v0_1::detail {

/// How many gates the names of one Counter share. (An explorer has fewer, to keep its executions short.)
template <class Sync>
inline constexpr std::size_t gate_count = 64;

template <class Sync>
class Gate {
 public:
  /// Being inside, as a scope. Whoever is inside does no I/O and waits for nothing that needs the gate
  /// closed.
  class Inside {
   public:
    explicit Inside(Gate& gate) noexcept : gate_(gate) { gate_.enter(); }
    ~Inside() { gate_.state_.fetch_sub(1, std::memory_order_release); }  // (1) pairs with (2)
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Gate& gate_;
  };

  /// Being closed, as a scope: nobody is Inside. One closer at a time.
  class Closed {
   public:
    explicit Closed(Gate& gate) noexcept : gate_(gate) {
      gate_.state_.fetch_or(closed, std::memory_order_acquire);
      while (gate_.state_.load(std::memory_order_acquire) != closed) Sync::yield();  // (2) pairs with (1)
    }
    ~Closed() { gate_.state_.fetch_and(~closed, std::memory_order_release); }  // (3) pairs with (4), (5)
    Closed(const Closed&) = delete;
    Closed& operator=(const Closed&) = delete;

   private:
    Gate& gate_;
  };

  /// Whether it is open. If so, the holder of the Crossing is as if Inside, until that ends, for a closer that calls
  /// Epochs::wait_for_crossings.
  [[nodiscard, gnu::always_inline]] bool is_open(const typename Epochs<Sync>::Crossing&) const noexcept {
    return (state_.load(std::memory_order_acquire) & closed) == 0;  // (5) pairs with (3)
  }

 private:
  static constexpr std::uint32_t closed = 1U << 31;

  void enter() noexcept {
    while ((state_.fetch_add(1, std::memory_order_acquire) & closed) != 0) {  // (4) pairs with (3)
      state_.fetch_sub(1, std::memory_order_relaxed);  // was never inside: nothing to hand over
      while ((state_.load(std::memory_order_relaxed) & closed) != 0) Sync::yield();
    }
  }

  typename Sync::template atomic<std::uint32_t> state_{0};  // those inside, and the bit `closed`
};

}  // namespace livecount::inline v0_1::detail
