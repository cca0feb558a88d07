// SPDX-License-Identifier: BSL-1.0
#include <livecount/counter/bucket_clock.hpp>

#include <livecount/zone.hpp>

#include <atomic>

#include "support/catch.hpp"
#include "support/jitter_sync.hpp"
#include "support/threads.hpp"
#include "support/times.hpp"
#include "support/zones.hpp"

using namespace livecount;
using namespace livecount::tests;

TEST_CASE("a bucket clock answers what its calendar does, whatever was asked before") {
  const Calendar calendar = zoned_calendar(support::chicago_text);
  detail::BucketClock<StdSync> clock(calendar);
  // To and fro over the ends of hours, days and years, and over the hours in which clocks are moved.
  for (const char* const text : {"2011-03-13 07:59:00", "2011-11-06 06:30:00", "2012-01-01 05:59:59"}) {
    for (const std::int64_t step : {0, 3'600, -1, 59, 3'601, -3'600, 86'400, 1, 0}) {
      const Time time = support::time_of(support::number(support::utc(text)) + step);
      for (const PeriodType type : Periods::every()) {
        CHECK(clock.place(type, time).bucket == calendar.bucket(type, time));
        CHECK(clock.place(type, time).bucket == calendar.bucket(type, time));  // remembered
      }
    }
  }
}

TEST_CASE("a time outside of the years is refused, and what was remembered stays right") {
  const Calendar calendar;
  detail::BucketClock<StdSync> clock(calendar);
  const Time time = support::utc("1400-01-01");
  CHECK(clock.place(PeriodType::day, time).bucket == calendar.bucket(PeriodType::day, time));
  CHECK_THROWS_AS(clock.place(PeriodType::day, support::time_of(support::number(time) - 1)).bucket, Error);
  CHECK(clock.place(PeriodType::day, time).bucket == calendar.bucket(PeriodType::day, time));
}

TEST_CASE("threads that ask for different times are never given a mixture of two answers") {
  const Calendar calendar;
  detail::BucketClock<JitterSync> clock(calendar);
  std::atomic<int> wrong{0};
  run_together([&](int number, auto& random) {
    const std::int64_t home = number * 1'000;
    for (int i = 0; i < 20'000; ++i) {
      const Time time =
          support::time_of(random() % 4 == 0 ? home + 1 : home);  // the next second now and then
      if (clock.place(PeriodType::second, time).bucket != calendar.bucket(PeriodType::second, time)) ++wrong;
    }
  });
  CHECK(wrong == 0);
}
