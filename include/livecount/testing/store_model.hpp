// SPDX-License-Identifier: BSL-1.0
//
// StoreModel: what a store may hold, given the batches it was sent and what it answered.
//
// A store as plain as can be, in every state that is possible: an answer that does not tell whether a batch is in doubles
// the states, and what is read later leaves those that fit. When none is left, the store has broken a law: something that
// it acknowledged is missing, or something was counted twice, or a batch is there in part.
//
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../record.hpp"
#include "../retention.hpp"

namespace livecount::inline v0_1::testing {

/// For people.
[[nodiscard]] inline std::string describe(const KeyView& key) { return detail::quote(to_text(key).text); }
[[nodiscard]] inline std::string describe(const std::optional<Count>& count) {
  return count ? std::to_string(*count) : "no counter";
}
[[nodiscard]] inline Key owned(const KeyView& key) {
  return {std::string(key.ns), key.bucket, std::string(key.name)};
}

class StoreModel {
 public:
  struct State {
    std::map<Key, Count> counts;
    Horizons horizons;
    std::map<std::pair<WriterId, std::uint32_t>, std::uint64_t> applied;  // the last sequence
    friend bool operator==(const State&, const State&) = default;
  };

  /// At least one, unless a law is broken.
  [[nodiscard]] const std::vector<State>& states() const noexcept { return states_; }

  /// A batch, never sent before or the last of its writer, and what the store itself answered. False if no state allows
  /// that answer.
  [[nodiscard]] bool take(const Batch& batch, const ApplyResult& result) {
    std::vector<State> next;
    const auto add = [&next](State state) { add_once(next, std::move(state)); };
    for (const State& state : states_) {
      const bool is_in = sequence_in(state, batch) >= batch.sequence;
      if (result.outcome == Outcome::not_applied) {
        if (!is_in) add(state);
        continue;
      }
      if (is_in || result.outcome == Outcome::unknown) add(state);
      if (!is_in) {
        State after = state;
        const ApplyResult right = apply(batch, after);
        if (result.outcome == Outcome::unknown ||
            (right.quarantined == result.quarantined && right.late == result.late))
          add(std::move(after));
      }
    }
    return keep(std::move(next));
  }

  /// What the store has told of a counter. False if no state has it so.
  [[nodiscard]] bool see(const KeyView& key, const std::optional<Count>& count) {
    const Key wanted = owned(key);
    std::vector<State> next;
    for (const State& state : states_) {
      if (count_in(state, wanted) == count) next.push_back(state);
    }
    return keep(std::move(next));
  }

  /// All counters that there may be.
  [[nodiscard]] std::vector<Key> keys() const {
    std::vector<Key> keys;
    for (const State& state : states_) {
      for (const auto& [key, count] : state.counts) keys.push_back(key);
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
  }

  /// "4 or 7"
  [[nodiscard]] std::string expected(const KeyView& key) const {
    std::vector<std::string> counts;
    for (const State& state : states_) counts.push_back(describe(count_in(state, owned(key))));
    std::sort(counts.begin(), counts.end());
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
    std::string text;
    for (const std::string& count : counts) text += (text.empty() ? "" : " or ") + count;
    return text;
  }

  [[nodiscard]] static std::optional<Count> count_in(const State& state, const Key& key) {
    const auto found = state.counts.find(key);
    return found == state.counts.end() ? std::nullopt : std::optional(found->second);
  }

  /// What is before this bucket has been let go, or may have been.
  void expire(Bucket first, bool certain = true) {
    std::vector<State> next;
    if (!certain) next = states_;
    for (State state : states_) {
      state.horizons.raise(first);
      std::erase_if(state.counts,
                    [&](const auto& entry) { return !state.horizons.keeps(entry.first.bucket); });
      add_once(next, std::move(state));
    }
    states_ = std::move(next);
  }
  /// The store's horizons. False if no state has them so.
  [[nodiscard]] bool see(const Horizons& horizons) {
    std::vector<State> next;
    for (const State& state : states_) {
      if (state.horizons == horizons) next.push_back(state);
    }
    return keep(std::move(next));
  }

  /// Returns the right answer.
  static ApplyResult apply(const Batch& batch, State& state) {
    ApplyResult right = Outcome::applied;
    right.late = late_records(batch, state.horizons);
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      const auto& [key, change] = batch.records[i];
      if (!state.horizons.keeps(key.bucket)) continue;
      if (change.is_removal()) {
        state.counts.erase(owned(key));
        continue;
      }
      const Count after = change.apply(count_in(state, owned(key)).value_or(0));
      if (in_range(after)) {
        state.counts[owned(key)] = after;
      } else {
        right.quarantined.push_back(i);
      }
    }
    state.applied[{batch.writer, batch.shard}] = batch.sequence;
    return right;
  }

  [[nodiscard]] static std::uint64_t sequence_in(const State& state, const Batch& batch) {
    const auto found = state.applied.find({batch.writer, batch.shard});
    return found == state.applied.end() ? 0 : found->second;
  }

 private:
  static void add_once(std::vector<State>& states, State state) {
    if (std::find(states.begin(), states.end(), state) == states.end()) states.push_back(std::move(state));
  }
  bool keep(std::vector<State> next) {
    if (next.empty()) return false;  // the states stay, to tell what was expected
    states_ = std::move(next);
    return true;
  }

  std::vector<State> states_{State{}};
};

}  // namespace livecount::inline v0_1::testing
