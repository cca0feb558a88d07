// SPDX-License-Identifier: BSL-1.0
//
// FaultyStore: a store around another one, which fails in each of the ways in which a store may: before the batch, after
// it, with an answer, without one, with an exception, slowly. And places: where the data of a simulated store is while
// processes come and go.
//
// A place is made anew for each execution:
//
//     P::Store             the StorePolicy that lives there
//     P::shared            whether several processes may have it open at a time
//     p.open()             std::shared_ptr<Store>; throws Error{store_unavailable} for what passes
//     p.kill()             the processes were killed, without a power cut
//     p.cut_power(random)  all were, and what was not synced may be gone
//     p.disk()             MemoryDisk*, if calls of the file system are to fail; else null
//     p.tend(store)        upkeep that a store does beside its work, as compaction; may throw Error
//
// Threads: one at a time, or simulated ones.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "../concepts.hpp"
#include "../store/file_store.hpp"
#include "memory_file_system.hpp"
#include "simulated_threads.hpp"

namespace livecount::inline v0_1::testing {

/// A store that outlives the processes, as a server does.
template <class S>
class ServerPlace {
 public:
  using Store = S;
  static constexpr bool shared = true;

  [[nodiscard]] std::shared_ptr<Store> open() { return store_; }
  void kill() {}
  void cut_power(std::mt19937_64&) {}
  [[nodiscard]] MemoryDisk* disk() noexcept { return nullptr; }
  void tend(Store&) {}

 private:
  std::shared_ptr<Store> store_ = std::make_shared<Store>(typename Store::Options{});
};

/// A FileStore, or a store with the same options `path`, `compact_bytes` and `file_system`, on a disk that can fail.
template <class S = BasicFileStore<MemoryFileSystem>>
class DiskPlace {
 public:
  using Store = S;
  static constexpr bool shared = false;

  [[nodiscard]] std::shared_ptr<Store> open() {
    typename Store::Options options;
    options.path = "/counts";
    options.compact_bytes = never_compact;  // no thread beside the simulated ones: tend() compacts
    options.file_system = MemoryFileSystem(disk_);
    return std::make_shared<Store>(std::move(options));
  }
  void kill() { disk_ = disk_->after_kill(); }
  void cut_power(std::mt19937_64& random) {
    disk_ = disk_->after_power_cut(MemoryDisk::Kept::random, random);
  }
  [[nodiscard]] MemoryDisk* disk() noexcept { return disk_.get(); }
  void tend(Store& store) { store.compact(); }

 private:
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

/// What becomes of a batch, or a read, and what the store says of it.
enum class StoreFault : std::uint8_t {
  refuse,           // not_applied
  refuse_for_good,  // the same, for a reason that waiting does not heal
  lose,             // unknown; it is not in
  lose_answer,      // unknown; it is in
  throw_before,
  throw_after,
  slow,        // it is applied, some time later
  fail_reads,  // the next read throws
};
[[nodiscard]] inline const char* to_string(StoreFault fault) noexcept {
  switch (fault) {
    case StoreFault::refuse: return "the store refuses the next batch";
    case StoreFault::refuse_for_good: return "the store refuses the next batch, as if it could never take it";
    case StoreFault::lose: return "the next batch is lost on the way to the store";
    case StoreFault::lose_answer: return "the answer to the next batch is lost on the way back";
    case StoreFault::throw_before: return "the store throws before it has the next batch";
    case StoreFault::throw_after: return "the store throws after it has the next batch";
    case StoreFault::slow: return "the store is slow with the next batch";
    case StoreFault::fail_reads: return "the next read of the store fails";
  }
  return "";
}

/// What a simulator holds of one process's store.
template <class S>
struct Connection {
  std::function<std::shared_ptr<S>()> open{};
  // Told of what the process sends, of what the store itself answered (null: it was not asked) and what the process is
  // told, of what is read, and of what has been let go, or may have been.
  std::function<void(const Batch&)> sending{};
  std::function<void(const Batch&, const ApplyResult* of_store, const ApplyResult& told)> answered{};
  std::function<void(const KeyView&, const std::optional<Count>&)> read{};
  std::function<void(Bucket first, bool certain)> expired{};

  std::shared_ptr<S> store{};
  std::deque<StoreFault> faults{};   // of the next calls, one each
  bool dead = false;                 // the process was killed: whatever it still does has no effect
  std::uint64_t others_batches = 0;  // that other processes have written
  std::uint64_t failed_batches = 0;  // calls of apply that did not end in `applied`
  bool in_doubt = false;             // the last batch
};

template <class Place>
class FaultyStore {
 public:
  using Store = typename Place::Store;
  using guarantee = typename Store::guarantee;
  static constexpr bool removes = RemovingStore<Store>;
  struct Options {
    std::shared_ptr<Connection<Store>> connection{};
  };

