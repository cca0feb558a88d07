// SPDX-License-Identifier: BSL-1.0
#include <livecount/queue/jthread_queue.hpp>

#include <algorithm>

#define LIVECOUNT_TESTED_QUEUE livecount::JthreadQueue
#include "queue/contract.hpp"

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// A world whose time is set by hand. Waiting for a retry takes no time and is noted.
struct SetSync : StdSync {
  struct condition_variable : std::condition_variable_any {
    template <class Lock, class Predicate>
    bool wait_for(Lock&, const std::stop_token&, milliseconds delay, Predicate predicate) {
      const std::lock_guard lock(noting);
      retries.push_back(delay);
      return predicate();
    }
    template <class Lock, class Predicate>
    bool wait_until(Lock& lock, const std::stop_token& stop, time_point until, Predicate predicate) {
      while (!predicate() && SetSync::now() < until && !stop.stop_requested()) {
        std::condition_variable_any::wait_for(lock, milliseconds(1));
      }
      return predicate();
    }
  };

  [[nodiscard]] static time_point now() noexcept { return time_point(milliseconds(time)); }
  [[nodiscard]] static std::uint64_t random() noexcept { return drawn; }

  static void begin() {
    time = 0;
    drawn = 0;
    retries.clear();
  }
  [[nodiscard]] static std::vector<milliseconds> noted() {
    const std::lock_guard lock(noting);
    return retries;
  }

  static inline std::atomic<int> time{0};  // milliseconds
  static inline std::atomic<std::uint64_t> drawn{0};
  static inline std::mutex noting;
  static inline std::vector<milliseconds> retries;  // under noting
};

/// A queue that is stopped before its drain goes.
template <class Queue>
struct Running {
  explicit Running(const typename Queue::Options& options) : queue(options) { queue.start(drain); }
  FakeDrain drain;
  Queue queue;
};
using Timed = Running<JthreadQueue>;
using Set = Running<BasicJthreadQueue<SetSync>>;

std::vector<milliseconds> in_milliseconds(const std::vector<int>& numbers) {
  return {numbers.begin(), numbers.end()};
}

}  // namespace

TEST_CASE("a jthread queue has the pace it was given") {
  STATIC_REQUIRE_FALSE(JthreadQueue::writes_through);
  JthreadQueue::Options options;
  CHECK(JthreadQueue(options).pace().max_delay == milliseconds(200));
  CHECK(JthreadQueue(options).pace().batch_size == 0);
  options.max_delay = milliseconds(7);
  options.batch_size = 5;
  CHECK(JthreadQueue(options).pace().max_delay == milliseconds(7));
  CHECK(JthreadQueue(options).pace().batch_size == 5);
}

TEST_CASE("what is ripe is drained at once") {
  Timed running({.max_delay = hours(1)});
  running.queue.notify(Wake::ripe);
  CHECK(running.drain.wait_for_calls(1));
  running.queue.stop();
  CHECK(running.drain.scopes() == std::vector{Scope::ripe});
}

TEST_CASE("when somebody waits for room everything is drained at once") {
  Timed running({.max_delay = hours(1)});
  running.queue.notify(Wake::dirty);
  running.queue.notify(Wake::urgent);
  CHECK(running.drain.wait_for_calls(1));
  running.queue.stop();
  CHECK(running.drain.scopes() == std::vector{Scope::everything});
}

TEST_CASE("what is dirty is drained after max_delay and not before") {
  Timed running({.max_delay = milliseconds(50)});
  for (std::size_t i = 1; i <= 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    running.queue.notify(Wake::dirty);
    REQUIRE(running.drain.wait_for_calls(i));
    CHECK(std::chrono::steady_clock::now() - begin >= milliseconds(50));
  }
  running.queue.stop();
  CHECK(running.drain.scopes() == std::vector(3, Scope::ripe));
}

TEST_CASE("the delay begins with the first change and does not slide with others") {
  SetSync::begin();
  Set running({.max_delay = milliseconds(100)});
  for (int time = 0; time < 100; time += 10) {
    SetSync::time = time;
    running.queue.notify(Wake::dirty);
  }
  SetSync::time = 99;
  give_it_time();
  CHECK(running.drain.calls() == 0);
  SetSync::time = 100;
  CHECK(running.drain.wait_for_calls(1));
}

