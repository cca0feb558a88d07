// SPDX-License-Identifier: BSL-1.0
//
// A line that tells how far the reading is, its rate and the time left. Only on a terminal, ten times a
// second.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "text.hpp"

namespace program {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  /// `total` is the number of bytes to read; 0 if nobody knows.
  Progress(std::uint64_t total, bool quiet) : total_(total), shown_(!quiet && ::isatty(STDERR_FILENO) == 1) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::uint64_t done, std::uint64_t lines) {
    if (!shown_ || Clock::now() < next_) return;
    next_ = Clock::now() + std::chrono::milliseconds(100);
    const double seconds = this->seconds();
    std::string text = with_commas(lines) + " lines";
    if (seconds > 0.5) {
      text +=
          ", " + with_commas(static_cast<std::uint64_t>(static_cast<double>(lines) / seconds)) + " lines/s";
    }
    if (total_ > 0 && done > 0) {
      const double part = static_cast<double>(done) / static_cast<double>(total_);
      text = std::to_string(static_cast<int>(part * 100)) + " %  " + text;
      if (seconds > 0.5) text += ", " + with_tenths(seconds / part - seconds) + " s left";
    }
    std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
    drawn_ = true;
  }

  void clear() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - begin_).count();
  }

 private:
  const std::uint64_t total_;
  const bool shown_;
  bool drawn_ = false;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point next_ = begin_ + std::chrono::milliseconds(100);
};

}  // namespace program
