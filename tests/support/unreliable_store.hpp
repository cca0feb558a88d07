// SPDX-License-Identifier: BSL-1.0
// A MemoryStore that fails now and then, in each of the ways in which a store may: before the batch, after
// it, with an answer and without one.
#pragma once

#include <livecount/store/memory_store.hpp>

#include <atomic>
#include <functional>
#include <utility>

namespace livecount::tests {

class UnreliableStore {
 public:
  struct Options {
    std::uint64_t fail_every = 0;  // every n-th call of apply; 0: never
    std::function<void(const MemoryStore&)> after_batch =
        nullptr;  // looks at the store after each applied batch
  };
  using guarantee = exactly_once;
  static constexpr bool removes = true;

  explicit UnreliableStore(Options options) : options_(std::move(options)) {}

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const { return store_.read(key); }
  [[nodiscard]] MemoryStore::Snapshot snapshot() const { return store_.snapshot(); }

  template <class F>
  void scan(std::string_view ns, PeriodType type, std::optional<Bucket> bucket, F f) const {
    store_.scan(ns, type, bucket, f);
  }

  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    const std::uint64_t call = ++calls_;
    const bool fails = options_.fail_every != 0 && call % options_.fail_every == 0;
    const std::uint64_t way = call / (options_.fail_every + 1) % 4;
    if (fails && way == 0) return {Outcome::not_applied, Errc::store_unavailable, "not now"};
    if (fails && way == 1) return {Outcome::unknown, Errc::store_unavailable, "lost on the way there"};
    ApplyResult result = store_.apply(batch);
    if (options_.after_batch) options_.after_batch(store_);
    if (fails && way == 2) return {Outcome::unknown, Errc::store_unavailable, "lost on the way back"};
    if (fails) throw Error(Errc::store_unavailable, "thrown on the way back", "UnreliableStore");
    return result;
  }

 private:
  const Options options_;
  MemoryStore store_;
  std::atomic<std::uint64_t> calls_{0};
};

static_assert(QuestionStore<UnreliableStore>);

}  // namespace livecount::tests
