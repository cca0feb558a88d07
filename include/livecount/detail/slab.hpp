// SPDX-License-Identifier: BSL-1.0
//
// Slab: memory for many small blocks that come and go, with next to nothing around each. (After Jeff Bonwick,
// "The slab allocator", 1994.)
//
//     Slab<StdSync> slab(expected_bytes);
//     void* block = slab.allocate(93);  // of 96 bytes
//     slab.release(block, 93);
//
// Blocks are rounded up to 8 bytes. A run, 16 KiB, holds blocks of one size; when its last block is released, it
// serves any size again. Runs are cut from chunks on huge pages, which are kept until the slab goes: it takes as
// much as the blocks did when they were most, and at worst a run for each block.
//
// Under AddressSanitizer and ThreadSanitizer each block is an allocation of its own, so that they can watch it.
//
// Threads: all operations from any thread; they take one mutex.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include "pages.hpp"
#include "sync.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LIVECOUNT_ADDRESS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LIVECOUNT_ADDRESS_SANITIZER
#endif

namespace livecount::inline v0_1::detail {

#if defined(LIVECOUNT_ADDRESS_SANITIZER) || defined(LIVECOUNT_THREAD_SANITIZER)
inline constexpr bool watched_memory = true;
#else
inline constexpr bool watched_memory = false;
#endif

template <class Sync, bool watched = watched_memory>
class Slab {
 public:
  static constexpr std::size_t granularity = 8;
  static constexpr std::size_t largest = 2048;

  /// `expected`: how many bytes there will be, roughly. It decides how much is asked for at a time.
  explicit Slab(std::size_t expected) noexcept
      : chunk_bytes_(std::clamp(std::bit_ceil(expected / 4), 4 * run_bytes, Pages::huge)) {}
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  /// Requires: 0 < bytes <= largest. Throws: std::bad_alloc.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if constexpr (watched) return ::operator new(bytes);
    const std::lock_guard lock(mutex_);
    const std::size_t size = rounded(bytes);
    Run*& open = open_[size / granularity];
    if (!open) push(open, *new (free_run()) Run{.size = static_cast<std::uint32_t>(size)});
    Run& run = *open;
    void* block = run.free;
    if (block) {
      run.free = run.free->next;
    } else {
      block = reinterpret_cast<std::byte*>(&run) + run.unused;
      run.unused += run.size;
    }
    ++run.used;
    if (is_full(run)) pop(open, run);
    return block;
  }

  /// Requires: a block of this slab, and the size it was allocated with.
  void release(void* block, std::size_t bytes) noexcept {
    if constexpr (watched) return ::operator delete(block);
    const std::lock_guard lock(mutex_);
    Run& run = *reinterpret_cast<Run*>(reinterpret_cast<std::uintptr_t>(block) & ~(run_bytes - 1));
    Run*& open = open_[rounded(bytes) / granularity];
    if (is_full(run)) push(open, run);
    run.free = new (block) Block{run.free};
    if (--run.used != 0) return;
    pop(open, run);
    push(free_runs_, run);
  }

  /// How many bytes it has got from the system.
  [[nodiscard]] std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return chunks_.size() * chunk_bytes_;
  }

 private:
  static constexpr std::size_t run_bytes = std::size_t{16} << 10;

  struct Block {
    Block* next;
  };
  struct Run {
    Run* next = nullptr;
    Run* previous = nullptr;
    Block* free = nullptr;  // blocks that have been released
    std::uint32_t size;     // of a block
    std::uint32_t used = 0;
    std::uint32_t unused = sizeof(Run);  // where the blocks begin that have never been used
  };
  static_assert(sizeof(Run) % granularity == 0);

  [[nodiscard]] static std::size_t rounded(std::size_t bytes) noexcept {
    return (bytes + granularity - 1) / granularity * granularity;
  }
  [[nodiscard]] static bool is_full(const Run& run) noexcept {
    return !run.free && run.unused + run.size > run_bytes;
  }
  static void push(Run*& list, Run& run) noexcept {
    run.previous = nullptr;
    run.next = list;
    if (list) list->previous = &run;
    list = &run;
  }
  static void pop(Run*& list, Run& run) noexcept {
    (run.previous ? run.previous->next : list) = run.next;
    if (run.next) run.next->previous = run.previous;
  }

  [[nodiscard]] void* free_run() {
    if (Run* const run = free_runs_) {
      pop(free_runs_, *run);
      return run;
    }
    if (chunks_.empty() || cut_ == chunk_bytes_) {
      chunks_.emplace_back(chunk_bytes_, run_bytes);
      cut_ = 0;
    }
    void* const run = static_cast<std::byte*>(chunks_.back().data()) + cut_;
    cut_ += run_bytes;
    return run;
  }

  const std::size_t chunk_bytes_;
  mutable typename Sync::mutex mutex_;
  std::vector<Pages> chunks_;                           // under mutex_
  std::size_t cut_ = 0;                                 // under mutex_: of the last chunk
  Run* free_runs_ = nullptr;                            // under mutex_
  std::array<Run*, largest / granularity + 1> open_{};  // under mutex_: runs with room, by size
};

}  // namespace livecount::inline v0_1::detail
