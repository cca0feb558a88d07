// SPDX-License-Identifier: BSL-1.0
// What every queue has to do, and a Drain to see it by. A file for one queue names it and includes this:
//
//     #include <livecount/queue/inline_queue.hpp>
//     #define LIVECOUNT_TESTED_QUEUE livecount::InlineQueue
//     #include "queue/contract.hpp"
#ifndef LIVECOUNT_TESTED_QUEUE
#error "Name the queue to be tested: #define LIVECOUNT_TESTED_QUEUE livecount::InlineQueue"
#endif
#pragma once

#include <livecount/concepts.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

namespace {

using namespace livecount;
using livecount::tests::run_together;
using Scope = Drain::Scope;

/// Notes its calls and answers as it was told. Any thread.
class FakeDrain final : public Drain {
 public:
  Report drain(Scope scope) noexcept override {
    std::unique_lock lock(mutex_);
    scopes_.push_back(scope);
    ++running_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    --running_;
    if (answers_.empty()) return {};
    const Report answer = answers_.front();
    answers_.pop_front();
    return answer;
  }

  /// From now on calls last until let_go.
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  /// What the next calls answer. Without this: all is written.
  void answer(std::deque<Report> answers) {
    const std::lock_guard lock(mutex_);
    answers_ = std::move(answers);
  }
  /// False only where a queue hangs.
  [[nodiscard]] bool wait_for_calls(std::size_t calls) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return scopes_.size() >= calls; });
  }
  [[nodiscard]] std::vector<Scope> scopes() const {
    const std::lock_guard lock(mutex_);
    return scopes_;
  }
  [[nodiscard]] std::size_t calls() const { return scopes().size(); }
  [[nodiscard]] int running() const {
    const std::lock_guard lock(mutex_);
    return running_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Scope> scopes_;
  std::deque<Report> answers_;
  int running_ = 0;
  bool held_ = false;
};

[[maybe_unused]] Drain::Report failure() {
  return {.failed = true, .left = false, .error = Errc::store_unavailable, .message = ""};
}
[[maybe_unused]] Drain::Report leftover() {
  return {.failed = false, .left = true, .error = Errc::ok, .message = ""};
}

/// Long enough for a thread that should do nothing to do something.
[[maybe_unused]] void give_it_time() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

template <class Queue>
void notify_of_everything(Queue& queue) {
  for (const Wake wake : {Wake::dirty, Wake::ripe, Wake::urgent}) queue.notify(wake);
  if constexpr (requires { queue.pump(); }) (void)queue.pump();
}

}  // namespace

TEMPLATE_TEST_CASE("a queue can be started, stopped, and stopped again", "", LIVECOUNT_TESTED_QUEUE) {
  FakeDrain drain;
  TestType queue({});
  queue.start(drain);
  queue.stop();
  queue.stop();
  CHECK(drain.calls() == 0);  // nobody has told it of anything
}

TEMPLATE_TEST_CASE("a queue that was never started goes without a trace", "", LIVECOUNT_TESTED_QUEUE) {
  const TestType queue({});
  CHECK(queue.pace().max_delay.count() >= 0);
}

TEMPLATE_TEST_CASE("after stop has returned drain is neither running nor called", "",
                   LIVECOUNT_TESTED_QUEUE) {
  for (int round = 0; round < 10; ++round) {
    FakeDrain drain;
    TestType queue({});
    queue.start(drain);
    std::atomic<bool> done{false};
    std::size_t calls = 0;
    int running = 0;
    run_together([&](int number, auto&) {
      if (number != 0) {
        while (!done) notify_of_everything(queue);
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      queue.stop();
      running = drain.running();
      calls = drain.calls();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      done = true;
    });
    REQUIRE(running == 0);
    REQUIRE(drain.calls() == calls);
    queue.stop();
  }
}

TEMPLATE_TEST_CASE("notify returns while drain is at work", "", LIVECOUNT_TESTED_QUEUE) {
  FakeDrain drain;
  TestType queue({});
  queue.start(drain);
  drain.hold();
  for (int i = 0; i < 1'000; ++i) {
    for (const Wake wake : {Wake::dirty, Wake::ripe, Wake::urgent}) queue.notify(wake);
  }
  drain.let_go();
  queue.stop();
}
