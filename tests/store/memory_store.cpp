// SPDX-License-Identifier: BSL-1.0
#include <livecount/store/memory_store.hpp>

#include <new>

#define LIVECOUNT_TESTED_STORE livecount::MemoryStore
#include "store/contract.hpp"
#include "store/questions.hpp"
#include "support/out_of_memory.hpp"

TEST_CASE("memory stores share nothing") {
  MemoryStore first;
  MemoryStore second;
  REQUIRE(is_applied(Writer(1).send(first, {plus("a", 1)})));
  CHECK(second.read(named("a")) == std::nullopt);
}

TEST_CASE("a batch that met the end of memory is sent again and applied once, whole") {
  bool at_once = false;
  for (int allocations = 0; !at_once; ++allocations) {
    Opened<MemoryStore> opened;
    Writer writer(1);
    REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1), plus("full", max_count)})));
    const std::vector<Record> records = {plus("new", 5), plus("a", 2), plus("full", 1),
                                         plus("too large", max_count + 1)};
    ++writer.sequence;
    try {
      const OutOfMemory after(allocations);
      at_once = writer.send_again(opened.store, records).outcome == Outcome::applied;
    } catch (const std::bad_alloc&) {  // as good as Outcome::unknown
    }
    const ApplyResult result = writer.send_again(opened.store, records);
    REQUIRE(result.outcome == Outcome::applied);
    CHECK(result.quarantined == std::vector<std::size_t>{2, 3});
    CHECK(opened.store.read(named("a")) == 3);
    CHECK(opened.store.read(named("new")) == 5);
    CHECK(opened.store.read(named("full")) == max_count);
    CHECK(opened.store.read(named("too large")) == std::nullopt);
    CHECK(is_applied(writer.send(opened.store, {plus("new", 1)})));
    CHECK(opened.store.read(named("new")) == 6);
  }
}
