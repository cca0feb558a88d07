// SPDX-License-Identifier: BSL-1.0
//
// Zones: calendars with daylight-saving time, from POSIX text.
//
// The text names a zone's offset from UTC, positive to the west, and the rules by which daylight-saving time
// begins and ends. It holds for all years alike: what clocks did under former laws is not known to it.
//
//     Calendar chicago = zoned_calendar("CST6CDT,M3.2.0/2,M11.1.0/2");  // from the second Sunday of March, 2:00
//     Calendar india = zoned_calendar("IST-5:30");
//     Calendar sao_paulo = zoned_calendar("<-03>3");  // a name that is not all letters stands in <>
//     Calendar office = parse_calendar("+05:30");     // also "UTC", "Z", and all of the forms above
//     Counter<Cache, Store, Queue> hits{{.calendar = chicago}};
//
// On Linux and the BSDs `tail -n 1 /usr/share/zoneinfo/America/Chicago` prints the text of a zone. As in RFC
// 8536 hours in rules may be -167 to 167. The dates of the rules are worked out by Boost.Date_Time, which
// only this header includes; its own reader of such text is not used, as it reads the sign inverted and knows
// no <>.
//
// Threads: both functions are pure.
#pragma once

#include <boost/date_time/gregorian/gregorian_types.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calendar.hpp"
#include "detail/quote.hpp"
#include "detail/zone_rule.hpp"
#include "error.hpp"
#include "period.hpp"

namespace livecount::inline v0_1 {

/// A calendar from POSIX text. The text is kept as it is given.
/// Throws: Error{invalid_text} that says what is wrong and shows the right form.
[[nodiscard]] inline Calendar zoned_calendar(std::string_view posix_tz,
                                             WeekStart week_start = WeekStart::monday);

/// A calendar from "UTC", "Z", "+05:30", "-03:00" or POSIX text: all that Calendar::text() gives, and "Z".
/// Throws: Error{invalid_text}.
[[nodiscard]] inline Calendar parse_calendar(std::string_view text, WeekStart week_start = WeekStart::monday);

// ---------------------------------------------------------------------------------------------------------------

namespace detail {

/// One of the two moments of a year at which clocks are moved.
struct RuleMoment {
  enum class Form : std::uint8_t { month_week_day, day_without_leap_day, day_of_year };
  Form form = Form::month_week_day;
  int month = 0;
  int week = 0;  // 5 is the last one
  int day = 0;   // of the week, 0 is Sunday; or of the year
  std::int64_t time_of_day = 2 * hour_seconds;

  /// When clocks show this in a year, as civil seconds.
  [[nodiscard]] std::int64_t of_year(int year) const {
    namespace gregorian = boost::gregorian;
    const auto boost_year = static_cast<unsigned short>(year);
    gregorian::date date(boost_year, 1, 1);
    if (form == Form::month_week_day) {
      using Generator = gregorian::nth_day_of_the_week_in_month;
      date = Generator(static_cast<Generator::week_num>(week), static_cast<unsigned short>(day),
                       static_cast<unsigned short>(month))
                 .get_date(boost_year);
    } else if (form == Form::day_of_year) {
      date += gregorian::days(day);
    } else {
      const bool after_leap_day = day > 59 && gregorian::gregorian_calendar::is_leap_year(boost_year);
      date += gregorian::days(after_leap_day ? day : day - 1);
    }
    return std::int64_t{(date - gregorian::date(1970, 1, 1)).days()} * day_seconds + time_of_day;
  }
};

/// Reads "CST6CDT,M3.2.0/2,M11.1.0/2" piece by piece.
class PosixZoneReader {
 public:
  explicit PosixZoneReader(std::string_view text) noexcept : text_(text), rest_(text) {}

  [[nodiscard]] std::shared_ptr<const ZoneRule> read() {
    if (text_.substr(0, text_.find(',')).find('/') != std::string_view::npos) {
      refuse("names such as \"America/Chicago\" are not known here");
    }
    read_name();
    if (rest_.empty()) refuse("the offset from UTC is missing");
    const std::int64_t standard = read_offset();
    if (rest_.empty()) return constant(standard);
    read_name();
    const bool has_offset = !rest_.empty() && rest_.front() != ',';
    const std::int64_t daylight = has_offset ? read_offset() : standard + hour_seconds;
    if (rest_.empty()) {
      refuse("it names daylight-saving time, so it must say when that begins and ends, as in \"" +
             std::string(text_.substr(0, 30)) + ",M3.5.0,M10.5.0/3\" in Europe");
    }
    const RuleMoment begin = read_moment();
    const RuleMoment end = read_moment();
    if (!rest_.empty()) refuse("nothing may follow the second rule");
    return ruled(standard, daylight, begin, end);
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(Errc::invalid_text,
                quote(text_) + " is no POSIX text of a zone: " + reason +
                    "; such text looks like \"CST6CDT,M3.2.0/2,M11.1.0/2\" (Chicago) or \"IST-5:30\" (India)",
                "zoned_calendar");
  }

  [[nodiscard]] bool take(char byte) noexcept {
    if (rest_.empty() || rest_.front() != byte) return false;
    rest_.remove_prefix(1);
    return true;
  }

  [[nodiscard]] int read_number(std::size_t max_digits, int least, int greatest, const char* what) {
    int number = 0;
    std::size_t digits = 0;
    while (digits < rest_.size() && digits < max_digits && rest_[digits] >= '0' && rest_[digits] <= '9') {
      number = number * 10 + (rest_[digits++] - '0');
    }
    if (digits == 0 || number < least || number > greatest) {
      refuse(std::string(what) + " must be " + std::to_string(least) + " to " + std::to_string(greatest));
    }
    rest_.remove_prefix(digits);
    return number;
  }

