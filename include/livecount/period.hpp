// SPDX-License-Identifier: BSL-1.0
//
// Periods: what a count is a count of.
//
// An update counts into one bucket of each period type it names: the hour, the day, all time. An instant
// (Time) is the same everywhere; which day or hour it lies in depends on a zone. Buckets therefore begin at a
// *civil* time, the one on the wall clock of their calendar (calendar.hpp turns instants into buckets), and
// so the text of a bucket, its scope, needs no zone:
//
//     Bucket week = parse_scope(PeriodType::week, "2011-06-13week");
//     to_scope(week) == "2011-06-13week";                    // the date of the week's first day
//     Periods periods = PeriodType::hour | PeriodType::day;  // a set, one byte
//
// Scopes sort as text as they do in time. They hold the years 1400 to 9999, and the week that 1400 begins in,
// although it starts in 1399.
//
// Threads: all types here are values, all functions are pure.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "detail/civil.hpp"
#include "detail/quote.hpp"
#include "error.hpp"

namespace livecount::inline v0_1 {

/// The values reach the disk: never change one.
enum class PeriodType : std::uint8_t {
  second = 0,
  minute = 1,
  hour = 2,
  day = 3,
  week = 4,
  month = 5,
  year = 6,
  all = 7,
};

/// The day that weeks begin with. A Sunday's week is named by the Sunday's date.
enum class WeekStart : std::uint8_t { monday, sunday };

/// A stretch of civil time: one hour, one week, all time.
struct Bucket {
  PeriodType type = PeriodType::all;
  /// Where it begins: seconds since 1970-01-01T00:00:00 on its own calendar's clock. 0 for `all`.
  std::int64_t start = 0;

  friend constexpr auto operator<=>(const Bucket&, const Bucket&) = default;
};

namespace detail {

/// A bucket in one number, and back. What begins in the years 1400 to 9999 has room to spare.
[[nodiscard]] constexpr std::int64_t pack(Bucket bucket) noexcept {
  return bucket.start * 8 + static_cast<std::int64_t>(bucket.type);
}
[[nodiscard]] constexpr Bucket unpack(std::int64_t packed) noexcept {
  return {static_cast<PeriodType>(packed & 7), packed >> 3};
}

}  // namespace detail

/// An instant: whole seconds since 1970 UTC, without leap seconds. Finer clocks are floored.
class Time {
 public:
  constexpr Time() noexcept = default;
  template <class Duration>
  constexpr Time(std::chrono::sys_time<Duration> instant) noexcept  // NOLINT(google-explicit-constructor)
      : seconds_(std::chrono::floor<std::chrono::seconds>(instant)) {}

  [[nodiscard]] constexpr std::chrono::sys_seconds seconds() const noexcept { return seconds_; }
  friend constexpr auto operator<=>(const Time&, const Time&) = default;

 private:
  std::chrono::sys_seconds seconds_{};
};

/// A set of period types.
class Periods {
 public:
  class const_iterator;

  constexpr Periods() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor): one type is a set of one
  constexpr Periods(PeriodType type) noexcept
      : bits_(static_cast<std::uint8_t>(1U << static_cast<unsigned>(type))) {}
  [[nodiscard]] static constexpr Periods every() noexcept { return from_bits(0xff); }

