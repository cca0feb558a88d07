// SPDX-License-Identifier: BSL-1.0
#include <livecount/record.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace livecount;

namespace {

constexpr Bucket day{PeriodType::day, 1'308'096'000};

static_assert(in_range(0) && in_range(max_count) && in_range(min_count));
static_assert(!in_range(max_count + 1) && !in_range(min_count - 1));
static_assert(!in_range(std::numeric_limits<Count>::max()) && !in_range(no_floor));
static_assert(max_count == (Count{1} << 58) && min_count == -max_count);

static_assert(Transform{5, no_floor}.apply(-7) == -2);  // an increment
static_assert(Transform{-5, 0}.apply(3) == 0);          // a floored decrement
static_assert(Transform{no_floor, 4}.apply(99) == 4);   // a reset to 4
static_assert(Transform{-5, 0}.then({3, no_floor}) == Transform{-2, 3});
static_assert(Transform{3, no_floor}.then({-5, 0}) == Transform{-2, 0});
static_assert(Transform{3, no_floor}.then(removal) == removal && reset_to_zero.then(removal) == removal);
static_assert(removal.then({0, no_floor}) == reset_to_zero && removal.then(removal) == removal);
static_assert(removal.is_removal() && !reset_to_zero.is_removal() && !Transform{}.is_removal());

/// One update, and what it does to a count without the help of Transform.
struct Update {
  enum class Kind { add, floored, reset, remove } kind;
  Count delta;

  [[nodiscard]] Transform transform() const {
    if (kind == Kind::reset) return {no_floor, delta};
    if (kind == Kind::remove) return removal;
    return {delta, kind == Kind::floored && delta < 0 ? 0 : no_floor};
  }
  [[nodiscard]] std::optional<Count> after(std::optional<Count> count) const {
    if (kind == Kind::reset) return delta;
    if (kind == Kind::remove) return std::nullopt;
    if (kind == Kind::floored && delta < 0) return std::max<Count>(count.value_or(0) + delta, 0);
    return count.value_or(0) + delta;
  }
};

/// Up to 20 updates of the kinds named, with deltas from -9 to 9.
std::vector<Update> draw_updates(std::mt19937_64& random, const std::vector<Update::Kind>& kinds) {
  std::vector<Update> updates(random() % 21);
  for (Update& update : updates) {
    update = {kinds[random() % kinds.size()], static_cast<Count>(random() % 19) - 9};
  }
  return updates;
}

/// All of them as one, put together in an order that is drawn: first these two, then those.
Transform compose(const std::vector<Update>& updates, std::mt19937_64& random) {
  std::vector<Transform> transforms;
  for (const Update& update : updates) transforms.push_back(update.transform());
  while (transforms.size() > 1) {
    const std::size_t i = random() % (transforms.size() - 1);
    transforms[i] = transforms[i].then(transforms[i + 1]);
    transforms.erase(transforms.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  return transforms.empty() ? Transform{} : transforms.front();
}

std::uint64_t digest_of(const std::vector<Record>& records, Batch batch = {}) {
  batch.records = records;
  return digest(batch);
}

}  // namespace

TEST_CASE("one transform stands for any sequence of updates, however it is put together") {
  using Kind = Update::Kind;
  const auto kinds =
      GENERATE(std::vector{Kind::floored}, std::vector{Kind::add},
               std::vector{Kind::add, Kind::floored, Kind::floored, Kind::reset},
               std::vector{Kind::add, Kind::floored, Kind::floored, Kind::reset, Kind::remove});
  std::mt19937_64 random(20'110'615);
  int wrong = 0;
  for (int i = 0; i < 40'000; ++i) {
    const std::vector<Update> updates = draw_updates(random, kinds);
    const Transform all = compose(updates, random);
    for (const Count start : {-30, -1, 0, 1, 4, 12, 200}) {
      std::optional<Count> expected = start;
      for (const Update& update : updates) expected = update.after(expected);
      if ((all.is_removal() ? std::nullopt : std::optional(all.apply(start))) != expected) ++wrong;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("the default transform changes nothing, before and after any other") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1'000; ++i) {
    const auto count = static_cast<Count>(random() % 2001) - 1000;
    const Transform other{count, i % 2 == 0 ? no_floor : count / 2};
    REQUIRE(Transform{}.apply(count) == count);
    REQUIRE(Transform{}.then(other) == other);
    REQUIRE(other.then(Transform{}) == other);
  }
  const Transform reset{no_floor, 7};
  CHECK(Transform{}.then(reset) == reset);
  CHECK(reset.then(Transform{}) == reset);
}

TEST_CASE("transforms are exact at the ends of the range") {
  CHECK(Transform{max_count, no_floor}.apply(0) == max_count);
  CHECK(Transform{min_count, no_floor}.apply(max_count) == 0);
  CHECK(Transform{min_count, 0}.apply(max_count) == 0);
  CHECK(Transform{min_count - max_count, no_floor}.apply(max_count) == min_count);
  CHECK(Transform{min_count, 0}.then({max_count, no_floor}) == Transform{0, max_count});
  CHECK(Transform{no_floor, max_count}.then({min_count, no_floor}) == Transform{no_floor, 0});
}

TEST_CASE("a digest changes when any field changes or moves to its neighbour") {
  const Record record{{"ab", day, "cd"}, {3, 2}};
  std::vector<std::vector<Record>> batches = {
      {},
      {record},
      {record, record},
      {{{"abc", day, "d"}, {3, 2}}},
      {{{"a", day, "bcd"}, {3, 2}}},
      {{{"", day, "abcd"}, {3, 2}}},
      {{{"abcd", day, ""}, {3, 2}}},
      {{{"cd", day, "ab"}, {3, 2}}},
      {{{"ab", day, "ce"}, {3, 2}}},
      {{{"bb", day, "cd"}, {3, 2}}},
      {{{"ab", {PeriodType::week, day.start}, "cd"}, {3, 2}}},
      {{{"ab", {PeriodType::day, day.start + 86'400}, "cd"}, {3, 2}}},
      {{{"ab", day, "cd"}, {4, 2}}},
      {{{"ab", day, "cd"}, {3, no_floor}}},
      {{{"ab", day, "cd"}, {no_floor, 2}}},
      {{{"ab", day, "cd"}, {2, 3}}},
      {{{"ab", day, "cd"}, reset_to_zero}},
      {{{"ab", day, "cd"}, removal}},
  };
  const Record other{{"ab", day, "ce"}, {3, 2}};
  batches.push_back({record, other});
  batches.push_back({other, record});
  std::set<std::uint64_t> digests;
  for (const std::vector<Record>& batch : batches) digests.insert(digest_of(batch));
  CHECK(digests.size() == batches.size());
}

TEST_CASE("a name that looks like the rest of a record and the next one makes another digest") {
  const auto bytes_of = [](std::int64_t number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof number);
  };
  const std::string name = "a" + bytes_of(1) + bytes_of(2) + "ns" + bytes_of(3) + bytes_of(day.start) + "b";
  REQUIRE(static_cast<int>(day.type) == 3);
  const Record one{{"ns", day, name}, {5, 6}};
  CHECK(digest_of({one}) != digest_of({{{"ns", day, "a"}, {1, 2}}, {{"ns", day, "b"}, {5, 6}}}));
}

TEST_CASE("a digest is of the records, wherever they lie and whoever sends them") {
  const std::string ns = "ab";
  const std::string name = "cd";
  const std::vector<Record> records = {{{"ab", day, "cd"}, {3, 2}}};
  const std::vector<Record> copies = {{{ns, day, name}, {3, 2}}};
  CHECK(digest_of(records) == digest_of(copies));
  CHECK(digest_of(records, {{1}, 2, 3, {}}) == digest_of(records));
}

TEST_CASE("a store may answer with an outcome alone") {
  const ApplyResult applied = Outcome::applied;
  CHECK(applied.outcome == Outcome::applied);
  CHECK(applied.error == Errc::ok);
  CHECK(applied.quarantined.empty());
  const ApplyResult refused{Outcome::not_applied, Errc::store_failed, "full"};
  CHECK(refused.outcome == Outcome::not_applied);
  CHECK(refused.error == Errc::store_failed);
  CHECK(refused.message == "full");
}
