// SPDX-License-Identifier: BSL-1.0
//
// Events as text, one a line, fields separated by a TAB:
//
//     2015-05-17T10:05:03Z    path    /index.html    1
//
// The time is RFC 3339 or "YYYY-MM-DD HH:MM:SS"; without an offset it is read in the input's zone. A negative
// delta is a decrement. In namespace and name a backslash is written \\, a TAB \t and a line feed \n, and
// nothing else is escaped.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "events.hpp"

namespace program {

/// Takes the escapes out of `text`, in place. False if there is an unknown one.
inline bool unescape(std::span<char>& text) {
  std::size_t size = std::string_view(text.data(), text.size()).find('\\');
  if (size == std::string_view::npos) return true;
  for (std::size_t at = size; at < text.size(); ++at) {
    char c = text[at];
    if (c == '\\') {
      if (++at == text.size()) return false;
      switch (text[at]) {
        case '\\': c = '\\'; break;
        case 't': c = '\t'; break;
        case 'n': c = '\n'; break;
        default: return false;
      }
    }
    text[size++] = c;
  }
  text = text.first(size);
  return true;
}

class Tsv : public LineParser {
 public:
  /// Times without an offset are read by `input_zone`.
  explicit Tsv(const livecount::Calendar& input_zone) : input_zone_(input_zone) {}

  std::string_view parse(std::span<char> line, LineEvents& events) override {
    std::span<char> time, ns, name;
    if (!cut(line, time) || !cut(line, ns) || !cut(line, name))
      return "it has fewer than the four fields: time, namespace, name, delta";
    if (!read_time({time.data(), time.size()})) {
      return "the time is neither YYYY-MM-DD HH:MM:SS nor RFC 3339 (2015-05-17T10:05:03Z)";
    }
    if (!unescape(ns)) return "the namespace has a backslash that is not part of \\\\, \\t or \\n";
    if (!unescape(name)) return "the name has a backslash that is not part of \\\\, \\t or \\n";
    livecount::Count delta = 0;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), delta);
    if (line.empty() || error == std::errc::invalid_argument || stop != line.data() + line.size()) {
      return "the delta is not a whole number, or there are more than four fields";
    }
    if (error != std::errc() || !livecount::in_range(delta)) return "the delta is out of range";
    events.add({time_, {ns.data(), ns.size()}, {name.data(), name.size()}, delta});
    return {};
  }

 private:
  /// Moves the text before the first TAB of `line` to `field`.
  static bool cut(std::span<char>& line, std::span<char>& field) {
    const std::size_t tab = std::string_view(line.data(), line.size()).find('\t');
    if (tab == std::string_view::npos) return false;
    field = line.first(tab);
    line = line.subspan(tab + 1);
    return true;
  }

  bool read_time(std::string_view text) {
    if (text == time_text_ && !text.empty()) return true;
    const std::optional<livecount::Time> time = livecount::try_parse_time(text, input_zone_);
    if (!time) return false;
    time_ = time->seconds();
    time_text_.assign(text);
    return true;
  }

  livecount::Calendar input_zone_;
  std::string time_text_;  // of the line before, which often has the same
  std::chrono::sys_seconds time_;
};

}  // namespace program
