// SPDX-License-Identifier: BSL-1.0
//
// What a line of input says: up to three changes of counts, or why it says none.
#pragma once

#include <livecount/livecount.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

namespace program {

/// One change of one counter. Namespace and name point into the text that was read.
struct Event {
  std::chrono::sys_seconds at;
  std::string_view ns;
  std::string_view name;
  livecount::Count delta = 1;
};

/// The changes of one line. They are all made or the line is rejected.
class LineEvents {
 public:
  static constexpr std::size_t capacity = 3;

  void clear() noexcept { size_ = 0; }
  void add(const Event& event) noexcept { events_[size_++] = event; }
  [[nodiscard]] const Event* begin() const noexcept { return events_.data(); }
  [[nodiscard]] const Event* end() const noexcept { return events_.data() + size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::array<Event, capacity> events_;
  std::size_t size_ = 0;
};

/// Reads lines of one format.
class LineParser {
 public:
  virtual ~LineParser() = default;
  /// Fills `events`, or returns what is wrong with the line (a literal; empty when nothing is). The line may
  /// be changed in place: names without their escapes are never longer than with them.
  virtual std::string_view parse(std::span<char> line, LineEvents& events) = 0;
};

}  // namespace program
