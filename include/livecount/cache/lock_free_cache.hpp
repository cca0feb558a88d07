// SPDX-License-Identifier: BSL-1.0
//
// LockFreeCache: a bounded table of counters. Looking one up and adding to it takes no lock.
//
// The default cache. Its capacity is fixed, so it never resizes; when a place is needed, an entry that is
// clean and not pinned leaves (second chance among the places where the new one could stand). Size it a fifth
// above the number of counters that are in use at a time; the smallest capacity is 64 entries.
//
//     livecount::Counter<livecount::LockFreeCache, Store, Queue> hits{{.cache = {.entries = 100'000}}};
//
// The scheme. Buckets of eight slots, a bucket a cache line; a slot holds 16 bits of the hash (the tag) and
// 48 bits of pointer. A key may stand in any slot of two buckets; four of five stand in the first, so a look-up
// touches one line of the table and the entry. Its tag says at which slot of a bucket one begins to look: there two of
// three stand, so that the processor, which has to guess where the search ends, is mostly right. Table and entries lie on
// huge pages where the system gives them. A counter takes 48 bytes and its name, rounded up to 8 (detail/slab.hpp), and
// 8 bytes a slot. Invariants:
//
//   1. A slot is changed by compare-and-swap only. Whose compare-and-swap takes an entry out of its slot
//      retires it.
//   2. An entry is made, pinned and sealed under the lock of its key's stripe, so a key has at most one entry
//      that is not sealed. A sealed one may linger in its slot for a moment: who meets it takes it out.
//   3. A retired entry is freed when no reader is left that may have found it (detail/epoch.hpp).
//
// Threads: all operations from any thread. Progress: peek is wait-free; the others take one stripe's mutex
// (they insert, pin and evict), and never wait for a second one.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "../concepts.hpp"
#include "../detail/pages.hpp"
#include "../detail/prefetch.hpp"
#include "../detail/slab.hpp"

namespace livecount::inline v0_1 {

template <class SyncPolicy>
class BasicLockFreeCache {
 public:
  using Sync = SyncPolicy;
  using Entry = BasicEntry<Sync>;
  using Guard = typename detail::Epochs<Sync>::Guard;
  using QuickGuard = typename detail::Epochs<Sync>::QuickGuard;

  struct Options {
    std::size_t entries = 1'000'000;
  };

  explicit BasicLockFreeCache(Options options)
      : bucket_count_((checked_entries(options.entries, smallest) + slots_in_bucket - 1) / slots_in_bucket),
        table_(bucket_count_ * sizeof(Bucket), alignof(Bucket)),
        buckets_(static_cast<Bucket*>(table_.data())),
        memory_(capacity() * (sizeof(Entry) + usual_name_bytes)) {
    std::uninitialized_value_construct_n(buckets_, bucket_count_);
  }

  ~BasicLockFreeCache() {
    for_each_slot([this](Slot& slot) {
      if (Entry* const entry = entry_of(slot.load(std::memory_order_relaxed))) destroy(entry);
    });
    for (const Retired& retired : retired_) destroy(retired.entry);
    std::destroy_n(buckets_, bucket_count_);
  }
  BasicLockFreeCache(const BasicLockFreeCache&) = delete;
  BasicLockFreeCache& operator=(const BasicLockFreeCache&) = delete;

  class Reference {
   public:
    explicit Reference(Entry* entry) noexcept : entry_(entry) {}
    explicit operator bool() const noexcept { return entry_ != nullptr; }
    Entry& operator*() const noexcept { return *entry_; }
    Entry* operator->() const noexcept { return entry_; }

   private:
    Entry* entry_;
  };

  [[nodiscard]] Reference peek(const Guard&, const HashedKey& key) noexcept {
    Entry* const entry = find(key).entry;
    if (entry) entry->use();
    return Reference{entry};
  }
  /// The same for a name of the default namespace; `bucket` is packed.
  [[nodiscard, gnu::always_inline]] Entry* peek(const QuickGuard&, std::string_view name, std::int64_t bucket,
                                                std::uint64_t hash) noexcept {
    const std::array<Bucket*, 2> buckets = buckets_of(hash);
    detail::prefetch(buckets[1]);  // as in find
    const std::uint64_t value =
        slot_for(*buckets[0], tag_of(hash), 0).load(std::memory_order_acquire);  // (1)
    Entry* entry = entry_of(value);
    if (tag_in(value) != tag_of(hash) || !entry || !entry->has(name, bucket)) {
      entry = find_anywhere(name, bucket, hash);
      if (!entry) [[unlikely]]
        return nullptr;
    }
    entry->use();
    return entry;
  }

