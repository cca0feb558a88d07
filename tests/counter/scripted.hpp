// SPDX-License-Identifier: BSL-1.0
// A Counter on a store that does what a test says, right when it is called: so that what happens "in between" happens
// there each time, and not once in a million runs.
#pragma once

#include <livecount/cache/lru_cache.hpp>
#include <livecount/counter.hpp>
#include <livecount/queue/manual_queue.hpp>
#include <livecount/store/memory_store.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "support/out_of_memory.hpp"

namespace livecount::tests {

struct Script {
  std::function<void(const KeyView&)> on_read = nullptr;  // before the store is read
  std::function<void(const Batch&)> on_apply = nullptr;   // before a batch is applied
  std::atomic<std::uint64_t> version{0};                  // moves when "another process" has changed the data
  std::atomic<int> looks{0};                              // at the version
  std::vector<std::size_t> batches{};                     // the number of records of each batch applied
};

class ScriptedStore {
 public:
  struct Options {
    std::shared_ptr<Script> script = std::make_shared<Script>();
  };
  using guarantee = exactly_once;

  explicit ScriptedStore(Options options) : script_(std::move(options.script)) {}

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    if (script_->on_read) script_->on_read(key);
    return data_.read(key);
  }
  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    const MemoryAgain memory;
    if (script_->on_apply) script_->on_apply(batch);
    script_->batches.push_back(batch.records.size());
    return data_.apply(batch);
  }
  [[nodiscard]] std::uint64_t version() const {
    ++script_->looks;
    return script_->version;
  }

  /// For what another process does.
  [[nodiscard]] MemoryStore& data() noexcept { return data_; }

 private:
  std::shared_ptr<Script> script_;
  MemoryStore data_;
};

static_assert(SharedStore<ScriptedStore>);

using Scripted = Counter<LruCache, ScriptedStore, ManualQueue>;

inline KeyView named(std::string_view name) { return {default_namespace, {}, name}; }

}  // namespace livecount::tests
