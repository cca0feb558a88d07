// SPDX-License-Identifier: BSL-1.0
//
// SIGINT (Ctrl-C) and SIGTERM ask the program to stop; it then writes what it has counted. A second one kills
// it.
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
  action.sa_handler = [](int signal) { stop_signal.store(signal, std::memory_order_relaxed); };
  action.sa_flags =
      static_cast<int>(SA_RESETHAND);  // and no SA_RESTART: a read that waits for input must return
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

}  // namespace program
