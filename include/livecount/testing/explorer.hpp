// SPDX-License-Identifier: BSL-1.0
//
// explore(): runs a few threads in every order that matters, then in many chosen by chance, and says in which one a
// law was broken. For the kernels of this library and for policies of your own that take Sync as a parameter.
//
//     using Sync = livecount::testing::ExplorerSync<>;
//
//     livecount::testing::Report report = livecount::testing::explore<Sync>({}, [](livecount::testing::World& world) {
//       Sync::atomic<int> hits{0};
//       world.thread("a", [&] { hits.store(hits.load() + 1); });
//       world.thread("b", [&] { hits.store(hits.load() + 1); });
//       world.run();
//       world.check(hits.load() == 2, "no loss");
//     });
//     if (report.failed) std::cout << report.text();  // the law, the schedule, and the steps that led there
//
// The body is run once for each execution and must do the same each time: no real time, no real randomness, no real
// threads. It sets up, runs, and checks; check() may also be called by the threads. What else is found: threads that
// wait for ever, an atomic used before its construction or after its destruction as far as the memory order tells, an
// exception that leaves a thread.
//
// Three passes: all schedules with so many preemptions where every load sees the newest value; all schedules with fewer
// preemptions where loads may see old values and weak compare-and-swaps may fail; executions decided by chance. A pass
// that would take longer than its limit is cut off, and the report says so. A failure is made shorter, one deviation
// at a time, as long as it fails; its schedule, given as `schedule`, replays it alone.
//
// Threads: one; it runs everything itself. Not under ThreadSanitizer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "../detail/epoch.hpp"
#include "explorer_sync.hpp"

namespace livecount::inline v0_1::testing {

struct Exploration {
  Bounds newest{.preemptions = 3, .old_values = 0, .failures = 0};  // the first pass
  Bounds old{.preemptions = 2, .old_values = 1, .failures = 1};     // the second
  std::uint64_t limit = 100'000;                                    // of executions, for each of the two
  std::uint64_t random = 20'000;                                    // executions of the third
  std::uint64_t seed = 1;                                           // of the third
  std::uint32_t lessons =
      200;                 // executions by chance before the first pass, to learn which places are shared
  std::string schedule{};  // not empty: this one alone
};

struct Pass {
  std::uint64_t executions = 0;
  bool complete = false;
};

struct Report {
  bool failed = false;
  Pass newest, old, random;
  std::uint64_t longest = 0;  // steps

  // of a failure
  std::string law;
  std::string schedule;
  std::string story;
  std::uint64_t trace = 0;  // the same for the same execution
  std::uint64_t seed = 0;   // if it was found by chance

  [[nodiscard]] std::uint64_t executions() const noexcept {
    return newest.executions + old.executions + random.executions;
  }
  /// One line of figures and, of a failure, everything.
  [[nodiscard]] std::string text() const {
    const auto figure = [](const Pass& pass) {
      return std::to_string(pass.executions) + (pass.complete ? " (all)" : " (cut off)");
    };
    std::string text = figure(newest) + " with newest values, " + figure(old) + " with old ones, " +
                       std::to_string(random.executions) + " by chance; the longest took " +
                       std::to_string(longest) + " steps\n";
    if (!failed) return text;
    return "broken: " + law + "\nin execution " + std::to_string(executions()) +
           (seed != 0 ? ", seed " + std::to_string(seed) : "") + "; schedule: " + schedule + "\n" + story +
           text;
  }
};

/// What explore() does.
template <class Sync>
class Explorer {
 public:
  Explorer(const Exploration& options, const std::function<void(World&)>& body)
      : options_(options), body_(body) {}

  Report run() {
    if (!options_.schedule.empty()) {
      schedule_.begin_written(parse_schedule(options_.schedule));
      if (!execute(most_history)) return report_;
      return explain(schedule_.deviations());
    }
    if (!learn() || !all(options_.newest, 1, report_.newest) ||
        !all(options_.old, most_history, report_.old) || !by_chance()) {
      return explain(schedule_.deviations());
    }
    return report_;
  }

 private:
  static constexpr std::size_t most_history = 6;

  /// True if it failed.
  bool execute(std::size_t history, bool tell = false) {
    const World::Result result = world_.execute(schedule_, history, tell, body_, [] {
      const typename detail::Epochs<Sync>::Guard guard;  // a thread's first one makes its record
    });
    report_.longest = std::max<std::uint64_t>(report_.longest, result.steps);
    report_.failed = result.failed;
    report_.law = result.law;
    report_.trace = result.trace;
    return result.failed;
  }

  /// Which places are shared.
  bool learn() {
    world_.learn(true);
    for (std::uint32_t i = 0; i < options_.lessons; ++i) {
      schedule_.begin_random(
          i, {20, i % 2 * options_.old.old_values, options_.old.failures, options_.newest.deadlines});
      ++report_.random.executions;
      if (execute(most_history)) return false;
    }
    world_.learn(false);
    (void)world_.learned();
    return true;
  }

  bool all(Bounds bounds, std::size_t history, Pass& pass) {
    if (options_.limit == 0) return true;
    for (;;) {
      schedule_.begin_all(bounds);
      do {
        if (pass.executions == options_.limit) return true;
        ++pass.executions;
        if (execute(history)) return false;
        if (world_.learned()) break;
      } while (schedule_.next() || !(pass.complete = true));
      if (pass.complete) return true;
    }
  }

  bool by_chance() {
    for (std::uint64_t i = 0; i < options_.random; ++i) {
      const std::uint64_t seed = options_.seed + i;
      schedule_.begin_random(seed, {100, static_cast<std::uint32_t>(seed % 5), 3, options_.newest.deadlines});
      ++report_.random.executions;
      if (!execute(most_history)) continue;
      report_.seed = seed;
      return false;
    }
    report_.random.complete = true;
    return true;
  }

  /// Leaves out every deviation without which it still fails, and tells the story of what is left.
  Report explain(Deviations deviations) {
    const Report found = report_;
    for (bool shorter = true; shorter;) {
      shorter = false;
      for (auto deviation = deviations.begin(); deviation != deviations.end();) {
        Deviations fewer = deviations;
        fewer.erase(deviation->first);
        schedule_.begin_written(fewer);
        const auto after = std::next(deviation);
        const bool at_end = after == deviations.end();
        const auto next_key = at_end ? deviation->first : after->first;
        if (execute(most_history)) {
          deviations = schedule_.deviations();
          shorter = true;
          deviation = at_end ? deviations.end() : deviations.lower_bound(next_key);
        } else {
          deviation = after;
        }
      }
    }
    schedule_.begin_written(deviations);
    (void)execute(most_history, true);
    Report report = found;
    report.failed = true;
    if (report_.failed) {
      report.law = report_.law;
      report.trace = report_.trace;
    }
    report.schedule = to_string(deviations);
    report.story = world_.story();
    return report;
  }

  const Exploration options_;
  const std::function<void(World&)>& body_;
  World world_;
  Schedule schedule_;
  Report report_;
};

/// Sync: the ExplorerSync that the body's types are made of.
template <class Sync>
[[nodiscard]] Report explore(const Exploration& options, const std::function<void(World&)>& body) {
  return Explorer<Sync>(options, body).run();
}

}  // namespace livecount::inline v0_1::testing
