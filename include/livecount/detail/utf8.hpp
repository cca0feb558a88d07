// SPDX-License-Identifier: BSL-1.0
// Names are bytes; some formats want UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace livecount::inline v0_1::detail {

struct Utf8Character {
  char32_t value;
  std::size_t size;  // bytes
};

/// The UTF-8 character that `bytes` begin with; none if that is not valid UTF-8 (too long, a surrogate, cut off).
/// Requires: at least one byte.
[[nodiscard]] inline std::optional<Utf8Character> first_utf8(std::string_view bytes) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (byte(0) < 0x80) return Utf8Character{byte(0), 1};
  const std::size_t size = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || bytes.size() < size) return std::nullopt;
  char32_t value = byte(0) & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  const char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return std::nullopt;
  return Utf8Character{value, size};
}

}  // namespace livecount::inline v0_1::detail
