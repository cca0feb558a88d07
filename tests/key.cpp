// SPDX-License-Identifier: BSL-1.0
#include <livecount/key.hpp>

#include <algorithm>
#include <livecount/calendar.hpp>
#include <livecount/time_text.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/shared_data.hpp"

using namespace livecount;

namespace {

constexpr Bucket day{PeriodType::day, 1'308'096'000};        // 2011-06-15
constexpr Bucket second{PeriodType::second, 1'308'161'492};  // 2011-06-15 18:11:32

std::string refusal(std::string_view text) {
  const std::optional<Error> error = livecount::tests::error_of([&] { (void)parse_key(text); });
  if (!error) return "accepted";
  CHECK(error->code() == Errc::invalid_text);
  return error->what();
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the text of a key is namespace, period type, scope and name") {
  const Key key{"default", second, "foo"};
  CHECK(to_text(key).text == "default:second:2011-06-15 18:11:32:foo");
  CHECK(to_text(key).reversible);
  CHECK(to_partial_text(key) == "second:2011-06-15 18:11:32:foo");
  CHECK(to_text(KeyView{"", Bucket{}, ""}).text == ":all:all:");
}

TEST_CASE("keys of all bytes can be read back unless the namespace has a colon") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  std::string no_colon = bytes;
  no_colon.erase(no_colon.find(':'), 1);
  for (const std::string& ns : {std::string(), no_colon, std::string("a b")}) {
    for (const std::string& name : {std::string(), bytes, std::string(":"), std::string("all:all:x")}) {
      for (const Bucket& bucket : {day, second, Bucket{}}) {
        const Key key{ns, bucket, name};
        const KeyText text = to_text(key);
        CHECK(text.reversible);
        CHECK(parse_key(text.text) == key);
      }
    }
  }
}

TEST_CASE("a colon in the namespace makes a text that does not survive the return trip") {
  const Key key{"a:all:all", day, "n"};
  CHECK_FALSE(to_text(key).reversible);
  CHECK(parse_key(to_text(key).text) == Key{"a", Bucket{}, "day:2011-06-15:n"});
  CHECK_FALSE(to_text(KeyView{":", day, "n"}).reversible);
}

TEST_CASE("keys are read with the week start of their calendar") {
  CHECK(parse_key("ns:week:2011-06-12week:n", WeekStart::sunday).bucket.type == PeriodType::week);
  CHECK(contains(refusal("ns:week:2011-06-12week:n"), "2011-06-06week"));
}

TEST_CASE("malformed keys are refused with what is missing") {
  CHECK(contains(refusal(""), "no colon after a namespace"));
  CHECK(contains(refusal("default"), "no colon after a namespace"));
  CHECK(contains(refusal("default:day"), "no colon after a period type"));
  CHECK(contains(refusal("default:day:"), "no colon after a scope"));
  CHECK(contains(refusal("default:day:2011-06-15"), "no colon after a scope"));
  CHECK(contains(refusal("default:day:2011-06-15 foo"), "no colon after a scope"));
  CHECK(contains(refusal("default:all:all"), "default:day:2011-06-15:name"));
  CHECK(contains(refusal("default:weekly:all:foo"), "second,minute,hour"));
  CHECK(contains(refusal("default:day:2011-06-31:foo"), "does not have this day"));
  CHECK(contains(refusal("default:day:2011-06-1:foo"), "no colon after a scope"));
}

TEST_CASE("keys are ordered by namespace, period type, time and name, bytewise") {
  std::vector<Key> keys = {
      {"", day, "z"},
      {"a", second, "b"},
      {"a", second, "b\x01"},
      {"a", second, "\xff"},
      {"a", {second.type, second.start + 1}, ""},
      {"a", day, ""},
      {"a", day, "A"},
      {"a", day, "a"},
      {"a", {}, ""},
      {"a\x01", second, ""},
      {"b", second, ""},
      {"\x80", second, ""},
  };
  const std::vector<Key> sorted = keys;
  std::reverse(keys.begin(), keys.end());
  std::sort(keys.begin(), keys.end());
  CHECK(keys == sorted);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    CHECK(sorted[i - 1] < sorted[i]);
    CHECK(KeyView(sorted[i - 1]) < KeyView(sorted[i]));
    CHECK(KeyView(sorted[i - 1]) != KeyView(sorted[i]));
  }
  const Key key{"a", day, "n"};
  CHECK(key == KeyView(key));
}

TEST_CASE("every recorded key has the recorded text and unknown period types are refused") {
  const auto path = support::shared_file("golden/keys.tsv");
  if (!path) return;
  std::size_t made = 0;
  std::size_t refused = 0;
  std::size_t reversible = 0;
  for (const auto& row : support::read_table(*path)) {
    REQUIRE(row.size() == 6);
    CAPTURE(row[0], row[1], row[2], row[3]);
    const std::vector<std::string> known = {"second", "minute", "hour", "day",
                                            "week",   "month",  "year", "all"};
    if (std::find(known.begin(), known.end(), row[1]) == known.end()) {
      REQUIRE_THROWS_AS(parse_period_type(row[1]), Error);
      REQUIRE_THROWS_AS(parse_key(row[4]), Error);
      ++refused;
      continue;
    }
    const Time time = parse_time(row[2], Calendar());
    const Key key{row[0], Calendar().bucket(parse_period_type(row[1]), time), row[3]};
    const KeyText text = to_text(key);
    REQUIRE(text.text == row[4]);
    REQUIRE(to_partial_text(key) == row[5]);
    if (text.reversible) {
      REQUIRE(parse_key(text.text) == key);
      ++reversible;
    } else {
      REQUIRE(row[0].find(':') != std::string::npos);
    }
    ++made;
  }
  CHECK(made == 584);
  CHECK(refused == 24);
  CHECK(reversible == 483);
}
