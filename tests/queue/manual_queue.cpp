// SPDX-License-Identifier: BSL-1.0
#include <livecount/queue/manual_queue.hpp>

#define LIVECOUNT_TESTED_QUEUE livecount::ManualQueue
#include "queue/contract.hpp"

TEST_CASE("a manual queue drains when it is pumped and at no other time") {
  STATIC_REQUIRE_FALSE(ManualQueue::writes_through);
  FakeDrain drain;
  ManualQueue queue({});
  queue.start(drain);
  for (const Wake wake : {Wake::dirty, Wake::ripe, Wake::urgent}) queue.notify(wake);
  give_it_time();
  CHECK(drain.calls() == 0);
  (void)queue.pump();
  (void)queue.pump();
  CHECK(drain.scopes() == std::vector{Scope::ripe, Scope::ripe});
  queue.stop();
}

TEST_CASE("a pump tells what became of it") {
  FakeDrain drain;
  ManualQueue queue({});
  queue.start(drain);
  drain.answer({failure(), leftover()});
  const Drain::Report failed = queue.pump();
  CHECK(failed.failed);
  CHECK(failed.error == Errc::store_unavailable);
  const Drain::Report left = queue.pump();
  CHECK_FALSE(left.failed);
  CHECK(left.left);
  queue.stop();
}

TEST_CASE("pumping before the start and after the stop does nothing") {
  FakeDrain drain;
  ManualQueue queue({});
  CHECK_FALSE(queue.pump().failed);
  queue.start(drain);
  queue.stop();
  CHECK_FALSE(queue.pump().failed);
  CHECK(drain.calls() == 0);
}

TEST_CASE("stop waits for a pump that is under way") {
  FakeDrain drain;
  ManualQueue queue({});
  queue.start(drain);
  drain.hold();
  std::thread pumping([&] { (void)queue.pump(); });
  REQUIRE(drain.wait_for_calls(1));
  std::atomic<bool> stopped{false};
  std::thread stopping([&] {
    queue.stop();
    stopped = true;
  });
  give_it_time();
  CHECK_FALSE(stopped);
  drain.let_go();
  pumping.join();
  stopping.join();
}

TEST_CASE("a manual queue has the pace it was given") {
  const Pace pace = ManualQueue({.max_delay = std::chrono::milliseconds(7), .batch_size = 5}).pace();
  CHECK(pace.max_delay == std::chrono::milliseconds(7));
  CHECK(pace.batch_size == 5);
  CHECK(ManualQueue({}).pace().max_delay.count() == 0);
  CHECK(ManualQueue({}).pace().batch_size == 0);
}
