// SPDX-License-Identifier: BSL-1.0
// What the scenarios share: a Counter in the explorer's world, a store whose work has steps and whose answers can be
// unclear, and how much is explored.
#pragma once

#include <livecount/testing/explorer.hpp>

#include <livecount/cache/lock_free_cache.hpp>
#include <livecount/counter.hpp>
#include <livecount/queue/manual_queue.hpp>
#include <livecount/store/memory_store.hpp>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace livecount::tests {

using testing::Exploration;
using testing::ExplorerSync;
using testing::Report;
using testing::World;

using Sync = ExplorerSync<>;

/// What becomes of a batch, and what the store says of it.
enum class Fault : std::uint8_t { none, refused, lost, answer_lost };

/// A MemoryStore at whose work others may come in between.
class StepStore {
 public:
  struct Options {
    std::vector<Fault> faults{};  // of the first batches sent
    std::function<void(const MemoryStore&)> after_batch{};
  };
  using guarantee = exactly_once;
  static constexpr bool removes = true;

  explicit StepStore(Options options) : options_(std::move(options)) {}

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    World::step("the store reads");
    const auto count = store_.read(key);
    World::step("the store has read");
    return count;
  }
  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    World::step("the store is sent a batch");
    const Fault fault = sent_ < options_.faults.size() ? options_.faults[sent_] : Fault::none;
    ++sent_;
    if (fault == Fault::refused) return {Outcome::not_applied, Errc::store_unavailable, "refused"};
    if (fault == Fault::lost) return {Outcome::unknown, Errc::store_unavailable, "lost"};
    ApplyResult result = store_.apply(batch);
    if (options_.after_batch) options_.after_batch(store_);
    World::step("the store has a batch");
    if (fault == Fault::answer_lost) return {Outcome::unknown, Errc::store_unavailable, "the answer is lost"};
    return result;
  }
  /// The count that is stored, without a step.
  [[nodiscard]] Count stored(std::string_view name, PeriodType type = PeriodType::all) const {
    return store_.read(KeyView{default_namespace, {type, 0}, name}).value_or(0);
  }

 private:
  Options options_;
  std::size_t sent_ = 0;
  MemoryStore store_;
};

struct EpochClock {
  [[nodiscard]] static Time now() noexcept { return Time{}; }
};

template <class Queue = ManualQueue>
using ExploredCounter = Counter<BasicLockFreeCache<Sync>, StepStore, Queue, EpochClock>;

template <class Queue = ManualQueue>
typename ExploredCounter<Queue>::Options options_of(std::vector<Fault> faults = {}) {
  typename ExploredCounter<Queue>::Options options;
  options.cache.entries = 64;
  options.store.faults = std::move(faults);
  return options;
}

/// Writes everything, however often the store fails on purpose.
template <class C>
void flush_all(C& counter) {
  for (;;) {
    try {
      return counter.flush();
    } catch (const Error& error) {
      if (error.code() != Errc::store_unavailable) throw;
    }
  }
}

/// After this the updates and reads of a thread may go the quick way (counter/core.hpp): its first guard is behind it.
inline void take_first_guard() { const detail::Epochs<Sync>::Guard first; }

/// Explores, prints the figures, and fails with the story. LIVECOUNT_PERCENT: of the executions written here;
/// LIVECOUNT_SEED: the first seed of those by chance; LIVECOUNT_SCHEDULE: that one alone.
template <class S = Sync>
void expect_laws(const std::string& name, const std::function<void(World&)>& body, Exploration options = {}) {
  const auto number = [](const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
  };
  const std::uint64_t percent = number("LIVECOUNT_PERCENT", 100);
  options.random = options.random * percent / 100;
  options.limit = options.limit * percent / 100;
  options.seed = number("LIVECOUNT_SEED", 1);
  if (const char* const schedule = std::getenv("LIVECOUNT_SCHEDULE")) options.schedule = schedule;
  const Report report = testing::explore<S>(options, body);
  std::cout << name << ": "
            << (report.failed ? "FAILED after " + std::to_string(report.executions()) + "\n" : "")
            << report.text();
  INFO(name);
  INFO("alone: LIVECOUNT_SCHEDULE='" << report.schedule << "'");
  REQUIRE(report.law == "");
}

}  // namespace livecount::tests
