// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <livecount/store/memory_store.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace livecount::tests {

/// Calls a function when something is to go.
class WatchedStore : public MemoryStore {
 public:
  struct Options {
    std::shared_ptr<std::function<void()>> on_expire = std::make_shared<std::function<void()>>();
  };
  explicit WatchedStore(Options options) : on_expire_(std::move(options.on_expire)) {}
  bool expire(Bucket first, std::size_t most) {
    if (*on_expire_) (*on_expire_)();
    return MemoryStore::expire(first, most);
  }

 private:
  std::shared_ptr<std::function<void()>> on_expire_;
};

}  // namespace livecount::tests
