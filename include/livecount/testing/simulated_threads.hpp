// SPDX-License-Identifier: BSL-1.0
//
// SimulatedThreads: threads that take turns on one real one, and a clock that moves only when it is told to. A simulator
// starts what a thread has to do, and says after how many points it is to be left in the middle; points are the atomic
// operations and locks of SimulatorSync, and those of a store that a test has put there.
//
// SimulatorSync is what StdSync is in production: BasicLockFreeCache<SimulatorSync> runs on simulated threads. There is
// one order of all operations: what weak memory may do is the explorer's to show (explorer.hpp).
//
// Threads: a simulator and all it simulates run on one real thread. Not under ThreadSanitizer.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <utility>
#include <vector>

#include "../counter/gate.hpp"
#include "../detail/epoch.hpp"
#include "fiber.hpp"

namespace livecount::inline v0_1::testing {

class SimulatedThreads {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::size_t most = 10;  // at a time; number 0 is the simulator itself

  explicit SimulatedThreads(std::uint64_t seed) : random_(seed) { current_ = this; }
  ~SimulatedThreads() { current_ = nullptr; }
  SimulatedThreads(const SimulatedThreads&) = delete;
  SimulatedThreads& operator=(const SimulatedThreads&) = delete;

  [[nodiscard]] static SimulatedThreads* current() noexcept { return current_; }

  // ---- the simulator's side

  /// Runs `body` until it ends, has to wait, or has passed `pause_after` points (0: it is not left). Returns its number.
  std::size_t start(std::function<void()> body, std::uint32_t pause_after = 0, bool daemon = false) {
    std::size_t number = 1;
    while (number < most && threads_[number].busy) ++number;
    if (number == most) std::abort();  // more than a simulator starts
    Thread& thread = threads_[number];
    thread.busy = true;
    thread.daemon = daemon;
    thread.waits = false;
    thread.left = pause_after;
    thread.body = std::move(body);
    if (!fibers()[number]) fibers()[number] = std::make_unique<Fiber>();
    fibers()[number]->begin([this, &thread] {
      thread.body();
      thread.body = nullptr;
      thread.busy = false;
      Fiber::switch_to(*fibers()[static_cast<std::size_t>(&thread - threads_.data())], root());
    });
    // A thread that is started by another one begins when the simulator comes to it.
    if (running_ == 0) resume(number);
    return number;
  }

  [[nodiscard]] bool is_busy(std::size_t number) const noexcept { return threads_[number].busy; }

  /// Lets a thread go on until it ends or has to wait; it is not left in the middle again.
  void resume(std::size_t number) {
    Thread& thread = threads_[number];
    if (!thread.busy) return;
    running_ = number;
    Fiber::switch_to(root(), *fibers()[number]);
    running_ = 0;
  }

  /// Gives each thread that waits, and each daemon, a turn.
  void poll() {
    for (std::size_t i = 1; i < most; ++i) {
      if (threads_[i].busy && (threads_[i].waits || threads_[i].daemon)) resume(i);
    }
  }

  /// Lets all threads but daemons come to their end; time goes on where all of them wait. False if they never will.
  [[nodiscard]] bool settle() {
    for (int rounds = 0; rounds < most_rounds; ++rounds) {
      bool busy = false;
      bool wait = true;
      for (std::size_t i = 1; i < most; ++i) {
        if (!threads_[i].busy) continue;
        resume(i);
        if (!threads_[i].busy || threads_[i].daemon) continue;
        busy = true;
        wait = wait && threads_[i].waits;
      }
      if (!busy) return true;
      if (wait) {
        if (const auto next = next_deadline()) now_ = std::max(now_, *next);
      }
    }
    return false;
  }

  /// Lets time pass; who waits for a moment in between goes on at that moment.
  void pass(std::chrono::nanoseconds time) {
    const time_point until = now_ + time;
    poll();  // who has been notified has a deadline from now on
    for (int rounds = 0; rounds < most_rounds; ++rounds) {
      const auto next = next_deadline();
      if (!next || *next >= until) break;
      now_ = std::max(now_, *next);
      poll();
    }
    now_ = std::max(now_, until);
    poll();
  }

  /// After settle() has failed: gives up the threads with all that they hold.
  void abandon() {
    for (std::size_t i = 1; i < most; ++i) {
      if (!threads_[i].busy) continue;
      (void)fibers()[i].release();  // stays where it is, for ever
      threads_[i] = {};
    }
    for (void (*reset)() : resets()) reset();
  }

