// SPDX-License-Identifier: BSL-1.0
//
// How does the cost of an increment by name grow? Nanoseconds of one call, as a thread sees it.
//
//   workload            what varies
//   names N             uniform over N names, 1 thread: 1 to 20 million. More names than the caches hold
//   threads N           100,000 names by a Zipf law: 1 to 16 threads, more than there are cores
//   hot share N         so many per cent of the increments are of one name, the others uniform over 100,000; 2 threads
//   periods N           one hot name, so many periods in one call
//
//   contender           what it is
//   livecount           the whole product (rivals/livecount.cpp)
//   floor, the naive rival, and the fastest of the sharded maps for comparison, but for the periods, which only
//   livecount has
#include <array>

#include "support/contender.hpp"
#include "support/measure.hpp"
#include "support/names.hpp"

namespace {

using namespace bench;

struct Running {
  std::string name;
  std::unique_ptr<Contender> contender;
};

/// Those that are compared here, with all names known.
std::vector<Running> start(std::size_t names) {
  std::vector<Running> running;
  const SortedNames known(names);
  for (const Kind& kind : kinds()) {
    const std::array<std::string_view, 3> compared{"livecount", "mutex + std::unordered_map",
                                                   "64 mutexes + Boost flat map"};
    if (kind.role != Role::floor && std::find(compared.begin(), compared.end(), kind.name) == compared.end())
      continue;
    running.push_back({kind.name, kind.make(names)});
    make_known(*running.back().contender, known.all());
  }
  return running;
}

class Scaling {
 public:
  Scaling(const Options& options, Report& report)
      : options_(options), report_(report), calls_(options.pick<std::size_t>(1000, 100'000, 500'000)) {}

  void run() {
    for (const std::size_t names :
         options_.pick<std::vector<std::size_t>>({1000}, {100'000, 500'000, 1'000'000},
                                                 {1'000'000, 2'000'000, 5'000'000, 10'000'000, 20'000'000})) {
      auto running = start(names);
      measure("names " + std::to_string(names), running, uniform(4 * calls_, names), names, 1);
    }
    const auto names = options_.pick<std::size_t>(1000, 100'000, 100'000);
    auto running = start(names);
    const Stream popular = zipf(4 * calls_, names);
    for (const int threads : {1, 2, 4, 8, 16})
      measure("threads " + std::to_string(threads), running, popular, names, threads);
    for (const unsigned share : {0U, 20U, 40U, 60U, 80U, 100U}) {
      std::mt19937_64 random(1);
      const Stream stream(4 * calls_,
                          [&]() -> std::uint64_t { return random() % 100 < share ? 0 : random() % names; });
      measure("hot share " + std::to_string(share), running, stream, names, 2);
    }
    const Stream hot(4 * calls_, [] { return 0U; });
    for (std::size_t periods = 1; periods <= 7; ++periods) {
      std::vector<Running> one;
      one.push_back({"livecount", make_livecount(1, periods)});
      measure("periods " + std::to_string(periods), one, hot, 1, 1);
    }
  }

 private:
  void measure(const std::string& workload, std::vector<Running>& running, const Stream& stream,
               std::size_t names, int threads) {
    const std::size_t calls = calls_ / static_cast<std::size_t>(threads);
    for (int round = 0; round < options_.rounds; ++round) {
      for (const Running& one : running) {
        const auto part = [&](int thread) {
          return stream.part(calls, static_cast<std::size_t>(threads * round + thread));
        };
        for (int thread = 0; thread < threads; ++thread) read_ahead(part(thread));
        one.contender->touch(stream.part(enough_to_warm_up(names), 0));
        const double seconds = time_threads(threads, [&](int thread) { one.contender->add(part(thread)); });
        report_.add(workload, one.name, seconds / static_cast<double>(calls) * 1e9, "ns");
        one.contender->settle();
      }
    }
  }

  const Options& options_;
  Report& report_;
  const std::size_t calls_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  Scaling(options, report).run();
  report.print();
}
