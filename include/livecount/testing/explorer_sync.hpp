// SPDX-License-Identifier: BSL-1.0
//
// ExplorerSync: what StdSync is in production, for code that is explored. Each operation is a step at which the World
// may let another thread go on, and a load may see an old value.
//
//     using Cache = livecount::BasicLockFreeCache<livecount::testing::ExplorerSync<>>;
//
// Outside of explore() an atomic is a plain value, and waiting is an error.
#pragma once

#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "../counter/gate.hpp"
#include "world.hpp"

namespace livecount::inline v0_1::testing {

/// Heavy: with a barrier that all threads run, as Linux has it; light: without.
enum class Barrier : bool { light, heavy };

template <class T>
class ExplorerAtomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);

 public:
  ExplorerAtomic() noexcept : ExplorerAtomic(T{}) {}
  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic
  ExplorerAtomic(T value) noexcept : value_(value) {
    if (World* const world = World::current()) world->construct(&value_, sizeof(T));
  }
  ~ExplorerAtomic() {
    if (World* const world = World::current()) world->destroy(&value_, {__builtin_FILE(), __builtin_LINE()});
  }
  ExplorerAtomic(const ExplorerAtomic&) = delete;
  ExplorerAtomic& operator=(const ExplorerAtomic&) = delete;

  using Order = std::memory_order;
  static constexpr Order strongest = std::memory_order_seq_cst;

  [[nodiscard]] T load(Order order = strongest, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) const noexcept {
    World* const world = World::current();
    return world ? value(world->load(&value_, sizeof(T), order, {file, line})) : value_;
  }
  void store(T desired, Order order = strongest, const char* file = __builtin_FILE(),
             int line = __builtin_LINE()) noexcept {
    if (World* const world = World::current()) {
      world->store(&value_, sizeof(T), bits(desired), order, {file, line});
    } else {
      value_ = desired;
    }
  }
  T exchange(T desired, Order order = strongest, const char* file = __builtin_FILE(),
             int line = __builtin_LINE()) noexcept {
    return modify(order, {file, line}, [&](T) { return desired; });
  }
  T fetch_add(T other, Order order = strongest, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) noexcept {
    return modify(order, {file, line}, [&](T old) { return arithmetic(old, other, false); });
  }
  T fetch_sub(T other, Order order = strongest, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) noexcept {
    return modify(order, {file, line}, [&](T old) { return arithmetic(old, other, true); });
  }
  T fetch_or(T other, Order order = strongest, const char* file = __builtin_FILE(),
             int line = __builtin_LINE()) noexcept {
    return modify(order, {file, line}, [&](T old) { return static_cast<T>(old | other); });
  }
  T fetch_and(T other, Order order = strongest, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) noexcept {
    return modify(order, {file, line}, [&](T old) { return static_cast<T>(old & other); });
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return compare(expected, desired, success, failure, {file, line}, true);
  }
  bool compare_exchange_weak(T& expected, T desired, Order order = strongest,
                             const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return compare(expected, desired, order, failing(order), {file, line}, true);
  }
  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return compare(expected, desired, success, failure, {file, line}, false);
  }
  bool compare_exchange_strong(T& expected, T desired, Order order = strongest,
                               const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return compare(expected, desired, order, failing(order), {file, line}, false);
  }

 private:
  [[nodiscard]] static T value(std::uint64_t bits) noexcept {
    T value;
    std::memcpy(&value, &bits, sizeof(T));
    return value;
  }
  [[nodiscard]] static std::uint64_t bits(T value) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
  }
  [[nodiscard]] static T arithmetic(T a, T b, bool minus) noexcept {  // wraps, as that of std::atomic
    const std::uint64_t x = bits(a);
    const std::uint64_t y = bits(b);
    return value(minus ? x - y : x + y);
  }
  [[nodiscard]] static Order failing(Order order) noexcept {
    if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
    return order == std::memory_order_release ? std::memory_order_relaxed : order;
  }

  template <class F>
  T modify(Order order, Site site, F change) noexcept {
    World* const world = World::current();
    if (!world) return std::exchange(value_, change(value_));
    return value(world->modify(&value_, sizeof(T), order, order, site, false, [&](std::uint64_t old, bool) {
      return std::optional(bits(change(value(old))));
    }));
  }

  bool compare(T& expected, T desired, Order success, Order failure, Site site, bool weak) noexcept {
    bool changed = false;
    const auto change = [&](std::uint64_t old, bool fails) -> std::optional<std::uint64_t> {
      changed = !fails && old == bits(expected);
      return changed ? std::optional(bits(desired)) : std::nullopt;
    };
    World* const world = World::current();
    if (world) {
      const T old = value(world->modify(&value_, sizeof(T), success, failure, site, weak, change));
      if (!changed) expected = old;
    } else if (change(bits(value_), false)) {
      value_ = desired;
    } else {
      expected = value_;
    }
    return changed;
  }

  mutable T value_;
};

class ExplorerMutex {
 public:
  ExplorerMutex() = default;
  ExplorerMutex(const ExplorerMutex&) = delete;
  ExplorerMutex& operator=(const ExplorerMutex&) = delete;

  void lock(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    World* const world = World::current();
    if (!world) return;
    if (world->running()) world->interrupt(this, true, "locks", {file, line});
    while (held_) (void)world->wait(this);
    take(*world);
  }
  [[nodiscard]] bool try_lock(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    World* const world = World::current();
    if (!world) return true;
    if (world->running()) world->interrupt(this, true, "tries to lock", {file, line});
    if (held_) return false;
    take(*world);
    return true;
  }
  void unlock() {
    World* const world = World::current();
    if (!world) return;
    held_ = false;
    released_.join(world->running_thread().clock);
    world->wake(this, true);
  }

