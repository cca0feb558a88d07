// SPDX-License-Identifier: BSL-1.0
// Civil time as one number, the seconds since 1970-01-01T00:00:00 of some calendar: its range, its text and
// back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace livecount::inline v0_1::detail {

inline constexpr std::int64_t minute_seconds = 60;
inline constexpr std::int64_t hour_seconds = 60 * minute_seconds;
inline constexpr std::int64_t day_seconds = 24 * hour_seconds;
inline constexpr std::int64_t week_seconds = 7 * day_seconds;

[[nodiscard]] constexpr std::int64_t civil_seconds(std::chrono::year_month_day date) noexcept {
  return std::int64_t{std::chrono::sys_days{date}.time_since_epoch().count()} * day_seconds;
}
/// The day of a civil time; floors, also before 1970.
[[nodiscard]] constexpr std::chrono::sys_days civil_day(std::int64_t seconds) noexcept {
  return std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{std::chrono::seconds{seconds}});
}

/// The range of civil times, [first_second, end_second): the years 1400 to 9999.
inline constexpr std::int64_t first_second =
    civil_seconds({std::chrono::year{1400}, std::chrono::January, std::chrono::day{1}});
inline constexpr std::int64_t end_second =
    civil_seconds({std::chrono::year{10000}, std::chrono::January, std::chrono::day{1}});
inline constexpr std::int64_t year_zero =
    civil_seconds({std::chrono::year{0}, std::chrono::January, std::chrono::day{1}});

inline void append_number(std::string& text, unsigned number, std::size_t width) {
  text.resize(text.size() + width);
  for (auto digit = text.rbegin(); width > 0; --width, ++digit, number /= 10) {
    *digit = static_cast<char>('0' + number % 10);
  }
}

/// "2011-06-15 18:11:32". Requires: a year 0 to 9999.
[[nodiscard]] inline std::string civil_text(std::int64_t seconds) {
  const std::chrono::sys_days day = civil_day(seconds);
  const std::chrono::year_month_day date{day};
  const auto rest = static_cast<unsigned>(seconds - civil_seconds(date));
  std::string text;
  text.reserve(20);
  append_number(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  append_number(text += '-', static_cast<unsigned>(date.month()), 2);
  append_number(text += '-', static_cast<unsigned>(date.day()), 2);
  append_number(text += ' ', rest / 3600, 2);
  append_number(text += ':', rest / 60 % 60, 2);
  append_number(text += ':', rest % 60, 2);
  return text;
}

/// A civil time for a message, also one far outside the range.
[[nodiscard]] inline std::string describe_civil(std::int64_t seconds) {
  if (year_zero <= seconds && seconds < end_second) return civil_text(seconds);
  return std::to_string(seconds) + " seconds since 1970";
}

/// What is wrong with the text of a time.
enum class TimeFault : std::uint8_t {
  none,
  shape,
  month,
  day,
  hour,
  minute,
  second,
  leap_second,
  year,
  fraction,
  offset
};

[[nodiscard]] constexpr std::string_view explain(TimeFault fault) noexcept {
  switch (fault) {
    case TimeFault::month: return "a month is 01 to 12";
    case TimeFault::day: return "that month does not have this day";
    case TimeFault::hour: return "an hour is 00 to 23";
    case TimeFault::minute: return "a minute is 00 to 59";
    case TimeFault::second: return "a second is 00 to 59";
    case TimeFault::leap_second: return "leap seconds are not counted, a second is 00 to 59";
    case TimeFault::year: return "years are 1400 to 9999";
    case TimeFault::fraction: return "a fraction is a point and 1 to 9 digits";
    case TimeFault::offset:
      return "after the time may stand Z, or an offset as +05:30, no further than 23:59";
    case TimeFault::shape:
    case TimeFault::none: break;
  }
  return "it is not of that form";
}

/// Reads `width` digits. Returns a negative number where one is no digit.
[[nodiscard]] constexpr int read_number(const char* text, int width) noexcept {
  int number = 0;
  for (int i = 0; i < width; ++i) {
    const int digit = text[i] - '0';
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/// Reads the ten bytes of "2011-06-15", any year 0000 to 9999. Adds midnight's civil time to `seconds`.
[[nodiscard]] constexpr TimeFault read_date(const char* text, std::int64_t& seconds) noexcept {
  const int year = read_number(text, 4);
  const int month = read_number(text + 5, 2);
  const int day = read_number(text + 8, 2);
  if (year < 0 || month < 0 || day < 0 || text[4] != '-' || text[7] != '-') return TimeFault::shape;
  if (month < 1 || month > 12) return TimeFault::month;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return TimeFault::day;
  seconds += civil_seconds(date);
  return TimeFault::none;
}

/// Reads the eight bytes of "18:11:32". Adds the seconds since midnight to `seconds`.
[[nodiscard]] constexpr TimeFault read_time_of_day(const char* text, std::int64_t& seconds) noexcept {
  const int hour = read_number(text, 2);
  const int minute = read_number(text + 3, 2);
  const int second = read_number(text + 6, 2);
  if (hour < 0 || minute < 0 || second < 0 || text[2] != ':' || text[5] != ':') return TimeFault::shape;
  if (hour > 23) return TimeFault::hour;
  if (minute > 59) return TimeFault::minute;
  if (second == 60) return TimeFault::leap_second;
  if (second > 59) return TimeFault::second;
  seconds += (hour * 60 + minute) * 60 + second;
  return TimeFault::none;
}

}  // namespace livecount::inline v0_1::detail
