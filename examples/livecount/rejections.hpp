// SPDX-License-Identifier: BSL-1.0
//
// The lines that could not be counted: how many, and what is wrong with the first few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "message.hpp"
#include "text.hpp"

namespace program {

/// Where a line stands. Files are compared by address.
struct Position {
  const std::string* file = nullptr;
  std::uint64_t line = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

/// Threads: any.
class Rejections {
 public:
  /// A line that is not of its format.
  void malformed(const Position& position, std::string_view reason, std::string_view line) {
    const std::lock_guard lock(mutex_);
    count(position, std::string(reason) + ": " + to_cell(line, 80).text);
  }

  /// A change that the counter refused. Several of one line may be refused, in several threads: it is one
  /// line.
  void refused(const Position& position, std::string_view reason) {
    const std::lock_guard lock(mutex_);
    if (refused_.insert(position).second) count(position, std::string(reason));
  }

  [[nodiscard]] std::uint64_t total() const {
    const std::lock_guard lock(mutex_);
    return total_;
  }
  /// Lines that are of their format but were refused.
  [[nodiscard]] std::size_t refusals() const {
    const std::lock_guard lock(mutex_);
    return refused_.size();
  }

 private:
  static constexpr std::uint64_t shown = 5;

  void count(const Position& position, const std::string& reason) {
    ++total_;
    if (total_ <= shown) say(*position.file + ":" + std::to_string(position.line) + ": " + reason);
    if (total_ == shown + 1) say("(further rejected lines are counted, not shown)");
  }

  mutable std::mutex mutex_;
  std::uint64_t total_ = 0;
  std::set<Position> refused_;
};

}  // namespace program
