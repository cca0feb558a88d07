// SPDX-License-Identifier: BSL-1.0
// Who has to know that the process is now a forked child. After fork() only the thread that called it lives on: locks
// that others held stay locked for ever, and what they were doing is never finished. Works for fork() alone: vfork,
// _Fork and a raw clone() run no handlers (what they start should call exec at once).
#pragma once

#include <pthread.h>

#include <mutex>

namespace livecount::inline v0_1::detail {

/// While it lives, `in_child(context)` is called in each forked child, before fork() returns there. That call must be
/// safe in a signal handler: it sets flags, closes descriptors, and takes no lock. Declare it last in its class.
class ForkListener {
 public:
  ForkListener(void (*in_child)(void*) noexcept, void* context) noexcept
      : in_child_(in_child), context_(context) {
    const std::lock_guard lock(mutex_);
    next_ = first_;
    if (first_) first_->previous_ = this;
    first_ = this;
  }
  ~ForkListener() {
    const std::lock_guard lock(mutex_);
    (previous_ ? previous_->next_ : first_) = next_;
    if (next_) next_->previous_ = previous_;
  }
  ForkListener(const ForkListener&) = delete;
  ForkListener& operator=(const ForkListener&) = delete;

  /// Called once, when the program or library is loaded.
  [[nodiscard]] static bool watch() noexcept {
    // The list is locked while the process is copied, so the child finds it whole.
    return pthread_atfork([] { mutex_.lock(); }, [] { mutex_.unlock(); },
                          [] {
                            for (auto* listener = first_; listener; listener = listener->next_)
                              listener->in_child_(listener->context_);
                            mutex_.unlock();
                          }) == 0;
  }

 private:
  static inline constinit std::mutex mutex_;
  static inline constinit ForkListener* first_ = nullptr;  // under mutex_

  void (*const in_child_)(void*) noexcept;
  void* const context_;
  ForkListener* next_ = nullptr;      // under mutex_
  ForkListener* previous_ = nullptr;  // under mutex_
};

/// Not on first use, which could be under way in another thread when the process forks.
inline const bool forks_are_watched = ForkListener::watch();

}  // namespace livecount::inline v0_1::detail
