// SPDX-License-Identifier: BSL-1.0
//
// ManualQueue: changes are written when the program calls pump() or flush().
//
// For event loops, tests and simulations: no thread is started, and nothing happens at a time of its own
// choosing. What has not been pumped when the process dies is lost. Updates past `max_pending` need
// Limit::flush or Limit::refuse, or another thread that pumps: with Limit::block they wait in vain.
//
//     livecount::Counter<Cache, Store, livecount::ManualQueue> hits{{.when_full = Limit::flush}};
//     loop.every(1s, [&] { hits.queue().pump(); });
//
// Threads: pump from any thread; calls take turns. Throws: nothing. Progress: pump and stop wait for the store;
// the others are wait-free.
#pragma once

#include <atomic>

#include "../concepts.hpp"

namespace livecount::inline v0_1 {

class ManualQueue {
 public:
  struct Options {
    std::chrono::milliseconds max_delay{0};  // with a batch size: at this age a counter is written anyway
    std::uint32_t batch_size = 0;  // a counter is written once it has gathered so many changes; 0: always
  };
  static constexpr bool writes_through = false;

  explicit ManualQueue(Options options) noexcept : options_(options) {}

  /// Writes what is ripe. Does nothing before the queue has been started or after it has been stopped.
  Drain::Report pump() noexcept {
    // Sequentially consistent on both sides: either stop sees this pump, or it sees that it is stopped.
    pumping_.fetch_add(1, std::memory_order_seq_cst);
    Drain* const drain = drain_.load(std::memory_order_seq_cst);
    Drain::Report report = drain ? drain->drain(Drain::Scope::ripe) : Drain::Report{};
    if (pumping_.fetch_sub(1, std::memory_order_seq_cst) == 1) pumping_.notify_all();
    return report;
  }

  [[nodiscard]] Pace pace() const noexcept { return {options_.max_delay, options_.batch_size}; }
  void start(Drain& drain) noexcept { drain_.store(&drain, std::memory_order_release); }  // pairs with pump
  void notify(Wake) noexcept {}
  void stop() noexcept {
    drain_.store(nullptr, std::memory_order_seq_cst);
    while (const std::uint32_t pumping = pumping_.load(std::memory_order_seq_cst)) pumping_.wait(pumping);
  }

 private:
  const Options options_;
  std::atomic<Drain*> drain_{nullptr};
  std::atomic<std::uint32_t> pumping_{0};
};

static_assert(QueuePolicy<ManualQueue>);

}  // namespace livecount::inline v0_1