TEST_CASE("what comes during a drain is not forgotten") {
  Timed running({.max_delay = milliseconds(1)});
  std::size_t calls = 0;
  for (const Wake wake : {Wake::dirty, Wake::ripe, Wake::urgent}) {
    running.drain.hold();
    running.queue.notify(Wake::ripe);
    REQUIRE(running.drain.wait_for_calls(++calls));
    running.queue.notify(wake);
    running.drain.let_go();
    REQUIRE(running.drain.wait_for_calls(++calls));
  }
  running.queue.stop();
  CHECK(running.drain.scopes().back() == Scope::everything);
}

TEST_CASE("what a drain leaves is drained later, without being told again") {
  Timed running({.max_delay = milliseconds(1)});
  running.drain.answer({leftover(), leftover(), leftover()});
  running.queue.notify(Wake::ripe);
  CHECK(running.drain.wait_for_calls(4));
  give_it_time();
  CHECK(running.drain.calls() == 4);
}

TEST_CASE("what a drain leaves because it is not ripe keeps its time") {
  SetSync::begin();
  Set running({.max_delay = milliseconds(100), .batch_size = 5});
  running.drain.answer({leftover()});
  running.queue.notify(Wake::dirty);
  SetSync::time = 60;
  running.queue.notify(Wake::ripe);  // another counter
  REQUIRE(running.drain.wait_for_calls(1));
  give_it_time();
  SetSync::time = 99;
  give_it_time();
  CHECK(running.drain.calls() == 1);
  SetSync::time = 100;
  CHECK(running.drain.wait_for_calls(2));
}

TEST_CASE("what was in a loader's hands is tried again soon, not after another delay") {
  SetSync::begin();
  Set running({.max_delay = milliseconds(100)});
  Drain::Report held = leftover();
  held.held = true;
  running.drain.answer({held});
  running.queue.notify(Wake::dirty);
  SetSync::time = 100;
  REQUIRE(running.drain.wait_for_calls(1));
  give_it_time();
  SetSync::time = 101;
  CHECK(running.drain.wait_for_calls(2));
}

TEST_CASE("what becomes dirty during a long drain does not wait longer because something was left") {
  SetSync::begin();
  Set running({.max_delay = milliseconds(100), .batch_size = 5});
  running.drain.answer({leftover()});
  running.drain.hold();
  running.queue.notify(Wake::ripe);
  REQUIRE(running.drain.wait_for_calls(1));
  running.queue.notify(Wake::dirty);
  SetSync::time = 90;
  running.drain.let_go();
  give_it_time();
  CHECK(running.drain.calls() == 1);
  SetSync::time = 100;
  CHECK(running.drain.wait_for_calls(2));
}