  void read_name() {
    const auto is_letter = [](char byte) {
      return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    };
    const bool quoted = take('<');
    std::size_t length = 0;
    while (length < rest_.size() &&
           (is_letter(rest_[length]) ||
            (quoted && std::string_view("0123456789+-").find(rest_[length]) != std::string_view::npos))) {
      ++length;
    }
    rest_.remove_prefix(length);
    if (length < 3 || (quoted && !take('>'))) {
      refuse("a name must be three letters or more, or stand in < and > with letters, digits, + and -");
    }
  }

  /// [+-]hours[:minutes[:seconds]], as seconds.
  [[nodiscard]] std::int64_t read_hours(std::size_t max_digits, int greatest) {
    const bool negative = !take('+') && take('-');
    std::int64_t seconds = read_number(max_digits, 0, greatest, "hours") * hour_seconds;
    if (take(':'))
      seconds += read_two_digits("minutes") * minute_seconds;
    else
      return negative ? -seconds : seconds;
    if (take(':')) seconds += read_two_digits("seconds");
    return negative ? -seconds : seconds;
  }
  [[nodiscard]] int read_two_digits(const char* what) {
    const std::size_t before = rest_.size();
    const int number = read_number(2, 0, 59, what);
    if (before - rest_.size() != 2) refuse(std::string(what) + " must have two digits");
    return number;
  }
  /// Positive to the west in the text, positive to the east here.
  [[nodiscard]] std::int64_t read_offset() { return -read_hours(2, 24); }

  [[nodiscard]] RuleMoment read_moment() {
    if (!take(',')) refuse("two rules are needed, each after a comma");
    RuleMoment moment;
    if (take('M')) {
      moment.month = read_number(2, 1, 12, "the month of a rule");
      if (!take('.')) refuse("a rule is Mmonth.week.day");
      moment.week = read_number(1, 1, 5, "the week of a rule");
      if (!take('.')) refuse("a rule is Mmonth.week.day");
      moment.day = read_number(1, 0, 6, "the day of a rule (0 is Sunday)");
    } else if (take('J')) {
      moment.form = RuleMoment::Form::day_without_leap_day;
      moment.day = read_number(3, 1, 365, "the day of a J rule");
    } else {
      moment.form = RuleMoment::Form::day_of_year;
      moment.day = read_number(3, 0, 365, "a rule is Mmonth.week.day, Jday or a day of the year, which");
    }
    if (take('/')) moment.time_of_day = read_hours(3, 167);
    return moment;
  }

  [[nodiscard]] std::shared_ptr<const ZoneRule> constant(std::int64_t offset) const {
    return std::make_shared<const ZoneRule>(std::string(text_), offset, std::vector<ZoneRule::Change>{});
  }

  /// Works out the changes of one cycle, and of some years around it, as a rule may reach into another year.
  [[nodiscard]] std::shared_ptr<const ZoneRule> ruled(std::int64_t standard, std::int64_t daylight,
                                                      const RuleMoment& begin, const RuleMoment& end) const {
    using Change = ZoneRule::Change;
    if (standard == daylight) return constant(standard);
    if (standard - daylight >= day_seconds || daylight - standard >= day_seconds) {
      refuse("daylight-saving time may not move clocks by 24 hours or more");
    }
    const bool north =
        begin.of_year(ZoneRule::first_year) - standard < end.of_year(ZoneRule::first_year) - daylight;
    std::vector<Change> changes;
    for (int year = ZoneRule::first_year - 2; year < ZoneRule::first_year + ZoneRule::cycle_years + 2;
         ++year) {
      const Change on{begin.of_year(year) - standard, daylight};
      const Change off{end.of_year(year) - daylight, standard};
      if ((on.at < off.at) != north || on.at == off.at) refuse(too_close);
      append(changes, north ? on : off);
      append(changes, north ? off : on);
    }
    std::erase_if(changes, [](const Change& change) {
      return change.at < ZoneRule::cycle_begin || change.at >= ZoneRule::cycle_end;
    });
    if (changes.empty())
      return constant(north ? daylight : standard);  // each year's end is the next one's beginning
    return std::make_shared<const ZoneRule>(std::string(text_), standard, std::move(changes));
  }

  /// Two changes at one moment are none.
  void append(std::vector<ZoneRule::Change>& changes, const ZoneRule::Change& change) const {
    if (changes.empty() || change.at - changes.back().at >= day_seconds) return changes.push_back(change);
    if (change.at != changes.back().at) refuse(too_close);
    changes.pop_back();
  }

  static constexpr const char* too_close =
      "daylight-saving time and standard time must each last 24 hours or more, in the same order in every "
      "year";
  std::string_view text_;
  std::string_view rest_;
};

}  // namespace detail

inline Calendar zoned_calendar(std::string_view posix_tz, WeekStart week_start) {
  return Calendar::ruled(detail::PosixZoneReader(posix_tz).read(), week_start);
}

inline Calendar parse_calendar(std::string_view text, WeekStart week_start) {
  if (text == "UTC" || text == "Z") return Calendar(week_start);
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return zoned_calendar(text, week_start);
  const int hours = text.size() == 6 ? detail::read_number(text.data() + 1, 2) : -1;
  const int minutes = text.size() == 6 ? detail::read_number(text.data() + 4, 2) : -1;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || text[3] != ':') {
    throw Error(
        Errc::invalid_text,
        detail::quote(text) + " is no offset from UTC: it must look like \"+05:30\", no further than 23:59",
        "parse_calendar");
  }
  const std::chrono::seconds offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return Calendar::fixed(text[0] == '-' ? -offset : offset, week_start);
}

}  // namespace livecount::inline v0_1
