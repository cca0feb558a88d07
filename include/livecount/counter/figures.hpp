// SPDX-License-Identifier: BSL-1.0
// What has become of the changes that were collected, in figures: how many records, and the sums of their deltas.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../detail/sync.hpp"
#include "../error.hpp"
#include "../record.hpp"

namespace livecount::inline v0_1::detail {

/// Written by the holder of the drain's turn, read by any thread. Sums are modulo 2^64.
template <class Sync>
class Figures {
 public:
  void frozen(Count net) noexcept { add(in_flight_sum, static_cast<std::uint64_t>(net)); }

  /// So many records, and the sum of their deltas.
  struct Part {
    std::size_t records = 0;
    std::uint64_t sum = 0;
  };

  /// A batch was applied, but for parts of it that were put aside or came too late.
  void applied(const Part& all, const Part& aside, const Part& too_late) noexcept {
    add(batches, 1);
    add(records, all.records);
    add(quarantined, aside.records);
    add(late, too_late.records);
    add(in_flight_sum, 0 - all.sum);
    add(stored_sum, all.sum - aside.sum - too_late.sum);
    add(quarantined_sum, aside.sum);
    add(expired_sum, too_late.sum);
    error.store(Errc::ok, std::memory_order_relaxed);
  }

  void redirected(std::size_t count) noexcept { add(overflowed, count); }

  void failed(Errc code) noexcept {
    add(failures, 1);
    error.store(code, std::memory_order_relaxed);
  }

  template <class T>
  using atomic = typename Sync::template atomic<T>;

  atomic<std::uint64_t> batches{0}, records{0}, failures{0}, quarantined{0}, late{0}, overflowed{0};
  atomic<std::uint64_t> stored_sum{0}, in_flight_sum{0}, quarantined_sum{0}, expired_sum{0};
  atomic<Errc> error{Errc::ok};  // of the last attempt

 private:
  static void add(atomic<std::uint64_t>& figure, std::uint64_t amount) noexcept {
    figure.store(figure.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
};

}  // namespace livecount::inline v0_1::detail
