// SPDX-License-Identifier: BSL-1.0
// Where an SQLite file is while simulated processes come and go (livecount/testing/faulty_store.hpp).
#pragma once

#include <livecount/sqlite.hpp>
#include <livecount/testing/faulty_store.hpp>

#include <memory>
#include <random>

#include "support/policies.hpp"

namespace livecount::tests {

template <class AnySqlite = SqliteStore>
class SimulatedSqlite {
 public:
  using Store = AnySqlite;
  static constexpr bool shared = true;

  [[nodiscard]] std::shared_ptr<Store> open() const { return std::make_shared<Store>(place_.options()); }
  void kill() {}
  void cut_power(std::mt19937_64&) {}
  [[nodiscard]] static testing::MemoryDisk* disk() noexcept { return nullptr; }
  void tend(Store&) {}

 private:
  StorePlace<AnySqlite> place_;
};

}  // namespace livecount::tests
