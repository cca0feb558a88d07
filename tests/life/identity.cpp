// SPDX-License-Identifier: BSL-1.0
// A writer's identity: kept while a batch may be in doubt, left behind when the writer has been idle for a day.
#include <livecount/livecount.hpp>

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace std::chrono_literals;

/// A world whose steady time can be moved on.
struct ShiftedSync : StdSync {
  static inline std::atomic<std::int64_t> hours{0};
  [[nodiscard]] static time_point now() noexcept { return StdSync::now() + std::chrono::hours(hours.load()); }
};

/// Remembers who sent which batch.
struct WatchedStore : MemoryStore {
  struct Options {
    std::vector<std::pair<WriterId, std::uint64_t>>* sent;
    bool* down;
  };
  explicit WatchedStore(Options given) : options(given) {}
  ApplyResult apply(const Batch& batch) {
    options.sent->emplace_back(batch.writer, batch.sequence);
    if (*options.down) return {Outcome::unknown, Errc::store_unavailable, "no answer"};
    return MemoryStore::apply(batch);
  }
  Options options;
};

TEST_CASE("a writer that was idle for a day takes a new identity, unless a batch of it is in doubt") {
  std::vector<std::pair<WriterId, std::uint64_t>> sent;
  bool down = false;
  Counter<BasicLruCache<ShiftedSync>, WatchedStore, ManualQueue> counter({.store = {&sent, &down}});
  const auto count_after = [&](int hours) {
    ShiftedSync::hours += hours;
    counter.increment("a");
    return counter.queue().pump().failed;
  };
  CHECK_FALSE(count_after(0));
  CHECK_FALSE(count_after(23));
  CHECK_FALSE(count_after(25));
  CHECK(sent[0].second == 1);
  CHECK(sent[1] == std::pair(sent[0].first, std::uint64_t{2}));
  CHECK(sent[2].first != sent[0].first);
  CHECK(sent[2].second == 1);

  down = true;
  CHECK(count_after(1));
  CHECK(count_after(1000));
  CHECK(sent[3] == std::pair(sent[2].first, std::uint64_t{2}));
  CHECK(sent[4] == sent[3]);
  down = false;
  counter.flush();
  CHECK(sent[5] == sent[3]);
  CHECK(sent[6] == std::pair(sent[2].first, std::uint64_t{3}));
  CHECK(counter.get("a") == 5);
}

}  // namespace
