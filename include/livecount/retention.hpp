// SPDX-License-Identifier: BSL-1.0
//
// Retention: how long buckets are kept after their end, by period type. Horizons: since when they are kept by now.
//
//     Retention keep{{PeriodType::second, std::chrono::hours(1)}, {PeriodType::hour, std::chrono::days(30)}};
//
// A horizon is the first bucket of its type that is kept. It is stored with the data, and never moves back: what is
// older goes, and does not come again.
//
// Threads: both are values.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "calendar.hpp"
#include "error.hpp"
#include "period.hpp"
#include "record.hpp"
#include "selection.hpp"

namespace livecount::inline v0_1 {

class Retention {
 public:
  /// Nothing goes.
  constexpr Retention() noexcept = default;
  /// Buckets of these types are kept for so long after their end, from a second to 300 years; those of others for ever.
  /// Throws: Error{invalid_option}, also for `all`, which does not end.
  Retention(std::initializer_list<std::pair<PeriodType, std::chrono::seconds>> kept) {
    for (const auto& [type, duration] : kept) keep(type, duration);
  }
  /// The same for one more type.
  Retention& keep(PeriodType type, std::chrono::seconds duration) {
    if (type == PeriodType::all || duration < std::chrono::seconds(1) || duration > std::chrono::years(300)) {
      throw Error(Errc::invalid_option,
                  "a retention of " + std::to_string(duration.count()) + " s for the period " +
                      std::string(to_string(type)) +
                      ": it must be from a second to 300 years, and of a period that ends",
                  "retention");
    }
    durations_[static_cast<std::size_t>(type)] = duration;
    return *this;
  }

  /// Before which bucket of the type all are to go at that time: the first one that ends later than so long ago. In the hours
  /// before clocks are turned back, one that has its first end behind it still has another one before it.
  /// Throws: Error{time_out_of_range}. Requires: of(type) is not 0.
  [[nodiscard]] Bucket first_kept(PeriodType type, Time now, const Calendar& calendar) const {
    constexpr std::chrono::hours longest_fold{25};  // no zone turns its clocks back by more than this
    const std::chrono::sys_seconds since = now.seconds() - of(type);
    const auto turned_back = calendar.local(since) + longest_fold - calendar.local(since + longest_fold);
    return calendar.bucket(type, since - std::max(turned_back, std::chrono::seconds(0)));
  }
  /// 0: for ever.
  [[nodiscard]] constexpr std::chrono::seconds of(PeriodType type) const noexcept {
    return durations_[static_cast<std::size_t>(type)];
  }
  [[nodiscard]] constexpr bool empty() const noexcept {
    return std::all_of(durations_.begin(), durations_.end(),
                       [](std::chrono::seconds duration) { return duration.count() == 0; });
  }

 private:
  std::array<std::chrono::seconds, 8> durations_{};
};

class Horizons {
 public:
  static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::min();

  constexpr Horizons() noexcept { starts_.fill(none); }

  /// Where the first bucket that is kept begins (Bucket::start); none: all are kept.
  [[nodiscard]] constexpr std::int64_t operator[](PeriodType type) const noexcept {
    return starts_[static_cast<std::size_t>(type)];
  }
  [[nodiscard]] constexpr bool keeps(Bucket bucket) const noexcept {
    return bucket.start >= (*this)[bucket.type];
  }
  /// What is left of a selection.
  [[nodiscard]] constexpr Selection kept(Selection selection) const noexcept {
    selection.first = std::max(selection.first, (*this)[selection.type]);
    return selection;
  }
  /// Lets the buckets before this one go. False if they have gone already.
  constexpr bool raise(Bucket first) noexcept {
    std::int64_t& start = starts_[static_cast<std::size_t>(first.type)];
    if (first.start <= start) return false;
    start = first.start;
    return true;
  }
  /// The same for every type.
  constexpr void raise(const Horizons& others) noexcept {
    for (std::size_t i = 0; i < starts_.size(); ++i) starts_[i] = std::max(starts_[i], others.starts_[i]);
  }
  friend constexpr bool operator==(const Horizons&, const Horizons&) noexcept = default;

 private:
  std::array<std::int64_t, 8> starts_{};
};

/// For stores. Throws: Error{invalid_option}, for `all`, which does not end and so cannot go.
inline void require_ends(Bucket first) {
  if (first.type < PeriodType::all) return;
  throw Error(Errc::invalid_option, "the period all does not end, so there is no bucket of it to let go",
              "expire");
}

/// The positions of a batch's records that come too late. Throws: std::bad_alloc.
[[nodiscard]] inline std::vector<std::size_t> late_records(const Batch& batch, const Horizons& horizons) {
  std::vector<std::size_t> late;
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    if (!horizons.keeps(batch.records[i].key.bucket)) late.push_back(i);
  }
  return late;
}

}  // namespace livecount::inline v0_1
