// SPDX-License-Identifier: BSL-1.0
//
// Does the writing in the background slow the counting down? One thread increments 100,000 names by a Zipf law, while
// the queue's thread writes to an SQLite database on disk without a pause.
//
//   contender             what it is
//   livecount, no drain   the queue writes nothing in the timed span
//   livecount, drain      the queue writes all the time: max_delay 0
//   floor: atomic add     of one counter, while the other core does such a drain for somebody else
//
//   workload              what it shows
//   rate                  increments a second
//   50 %, 99.9 %, most    nanoseconds that so many of the single calls take at most, the clock's own included
#include <thread>

#include "support/folder.hpp"
#include "support/livecount.hpp"
#include "support/measure.hpp"
#include "support/names.hpp"

namespace {

using namespace bench;
using Clock = std::chrono::steady_clock;

template <class F>
double rate(const Stream& stream, double seconds, F add) {
  const auto start = Clock::now();
  std::size_t calls = 0;
  double took = 0;
  for (; took < seconds; took = seconds_since(start)) {
    for (int i = 0; i < 1000; ++i) add(stream.all()[calls++ % stream.size()]);
  }
  return static_cast<double>(calls) / took;
}

/// Of each call, in order of size.
template <class F>
std::vector<double> latencies(const Stream& stream, double seconds, F add) {
  std::vector<double> took;
  took.reserve(50'000'000);  // never grows in the span
  const auto start = Clock::now();
  for (auto before = start;
       before - start < std::chrono::duration<double>(seconds) && took.size() < took.capacity();) {
    add(stream.all()[took.size() % stream.size()]);
    const auto after = Clock::now();
    took.push_back(std::chrono::duration<double, std::nano>(after - before).count());
    before = after;
  }
  std::sort(took.begin(), took.end());
  return took;
}

/// Keeps a core busy with a drain, as a Counter's queue does.
class BusyCore {
 public:
  BusyCore(Counter& counter, const Stream& stream)
      : thread_([&counter, &stream](std::stop_token stop) {
          for (std::size_t turn = 0; !stop.stop_requested(); ++turn) {
            for (const std::string_view name : stream.part(20'000, turn)) counter.increment(name);
            counter.flush();
          }
        }) {}

 private:
  std::jthread thread_;
};

template <class F>
void measure(Report& report, const std::string& contender, const Stream& stream, double seconds, F add) {
  report.add("rate", contender, rate(stream, seconds, add), "per second");
  const std::vector<double> took = latencies(stream, seconds, add);
  report.add("50 %", contender, took[took.size() / 2], "ns");
  report.add("99.9 %", contender, took[took.size() * 999 / 1000], "ns");
  report.add("most", contender, took.back(), "ns");
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  const auto names = options.pick<std::size_t>(1000, 100'000, 100'000);
  const auto seconds = options.pick(0.01, 1.5, 5.0);
  const Stream stream = zipf(options.pick<std::size_t>(1000, 1'000'000, 4'000'000), names);

  const Folder folder;
  Counter quiet(write_later(folder.file("quiet.db"), names));
  Counter::Options at_once = write_later(folder.file("busy.db"), names);
  at_once.queue.max_delay = std::chrono::milliseconds(0);
  Counter busy(at_once);
  const SortedNames known(names);
  for (Counter* const counter : {&quiet, &busy}) {
    for (const std::string_view name : known.all()) counter->increment(name);
    counter->flush();
  }
  struct alignas(64) Line {
    std::atomic<std::int64_t> count{0};
  } line;

  for (int round = 0; round < options.rounds; ++round) {
    measure(report, "livecount, no drain", stream, seconds,
            [&](std::string_view name) { quiet.increment(name); });
    quiet.flush();
    measure(report, "livecount, drain", stream, seconds,
            [&](std::string_view name) { busy.increment(name); });
    busy.flush();
    const BusyCore core(quiet, stream);
    measure(report, "floor: atomic add", stream, seconds,
            [&](std::string_view) { line.count.fetch_add(1, std::memory_order_relaxed); });
  }
  report.print();
}
