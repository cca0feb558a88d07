// SPDX-License-Identifier: BSL-1.0
//
// World: one execution after another of a few threads, of which only one runs at a time, and of which the schedule
// says who goes on at each step. What ExplorerSync (explorer_sync.hpp) is made of; explore() (explorer.hpp) drives it.
//
// An execution has three parts: the body sets up what it needs; run() lets the threads go until all have ended; the
// body then looks at what came out. Before and after, nothing is decided and nothing is recorded.
//
// A step is one operation on an atomic or a lock, or a named step(). Another thread may take over only where that can
// make a difference: before a step on a place that some other thread has ever written (or read, if this step writes).
// Which places these are is learned from executions; explore() begins anew when it learns of another one.
//
// Time stands still while a thread can go on. When none can, it jumps to the earliest deadline of those that wait. It
// may also jump earlier, as a deviation.
//
// Threads: one; and one World at a time. (A file longer than most: a step goes through all of it, from top to bottom.)
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fiber.hpp"
#include "memory.hpp"
#include "schedule.hpp"

namespace livecount::inline v0_1::testing {

/// Where in the source a step is.
struct Site {
  const char* file = "";
  int line = 0;
};

class World {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The one that is exploring; null where nothing is explored.
  [[nodiscard]] static World* current() noexcept { return current_; }

  // ---- for the body

  /// A thread of the scenario; it begins in run().
  void thread(std::string name, std::function<void()> body) { (void)spawn(std::move(name), std::move(body)); }

  /// Lets the threads go, and returns when all have ended.
  void run() {
    phase_ = Phase::running;
    idle_ = 0;
    Thread& me = *threads_[0];
    me.blocked_on = this;
    go_on_without(me);
    phase_ = Phase::over;
    for (const auto& other : threads_) me.clock.join(other->clock);
  }

  /// Ends this execution as failed if a law does not hold. Also from a thread.
  void check(bool holds, const std::string& law) {
    if (!holds) fail(law);
  }

  /// A step of the scenario's own, such as a store's work, at which others may take over.
  static void step(const char* name, Site site = {__builtin_FILE(), __builtin_LINE()}) {
    if (!current_ || !current_->running()) return;
    current_->interrupt(nullptr, true, name, site);
  }

  /// The execution in words, so far: one line a step.
  [[nodiscard]] const std::string& story() const noexcept { return story_; }

  // ---- for explore()

  struct Result {
    bool failed = false;
    std::string law;  // that was broken
    std::uint32_t steps = 0;
    std::uint64_t trace = 0;  // a checksum of all steps: two executions are the same if it is
  };

  /// `enlist` is called for each thread before the first execution: what it leaves in local() is what each execution
  /// begins with.
  Result execute(Schedule& schedule, std::size_t history, bool tell, const std::function<void(World&)>& body,
                 const std::function<void()>& enlist) {
    if (spare_.empty()) make_spare(enlist);
    schedule_ = &schedule;
    tell_ = tell;
    result_ = {};
    story_.clear();
    names_.clear();
    memory_.begin(history);
    phase_ = Phase::set_up;
    now_ = time_point(std::chrono::hours(1));
    random_ = 0;
    writes_ = idle_ = 0;
    current_ = this;
    Thread& first = add_thread("main");
    running_ = &first;
    first.fiber->begin([&] {
      try {
        body(*this);
      } catch (const std::exception& error) {
        fail(std::string("the body threw: ") + error.what());
      }
      leave();
    });
    locals_ = &spare_[0].locals;
    Fiber::switch_to(root_, *first.fiber);
    current_ = nullptr;
    memory_.end();
    for (auto& thread : threads_) {
      if (result_.failed) {
        (void)thread->fiber.release();  // stays where it is, for ever
      } else {
        spare_[thread->id].fiber = std::move(thread->fiber);
      }
    }
    threads_.clear();
    return result_;
  }
  [[nodiscard]] bool learned() noexcept { return std::exchange(learned_, false); }
  /// As long as it learns, another thread may take over before each step.
  void learn(bool on) noexcept { learning_ = on; }

  // ---- for ExplorerSync: each call is made by the running thread

  [[nodiscard]] bool running() const noexcept { return phase_ == Phase::running; }

  void construct(void* address, std::size_t size) {
    memory_.construct(address, size, running_->id, running_->clock.times[running_->id], !running());
  }
  void destroy(void* address, Site site) {
    Location* const at = memory_.find(address);
    if (!at) return;
    at->alive = false;
    if (!running()) return;
    for (std::size_t other = 0; other < threads_.size(); ++other) {
      if (!running_->clock.knows(other, at->used.times[other])) {
        fail("memory is destroyed by " + running_->name + " at " + text(site) + " although " +
             threads_[other]->name + " may still be using it");
      }
    }
  }

