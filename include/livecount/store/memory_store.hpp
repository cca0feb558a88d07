// SPDX-License-Identifier: BSL-1.0
//
// MemoryStore: a map. For tests, for examples, and for counts that need no disk.
//
// It keeps the ledger as every store does, so a batch that is sent twice is applied once. It grows with the
// counters ever counted: about 150 bytes each, and the name.
//
//     livecount::Counter<livecount::LruCache, livecount::MemoryStore, livecount::ManualQueue> hits;
//
// Threads: as StorePolicy; scan and top like read.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
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
    if (batch.sequence == ledger.sequence) result.quarantined = ledger.quarantined;
    if (batch.sequence <= ledger.sequence) return result;
    if (batch.sequence != ledger.sequence + 1) {
      return {Outcome::not_applied, Errc::store_rolled_back,
              "batch " + std::to_string(batch.sequence) + " does not follow batch " +
                  std::to_string(ledger.sequence)};
    }
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      if (!apply(batch.records[i])) result.quarantined.push_back(i);
    }
    ledger = {batch.sequence, content, result.quarantined};
    return result;
  }

  /// Calls f(const KeyView&, Count) for each counter of the namespace and period type, of one bucket or of
  /// all, ordered by period and name. f must not call the store.
  template <class F>
  void scan(std::string_view ns, PeriodType type, std::optional<Bucket> bucket, F f) const {
    const std::shared_lock lock(mutex_);
    const KeyView first{ns, bucket.value_or(Bucket{type, INT64_MIN}), {}};
    for (auto row = counts_.lower_bound(first); row != counts_.end(); ++row) {
      const KeyView key = row->first;
      if (key.ns != ns || key.bucket.type != type || (bucket && key.bucket != *bucket)) break;
      f(key, row->second);
    }
  }

  /// The largest counts of one bucket, ties by name.
  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
    std::vector<NamedCount> rows;
    scan(ns, bucket.type, bucket, [&](const KeyView& key, Count count) {
      rows.push_back({std::string(key.name), count});
    });
    // The rows come ordered by name, and a stable sort keeps that among equals.
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.count > b.count; });
    rows.resize(std::min(rows.size(), limit));
    return rows;
  }

 private:
  struct Less {
    using is_transparent = void;
    bool operator()(const KeyView& a, const KeyView& b) const noexcept { return a < b; }
  };
  struct Ledger {
    std::uint64_t sequence = 0;
    std::uint64_t digest = 0;
    std::vector<std::size_t> quarantined{};  // of that batch: its sender may ask again
  };

  /// False if the count would leave its range.
  bool apply(const Record& record) {
    const auto found = counts_.find(record.key);
    const Count count = record.change.apply(found == counts_.end() ? 0 : found->second);
    if (!in_range(count)) return false;
    if (found == counts_.end()) {
      counts_.emplace(Key{std::string(record.key.ns), record.key.bucket, std::string(record.key.name)},
                      count);
    } else {
      found->second = count;
    }
    return true;
  }

  mutable std::shared_mutex mutex_;
  std::map<Key, Count, Less> counts_;                            // under mutex_
  std::map<std::pair<WriterId, std::uint32_t>, Ledger> ledger_;  // under mutex_
};

static_assert(StorePolicy<MemoryStore>);

}  // namespace livecount::inline v0_1
