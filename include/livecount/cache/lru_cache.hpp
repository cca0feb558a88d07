// SPDX-License-Identifier: BSL-1.0
//
// LruCache: counters behind sharded mutexes, evicted in exact order of last use within their shard.
//
// The plain design: the model that LockFreeCache is tested against and measured beside, and the choice where
// memory is so scarce that the exact order pays. Each shard holds at most its part of the capacity; a dirty
// or pinned entry is passed over, and the oldest one that may leave does. The smallest capacity is 64
// entries.
//
//     livecount::Counter<livecount::LruCache, Store, Queue> hits{{.cache = {.entries = 100'000}}};
//
// Threads: all operations from any thread. Progress: each takes one shard's mutex for a moment. The adding
// itself is done outside of it, on an entry that is pinned.
#pragma once

#include <algorithm>
#include <bit>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "../concepts.hpp"

namespace livecount::inline v0_1 {

template <class SyncPolicy>
class BasicLruCache {
 public:
  using Sync = SyncPolicy;
  using Entry = BasicEntry<Sync>;
  using Guard = typename detail::Epochs<Sync>::Guard;

  struct Options {
    std::size_t entries = 1'000'000;
  };

  explicit BasicLruCache(Options options) {
    const std::size_t entries = checked_entries(options.entries, smallest);
    // Few entries a shard would make the order coarse, and leave no room for all the periods of one name.
    const std::size_t shards = std::clamp<std::size_t>(entries / smallest, 1, 64);
    for (std::size_t i = 0; i < shards; ++i) {
      shards_.push_back(std::make_unique<Shard>((entries + shards - 1) / shards));
    }
  }

  /// Pins what it refers to until it goes.
  class Reference {
   public:
    explicit Reference(Entry* entry) noexcept : entry_(entry) {}
    Reference(Reference&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
    Reference& operator=(Reference&&) = delete;
    ~Reference() {
      if (entry_) release_pin(*entry_);
    }
    explicit operator bool() const noexcept { return entry_ != nullptr; }
    Entry& operator*() const noexcept { return *entry_; }
    Entry* operator->() const noexcept { return entry_; }

   private:
    Entry* entry_;
  };

  [[nodiscard]] Reference peek(const Guard&, const HashedKey& key) noexcept {
    Shard& shard = shard_of(key.hash);
    const std::lock_guard lock(shard.mutex);
    return Reference{shard.find_and_pin(key)};
  }

  [[nodiscard]] Entry* pin(const HashedKey& key) {
    Shard& shard = shard_of(key.hash);
    const std::lock_guard lock(shard.mutex);
    if (Entry* const entry = shard.find_and_pin(key)) return entry;
    if (shard.order.size() >= shard.capacity && !shard.evict_oldest()) return nullptr;
    return shard.insert(key);
  }

  void unpin(Entry& entry) noexcept { release_pin(entry); }

  void settle(Entry& entry) noexcept { entry.release(); }

  std::size_t drop_clean() {
    return drop_clean([](const KeyView&) { return true; });
  }
  template <class F>
  std::size_t drop_clean(F f) {
    std::size_t dropped = 0;
    for (const auto& shard : shards_) {
      const std::lock_guard lock(shard->mutex);
      dropped += shard->evict_all(f);
    }
    return dropped;
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return shards_.size() * shards_.front()->capacity; }

  [[nodiscard]] CacheStatistics statistics() const noexcept {
    CacheStatistics sum;
    for (const auto& shard : shards_) {
      const std::lock_guard lock(shard->mutex);
      sum.entries += shard->order.size();
      sum.inserted += shard->inserted;
      sum.evicted += shard->inserted - shard->order.size();
    }
    return sum;
  }

 private:
  static constexpr std::size_t smallest = 64;

  struct Node : boost::intrusive::list_base_hook<>, boost::intrusive::unordered_set_base_hook<> {
    Node(Entry* made, std::uint64_t of) noexcept : entry(made), hash(of) {}
    Entry* entry;
    const std::uint64_t hash;
  };
  struct Hash {
    std::size_t operator()(const Node& node) const noexcept { return static_cast<std::size_t>(node.hash); }
    std::size_t operator()(const HashedKey& key) const noexcept { return static_cast<std::size_t>(key.hash); }
  };
  struct Equal {
    bool operator()(const Node& a, const Node& b) const noexcept { return a.entry->has(b.entry->key()); }
    bool operator()(const HashedKey& key, const Node& node) const noexcept {
      return node.entry->has(key.key);
    }
  };
  using Index =
      boost::intrusive::unordered_set<Node, boost::intrusive::hash<Hash>, boost::intrusive::equal<Equal>,
                                      boost::intrusive::power_2_buckets<true>>;

  struct alignas(cache_line) Shard {
    explicit Shard(std::size_t most)
        : capacity(most),
          buckets(std::bit_ceil(most)),
          index(typename Index::bucket_traits(buckets.data(), buckets.size())) {}
    ~Shard() {
      while (!order.empty()) remove(order.back());
    }
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    Entry* find_and_pin(const HashedKey& key) noexcept {
      const auto found = index.find(key, Hash(), Equal());
      if (found == index.end()) return nullptr;
      order.splice(order.begin(), order, order.iterator_to(*found));
      found->entry->pins.fetch_add(1, std::memory_order_relaxed);  // under the mutex
      return found->entry;
    }
    Entry* insert(const HashedKey& key) {
      auto node = std::make_unique<Node>(nullptr, key.hash);
      node->entry = Entry::create(key.key);
      node->entry->pins.store(1, std::memory_order_relaxed);
      ++inserted;
      order.push_front(*node);
      index.insert(*node);
      return node.release()->entry;
    }
    bool evict_oldest() noexcept {
      for (auto node = order.rbegin(); node != order.rend(); ++node) {
        if (may_leave(*node->entry)) {
          remove(*node);
          return true;
        }
      }
      return false;
    }
    template <class F>
    std::size_t evict_all(F f) noexcept {
      const std::size_t before = order.size();
      for (auto node = order.begin(); node != order.end();) {
        Node& candidate = *node++;
        if (f(candidate.entry->key()) && may_leave(*candidate.entry)) remove(candidate);
      }
      return before - order.size();
    }
    // acquire: pairs with release_pin.
    [[nodiscard]] static bool may_leave(Entry& entry) noexcept {
      return entry.pins.load(std::memory_order_acquire) == 0 && entry.try_seal();
    }
    void remove(Node& node) noexcept {
      order.erase(order.iterator_to(node));
      index.erase(index.iterator_to(node));
      Entry::destroy(node.entry);
      delete &node;
    }

    typename Sync::mutex mutex;
    const std::size_t capacity;
    std::uint64_t inserted = 0;
    std::vector<typename Index::bucket_type> buckets;
    Index index;                         // entries by hash
    boost::intrusive::list<Node> order;  // most recently used first
  };

  static void release_pin(Entry& entry) noexcept { entry.pins.fetch_sub(1, std::memory_order_release); }

  // By the upper half of the hash: the index uses the lower bits.
  [[nodiscard]] Shard& shard_of(std::uint64_t hash) noexcept {
    return *shards_[(hash >> 40) % shards_.size()];
  }

  std::vector<std::unique_ptr<Shard>> shards_;
};

using LruCache = BasicLruCache<StdSync>;

static_assert(CachePolicy<LruCache>);

}  // namespace livecount::inline v0_1
