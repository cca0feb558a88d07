// SPDX-License-Identifier: BSL-1.0
//
// SIGINT (Ctrl-C), SIGTERM and SIGHUP ask the program to stop; it then writes what it has counted. A second
// one kills it. SIGHUP stays ignored where it is (nohup). SIGPIPE is ignored: that nobody reads the messages
// any more is no reason to lose counts.
#pragma once

#include <csignal>

#include <atomic>

namespace program {

/// The signal that asked to stop; 0 while none has.
inline std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

[[nodiscard]] inline bool stop_requested() noexcept {
  return stop_signal.load(std::memory_order_relaxed) != 0;
}

inline void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = [](int signal) {
    if (stop_signal.exchange(signal, std::memory_order_relaxed) == 0) return;
    std::signal(signal, SIG_DFL);
    std::raise(signal);  // takes effect when this handler returns
  };
  // No SA_RESTART: a read that waits for input must return.
  sigemptyset(&action.sa_mask);
  struct sigaction before {};
  sigaction(SIGHUP, nullptr, &before);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (signal != SIGHUP || before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace program