  /// Hints that a key of this hash will be asked for: first its buckets are fetched, then, a while later, its
  /// entry. No guard is needed, as nothing of an entry is looked at; who has one may look at what fetch_entry returns:
  /// null, or an entry that is probably the key's.
  void fetch_buckets(std::uint64_t hash) const noexcept {
    for (const Bucket* const bucket : buckets_of(hash)) detail::prefetch(bucket);
  }
  Entry* fetch_entry(std::uint64_t hash) const noexcept {
    for (const Bucket* const bucket : buckets_of(hash)) {
      for (std::size_t i = 0; i < slots_in_bucket; ++i) {
        const std::uint64_t value =
            slot_for(*bucket, tag_of(hash), i).load(std::memory_order_acquire);  // (1)
        Entry* const entry = entry_of(value);
        if (!entry || tag_in(value) != tag_of(hash)) continue;
        detail::prefetch(entry);
        detail::prefetch(reinterpret_cast<const std::byte*>(entry) + cache_line);
        return entry;
      }
    }
    return nullptr;
  }

  [[nodiscard]] Entry* pin(const HashedKey& key) {
    const std::lock_guard lock(stripe(tag_of(key.hash)));
    const Guard guard;
    for (Found found = find(key); found.entry; found = find(key)) {
      if (Entry::is_live(found.entry->load())) {
        found.entry->pins.fetch_add(1, std::memory_order_relaxed);  // under the stripe's lock
        return found.entry;
      }
      take_out(*found.slot, found.value);
    }
    return insert(key);
  }

  // release: what was done to the entry happens before its eviction, which reads the pins with acquire.
  void unpin(Entry& entry) noexcept { entry.pins.fetch_sub(1, std::memory_order_release); }

  void settle(Entry& entry) noexcept { entry.release(); }

  std::size_t drop_clean() {
    return drop_clean([](const KeyView&) { return true; });
  }
  template <class F>
  std::size_t drop_clean(F f) {
    std::size_t dropped = 0;
    for_each_slot([&](Slot& slot) {
      const Guard guard;
      const std::uint64_t value = slot.load(std::memory_order_acquire);
      Entry* const entry = entry_of(value);
      if (!entry || !f(entry->key())) return;
      const std::lock_guard lock(stripe(tag_in(value)));
      if (may_leave(*entry) && take_out(slot, value)) ++dropped;
    });
    return dropped;
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return bucket_count_ * slots_in_bucket; }

  [[nodiscard]] CacheStatistics statistics() const noexcept {
    const std::uint64_t evicted = evicted_.load(std::memory_order_relaxed);
    const std::uint64_t inserted = inserted_.load(std::memory_order_relaxed);
    return {static_cast<std::size_t>(inserted - std::min(evicted, inserted)), inserted, evicted};
  }

 private:
  static constexpr std::size_t slots_in_bucket = 8;
  static constexpr std::size_t smallest = 64;
  static constexpr std::size_t reclaim_at = 64;
  static constexpr std::size_t usual_name_bytes = 40;
  static constexpr std::ptrdiff_t spared = 4;  // with fewer, a table would be full sooner

  using Slot = typename Sync::template atomic<std::uint64_t>;  // tag << 48 | pointer; 0: empty
  struct alignas(cache_line) Bucket {
    std::array<Slot, slots_in_bucket> slots{};
  };
  static_assert(sizeof(Bucket) == cache_line);

  struct Found {
    Entry* entry = nullptr;
    Slot* slot = nullptr;
    std::uint64_t value = 0;
  };
  struct Retired {
    Entry* entry;
    std::uint64_t stamp;
  };

  // ---- addresses

