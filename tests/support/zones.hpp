// SPDX-License-Identifier: BSL-1.0
// Zones to test with, and the C library's opinion of them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <livecount/calendar.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support/times.hpp"

namespace support {

inline constexpr const char* chicago_text = "CST6CDT,M3.2.0/2,M11.1.0/2";

/// All texts with rules that the zones of the tz database ended in when this was written, then other forms.
inline constexpr const char* zone_texts[] = {
    chicago_text,
    "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "<+11>-11<+12>,M10.1.0,M4.1.0/3",
    "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
    "<-01>1<+00>,M3.5.0/0,M10.5.0/1",
    "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    "<-03>3<-02>,M3.2.0,M11.1.0",
    "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "<-06>6<-05>,M9.1.6/22,M4.1.6/22",
    "ACST-9:30ACDT,M10.1.0,M4.1.0/3",
    "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "AKST9AKDT,M3.2.0,M11.1.0",
    "AST4ADT,M3.2.0,M11.1.0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "CST5CDT,M3.2.0/0,M11.1.0/1",
    "CST6CDT,M3.2.0,M11.1.0",
    "EET-2EEST,M3.4.4/50,M10.4.4/50",
    "EET-2EEST,M3.5.0,M10.5.0/3",
    "EET-2EEST,M3.5.0/0,M10.5.0/0",
    "EET-2EEST,M3.5.0/3,M10.5.0/4",
    "EET-2EEST,M4.5.5/0,M10.5.4/24",
    "EST5EDT,M3.2.0,M11.1.0",
    "GMT0BST,M3.5.0/1,M10.5.0",
    "HST10HDT,M3.2.0,M11.1.0",
    "IST-1GMT0,M10.5.0,M3.5.0/1",
    "IST-2IDT,M3.4.4/26,M10.5.0",
    "MET-1MEST,M3.5.0,M10.5.0/3",
    "MST7MDT,M3.2.0,M11.1.0",
    "NST3:30NDT,M3.2.0,M11.1.0",
    "NZST-12NZDT,M9.5.0,M4.1.0/3",
    "PST8PDT,M3.2.0,M11.1.0",
    "WET0WEST,M3.5.0/1,M10.5.0",
    "IST-5:30",
    "<-03>3",
    "<+0530>-5:30",
    "UTC0",
    "LMT-5:50:36",
    "LMT0:25:21",
    "<+14>-14",
    "<-12>+12",
    "<+0330>-3:30<+0430>,J79/24,J263/24",  // Tehran, until 2022
    "AAA3BBB,J60,J300",
    "AAA3BBB,59,299",
    "AAA3BBB,M3.1.0,J300/3:04:05",
    "AAA-3BBB-3:30,J31/1:30,J59/23:59:59",
    "AAA3BBB5,M5.3.3/-20,M9.2.1/100",
};

inline std::int64_t offset(const livecount::Calendar& calendar, livecount::Time time) {
  return calendar.local(time).time_since_epoch().count() - number(time);
}

/// The instants of a year at which a calendar's offset changes.
inline std::vector<livecount::Time> changes(const livecount::Calendar& calendar, int year) {
  std::vector<livecount::Time> found;
  const livecount::Time end = utc(std::to_string(year + 1) + "-01-01");
  for (livecount::Time time = utc(std::to_string(year) + "-01-01"); time < end;) {
    time = calendar.segment(livecount::PeriodType::all, time).until;
    if (time < end) found.push_back(time);
  }
  return found;
}

/// While it lives, the C library's local time is that of a zone.
class LocalZone {
 public:
  explicit LocalZone(const char* text) {
    if (const char* old = std::getenv("TZ")) old_ = old;
    setenv("TZ", text, 1);
    tzset();
  }
  ~LocalZone() {
    if (old_) {
      setenv("TZ", old_->c_str(), 1);
    } else {
      unsetenv("TZ");
    }
    tzset();
  }
  LocalZone(const LocalZone&) = delete;
  LocalZone& operator=(const LocalZone&) = delete;

  /// The local time as civil seconds.
  [[nodiscard]] static std::int64_t civil(std::time_t instant) {
    std::tm fields{};
    localtime_r(&instant, &fields);
    return timegm(&fields);
  }

 private:
  std::optional<std::string> old_;
};

}  // namespace support
