// SPDX-License-Identifier: BSL-1.0
// A MemoryStore as a server for one or two processes, whose connection fails in each way.
#include "simulate/simulated.hpp"

#include <livecount/store/memory_store.hpp>

using namespace livecount;
using namespace livecount::tests;

using Place = livecount::testing::ServerPlace<MemoryStore>;

TEST_CASE("LockFreeCache and ManualQueue keep the laws over a server that fails") {
  expect_laws<SimulatedLockFreeCache, Place, ManualQueue>(
      "LockFreeCache, MemoryStore, ManualQueue", 4'000,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a count taken",
       "a flush that fails", "a kill", "a read", "a read refused", "a record that comes too late",
       "a removal", "a reset", "a victim", "an eviction", "an update of a minute that has gone",
       "an update refused", "an update refused for want of room", "buckets let go"});
}

TEST_CASE("LockFreeCache and JthreadQueue keep the laws over a server that fails") {
  expect_laws<SimulatedLockFreeCache, Place, SimulatedJthreadQueue>(
      "LockFreeCache, MemoryStore, JthreadQueue", 2'000,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a count taken", "a kill",
       "a removal", "a reset", "an eviction", "buckets let go"});
}

TEST_CASE("LruCache and InlineQueue keep the laws over a server that fails") {
  expect_laws<SimulatedLruCache, Place, InlineQueue>(
      "LruCache, MemoryStore, InlineQueue", 2'000,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a count taken", "a kill",
       "a removal", "a reset", "an eviction", "buckets let go"});
}

TEST_CASE("NullCache and ManualQueue keep the laws over a server that fails") {
  expect_laws<SimulatedNullCache, Place, ManualQueue>(
      "NullCache, MemoryStore, ManualQueue", 1'000,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a count taken", "a kill",
       "a removal", "a reset", "buckets let go"});
}
