// SPDX-License-Identifier: BSL-1.0
//
// How a stored count gets into an entry, and out of it to a reader.
//
// An entry begins as a bare delta. When somebody needs the count, one thread takes busy, reads the store, and
// adds what the store has beyond the watermark to word and watermark alike: the same step serves the first
// load and, with several processes on one store, the refreshing of a count that others have changed.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "../concepts.hpp"
#include "write_behind.hpp"

namespace livecount::inline v0_1::detail {

template <class Cache, class Store>
class Loader {
 public:
  using Sync = typename Cache::Sync;
  using Entry = BasicEntry<Sync>;

  /// `patience`: how long a load waits for a batch in flight. `refresh`: how old others' changes may be in a
  /// read.
  Loader(Store& store, WriteBehind<Cache, Store>& write_behind, std::chrono::milliseconds patience,
         std::chrono::milliseconds refresh)
      : store_(store),
        write_behind_(write_behind),
        patience_(patience),
        in_seconds_(has_seconds && refresh >= std::chrono::seconds(1)),
        refresh_(in_seconds_ ? std::chrono::floor<std::chrono::seconds>(refresh).count()
                             : std::chrono::nanoseconds(refresh).count()) {
    if constexpr (SharedStore<Store>) version_.store(store_.version(), std::memory_order_relaxed);
  }

  /// False if the entry cannot answer: it has to be loaded first, or has left. Lock-free.
  [[nodiscard]] bool read(const Entry& entry, std::optional<Count>& count) const noexcept {
    for (int left = Entry::patience;;) {
      const auto loaded = entry.loaded();
      const auto state = Entry::state_in(loaded);
      if (state == Entry::State::unloaded || is_stale(entry)) return false;
      auto word = entry.load();
      if (!Entry::is_live(word)) return false;
      if (entry.wait_for_range(word, left)) continue;
      if (entry.loaded() == loaded) {  // else it was frozen or removed between the two looks
        const bool there = state == Entry::State::present || Entry::is_queued(word);
        count = there ? std::optional(Entry::count_of(word)) : std::nullopt;
        return true;
      }
    }
  }

  /// The same of a counter that is there; false also if there is anything to be looked at more closely. Wait-free.
  [[nodiscard, gnu::always_inline]] bool read_quickly(const Entry& entry, Count& count) const noexcept {
    const auto loaded = entry.loaded();
    const auto word = entry.load();
    const auto state = Entry::state_in(loaded);
    count = Entry::count_of(word);
    return (state == Entry::State::present || (state == Entry::State::absent && Entry::is_queued(word))) &&
           !is_stale(entry) && Entry::is_live(word) && in_range(count) && entry.loaded() == loaded;
  }

  /// Makes the entry able to answer. Requires: under the name's latch, pinned; outside of its gate, without a
  /// Guard.
  [[nodiscard]] Errc load(Entry& entry, std::uint64_t name_hash) {
    if (entry.state() != Entry::State::unloaded && !is_stale(entry)) return Errc::ok;
    const auto deadline = Sync::now() + patience_;
    for (;;) {
      const std::uint64_t seen = write_behind_.attempts().count();
      {
        const typename Gate<Sync>::Inside inside(write_behind_.gate(name_hash));
        if (entry.try_take()) break;
      }
      if (!write_behind_.help(seen, deadline)) return Errc::store_unavailable;
    }
    const std::uint32_t generation = this->generation();
    const Errc code = add_stored(entry, name_hash);
    if (code == Errc::ok) entry.set_generation(generation);
    entry.release();
    return code;
  }

  /// Asks the store, about once in `refresh`, whether other processes have changed it; then learn() is called, and every
  /// entry is stale. Throws what the store and learn() throw; then the next call asks again.
  template <class F>
  void look_for_changes(F learn) {
    if constexpr (SharedStore<Store>) {
      const std::int64_t now = ticks_now();
      if (is_due(now)) look_at_version(now, learn);
    }
  }
  /// Whether that would ask the store now.
  [[nodiscard]] bool has_to_look() const noexcept {
    if constexpr (SharedStore<Store>) return is_due(ticks_now());
    return false;
  }