  explicit FaultyStore(Options options) : connection_(std::move(options.connection)) {
    connection_->store = connection_->open();
  }
  ~FaultyStore() { connection_->store.reset(); }
  FaultyStore(const FaultyStore&) = delete;
  FaultyStore& operator=(const FaultyStore&) = delete;

  [[nodiscard]] std::optional<Count> read(const KeyView& key) {
    point();
    if (connection_->dead) return std::nullopt;
    if (next_is(StoreFault::fail_reads)) {
      connection_->faults.pop_front();
      throw Error(Errc::store_unavailable, "a read that fails on purpose", "FaultyStore");
    }
    const std::optional<Count> count = connection_->store->read(key);
    connection_->read(key, count);
    point();
    return count;
  }

  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    if (!connection_->dead) connection_->sending(batch);
    point();
    if (connection_->dead) return Outcome::applied;
    if (connection_->faults.empty() || next_is(StoreFault::fail_reads)) return send(batch, std::nullopt);
    const StoreFault fault = connection_->faults.front();
    connection_->faults.pop_front();
    // Who does not ask cannot tell what became of an earlier attempt.
    const Outcome not_asked = connection_->in_doubt ? Outcome::unknown : Outcome::not_applied;
    switch (fault) {
      case StoreFault::refuse: return tell(batch, nullptr, {not_asked, Errc::store_unavailable, "not now"});
      case StoreFault::refuse_for_good: return tell(batch, nullptr, {not_asked, Errc::store_failed, "never"});
      case StoreFault::lose: return tell(batch, nullptr, {Outcome::unknown, Errc::store_unavailable, "lost"});
      case StoreFault::throw_before:
        (void)tell(batch, nullptr, {Outcome::unknown, Errc::store_unavailable, "thrown"});
        throw Error(Errc::store_unavailable, "thrown on the way there", "FaultyStore");
      case StoreFault::slow:
        if (SimulatedThreads* const threads = SimulatedThreads::current())
          threads->wait(threads->now() + std::chrono::milliseconds(20));
        if (connection_->dead) return Outcome::applied;
        break;
      default: break;
    }
    return send(batch, fault);
  }

  [[nodiscard]] Horizons horizons() requires ExpiringStore<Store> {
    return connection_->dead ? Horizons() : connection_->store->horizons();
  }
  [[nodiscard]] bool expire(Bucket first, std::size_t most) requires ExpiringStore<Store> {
    point();
    if (connection_->dead) return false;
    try {
      const bool more = connection_->store->expire(first, most);
      connection_->expired(first, true);
      point();
      return more;
    } catch (const Error&) {
      connection_->expired(first, false);
      throw;
    }
  }

  void adopt(const Settings& settings) requires SettingsStore<Store> { connection_->store->adopt(settings); }

  [[nodiscard]] std::uint64_t version() requires(Place::shared) {
    if constexpr (SharedStore<Store>) {
      return connection_->dead ? 0 : connection_->store->version();
    } else {
      return connection_->others_batches;
    }
  }

 private:
  [[nodiscard]] bool next_is(StoreFault fault) const {
    return !connection_->faults.empty() && connection_->faults.front() == fault;
  }
  static void point() noexcept {
    if (SimulatedThreads* const threads = SimulatedThreads::current()) threads->point();
  }

  [[nodiscard]] ApplyResult tell(const Batch& batch, const ApplyResult* of_store, ApplyResult told) {
    if (told.outcome != Outcome::applied) ++connection_->failed_batches;
    connection_->in_doubt = told.outcome == Outcome::unknown;
    connection_->answered(batch, of_store, told);
    return told;
  }

  [[nodiscard]] ApplyResult send(const Batch& batch, std::optional<StoreFault> fault) {
    ApplyResult result = Outcome::unknown;
    try {
      result = connection_->store->apply(batch);
    } catch (const Error& error) {
      result = {Outcome::unknown, error.code(), error.what()};
    }
    const bool lost = fault == StoreFault::lose_answer || fault == StoreFault::throw_after;
    ApplyResult told =
        tell(batch, &result,
             lost ? ApplyResult{Outcome::unknown, Errc::store_unavailable, "the answer is lost"} : result);
    if (fault == StoreFault::throw_after)
      throw Error(Errc::store_unavailable, "thrown on the way back", "FaultyStore");
    point();
    return told;
  }

  const std::shared_ptr<Connection<Store>> connection_;
};

}  // namespace livecount::inline v0_1::testing
