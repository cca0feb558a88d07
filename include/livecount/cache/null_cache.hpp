// SPDX-License-Identifier: BSL-1.0
//
// NullCache: no cache. An entry is kept only while it is in use or holds what is not yet committed.
//
// For counting straight into the store: with InlineQueue every update is one commit and every read asks the
// store, so memory stays at almost nothing. Also the smallest model of CachePolicy.
//
//     livecount::Counter<livecount::NullCache, Store, livecount::InlineQueue> votes{...};
//
// Threads: all operations from any thread. Progress: each takes the one mutex for a moment.
#pragma once

#include <mutex>
#include <unordered_set>
#include <utility>

#include "../concepts.hpp"
#include "../detail/hash.hpp"

namespace livecount::inline v0_1 {

template <class SyncPolicy>
class BasicNullCache {
 public:
  using Sync = SyncPolicy;
  using Entry = BasicEntry<Sync>;
  using Guard = typename detail::Epochs<Sync>::Guard;

  struct Options {
    std::size_t entries = 1'000'000;  // how many may be in use or uncommitted at a time
  };

  explicit BasicNullCache(Options options) : capacity_(checked_entries(options.entries, 8)) {}
  ~BasicNullCache() {
    for (Entry* const entry : entries_) Entry::destroy(entry);
  }
  BasicNullCache(const BasicNullCache&) = delete;
  BasicNullCache& operator=(const BasicNullCache&) = delete;

  /// Pins what it refers to until it goes.
  class Reference {
   public:
    Reference(BasicNullCache& cache, Entry* entry) noexcept : cache_(&cache), entry_(entry) {}
    Reference(Reference&& other) noexcept
        : cache_(other.cache_), entry_(std::exchange(other.entry_, nullptr)) {}
    Reference& operator=(Reference&&) = delete;
    ~Reference() {
      if (entry_) cache_->unpin(*entry_);
    }
    explicit operator bool() const noexcept { return entry_ != nullptr; }
    Entry& operator*() const noexcept { return *entry_; }
    Entry* operator->() const noexcept { return entry_; }

   private:
    BasicNullCache* cache_;
    Entry* entry_;
  };

  [[nodiscard]] Reference peek(const Guard&, const HashedKey& key) {
    const std::lock_guard lock(mutex_);
    return Reference{*this, find_and_pin(key.key)};
  }

  [[nodiscard]] Entry* pin(const HashedKey& key) {
    const std::lock_guard lock(mutex_);
    if (Entry* const entry = find_and_pin(key.key)) return entry;
    if (entries_.size() >= capacity_) return nullptr;
    Entry* const entry = Entry::create(key.key);
    try {
      entries_.insert(entry);
    } catch (...) {
      Entry::destroy(entry);
      throw;
    }
    entry->pins.store(1, std::memory_order_relaxed);
    ++inserted_;
    return entry;
  }

  void unpin(Entry& entry) noexcept {
    const std::lock_guard lock(mutex_);
    entry.pins.fetch_sub(1, std::memory_order_relaxed);
    leave_if_clean(entry);
  }

  void settle(Entry& entry) noexcept {
    const std::lock_guard lock(mutex_);
    entry.release();
    leave_if_clean(entry);
  }

  std::size_t drop_clean() noexcept { return 0; }  // nothing clean stays
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  [[nodiscard]] CacheStatistics statistics() const noexcept {
    const std::lock_guard lock(mutex_);
    return {entries_.size(), inserted_, inserted_ - entries_.size()};
  }

 private:
  // Of entries and of the keys that they are looked up by. An entry does not keep its hash.
  struct Hash {
    using is_transparent = void;
    std::uint64_t seed;
    std::size_t operator()(const KeyView& key) const noexcept {
      const auto bucket = static_cast<std::uint64_t>(detail::pack(key.bucket));
      return static_cast<std::size_t>(detail::mix(detail::hash_name(key.ns, key.name, seed), bucket));
    }
    std::size_t operator()(const Entry* entry) const noexcept { return (*this)(entry->key()); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Entry* a, const Entry* b) const noexcept { return a == b; }
    bool operator()(const KeyView& key, const Entry* entry) const noexcept { return entry->has(key); }
    bool operator()(const Entry* entry, const KeyView& key) const noexcept { return entry->has(key); }
  };

  [[nodiscard]] Entry* find_and_pin(const KeyView& key) noexcept {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    (*found)->pins.fetch_add(1, std::memory_order_relaxed);
    return *found;
  }

  void leave_if_clean(Entry& entry) noexcept {
    if (entry.pins.load(std::memory_order_relaxed) != 0 || !entry.try_seal()) return;
    entries_.erase(&entry);
    Entry::destroy(&entry);
  }

  const std::size_t capacity_;
  mutable typename Sync::mutex mutex_;
  std::unordered_set<Entry*, Hash, Equal> entries_{8, Hash{Sync::random()}};  // under mutex_
  std::uint64_t inserted_ = 0;                                                // under mutex_
};

using NullCache = BasicNullCache<StdSync>;

static_assert(CachePolicy<NullCache>);

}  // namespace livecount::inline v0_1