  [[nodiscard]] static std::uint64_t tag_of(std::uint64_t hash) noexcept { return hash >> 48; }
  [[nodiscard]] static std::uint64_t tag_in(std::uint64_t value) noexcept { return value >> 48; }
  [[nodiscard]] static Entry* entry_of(std::uint64_t value) noexcept {
    return reinterpret_cast<Entry*>(value & 0x0000'FFFF'FFFF'FFFFULL);
  }
  [[nodiscard]] static std::uint64_t value_of(const Entry& entry, std::uint64_t hash) noexcept {
    return tag_of(hash) << 48 | reinterpret_cast<std::uint64_t>(&entry);
  }
  /// The two buckets where a key may stand (multiply-shift range reduction, Lemire 2019).
  [[nodiscard, gnu::always_inline]] std::array<Bucket*, 2> buckets_of(std::uint64_t hash) const noexcept {
    const auto reduce = [this](std::uint64_t bits) {
      return static_cast<std::size_t>(((bits & 0xFFFF'FFFFULL) * bucket_count_) >> 32);
    };
    const std::size_t first = reduce(hash);
    std::size_t second = reduce(hash >> 16);  // leads with bit 47, the first with 31; the tag is above
    if (second == first) second = first + 1 == bucket_count_ ? 0 : first + 1;
    return {&buckets_[first], &buckets_[second]};
  }
  /// The slots in the order in which a key of this tag looks for its own.
  template <class B>
  [[nodiscard]] static auto& slot_for(B& bucket, std::uint64_t tag, std::size_t i) noexcept {
    return bucket.slots[(tag + i) % slots_in_bucket];
  }
  [[nodiscard]] typename Sync::mutex& stripe(std::uint64_t tag) noexcept {
    return stripes_[tag % stripes_.size()].mutex;
  }
  template <class F>
  void for_each_slot(F f) {
    for (std::size_t i = 0; i < bucket_count_; ++i) {
      for (Slot& slot : buckets_[i].slots) f(slot);
    }
  }

  // ---- looking up

  /// The entry that a slot of this value holds, if it is the key's.
  [[nodiscard, gnu::always_inline]] static Entry* entry_in(std::uint64_t value,
                                                           const HashedKey& key) noexcept {
    if (tag_in(value) != tag_of(key.hash)) return nullptr;
    Entry* const entry = entry_of(value);
    return entry && entry->has(key.key) ? entry : nullptr;
  }
  [[nodiscard, gnu::noinline]] Found find(const HashedKey& key) const noexcept {
    const std::array<Bucket*, 2> buckets = buckets_of(key.hash);
    detail::prefetch(buckets[1]);  // most keys stand in the first; the others wait less for this
    for (Bucket* const bucket : buckets) {
      for (std::size_t i = 0; i < slots_in_bucket; ++i) {
        Slot& slot = slot_for(*bucket, tag_of(key.hash), i);
        const std::uint64_t value =
            slot.load(std::memory_order_acquire);  // (1) pairs with (2): the entry is whole
        if (Entry* const entry = entry_in(value, key)) return {entry, &slot, value};
      }
    }
    return {};
  }

  [[nodiscard, gnu::noinline]] Entry* find_anywhere(std::string_view name, std::int64_t bucket,
                                                    std::uint64_t hash) const noexcept {
    return find({{default_namespace, detail::unpack(bucket), name}, hash}).entry;
  }

  // ---- coming and leaving: under the lock of the key's stripe and a guard

  [[nodiscard]] Entry* insert(const HashedKey& key) {
    Entry* const entry = Entry::create(key.key, memory_.allocate(Entry::bytes_for(key.key)));
    entry->pins.store(1, std::memory_order_relaxed);  // published by (2)
    const std::array<Bucket*, 2> buckets = buckets_of(key.hash);
    const std::uint64_t value = value_of(*entry, key.hash);
    if (!place(value, buckets) && !replace_victim(value, buckets)) {
      destroy(entry);
      return nullptr;
    }
    inserted_.fetch_add(1, std::memory_order_relaxed);
    return entry;
  }

  // In the first bucket, where it is found sooner, while there is room to spare; then in the emptier one, so even
  // a table that is nearly full has a place for nearly every key.
  [[nodiscard]] bool place(std::uint64_t value, std::array<Bucket*, 2> buckets) noexcept {
    const std::ptrdiff_t empty_here = empty_slots(*buckets[0]);
    if (empty_here <= spared && empty_here < empty_slots(*buckets[1])) std::swap(buckets[0], buckets[1]);
    for (Bucket* const bucket : buckets) {
      for (std::size_t i = 0; i < slots_in_bucket; ++i) {
        Slot& slot = slot_for(*bucket, tag_in(value), i);
        std::uint64_t empty = 0;
        if (slot.load(std::memory_order_relaxed) == 0 &&
            slot.compare_exchange_strong(empty, value,
                                         std::memory_order_release,  // (2) pairs with (1)
                                         std::memory_order_relaxed)) {
          return true;
        }
      }
    }
    return false;
  }

  [[nodiscard]] static std::ptrdiff_t empty_slots(const Bucket& bucket) noexcept {
    return std::count_if(bucket.slots.begin(), bucket.slots.end(),
                         [](const Slot& slot) { return slot.load(std::memory_order_relaxed) == 0; });
  }

  // Second chance: an entry that was used since it was last passed over is passed over once more.
  [[nodiscard]] bool replace_victim(std::uint64_t newcomer, const std::array<Bucket*, 2>& buckets) {
    const std::size_t start = hand_.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t step = 0; step < 4 * slots_in_bucket; ++step) {
      const std::size_t i = start + step;
      Slot& slot = buckets[i % 2]->slots[i / 2 % slots_in_bucket];
      std::uint64_t value = slot.load(std::memory_order_acquire);  // pairs with (2)
      Entry* const victim = entry_of(value);
      if (victim) {
        if (step < 2 * slots_in_bucket && victim->take_used()) continue;
        if (!try_evict(*victim, tag_in(value), tag_in(newcomer))) continue;
      }
      // Of a sealed entry and an empty slot alike: another thread may be quicker.
      if (slot.compare_exchange_strong(value, newcomer, std::memory_order_acq_rel,  // (2)
                                       std::memory_order_relaxed)) {
        if (victim) retire(*victim);
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] bool try_evict(Entry& victim, std::uint64_t tag, std::uint64_t held) {
    auto& mutex = stripe(tag);
    if (&mutex == &stripe(held)) return may_leave(victim);
    const std::unique_lock lock(mutex, std::try_to_lock);  // never waits for a second stripe
    return lock && may_leave(victim);
  }

  // acquire: pairs with unpin.
  [[nodiscard]] static bool may_leave(Entry& entry) noexcept {
    return entry.pins.load(std::memory_order_acquire) == 0 && entry.try_seal();
  }

  bool take_out(Slot& slot, std::uint64_t value) {
    Entry* const entry = entry_of(value);
    if (!slot.compare_exchange_strong(value, 0, std::memory_order_acq_rel, std::memory_order_relaxed))
      return false;
    retire(*entry);
    return true;
  }

  void retire(Entry& entry) {
    evicted_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(retired_mutex_);
    try {
      retired_.push_back({&entry, detail::Epochs<Sync>::stamp()});
    } catch (const std::exception&) {
      return;  // no memory to remember it by: it is never freed, as readers may still hold it
    }
    if (retired_.size() < reclaim_at_) return;
    const std::uint64_t oldest = detail::Epochs<Sync>::oldest_reader();
    const auto kept = std::partition(retired_.begin(), retired_.end(),
                                     [oldest](const Retired& retired) { return retired.stamp >= oldest; });
    std::for_each(kept, retired_.end(), [this](const Retired& retired) { destroy(retired.entry); });
    retired_.erase(kept, retired_.end());
    reclaim_at_ = retired_.size() + reclaim_at;  // a reader that sleeps must not make every call scan
  }

  void destroy(Entry* entry) noexcept {
    const std::size_t bytes = entry->bytes_taken();
    entry->~Entry();
    memory_.release(entry, bytes);
  }

  struct alignas(cache_line) Stripe {
    typename Sync::mutex mutex;
  };

  const std::size_t bucket_count_;
  const detail::Pages table_;
  Bucket* const buckets_;
  detail::Slab<Sync> memory_;  // of the entries
  std::array<Stripe, 256> stripes_;
  typename Sync::template atomic<std::size_t> hand_{0};
  typename Sync::template atomic<std::uint64_t> inserted_{0};
  typename Sync::template atomic<std::uint64_t> evicted_{0};
  typename Sync::mutex retired_mutex_;
  std::vector<Retired> retired_;         // under retired_mutex_
  std::size_t reclaim_at_ = reclaim_at;  // under retired_mutex_
};

using LockFreeCache = BasicLockFreeCache<StdSync>;

static_assert(CachePolicy<LockFreeCache>);

}  // namespace livecount::inline v0_1
