// SPDX-License-Identifier: BSL-1.0
// The whole product as the benchmarks set it up: LockFreeCache with eviction and dirty marks, JthreadQueue, and
// SqliteStore with its defaults.
#pragma once

#include <livecount/sqlite.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace bench {

using Counter = livecount::FastCounter<livecount::SqliteStore>;

/// Room for so many counters and a fifth more, as the cache's header asks for. The queue's delay is an hour and
/// max_pending the capacity, so that nothing is written before flush(): what the drain costs is a question of its own.
[[nodiscard]] inline Counter::Options write_later(const std::string& database, std::size_t counters) {
  const std::size_t entries = std::max<std::size_t>(1000, counters + counters / 5);
  return {.cache = {.entries = entries},
          .store = {.path = database},
          .queue = {.max_delay = std::chrono::hours(1)},
          .max_pending = entries,
          .block_timeout = std::chrono::minutes(5)};
}

}  // namespace bench
