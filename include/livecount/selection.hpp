// SPDX-License-Identifier: BSL-1.0
//
// Selection: which counters a question is about: those of one namespace and period type, in a stretch of
// buckets, with names that begin with a prefix.
//
//     Selection june{"path", {PeriodType::day, first}, {PeriodType::day, last}, "/blog/"};
//     june.contains(key);
//
// Threads: a value; it refers to bytes that its maker keeps alive.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "key.hpp"

namespace livecount::inline v0_1 {

struct Selection {
  std::string_view ns;
  PeriodType type = PeriodType::all;
  std::int64_t first = std::numeric_limits<std::int64_t>::min();  // Bucket::start of the first bucket
  std::int64_t last = std::numeric_limits<std::int64_t>::max();   // ... and of the last one
  std::string_view prefix{};                                      // of the names

  [[nodiscard]] constexpr bool contains(const KeyView& key) const noexcept {
    return key.bucket.type == type && first <= key.bucket.start && key.bucket.start <= last && key.ns == ns &&
           key.name.substr(0, prefix.size()) == prefix;
  }
};

/// All counters of one bucket.
[[nodiscard]] constexpr Selection only(std::string_view ns, Bucket bucket,
                                       std::string_view prefix = {}) noexcept {
  return {ns, bucket.type, bucket.start, bucket.start, prefix};
}

/// The least byte string that is above all those which begin with the prefix; nothing if there is none.
[[nodiscard]] inline std::optional<std::string> after_prefix(std::string_view prefix) {
  const std::size_t last = prefix.find_last_not_of('\xFF');
  if (last == std::string_view::npos) return std::nullopt;
  std::string end(prefix.substr(0, last + 1));
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace livecount::inline v0_1
