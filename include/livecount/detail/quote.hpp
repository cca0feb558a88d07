// SPDX-License-Identifier: BSL-1.0
// Bytes of unknown origin, made fit for a message: quoted, shortened, and with nothing a terminal would act
// upon.
#pragma once

#include <string>
#include <string_view>

namespace livecount::inline v0_1::detail {

/// The bytes in double quotes. Bytes that are not printable ASCII are shown as \xNN, quotes and backslashes
/// are escaped. Of more than 60 bytes the first 60 are shown, and how many there are.
[[nodiscard]] inline std::string quote(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t longest = 60;
  std::string text = "\"";
  for (const char byte : bytes.substr(0, longest)) {
    const auto value = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\') {
      text += {'\\', byte};
    } else if (value >= 0x20 && value < 0x7f) {
      text += byte;
    } else {
      text += {'\\', 'x', digits[value / 16U], digits[value % 16U]};
    }
  }
  if (bytes.size() <= longest) return text + '"';
  return text + "...\" (" + std::to_string(bytes.size()) + " bytes)";
}

}  // namespace livecount::inline v0_1::detail
