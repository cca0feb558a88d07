// SPDX-License-Identifier: BSL-1.0
//
// MemoryStore: a map. For tests, for examples, and for counts that need no disk.
//
// It keeps the ledger as every store does, so a batch that is sent twice is applied once. It grows with the
// counters ever counted: about 150 bytes each, and the name.
//
//     livecount::Counter<livecount::LruCache, livecount::MemoryStore, livecount::ManualQueue> hits;
//
// Threads: as StorePolicy; questions like read. Throws: std::bad_alloc, and then nothing was changed; scan also what f
// throws. Progress: apply waits for reads under way, and they for it.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "../concepts.hpp"

namespace livecount::inline v0_1 {

class MemoryStore {
 public:
  struct Options {};
  using guarantee = exactly_once;
  static constexpr bool removes = true;

  MemoryStore() = default;
  explicit MemoryStore(Options) {}

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    const std::shared_lock lock(mutex_);
    const auto found = counts_.find(key);
    return found == counts_.end() ? std::nullopt : std::optional(found->second);
  }

  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    const std::lock_guard lock(mutex_);
    Ledger& ledger = ledger_[{batch.writer, batch.shard}];
    const std::uint64_t content = digest(batch);
    if (batch.sequence == ledger.sequence && content != ledger.digest) {
      return {Outcome::not_applied, Errc::writer_duplicated,
              "batch " + std::to_string(batch.sequence) + " was applied before with other records"};
    }
    ApplyResult result = Outcome::applied;
    if (batch.sequence == ledger.sequence) {
      result.quarantined = ledger.quarantined;
      result.late = late_records(batch, horizons_);
    }
    if (batch.sequence <= ledger.sequence) return result;
    if (batch.sequence != ledger.sequence + 1) {
      return {Outcome::not_applied, Errc::store_rolled_back,
              "batch " + std::to_string(batch.sequence) + " does not follow batch " +
                  std::to_string(ledger.sequence)};
    }
    // All memory first: once a count has changed nothing may throw.
    Counts made;
    for (const auto& [key, change] : batch.records) {
      if (!counts_.contains(key))
        made.try_emplace({std::string(key.ns), key.bucket, std::string(key.name)}, 0);
    }
    result.quarantined.reserve(batch.records.size());
    ledger.quarantined.reserve(batch.records.size());
    result.late = late_records(batch, horizons_);

    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      if (horizons_.keeps(batch.records[i].key.bucket) && !apply(batch.records[i], made))
        result.quarantined.push_back(i);
    }
    ledger.sequence = batch.sequence;
    ledger.digest = content;
    ledger.quarantined = result.quarantined;
    return result;
  }

  // ---- ExpiringStore

  [[nodiscard]] Horizons horizons() const {
    const std::shared_lock lock(mutex_);
    return horizons_;
  }
  /// Throws: std::bad_alloc, Error{invalid_option}; then nothing was changed.
  bool expire(Bucket first, std::size_t most) {
    require_ends(first);
    const std::lock_guard lock(mutex_);
    const std::vector<std::string> namespaces = all_namespaces();
    horizons_.raise(first);
    const Bucket kept{first.type, horizons_[first.type]};
    for (const std::string& ns : namespaces) {
      auto row = counts_.lower_bound(KeyView{ns, {first.type, INT64_MIN}, {}});
      const auto end = counts_.lower_bound(KeyView{ns, kept, {}});
      for (; row != end; --most) {
        if (most == 0) return true;
        row = counts_.erase(row);
      }
    }
    return false;
  }

  /// One moment of the store: batches wait until it goes, so take it, ask, and let it go. Threads: one.
  class Snapshot {
   public:
    explicit Snapshot(const MemoryStore& store) : store_(store), lock_(store.mutex_) {}

    [[nodiscard]] std::uint64_t applied(const WriterId& writer, std::uint32_t shard) const {
      const auto found = store_.ledger_.find({writer, shard});
      return found == store_.ledger_.end() ? 0 : found->second.sequence;
    }
    [[nodiscard]] Horizons horizons() const noexcept { return store_.horizons_; }
    [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
      const auto found = store_.counts_.find(key);
      return found == store_.counts_.end() ? std::nullopt : std::optional(found->second);
    }
    /// Walks from one bucket's names with the prefix to the next one's.
    template <class F>
    void scan(const Selection& selection, F f) const {
      const auto& counts = store_.counts_;
      auto row =
          counts.lower_bound(KeyView{selection.ns, {selection.type, selection.first}, selection.prefix});
      while (row != counts.end()) {
        const KeyView key = row->first;
        if (key.ns != selection.ns || key.bucket.type != selection.type || key.bucket.start > selection.last)
          return;
        if (selection.contains(key)) {
          if (!f(key, row->second)) return;
          ++row;
        } else if (key.name < selection.prefix) {
          row = counts.lower_bound(KeyView{selection.ns, key.bucket, selection.prefix});
        } else if (key.bucket.start == selection.last) {
          return;
        } else {
          row = counts.lower_bound(
              KeyView{selection.ns, {selection.type, key.bucket.start + 1}, selection.prefix});
        }
      }
    }
    [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
      std::vector<NamedCount> rows;
      scan(only(ns, bucket), [&](const KeyView& key, Count count) {
        rows.push_back({std::string(key.name), count});
        return true;
      });
      sort_top(rows, limit);
      return rows;
    }
    [[nodiscard]] std::vector<std::string> names(const Selection& selection,
                                                 std::optional<std::string_view> after,
                                                 std::size_t limit) const {
      std::set<std::string_view> names;  // the keys stay where they are until the snapshot goes
      scan(selection, [&](const KeyView& key, Count) {
        if (!after || key.name > *after) names.insert(key.name);
        return true;
      });
      const auto count = static_cast<std::ptrdiff_t>(std::min(limit, names.size()));
      return {names.begin(), std::next(names.begin(), count)};
    }
    [[nodiscard]] std::vector<std::string> namespaces() const { return store_.all_namespaces(); }

   private:
    const MemoryStore& store_;
    std::shared_lock<std::shared_mutex> lock_;
  };

  [[nodiscard]] Snapshot snapshot() const { return Snapshot(*this); }

  /// Questions to a moment of their own. f must not call the store.
  template <class F>
  void scan(std::string_view ns, PeriodType type, std::optional<Bucket> bucket, F f) const {
    snapshot().scan(bucket ? only(ns, *bucket) : Selection{ns, type}, [&](const KeyView& key, Count count) {
      f(key, count);
      return true;
    });
  }
  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
    return snapshot().top(ns, bucket, limit);
  }

 private:
  using Counts = std::map<Key, Count, KeyLess>;
  struct Ledger {
    std::uint64_t sequence = 0;
    std::uint64_t digest = 0;
    std::vector<std::size_t> quarantined{};  // of that batch: its sender may ask again
  };

  [[nodiscard]] std::vector<std::string> all_namespaces() const {
    std::vector<std::string> names;
    for (auto row = counts_.begin(); row != counts_.end();) {
      names.push_back(row->first.ns);
      row = counts_.upper_bound(KeyView{names.back(), {PeriodType::all, INT64_MAX}, {}});
    }
    return names;
  }

  /// False if the count would leave its range. A new counter takes its place from `made`, and one that is removed
  /// goes there, as a later record of the batch may make it anew.
  bool apply(const Record& record, Counts& made) noexcept {
    const auto found = counts_.find(record.key);
    if (record.change.is_removal()) {
      if (found != counts_.end()) made.insert(counts_.extract(found));
      return true;
    }
    const Count count = record.change.apply(found == counts_.end() ? 0 : found->second);
    if (!in_range(count)) return false;
    if (found != counts_.end()) {
      found->second = count;
    } else {
      auto node = made.extract(made.find(record.key));
      node.mapped() = count;
      counts_.insert(std::move(node));
    }
    return true;
  }

  mutable std::shared_mutex mutex_;
  Counts counts_;                                                // under mutex_
  Horizons horizons_;                                            // under mutex_
  std::map<std::pair<WriterId, std::uint32_t>, Ledger> ledger_;  // under mutex_
};

static_assert(QuestionStore<MemoryStore> && RemovingStore<MemoryStore> && ExpiringStore<MemoryStore>);

}  // namespace livecount::inline v0_1