  std::uint64_t load(void* address, std::size_t size, std::memory_order order, Site site) {
    if (!running()) return raw(address, size);
    Location& at = before(address, size, false, "load", site);
    const std::size_t readable =
        memory_.readable(at, running_->id, running_->clock, order == std::memory_order_seq_cst);
    const std::uint32_t age =
        schedule_->choose(result_.steps, Kind::old, static_cast<std::uint32_t>(readable));
    const std::uint64_t bits = memory_.read(at, age, running_->id, running_->clock, order);
    tell(site, [&] { return (age != 0 ? "sees the old " : "sees ") + value(bits); });
    return bits;
  }

  void store(void* address, std::size_t size, std::uint64_t bits, std::memory_order order, Site site) {
    if (running()) {
      Location& at = before(address, size, true, "store", site);
      memory_.write(at, bits, running_->id, running_->clock, order, false);
      ++writes_;
      tell(site, [&] { return "stores " + value(bits); });
    } else {
      (void)memory_.at(address, size);
    }
    std::memcpy(address, &bits, size);
  }

  /// A read-modify-write; `change` takes the old bits and gives the new ones, or nothing, and then it is a load.
  template <class F>
  std::uint64_t modify(void* address, std::size_t size, std::memory_order order, std::memory_order failure,
                       Site site, bool may_fail, F change) {
    if (!running()) {
      (void)memory_.at(address, size);
      const std::uint64_t old = raw(address, size);
      if (const std::optional<std::uint64_t> bits = change(old, false)) std::memcpy(address, &*bits, size);
      return old;
    }
    Location& at = before(address, size, true, "modify", site);
    const std::uint64_t newest = raw(address, size);
    bool fails = !change(newest, false);
    if (may_fail && !fails) fails = schedule_->choose(result_.steps, Kind::fail, 2) != 0;
    const std::uint64_t old = memory_.read(at, 0, running_->id, running_->clock, fails ? failure : order);
    const std::optional<std::uint64_t> bits = change(old, fails);
    if (bits) {
      memory_.write(at, *bits, running_->id, running_->clock, order, true);
      std::memcpy(address, &*bits, size);
      ++writes_;
    }
    tell(site, [&] {
      return bits ? "changes " + value(old) + " to " + value(*bits) : "fails to change " + value(old);
    });
    return old;
  }

