// SPDX-License-Identifier: BSL-1.0
// The floor: hash of the name (XXH3) and one atomic add, no look-up. Nothing that counts by name is faster.
#include <atomic>

#include "../support/contender.hpp"

namespace {

class Floor : public bench::Contender {
 public:
  void add(std::span<const std::string_view> names) override {
    for (const std::string_view name : names) {
      cells_[bench::Hash()(name) % size].fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr std::size_t size = 1U << 16U;  // half a megabyte: the cells are no cost
  std::vector<std::atomic<std::int64_t>> cells_ = std::vector<std::atomic<std::int64_t>>(size);
};

const bench::Registered entry({"floor: hash + atomic add", bench::Role::floor,
                               [](std::size_t) -> std::unique_ptr<bench::Contender> {
                                 return std::make_unique<Floor>();
                               }});

}  // namespace
