// SPDX-License-Identifier: BSL-1.0
// A MemoryStore that can be switched off, with a code of choice, and counts how often it was asked to write.
#pragma once

#include <livecount/store/memory_store.hpp>

#include <atomic>
#include <optional>

namespace livecount::tests {

class SwitchedStore {
 public:
  struct Options {
    std::atomic<bool>* down = nullptr;
    Errc error = Errc::store_unavailable;
    std::atomic<std::uint64_t>* asked = nullptr;
  };
  using guarantee = exactly_once;

  explicit SwitchedStore(Options options) : options_(options) {}

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    if (is_down()) throw Error(options_.error, "switched off", "SwitchedStore");
    return store_.read(key);
  }
  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    if (options_.asked) ++*options_.asked;
    if (is_down()) return {Outcome::not_applied, options_.error, "switched off"};
    return store_.apply(batch);
  }
  template <class F>
  void scan(std::string_view ns, PeriodType type, std::optional<Bucket> bucket, F f) const {
    store_.scan(ns, type, bucket, f);
  }

 private:
  [[nodiscard]] bool is_down() const { return options_.down && *options_.down; }

  const Options options_;
  MemoryStore store_;
};

static_assert(StorePolicy<SwitchedStore>);

}  // namespace livecount::tests
