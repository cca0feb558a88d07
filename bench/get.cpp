// SPDX-License-Identifier: BSL-1.0
//
// What does it cost to read the count of a hot name? Nanoseconds of one call, 1 thread.
//
//   contender                    what it is
//   floor: hash + atomic load    no look-up
//   mutex + std::unordered_map   the naive rival
//   livecount get                of a counter in the cache, loaded
//   livecount increment          of the same counter, to compare with: both find it the same way
#include <mutex>
#include <unordered_map>

#include "support/contender.hpp"
#include "support/folder.hpp"
#include "support/livecount.hpp"
#include "support/measure.hpp"
#include "support/names.hpp"

using namespace bench;

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  const Stream stream(options.pick<std::size_t>(1000, 1'000'000, 5'000'000), [] { return 0U; });
  const auto measure = [&](const std::string& contender, auto work) {
    read_ahead(stream.all());
    const double seconds = time_one([&] {
      for (const std::string_view name : stream.all()) work(name);
    });
    report.add("hot, 1 thread", contender, seconds / static_cast<double>(stream.size()) * 1e9, "ns");
  };

  const Folder folder = Folder::in_memory();
  Counter counter(write_later(folder.file("hits.db"), 1000));
  counter.increment(stream.all()[0]);
  counter.flush();
  std::vector<std::atomic<std::int64_t>> cells(1U << 16U);
  std::mutex mutex;
  std::unordered_map<std::string, std::int64_t> map{{std::string(stream.all()[0]), 1}};

  for (int round = 0; round < options.rounds; ++round) {
    measure("floor: hash + atomic load", [&](std::string_view name) {
      keep(cells[Hash()(name) % cells.size()].load(std::memory_order_relaxed));
    });
    measure("mutex + std::unordered_map", [&](std::string_view name) {
      const std::lock_guard lock(mutex);
      keep(map.find(std::string(name))->second);
    });
    measure("livecount get", [&](std::string_view name) { keep(*counter.get(name)); });
    measure("livecount increment", [&](std::string_view name) { counter.increment(name); });
    counter.flush();
  }
  report.print();
}
