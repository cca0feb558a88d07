// SPDX-License-Identifier: BSL-1.0
//
// The text of a time: reading and writing instants.
//
// Three forms are read, strictly: a date, which means its midnight; a date and a time of day; and the same
// with its offset from UTC (RFC 3339). Without an offset the time is what the clocks of `input_zone` show. A
// fraction of a second is allowed and cut off, a leap second (:60) is refused.
//
//     Calendar utc;
//     parse_time("2011-06-15 18:11:32", utc) == parse_time("2011-06-15T20:11:32.5+02:00", utc);
//     to_text(parse_time("2011-06-15", utc)) == "2011-06-15T00:00:00Z";
//     if (auto time = try_parse_time(field, utc)) count(*time);
//
// Threads: all functions are pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "calendar.hpp"
#include "detail/civil.hpp"
#include "detail/quote.hpp"
#include "error.hpp"
#include "period.hpp"

namespace livecount::inline v0_1 {

namespace detail {

/// What may follow the time of day: a fraction, which is passed over, then Z or an offset.
[[nodiscard]] inline TimeFault read_time_tail(std::string_view rest, const Calendar& input_zone,
                                              std::int64_t civil, Time& time) noexcept {
  if (!rest.empty() && rest[0] == '.') {
    std::size_t end = 1;
    while (end < rest.size() && rest[end] >= '0' && rest[end] <= '9') ++end;
    if (end < 2 || end > 10) return TimeFault::fraction;
    rest.remove_prefix(end);
  }
  if (rest.empty()) {
    time = input_zone.to_utc(
        std::chrono::local_seconds{std::chrono::seconds{civil}});  // in range: throws nothing
    return TimeFault::none;
  }
  std::int64_t offset = 0;
  if (rest != "Z") {
    if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':') return TimeFault::offset;
    const int hours = read_number(rest.data() + 1, 2);
    const int minutes = read_number(rest.data() + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return TimeFault::offset;
    offset = hours * hour_seconds + minutes * minute_seconds;
    if (rest[0] == '-') offset = -offset;
  }
  time = to_time(civil - offset);
  return TimeFault::none;
}

[[nodiscard]] inline TimeFault read_time(std::string_view text, const Calendar& input_zone,
                                         Time& time) noexcept {
  if (text.size() < date_length) return TimeFault::shape;
  std::int64_t civil = 0;
  if (const TimeFault fault = read_date(text.data(), civil); fault != TimeFault::none) return fault;
  if (civil < first_second) return TimeFault::year;
  if (text.size() == date_length) return read_time_tail({}, input_zone, civil, time);
  constexpr std::size_t whole_length = 19;
  if (text.size() < whole_length || (text[date_length] != ' ' && text[date_length] != 'T'))
    return TimeFault::shape;
  if (const TimeFault fault = read_time_of_day(text.data() + date_length + 1, civil);
      fault != TimeFault::none) {
    return fault;
  }
  return read_time_tail(text.substr(whole_length), input_zone, civil, time);
}

}  // namespace detail

/// Reads a time of the years 1400 to 9999. `input_zone` matters only where the text has no offset.
/// Throws: Error{invalid_text} or Error{time_out_of_range} that says what is wrong.
[[nodiscard]] inline Time parse_time(std::string_view text, const Calendar& input_zone) {
  Time time;
  const detail::TimeFault fault = detail::read_time(text, input_zone, time);
  if (fault == detail::TimeFault::none) return time;
  throw Error(
      fault == detail::TimeFault::year ? Errc::time_out_of_range : Errc::invalid_text,
      detail::quote(text) +
          " is no time, such as \"2011-06-15 18:11:32\", \"2011-06-15T18:11:32Z\" or \"2011-06-15\": " +
          std::string(explain(fault)),
      "parse_time");
}

/// The same, for many lines of which some are bad: nothing is thrown or allocated.
[[nodiscard]] inline std::optional<Time> try_parse_time(std::string_view text,
                                                        const Calendar& input_zone) noexcept {
  Time time;
  if (detail::read_time(text, input_zone, time) != detail::TimeFault::none) return std::nullopt;
  return time;
}

/// "2011-06-15T18:11:32Z". Instants outside the years 0000 to 9999 give the seconds since 1970:
/// "@253402300800".
[[nodiscard]] inline std::string to_text(Time time) {
  const std::int64_t seconds = detail::to_number(time);
  if (seconds < detail::year_zero || seconds >= detail::end_second) return '@' + std::to_string(seconds);
  std::string text = detail::civil_text(seconds);
  text[detail::date_length] = 'T';
  return text += 'Z';
}

}  // namespace livecount::inline v0_1