  /// The running thread has nothing to do until another one has written something.
  void yield(Site site) {
    if (!running()) {
      if (++idle_ > 100'000) fail("the body waits for something that never comes");
      return;
    }
    note(nullptr, "yield", site);
    Thread& me = *running_;
    me.yielded_at = writes_;
    me.yielded = true;
    tell(site, [] { return "yields"; });
    go_on_without(me);
    me.yielded = false;
  }

  [[nodiscard]] time_point now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t random() noexcept { return ++random_ * 0x9E37'79B9'7F4A'7C15ULL; }

  /// Every thread runs a barrier.
  void heavy_barrier(Site site) {
    if (!running()) return;
    interrupt(nullptr, true, "barrier in all threads", site);
    VectorClock all;
    for (const auto& thread : threads_) all.join(thread->clock);
    for (const auto& thread : threads_) thread->clock.join(all);
  }

  /// The T of the running thread. It outlives the execution, as the thread does, and is never destroyed.
  template <class T>
  [[nodiscard]] static T& local() {
    Local& local = (*locals_)[typeid(T)];
    if (local.value.empty()) {
      local.value.resize(sizeof(T) + alignof(T));
      new (local.address<T>()) T{};
    }
    return *local.address<T>();
  }

  // ---- locks, condition variables and threads, as far as they need the scheduler

  struct Thread {
    std::size_t id = 0;
    std::string name;
    std::unique_ptr<Fiber> fiber;
    VectorClock clock;
    const void* blocked_on = nullptr;    // a lock, a condition variable, a thread; null: it can go on
    std::optional<time_point> deadline;  // it can go on then, too
    bool timed_out = false;
    bool resumed = true;  // it was chosen to go on, and has not made a step since
    bool yielded = false;
    std::uint64_t yielded_at = 0;
    bool ended = false;
  };

  Thread& spawn(std::string name, std::function<void()> body) {
    Thread& thread = add_thread(std::move(name));
    thread.clock.join(running_->clock);
    thread.fiber->begin([this, &thread, body = std::move(body)] {
      try {
        body();
      } catch (const std::exception& error) {
        fail(thread.name + " threw: " + error.what());
      }
      thread.ended = true;
      wake(&thread, true);
      go_on_without(thread);
    });
    return thread;
  }
  [[nodiscard]] Thread& running_thread() noexcept { return *running_; }

  /// Before a step on something that is no atomic.
  void interrupt(const void* address, bool point, const char* name, Site site) {
    note(address, name, site);
    tell(site, [&] { return name; });
    if (point) let_others_go();
  }
  /// Lets others go until this thread is woken, or the deadline has come: then false.
  bool wait(const void* what, std::optional<time_point> deadline = std::nullopt) {
    Thread& me = *running_;
    if (!running()) {  // nobody will come
      if (!deadline) fail("the body waits for something that never comes");
      now_ = std::max(now_, *deadline);
      return false;
    }
    me.blocked_on = what;
    me.deadline = deadline;
    me.timed_out = false;
    go_on_without(me);
    return !me.timed_out;
  }
  void wake(const void* what, bool all) {
    ++writes_;
    for (const auto& thread : threads_) {
      if (thread->blocked_on != what) continue;
      thread->blocked_on = nullptr;
      thread->deadline.reset();
      if (!all) return;
    }
  }

  [[noreturn]] void fail(const std::string& law) {
    result_.failed = true;
    result_.law = law;
    leave();
    std::abort();  // nobody comes back to a failed execution
  }

 private:
  enum class Phase : std::uint8_t { set_up, running, over };
  static constexpr std::uint32_t most_steps = 50'000;

  void leave() { Fiber::switch_to(*running_->fiber, root_); }

  struct Local {
    std::vector<std::byte> value;
    std::vector<std::byte> begins_as;
    template <class T>
    [[nodiscard]] T* address() noexcept {
      void* place = value.data();
      std::size_t space = value.size();
      return static_cast<T*>(std::align(alignof(T), sizeof(T), place, space));
    }
  };
  using Locals = std::unordered_map<std::type_index, Local>;

  struct Spare {  // what a thread keeps from one execution to the next
    std::unique_ptr<Fiber> fiber;
    Locals locals;
  };

  void make_spare(const std::function<void()>& enlist) {
    spare_.resize(most_threads);
    for (Spare& spare : spare_) {
      locals_ = &spare.locals;
      enlist();
      for (auto& [type, local] : spare.locals) local.begins_as = local.value;
    }
    locals_ = &spare_[0].locals;
  }

  Thread& add_thread(std::string name) {
    if (threads_.size() == most_threads) fail("more threads than an explorer takes");
    const std::size_t id = threads_.size();
    auto thread = std::make_unique<Thread>();
    thread->id = id;
    thread->name = std::move(name);
    thread->fiber = std::move(spare_[id].fiber);
    if (!thread->fiber) thread->fiber = std::make_unique<Fiber>();
    for (auto& [type, local] : spare_[id].locals)
      std::copy(local.begins_as.begin(), local.begins_as.end(), local.value.begin());
    thread->clock.times[id] = 1;
    threads_.push_back(std::move(thread));
    return *threads_.back();
  }

  [[nodiscard]] static std::uint64_t raw(const void* address, std::size_t size) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, address, size);
    return bits;
  }

  /// The step begins: others may come first.
  Location& before(void* address, std::size_t size, bool writes, const char* name, Site site) {
    note(address, name, site);
    Location& at = memory_.at(address, size);
    const std::uint32_t mine = 1U << running_->id;
    const std::uint32_t others =
        (writes ? at.sharing->readers | at.sharing->writers : at.sharing->writers) & ~mine;
    if (others != 0 || learning_ || schedule_->follows_writing()) let_others_go();
    std::uint32_t& known = writes ? at.sharing->writers : at.sharing->readers;
    if ((known & mine) == 0) {
      known |= mine;
      const std::uint32_t all = at.sharing->readers | at.sharing->writers;
      learned_ |= at.sharing->writers != 0 && (all & (all - 1)) != 0;
    }
    if (!at.alive) fail(running_->name + " uses memory at " + text(site) + " that has been destroyed");
    if (!running_->clock.knows(at.creator, at.created)) {
      fail(running_->name + " uses memory at " + text(site) +
           " although nothing orders its construction before");
    }
    at.used.times[running_->id] = ++running_->clock.times[running_->id];
    return at;
  }

  void note(const void*, const char* name, Site site) {
    if (++result_.steps > most_steps) fail("no end after " + std::to_string(most_steps) + " steps");
    for (const char* c = name; *c != 0; ++c)
      result_.trace = (result_.trace ^ static_cast<unsigned char>(*c)) * 0x100000001B3ULL;
    result_.trace =
        (result_.trace ^ (running_->id << 20) ^ static_cast<std::uint32_t>(site.line)) * 0x100000001B3ULL;
  }

  [[nodiscard]] bool can_go_on(const Thread& thread) const noexcept {
    return !thread.ended && !thread.blocked_on && !(thread.yielded && thread.yielded_at == writes_);
  }

