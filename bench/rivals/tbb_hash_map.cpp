// SPDX-License-Identifier: BSL-1.0
// oneTBB's concurrent_hash_map. A shared accessor and an atomic count: threads on one name do not exclude each other.
#include <tbb/concurrent_hash_map.h>

#include <atomic>

#include "../support/contender.hpp"

namespace {

struct HashCompare {
  using is_transparent = void;
  std::size_t hash(std::string_view name) const { return bench::Hash()(name); }
  bool equal(std::string_view a, std::string_view b) const { return a == b; }
};

class TbbHashMap : public bench::Contender {
 public:
  void add(std::span<const std::string_view> names) override {
    for (const std::string_view name : names) {
      Map::const_accessor found;
      if (!counts_.find(found, name)) counts_.emplace(found, std::string(name), 0);
      found->second.fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  struct Count {  // a const accessor shows it as const
    explicit Count(std::int64_t value) : count(value) {}
    void fetch_add(std::int64_t delta, std::memory_order order) const { count.fetch_add(delta, order); }
    mutable std::atomic<std::int64_t> count;
  };
  using Map = tbb::concurrent_hash_map<std::string, Count, HashCompare>;
  Map counts_;
};

const bench::Registered entry({"oneTBB concurrent_hash_map", bench::Role::rival,
                               [](std::size_t) -> std::unique_ptr<bench::Contender> {
                                 return std::make_unique<TbbHashMap>();
                               }});

}  // namespace
