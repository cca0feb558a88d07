// SPDX-License-Identifier: BSL-1.0
//
// The counters of a FileStore in memory: a shelf for each bucket of each namespace, and on it a hash table.
//
// A counter is a node that never moves, and goes only with its shelf, when its bucket is not kept any more. Nodes lie one
// after the other in blocks, in the order in which they came, so a shelf can be walked beside insertions. A node may
// be absent: made, but not yet counted, or removed. It costs about 60 bytes and its name; a shelf about 300 bytes.
//
// Threads: one thread changes the table; it needs a lock that excludes readers to insert, to erase and to set counts, not
// to find. Readers share that lock. Source of the hash table: Boost.Intrusive.
#pragma once

#include <algorithm>
#include <boost/intrusive/unordered_set.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/bytes.hpp"
#include "../detail/hash.hpp"
#include "../detail/prefetch.hpp"
#include "../detail/sync.hpp"
#include "../key.hpp"
#include "../record.hpp"
#include "../selection.hpp"

namespace livecount::inline v0_1::detail {

/// A counter; its name lies behind it.
class FileNode
    : public boost::intrusive::unordered_set_base_hook<
          boost::intrusive::store_hash<true>, boost::intrusive::link_mode<boost::intrusive::normal_link>> {
 public:
  static constexpr Count absent = no_floor;

  [[nodiscard]] std::string_view name() const noexcept {
    return {reinterpret_cast<const char*>(this + 1), name_size_};
  }
  [[nodiscard]] bool is_present() const noexcept { return count != absent; }

  Count count = absent;
  std::uint32_t staged = 0;  // the writer's: where a batch that is being applied has it

 private:
  friend class FileShelf;
  explicit FileNode(std::string_view name) noexcept : name_size_(static_cast<std::uint32_t>(name.size())) {
    name.copy(reinterpret_cast<char*>(this + 1), name.size());
  }
  [[nodiscard]] static std::size_t bytes_for(std::size_t name_size) noexcept {
    return (sizeof(FileNode) + name_size + alignof(FileNode) - 1) / alignof(FileNode) * alignof(FileNode);
  }

  std::uint32_t name_size_;
};

/// The counters of one bucket of a namespace.
class FileShelf {
 public:
  FileShelf(std::string_view ns, Bucket bucket) : ns_(ns), bucket_(bucket) {}
  FileShelf(const FileShelf&) = delete;
  FileShelf& operator=(const FileShelf&) = delete;
  ~FileShelf() { nodes_.clear(); }

  [[nodiscard]] const std::string& ns() const noexcept { return ns_; }
  [[nodiscard]] Bucket bucket() const noexcept { return bucket_; }

  /// Null if there is none. `hash`: as FileTable::hash has it.
  [[nodiscard]] FileNode* find(std::string_view name, std::uint64_t hash) const noexcept {
    const auto found = nodes_.find(Name{name, hash}, HashOf(), Same());
    return found == nodes_.end() ? nullptr : const_cast<FileNode*>(&*found);
  }

  /// Makes it, absent, if there is none.
  FileNode& insert(std::string_view name, std::uint64_t hash) {
    Nodes::insert_commit_data place;
    const auto [found, missing] = nodes_.insert_check(Name{name, hash}, HashOf(), Same(), place);
    if (!missing) return *found;
    if (size_ == bucket_count_ / 2) {
      reserve(2 * size_);
      // The place was among the old buckets.
      (void)nodes_.insert_check(Name{name, hash}, HashOf(), Same(), place);
    }
    FileNode& node = allocate(name);
    nodes_.insert_commit(node, place);
    ++size_;
    return node;
  }

  /// Makes room for so many: two places for each, so that few share one and have to be looked at one after the other.
  void reserve(std::size_t size) {
    std::size_t count = bucket_count_;
    while (count < 2 * size) count *= 2;
    if (count == bucket_count_) return;
    auto buckets = std::make_unique<Nodes::bucket_type[]>(count);
    nodes_.rehash(Nodes::bucket_traits(buckets.get(), count));
    buckets_ = std::move(buckets);
    bucket_count_ = count;
  }

  /// Tells the processor that this hash will be looked for.
  void prefetch(std::uint64_t hash) const noexcept {
    detail::prefetch(&buckets_[hash & (bucket_count_ - 1)]);
  }
  /// The same for what is found there; a while later.
  void prefetch_node(std::uint64_t hash) const noexcept {
    const std::size_t bucket = hash & (bucket_count_ - 1);
    if (const auto first = nodes_.begin(bucket); first != nodes_.end(bucket)) detail::prefetch(&*first);
  }

  /// How many nodes there are, absent ones too.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// A place in the order in which nodes came.
  struct Position {
    std::size_t block = 0;
    std::size_t offset = 0;
  };
  /// The node at the position, which moves on; null at the end, where more may come.
  [[nodiscard]] const FileNode* next(Position& position) const noexcept {
    while (position.block < blocks_.size()) {
      const Block& block = blocks_[position.block];
      if (position.offset < block.used) {
        const auto* node =
            std::launder(reinterpret_cast<const FileNode*>(block.bytes.get() + position.offset));
        position.offset += FileNode::bytes_for(node->name_size_);
        return node;
      }
      if (position.block + 1 == blocks_.size()) break;
      position = {position.block + 1, 0};
    }
    return nullptr;
  }

