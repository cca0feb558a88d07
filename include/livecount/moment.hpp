// SPDX-License-Identifier: BSL-1.0
//
// Moment: one moment of the counts: what a snapshot had, and laid over it changes that were not yet in it.
//
// A Snapshot is what a QuestionStore's snapshot() gives (concepts.hpp); `horizons` and `sum` may be missing. Costs: what
// the snapshot's questions cost, a look at each change, and for `top` as many rows more as there are changes.
//
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "key.hpp"
#include "record.hpp"
#include "retention.hpp"
#include "selection.hpp"

namespace livecount::inline v0_1::detail {

template <class Snapshot>
class Moment {
 public:
  /// `collect(add)` opens the snapshot and calls add(key, change) for each change that it lacks. What is before the
  /// horizons, or before the store's own, has gone, though it may not yet have been removed.
  template <class Collect>
  explicit Moment(const Horizons& horizons, Collect collect)
      : snapshot_(collect([this](const KeyView& key, const Transform& change) { add(key, change); })),
        horizons_(horizons) {
    if constexpr (requires { snapshot_.horizons(); }) horizons_.raise(snapshot_.horizons());
    std::erase_if(pending_, [this](const auto& change) { return !horizons_.keeps(change.first.bucket); });
  }

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    if (!horizons_.keeps(key.bucket)) return std::nullopt;
    const std::optional<Count> stored = snapshot_.read(key);
    const auto found = pending_.find(key);
    return found == pending_.end() ? stored : count_after(found->second, stored);
  }

