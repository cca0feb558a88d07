// SPDX-License-Identifier: BSL-1.0
//
// Calendar: which bucket an instant lies in, and which instants a bucket holds.
//
// A Calendar is a zone and the day that weeks begin with. UTC and fixed offsets are made here; zones with
// daylight-saving time are made from POSIX text by zone.hpp. The calendar is part of what stored counts mean.
//
//     Calendar calendar = Calendar::fixed(std::chrono::hours(1));
//     Bucket day = calendar.bucket(PeriodType::day, std::chrono::system_clock::now());
//     auto [from, until] = calendar.bounds(day);  // [from, until)
//
// When clocks are set back, an hour happens twice: it is one bucket of two hours, and a minute in it one
// bucket of two separate minutes. When they are set forward, the buckets in between hold no instant: nothing
// counts into them, and next() and previous() pass over them. Instants before 1970 are floored like all
// others.
//
// Civil times are limited to the years 1400 to 9999. Buckets that reach over an end (the first week, the last
// week, `all`) hold only the instants within.
//
// Threads: a Calendar is an immutable value, cheap to copy; all const members may be called from any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "detail/civil.hpp"
#include "detail/zone_rule.hpp"
#include "error.hpp"
#include "period.hpp"

namespace livecount::inline v0_1 {

class Calendar {
 public:
  /// UTC.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Calendar(WeekStart week_start = WeekStart::monday) noexcept : week_start_(week_start) {}
  /// A constant offset from UTC, positive to the east: whole minutes, less than 24 hours.
  /// Throws: Error{invalid_option}.
  [[nodiscard]] static Calendar fixed(std::chrono::seconds offset_east,
                                      WeekStart week_start = WeekStart::monday);
  /// For zone.hpp.
  [[nodiscard]] static Calendar ruled(std::shared_ptr<const detail::ZoneRule> rule,
                                      WeekStart week_start) noexcept;

  /// The bucket of this type that the instant lies in. A few arithmetic operations, no memory, no lock.
  /// Throws: Error{time_out_of_range} if the instant is outside the years 1400 to 9999 on this calendar's
  /// clock.
  [[nodiscard]] Bucket bucket(PeriodType type, Time time) const;

  struct Bounds {
    Time from, until;
    friend bool operator==(const Bounds&, const Bounds&) = default;
  };
  /// From the first instant of the bucket to the end of its last one. A minute that happened twice has an
  /// hour of other minutes between the two. If clocks were set forward over the whole bucket, from == until.
  /// Requires: a bucket as bucket() and parse_scope() make them. Throws: Error{time_out_of_range}.
  [[nodiscard]] Bounds bounds(Bucket bucket) const;

  /// The nearest later or earlier bucket of its type that holds an instant.
  /// Throws: Error{time_out_of_range} at the ends of the range, and for `all`, which has no neighbour.
  [[nodiscard]] Bucket next(Bucket bucket) const;
  [[nodiscard]] Bucket previous(Bucket bucket) const;

  struct Segment {
    Bucket bucket;
    Time from, until;
    friend bool operator==(const Segment&, const Segment&) = default;
  };
  /// The instant's bucket, and the longest run of instants around it in which this answer holds and the
  /// offset from UTC does not change: what a caller may remember. Throws: Error{time_out_of_range}.
  [[nodiscard]] Segment segment(PeriodType type, Time time) const;

  /// What the calendar's clock shows. Throws: Error{time_out_of_range}.
  [[nodiscard]] std::chrono::local_seconds local(Time time) const;
  /// When the clock shows this: of two instants the first; if clocks were set forward over it, as if they had
  /// not been. Throws: Error{time_out_of_range}.
  [[nodiscard]] Time to_utc(std::chrono::local_seconds local) const;

  /// "UTC", "+05:30", or the POSIX text as it was given: what is stored with the data, and what
  /// parse_calendar in zone.hpp reads.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] WeekStart week_start() const noexcept { return week_start_; }
  /// Compares text and week start: two texts for the same zone are two calendars.
  [[nodiscard]] friend bool operator==(const Calendar& a, const Calendar& b) {
    return a.week_start_ == b.week_start_ && a.text() == b.text();
  }

 private:
  [[nodiscard]] detail::OffsetSpan span(std::int64_t instant) const noexcept;
  [[nodiscard]] std::int64_t civil(std::int64_t instant) const;
  [[nodiscard]] Bounds hull(std::int64_t civil_from, std::int64_t civil_until) const noexcept;
  void require_range(PeriodType type, std::int64_t start, const char* where) const;
  [[noreturn]] void throw_range(std::int64_t instant, const char* clock, const char* where) const;

