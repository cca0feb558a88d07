// SPDX-License-Identifier: BSL-1.0
// A thread that does one thing again and again: when it is woken, and after each interval, if it has one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "sync.hpp"

namespace livecount::inline v0_1::detail {

/// Any thread may wake it. The task must throw nothing. The destructor waits for a task that is running.
template <class Sync>
class BackgroundTask {
 public:
  // NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved
  BackgroundTask(std::optional<std::chrono::milliseconds> interval, std::function<void()> task)
      : state_(std::make_unique<State>()) {
    state_->interval = interval;
    state_->task = std::move(task);
    state_->thread =
        typename Sync::thread([state = state_.get()](const std::stop_token& stop) { state->run(stop); });
  }

  void wake() {
    const std::lock_guard lock(state_->mutex);
    state_->woken = true;
    state_->changed.notify_one();
  }

  /// In a forked child, where the thread is not: nothing can be waited for, nor freed.
  void abandon() noexcept { (void)state_.release(); }

 private:
  struct State {
    void run(const std::stop_token& stop) {
      std::unique_lock lock(mutex);
      while (true) {
        const auto is_woken = [this] { return woken; };
        if (interval) {
          (void)changed.wait_for(lock, stop, std::min(*interval, longest_wait), is_woken);
        } else {
          (void)changed.wait(lock, stop, is_woken);
        }
        if (stop.stop_requested()) return;
        woken = false;
        lock.unlock();
        task();
        lock.lock();
      }
    }

    std::optional<std::chrono::milliseconds> interval;
    std::function<void()> task;
    typename Sync::mutex mutex;
    typename Sync::condition_variable changed;
    bool woken = false;  // under mutex
    typename Sync::thread thread;
  };

  std::unique_ptr<State> state_;
};

}  // namespace livecount::inline v0_1::detail