  [[nodiscard]] constexpr bool contains(PeriodType type) const noexcept {
    return (bits_ & Periods(type).bits_) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  /// size() == 1, without counting.
  [[nodiscard]] constexpr bool is_single() const noexcept {
    return bits_ != 0 && (bits_ & (bits_ - 1U)) == 0;
  }
  [[nodiscard]] constexpr std::size_t size() const noexcept {
    return static_cast<std::size_t>(std::popcount(bits_));
  }

  /// From the shortest to the longest, `all` last.
  [[nodiscard]] constexpr const_iterator begin() const noexcept;
  [[nodiscard]] constexpr const_iterator end() const noexcept;

  friend constexpr Periods operator|(Periods a, Periods b) noexcept;
  friend constexpr bool operator==(Periods, Periods) noexcept = default;

 private:
  static constexpr Periods from_bits(unsigned bits) noexcept {
    Periods periods;
    periods.bits_ = static_cast<std::uint8_t>(bits);
    return periods;
  }
  std::uint8_t bits_ = 0;
};

/// "day". Unknown values, which only a cast can make, give "unknown".
[[nodiscard]] constexpr std::string_view to_string(PeriodType type) noexcept;
/// Throws: Error{invalid_text} that lists the valid names.
[[nodiscard]] inline PeriodType parse_period_type(std::string_view text);

/// "hour,day"; "" for the empty set.
[[nodiscard]] inline std::string to_string(Periods periods);
/// Reads names with single commas between them, in any order, each at most once.
/// Throws: Error{invalid_text}; also for the empty text.
[[nodiscard]] inline Periods parse_periods(std::string_view text);

/// "2011-06-15 18:11:32", "2011-06-15 18:11", "2011-06-15 18", "2011-06-15", "2011-06-13week", "2011-06",
/// "2011", "all". Throws: Error{time_out_of_range} if the bucket lies outside the years 1400 to 9999.
[[nodiscard]] inline std::string to_scope(Bucket bucket);
/// The other way: takes only what to_scope makes, so a week must be named by its first day.
/// Throws: Error{invalid_text}, Error{time_out_of_range}.
[[nodiscard]] inline Bucket parse_scope(PeriodType type, std::string_view text,
                                        WeekStart week_start = WeekStart::monday);

// ---------------------------------------------------------------------------------------------------------------

class Periods::const_iterator {
 public:
  using value_type = PeriodType;
  using difference_type = std::ptrdiff_t;
  using reference = PeriodType;
  using pointer = void;
  using iterator_category =
      std::input_iterator_tag;  // as `reference` is a value; it is multi-pass nevertheless
  using iterator_concept = std::forward_iterator_tag;

  constexpr const_iterator() noexcept = default;
  constexpr PeriodType operator*() const noexcept { return static_cast<PeriodType>(std::countr_zero(rest_)); }
  constexpr const_iterator& operator++() noexcept {
    rest_ = static_cast<std::uint8_t>(rest_ & (rest_ - 1U));
    return *this;
  }
  constexpr const_iterator operator++(int) noexcept {
    const const_iterator old = *this;
    ++*this;
    return old;
  }
  friend constexpr bool operator==(const_iterator, const_iterator) noexcept = default;

 private:
  friend class Periods;
  explicit constexpr const_iterator(std::uint8_t rest) noexcept : rest_(rest) {}
  std::uint8_t rest_ = 0;
};

constexpr Periods::const_iterator Periods::begin() const noexcept { return const_iterator(bits_); }
constexpr Periods::const_iterator Periods::end() const noexcept { return const_iterator(); }

/// Also joins a set and a type.
[[nodiscard]] constexpr Periods operator|(Periods a, Periods b) noexcept {
  return Periods::from_bits(static_cast<unsigned>(a.bits_) | static_cast<unsigned>(b.bits_));
}
[[nodiscard]] constexpr Periods operator|(PeriodType a, PeriodType b) noexcept {
  return Periods(a) | Periods(b);
}

constexpr std::string_view to_string(PeriodType type) noexcept {
  switch (type) {
    case PeriodType::second: return "second";
    case PeriodType::minute: return "minute";
    case PeriodType::hour: return "hour";
    case PeriodType::day: return "day";
    case PeriodType::week: return "week";
    case PeriodType::month: return "month";
    case PeriodType::year: return "year";
    case PeriodType::all: return "all";
  }
  return "unknown";
}

inline PeriodType parse_period_type(std::string_view text) {
  for (const PeriodType type : Periods::every()) {
    if (text == to_string(type)) return type;
  }
  throw Error(Errc::invalid_text,
              detail::quote(text) + " is no period type: it must be one of " + to_string(Periods::every()),
              "parse_period_type");
}

inline std::string to_string(Periods periods) {
  std::string text;
  for (const PeriodType type : periods) {
    if (!text.empty()) text += ',';
    text += to_string(type);
  }
  return text;
}

inline Periods parse_periods(std::string_view text) {
  Periods periods;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    const PeriodType type = parse_period_type(rest.substr(0, comma));
    if (periods.contains(type)) {
      throw Error(
          Errc::invalid_text,
          detail::quote(text) + " names " + std::string(to_string(type)) + " twice: name each type once",
          "parse_periods");
    }
    periods = periods | type;
    if (comma == std::string_view::npos) return periods;
    rest.remove_prefix(comma + 1);
  }
}

