// SPDX-License-Identifier: BSL-1.0
// An SQLite file that one or two processes share, whose answers are lost, late and wrong. What its own calls of the system
// do under faults is for the tests of crashes and faults.
#include "simulate/simulated.hpp"

#include <livecount/sqlite.hpp>

#include "support/policies.hpp"

using namespace livecount;
using namespace livecount::tests;

namespace {

class Place {
 public:
  using Store = SqliteStore;
  static constexpr bool shared = true;

  [[nodiscard]] std::shared_ptr<Store> open() const { return std::make_shared<Store>(place_.options()); }
  void kill() {}
  void cut_power(std::mt19937_64&) {}
  [[nodiscard]] static testing::MemoryDisk* disk() noexcept { return nullptr; }
  void tend(Store&) {}

 private:
  StorePlace<SqliteStore> place_;
};

}  // namespace

TEST_CASE("LockFreeCache and ManualQueue keep the laws over SQLite") {
  expect_laws<SimulatedLockFreeCache, Place, ManualQueue>(
      "LockFreeCache, SqliteStore, ManualQueue", 600,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a kill", "an eviction"});
}

TEST_CASE("LruCache and JthreadQueue keep the laws over SQLite") {
  expect_laws<SimulatedLruCache, Place, SimulatedJthreadQueue>(
      "LruCache, SqliteStore, JthreadQueue", 400,
      {"a batch in doubt", "a call left in the middle", "a clean close", "a kill", "an eviction"});
}
