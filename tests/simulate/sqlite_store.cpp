// SPDX-License-Identifier: BSL-1.0
// An SQLite file that one or two processes share, whose answers are lost, late and wrong. What its own calls of the system
// do under faults is for the tests of crashes and faults.
#include "simulate/simulated.hpp"

#include "support/simulated_sqlite.hpp"

using namespace livecount;
using namespace livecount::tests;

using Place = SimulatedSqlite<>;

TEST_CASE("LockFreeCache and ManualQueue keep the laws over SQLite") {
  expect_laws<SimulatedLockFreeCache, Place, ManualQueue>(
      "LockFreeCache, SqliteStore, ManualQueue", 600,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a count taken", "a kill",
       "a record that comes too late", "a removal", "a reset", "an eviction", "buckets let go"});
}

TEST_CASE("LruCache and JthreadQueue keep the laws over SQLite") {
  expect_laws<SimulatedLruCache, Place, SimulatedJthreadQueue>(
      "LruCache, SqliteStore, JthreadQueue", 400,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a count taken", "a kill",
       "a record that comes too late", "a removal", "a reset", "an eviction", "buckets let go"});
}

TEST_CASE("LockFreeCache and ManualQueue keep the laws over SQLite with a log") {
  expect_laws<SimulatedLockFreeCache, SimulatedSqlite<LoggedSqliteStore>, ManualQueue>(
      "LockFreeCache, SqliteStore with a log, ManualQueue", 400,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a count taken", "a kill",
       "a record that comes too late", "a removal", "a reset", "an eviction", "buckets let go"});
}
