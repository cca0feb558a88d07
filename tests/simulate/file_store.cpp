// SPDX-License-Identifier: BSL-1.0
// A FileStore on a disk that fails, runs full, and loses power, while the process is killed and started again.
#include "simulate/simulated.hpp"

using namespace livecount;
using namespace livecount::tests;

using Place = livecount::testing::DiskPlace<>;

TEST_CASE("LockFreeCache and ManualQueue keep the laws over a FileStore on a bad disk") {
  expect_laws<SimulatedLockFreeCache, Place, ManualQueue>("LockFreeCache, FileStore, ManualQueue", 4'000,
                                                          {"a batch in doubt",
                                                           "a call left in the middle",
                                                           "a clean close",
                                                           "a count taken",
                                                           "a close that leaves something",
                                                           "a doubt that a restart settles",
                                                           "a flush that fails",
                                                           "a kill",
                                                           "a letting go in doubt",
                                                           "a machine that stops",
                                                           "a power cut",
                                                           "a record that comes too late",
                                                           "a removal",
                                                           "a reset",
                                                           "a store that cannot tell",
                                                           "an eviction",
                                                           "an opening that fails",
                                                           "an update of a minute that has gone",
                                                           "buckets let go",
                                                           "upkeep",
                                                           "upkeep that fails"});
}

TEST_CASE("LruCache and JthreadQueue keep the laws over a FileStore on a bad disk") {
  expect_laws<SimulatedLruCache, Place, SimulatedJthreadQueue>(
      "LruCache, FileStore, JthreadQueue", 3'000,
      {"a doubt that a restart settles", "a machine that stops", "a power cut", "a removal", "a reset",
       "an eviction", "buckets let go", "upkeep"});
}

TEST_CASE("LockFreeCache and InlineQueue keep the laws over a FileStore on a bad disk") {
  expect_laws<SimulatedLockFreeCache, Place, InlineQueue>(
      "LockFreeCache, FileStore, InlineQueue", 2'000,
      {"a doubt that a restart settles", "a machine that stops", "a power cut", "a removal", "a reset",
       "an eviction", "buckets let go", "upkeep"});
}

TEST_CASE("NullCache and InlineQueue keep the laws over a FileStore on a bad disk") {
  expect_laws<SimulatedNullCache, Place, InlineQueue>(
      "NullCache, FileStore, InlineQueue", 1'000,
      {"a machine that stops", "a power cut", "a removal", "a reset", "buckets let go", "upkeep"});
}