  /// f(key, count) in the order of bucket and name, until it returns false.
  template <class F>
  void scan(const Selection& asked, F f) const {
    const Selection selection = horizons_.kept(asked);
    auto next = pending_.begin();
    const auto show_next = [&](std::optional<Count> stored) {
      const std::optional<Count> count = count_after(next->second, stored);
      return !count || f(next->first, *count);
    };
    const auto pass_over = [&] {
      while (next != pending_.end() && !selection.contains(next->first)) ++next;
    };
    bool more = true;
    pass_over();
    snapshot_.scan(selection, [&](const KeyView& key, Count stored) {
      for (; more && next != pending_.end() && KeyView(next->first) < key; ++next, pass_over())
        more = show_next(std::nullopt);
      if (!more) return false;
      if (next == pending_.end() || KeyView(next->first) != key) return more = f(key, stored);
      more = show_next(stored);
      ++next;
      pass_over();
      return more;
    });
    for (; more && next != pending_.end(); ++next, pass_over()) more = show_next(std::nullopt);
  }

  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
    if (limit == 0 || !horizons_.keeps(bucket)) return {};
    // As many more as may have to make way.
    std::vector<NamedCount> rows =
        snapshot_.top(ns, bucket, limit + std::min(pending_.size(), SIZE_MAX - limit));
    const Count most_elsewhere = rows.empty() ? 0 : std::max<Count>(rows.back().count, 0);
    std::vector<typename Pending::const_iterator> elsewhere;  // what is pending of counters that are no rows
    {
      std::unordered_set<std::string_view> names;
      for (const NamedCount& row : rows) names.insert(row.name);
      for (auto change = pending_.begin(); change != pending_.end(); ++change) {
        if (only(ns, bucket).contains(change->first) && !names.contains(change->first.name))
          elsewhere.push_back(change);
      }
    }
    for (NamedCount& row : rows) {
      const auto change = pending_.find(KeyView{ns, bucket, row.name});
      if (change != pending_.end()) row.count = count_after(change->second, row.count).value_or(gone);
    }
    std::erase_if(rows, [](const NamedCount& row) { return row.count == gone; });
    sort_top(rows, limit);
    // Only what can still get in has to be read.
    const Count least = rows.size() == limit ? rows.back().count : min_count;
    for (const auto& change : elsewhere) {
      if (change->second.is_removal()) continue;
      if (std::max(change->second.apply(most_elsewhere), most_elsewhere) < least) continue;
      rows.push_back({change->first.name, read(change->first).value()});
    }
    sort_top(rows, limit);
    return rows;
  }

  /// The sum of the counts selected; nothing if it does not fit into 64 bits.
  [[nodiscard]] std::optional<Count> sum(const Selection& asked) const {
    const Selection selection = horizons_.kept(asked);
    Count sum = 0;
    bool fits = true;
    const auto add = [&](Count count) { return fits = fits && !__builtin_add_overflow(sum, count, &sum); };
    if constexpr (requires { snapshot_.sum(selection); }) {  // of a store that need not hand out every row
      const std::optional<Count> stored = snapshot_.sum(selection);
      if (!stored) return std::nullopt;
      add(*stored);
      for (const auto& [key, change] : pending_) {
        if (!selection.contains(key)) continue;
        const std::optional<Count> before = snapshot_.read(key);
        add(count_after(change, before).value_or(0) - before.value_or(0));
      }
    } else {
      scan(selection, [&](const KeyView&, Count count) { return add(count); });
    }
    return fits ? std::optional(sum) : std::nullopt;
  }

  [[nodiscard]] std::vector<std::string> names(const Selection& asked, std::optional<std::string_view> after,
                                               std::size_t limit) const {
    const Selection selection = horizons_.kept(asked);
    if (pending_.empty()) return snapshot_.names(selection, after, limit);
    const auto is_asked_for = [&](const Key& key) {
      return selection.contains(key) && (!after || std::string_view(key.name) > *after);
    };
    std::vector<std::string> removed;  // from one bucket at least
    for (const auto& [key, change] : pending_) {
      if (change.is_removal() && is_asked_for(key)) removed.push_back(key.name);
    }
    sort_unique(removed);
    std::vector<std::string> names =
        snapshot_.names(selection, after, limit + std::min(removed.size(), SIZE_MAX - limit));
    for (const auto& [key, change] : pending_) {
      if (!change.is_removal() && is_asked_for(key)) names.push_back(key.name);
    }
    sort_unique(names);
    erase_gone(names, removed, [&](const std::string& name) {
      Selection those = selection;
      those.prefix = name;
      return has_any(those, [&](const KeyView& key) { return key.name == name; });
    });
    names.resize(std::min(limit, names.size()));
    return names;
  }

  [[nodiscard]] std::vector<std::string> namespaces() const {
    std::vector<std::string> names = snapshot_.namespaces();
    std::vector<std::string> removed;
    for (const auto& [key, change] : pending_) (change.is_removal() ? removed : names).push_back(key.ns);
    sort_unique(removed);
    sort_unique(names);
    erase_gone(names, removed, [&](const std::string& ns) {
      const auto any = [](const KeyView&) { return true; };
      const Periods types = Periods::every();
      return std::any_of(types.begin(), types.end(), [&](PeriodType type) {
        return has_any(Selection{ns, type}, any);
      });
    });
    return names;
  }

 protected:
  [[nodiscard]] const Snapshot& snapshot() const noexcept { return snapshot_; }

 private:
  /// Changes of one counter come in the order in which they were made.
  void add(const KeyView& key, const Transform& change) {
    if (const auto found = pending_.find(key); found != pending_.end()) {
      found->second = found->second.then(change);
    } else {
      pending_.emplace(Key{std::string(key.ns), key.bucket, std::string(key.name)}, change);
    }
  }

  /// Nothing after a removal. A change that the store is going to put aside leaves the count as it is.
  [[nodiscard]] static std::optional<Count> count_after(const Transform& change,
                                                        std::optional<Count> stored) noexcept {
    if (change.is_removal()) return std::nullopt;
    const Count count = change.apply(stored.value_or(0));
    return in_range(count) ? count : stored.value_or(0);
  }

  template <class Wanted>
  [[nodiscard]] bool has_any(const Selection& selection, Wanted wanted) const {
    bool found = false;
    scan(selection, [&](const KeyView& key, Count) { return !(found = wanted(key)); });
    return found;
  }

  /// Of the names that may be gone, erases those of which `is_there` says no.
  template <class IsThere>
  static void erase_gone(std::vector<std::string>& names, const std::vector<std::string>& may_be_gone,
                         IsThere is_there) {
    std::erase_if(names, [&](const std::string& name) {
      return std::binary_search(may_be_gone.begin(), may_be_gone.end(), name) && !is_there(name);
    });
  }

  static void sort_unique(std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
  }

  using Pending = std::map<Key, Transform, KeyLess>;
  static constexpr Count gone = no_floor;

  Pending pending_;  // first: the snapshot's maker fills it
  Snapshot snapshot_;
  Horizons horizons_;
};

}  // namespace livecount::inline v0_1::detail
