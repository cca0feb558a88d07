// SPDX-License-Identifier: BSL-1.0
// What is pending, laid over what is stored, against a plain table of counts.
#include <livecount/moment.hpp>

#include <livecount/store/memory_store.hpp>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "store/model.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

struct Place {
  MemoryStore store;
  std::vector<std::pair<Key, Transform>> pending;  // in the order in which it was made
  Horizons horizons;

  detail::Moment<MemoryStore::Snapshot> moment() {
    return detail::Moment<MemoryStore::Snapshot>(horizons, [&](auto add) {
      for (const auto& [key, change] : pending) add(key, change);
      return store.snapshot();
    });
  }
};

using Rows = std::vector<std::pair<Key, Count>>;

Rows rows_of(const detail::Moment<MemoryStore::Snapshot>& moment, const Selection& selection,
             std::size_t most = SIZE_MAX) {
  Rows rows;
  moment.scan(selection, [&](const KeyView& key, Count count) {
    rows.push_back({{std::string(key.ns), key.bucket, std::string(key.name)}, count});
    return rows.size() < most;
  });
  return rows;
}

TEST_CASE("a moment answers as a table of all counts would") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<Key> keys = some_keys();
  for (int round = 0; round < 300; ++round) {
    Place place;
    std::map<Key, Count> model;
    Writer writer(1);
    const auto draw = [&] {
      if (random() % 4 == 0) return removal;
      if (random() % 8 == 0) return reset_to_zero;
      return Transform{static_cast<Count>(random() % 19) - 9, random() % 3 == 0 ? 0 : no_floor};
    };
    for (const Key& key : keys) {
      if (random() % 2 == 0) continue;
      const Record record{key, draw()};
      REQUIRE(is_applied(writer.send(place.store, {record})));
      if (!record.change.is_removal()) model[key] = record.change.apply(0);
    }
    for (std::uint64_t i = random() % 40; i > 0; --i) {
      const Key& key = keys[random() % keys.size()];
      place.pending.emplace_back(key, draw());
      const Transform& change = place.pending.back().second;
      if (change.is_removal()) {
        model.erase(key);
      } else {
        model[key] = change.apply(model[key]);
      }
    }
    const auto moment = place.moment();
    for (const Key& key : keys) {
      const auto found = model.find(key);
      CHECK(moment.read(key) == (found == model.end() ? std::nullopt : std::optional(found->second)));
    }
    for (const char* prefix : {"", "a", "\xfe"}) {
      for (const Selection& selection : {only("ns", all, prefix), only("ns", day, prefix),
                                         Selection{"ns", PeriodType::day, day.start, INT64_MAX, prefix},
                                         Selection{"", PeriodType::week, INT64_MIN, INT64_MAX, prefix}}) {
        Rows expected;
        std::map<std::string, Count> names;
        for (const auto& row : model) {
          if (!selection.contains(row.first)) continue;
          expected.push_back(row);
          names[row.first.name];
        }
        CHECK(rows_of(moment, selection) == expected);
        if (expected.size() > 1) {
          expected.resize(1 + random() % (expected.size() - 1));
          CHECK(rows_of(moment, selection, expected.size()) == expected);
        }
        std::vector<std::string> sorted;
        for (const auto& [name, unused] : names) sorted.push_back(name);
        CHECK(moment.names(selection, std::nullopt, 100) == sorted);
        if (!sorted.empty()) {  // page by page
          std::vector<std::string> paged;
          std::optional<std::string> after;
          for (;;) {
            const auto page = moment.names(selection, after, 2);
            if (page.empty()) break;
            paged.insert(paged.end(), page.begin(), page.end());
            after = page.back();
          }
          CHECK(paged == sorted);
        }
      }
    }
    for (const std::size_t limit :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{100}, SIZE_MAX}) {
      std::vector<NamedCount> expected;
      for (const auto& [key, count] : model) {
        if (only("ns", day).contains(key)) expected.push_back({key.name, count});
      }
      sort_top(expected, limit);
      CHECK(moment.top("ns", day, limit) == expected);
    }
    std::vector<std::string> namespaces;
    for (const auto& [key, count] : model) {
      if (namespaces.empty() || namespaces.back() != key.ns) namespaces.push_back(key.ns);
    }
    CHECK(moment.namespaces() == namespaces);
  }
}

TEST_CASE("top is exact where it need not read all that is pending") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1'000; ++round) {
    Place place;
    std::map<std::string, Count> model;
    Writer writer(1);
    std::vector<Record> records;
    for (int i = 10; i < 40; ++i) {
      const std::string& name =
          model.emplace(std::to_string(i), static_cast<Count>(random() % 9) - 5).first->first;
      records.push_back({{"ns", day, name}, {model[name], no_floor}});
    }
    REQUIRE(is_applied(writer.send(place.store, records)));
    std::set<std::string> names;  // each once; some are not stored
    for (std::uint64_t i = random() % 4; i > 0; --i) names.insert(std::to_string(10 + random() % 33));
    for (const std::string& name : names) {
      Count delta = static_cast<Count>(random() % 19) - 9;
      if (random() % 4 == 0)
        delta = random() % 2 == 0 ? max_count + 9 : min_count - 9;  // the store will put it aside
      place.pending.push_back({{"ns", day, name}, {delta, no_floor}});
      if (Count& count = model[name]; in_range(count + delta)) count += delta;
    }
    for (const std::size_t limit : {1U, 2U, 4U, 29U}) {
      std::vector<NamedCount> expected;
      for (const auto& [name, count] : model) expected.push_back({name, count});
      sort_top(expected, limit);
      REQUIRE(place.moment().top("ns", day, limit) == expected);
    }
  }
}

TEST_CASE("a change that the store will put aside leaves the count as it is") {
  Place place;
  Writer writer(1);
  (void)writer.send(place.store, {plus("a", max_count)});
  place.pending = {{{"ns", all, "a"}, {1, no_floor}},
                   {{"ns", all, "b"}, {min_count, no_floor}},
                   {{"ns", all, "b"}, {-1, no_floor}}};
  CHECK(place.moment().read(named("a")) == max_count);
  CHECK(place.moment().read(named("b")) == 0);
}

}  // namespace
