// SPDX-License-Identifier: BSL-1.0
// Comparing short byte strings where a call of memcmp would cost more than the comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace livecount::inline v0_1::detail {

template <class Word>
[[nodiscard]] inline Word load_bytes(const char* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// Whether two strings of this length are equal. Words are compared, the last of them overlapping the one before.
[[nodiscard]] inline bool same_bytes(const char* a, const char* b, std::size_t size) noexcept {
  using Long = std::uint64_t;
  using Short = std::uint32_t;
  if (size >= 2 * sizeof(Long)) {
    const auto differ = [&](std::size_t at) {
      return (load_bytes<Long>(a + at) ^ load_bytes<Long>(b + at)) |
             (load_bytes<Long>(a + at + sizeof(Long)) ^ load_bytes<Long>(b + at + sizeof(Long)));
    };
    const std::size_t last = size - 2 * sizeof(Long);
    for (std::size_t i = 0; i < last; i += 2 * sizeof(Long)) {
      if (differ(i) != 0) return false;
    }
    return differ(last) == 0;
  }
  if (size >= sizeof(Long)) {
    const std::size_t last = size - sizeof(Long);
    return load_bytes<Long>(a) == load_bytes<Long>(b) &&
           load_bytes<Long>(a + last) == load_bytes<Long>(b + last);
  }
  if (size >= sizeof(Short)) {
    const std::size_t last = size - sizeof(Short);
    return load_bytes<Short>(a) == load_bytes<Short>(b) &&
           load_bytes<Short>(a + last) == load_bytes<Short>(b + last);
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

/// The same of texts; what lies at one place need not be looked at.
[[nodiscard]] inline bool same_text(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && (a.data() == b.data() || same_bytes(a.data(), b.data(), a.size()));
}

}  // namespace livecount::inline v0_1::detail
