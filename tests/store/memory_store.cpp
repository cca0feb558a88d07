// SPDX-License-Identifier: BSL-1.0
#include <livecount/store/memory_store.hpp>

#define LIVECOUNT_TESTED_STORE livecount::MemoryStore
#include "store/contract.hpp"
#include "store/questions.hpp"

TEST_CASE("memory stores share nothing") {
  MemoryStore first;
  MemoryStore second;
  REQUIRE(is_applied(Writer(1).send(first, {plus("a", 1)})));
  CHECK(second.read(named("a")) == std::nullopt);
}
