// SPDX-License-Identifier: BSL-1.0
// One moment of a FileStore's counters: what QuestionStore asks of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "../selection.hpp"
#include "file_state.hpp"

namespace livecount::inline v0_1::detail {

/// Batches wait until it goes, so take it, ask, and let it go. Threads: one.
class FileQuestions {
 public:
  FileQuestions(const FileState& state, std::shared_mutex& mutex) : state_(&state), lock_(mutex) {}

  [[nodiscard]] std::uint64_t applied(const WriterId& writer, std::uint32_t shard) const {
    const auto found = state_->ledger.find({writer, shard});
    return found == state_->ledger.end() ? 0 : found->second.sequence;
  }
  [[nodiscard]] Horizons horizons() const noexcept { return state_->horizons; }
  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    const FileNode* node = state_->table.find(key);
    return node != nullptr && node->is_present() ? std::optional(node->count) : std::nullopt;
  }

  /// f(key, count) by bucket and name, until it returns false. Sorts each bucket.
  template <class F>
  void scan(const Selection& selection, F f) const {
    state_->table.for_each_shelf(selection, [&](const FileShelf& shelf) {
      std::vector<const FileNode*> nodes;
      for_each_node(shelf, selection.prefix, [&](const FileNode& node) { nodes.push_back(&node); });
      std::sort(nodes.begin(), nodes.end(),
                [](const FileNode* a, const FileNode* b) { return a->name() < b->name(); });
      return std::all_of(nodes.begin(), nodes.end(), [&](const FileNode* node) {
        return f(KeyView{shelf.ns(), shelf.bucket(), node->name()}, Count{node->count});
      });
    });
  }

  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
    const FileShelf* shelf = state_->table.find(ns, bucket);
    if (shelf == nullptr) return {};
    std::vector<const FileNode*> nodes;
    for_each_node(*shelf, {}, [&](const FileNode& node) { nodes.push_back(&node); });
    const std::size_t size = std::min(limit, nodes.size());
    std::partial_sort(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(size), nodes.end(),
                      [](const FileNode* a, const FileNode* b) {
                        return a->count != b->count ? a->count > b->count : a->name() < b->name();
                      });
    std::vector<NamedCount> rows;
    for (std::size_t i = 0; i < size; ++i) rows.push_back({std::string(nodes[i]->name()), nodes[i]->count});
    return rows;
  }

  [[nodiscard]] std::vector<std::string> names(const Selection& selection,
                                               std::optional<std::string_view> after,
                                               std::size_t limit) const {
    std::set<std::string_view> names;
    state_->table.for_each_shelf(selection, [&](const FileShelf& shelf) {
      for_each_node(shelf, selection.prefix, [&](const FileNode& node) {
        if (!after || node.name() > *after) names.insert(node.name());
      });
      return true;
    });
    const auto count = static_cast<std::ptrdiff_t>(std::min(limit, names.size()));
    return {names.begin(), std::next(names.begin(), count)};
  }

  [[nodiscard]] std::vector<std::string> namespaces() const {
    std::vector<std::string> names;
    state_->table.for_each_shelf([&](const FileShelf& shelf) {
      if (!names.empty() && names.back() == shelf.ns()) return;
      FileShelf::Position position;
      const FileNode* node = shelf.next(position);
      while (node != nullptr && !node->is_present()) node = shelf.next(position);
      if (node != nullptr) names.push_back(shelf.ns());
    });
    return names;
  }

 private:
  template <class F>
  static void for_each_node(const FileShelf& shelf, std::string_view prefix, F f) {
    FileShelf::Position position;
    while (const FileNode* node = shelf.next(position)) {
      if (node->is_present() && node->name().substr(0, prefix.size()) == prefix) f(*node);
    }
  }

  const FileState* state_;
  std::shared_lock<std::shared_mutex> lock_;
};

}  // namespace livecount::inline v0_1::detail