  // ---- the threads' side

  /// Something that another thread may come before.
  void point() noexcept {
    if (running_ == 0) return;
    Thread& thread = threads_[running_];
    if (thread.left != 0 && --thread.left == 0) leave();
  }
  /// What the simulator itself does in a thread: that is not left in the middle of it.
  template <class F>
  void without_points(F f) {
    std::uint32_t& left = threads_[running_].left;
    const std::uint32_t later = std::exchange(left, 0);
    f();
    left = later;
  }
  /// Lets others go on; returns when it is worth looking again whether what is waited for has come.
  void wait(std::optional<time_point> deadline = std::nullopt) noexcept {
    if (running_ == 0) std::abort();  // nobody could go on
    Thread& thread = threads_[running_];
    thread.waits = true;
    thread.deadline = deadline;
    leave();
    thread.waits = false;
  }
  [[nodiscard]] time_point now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t random() noexcept { return random_(); }
  [[nodiscard]] std::size_t running() const noexcept { return running_; }

  /// The T of the running thread.
  template <class T>
  [[nodiscard]] static T& local() noexcept {
    static thread_local std::array<T, most> values{};
    static thread_local const bool known = [] {
      resets().push_back([] {
        for (T& value : values) value = T{};
      });
      return true;
    }();
    (void)known;
    return values[current_ ? current_->running_ : 0];
  }

 private:
  static constexpr int most_rounds = 100'000;

  struct Thread {
    bool busy = false;
    bool daemon = false;
    bool waits = false;
    std::uint32_t left = 0;  // points until it is left
    std::optional<time_point> deadline{};
    std::function<void()> body{};
  };

  void leave() noexcept { Fiber::switch_to(*fibers()[running_], root()); }

  [[nodiscard]] std::optional<time_point> next_deadline() const noexcept {
    std::optional<time_point> next;
    for (const Thread& thread : threads_) {
      if (thread.busy && thread.waits && thread.deadline && (!next || *thread.deadline < *next))
        next = thread.deadline;
    }
    return next;
  }

  // Stacks are kept from one simulation to the next.
  [[nodiscard]] static std::array<std::unique_ptr<Fiber>, most>& fibers() {
    static thread_local std::array<std::unique_ptr<Fiber>, most> fibers;
    return fibers;
  }
  [[nodiscard]] static Fiber& root() {
    static thread_local Fiber root;
    return root;
  }
  [[nodiscard]] static std::vector<void (*)()>& resets() {
    static thread_local std::vector<void (*)()> resets;
    return resets;
  }

  static inline thread_local SimulatedThreads* current_ = nullptr;

  std::array<Thread, most> threads_;
  std::size_t running_ = 0;
  time_point now_{std::chrono::hours(1)};
  std::mt19937_64 random_;
};

template <class T>
class SimulatedAtomic {
 public:
  SimulatedAtomic() noexcept : SimulatedAtomic(T{}) {}
  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic
  SimulatedAtomic(T value) noexcept : value_(value) {}
  SimulatedAtomic(const SimulatedAtomic&) = delete;
  SimulatedAtomic& operator=(const SimulatedAtomic&) = delete;

  using Order = std::memory_order;

  [[nodiscard]] T load(Order = {}) const noexcept {
    point();
    return value_;
  }
  void store(T desired, Order = {}) noexcept {
    point();
    value_ = desired;
  }
  T exchange(T desired, Order = {}) noexcept {
    point();
    return std::exchange(value_, desired);
  }
  T fetch_add(T other, Order = {}) noexcept {
    point();
    return std::exchange(value_, static_cast<T>(value_ + other));
  }
  T fetch_sub(T other, Order = {}) noexcept {
    point();
    return std::exchange(value_, static_cast<T>(value_ - other));
  }
  T fetch_or(T other, Order = {}) noexcept {
    point();
    return std::exchange(value_, static_cast<T>(value_ | other));
  }
  T fetch_and(T other, Order = {}) noexcept {
    point();
    return std::exchange(value_, static_cast<T>(value_ & other));
  }
  bool compare_exchange_weak(T& expected, T desired, Order = {}, Order = {}) noexcept {
    return compare_exchange_strong(expected, desired);
  }
  bool compare_exchange_strong(T& expected, T desired, Order = {}, Order = {}) noexcept {
    point();
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    value_ = desired;
    return true;
  }

 private:
  static void point() noexcept {
    if (SimulatedThreads* const threads = SimulatedThreads::current()) threads->point();
  }

