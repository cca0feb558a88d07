// SPDX-License-Identifier: BSL-1.0
// One process for a long time: soak MINUTES [NAMES]
//
// Four threads count and read names with a Zipf distribution, in a cache that holds a fifth of them, over a FileStore that
// refuses batches, loses answers, and is down now and then; now and then also into the second, which is kept for a minute.
// Every so often all of them pause, and it must add up: what was accepted is in the store, and no second stays for much
// longer. Memory must be flat in the second half, and the numbers of open files and threads never move.
#include <livecount/livecount.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <set>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/policies.hpp"

namespace {

using namespace livecount;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// Of a hundred batches some fail, in each way, and for two seconds of every thirty all do.
class FailingStore {
 public:
  using Options = FileStore::Options;
  using guarantee = exactly_once;
  explicit FailingStore(Options options) : store_(std::move(options)) {}

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const { return store_.read(key); }
  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    const auto time = steady_clock::now() - begin_;
    const std::uint64_t fate = random_() % 100;
    if (time % seconds(30) < seconds(2) && time > seconds(30))
      return {Outcome::unknown, Errc::store_unavailable, "down"};
    if (fate == 0) return {Outcome::unknown, Errc::store_unavailable, "lost on the way there"};
    ApplyResult result = store_.apply(batch);
    if (fate == 1) return {Outcome::unknown, Errc::store_unavailable, "lost on the way back"};
    if (fate == 2) throw Error(Errc::store_unavailable, "thrown", "FailingStore");
    return result;
  }
  void adopt(const Settings& settings) { store_.adopt(settings); }
  [[nodiscard]] Horizons horizons() const { return store_.horizons(); }
  [[nodiscard]] bool expire(Bucket first, std::size_t most) { return store_.expire(first, most); }
  [[nodiscard]] auto snapshot() const { return store_.snapshot(); }
  void compact() { store_.compact(); }

 private:
  FileStore store_;
  steady_clock::time_point begin_ = steady_clock::now();
  std::mt19937_64 random_{1};  // under the Counter's turn
};

struct Figures {
  double megabytes = 0;
  std::ptrdiff_t files = 0;
  std::ptrdiff_t threads = 0;
};
Figures figures_of_process() {
  const auto entries = [](const char* folder) {
    const std::filesystem::directory_iterator all(folder);
    return std::distance(begin(all), end(all));
  };
  std::ifstream memory("/proc/self/statm");
  double pages = 0;
  memory >> pages >> pages;  // the second number: resident
  return {pages * 4096 / 1e6, entries("/proc/self/fd"), entries("/proc/self/task")};
}

/// A number below `names`: the first ones often, the last ones seldom.
std::size_t draw(std::mt19937_64& random, std::size_t names) {
  const double uniform = std::uniform_real_distribution<>(0, 1)(random);
  const double drawn = std::exp(uniform * std::log(static_cast<double>(names)));
  return std::min(static_cast<std::size_t>(drawn), names) - 1;
}

constexpr seconds kept{60};

