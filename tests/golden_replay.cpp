// SPDX-License-Identifier: BSL-1.0
// golden_replay DIR [TRACE...]: replays every trace-*.jsonl in the directory, or those named ("trace-basic"), on
// each combination of policies and compares what they answer and store with the ideal that was recorded beside
// it. Exit status: 0 no difference, 1 some, 2 usage.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "golden/replay.hpp"
#include "golden/trace.hpp"
#include "support/policies.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

/// How counters are set up for a trace. Caches are small, so that counters leave them and come back.
struct Setup {
  std::size_t entries = 64;
  std::uint32_t batch_size = 0;
};

/// The recorded batch sizes are of single calls; here one holds for the whole queue.
Setup setup_for(const Trace& trace) {
  Setup setup;
  if (trace.name == "trace-mixed") setup.entries = 256;
  if (trace.name == "trace-batch") setup.batch_size = 5;
  return setup;
}

template <class Queue>
typename Queue::Options queue_options(const Setup& setup) {
  typename Queue::Options options;
  if constexpr (!Queue::writes_through) {
    options.batch_size = setup.batch_size;
    // With a batch size only that is to make counters ripe. Else the thread is to meet as much as it can.
    options.max_delay = setup.batch_size == 0 ? std::chrono::milliseconds(0) : std::chrono::hours(1);
  }
  return options;
}

template <class Cache, class Store, class Queue>
class SubjectOf final : public Subject {
 public:
  explicit SubjectOf(const Setup& setup) : counter_(options(setup)) {}

  void increment(const std::string& name, const Update& update) override { counter_.increment(name, update); }
  void decrement(const std::string& name, const Update& update) override { counter_.decrement(name, update); }
  std::optional<Count> get(const std::string& name, const Lookup& lookup) override {
    return counter_.get(name, lookup);
  }
  void flush() override { counter_.flush(); }
  void pump() override {
    if constexpr (requires { counter_.queue().pump(); }) {
      (void)counter_.queue().pump();
    } else {
      counter_.flush();
    }
  }
  void drop_clean() override { (void)counter_.drop_clean(); }
  CloseReport close() override { return counter_.close(std::chrono::seconds(30)); }

  std::vector<Row> rows(const std::string& ns) override {
    std::vector<Row> rows;
    for (const PeriodType type : Periods::every()) {
      counter_.store().scan(ns, type, std::nullopt, [&](const KeyView& key, Count count) {
        rows.push_back({to_text(key).text, std::string(key.ns), std::string(to_string(key.bucket.type)),
                        to_scope(key.bucket), std::string(key.name), count});
      });
    }
    return rows;
  }
  std::optional<std::vector<std::string>> namespaces() override {
    if constexpr (requires { counter_.store().namespaces(); }) return counter_.store().namespaces();
    return std::nullopt;
  }
  Stats stats() override { return counter_.stats(); }

 private:
  using Counted = Counter<Cache, Store, Queue>;

  typename Counted::Options options(const Setup& setup) const {
    typename Counted::Options options;
    options.cache.entries = setup.entries;
    options.store = place_.options();
    options.queue = queue_options<Queue>(setup);
    options.when_full = Limit::flush;
    return options;
  }

  StorePlace<Store> place_;
  Counted counter_;
};

struct Combination {
  std::string name;
  std::unique_ptr<Subject> (*make)(const Setup&);
};

std::vector<Combination> combinations() {
  std::vector<Combination> all;
  for_each_combination([&](auto cache, auto store, auto queue) {
    using Cache = typename decltype(cache)::type;
    using Store = typename decltype(store)::type;
    using Queue = typename decltype(queue)::type;
    all.push_back(
        {names_of_policies<Cache, Store, Queue>(), [](const Setup& setup) -> std::unique_ptr<Subject> {
           return std::make_unique<SubjectOf<Cache, Store, Queue>>(setup);
         }});
  });
  return all;
}

/// What has been found so far.
class Findings {
 public:
  void add(const std::string& where, std::uint64_t checks, const std::vector<std::string>& differences) {
    checks_ += checks;
    for (const std::string& difference : differences) {
      if (++differences_ <= 20) std::printf("  differs: %s: %s\n", where.c_str(), difference.c_str());
    }
  }
  [[nodiscard]] bool clean() const { return differences_ == 0; }
  void print(std::size_t traces, std::size_t combinations) const {
    std::printf("%zu traces on %zu combinations: %llu checks, %llu differences\n", traces, combinations,
                static_cast<unsigned long long>(checks_), static_cast<unsigned long long>(differences_));
  }

 private:
  std::uint64_t checks_ = 0;
  std::uint64_t differences_ = 0;
};

void replay(const Trace& trace, const Combination& combination, Findings& findings) {
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<Subject> subject = combination.make(setup_for(trace));
  Replay replay(*subject, trace);
  replay.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const Stats stats = subject->stats();
  std::printf("%-15s %-40s %7llu checks, %zu differences, %6llu evictions, %5.2f s\n", trace.name.c_str(),
              combination.name.c_str(), static_cast<unsigned long long>(replay.checks()),
              replay.differences().size(), static_cast<unsigned long long>(stats.evicted), took.count());
  findings.add(trace.name + " on " + combination.name, replay.checks(), replay.differences());
}

/// All traces of the directory, or those that are named.
std::vector<std::filesystem::path> traces_in(const std::filesystem::path& directory,
                                             const std::vector<std::string>& wanted) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& name : wanted) paths.push_back(directory / (name + ".jsonl"));
  if (!wanted.empty()) return paths;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    const std::string name = file.path().filename().string();
    if (name.starts_with("trace-") && name.ends_with(".jsonl") && !name.ends_with(".diff.jsonl")) {
      paths.push_back(file.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

int run(const std::filesystem::path& directory, const std::vector<std::string>& wanted) {
  const auto paths = traces_in(directory, wanted);
  if (paths.empty()) {
    std::fprintf(stderr, "golden_replay: there is no trace-*.jsonl in %s\n", directory.c_str());
    return 2;
  }
  const std::vector<Combination> combinations = ::combinations();
  Findings findings;
  for (const auto& path : paths) {
    const Trace trace = TraceReader::read(path);
    std::printf(
        "%s: %zu operations and %zu rows; %zu operations and %zu rows of unknown period types left out\n",
        trace.name.c_str(), trace.operations.size(), trace.table.size(), trace.unknown_types,
        trace.unknown_rows);
    findings.add(trace.name, trace.checks, trace.differences);
    for (const Combination& combination : combinations) replay(trace, combination, findings);
  }
  findings.print(paths.size(), combinations.size());
  return findings.clean() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: golden_replay DIR [TRACE...]\n");
    return 2;
  }
  try {
    return run(argv[1], {argv + 2, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "golden_replay: %s\n", error.what());
    return 2;
  }
}
