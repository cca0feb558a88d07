// SPDX-License-Identifier: BSL-1.0
// A batch between its arrival at a FileStore and its publication: the counts that it leads to.
#pragma once

#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "../detail/bytes.hpp"
#include "../retention.hpp"
#include "file_format.hpp"
#include "file_table.hpp"

namespace livecount::inline v0_1::detail {

/// Used for one batch after the other. Threads: the writer's.
class FileBatch {
 public:
  /// Finds the counters and computes their counts, but for records that come too late. Counters that are not there are
  /// made, absent, but for a removal.
  void stage(const Batch& batch, const Horizons& horizons, FileTable& table, std::shared_mutex& table_mutex) {
    staged_.clear();
    positions_.clear();
    set_aside_.clear();
    hash_names(batch, table);
    FileShelf* shelf = nullptr;
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      const auto& [key, change] = batch.records[i];
      if (!horizons.keeps(key.bucket)) continue;
      if (shelf == nullptr || shelf->bucket() != key.bucket || !same_text(shelf->ns(), key.ns)) {
        shelf = table.find(key.ns, key.bucket);
      }
      if (shelf == nullptr && change.is_removal()) continue;
      if (shelf == nullptr) {
        const std::lock_guard lock(table_mutex);
        shelf = &table.insert(key.ns, key.bucket);
      }
      fetch(*shelf, i);
      const std::uint64_t hash = hashes_[i];
      FileNode* node = shelf->find(key.name, hash);
      if (node == nullptr && change.is_removal()) continue;
      if (node == nullptr) {
        const std::lock_guard lock(table_mutex);
        node = &shelf->insert(key.name, hash);
      }
      const bool again = node->staged < staged_.size() && staged_[node->staged].node == node;
      const Count before = again ? staged_[node->staged].count : node->count;
      const Count after =
          change.is_removal() ? FileNode::absent : change.apply(before == FileNode::absent ? 0 : before);
      if (!change.is_removal() && !in_range(after)) {
        positions_.push_back(i);
        set_aside_.push_back({{std::string(key.ns), key.bucket, std::string(key.name)}, change});
      } else if (again) {
        staged_[node->staged].count = after;
      } else {
        node->staged = static_cast<std::uint32_t>(staged_.size());
        staged_.push_back({shelf, node, after});
      }
    }
  }

  /// The positions of records to be set aside.
  [[nodiscard]] const std::vector<std::size_t>& positions() const noexcept { return positions_; }
  [[nodiscard]] std::vector<Quarantined>& set_aside() noexcept { return set_aside_; }

  void put(std::string& frame, const LedgerKey& writer, const LedgerRow& row) const {
    detail::put(frame, static_cast<std::uint8_t>(FrameKind::batch));
    put_ledger_row(frame, writer, row);
    for (const Quarantined& one : set_aside_) put_quarantined(frame, one.key, one.change);
    RunWriter runs(frame);
    const FileShelf* last = nullptr;
    for (const Staged& staged : staged_) {
      runs.add(staged.shelf == last, staged.shelf->ns(), staged.shelf->bucket(), staged.node->name(),
               staged.count);
      last = staged.shelf;
    }
  }

  /// Requires: the table's mutex.
  void publish() const noexcept {
    for (const Staged& staged : staged_) staged.node->count = staged.count;
  }

 private:
  struct Staged {
    const FileShelf* shelf;
    FileNode* node;
    Count count;  // or absent, if it has been removed
  };

  // Each look-up waits for memory twice, for the place in the table and for the node: so both are fetched ahead, in the
  // shelf of the record that it is at, as most batches are of few buckets.
  static constexpr std::size_t ahead = 16;
  void hash_names(const Batch& batch, const FileTable& table) {
    hashes_.clear();
    for (const Record& record : batch.records) hashes_.push_back(table.hash(record.key.name));
  }
  void fetch(const FileShelf& shelf, std::size_t at) const noexcept {
    if (at + 2 * ahead < hashes_.size()) shelf.prefetch(hashes_[at + 2 * ahead]);
    if (at + ahead < hashes_.size()) shelf.prefetch_node(hashes_[at + ahead]);
  }

  std::vector<std::uint64_t> hashes_;  // of the records' names
  std::vector<Staged> staged_;
  std::vector<std::size_t> positions_;
  std::vector<Quarantined> set_aside_;
};

}  // namespace livecount::inline v0_1::detail
