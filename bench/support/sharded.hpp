// SPDX-License-Identifier: BSL-1.0
// 64 mutexes, each with a flat map: what one builds who has measured a single mutex. `Shift` says which bits of the
// hash choose the mutex: they must not be those by which the map itself chooses a place, else each map is filled at
// few places only and costs nearly three times as much.
#pragma once

#include <array>
#include <mutex>

#include "contender.hpp"

namespace bench {

template <class Map, int Shift>
class Sharded : public Contender {
 public:
  void add(std::span<const std::string_view> names) override {
    for (const std::string_view name : names) {
      Shard& shard = shards_[(Hash()(name) >> Shift) % shards_.size()];
      const std::lock_guard lock(shard.mutex);
      const auto found = shard.counts.find(name);
      if (found != shard.counts.end()) {
        ++found->second;
      } else {
        shard.counts.emplace(name, 1);
      }
    }
  }

 private:
  struct alignas(64) Shard {
    std::mutex mutex;
    Map counts;
  };
  std::array<Shard, 64> shards_;
};

}  // namespace bench
