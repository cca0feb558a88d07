// SPDX-License-Identifier: BSL-1.0
//
// simulate(): runs a Counter through many stories, each drawn from a seed, in which threads are left in the middle, stores
// and disks fail, processes are killed and the power goes, and says in which one a law was broken. For the policies of
// this library and for yours.
//
//     using namespace livecount::testing;
//     using Cache = livecount::BasicLockFreeCache<SimulatorSync>;
//
//     SimulationReport report = simulate<Cache, ServerPlace<MyStore>, livecount::ManualQueue>({.seeds = 20'000});
//     if (report.failed) std::cout << report.text();  // the law, the seed, the shortest story that breaks it
//
// A store on disk needs a place of its own, which opens it: DiskPlace (faulty_store.hpp) does so for a FileStore on a file
// system in memory. Queues: InlineQueue, ManualQueue, BasicJthreadQueue<SimulatorSync>.
//
// The laws:
//   no loss            what a flush, a clean close, or an update of a queue that writes through has returned for is in the
//                      store, whatever happens then; a call of two periods whole or not at all
//   no double count    every change is in at most one batch, and every batch in the store at most once, whole or not at all
//   floor exact        each record is the composition of the changes it stands for, floors, resets and removals included
//   ledger             batches are numbered without gaps under an identity that nobody had before; a retry is the same batch
//   reads              show everything that was counted before them in their process; what is taken is what a read would
//                      show; they never go back; what others have stored is in them after `refresh`
//   retention          a bucket goes when it is time, not before, and never comes again
//   bound              not more than max_pending counters are pending, one more for each call under way; with a thread that
//                      writes, nothing waits longer than max_delay while the store takes every batch
//   progress           every call ends; when the faults are over, what waits is written
//   accounts           accepted = stored + in flight + unflushed + put aside + too late + taken by floors and resets
//
// One seed is one execution; the story of a failure is made shorter for as long as it breaks the same law.
// Two changes of one counter never overlap (the explorer shows that, explorer.hpp), and there is no weak memory.
//
// Threads: one; it runs everything itself. Not under ThreadSanitizer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "simulation.hpp"

namespace livecount::inline v0_1::testing {

struct SimulationOptions {
  std::uint64_t seeds = 20'000;
  std::uint64_t first_seed = 1;
  std::uint8_t most_processes = 2;  // at a time, where the place is shared
  /// Told now and then how many seeds have passed.
  std::function<void(std::uint64_t)> progress{};
};

struct SimulationReport {
  bool failed = false;
  std::uint64_t seeds = 0;  // that were run
  std::uint64_t seed = 0;   // the one that failed
  std::string law;
  std::size_t drawn_steps = 0;     // of the story as it was drawn
  std::vector<std::string> steps;  // of the shortest that was found
  Happenings happenings;           // what happened, and how often

  [[nodiscard]] std::string text() const {
    std::string text = std::to_string(seeds) + " seeds";
    if (!failed) return text + ", no law broken\n";
    text = "broken: " + law + "\nseed " + std::to_string(seed) + ", after " + text + "; of its " +
           std::to_string(drawn_steps) + " steps these are enough:\n";
    for (std::size_t i = 0; i < steps.size(); ++i)
      text += "  " + std::to_string(i + 1) + "  " + steps[i] + "\n";
    return text;
  }
};

/// What simulate() does.
template <class Cache, class Place, class Queue>
class Simulator {
 public:
  explicit Simulator(SimulationOptions options) : options_(std::move(options)) {}

  SimulationReport run() {
    SimulationReport report;
    const Scene scene{.most_processes = Place::shared ? options_.most_processes : std::uint8_t{1},
                      .disk = Place().disk() != nullptr,
                      .removes = RemovingStore<typename Place::Store>,
                      .expires = ExpiringStore<typename Place::Store>};
    for (; report.seeds < options_.seeds; ++report.seeds) {
      if (options_.progress && report.seeds % 1000 == 0) options_.progress(report.seeds);
      const std::uint64_t seed = options_.first_seed + report.seeds;
      Story story = draw_story(seed, scene);
      const std::string law = execute(story, false, report.happenings).law;
      if (law.empty()) continue;
      report.failed = true;
      report.seed = seed;
      report.drawn_steps = story.steps.size();
      ++report.seeds;
      explain(std::move(story), law, report);
      break;
    }
    return report;
  }

 private:
  using Run = Simulation<Cache, Place, Queue>;

  static typename Run::Result execute(const Story& story, bool tell, Happenings& happenings) {
    return Run(story, tell, happenings).run();
  }

  /// Whether the story breaks the same law, as far as its name goes.
  static bool breaks(const Story& story, const std::string& law) {
    Happenings ignored;
    const std::string broken = execute(story, false, ignored).law;
    return !broken.empty() && broken.substr(0, broken.find(':')) == law.substr(0, law.find(':'));
  }

  void explain(Story story, const std::string& law, SimulationReport& report) {
    for (bool shorter = true; shorter;) {
      shorter = false;
      for (std::size_t size = std::max<std::size_t>(story.steps.size() / 2, 1); size > 0; size /= 2)
        shorter = leave_out(story, law, size) || shorter;
    }
    for (std::size_t i = 0; i < story.steps.size(); ++i) {
      Story simpler = story;
      simpler.steps[i].pause_after = 0;
      if (story.steps[i].pause_after != 0 && breaks(simpler, law)) story = std::move(simpler);
    }
    Happenings ignored;
    typename Run::Result told = execute(story, true, ignored);
    report.law = told.law.empty() ? law : told.law;
    report.steps = std::move(told.steps);
  }

  /// Tries the story without each `size` steps in turn.
  static bool leave_out(Story& story, const std::string& law, std::size_t size) {
    bool shorter = false;
    for (std::size_t at = 0; at < story.steps.size();) {
      Story fewer = story;
      const std::size_t end = std::min(at + size, story.steps.size());
      fewer.steps.erase(fewer.steps.begin() + static_cast<std::ptrdiff_t>(at),
                        fewer.steps.begin() + static_cast<std::ptrdiff_t>(end));
      if (breaks(fewer, law)) {
        story = std::move(fewer);
        shorter = true;
      } else {
        at += size;
      }
    }
    return shorter;
  }

  const SimulationOptions options_;
};

/// Place: see faulty_store.hpp.
template <class Cache, class Place, class Queue>
[[nodiscard]] SimulationReport simulate(const SimulationOptions& options = {}) {
  return Simulator<Cache, Place, Queue>(options).run();
}

}  // namespace livecount::inline v0_1::testing
