// SPDX-License-Identifier: BSL-1.0
// Is a history of one counter linearizable: is there an order of its operations, each between its call and its return,
// in which a counter that does one thing at a time gives the same answers? The search is that of Wing and Gong
// ("Testing and verifying concurrent objects", 1993): take any operation that was called before every other one has
// returned, and go on; with Lowe's memory ("Testing for linearizability", 2017) of what has been tried: the set of
// operations taken and the state they led to.
#pragma once

#include <livecount/record.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace livecount::tests {

struct Operation {
  enum class Type : std::uint8_t { add, add_and_get, get };
  Type type = Type::get;
  Count delta = 0;
  std::optional<Count> answer;  // of add_and_get and get
  std::uint64_t called = 0;     // moments, each its own
  std::uint64_t returned = 0;
};

[[nodiscard]] inline std::string to_string(const Operation& operation) {
  const auto number = [](const std::optional<Count>& count) {
    return count ? std::to_string(*count) : "none";
  };
  std::string text =
      "[" + std::to_string(operation.called) + ", " + std::to_string(operation.returned) + "] ";
  switch (operation.type) {
    case Operation::Type::add: return text + "add " + std::to_string(operation.delta);
    case Operation::Type::add_and_get:
      return text + "add " + std::to_string(operation.delta) + ": " + number(operation.answer);
    case Operation::Type::get: return text + "get: " + number(operation.answer);
  }
  return text;
}

/// At most 64 operations. `begin`: the count before all of them.
class LinearizabilityCheck {
 public:
  LinearizabilityCheck(std::vector<Operation> history, Floor floor)
      : history_(std::move(history)), floor_(floor) {}

  [[nodiscard]] bool passes(std::optional<Count> begin) { return search(0, begin); }

 private:
  using State = std::optional<Count>;

  [[nodiscard]] bool search(std::uint64_t taken, State state) {
    if (taken == everything()) return true;
    if (!tried_.emplace(taken, state).second) return false;
    std::uint64_t first_return = UINT64_MAX;
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (!(taken >> i & 1U)) first_return = std::min(first_return, history_[i].returned);
    }
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if ((taken >> i & 1U) || history_[i].called > first_return) continue;
      State next = state;
      if (step(history_[i], next) && search(taken | std::uint64_t{1} << i, next)) return true;
    }
    return false;
  }

  /// False if it would have answered something else.
  [[nodiscard]] bool step(const Operation& operation, State& state) const {
    if (operation.type == Operation::Type::get) return operation.answer == state;
    Count count = state.value_or(0) + operation.delta;
    if (floor_ == Floor::zero && operation.delta < 0) count = std::max<Count>(count, 0);
    state = count;
    return operation.type == Operation::Type::add || operation.answer == state;
  }

  [[nodiscard]] std::uint64_t everything() const {
    return history_.size() == 64 ? UINT64_MAX : (std::uint64_t{1} << history_.size()) - 1;
  }

  const std::vector<Operation> history_;
  const Floor floor_;
  std::set<std::pair<std::uint64_t, State>> tried_;
};

}  // namespace livecount::tests