TEST_CASE("a drain that wants to be called again is, when nothing is dirty, and sooner when something is") {
  SetSync::begin();
  Set running({.max_delay = milliseconds(100)});
  Drain::Report again;
  again.again = milliseconds(1'000);
  running.drain.answer({again, again});
  running.queue.notify(Wake::dirty);
  SetSync::time = 100;
  REQUIRE(running.drain.wait_for_calls(1));
  give_it_time();
  SetSync::time = 1'099;
  give_it_time();
  CHECK(running.drain.calls() == 1);
  SetSync::time = 1'100;
  REQUIRE(running.drain.wait_for_calls(2));
  give_it_time();
  running.queue.notify(Wake::dirty);
  SetSync::time = 1'200;
  REQUIRE(running.drain.wait_for_calls(3));
  give_it_time();
  SetSync::time = 10'000;
  give_it_time();
  CHECK(running.drain.calls() == 3);  // it does not want to be called any more
}

TEST_CASE("after failures it tries again, at half to all of a delay that doubles up to the last one") {
  SetSync::begin();
  Set running({.max_delay = hours(1), .first_retry = milliseconds(100), .last_retry = milliseconds(1'000)});
  running.drain.answer(std::deque(6, failure()));
  running.queue.notify(Wake::ripe);
  REQUIRE(running.drain.wait_for_calls(7));
  give_it_time();
  CHECK(running.drain.calls() == 7);  // the last one went well
  const std::vector<milliseconds> noted = SetSync::noted();
  const std::vector<milliseconds> longest = in_milliseconds({100, 200, 400, 800, 1'000, 1'000});
  REQUIRE(noted.size() == longest.size());
  for (std::size_t i = 0; i < noted.size(); ++i) {
    CHECK(noted[i] >= longest[i] / 2);
    CHECK(noted[i] <= longest[i]);
  }
}

TEST_CASE("after a success it begins with the first delay again, and no two processes march in step") {
  SetSync::begin();
  Set running({.max_delay = hours(1), .first_retry = milliseconds(100), .last_retry = milliseconds(1'000)});
  for (int i = 0; i < 20; ++i) {  // once in as many worlds
    SetSync::time = i;
    SetSync::drawn = static_cast<std::uint64_t>(i);
    running.drain.answer({failure()});
    running.queue.notify(Wake::ripe);
    REQUIRE(running.drain.wait_for_calls(2 * static_cast<std::size_t>(i) + 2));
  }
  running.queue.stop();
  const std::vector<milliseconds> noted = SetSync::noted();
  REQUIRE(noted.size() == 20);
  const auto [least, most] = std::minmax_element(noted.begin(), noted.end());
  CHECK(*least >= milliseconds(50));
  CHECK(*most <= milliseconds(100));
  CHECK(*least != *most);
}

TEST_CASE("it tries again also without a delay") {
  Timed running({.max_delay = hours(1), .first_retry = milliseconds(0)});
  running.drain.answer(std::deque(3, failure()));
  running.queue.notify(Wake::ripe);
  CHECK(running.drain.wait_for_calls(4));
}

TEST_CASE("a delay for ever is one, and stopping does not wait for it") {
  Timed running({.max_delay = milliseconds::max()});
  running.queue.notify(Wake::dirty);
  give_it_time();
  running.queue.stop();
  CHECK(running.drain.calls() == 0);
}

TEST_CASE("delays of any size are bounded to what they can mean") {
  SetSync::begin();
  const auto [first, last, expected] = GENERATE(
      // the delay before the second try is at least ...
      std::tuple(milliseconds::max(), milliseconds::max(), longest_wait / 2),
      std::tuple(milliseconds::min(), milliseconds::min(), milliseconds(0)),
      std::tuple(milliseconds(100), milliseconds(-1), milliseconds(50)));
  Set running({.max_delay = milliseconds::min(), .first_retry = first, .last_retry = last});
  running.drain.answer(std::deque(3, failure()));
  running.queue.notify(Wake::dirty);  // a delay below zero is none
  REQUIRE(running.drain.wait_for_calls(4));
  running.queue.stop();
  for (const milliseconds retry : SetSync::noted()) {
    CHECK(retry >= expected);
    CHECK(retry <= longest_wait);
  }
}

TEST_CASE("stopping waits neither for max_delay nor for the next try") {
  {
    Timed running({.max_delay = hours(1)});
    running.queue.notify(Wake::dirty);
    give_it_time();
    running.queue.stop();
    CHECK(running.drain.calls() == 0);
  }
  Timed running({.max_delay = hours(1), .first_retry = hours(1), .last_retry = hours(1)});
  running.drain.answer({failure()});
  running.queue.notify(Wake::ripe);
  REQUIRE(running.drain.wait_for_calls(1));
  give_it_time();
  running.queue.stop();
  CHECK(running.drain.calls() == 1);
}

TEST_CASE("stopping waits for a drain that is under way") {
  Timed running({.max_delay = hours(1)});
  running.drain.hold();
  running.queue.notify(Wake::ripe);
  REQUIRE(running.drain.wait_for_calls(1));
  std::atomic<bool> stopped{false};
  std::thread stopping([&] {
    running.queue.stop();
    stopped = true;
  });
  give_it_time();
  CHECK_FALSE(stopped);
  running.drain.let_go();
  stopping.join();
}

TEST_CASE("a jthread queue that goes stops first") {
  FakeDrain drain;
  {
    JthreadQueue queue({});
    queue.start(drain);
    queue.notify(Wake::ripe);
    REQUIRE(drain.wait_for_calls(1));
  }
  CHECK(drain.running() == 0);
}
