// SPDX-License-Identifier: BSL-1.0
// The world as the policies see it: atomics, locks, threads, steady time and randomness, as one type.
// Production code runs on StdSync; a simulator or an explorer of interleavings passes a type of its own with
// the same members.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <stop_token>
#include <thread>

// g++ says __SANITIZE_THREAD__, clang says it as a feature.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LIVECOUNT_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define LIVECOUNT_THREAD_SANITIZER
#endif

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace livecount::inline v0_1 {

struct StdSync {
  template <class T>
  using atomic = std::atomic<T>;
  using mutex = std::mutex;
  using shared_mutex = std::shared_mutex;
  using condition_variable = std::condition_variable_any;
  using thread = std::jthread;
  using time_point = std::chrono::steady_clock::time_point;

  /// The T of the calling thread: begins as T{}, and is destroyed when the thread ends.
  template <class T>
  [[nodiscard]] static T& local() noexcept {
    static thread_local T value{};
    return value;
  }
  [[nodiscard]] static time_point now() noexcept { return std::chrono::steady_clock::now(); }
  /// A number that moves on once a second, or is set by a person: the cheapest clock there is. A Sync may do without.
  [[nodiscard]] static std::int64_t second() noexcept { return std::time(nullptr); }
  static void yield() noexcept { std::this_thread::yield(); }
  [[nodiscard]] static std::uint64_t random() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }

  /// Asks the kernel for a barrier in every running thread of this process (membarrier, private expedited):
  /// then a reader's half of a store-load pair needs no instruction. False where there is none;
  /// ThreadSanitizer does not understand it, so under it the answer is always false.
  [[nodiscard]] static bool register_heavy_barrier() noexcept {
#if defined(__linux__) && !defined(LIVECOUNT_THREAD_SANITIZER)
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
    return false;
#endif
  }
  static void heavy_barrier() noexcept {
#if defined(__linux__)
    // It was registered, so it works; if it did not, memory could be freed under readers.
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) std::abort();
#endif
  }
};

/// The longest that anything waits: what is longer, such as milliseconds::max(), means this.
inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(24 * 365);

/// Two cache lines' worth on x86 (whose prefetcher takes pairs) would be 128; one suffices for what is padded
/// here.
inline constexpr std::size_t cache_line = 64;

}  // namespace livecount::inline v0_1
