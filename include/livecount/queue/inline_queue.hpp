// SPDX-License-Identifier: BSL-1.0
//
// InlineQueue: no queue. Every update is committed before it returns.
//
// For counts of which none may be lost: an update costs a commit (concurrent ones share it), and a crash
// costs nothing that had returned. Where the store does not answer, the update throws Errc::not_yet_durable:
// it is counted and will be written once, with the next update or flush; do not repeat it. Also the smallest
// model of QueuePolicy.
//
//     livecount::Counter<livecount::LruCache, Store, livecount::InlineQueue> votes{...};
//
// Threads: all operations from any thread. Throws: nothing. Progress: wait-free; it is the updates that wait.
#pragma once

#include "../concepts.hpp"

namespace livecount::inline v0_1 {

class InlineQueue {
 public:
  struct Options {};
  static constexpr bool writes_through = true;

  explicit InlineQueue(Options) noexcept {}

  [[nodiscard]] Pace pace() const noexcept { return {std::chrono::milliseconds(0), 0}; }
  void start(Drain&) noexcept {}
  void notify(Wake) noexcept {}
  void stop() noexcept {}
};

static_assert(QueuePolicy<InlineQueue>);

}  // namespace livecount::inline v0_1
