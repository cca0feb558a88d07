// SPDX-License-Identifier: BSL-1.0
#include <livecount/detail/slab.hpp>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

using livecount::StdSync;
using livecount::tests::run_together;
using livecount::tests::threads;

namespace {

using Slab = livecount::detail::Slab<StdSync, false>;  // the real one, also under sanitizers

struct Block {
  unsigned char* place;
  std::size_t bytes;
  unsigned char mark;

  [[nodiscard]] bool is_whole() const {
    for (std::size_t i = 0; i < bytes; ++i) {
      if (place[i] != mark) return false;
    }
    return true;
  }
};

Block make(Slab& slab, std::size_t bytes, unsigned char mark) {
  Block block{static_cast<unsigned char*>(slab.allocate(bytes)), bytes, mark};
  std::memset(block.place, mark, bytes);
  return block;
}

}  // namespace

TEST_CASE("blocks of all sizes are aligned and do not overlap, whatever is released in between") {
  Slab slab(0);
  std::mt19937 random(1);
  std::vector<Block> blocks;
  for (int i = 0; i < 20'000; ++i) {
    if (blocks.size() > 500 || (!blocks.empty() && random() % 3 == 0)) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      REQUIRE(blocks.back().is_whole());
      slab.release(blocks.back().place, blocks.back().bytes);
      blocks.pop_back();
    } else {
      blocks.push_back(make(slab, 1 + random() % Slab::largest, static_cast<unsigned char>(random())));
      REQUIRE(reinterpret_cast<std::uintptr_t>(blocks.back().place) % Slab::granularity == 0);
    }
  }
  for (const Block& block : blocks) REQUIRE(block.is_whole());
}

TEST_CASE("blocks that come and go take no more memory than those that were there at a time") {
  Slab slab(1U << 20U);
  const auto fill_and_empty = [&](std::size_t bytes) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < (1U << 20U) / bytes; ++i) blocks.push_back(slab.allocate(bytes));
    for (void* const block : blocks) slab.release(block, bytes);
  };
  fill_and_empty(88);
  const std::size_t before = slab.bytes();
  CHECK(before >= 1U << 20U);
  CHECK(before <= 2U << 20U);
  for (const std::size_t bytes : {88U, 96U, 48U, 1000U, 88U})
    fill_and_empty(bytes);  // memory changes its size, too
  CHECK(slab.bytes() <= before + (1U << 19U));
}

TEST_CASE("memory is packed: hardly anything is lost around small blocks") {
  Slab slab(8U << 20U);
  constexpr std::size_t count = 100'000;
  for (std::size_t i = 0; i < count; ++i) (void)slab.allocate(88);
  CHECK(slab.bytes() - 88 * count < 88 * count / 100 + (2U << 20U));  // 1 %, and the rest of the last chunk
}

TEST_CASE("threads allocate and release blocks of each other's") {
  Slab slab(1U << 16U);
  std::mutex mutex;
  std::vector<Block> shared;
  std::atomic<int> wrong{0};
  run_together([&](int number, auto& random) {
    for (int i = 0; i < 5'000; ++i) {
      const Block made = make(slab, 48 + random() % 100, static_cast<unsigned char>(number + 1));
      Block taken = made;
      {
        const std::lock_guard lock(mutex);
        shared.push_back(made);
        std::swap(shared[random() % shared.size()], shared.back());
        if (shared.size() < 100) continue;
        taken = shared.back();
        shared.pop_back();
      }
      if (!taken.is_whole()) ++wrong;
      slab.release(taken.place, taken.bytes);
    }
  });
  CHECK(wrong == 0);
}
