// SPDX-License-Identifier: BSL-1.0
//
// What does an increment by name cost? Nanoseconds of one call, as a thread sees it; 1 thread and 2.
//
//   workload    names                                     what it shows
//   hot         one                                       the bare path; with 2 threads, a contended line
//   zipf        100,000, by a Zipf law, exponent 0.99     what a web site's pages are like
//   uniform     5,000,000, each as likely                 the memory's latency
//   never seen  each once, beside those of uniform        a new counter; the store must not be read for it
//
//   contender            what it is
//   floor                hash of the name and one atomic add, no look-up (rivals/floor.cpp)
//   livecount ...        the whole product; with 1 and 3 periods, and many names in one call (rivals/livecount.cpp)
//   the rivals           concurrent maps of std::string to a count: no eviction, no period, no store (rivals/*.cpp)
//
// Each round times each contender for a moment, in turns. All counters of livecount are clean when a span begins, so
// the first increment of each name in it also marks the counter dirty. What has become dirty is written after the
// span; "drain" says how long that took.
#include <map>

#include "support/contender.hpp"
#include "support/measure.hpp"
#include "support/names.hpp"

namespace {

using namespace bench;

struct Running {
  Kind kind;
  std::unique_ptr<Contender> contender;
  std::map<int, std::size_t> calls;  // of one span, by the number of threads
};

bool takes_part(const Kind& kind, const std::string& workload) {
  const bool periods = kind.name.find("day") != std::string::npos;
  if (workload == "hot") return kind.name != "livecount increment_many";
  if (workload == "never seen") return kind.name == "livecount";
  return !periods;
}

class Workload {
 public:
  Workload(const Options& options, Report& report, std::string name, const Stream& stream, std::size_t names)
      : options_(options), report_(report), name_(std::move(name)), stream_(stream), names_(names) {
    const SortedNames all(names);
    for (const Kind& kind : kinds()) {
      if (!takes_part(kind, name_)) continue;
      running_.push_back({kind, kind.make(names), {}});
      make_known(*running_.back().contender, all.all());
    }
  }

  void run(int threads) {
    for (int round = 0; round < options_.rounds; ++round) {
      for (Running& running : running_) measure(running, threads, static_cast<std::size_t>(round));
    }
  }

  /// New names, from `first` on. A new Contender would meet an empty table.
  void run_never_seen(std::size_t first, std::size_t count) {
    for (int round = 0; round < options_.rounds; ++round, first += count) {
      const Stream stream = each_once(count, first);
      for (Running& running : running_) {
        if (takes_part(running.kind, "never seen")) {
          read_ahead(stream.all());
          running.contender->touch(stream_.part(enough_to_warm_up(names_), 0));
          time("never seen, 1 thread", running, count, [&] {
            const auto start = std::chrono::steady_clock::now();  // with all waiting for room
            running.contender->add(stream.all());
            return seconds_since(start);
          });
        }
      }
    }
  }

 private:
  void measure(Running& running, int threads, std::size_t round) {
    running.contender->touch(stream_.part(enough_to_warm_up(names_), 0));
    std::size_t& calls = running.calls[threads];
    const auto part = [&](int thread) {
      return stream_.part(calls, 2 * round + static_cast<std::size_t>(thread));
    };
    if (calls == 0) {  // how many fit into a span
      calls = std::min<std::size_t>(20'000, stream_.size() / 2);
      const double seconds = time_threads(threads, [&](int thread) { running.contender->add(part(thread)); });
      running.contender->settle();
      const double fit = options_.pick(0.0005, 0.06, 0.15) / seconds * static_cast<double>(calls);
      calls = std::clamp<std::size_t>(static_cast<std::size_t>(fit), std::min<std::size_t>(1000, calls),
                                      stream_.size() / 2);
    }
    for (int thread = 0; thread < threads; ++thread) read_ahead(part(thread));
    time(name_ + (threads == 1 ? ", 1 thread" : ", " + std::to_string(threads) + " threads"), running, calls,
         [&] { return time_threads(threads, [&](int thread) { running.contender->add(part(thread)); }); });
  }

  template <class F>
  void time(const std::string& label, Running& running, std::size_t calls, F seconds_of) {
    report_.add(label, running.kind.name, seconds_of() / static_cast<double>(calls) * 1e9, "ns");
    if (running.kind.role != Role::livecount) return;
    const auto start = std::chrono::steady_clock::now();
    running.contender->settle();
    report_.add(label, running.kind.name + ": drain", seconds_since(start), "s");
  }

  const Options& options_;
  Report& report_;
  const std::string name_;
  const Stream& stream_;
  const std::size_t names_;
  std::vector<Running> running_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  const auto calls = options.pick<std::size_t>(4000, 2'000'000, 8'000'000);
  {
    const Stream stream(calls, [] { return 0U; });
    Workload hot(options, report, "hot", stream, 1);
    for (const int threads : {1, 2}) hot.run(threads);
  }
  {
    const auto names = options.pick<std::size_t>(1000, 100'000, 100'000);
    const Stream stream = zipf(calls, names);
    Workload workload(options, report, "zipf", stream, names);
    for (const int threads : {1, 2}) workload.run(threads);
  }
  {
    const auto names = options.pick<std::size_t>(2000, 1'000'000, 5'000'000);
    const Stream stream = uniform(calls, names);
    Workload workload(options, report, "uniform", stream, names);
    for (const int threads : {1, 2}) workload.run(threads);
    workload.run_never_seen(names, options.pick<std::size_t>(1000, 200'000, 200'000));
  }
  report.print();
}
