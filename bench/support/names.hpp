// SPDX-License-Identifier: BSL-1.0
//
// Names like URLs, 20 to 60 bytes, 40 on average, and streams of them as a program meets them: one after the other in
// a buffer, so that reading a name costs the same for every contender.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure.hpp"

namespace bench {

/// The i-th name. What tells names apart is at their end, as in URLs of one site.
[[nodiscard]] inline std::string name_of(std::uint64_t i) {
  constexpr std::string_view site = "http://a.io/";
  constexpr std::string_view path = "news/articles/2015/the-fastest-counter-";  // up to 40 bytes of it
  const auto number = static_cast<std::uint32_t>(i * 2'654'435'761U);           // odd: each name once
  std::string name(site);
  name += path.substr(0, number % 40);
  char digits[10];
  name.append(digits, static_cast<std::size_t>(
                          std::snprintf(digits, sizeof digits, "%08x%s", number, number % 2 ? "/" : "")));
  return name;
}

class Stream {
 public:
  /// `index`: called `size` times, says which name comes next.
  template <class F>
  Stream(std::size_t size, F index) {
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < size; ++i) {
      bytes_ += name_of(index());
      ends.push_back(bytes_.size());
    }
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      names_.emplace_back(bytes_.data() + begin, end - begin);
      begin = end;
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// So many names from a place that is another one for each `turn`.
  [[nodiscard]] std::span<const std::string_view> part(std::size_t count, std::size_t turn) const {
    count = std::min(count, names_.size());
    const std::size_t room = names_.size() - count + 1;
    return std::span(names_).subspan(turn * 1'000'003 % room, count);
  }
  [[nodiscard]] std::span<const std::string_view> all() const { return names_; }
  [[nodiscard]] std::size_t size() const { return names_.size(); }

 protected:
  std::string bytes_;
  std::vector<std::string_view> names_;
};

/// Before a span is timed, for the same reason as Contender::touch().
inline void read_ahead(std::span<const std::string_view> names) {
  std::uint64_t sum = 0;
  for (const std::string_view name : names) sum += static_cast<unsigned char>(name.back());
  keep(sum);
}

/// Names first, first + 1, ...: each once, in no order.
[[nodiscard]] inline Stream each_once(std::size_t count, std::uint64_t first = 0) {
  return Stream(count, [i = first]() mutable { return i++; });
}

/// The first names, each once and sorted: a database takes them faster so.
class SortedNames : public Stream {
 public:
  explicit SortedNames(std::size_t count) : Stream(count, [i = 0U]() mutable { return i++; }) {
    std::sort(names_.begin(), names_.end());
  }
};

/// Each of the names as likely as any other.
[[nodiscard]] inline Stream uniform(std::size_t size, std::size_t names) {
  return Stream(size, [random = std::mt19937_64(1), names]() mutable { return random() % names; });
}

/// By a Zipf law with exponent 0.99: the name of rank r with a probability proportional to r^-0.99. Ranks are spread
/// over the names, so that popular ones do not lie together in memory because they were made one after the other.
[[nodiscard]] inline Stream zipf(std::size_t size, std::size_t names) {
  std::vector<double> cumulated;
  double sum = 0;
  for (std::size_t i = 0; i < names; ++i)
    cumulated.push_back(sum += std::pow(static_cast<double>(i + 1), -0.99));
  return Stream(size, [random = std::mt19937_64(1), cumulated = std::move(cumulated), names]() mutable {
    const double at = std::uniform_real_distribution<>(0, cumulated.back())(random);
    const auto rank = std::lower_bound(cumulated.begin(), cumulated.end(), at) - cumulated.begin();
    return static_cast<std::uint64_t>(rank) * 7919 % names;  // a prime that divides none of our sizes
  });
}

}  // namespace bench
