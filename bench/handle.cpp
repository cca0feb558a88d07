// SPDX-License-Identifier: BSL-1.0
//
// What does an increment through a handle cost? Nanoseconds of one call, as a thread sees it.
//
//   contender                 what it is
//   floor: atomic add         of one counter on a line of its own; with 2 threads, both on that line
//   livecount handle          a name resolved once, all time
//   livecount handle day      the same for the current day: the clock is looked at
//   livecount handle striped  the same for all time, each handle on a cache line of its own
//
// With 2 threads each has a handle of its own to the same counter.
#include "support/folder.hpp"
#include "support/livecount.hpp"
#include "support/measure.hpp"

using namespace bench;

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  const auto calls = options.pick<std::size_t>(1000, 5'000'000, 20'000'000);
  const auto nanoseconds = [&](int threads, auto work) {
    return time_threads(threads, work) / static_cast<double>(calls) * 1e9;
  };

  const Folder folder = Folder::in_memory();
  Counter counter(write_later(folder.file("hits.db"), 1000));
  struct alignas(64) Line {
    std::atomic<std::int64_t> count{0};
  } line;

  const auto through = [calls](auto make_handle) {
    return [make_handle, calls](int) {
      auto handle = make_handle();
      for (std::size_t i = 0; i < calls; ++i) handle.increment();
    };
  };
  const auto plain = [&](livecount::Periods periods) {
    return through([&counter, periods] { return counter.handle("http://a.io/hot", {.periods = periods}); });
  };
  const auto striped = through([&counter] { return counter.striped_handle("http://a.io/striped"); });
  for (int round = 0; round < options.rounds; ++round) {
    for (const int threads : {1, 2}) {
      const std::string workload = threads == 1 ? "1 thread" : "2 threads, 1 counter";
      report.add(workload, "floor: atomic add",
                 nanoseconds(threads,
                             [&](int) {
                               for (std::size_t i = 0; i < calls; ++i)
                                 line.count.fetch_add(1, std::memory_order_relaxed);
                             }),
                 "ns");
      report.add(workload, "livecount handle", nanoseconds(threads, plain(livecount::PeriodType::all)), "ns");
      report.add(workload, "livecount handle day", nanoseconds(threads, plain(livecount::PeriodType::day)),
                 "ns");
      report.add(workload, "livecount handle striped", nanoseconds(threads, striped), "ns");
      counter.flush();
    }
  }
  report.print();
}
