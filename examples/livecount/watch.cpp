// SPDX-License-Identifier: BSL-1.0
//
// The command that shows the largest counts again and again, while others count.
#include <livecount/time_text.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
#include <thread>

#include "commands.hpp"
#include "message.hpp"
#include "rows.hpp"
#include "stop_signal.hpp"

namespace program {

namespace {

std::string now_text() {
  return livecount::to_text(
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()));
}

void show_frame(TopCommand top, bool terminal) {
  const std::string now = now_text();
  if (top.at.empty()) top.at = now;
  Output output;
  output.text = (terminal ? "\x1b[H\x1b[2J" : "") + top.store + ", " + now + "\n\n";
  output.flush();
  (void)program::top(top);
}

}  // namespace

int watch(const WatchCommand& command) {
  catch_stop_signals();
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const std::uint64_t frames = command.frames > 0 ? command.frames : terminal ? UINT64_MAX : 1;
  for (std::uint64_t frame = 1;; ++frame) {
    show_frame(command.top, terminal);
    if (frame == frames) return all_done;
    const auto next = std::chrono::steady_clock::now() + std::chrono::duration<double>(command.interval);
    while (!stop_requested() && std::chrono::steady_clock::now() < next) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (stop_requested()) return stop_signal.load() == SIGINT ? all_done : 128 + stop_signal.load();
  }
}

}  // namespace program
