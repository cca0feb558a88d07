// SPDX-License-Identifier: BSL-1.0
//
// JthreadQueue: a thread of its own writes changes in the background.
//
// The default. It sleeps until a counter becomes dirty, lets changes gather for `max_delay` (which does not
// slide with new changes), writes everything that is ripe, and sleeps again. With `batch_size`, a counter
// that has gathered so many changes is written at once, and others wait until the oldest of them is
// `max_delay` old. When the store fails it tries again after `first_retry`, doubling up to `last_retry`, with
// a random part so that processes do not march in step.
//
//     livecount::Counter<livecount::LockFreeCache, Store, livecount::JthreadQueue> hits{
//         {.queue = {.max_delay = std::chrono::milliseconds(50)}}};
//
// Threads, Throws and Progress: as QueuePolicy; notify takes a lock for a moment. Delays use the steady clock.
#pragma once

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "../concepts.hpp"

namespace livecount::inline v0_1 {

template <class Sync>
class BasicJthreadQueue {
 public:
  struct Options {
    std::chrono::milliseconds max_delay{200};
    std::uint32_t batch_size = 0;
    std::chrono::milliseconds first_retry{50};
    std::chrono::milliseconds last_retry{5000};
  };
  static constexpr bool writes_through = false;

  explicit BasicJthreadQueue(Options options) noexcept : options_(sane(options)) {}
  ~BasicJthreadQueue() { stop(); }

  [[nodiscard]] Pace pace() const noexcept { return {options_.max_delay, options_.batch_size}; }

  void start(Drain& drain) {
    thread_ = typename Sync::thread([this, &drain](std::stop_token stop) { work(drain, std::move(stop)); });
  }

  void notify(Wake wake) noexcept {
    const std::lock_guard lock(mutex_);
    if (wake == Wake::dirty) {
      if (!due_) due_ = Sync::now() + options_.max_delay;
    } else {
      at_once_ = true;
      everything_ = everything_ || wake == Wake::urgent;
    }
    changed_.notify_one();
  }

  void stop() noexcept {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }

 private:
  using time_point = typename Sync::time_point;

  void work(Drain& drain, std::stop_token stop) {
    std::optional<std::chrono::milliseconds> retry;
    std::unique_lock lock(mutex_);
    for (;;) {
      if (retry) {
        changed_.wait_for(lock, stop, jittered(*retry), [] { return false; });
      } else {
        wait_for_work(lock, stop);
      }
      if (stop.stop_requested()) return;
      const auto scope = everything_ ? Drain::Scope::everything : Drain::Scope::ripe;
      const std::optional<time_point> was_due = std::exchange(due_, std::nullopt);
      at_once_ = everything_ = false;
      lock.unlock();
      const Drain::Report report = drain.drain(scope);
      lock.lock();
      again_ =
          report.again ? std::optional(Sync::now() + std::min(*report.again, longest_wait)) : std::nullopt;
      retry =
          report.failed ? std::optional(next(retry.value_or(std::chrono::milliseconds{0}))) : std::nullopt;
      // What is left is not ripe yet and as old as it was, or it was just in a loader's hands, for the length of a read.
      if (report.left) {
        const time_point now = Sync::now();
        time_point due = was_due && *was_due > now ? *was_due : now + options_.max_delay;
        if (report.held) due = now + std::chrono::milliseconds(1);
        due_ = due_ ? std::min(*due_, due) : due;
      }
    }
  }

  /// Returns also if the thread is to stop.
  void wait_for_work(std::unique_lock<typename Sync::mutex>& lock, std::stop_token& stop) {
    for (;;) {
      const std::optional<time_point> due = due_ && again_ ? std::min(due_, again_) : due_ ? due_ : again_;
      if (at_once_ || (due && *due <= Sync::now())) return;
      const auto is_sooner = [&] { return at_once_ || (due_ && (!due || *due_ < *due)); };
      if (due) {
        changed_.wait_until(lock, stop, *due, is_sooner);
      } else {
        changed_.wait(lock, stop, is_sooner);
      }
      if (stop.stop_requested()) return;
    }
  }

  [[nodiscard]] static Options sane(Options options) noexcept {
    constexpr std::chrono::milliseconds shortest(1);
    options.max_delay = std::clamp(options.max_delay, std::chrono::milliseconds(0), longest_wait);
    options.first_retry = std::clamp(options.first_retry, shortest, longest_wait);
    options.last_retry = std::clamp(options.last_retry, options.first_retry, longest_wait);
    return options;
  }

  [[nodiscard]] std::chrono::milliseconds next(std::chrono::milliseconds retry) const {
    return std::clamp(retry * 2, options_.first_retry, std::max(options_.first_retry, options_.last_retry));
  }
  [[nodiscard]] static std::chrono::milliseconds jittered(std::chrono::milliseconds retry) {
    return retry / 2 +
           std::chrono::milliseconds(Sync::now().time_since_epoch().count() % (retry.count() + 1)) / 2;
  }

  const Options options_;
  typename Sync::mutex mutex_;
  typename Sync::condition_variable changed_;
  std::optional<time_point> due_;    // under mutex_: when the oldest change is ripe
  std::optional<time_point> again_;  // under mutex_: when the drain wants to be called anyway
  bool at_once_ = false;             // under mutex_
  bool everything_ = false;          // under mutex_
  typename Sync::thread thread_;     // last: what it uses is there while it runs
};

using JthreadQueue = BasicJthreadQueue<StdSync>;

static_assert(QueuePolicy<JthreadQueue>);

}  // namespace livecount::inline v0_1
