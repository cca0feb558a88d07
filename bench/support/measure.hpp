// SPDX-License-Identifier: BSL-1.0
//
// What the benchmarks share: options, samples, and the timing of threads.
//
// A program measures its contenders in turns (A B C A B C ...), so that a machine that is busy for a moment is busy
// for all of them, and shows medians over the rounds:
//
//     const Options options(argc, argv);
//     Report report(options);
//     for (int round = 0; round < options.rounds; ++round) {
//       for (auto& contender : contenders) report.add("hot, 1 thread", contender.name, measure(contender), "ns");
//     }
//     report.print();
//
// With --samples FILE each sample is also appended to FILE, a JSON object a line, for bench/compare.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

namespace bench {

struct Options {
  Options(int argc, char** argv) {
    const std::string path = argv[0];
    program = path.substr(path.find_last_of('/') + 1);
    if (program.starts_with("bench_")) program.erase(0, 6);
    for (int i = 1; i < argc; ++i) {
      const std::string option = argv[i];
      if (option == "--smoke") {
        size = Size::smoke;
        rounds = 1;
      } else if (option == "--quick") {
        size = Size::quick;
        rounds = 3;
      } else if (option == "--rounds" && i + 1 < argc) {
        rounds = std::max(1, std::atoi(argv[++i]));
      } else if (option == "--samples" && i + 1 < argc) {
        samples = argv[++i];
      } else {
        std::fprintf(stderr, "usage: %s [--smoke | --quick] [--rounds N] [--samples FILE]\n", argv[0]);
        std::exit(2);
      }
    }
  }

  /// The same parameter in the three sizes of a run.
  template <class T>
  [[nodiscard]] T pick(T smoke, T quick, T full) const {
    return size == Size::smoke ? smoke : size == Size::quick ? quick : full;
  }

  enum class Size { smoke, quick, full };
  std::string program;
  Size size = Size::full;
  int rounds = 5;
  std::string samples;
};

[[nodiscard]] inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

[[nodiscard]] inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

class Report {
 public:
  explicit Report(const Options& options) : options_(options) {}

  void add(const std::string& workload, const std::string& contender, double value, const std::string& unit) {
    const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& candidate) {
      return candidate.workload == workload && candidate.contender == contender;
    });
    if (row == rows_.end()) {
      rows_.push_back({workload, contender, unit, {value}});
    } else {
      row->values.push_back(value);
    }
    std::fprintf(stderr, ".");
  }
  /// What was not measured, and why.
  void absent(const std::string& workload, const std::string& contender, const std::string& why) {
    rows_.push_back({workload, contender, why, {}});
  }

  void print() const {
    std::printf("\n%-26s %-32s %12s  %s\n", "workload", "contender", "median", "from .. to");
    for (const Row& row : rows_) {
      if (row.values.empty()) {
        std::printf("%-26s %-32s %12s  %s\n", row.workload.c_str(), row.contender.c_str(), "absent",
                    row.unit.c_str());
        continue;
      }
      const auto [low, high] = std::minmax_element(row.values.begin(), row.values.end());
      std::printf("%-26s %-32s %12.5g  %.5g .. %.5g %s\n", row.workload.c_str(), row.contender.c_str(),
                  median(row.values), *low, *high, row.unit.c_str());
    }
    if (!options_.samples.empty()) write_samples();
  }

 private:
  struct Row {
    std::string workload, contender, unit;  // or why it is absent
    std::vector<double> values;
  };

  // Workloads, contenders and units are ours: none needs escaping. A reason may come from a library.
  void write_samples() const {
    std::FILE* const file = std::fopen(options_.samples.c_str(), "a");
    if (!file) {
      std::fprintf(stderr, "%s: %s\n", options_.samples.c_str(), std::strerror(errno));
      std::exit(1);
    }
    for (const Row& row : rows_) {
      std::string unit = row.unit;
      std::replace_if(
          unit.begin(), unit.end(), [](unsigned char c) { return c < ' ' || c == '"' || c == '\\'; }, ' ');
      std::fprintf(file, R"({"program": "%s", "workload": "%s", "contender": "%s", "%s": "%s", "values": [)",
                   options_.program.c_str(), row.workload.c_str(), row.contender.c_str(),
                   row.values.empty() ? "absent" : "unit", unit.c_str());
      for (std::size_t i = 0; i < row.values.size(); ++i) {
        std::fprintf(file, "%s%.9g", i == 0 ? "" : ", ", row.values[i]);
      }
      std::fprintf(file, "]}\n");
    }
    std::fclose(file);
  }

  const Options& options_;
  std::vector<Row> rows_;
};

/// What one thread takes, in seconds of its processor time: on a machine that is shared with others, their turns do not
/// count. On a quiet one it is the time on the wall.
template <class F>
[[nodiscard]] double time_one(F work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double start = now();
  work();
  return now() - start;
}

/// Runs work(0), work(1), ... on threads that start together; the seconds that each took, on average: on the wall, as
/// waiting for each other is what is asked for. No flag is
/// polled while they run: on a line that a measured thread writes to, that alone can make it five times slower.
template <class F>
[[nodiscard]] double time_threads(int threads, F work) {
  if (threads == 1) return time_one([&] { work(0); });
  std::vector<double> took(static_cast<std::size_t>(threads));
  std::atomic<int> ready{0};
  {
    std::vector<std::jthread> running;
    for (int thread = 0; thread < threads; ++thread) {
      running.emplace_back([&, thread] {
        ++ready;
        while (ready.load() < threads) std::this_thread::yield();
        const auto start = std::chrono::steady_clock::now();
        work(thread);
        took[static_cast<std::size_t>(thread)] = seconds_since(start);
      });
    }
  }
  double sum = 0;
  for (const double seconds : took) sum += seconds;
  return sum / threads;
}

/// Keeps the compiler from leaving out what computes the value.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace bench