  std::shared_ptr<const detail::ZoneRule> rule_;  // null: the offset is constant
  std::int64_t offset_ = 0;
  WeekStart week_start_ = WeekStart::monday;
};

// ---------------------------------------------------------------------------------------------------------------

namespace detail {

/// x modulo n for civil times; 1400-01-01 is the beginning of a second, minute, hour and day.
[[nodiscard]] constexpr std::int64_t civil_rest(std::int64_t civil, std::int64_t n) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(civil - first_second) %
                                   static_cast<std::uint64_t>(n));
}

/// Where the bucket begins that holds a civil time. Requires: a civil time in the range.
[[nodiscard]] constexpr std::int64_t begin_of(PeriodType type, std::int64_t civil,
                                              WeekStart week_start) noexcept {
  switch (type) {
    case PeriodType::second: return civil;
    case PeriodType::minute: return civil - civil_rest(civil, minute_seconds);
    case PeriodType::hour: return civil - civil_rest(civil, hour_seconds);
    case PeriodType::day: return civil - civil_rest(civil, day_seconds);
    case PeriodType::week: return week_begin(civil, week_start);
    case PeriodType::month: {
      const std::chrono::year_month_day date{civil_day(civil)};
      return civil_seconds(date.year() / date.month() / 1);
    }
    case PeriodType::year: {
      const std::chrono::year_month_day date{civil_day(civil)};
      return civil_seconds(date.year() / std::chrono::January / 1);
    }
    case PeriodType::all: break;
  }
  return 0;
}

/// Where the bucket ends that begins here. Requires: not `all`.
[[nodiscard]] constexpr std::int64_t end_of(PeriodType type, std::int64_t start) noexcept {
  switch (type) {
    case PeriodType::second: return start + 1;
    case PeriodType::minute: return start + minute_seconds;
    case PeriodType::hour: return start + hour_seconds;
    case PeriodType::day: return start + day_seconds;
    case PeriodType::week: return start + week_seconds;
    case PeriodType::month: {
      const std::chrono::year_month_day date{civil_day(start)};
      return civil_seconds((date.year() / date.month() + std::chrono::months{1}) / 1);
    }
    case PeriodType::year: {
      const std::chrono::year_month_day date{civil_day(start)};
      return civil_seconds((date.year() + std::chrono::years{1}) / std::chrono::January / 1);
    }
    case PeriodType::all: break;
  }
  return end_second;
}

[[nodiscard]] constexpr std::int64_t to_number(Time time) noexcept {
  return time.seconds().time_since_epoch().count();
}
[[nodiscard]] constexpr Time to_time(std::int64_t seconds) noexcept {
  return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}

}  // namespace detail

inline Calendar Calendar::fixed(std::chrono::seconds offset_east, WeekStart week_start) {
  const std::int64_t offset = offset_east.count();
  if (offset <= -detail::day_seconds || offset >= detail::day_seconds ||
      offset % detail::minute_seconds != 0) {
    throw Error(Errc::invalid_option,
                "an offset of " + std::to_string(offset) +
                    " seconds from UTC cannot be used: it must be whole minutes and less than 24 hours",
                "Calendar::fixed");
  }
  Calendar calendar(week_start);
  calendar.offset_ = offset;
  return calendar;
}

inline Calendar Calendar::ruled(std::shared_ptr<const detail::ZoneRule> rule, WeekStart week_start) noexcept {
  Calendar calendar(week_start);
  calendar.rule_ = std::move(rule);
  return calendar;
}

inline detail::OffsetSpan Calendar::span(std::int64_t instant) const noexcept {
  if (rule_) return rule_->span(instant);
  return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), offset_};
}

/// The civil time of an instant, or the error.
inline std::int64_t Calendar::civil(std::int64_t instant) const {
  constexpr std::int64_t margin = 2 * detail::day_seconds;  // no offset is greater
  if (instant < detail::first_second - margin || instant >= detail::end_second + margin) [[unlikely]] {
    throw_range(instant, "UTC", "Calendar");
  }
  const std::int64_t civil = instant + (rule_ ? rule_->span(instant).offset : offset_);
  if (civil < detail::first_second || civil >= detail::end_second) [[unlikely]] {
    throw_range(instant, "UTC", "Calendar");
  }
  return civil;
}

inline Bucket Calendar::bucket(PeriodType type, Time time) const {
  return {type, detail::begin_of(type, civil(detail::to_number(time)), week_start_)};
}

