// SPDX-License-Identifier: BSL-1.0
//
// Questions about more than one counter. Counter::top, range, names and their like take them; a store that is a
// QuestionStore answers them, and what is not yet written is laid over its answer.
//
//     hits.top({.period = PeriodType::day, .ns = "path", .limit = 10});
//     hits.range("/index.html", {.period = PeriodType::hour, .ns = "path", .from = yesterday});
//
// Threads: all types here are values.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "options.hpp"

namespace livecount::inline v0_1 {

/// The largest counts of one bucket.
struct Top {
  PeriodType period = PeriodType::all;
  std::string_view ns = default_namespace;
  std::optional<Time> at = std::nullopt;  // in the bucket; nothing: now
  std::size_t limit = 20;
};

/// The counts of one name from bucket to bucket.
struct Range {
  PeriodType period = PeriodType::day;
  std::string_view ns = default_namespace;
  std::optional<Time> from = std::nullopt;  // in the first bucket; nothing: now
  std::optional<Time> to = std::nullopt;    // in the last bucket; nothing: now
};

/// The most buckets of one range.
inline constexpr std::size_t max_range = std::size_t{1} << 20;

struct BucketCount {
  Bucket bucket;
  Count count = 0;  // 0 also where nothing was ever counted
  friend bool operator==(const BucketCount&, const BucketCount&) = default;
};

/// The names that were counted.
struct Names {
  PeriodType period = PeriodType::all;
  std::string_view ns = default_namespace;
  std::optional<Time> at = std::nullopt;  // in one bucket; nothing: in any bucket of the period
  std::string_view prefix{};
  std::optional<std::string_view> after = std::nullopt;  // the last name of the page before
  std::size_t limit = 1000;
};

/// The counters of one bucket whose names begin with a prefix: with hierarchical names ("blog/2026/a") a branch.
struct Branch {
  PeriodType period = PeriodType::all;
  std::string_view ns = default_namespace;
  std::optional<Time> at = std::nullopt;  // nothing: now
  std::string_view prefix{};
};

/// The last complete buckets before a moment.
struct Recent {
  PeriodType period = PeriodType::minute;
  std::string_view ns = default_namespace;
  std::size_t buckets = 1;
  std::optional<Time> at = std::nullopt;  // nothing: now
};

/// One counter, read in both ways.
struct Reading {
  std::optional<Count> live;                            // with everything that this process has counted
  std::optional<Count> durable;                         // as the store has it
  std::optional<std::chrono::nanoseconds> pending_age;  // of the oldest change not yet stored, of any counter
};

}  // namespace livecount::inline v0_1
