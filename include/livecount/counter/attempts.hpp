// SPDX-License-Identifier: BSL-1.0
// Attempts to write, as others wait for them: how many there were, and what the store said when one failed.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "../detail/sync.hpp"

namespace livecount::inline v0_1::detail {

/// Any thread. Waiters look at the number first, do what they can themselves,
/// and then wait for another number: so no attempt that ends in between is
/// missed.
template <class Sync>
class Attempts {
 public:
  [[nodiscard]] std::uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  /// Waits until there have been others than the ones seen; false at the deadline, or when waiting has been ended.
  [[nodiscard]] bool wait(std::uint64_t seen, typename Sync::time_point deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [&] { return count_ != seen || ended_; }) && count_ != seen;
  }
  /// Ends all waits, those to come too.
  void end_waits() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  /// Sits out some time, or less if there is another attempt.
  void rest(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    (void)changed_.wait_until(lock, Sync::now() + most, [&, seen = count_] { return count_ != seen; });
  }

  void set_failure(std::string failure) noexcept {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
  }
  /// What the store said when it did not take a batch; empty if it always did.
  [[nodiscard]] std::string failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  mutable typename Sync::mutex mutex_;
  typename Sync::condition_variable changed_;
  std::uint64_t count_ = 0;  // under mutex_
  bool ended_ = false;       // under mutex_
  std::string failure_;      // under mutex_
};

}  // namespace livecount::inline v0_1::detail