  /// The running thread could go on; the schedule may let another one.
  void let_others_go() {
    Thread& me = *running_;
    if (std::exchange(me.resumed, false))
      return;  // to choose another one now would have been to choose it then
    std::array<Thread*, most_threads> others{};
    std::array<Thread*, most_threads> waiting{};
    std::uint32_t count = 0;
    std::uint32_t waiting_count = 0;
    for (const auto& thread : threads_) {
      if (thread.get() != &me && can_go_on(*thread)) others[count++] = thread.get();
      if (thread->blocked_on && thread->deadline) waiting[waiting_count++] = thread.get();
    }
    if (const std::uint32_t taken = schedule_->choose(result_.steps, Kind::time, waiting_count + 1);
        taken != 0) {
      time_out(*waiting[taken - 1]);
      others[count++] = waiting[taken - 1];
    }
    const std::uint32_t taken = schedule_->choose(result_.steps, Kind::thread, count + 1);
    if (taken == 0) return;
    switch_to(*others[taken - 1]);
    me.resumed = false;
  }

  /// The running thread cannot go on, or does not want to.
  void go_on_without(Thread& me) {
    for (;;) {
      std::array<Thread*, most_threads> others{};
      std::uint32_t count = 0;
      bool all_ended = true;
      Thread* idle = nullptr;      // the next one that only looks again
      Thread* earliest = nullptr;  // the next one that waits until a time
      for (std::size_t i = 1; i <= threads_.size(); ++i) {
        Thread& thread = *threads_[(me.id + i) % threads_.size()];
        if (thread.id != 0 && !thread.ended) all_ended = false;
        if (can_go_on(thread)) others[count++] = &thread;
        if (thread.yielded && !thread.ended && !idle) idle = &thread;
        if (thread.blocked_on && thread.deadline && (!earliest || *thread.deadline < *earliest->deadline)) {
          earliest = &thread;
        }
      }
      if (count == 0 && all_ended) {
        threads_[0]->blocked_on = nullptr;
        others[count++] = threads_[0].get();
      } else if (count == 0 && idle && idle_ < 3 * most_threads) {
        ++idle_;
        others[count++] = idle;
      } else if (count == 0 && earliest) {
        time_out(*earliest);
        continue;
      } else if (count == 0) {
        std::string who;
        for (const auto& thread : threads_) {
          if (thread->id != 0 && !thread->ended) who += (who.empty() ? "" : ", ") + thread->name;
        }
        fail("nobody can go on; waiting for ever: " + who);
      } else {
        idle_ = 0;
      }
      Thread& next = *others[schedule_->choose(result_.steps, Kind::next, count)];
      if (&next != &me) switch_to(next);
      me.resumed = true;
      return;
    }
  }

  void time_out(Thread& thread) {
    now_ = std::max(now_, *thread.deadline);
    thread.blocked_on = nullptr;
    thread.deadline.reset();
    thread.timed_out = true;
    idle_ = 0;
  }

  void switch_to(Thread& next) {
    Thread& me = *running_;
    running_ = &next;
    locals_ = &spare_[next.id].locals;
    Fiber::switch_to(*me.fiber, *next.fiber);
  }

  // ---- words

  [[nodiscard]] static std::string text(Site site) {
    const std::string file = site.file;
    return file.substr(file.rfind('/') + 1) + ":" + std::to_string(site.line);
  }
  /// A number; an address by when it was first met, so that the same execution reads the same.
  [[nodiscard]] std::string value(std::uint64_t bits) {
    const auto number = static_cast<std::int64_t>(bits);
    if (number > -(std::int64_t{1} << 62) && number < std::int64_t{1} << 40) return std::to_string(number);
    return "@" + std::to_string(names_.try_emplace(bits, names_.size() + 1).first->second);
  }
  template <class F>
  void tell(Site site, F words) {
    if (!tell_) return;
    std::string step = std::to_string(result_.steps);
    step.resize(6, ' ');
    std::string who = running_->name;
    who.resize(12, ' ');
    std::string where = text(site);
    where.resize(28, ' ');
    story_ += step + who + where + words() + '\n';
  }

  static inline World* current_ = nullptr;
  static inline Locals* locals_ = nullptr;

  Memory memory_;
  Schedule* schedule_ = nullptr;
  Phase phase_ = Phase::set_up;
  bool tell_ = false;
  bool learning_ = false;
  bool learned_ = false;
  Result result_;
  std::string story_;
  std::unordered_map<std::uint64_t, std::size_t> names_;
  Fiber root_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Spare> spare_;
  Thread* running_ = nullptr;
  time_point now_;
  std::uint64_t random_ = 0;
  std::uint64_t writes_ = 0;
  std::uint32_t idle_ = 0;
};

}  // namespace livecount::inline v0_1::testing