/// The hull of the instants whose civil time is in [civil_from, civil_until), which may not be empty.
inline Calendar::Bounds Calendar::hull(std::int64_t civil_from, std::int64_t civil_until) const noexcept {
  if (!rule_) return {detail::to_time(civil_from - offset_), detail::to_time(civil_until - offset_)};
  const auto common = [&](const detail::OffsetSpan& span) {
    return std::pair{std::max(span.from, civil_from - span.offset),
                     std::min(span.until, civil_until - span.offset)};
  };
  detail::OffsetSpan span = rule_->span(civil_from - rule_->greatest_offset());
  const std::int64_t skipped = span.until;  // when clocks were set forward, if the bucket proves to be empty
  while (common(span).first >= common(span).second) {
    if (span.until > civil_until - rule_->least_offset())
      return {detail::to_time(skipped), detail::to_time(skipped)};
    span = rule_->span(span.until);
  }
  const std::int64_t from = common(span).first;
  span = rule_->span(civil_until - rule_->least_offset() - 1);
  while (common(span).first >= common(span).second) span = rule_->span(span.from - 1);
  return {detail::to_time(from), detail::to_time(common(span).second)};
}

inline Calendar::Bounds Calendar::bounds(Bucket bucket) const {
  if (bucket.type == PeriodType::all) return hull(detail::first_second, detail::end_second);
  require_range(bucket.type, bucket.start, "Calendar::bounds");
  return hull(std::max(bucket.start, detail::first_second),
              std::min(detail::end_of(bucket.type, bucket.start), detail::end_second));
}

inline Bucket Calendar::next(Bucket bucket) const {
  require_range(bucket.type, bucket.start, "Calendar::next");
  const Bucket next{bucket.type, detail::end_of(bucket.type, bucket.start)};
  require_range(next.type, next.start, "Calendar::next");
  const Bounds held = bounds(next);
  return held.from < held.until ? next : this->bucket(next.type, held.from);
}

inline Bucket Calendar::previous(Bucket bucket) const {
  require_range(bucket.type, bucket.start, "Calendar::previous");
  if (bucket.start <= detail::first_second)
    detail::throw_scope_range(bucket.type, bucket.start - 1, "Calendar::previous");
  const Bucket previous{bucket.type, detail::begin_of(bucket.type, bucket.start - 1, week_start_)};
  const Bounds held = bounds(previous);
  return held.from < held.until ? previous
                                : this->bucket(previous.type, held.from.seconds() - std::chrono::seconds(1));
}

inline Calendar::Segment Calendar::segment(PeriodType type, Time time) const {
  const std::int64_t instant = detail::to_number(time);
  const std::int64_t start = detail::begin_of(type, civil(instant), week_start_);
  const bool is_all = type == PeriodType::all;
  const std::int64_t from = is_all ? detail::first_second : std::max(start, detail::first_second);
  const std::int64_t until =
      is_all ? detail::end_second : std::min(detail::end_of(type, start), detail::end_second);
  const detail::OffsetSpan run = span(instant);
  return {{type, start},
          detail::to_time(std::max(run.from, from - run.offset)),
          detail::to_time(std::min(run.until, until - run.offset))};
}

inline std::chrono::local_seconds Calendar::local(Time time) const {
  return std::chrono::local_seconds{std::chrono::seconds{civil(detail::to_number(time))}};
}

inline Time Calendar::to_utc(std::chrono::local_seconds local) const {
  const std::int64_t civil = local.time_since_epoch().count();
  if (civil < detail::first_second || civil >= detail::end_second)
    throw_range(civil, "civil time", "Calendar::to_utc");
  if (!rule_) return detail::to_time(civil - offset_);
  // A greater offset gives the earlier instant: it is the answer where it is in force. Where neither is,
  // clocks were set forward, and the lesser one was in force before.
  const std::int64_t earlier = civil - rule_->greatest_offset();
  if (rule_->span(earlier).offset == rule_->greatest_offset()) return detail::to_time(earlier);
  return detail::to_time(civil - rule_->least_offset());
}

inline std::string Calendar::text() const {
  if (rule_) return rule_->text();
  if (offset_ == 0) return "UTC";
  const auto minutes = static_cast<unsigned>((offset_ < 0 ? -offset_ : offset_) / detail::minute_seconds);
  std::string text(1, offset_ < 0 ? '-' : '+');
  detail::append_number(text, minutes / 60, 2);
  detail::append_number(text += ':', minutes % 60, 2);
  return text;
}

inline void Calendar::require_range(PeriodType type, std::int64_t start, const char* where) const {
  if (type == PeriodType::all) {
    throw Error(Errc::time_out_of_range, "the period type all has one bucket: no other is before or after it",
                where);
  }
  if (!detail::scope_in_range(type, start)) detail::throw_scope_range(type, start, where);
}

inline void Calendar::throw_range(std::int64_t instant, const char* clock, const char* where) const {
  throw Error(Errc::time_out_of_range,
              "the time " + detail::describe_civil(instant) + " (" + clock +
                  ") is outside the years 1400 to 9999 of the calendar " + text(),
              where);
}

}  // namespace livecount::inline v0_1
