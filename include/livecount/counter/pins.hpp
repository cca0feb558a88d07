// SPDX-License-Identifier: BSL-1.0
// The entries that one call needs, kept in the cache for as long as it needs
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../entry.hpp"

namespace livecount::inline v0_1::detail {

inline constexpr std::size_t most_periods = 8;  // of one call: each type once

/// A name whose buckets have been worked out: one key for each period.
struct Keys {
  std::string_view ns;
  std::string_view name;
  std::uint64_t name_hash;
  std::size_t count = 0;
  std::size_t expired = 0;  // that are left out, as their buckets are not kept
  // The first `count` of:
  std::array<std::int64_t, most_periods> buckets;  // packed
  std::array<std::uint64_t, most_periods> hashes;

  void add(const HashedKey& key) noexcept {
    buckets[count] = pack(key.key.bucket);
    hashes[count++] = key.hash;
  }
  template <class F>
  void for_each_hash(F f) const noexcept {
    for (std::size_t i = 0; i < count; ++i) f(hashes[i]);
  }
  [[nodiscard]] HashedKey operator[](std::size_t i) const noexcept {
    return {{ns, unpack(buckets[i]), name}, hashes[i]};
  }
};

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

  /// False if there is no room.
  [[nodiscard]] bool take(const HashedKey& key) {
    Entry* const entry = cache_.pin(key);
    if (entry) entries_[count_++] = entry;
    return entry != nullptr;
  }
  [[nodiscard]] bool take(const Keys& keys) {
    for (std::size_t i = 0; i < keys.count; ++i) {
      if (!take(keys[i])) return false;
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
