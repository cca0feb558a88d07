// SPDX-License-Identifier: BSL-1.0
// How many updates there were, and the sum of their deltas: many threads add, few read. A cell for each of the first
// threads, and one for all others.
#pragma once

#include <array>
#include <cstdint>

#include "sync.hpp"

namespace livecount::inline v0_1::detail {

template <class Sync>
class Tally {
 public:
  struct Total {
    std::uint64_t updates = 0;
    std::uint64_t sum = 0;  // of the deltas, modulo 2^64
  };

  /// `thread`: a number that no other thread has at the time (Epochs::Guard::thread_index). Wait-free.
  [[gnu::always_inline]] void add(std::uint32_t thread, std::int64_t delta,
                                  std::uint64_t updates = 1) noexcept {
    const auto sum = static_cast<std::uint64_t>(delta);
    if (thread < own_cells) {  // nobody else writes here, so a load and a store will do
      Cell& cell = cells_[thread];
      cell.updates.store(cell.updates.load(std::memory_order_relaxed) + updates, std::memory_order_relaxed);
      cell.sum.store(cell.sum.load(std::memory_order_relaxed) + sum, std::memory_order_relaxed);
    } else {
      cells_[own_cells].updates.fetch_add(updates, std::memory_order_relaxed);
      cells_[own_cells].sum.fetch_add(sum, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] Total total() const noexcept {
    Total total;
    for (const Cell& cell : cells_) {
      total.updates += cell.updates.load(std::memory_order_relaxed);
      total.sum += cell.sum.load(std::memory_order_relaxed);
    }
    return total;
  }

 private:
  static constexpr std::uint32_t own_cells = 63;
  struct alignas(cache_line) Cell {
    typename Sync::template atomic<std::uint64_t> updates{0};
    typename Sync::template atomic<std::uint64_t> sum{0};
  };
  std::array<Cell, own_cells + 1> cells_;
};

}  // namespace livecount::inline v0_1::detail
