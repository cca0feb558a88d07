// SPDX-License-Identifier: BSL-1.0
//
// check_conformance(): does a store do what StorePolicy asks for? It sends batches as a Counter would, and as it would only
// after a failure, and names each law that the store breaks, with the shortest story that it found.
//
//     using namespace livecount::testing;
//     const ConformanceReport report = check_conformance<ServerPlace<MyStore>>();
//     std::cout << report.text();
//     return report.passed() ? 0 : 1;
//
// ServerPlace (faulty_store.hpp) is for stores that begin empty with default options and live in the process. A store on
// disk needs a place of its own, whose open() opens the same data each time:
//
//     struct MyPlace {
//       using Store = MyStore;
//       static constexpr bool shared = true;  // whether several may have it open at a time
//       std::shared_ptr<MyStore> open() { return std::make_shared<MyStore>(MyStore::Options{.path = folder.path}); }
//       void kill() {}                        // what a kill leaves; and a power cut
//       void cut_power(std::mt19937_64&) {}
//       MemoryDisk* disk() { return nullptr; }
//       void tend(MyStore&) {}
//       MyFolder folder;                      // made empty, and removed, by this object
//     };
//
// Of a store that says at_least_once nothing is asked about batches that come twice. Settings and questions are looked at
// where the store has them. That reads may run beside an apply is for ThreadSanitizer to show.
//
// Threads: one; the store is used by one. Throws: what the place and the store throw from open(); what they throw else
// breaks the law that is being looked at.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "conformance_laws.hpp"

namespace livecount::inline v0_1::testing {

struct ConformanceOptions {
  std::uint64_t trials = 200;  // of each law; later ones are longer
  std::uint64_t first_seed = 1;
};

struct Verdict {
  enum class Outcome : std::uint8_t { kept, broken, not_asked };
  std::string law;
  Outcome outcome = Outcome::kept;
  std::uint64_t trials = 0;
  std::uint64_t seed = 0;            // of the trial that broke it
  std::vector<std::string> story{};  // what was done in it
};

struct ConformanceReport {
  std::vector<Verdict> verdicts;

  [[nodiscard]] bool passed() const { return broken().empty(); }
  [[nodiscard]] std::vector<std::string> broken() const {
    std::vector<std::string> laws;
    for (const Verdict& verdict : verdicts) {
      if (verdict.outcome == Verdict::Outcome::broken) laws.push_back(verdict.law);
    }
    return laws;
  }
  /// A line for each law, and under a broken one its story.
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const Verdict& verdict : verdicts) {
      constexpr std::array<const char*, 3> outcomes = {"kept       ", "BROKEN     ", "not asked  "};
      text += outcomes[static_cast<std::size_t>(verdict.outcome)] + verdict.law + "\n";
      if (verdict.outcome != Verdict::Outcome::broken) continue;
      text += "             in trial " + std::to_string(verdict.trials) + ", seed " +
              std::to_string(verdict.seed) + ":\n";
      for (const std::string& step : verdict.story) text += "             " + step + "\n";
    }
    return text;
  }
};

/// Place: see above.
template <class Place>
[[nodiscard]] ConformanceReport check_conformance(const ConformanceOptions& options = {}) {
  ConformanceReport report;
  for (const auto& law : ConformanceLaws<Place>::all()) {
    Verdict verdict{law.name};
    if (!law.asked) verdict.outcome = Verdict::Outcome::not_asked;
    for (std::uint64_t i = 0; i < options.trials && verdict.outcome == Verdict::Outcome::kept; ++i) {
      ConformanceTrial<Place> trial(options.first_seed + i);
      law.check(trial, 1 + i * 12 / options.trials);  // a short one first
      ++verdict.trials;
      if (!trial.broken) continue;
      verdict.outcome = Verdict::Outcome::broken;
      verdict.seed = options.first_seed + i;
      verdict.story = std::move(trial.story);
    }
    report.verdicts.push_back(std::move(verdict));
  }
  return report;
}

}  // namespace livecount::inline v0_1::testing
