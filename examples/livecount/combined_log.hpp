// SPDX-License-Identifier: BSL-1.0
//
// Lines of web servers' access logs, in the common and in the combined format of Apache and nginx:
//
//     host ident user [17/May/2015:10:05:03 +0000] "GET /search?q=x HTTP/1.1" 200 20302 "referrer" "agent"
//
// A line counts 1 for its path (the target up to the first '?') and 1 for its status, and adds its size ('-'
// is 0) to the bytes of its path. Whatever follows the size is not looked at.
#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <string_view>
#include <system_error>

#include "events.hpp"

namespace program {

class CombinedLog : public LineParser {
 public:
  struct Wanted {
    bool path = true, status = true, bytes = true;
  };
  explicit CombinedLog(const Wanted& wanted) : wanted_(wanted) {}

  std::string_view parse(std::span<char> line, LineEvents& events) override {
    const char* at = line.data();
    const char* const end = at + line.size();
    std::chrono::sys_seconds time;
    std::string_view path, status;
    livecount::Count size = 0;

    if (!skip_user(at, end)) return "it does not begin with: host ident user [time]";
    if (!read_time(at, end, time)) return "the time is not of the form [dd/Mon/yyyy:HH:MM:SS +hhmm]";
    if (!read_path(at, end, path)) return "the request is not of the form \"METHOD target HTTP/x.y\"";
    if (!read_status(at, end, status)) return "the status is not three digits";
    if (!read_size(at, end, size)) return "the size is neither a number in range nor -";

    if (wanted_.path) events.add({time, "path", path, 1});
    if (wanted_.status) events.add({time, "status", status, 1});
    if (wanted_.bytes) events.add({time, "bytes", path, size});
    return {};
  }

 private:
  static const char* find(const char* from, const char* end, char wanted) {
    return static_cast<const char*>(std::memchr(from, wanted, static_cast<std::size_t>(end - from)));
  }
  static bool is_digit(char c) { return '0' <= c && c <= '9'; }
  /// Two digits as a number; -1 if they are none.
  static int two_digits(const char* at) {
    return is_digit(at[0]) && is_digit(at[1]) ? (at[0] - '0') * 10 + (at[1] - '0') : -1;
  }

  /// Moves to the '[' of the time. Only the user's name may hold spaces or brackets.
  static bool skip_user(const char*& at, const char* end) {
    for (int field = 0; field < 2; ++field) {
      const char* space = find(at, end, ' ');
      if (!space || space == at) return false;
      at = space + 1;
    }
    const char* bracket = find(at, end, '[');
    while (bracket && !begins_time(at, bracket, end)) bracket = find(bracket + 1, end, '[');
    at = bracket;
    return bracket != nullptr;
  }

  /// Whether the '[' stands behind a user and before a day.
  static bool begins_time(const char* user, const char* bracket, const char* end) {
    return bracket - user >= 2 && bracket[-1] == ' ' && end - bracket > 3 && two_digits(bracket + 1) >= 0 &&
           bracket[3] == '/';
  }

  /// Reads "[17/May/2015:10:05:03 +0000] ". Date and offset are seldom other than those of the line before.
  bool read_time(const char*& at, const char* end, std::chrono::sys_seconds& time) {
    if (end - at < 29) return false;
    const char* const clock = at + 12;
    if (std::memcmp(at + 1, date_text_.data(), date_text_.size()) != 0 && !read_date(at + 1)) return false;
    if (std::memcmp(clock + 10, offset_text_.data(), offset_text_.size()) != 0 && !read_offset(clock + 10)) {
      return false;
    }
    const int hour = two_digits(clock + 1), minute = two_digits(clock + 4), second = two_digits(clock + 7);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
    if (clock[0] != ':' || clock[3] != ':' || clock[6] != ':' || clock[9] != ' ') return false;
    if (clock[15] != ']' || clock[16] != ' ') return false;
    time =
        std::chrono::sys_seconds(date_) - offset_ + std::chrono::seconds(hour * 3600 + minute * 60 + second);
    at += 29;
    return true;
  }

  bool read_date(const char* at) {
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const std::size_t month = months.find(std::string_view(at + 3, 3));
    const int day = two_digits(at), century = two_digits(at + 7), year = two_digits(at + 9);
    if (day < 0 || century < 0 || year < 0 || month == months.npos || month % 3 != 0) return false;
    if (at[2] != '/' || at[6] != '/') return false;
    const std::chrono::year_month_day date{std::chrono::year(century * 100 + year),
                                           std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return false;
    date_ = date;
    std::memcpy(date_text_.data(), at, date_text_.size());
    return true;
  }

  bool read_offset(const char* at) {
    const int hours = two_digits(at + 1), minutes = two_digits(at + 3);
    if ((at[0] != '+' && at[0] != '-') || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
      return false;
    const std::chrono::minutes offset(hours * 60 + minutes);
    offset_ = at[0] == '+' ? offset : -offset;
    std::memcpy(offset_text_.data(), at, offset_text_.size());
    return true;
  }

  /// Reads "\"GET /search?q=x HTTP/1.1\" ". A quote within the request is written \" by the servers.
  static bool read_path(const char*& at, const char* end, std::string_view& path) {
    if (at == end || *at++ != '"') return false;
    const char* quote = find(at, end, '"');
    while (quote && is_escaped(at, quote)) quote = find(quote + 1, end, '"');
    if (!quote || end - quote < 2 || quote[1] != ' ') return false;

    const char* target = find(at, quote, ' ');
    if (!target || target == at) return false;
    ++target;
    const std::string_view rest(target, static_cast<std::size_t>(quote - target));
    const std::size_t space = rest.rfind(' ');
    if (space == rest.npos || space == 0 || !is_protocol(rest.substr(space + 1))) return false;
    path = rest.substr(0, space);
    path = path.substr(0, path.find('?'));
    at = quote + 2;
    return true;
  }

  static bool is_escaped(const char* begin, const char* quote) {
    const char* at = quote;
    while (at != begin && at[-1] == '\\') --at;
    return (quote - at) % 2 == 1;
  }

  /// "HTTP/1.1", "HTTP/2.0" or "HTTP/2".
  static bool is_protocol(std::string_view text) {
    if (text.substr(0, 5) != "HTTP/") return false;
    text.remove_prefix(5);
    if (text.size() == 1) return is_digit(text[0]);
    return text.size() == 3 && is_digit(text[0]) && text[1] == '.' && is_digit(text[2]);
  }

  static bool read_status(const char*& at, const char* end, std::string_view& status) {
    if (end - at < 4 || two_digits(at) < 0 || !is_digit(at[2]) || at[3] != ' ') return false;
    status = {at, 3};
    at += 4;
    return true;
  }

  static bool read_size(const char* at, const char* end, livecount::Count& size) {
    if (at == end) return false;
    if (*at == '-') return at + 1 == end || at[1] == ' ';
    if (!is_digit(*at)) return false;
    const auto [stop, error] = std::from_chars(at, end, size);
    return error == std::errc() && (stop == end || *stop == ' ' || *stop == '\r') &&
           livecount::in_range(size);
  }

  const Wanted wanted_;
  std::array<char, 11> date_text_{'0', '1', '/', 'J', 'a', 'n', '/', '1', '9', '7', '0'};  // of date_
  std::chrono::sys_days date_;
  std::array<char, 5> offset_text_{'+', '0', '0', '0', '0'};  // of offset_
  std::chrono::minutes offset_{};
};

}  // namespace program
