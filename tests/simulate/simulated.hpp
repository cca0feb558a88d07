// SPDX-License-Identifier: BSL-1.0
// How many seeds each combination of policies gets, and what is said of them. LIVECOUNT_SEEDS: of all combinations
// together; LIVECOUNT_SEED: the first one of each; LIVECOUNT_SEED=4711 LIVECOUNT_SEEDS=1 runs that one alone.
#pragma once

#include <livecount/testing/simulator.hpp>

#include <livecount/cache/lock_free_cache.hpp>
#include <livecount/cache/lru_cache.hpp>
#include <livecount/cache/null_cache.hpp>
#include <livecount/queue/inline_queue.hpp>
#include <livecount/queue/jthread_queue.hpp>
#include <livecount/queue/manual_queue.hpp>

#include <cstdlib>
#include <initializer_list>
#include <iostream>
#include <string>

#include "support/catch.hpp"

namespace livecount::tests {

using testing::SimulatorSync;
using SimulatedLockFreeCache = BasicLockFreeCache<SimulatorSync>;
using SimulatedLruCache = BasicLruCache<SimulatorSync>;
using SimulatedNullCache = BasicNullCache<SimulatorSync>;
using SimulatedJthreadQueue = BasicJthreadQueue<SimulatorSync>;

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// Runs `share` of 20,000 seeds, prints how far it got, and fails with the story. `expected`: what has to happen in
/// between, else the laws have not been tried.
template <class Cache, class Place, class Queue>
void expect_laws(const std::string& name, std::uint64_t share, std::initializer_list<const char*> expected) {
  const std::uint64_t all = number_from("LIVECOUNT_SEEDS", 20'000);
  testing::SimulationOptions options;
  options.first_seed = number_from("LIVECOUNT_SEED", 1);
  options.seeds = std::max<std::uint64_t>(all * share / 20'000, 1);
  options.progress = [&](std::uint64_t done) {
    if (done != 0 && done % 50'000 == 0) std::cout << name << ": " << done << " seeds" << std::endl;
  };
  const testing::SimulationReport report = testing::simulate<Cache, Place, Queue>(options);
  std::cout << name << ": " << report.text() << std::flush;
  INFO(name);
  INFO("alone: LIVECOUNT_SEEDS=1 LIVECOUNT_SEED=" << report.seed);
  REQUIRE(report.law == "");
  if (options.seeds < 100) return;  // too few to ask for everything
  for (const char* const happening : expected) {
    INFO("it never happened: " << happening);
    CHECK(report.happenings.contains(happening));
  }
}

}  // namespace livecount::tests