  T value_;
};

class SimulatedMutex {
 public:
  SimulatedMutex() = default;
  SimulatedMutex(const SimulatedMutex&) = delete;
  SimulatedMutex& operator=(const SimulatedMutex&) = delete;

  void lock() noexcept {
    while (!try_lock()) SimulatedThreads::current()->wait();
  }
  [[nodiscard]] bool try_lock() noexcept {
    if (SimulatedThreads* const threads = SimulatedThreads::current()) threads->point();
    return !std::exchange(held_, true);
  }
  void unlock() noexcept { held_ = false; }

 private:
  bool held_ = false;
};

/// Who waits looks again whenever it has a turn: a notification has nothing to do.
class SimulatedConditionVariable {
 public:
  void notify_one() noexcept {}
  void notify_all() noexcept {}

  template <class Lock, class Predicate>
  bool wait_until(Lock& lock, SimulatedThreads::time_point deadline, Predicate predicate) {
    return wait_for_predicate(lock, deadline, {}, predicate);
  }
  template <class Lock, class Predicate>
  bool wait(Lock& lock, const std::stop_token& stop, Predicate predicate) {
    return wait_for_predicate(lock, std::nullopt, stop, predicate);
  }
  template <class Lock, class Predicate>
  bool wait_until(Lock& lock, const std::stop_token& stop, SimulatedThreads::time_point deadline,
                  Predicate predicate) {
    return wait_for_predicate(lock, deadline, stop, predicate);
  }
  template <class Lock, class Duration, class Predicate>
  bool wait_for(Lock& lock, const std::stop_token& stop, Duration duration, Predicate predicate) {
    return wait_for_predicate(lock, SimulatedThreads::current()->now() + duration, stop, predicate);
  }

 private:
  template <class Lock, class Predicate>
  bool wait_for_predicate(Lock& lock, std::optional<SimulatedThreads::time_point> deadline,
                          const std::stop_token& stop, Predicate& predicate) {
    SimulatedThreads& threads = *SimulatedThreads::current();
    while (!predicate()) {
      if (stop.stop_requested() || (deadline && threads.now() >= *deadline)) return predicate();
      lock.unlock();
      threads.wait(deadline);
      lock.lock();
    }
    return true;
  }
};

/// As std::jthread, as far as the policies use it.
class SimulatedThread {
 public:
  SimulatedThread() noexcept : stop_(std::nostopstate) {}
  template <class F>
  explicit SimulatedThread(F f)
      : stop_(),
        number_(SimulatedThreads::current()->start(
            [f = std::move(f), stop = stop_.get_token()]() mutable { f(stop); }, 0, true)) {}
  ~SimulatedThread() {
    if (!joinable()) return;
    request_stop();
    join();
  }
  SimulatedThread(SimulatedThread&& other) noexcept
      : stop_(std::move(other.stop_)), number_(std::exchange(other.number_, 0)) {}
  SimulatedThread& operator=(SimulatedThread&& other) noexcept {
    std::swap(stop_, other.stop_);
    std::swap(number_, other.number_);
    return *this;
  }

  [[nodiscard]] bool joinable() const noexcept { return number_ != 0; }
  bool request_stop() noexcept { return stop_.request_stop(); }
  void join() noexcept {
    while (SimulatedThreads::current()->is_busy(number_)) SimulatedThreads::current()->wait();
    number_ = 0;
  }

 private:
  std::stop_source stop_;
  std::size_t number_ = 0;
};

struct SimulatorSync {
  template <class T>
  using atomic = SimulatedAtomic<T>;
  using mutex = SimulatedMutex;
  using condition_variable = SimulatedConditionVariable;
  using thread = SimulatedThread;
  using time_point = SimulatedThreads::time_point;

  template <class T>
  [[nodiscard]] static T& local() noexcept {
    return SimulatedThreads::local<T>();
  }
  [[nodiscard]] static time_point now() noexcept { return SimulatedThreads::current()->now(); }
  static void yield() noexcept { SimulatedThreads::current()->wait(); }
  [[nodiscard]] static std::uint64_t random() { return SimulatedThreads::current()->random(); }
  [[nodiscard]] static bool register_heavy_barrier() noexcept { return true; }
  static void heavy_barrier() noexcept {}
};

}  // namespace livecount::inline v0_1::testing

namespace livecount::inline v0_1::detail {

template <>
inline constexpr std::size_t gate_count<testing::SimulatorSync> = 4;

}  // namespace livecount::inline v0_1::detail
