// SPDX-License-Identifier: BSL-1.0
#include <livecount/retention.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;
using enum PeriodType;

TEST_CASE("a retention is told for each period type that ends, and else is for ever") {
  const Retention kept{{second, 1h}, {hour, std::chrono::days(30)}, {second, 2h}};
  CHECK(kept.of(second) == 2h);
  CHECK(kept.of(hour) == 720h);
  CHECK(kept.of(day) == 0s);
  CHECK_FALSE(kept.empty());
  CHECK(Retention().empty());
  CHECK(Retention().keep(year, 1s).of(year) == 1s);
  for (const auto& [type, duration] : {std::pair<PeriodType, std::chrono::seconds>{all, 1h},
                                       {day, 0s},
                                       {day, -1s},
                                       {day, std::chrono::years(301)},
                                       {day, std::chrono::seconds::max()}}) {
    const auto error = error_of([&, t = type, d = duration] { (void)Retention{{t, d}}; });
    REQUIRE(error);
    CHECK(error->code() == Errc::invalid_option);
    CHECK(std::string(error->what()).find(to_string(type)) != std::string::npos);
  }
}

TEST_CASE("a horizon moves on, and never back") {
  Horizons horizons;
  CHECK(horizons.keeps({second, INT64_MIN}));
  CHECK(horizons.raise({day, 86'400}));
  CHECK_FALSE(horizons.raise({day, 86'400}));
  CHECK_FALSE(horizons.raise({day, 0}));
  CHECK(horizons[day] == 86'400);
  CHECK(horizons[hour] == Horizons::none);
  CHECK_FALSE(horizons.keeps({day, 86'399}));
  CHECK(horizons.keeps({day, 86'400}));
  CHECK(horizons.keeps({hour, 0}));
  CHECK(horizons.kept(Selection{"ns", day}).first == 86'400);
  CHECK(horizons.kept(Selection{"ns", day, 90'000}).first == 90'000);
  CHECK(horizons.kept(Selection{"ns", hour}).first == INT64_MIN);
}

TEST_CASE("the records of a batch that come too late are named by their positions") {
  Horizons horizons;
  horizons.raise({day, 86'400});
  const std::vector<Record> records{{{"ns", {day, 0}, "a"}, {1}},
                                    {{"ns", {day, 86'400}, "a"}, {1}},
                                    {{"ns", {hour, 0}, "a"}, {1}},
                                    {{"ns", {day, -86'400}, "a"}, removal}};
  CHECK(late_records(Batch{{}, 0, 1, records}, horizons) == std::vector<std::size_t>{0, 3});
  CHECK(late_records(Batch{{}, 0, 1, records}, Horizons()).empty());
}

}  // namespace