 private:
  void take(World& world) {
    held_ = true;
    world.running_thread().clock.join(released_);
  }

  bool held_ = false;
  VectorClock released_;
};

/// As std::condition_variable_any, as far as the policies use it. No spurious wake-ups.
class ExplorerConditionVariable {
 public:
  ExplorerConditionVariable() = default;
  ExplorerConditionVariable(const ExplorerConditionVariable&) = delete;
  ExplorerConditionVariable& operator=(const ExplorerConditionVariable&) = delete;

  void notify_one(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    notify(false, {file, line});
  }
  void notify_all(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    notify(true, {file, line});
  }

  template <class Lock>
  void wait(Lock& lock) {
    (void)wait_once(lock, std::nullopt, {});
  }
  template <class Lock, class Predicate>
  bool wait_until(Lock& lock, World::time_point deadline, Predicate predicate) {
    return wait_for_predicate(lock, deadline, std::stop_token(), predicate);
  }
  template <class Lock, class Predicate>
  bool wait(Lock& lock, std::stop_token stop, Predicate predicate) {
    return wait_for_predicate(lock, std::nullopt, std::move(stop), predicate);
  }
  template <class Lock, class Predicate>
  bool wait_until(Lock& lock, std::stop_token stop, World::time_point deadline, Predicate predicate) {
    return wait_for_predicate(lock, deadline, std::move(stop), predicate);
  }
  template <class Lock, class Duration, class Predicate>
  bool wait_for(Lock& lock, std::stop_token stop, Duration duration, Predicate predicate) {
    return wait_for_predicate(lock, World::current()->now() + duration, std::move(stop), predicate);
  }

 private:
  void notify(bool all, Site site) noexcept {
    World* const world = World::current();
    if (!world) return;
    if (world->running()) world->interrupt(this, true, "notifies", site);
    world->wake(this, all);
  }

  template <class Lock>
  bool wait_once(Lock& lock, std::optional<World::time_point> deadline, const std::stop_token& stop) {
    // What is not under the lock may change before it sleeps, and the wake-up then is lost.
    if (World::current()->running())
      World::current()->interrupt(this, true, "goes to sleep", {__FILE__, __LINE__});
    if (stop.stop_requested()) return true;  // nor is a request to stop ever lost
    lock.unlock();
    const bool woken = World::current()->wait(this, deadline);
    lock.lock();
    return woken;
  }

  template <class Lock, class Predicate>
  bool wait_for_predicate(Lock& lock, std::optional<World::time_point> deadline, const std::stop_token& stop,
                          Predicate& predicate) {
    const std::stop_callback wake(stop, [this] { World::current()->wake(this, true); });
    while (!predicate()) {
      if (stop.stop_requested()) return predicate();
      if (deadline && World::current()->now() >= *deadline) return false;
      if (!wait_once(lock, deadline, stop)) return predicate();
    }
    return true;
  }
};

/// As std::jthread, as far as the policies use it. It begins with the other threads, in World::run.
class ExplorerThread {
 public:
  ExplorerThread() noexcept : stop_(std::nostopstate) {}
  template <class F>
  explicit ExplorerThread(F f)
      : stop_(),
        thread_(&World::current()->spawn(
            "worker", [f = std::move(f), stop = stop_.get_token()]() mutable { f(stop); })) {}
  ~ExplorerThread() {
    if (!joinable()) return;
    request_stop();
    join();
  }
  ExplorerThread(ExplorerThread&& other) noexcept
      : stop_(std::move(other.stop_)), thread_(std::exchange(other.thread_, nullptr)) {}
  ExplorerThread& operator=(ExplorerThread&& other) noexcept {
    std::swap(stop_, other.stop_);
    std::swap(thread_, other.thread_);
    return *this;
  }

  [[nodiscard]] bool joinable() const noexcept { return thread_ != nullptr; }
  bool request_stop() noexcept { return stop_.request_stop(); }
  void join() {
    World& world = *World::current();
    while (!thread_->ended) (void)world.wait(thread_);
    world.running_thread().clock.join(thread_->clock);
    thread_ = nullptr;
  }

 private:
  std::stop_source stop_;
  World::Thread* thread_ = nullptr;
};

template <Barrier barrier = Barrier::heavy>
struct ExplorerSync {
  template <class T>
  using atomic = ExplorerAtomic<T>;
  using mutex = ExplorerMutex;
  using condition_variable = ExplorerConditionVariable;
  using thread = ExplorerThread;
  using time_point = World::time_point;

  template <class T>
  [[nodiscard]] static T& local() noexcept {
    return World::local<T>();
  }
  [[nodiscard]] static time_point now() noexcept { return World::current()->now(); }
  static void yield(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    World::current()->yield({file, line});
  }
  [[nodiscard]] static std::uint64_t random() { return World::current()->random(); }
  [[nodiscard]] static bool register_heavy_barrier() noexcept { return barrier == Barrier::heavy; }
  static void heavy_barrier(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    World::current()->heavy_barrier({file, line});
  }
};

}  // namespace livecount::inline v0_1::testing

namespace livecount::inline v0_1::detail {

template <testing::Barrier barrier>
inline constexpr std::size_t gate_count<testing::ExplorerSync<barrier>> = 2;

}  // namespace livecount::inline v0_1::detail
