// SPDX-License-Identifier: BSL-1.0
#include <livecount/selection.hpp>

#include <string>

#include "support/catch.hpp"

namespace {

using namespace livecount;

TEST_CASE(
    "a selection contains the names with its prefix, in its buckets, of its namespace and period type") {
  const Selection days{"ns", PeriodType::day, 100, 200, "a/"};
  CHECK(days.contains({"ns", {PeriodType::day, 100}, "a/"}));
  CHECK(days.contains({"ns", {PeriodType::day, 200}, "a/b"}));
  CHECK_FALSE(days.contains({"ns", {PeriodType::day, 99}, "a/b"}));
  CHECK_FALSE(days.contains({"ns", {PeriodType::day, 201}, "a/b"}));
  CHECK_FALSE(days.contains({"ns", {PeriodType::hour, 100}, "a/b"}));
  CHECK_FALSE(days.contains({"n", {PeriodType::day, 100}, "a/b"}));
  CHECK_FALSE(days.contains({"ns", {PeriodType::day, 100}, "a"}));
  CHECK_FALSE(days.contains({"ns", {PeriodType::day, 100}, "b/a/"}));
}

TEST_CASE("a selection of one bucket contains all its names, unless it has a prefix") {
  const Bucket day{PeriodType::day, 86'400};
  CHECK(only("ns", day).contains({"ns", day, ""}));
  CHECK(only("ns", day).contains({"ns", day, "\xFF"}));
  CHECK_FALSE(only("ns", day).contains({"ns", {PeriodType::day, 86'401}, ""}));
  CHECK(only("", day, "x").contains({"", day, "x"}));
  CHECK_FALSE(only("", day, "x").contains({"", day, "y"}));
}

TEST_CASE("what comes after a prefix is the least string above all that begin with it") {
  CHECK(after_prefix("a") == "b");
  CHECK(after_prefix("a\xFF\xFF") == "b");
  CHECK(after_prefix("a\x7F") == "a\x80");
  CHECK(after_prefix(std::string("\0", 1)) == "\x01");
  CHECK(after_prefix("") == std::nullopt);
  CHECK(after_prefix("\xFF\xFF") == std::nullopt);
}

}  // namespace