  [[nodiscard]] std::uint64_t loads() const noexcept { return loads_.load(std::memory_order_relaxed); }

  /// What the store said when a read failed last.
  [[nodiscard]] std::string last_failure() const {
    const std::lock_guard lock(failure_mutex_);
    return failure_;
  }

 private:
  template <class T>
  using atomic = typename Sync::template atomic<T>;

  static constexpr bool has_seconds = requires { Sync::second(); };

  /// Whole seconds, where these are fine enough: of two looks in seconds that differ by less than `refresh`, less than that
  /// has passed between them. Of the wall clock, as a steady one is dearer than all else of a read: who sets it back to the
  /// second of the last look hides others' changes for that second.
  [[nodiscard]] std::int64_t ticks_now() const noexcept {
    if constexpr (has_seconds) {
      if (in_seconds_) return Sync::second();
    }
    return Sync::now().time_since_epoch().count();
  }
  /// As unsigned numbers: a clock that was set back is no reason to wait.
  [[nodiscard]] bool is_due(std::int64_t now) const noexcept {
    return static_cast<std::uint64_t>(now - looked_.load(std::memory_order_acquire)) >=
           static_cast<std::uint64_t>(refresh_);
  }
  template <class F>
  [[gnu::noinline]] void look_at_version(std::int64_t now, F& learn) {
    const std::uint64_t version = store_.version();
    // In this order: who finds the new version already there must find every entry stale, too. And who finds that it has
    // been looked at: until the end each reader looks for itself, so that one that stands still here hides nothing.
    if (version_.load(std::memory_order_acquire) != version) {
      learn();
      generation_.fetch_add(1, std::memory_order_relaxed);
      version_.store(version, std::memory_order_release);
    }
    looked_.store(now, std::memory_order_release);
  }
  [[nodiscard]] std::uint32_t generation() const noexcept {
    return generation_.load(std::memory_order_relaxed) & Entry::last_generation;
  }
  [[nodiscard]] bool is_stale([[maybe_unused]] const Entry& entry) const noexcept {
    if constexpr (SharedStore<Store>) {
      return entry.generation() != generation();
    } else {
      return false;
    }
  }

  [[nodiscard]] Errc add_stored(Entry& entry, std::uint64_t name_hash) noexcept {
    loads_.fetch_add(1, std::memory_order_relaxed);
    try {
      const std::optional<Count> stored = store_.read(entry.key());
      if (stored && !in_range(*stored)) return Errc::out_of_range;
      const auto state = stored ? Entry::State::present : Entry::State::absent;
      // Word and watermark move together for whoever has closed the gate to look at what is pending.
      const typename Gate<Sync>::Inside inside(write_behind_.gate(name_hash));
      return entry.add_stored(stored.value_or(0) - entry.watermark(), state) ? Errc::ok : Errc::out_of_range;
    } catch (const Error& error) {
      return fail(error.code(), error.what());
    } catch (const std::exception& error) {
      return fail(Errc::store_unavailable, error.what());
    } catch (...) {
      return fail(Errc::store_unavailable, "the store threw something that is no std::exception");
    }
  }

  [[nodiscard]] Errc fail(Errc code, const char* message) noexcept {
    const std::lock_guard lock(failure_mutex_);
    try {
      failure_ = message;
    } catch (const std::exception&) {  // no memory: the code must do
      failure_.clear();
    }
    return code;
  }

  Store& store_;
  WriteBehind<Cache, Store>& write_behind_;
  const std::chrono::milliseconds patience_;
  const bool in_seconds_;
  const std::int64_t refresh_;           // in ticks: seconds or nanoseconds
  atomic<std::uint32_t> generation_{0};  // of the store's contents, as far as other processes change them
  atomic<std::uint64_t> version_{0};     // as the store told it last
  atomic<std::int64_t> looked_{0};       // when, in ticks
  atomic<std::uint64_t> loads_{0};
  mutable typename Sync::mutex failure_mutex_;
  std::string failure_;  // under failure_mutex_
};

}  // namespace livecount::inline v0_1::detail
