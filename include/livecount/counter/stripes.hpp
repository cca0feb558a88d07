// SPDX-License-Identifier: BSL-1.0
//
// Stripes: what striped handles have counted, each on a cache line of its own, until it is folded into the entry.
//
// Threads that add to one word send its cache line back and forth. A striped handle adds to its stripe, which nobody
// else writes, with plain loads and stores; whoever needs the count folds the stripes into the word first: readers,
// updates that look at the count, and the worker before it freezes the entry. Invariants:
//
//   1. A handle changes what its stripe has gathered, and nobody else does. What of that has been folded is changed
//      under the lock of its shard, by who is inside the name's gate or has closed it, and gets into the word under
//      that lock. So nobody finds an update taken from its stripe and not yet in the word; and freezing, too, finds it
//      on one side.
//   2. A handle adds to its stripe, then looks whether the entry is queued and the Counter open. The worker freezes (or
//      a Counter is closed), then looks at the stripes. One of the two sees the other: a store-load order, had in the
//      two ways of epoch.hpp. So of an update beside a freezing either the worker marks the entry anew, or the handle
//      finds it clean and does; and one beside the closing is either folded by the last batch, or refused.
//   3. Nobody folds another handle's stripe when the last batch may have been formed: else that handle's update, which
//      is about to find the Counter closed, would be in the word and never be written. So who folds all stripes is a
//      call that closing waits for, or the worker; a handle that goes folds its own.
//   4. What is folded is in the word before the entry is marked: a reader takes queued for "there is a counter". So a delta
//      of 0, which makes one, goes to the entry, and updates, which may lag behind the sum, are figures only.
//   5. A stripe's entry is pinned for as long as the stripe is there.
//
// Cells that are never folded while a handle lives would need no lock to be read, but leave the count in pieces: no floor,
// reset or removal could be had beside them. Here a count is whole whenever it is looked at.
//
// Threads: as the comment of each member says. Progress: Stripe::add is wait-free; the others take a shard's lock.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "../detail/epoch.hpp"
#include "../detail/sync.hpp"
#include "../record.hpp"

namespace livecount::inline v0_1::detail {

/// How many updates, and the sum of their deltas, both modulo 2^64.
struct Gathered {
  std::uint64_t sum = 0;
  std::uint64_t updates = 0;

  [[nodiscard]] bool is_nothing() const noexcept { return sum == 0; }
  Gathered& operator+=(const Gathered& other) noexcept {
    sum += other.sum;
    updates += other.updates;
    return *this;
  }
};

template <class Sync>
class alignas(cache_line) Stripe {
 public:
  /// The largest delta for a stripe; larger ones, and decrements, go to the entry. A count in the middle half of its range
  /// takes 2^37 of them. Only if so many came before anybody read the counter, and none were written, could it leave the
  /// range; the store would put aside what does not fit.
  static constexpr Count largest = Count{1} << 20;
  static constexpr Count middle = max_count / 2;

  /// By its handle. The look at entry and Counter that follows is (1)'s load.
  [[gnu::always_inline]] void add(Count delta) noexcept {
    if (Epochs<Sync>::heavy()) {
      sum_.store(sum_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(delta),
                 std::memory_order_relaxed);
      updates_.store(updates_.load(std::memory_order_relaxed) + 1,
                     std::memory_order_release);  // (1) pairs with (2)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      sum_.fetch_add(static_cast<std::uint64_t>(delta), std::memory_order_relaxed);
      updates_.fetch_add(1, std::memory_order_acq_rel);  // (1) pairs with (2)
    }
  }

 private:
  template <class Entry>
  friend class Stripes;

  // The rest under the shard's lock.

  [[nodiscard]] Gathered gathered() noexcept {
    // (2) In this order: who sees an update sees its delta. As a read-modify-write it is ordered with (1).
    const std::uint64_t updates = Epochs<Sync>::heavy() ? updates_.load(std::memory_order_acquire)
                                                        : updates_.fetch_add(0, std::memory_order_acq_rel);
    return {sum_.load(std::memory_order_relaxed) - folded_.sum, updates - folded_.updates};
  }

  typename Sync::template atomic<std::uint64_t> sum_{0};
  typename Sync::template atomic<std::uint64_t> updates_{0};
  Gathered folded_;
};

template <class Entry>
class Stripes {
 public:
  using Sync = typename Entry::Sync;
  using Stripe = detail::Stripe<Sync>;

  /// A new stripe of the entry, which the caller has pinned. Throws: std::bad_alloc.
  [[nodiscard]] Stripe& join(Entry& entry, std::uint64_t name_hash) {
    Shard& shard = shard_of(name_hash);
    const std::lock_guard lock(shard.mutex);
    Stripe& stripe =
        shard.stripes.emplace(std::piecewise_construct, std::tuple(&entry), std::tuple())->second;
    entry.set_striped(true);
    // Of this and a freezing one comes first: either the worker sees that there are stripes, or the handle that the entry is
    // not queued any more.
    (void)entry.add(0);
    return stripe;
  }
  /// Ends it. Requires: it has been folded, and its handle adds nothing more.
  void leave(Entry& entry, std::uint64_t name_hash, const Stripe& stripe) noexcept {
    Shard& shard = shard_of(name_hash);
    const std::lock_guard lock(shard.mutex);
    auto [first, last] = shard.stripes.equal_range(&entry);
    while (&first->second != &stripe) ++first;
    shard.stripes.erase(first);
    if (shard.stripes.count(&entry) == 0) entry.set_striped(false);
  }

  /// Calls f(sum) with what the entry's stripes have gathered, if anything, and which is then folded. `only`: this stripe,
  /// if not null. Requires: inside the name's gate, or the gate closed by the caller.
  template <class F>
  void take(const Entry& entry, std::uint64_t name_hash, const Stripe* only, F f) noexcept {
    Shard& shard = shard_of(name_hash);
    const std::lock_guard lock(shard.mutex);
    Gathered all;
    auto [stripe, last] = shard.stripes.equal_range(&entry);
    for (; stripe != last; ++stripe) {
      if (only && only != &stripe->second) continue;
      const Gathered gathered = stripe->second.gathered();
      stripe->second.folded_ += gathered;
      all += gathered;
    }
    shard.folded += all;
    if (!all.is_nothing()) f(static_cast<Count>(all.sum));
  }

  /// Undoes the last addition; false, and nothing is changed, if it has been folded. By the stripe's handle.
  [[nodiscard]] bool take_back(Stripe& stripe, std::uint64_t name_hash, Count delta) noexcept {
    const std::lock_guard lock(shard_of(name_hash).mutex);
    const Gathered gathered = stripe.gathered();
    if (gathered.is_nothing()) return false;
    stripe.sum_.fetch_sub(static_cast<std::uint64_t>(delta), std::memory_order_relaxed);
    stripe.updates_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }

  struct Totals {
    Gathered folded;    // ever
    Gathered gathered;  // and not yet folded
  };
  [[nodiscard]] Totals totals() noexcept {
    Totals totals;
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      totals.folded += shard.folded;
      for (auto& [entry, stripe] : shard.stripes) totals.gathered += stripe.gathered();
    }
    return totals;
  }

 private:
  struct alignas(cache_line) Shard {
    typename Sync::mutex mutex;
    std::unordered_multimap<const Entry*, Stripe> stripes;
    Gathered folded;
  };

  [[nodiscard]] Shard& shard_of(std::uint64_t name_hash) noexcept {
    return shards_[name_hash % shards_.size()];
  }

  std::array<Shard, 16> shards_;
};

}  // namespace livecount::inline v0_1::detail
