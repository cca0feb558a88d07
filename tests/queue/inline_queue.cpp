// SPDX-License-Identifier: BSL-1.0
#include <livecount/queue/inline_queue.hpp>

#define LIVECOUNT_TESTED_QUEUE livecount::InlineQueue
#include "queue/contract.hpp"

TEST_CASE("an inline queue leaves all writing to the updates themselves") {
  STATIC_REQUIRE(InlineQueue::writes_through);
  FakeDrain drain;
  InlineQueue queue({});
  CHECK(queue.pace().max_delay.count() == 0);
  CHECK(queue.pace().batch_size == 0);
  queue.start(drain);
  notify_of_everything(queue);
  give_it_time();
  queue.stop();
  CHECK(drain.calls() == 0);
}