int run(double minutes, std::size_t names) {
  using C = Counter<LockFreeCache, FailingStore, JthreadQueue>;
  const tests::TemporaryDirectory directory;
  C::Options options;
  options.cache.entries = std::max<std::size_t>(names / 5, 64);
  options.store.path = (directory.path() / "soak.journal").string();
  options.store.sync = FileSync::never;
  options.queue.max_delay = std::chrono::milliseconds(50);
  options.floor = Floor::none;
  options.retention = {{PeriodType::second, kept}};
  C counter(options);
  const auto flush = [&] {
    for (;;) {
      try {
        return counter.flush();
      } catch (const Error&) {  // down; it will be up again
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    }
  };

  Count counted = 0;
  for (std::size_t i = 0; i < names; ++i) {
    counter.increment("name " + std::to_string(i));
    ++counted;
    if (i % 10'000 == 0) flush();  // none is refused
  }
  flush();

  std::shared_mutex pause;
  std::atomic<bool> pausing{false};  // else those who share the mutex would never let it go
  std::atomic<bool> stop{false};
  std::atomic<Count> accepted{counted}, accepted_seconds{0};
  std::atomic<std::uint64_t> operations{0};
  std::vector<std::jthread> threads;
  for (std::uint64_t number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      std::mt19937_64 random(number);
      while (!stop) {
        while (pausing) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const std::shared_lock lock(pause);
        Count sum = 0;
        for (int i = 0; i < 1000; ++i) {
          const std::string name = "name " + std::to_string(draw(random, names));
          const Count delta = random() % 8 == 0 ? -1 : 1;
          if (random() % 16 == 0) {
            try {
              (void)counter.get(name);
            } catch (const Error&) {  // no room for it, or the store is down
            }
          } else if (counter.try_increment(name, {.delta = delta}) == Errc::ok) {
            sum += delta;
          }
        }
        accepted += sum;
        const Update second{.periods = PeriodType::second};
        if (counter.try_increment("name " + std::to_string(random() % 100), second) == Errc::ok)
          ++accepted_seconds;
        operations += 1000;
      }
    });
  }

  int failed = 0;
  const auto require = [&](bool holds, const std::string& what) {
    if (holds) return;
    std::cout << "broken: " << what << '\n';
    failed = 1;
  };
  const Figures first = figures_of_process();
  std::vector<double> memory;
  const auto begin = steady_clock::now();
  const auto end =
      begin + std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(minutes * 60));
  const auto every =
      std::clamp<steady_clock::duration>((end - begin) / 8, std::chrono::milliseconds(200), seconds(60));
  for (auto next = begin + every; failed == 0 && next <= end + every / 2; next += every) {
    std::this_thread::sleep_until(next);
    pausing = true;
    std::unique_lock lock(pause);
    flush();
    const Stats stats = counter.stats();
    require(stats.accepted_sum == accepted + accepted_seconds,
            "accepted_sum is the sum of what was accepted");
    // A thread that sleeps for more than a minute between counting and writing comes too late.
    require(stats.stored_sum + stats.expired_sum == stats.accepted_sum,
            "everything accepted is stored after a flush");
    Count stored = 0;
    {
      const auto snapshot = counter.store().snapshot();
      snapshot.scan({default_namespace, PeriodType::all}, [&](const KeyView&, Count count) {
        stored += count;
        return true;
      });
    }
    require(stored == accepted, "the counts in the store add up to what was accepted");
    std::set<std::int64_t> buckets;
    {
      const auto snapshot = counter.store().snapshot();
      snapshot.scan({default_namespace, PeriodType::second}, [&](const KeyView& key, Count) {
        buckets.insert(key.bucket.start);
        return true;
      });
    }
    // What the store was down for, or a pause lasted, comes on top of the retention.
    require(buckets.empty() || *buckets.rbegin() - *buckets.begin() <= kept.count() + 60, "old seconds go");
    counter.store().compact();
    const Figures now = figures_of_process();
    require(now.files == first.files, "no file is left open");
    require(now.threads == first.threads, "no thread is left behind");
    memory.push_back(now.megabytes);
    std::cout << "== " << std::chrono::duration_cast<seconds>(steady_clock::now() - begin).count() << " s, "
              << operations << " operations, " << stats.batches << " batches, " << stats.failures
              << " failed, " << stats.late << " late, " << stats.evicted << " evictions; " << now.megabytes
              << " MB, " << now.files << " files, " << now.threads << " threads" << std::endl;
    lock.unlock();
    pausing = false;
  }
  stop = true;
  threads.clear();
  // Memory of the last quarter against that of the third one.
  const std::size_t quarter = memory.size() / 4;
  if (quarter > 0 && minutes >= 1) {
    const auto mean = [&](std::size_t from) {
      double sum = 0;
      for (std::size_t i = from; i < from + quarter; ++i) sum += memory[i];
      return sum / static_cast<double>(quarter);
    };
    const double before = mean(memory.size() - 2 * quarter);
    const double after = mean(memory.size() - quarter);
    require(after <= before * 1.02,
            "memory is flat: " + std::to_string(before) + " MB, then " + std::to_string(after));
  }
  require(counter.close(seconds(60)).clean, "everything is written at the end");
  return failed;
}

}  // namespace

int main(int count, char** arguments) {
  const double minutes = count > 1 ? std::atof(arguments[1]) : 0;
  const std::size_t names = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1'000'000;
  if (minutes <= 0 || names < 2) {
    std::cerr << "soak MINUTES [NAMES]\n";
    return 2;
  }
  return run(minutes, names);
}
