// SPDX-License-Identifier: BSL-1.0
// Whether what a store has after a crash can be what a crash_writer's log allows.
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "crash/log.hpp"

namespace livecount::crash {

/// What a crash may take.
enum class Loss : std::uint8_t {
  nothing,   // nothing that was acknowledged
  a_suffix,  // the newest batches: a power cut with a store that does not sync each batch
};

using Problems = std::vector<std::string>;

[[nodiscard]] inline std::string show(Count count) {
  return count == absent ? std::string("absent") : std::to_string(count);
}

/// A name that one thread owns: its count must be that after some number of its updates.
[[nodiscard]] inline std::string judge_owned(const Log& log, std::size_t number, Count found, Loss loss) {
  const Name& name = vocabulary().names()[number];
  const std::uint64_t acknowledged = log.acknowledged[name.owner][number];
  const std::uint64_t attempted = log.attempted[name.owner][number];
  Count count = log.before[name.first_key];
  for (std::uint64_t n = 0;; ++n) {
    if (count == found && (n >= acknowledged || loss == Loss::a_suffix)) return {};
    if (n == attempted) break;
    count =
        after(count == absent ? MaybeCount{} : MaybeCount{count}, delta_of(log.seed, number, n), log.floor);
  }
  return name.text + ": " + show(found) + " is not the count after any of its updates " +
         std::to_string(acknowledged) + " (acknowledged) to " + std::to_string(attempted) +
         " (attempted), from " + show(log.before[name.first_key]) + "; after the last one it is " +
         show(count);
}

/// A name that all threads increment: acknowledged <= found <= attempted.
[[nodiscard]] inline std::string judge_shared(const Log& log, std::size_t number, Count found, Loss loss) {
  const Name& name = vocabulary().names()[number];
  const Count before = log.before[name.first_key] == absent ? 0 : log.before[name.first_key];
  Count lower = before;
  Count upper = before;
  for (std::size_t thread = 0; thread < most_threads; ++thread) {
    if (loss == Loss::nothing) lower += static_cast<Count>(log.acknowledged[thread][number].load());
    upper += static_cast<Count>(log.attempted[thread][number].load());
  }
  const Count count = found == absent ? 0 : found;
  if (lower <= count && count <= upper) return {};
  return name.text + ": " + show(found) + " is not between " + std::to_string(lower) +
         " (acknowledged) and " + std::to_string(upper) + " (attempted)";
}

/// Everything that is wrong with what was found, in words.
[[nodiscard]] inline Problems judge(const Log& log, const Counts& found, Loss loss = Loss::nothing) {
  Problems problems;
  for (std::size_t number = 0; number < vocabulary().names().size(); ++number) {
    const Name& name = vocabulary().names()[number];
    const Count count = found[name.first_key];
    for (std::size_t i = 1; i < name.periods.size(); ++i) {
      if (found[name.first_key + i] == count) continue;
      problems.push_back(name.text + ": its periods were always counted together, and have " + show(count) +
                         " and " + show(found[name.first_key + i]));
    }
    std::string problem = name.owner == everybody ? judge_shared(log, number, count, loss)
                                                  : judge_owned(log, number, count, loss);
    if (!problem.empty()) problems.push_back(std::move(problem));
  }
  if (loss == Loss::nothing && found != log.batch(log.applied).counts_after &&
      found != log.batch(log.sent).counts_after) {
    problems.push_back("these are the counts neither after batch " + std::to_string(log.applied) +
                       ", the last applied, nor after batch " + std::to_string(log.sent) + ", the last sent");
  }
  return problems;
}

/// Begins a log anew, for a store that has these counts.
inline void begin(Log& log, const Counts& counts, std::uint64_t seed, Floor floor) {
  new (&log) Log{};
  log.seed = seed;
  log.floor = floor;
  log.before = counts;
  log.batch(0).counts_after = counts;
}

}  // namespace livecount::crash
