// SPDX-License-Identifier: BSL-1.0
// The entries that one call needs, kept in the cache for as long as it needs
// them.
#pragma once

#include <array>
#include <cstddef>

#include "../entry.hpp"

namespace livecount::inline v0_1::detail {

inline constexpr std::size_t most_periods = 8;  // of one call: each type once

template <class Cache>
class Pins {
 public:
  using Entry = BasicEntry<typename Cache::Sync>;

  explicit Pins(Cache& cache) noexcept : cache_(cache) {}
  ~Pins() {
    while (count_ > 0) cache_.unpin(*entries_[--count_]);
  }
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;

  /// False if there is no room for one of them.
  [[nodiscard]] bool take(const HashedKey* keys, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Entry* const entry = cache_.pin(keys[i]);
      if (!entry) return false;
      entries_[count_++] = entry;
    }
    return true;
  }
  [[nodiscard]] Entry* const* entries() const noexcept { return entries_.data(); }

 private:
  Cache& cache_;
  std::array<Entry*, most_periods> entries_;
  std::size_t count_ = 0;
};

}  // namespace livecount::inline v0_1::detail
