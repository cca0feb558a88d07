// SPDX-License-Identifier: BSL-1.0
// A sum that many threads add to and few read: a cell for each of the first threads, and one for all others.
#pragma once

#include <array>
#include <cstdint>

#include "sync.hpp"

namespace livecount::inline v0_1::detail {

template <class Sync>
class Tally {
 public:
  /// `thread`: a number that no other thread has at the time (Epochs::Guard::thread_index). Wait-free.
  void add(std::uint32_t thread, std::uint64_t amount) noexcept {
    if (thread < own_cells) {  // nobody else writes here, so a load and a store will do
      auto& cell = cells_[thread].value;
      cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    } else {
      cells_[own_cells].value.fetch_add(amount, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] std::uint64_t sum() const noexcept {
    std::uint64_t sum = 0;
    for (const Cell& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static constexpr std::uint32_t own_cells = 63;
  struct alignas(cache_line) Cell {
    typename Sync::template atomic<std::uint64_t> value{0};
  };
  std::array<Cell, own_cells + 1> cells_;
};

}  // namespace livecount::inline v0_1::detail
