// SPDX-License-Identifier: BSL-1.0
//
// Names are bytes; people, tab-separated files and JSON want text. How one becomes the other, and how wide it
// is.
#pragma once

#include <livecount/detail/utf8.hpp>

#include <clocale>
#include <cstddef>
#include <cstdint>
#include <cwchar>
#include <optional>
#include <string>
#include <string_view>

namespace program {

/// Appends `bytes` as a field of a tab-separated file: backslash, TAB and line feed are escaped.
inline void append_tsv(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      default: out += c;
    }
  }
}

/// Appends `bytes` as a field of a comma-separated file (RFC 4180): quoted where it must be, and where it is empty.
inline void append_csv(std::string& out, std::string_view bytes) {
  if (!bytes.empty() && bytes.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += bytes;
    return;
  }
  out += '"';
  for (const char c : bytes) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

[[nodiscard]] inline std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

[[nodiscard]] inline bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto character = livecount::detail::first_utf8(bytes);
    if (!character) return false;
    bytes.remove_prefix(character->size);
  }
  return true;
}

/// Columns of a terminal that a character takes; -1 if it must not be sent to one.
[[nodiscard]] inline int width(char32_t character) {
  static const bool wide_locale = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  if (character < 0x80) return character < 0x20 || character == 0x7F ? -1 : 1;
  return wide_locale ? ::wcwidth(static_cast<wchar_t>(character)) : character < 0xA0 ? -1 : 1;
}

/// Text for a terminal: printable, in at most `limit` columns; what is cut ends in an ellipsis.
struct Cell {
  std::string text;
  std::size_t columns = 0;
};

[[nodiscard]] inline Cell to_cell(std::string_view bytes, std::size_t limit = 1'000'000) {
  Cell cell;
  std::size_t cut_size = 0, cut_columns = 0;  // where an ellipsis would still fit
  while (!bytes.empty()) {
    if (cell.columns < limit) {
      cut_size = cell.text.size();
      cut_columns = cell.columns;
    }
    const auto character = livecount::detail::first_utf8(bytes);
    const int columns = character && character->value != '\\' ? width(character->value) : -1;
    const std::size_t size = columns < 0 ? 1 : character->size;
    if (columns < 0) {
      std::string escaped;
      append_tsv(escaped, bytes.substr(0, 1));
      if (escaped.size() == 1) escaped = "\\x" + to_hex(escaped);
      cell.text += escaped;
      cell.columns += escaped.size();
    } else {
      cell.text += bytes.substr(0, size);
      cell.columns += static_cast<std::size_t>(columns);
    }
    if (cell.columns > limit) return {cell.text.substr(0, cut_size) + "…", cut_columns + 1};
    bytes.remove_prefix(size);
  }
  return cell;
}

/// 1234567 as "1,234,567".
[[nodiscard]] inline std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

[[nodiscard]] inline std::string with_commas(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  return number < 0 ? "-" + with_commas(std::uint64_t{0} - bits) : with_commas(bits);
}

/// 1.2345 as "1.2".
[[nodiscard]] inline std::string with_tenths(double number) {
  const auto tenths = static_cast<std::uint64_t>(number * 10 + 0.5);
  return with_commas(tenths / 10) + "." + std::to_string(tenths % 10);
}

/// "1 line", "2 lines".
[[nodiscard]] inline std::string quantity(std::uint64_t number, std::string_view thing) {
  return with_commas(number) + " " + std::string(thing) + (number == 1 ? "" : "s");
}

}  // namespace program
