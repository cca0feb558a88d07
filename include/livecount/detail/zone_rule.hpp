// SPDX-License-Identifier: BSL-1.0
// What a Calendar knows of its zone: the zone's text, and when its offset from UTC changes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "civil.hpp"

namespace livecount::inline v0_1::detail {

/// A run of instants [from, until) with one offset from UTC.
struct OffsetSpan {
  std::int64_t from;
  std::int64_t until;
  std::int64_t offset;
};

/// Immutable. The rules of a zone depend on nothing but the calendar of the year, and that repeats every 400
/// years; so the changes of one such cycle, computed once, answer for all years.
class ZoneRule {
 public:
  struct Change {
    std::int64_t at;      // seconds since 1970 UTC
    std::int64_t offset;  // what holds from then on
  };
  static constexpr int cycle_years = 400;
  static constexpr int first_year = 2000;
  static constexpr std::int64_t cycle_seconds = 146'097 * day_seconds;
  static constexpr std::int64_t cycle_begin =
      civil_seconds({std::chrono::year{first_year}, std::chrono::January, std::chrono::day{1}});
  static constexpr std::int64_t cycle_end = cycle_begin + cycle_seconds;

  /// Requires: the changes within [cycle_begin, cycle_end) in order, between two offsets in turn; or none,
  /// and `offset` is constant.
  ZoneRule(std::string text, std::int64_t offset, std::vector<Change> changes)
      : text_(std::move(text)),
        changes_(std::move(changes)),
        least_offset_(offset),
        greatest_offset_(offset) {
    if (changes_.empty()) return;
    least_offset_ = std::min(changes_.front().offset, changes_.back().offset);
    greatest_offset_ = std::max(changes_.front().offset, changes_.back().offset);
    const Change before{changes_.back().at - cycle_seconds, changes_.back().offset};
    const Change after{changes_.front().at + cycle_seconds, changes_.front().offset};
    changes_.insert(changes_.begin(), before);
    changes_.push_back(after);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] std::int64_t least_offset() const noexcept { return least_offset_; }
  [[nodiscard]] std::int64_t greatest_offset() const noexcept { return greatest_offset_; }

  /// The span around an instant. Requires: an instant within some thousands of years of now.
  [[nodiscard]] OffsetSpan span(std::int64_t instant) const noexcept {
    if (changes_.empty()) {
      return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
              least_offset_};
    }
    std::int64_t place = (instant - cycle_begin) % cycle_seconds;
    if (place < 0) place += cycle_seconds;
    place += cycle_begin;
    const std::int64_t shift = instant - place;
    // The changes are spread almost evenly: guess, then walk. The first one is before the cycle, the last
    // behind it.
    auto index = static_cast<std::size_t>(place - changes_.front().at) * (changes_.size() - 1) /
                 static_cast<std::size_t>(changes_.back().at - changes_.front().at);
    while (changes_[index].at > place) --index;
    while (changes_[index + 1].at <= place) ++index;
    return {changes_[index].at + shift, changes_[index + 1].at + shift, changes_[index].offset};
  }

 private:
  std::string text_;
  std::vector<Change> changes_;
  std::int64_t least_offset_;
  std::int64_t greatest_offset_;
};

}  // namespace livecount::inline v0_1::detail
