// SPDX-License-Identifier: BSL-1.0
// A Counter of any combination of policies behind one interface, so that cases are compiled
// once and run on all.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/policies.hpp"

namespace livecount::tests {

struct Setup {
  Floor floor = Floor::zero;
  std::size_t entries = 1000;
  std::chrono::milliseconds refresh{1000};
  std::chrono::milliseconds max_delay{1};  // of a queue with a thread
  TestClock clock{};
};

/// Calls Counter's operations of the same names.
class AnyCounter {
 public:
  virtual ~AnyCounter() = default;
  virtual void increment(std::string_view name, const Update& update = {}) = 0;
  virtual void decrement(std::string_view name, const Update& update = {}) = 0;
  virtual Errc try_increment(std::string_view name, const Update& update = {}) = 0;
  virtual Errc try_decrement(std::string_view name, const Update& update = {}) = 0;
  virtual Count increment_and_get(std::string_view name, const Update& update = {}) = 0;
  virtual std::optional<Count> get(std::string_view name, const Lookup& lookup = {}) = 0;
  virtual std::optional<Count> get_and_reset(std::string_view name, const Lookup& lookup = {}) = 0;
  virtual void reset(std::string_view name, const Lookup& lookup = {}) = 0;
  virtual void remove(std::string_view name, const Lookup& lookup = {}) = 0;
  virtual std::vector<NamedCount> top(const Top& top = {}) = 0;
  virtual std::vector<std::string> names(const Names& names = {}) = 0;
  /// Handle::try_increment
  virtual std::function<Errc(Count)> handle(std::string_view name, const Binding& binding = {}) = 0;
  virtual void flush() = 0;
  virtual CloseReport close() = 0;
  virtual void drop_clean() = 0;
  virtual Stats stats() = 0;
  /// What the store has.
  virtual std::optional<Count> stored(const KeyView& key) = 0;
};

/// Opens Counters of one combination. If the store is on disk, all are on the same data.
class Combination {
 public:
  virtual ~Combination() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual bool on_disk() const = 0;
  [[nodiscard]] virtual bool shared() const = 0;  // by several at once
  [[nodiscard]] virtual std::unique_ptr<AnyCounter> open(const Setup& setup = {}) const = 0;
};

/// The case that calls this is run once for each combination.
std::unique_ptr<Combination> each_combination();

// ---- What cases say often

inline constexpr Lookup by_day{.period = PeriodType::day};
inline constexpr Update day_and_all{.periods = PeriodType::day | PeriodType::all};

inline KeyView all_time(std::string_view name, std::string_view ns = default_namespace) {
  return {ns, {PeriodType::all, 0}, name};
}

/// Everything is written, and has to be read from the store again.
inline void forget(AnyCounter& counter) {
  counter.flush();
  counter.drop_clean();
}

}  // namespace livecount::tests
