// SPDX-License-Identifier: BSL-1.0
// Comparing short byte strings where a call of memcmp would cost more than the comparison.
#pragma once

#include <algorithm>
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

/// For same_bytes: of less than 16 bytes, or more than 64.
[[nodiscard]] inline bool same_short_or_long_bytes(const char* a, const char* b, std::size_t size) noexcept {
  using Long = std::uint64_t;
  using Short = std::uint32_t;
  if (size >= 2 * sizeof(Long)) return std::memcmp(a, b, size) == 0;
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

/// Whether two strings of this length are equal. Blocks are compared, the last of them overlapping those before; of 16 to
/// 64 bytes without a branch that hangs on the length, as the processor cannot guess the lengths of names.
[[nodiscard, gnu::always_inline]] inline bool same_bytes(const char* a, const char* b,
                                                         std::size_t size) noexcept {
  using Block [[gnu::vector_size(16)]] = std::uint64_t;
  constexpr std::size_t block = sizeof(Block);
  if (size - block > 3 * block) return same_short_or_long_bytes(a, b, size);
  const auto differ = [=](std::size_t at) { return load_bytes<Block>(a + at) ^ load_bytes<Block>(b + at); };
  const std::size_t last = size - block;
  const Block bits =
      differ(0) | differ(std::min(last, block)) | differ(std::max(last, block) - block) | differ(last);
  return (bits[0] | bits[1]) == 0;
}

/// The same of texts; what lies at one place need not be looked at.
[[nodiscard]] inline bool same_text(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && (a.data() == b.data() || same_bytes(a.data(), b.data(), a.size()));
}

}  // namespace livecount::inline v0_1::detail
