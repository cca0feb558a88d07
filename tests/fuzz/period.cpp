// SPDX-License-Identifier: BSL-1.0
// Texts of periods, buckets, times and zones.
#include <livecount/time_text.hpp>
#include <livecount/zone.hpp>

#include <optional>

#include "fuzz/fuzz.hpp"

using namespace livecount;
using namespace livecount::tests;

namespace {

template <class F>
void try_to_read(F read) {
  try {
    read();
  } catch (const Error& error) {
    require(error.code() == Errc::invalid_text || error.code() == Errc::time_out_of_range ||
                error.code() == Errc::invalid_option,
            "a text is refused for what is in it");
  }
}

void read_time(std::string_view text, const Calendar& calendar) {
  const auto tried = try_parse_time(text, calendar);
  try_to_read([&] {
    const Time time = parse_time(text, calendar);
    require(tried == time, "both ways of reading agree");
    require(parse_time(to_text(time), calendar) == Time(time.seconds()), "a time is read as it was written");
  });
  if (!tried) return;
  for (const PeriodType type : Periods::every()) {
    try_to_read([&] {
      const Calendar::Segment segment = calendar.segment(type, *tried);
      if (type == PeriodType::all) return;
      require(segment.from <= *tried && *tried < segment.until, "a time lies in its bucket");
      require(parse_scope(type, to_scope(segment.bucket), calendar.week_start()) == segment.bucket,
              "a bucket is read as it was written");
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes input(text_of(data, size));
  const auto type = static_cast<PeriodType>(input.number() % 8);
  const WeekStart week_start = input.number() % 2 == 0 ? WeekStart::monday : WeekStart::sunday;
  const std::string_view zone = input.take(input.number());
  const std::string_view text = input.rest();
  try_to_read([&] {
    require(to_string(parse_period_type(text)) == text, "a period type is written as it was read");
  });
  try_to_read([&] {
    require(to_scope(parse_scope(type, text, week_start)) == text, "a bucket is written as it was read");
  });
  read_time(text, Calendar());
  std::optional<Calendar> calendar;
  try_to_read([&] { calendar.emplace(zoned_calendar(zone, week_start)); });
  if (calendar) read_time(text, *calendar);
  return 0;
}
