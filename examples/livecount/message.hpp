// SPDX-License-Identifier: BSL-1.0
//
// Messages to the person at the terminal, on standard error, where they do not disturb the output.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace program {

/// Exit statuses.
inline constexpr int all_done = 0, not_all_done = 1, wrong_usage = 2, store_failed = 3, unsound = 4;

/// Prints one line, over a line of progress if there is one.
inline void say(const std::string& line) {
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const std::string text = (terminal ? "\r\x1b[K" : "") + line + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

inline void complain(const std::string& what) { say("livecount: " + what); }

}  // namespace program