 private:
  struct Name {
    std::string_view text;
    std::uint64_t hash;
  };
  struct HashOf {
    std::size_t operator()(const Name& name) const noexcept { return name.hash; }
    std::size_t operator()(const FileNode&) const noexcept { return 0; }  // never asked for: it is stored
  };
  struct Same {
    bool operator()(const FileNode& a, const FileNode& b) const noexcept { return a.name() == b.name(); }
    bool operator()(const Name& a, const FileNode& b) const noexcept { return same_text(a.text, b.name()); }
    bool operator()(const FileNode& a, const Name& b) const noexcept { return (*this)(b, a); }
  };
  using Nodes =
      boost::intrusive::unordered_set<FileNode, boost::intrusive::hash<HashOf>, boost::intrusive::equal<Same>,
                                      boost::intrusive::power_2_buckets<true>,
                                      boost::intrusive::compare_hash<true>,
                                      boost::intrusive::constant_time_size<false>>;
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size, used;
  };
  static constexpr std::size_t first_buckets = 4;

  FileNode& allocate(std::string_view name) {
    const std::size_t bytes = FileNode::bytes_for(name.size());
    if (blocks_.empty() || blocks_.back().size - blocks_.back().used < bytes) {
      // Each block is half as large as what there is, so little is left over.
      const std::size_t size =
          std::max(bytes, std::clamp<std::size_t>(total_ / 2, 256, std::size_t{1} << 20));
      blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size, 0});
      total_ += size;
    }
    Block& block = blocks_.back();
    auto* node = new (block.bytes.get() + block.used) FileNode(name);
    block.used += bytes;
    return *node;
  }

  std::string ns_;
  Bucket bucket_;
  std::vector<Block> blocks_;
  std::size_t total_ = 0;  // bytes of all blocks
  std::size_t size_ = 0;
  std::size_t bucket_count_ = first_buckets;
  std::unique_ptr<Nodes::bucket_type[]> buckets_ = std::make_unique<Nodes::bucket_type[]>(first_buckets);
  Nodes nodes_{Nodes::bucket_traits(buckets_.get(), first_buckets)};
};

/// All counters.
class FileTable {
 public:
  [[nodiscard]] FileShelf* find(std::string_view ns, Bucket bucket) const noexcept {
    const auto found = shelves_.find(ShelfKey{ns, bucket});
    return found == shelves_.end() ? nullptr : found->second.get();
  }
  /// Makes it if there is none.
  FileShelf& insert(std::string_view ns, Bucket bucket) {
    if (FileShelf* found = find(ns, bucket)) return *found;
    auto shelf = std::make_unique<FileShelf>(ns, bucket);
    const ShelfKey key{shelf->ns(), bucket};
    return *shelves_.emplace(key, std::move(shelf)).first->second;
  }
  /// Removes the shelves of its type before this bucket.
  void erase_before(Bucket first) noexcept {
    std::erase_if(shelves_, [first](const auto& entry) {
      const Bucket bucket = entry.second->bucket();
      return bucket.type == first.type && bucket.start < first.start;
    });
  }
  [[nodiscard]] FileNode* find(const KeyView& key) const noexcept {
    const FileShelf* shelf = find(key.ns, key.bucket);
    return shelf == nullptr ? nullptr : shelf->find(key.name, hash(key.name));
  }

  [[nodiscard]] std::uint64_t hash(std::string_view name) const noexcept { return hash_bytes(name, seed_); }

  /// The first shelf, by namespace, period type and time, that is not before this one; null if there is none.
  [[nodiscard]] const FileShelf* next_shelf(std::string_view ns, Bucket bucket) const noexcept {
    const auto found = shelves_.lower_bound(ShelfKey{ns, bucket});
    return found == shelves_.end() ? nullptr : found->second.get();
  }
  /// Calls f(const FileShelf&) for the shelves selected, by time, for as long as it returns true.
  template <class F>
  void for_each_shelf(const Selection& selection, F f) const {
    auto found = shelves_.lower_bound(ShelfKey{selection.ns, {selection.type, selection.first}});
    const ShelfKey last{selection.ns, {selection.type, selection.last}};
    while (found != shelves_.end() && found->first <= last && f(*found->second)) ++found;
  }
  /// Calls f(const FileShelf&) for all, by namespace, period type and time.
  template <class F>
  void for_each_shelf(F f) const {
    for (const auto& [key, shelf] : shelves_) f(*shelf);
  }

 private:
  using ShelfKey = std::pair<std::string_view, Bucket>;

  // Drawn for each process, so that nobody can choose names that collide.
  std::uint64_t seed_ = StdSync::random();
  std::map<ShelfKey, std::unique_ptr<FileShelf>> shelves_;  // the keys are the shelves' own
};

}  // namespace livecount::inline v0_1::detail