namespace detail {

/// What a scope of each type looks like; also how long it is.
[[nodiscard]] constexpr std::string_view scope_example(PeriodType type) noexcept {
  switch (type) {
    case PeriodType::second: return "2011-06-15 18:11:32";
    case PeriodType::minute: return "2011-06-15 18:11";
    case PeriodType::hour: return "2011-06-15 18";
    case PeriodType::day: return "2011-06-15";
    case PeriodType::week: return "2011-06-13week";
    case PeriodType::month: return "2011-06";
    case PeriodType::year: return "2011";
    case PeriodType::all: return "all";
  }
  return {};
}

inline constexpr std::string_view week_word = "week";
inline constexpr std::size_t date_length = 10;

/// The civil time at which the week of this civil time begins. 1400-01-01 was a Wednesday.
[[nodiscard]] constexpr std::int64_t week_begin(std::int64_t civil, WeekStart start) noexcept {
  const std::int64_t before = (start == WeekStart::monday ? 2 : 3) * day_seconds;
  const auto since = static_cast<std::uint64_t>(civil - (first_second - before - week_seconds));
  return civil - static_cast<std::int64_t>(since % static_cast<std::uint64_t>(week_seconds));
}

/// Whether a bucket that starts here has any of the civil times there are.
[[nodiscard]] constexpr bool scope_in_range(PeriodType type, std::int64_t start) noexcept {
  const std::int64_t first =
      type == PeriodType::week ? first_second - week_seconds + day_seconds : first_second;
  return type < PeriodType::all && first <= start && start < end_second;
}

[[noreturn]] inline void throw_scope_range(PeriodType type, std::int64_t start, const char* where) {
  throw Error(Errc::time_out_of_range,
              "a " + std::string(to_string(type)) + " that begins at " + describe_civil(start) +
                  " is outside the years 1400 to 9999",
              where);
}

[[noreturn]] inline void throw_scope_fault(PeriodType type, std::string_view text, std::string_view reason) {
  throw Error(Errc::invalid_text,
              quote(text) + " is no scope of the period type " + std::string(to_string(type)) +
                  ", such as \"" + std::string(scope_example(type)) + "\": " + std::string(reason),
              "parse_scope");
}

}  // namespace detail

inline std::string to_scope(Bucket bucket) {
  if (bucket.type == PeriodType::all) return "all";
  if (!detail::scope_in_range(bucket.type, bucket.start)) {
    detail::throw_scope_range(bucket.type, bucket.start, "to_scope");
  }
  const bool is_week = bucket.type == PeriodType::week;
  std::string text = detail::civil_text(bucket.start);
  text.resize(is_week ? detail::date_length : detail::scope_example(bucket.type).size());
  if (is_week) text += detail::week_word;
  return text;
}

inline Bucket parse_scope(PeriodType type, std::string_view text, WeekStart week_start) {
  if (type == PeriodType::all && text == "all") return {type, 0};
  const bool is_week = type == PeriodType::week;
  if (type == PeriodType::all || text.size() != detail::scope_example(type).size() ||
      (is_week && text.substr(detail::date_length) != detail::week_word)) {
    detail::throw_scope_fault(type, text, explain(detail::TimeFault::shape));
  }
  // A scope is the head of a whole time: complete it.
  std::array<char, 20> whole{"0000-01-01 00:00:00"};
  text.copy(whole.data(), is_week ? detail::date_length : text.size());
  std::int64_t start = 0;
  detail::TimeFault fault = detail::read_date(whole.data(), start);
  if (fault == detail::TimeFault::none) fault = detail::read_time_of_day(whole.data() + 11, start);
  if (fault == detail::TimeFault::none && whole[detail::date_length] != ' ') fault = detail::TimeFault::shape;
  if (fault != detail::TimeFault::none) detail::throw_scope_fault(type, text, explain(fault));
  if (!detail::scope_in_range(type, start)) detail::throw_scope_range(type, start, "parse_scope");
  if (const std::int64_t begin = detail::week_begin(start, week_start); is_week && begin != start) {
    const std::string right = detail::civil_text(begin).substr(0, detail::date_length);
    detail::throw_scope_fault(type, text, "a week is named by its first day, here " + right + "week");
  }
  return {type, start};
}

}  // namespace livecount::inline v0_1
