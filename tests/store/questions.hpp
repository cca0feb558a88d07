// SPDX-License-Identifier: BSL-1.0
// What a store that answers questions (QuestionStore) has to do besides. A file for one store includes this after
// contract.hpp.
#pragma once

#include <livecount/selection.hpp>

#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "store/contract.hpp"

TEMPLATE_TEST_CASE("a snapshot answers as a plain map would", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Model model;
  Writer writer(1);
  std::mt19937_64 random(20'110'615);
  const std::vector<Key> keys = some_keys();
  for (int i = 0; i < 30; ++i) {
    const std::vector<Record> records = draw_records(random, keys);
    (void)writer.send(opened.store, records);
    (void)model.apply({writer.id, 0, writer.sequence, records});
  }
  const auto snapshot = opened.store.snapshot();
  CHECK(snapshot.applied(writer.id, 0) == writer.sequence);
  CHECK(snapshot.applied(writer.id, 1) == 0);
  std::set<std::string> namespaces;
  for (const Key& key : keys) {
    const auto found = model.counts.find(key);
    CHECK(snapshot.read(key) == (found == model.counts.end() ? std::nullopt : std::optional(found->second)));
    if (found != model.counts.end()) namespaces.insert(key.ns);
  }
  CHECK(snapshot.namespaces() == std::vector<std::string>(namespaces.begin(), namespaces.end()));
  for (const std::string& ns :
       {std::string(), std::string("ns"), std::string("\0\xff", 2), std::string("no")}) {
    for (const std::string& prefix :
         {std::string(), std::string("a"), std::string("\0", 1), std::string("\xfe")}) {
      for (Selection selection : {only(ns, all), only(ns, day), Selection{ns, PeriodType::day},
                                  Selection{ns, PeriodType::week, day.start},
                                  Selection{ns, PeriodType::day, day.start + 1, next_day.start}}) {
        selection.prefix = prefix;
        std::vector<std::pair<Key, Count>> expected;
        std::set<std::string> names;
        for (const auto& row : model.counts) {
          if (!selection.contains(row.first)) continue;
          expected.push_back(row);
          names.insert(row.first.name);
        }
        std::vector<std::pair<Key, Count>> found;
        const auto keep = [&](const KeyView& key, Count count) {
          found.push_back({{std::string(key.ns), key.bucket, std::string(key.name)}, count});
        };
        snapshot.scan(selection, [&](const KeyView& key, Count count) {
          keep(key, count);
          return true;
        });
        CHECK(found == expected);
        if (expected.size() > 1) {
          found.clear();
          snapshot.scan(selection, [&](const KeyView& key, Count count) {
            keep(key, count);
            return false;
          });
          CHECK(found.size() == 1);
        }
        const std::vector<std::string> sorted(names.begin(), names.end());
        CHECK(snapshot.names(selection, std::nullopt, 100) == sorted);
        if (sorted.empty()) continue;
        CHECK(snapshot.names(selection, std::nullopt, 1) == std::vector{sorted.front()});
        CHECK(snapshot.names(selection, sorted.front(), 100) ==
              std::vector<std::string>(sorted.begin() + 1, sorted.end()));
      }
    }
  }
}

TEMPLATE_TEST_CASE("a snapshot stays as it is while batches come", "", LIVECOUNT_TESTED_STORE) {
  Opened<TestType> opened;
  Writer writer(1);
  REQUIRE(is_applied(writer.send(opened.store, {plus("a", 1), plus("b", 1)})));
  std::thread applying;
  {
    const auto snapshot = opened.store.snapshot();
    applying = std::thread([&] { (void)writer.send(opened.store, {plus("a", 1), plus("c", 1)}); });
    for (int i = 0; i < 100; ++i) {
      CHECK(snapshot.read(named("a")) == 1);
      CHECK(snapshot.top("ns", all, 10) == std::vector<NamedCount>{{"a", 1}, {"b", 1}});
      CHECK(snapshot.applied(writer.id, 0) == 1);
      std::this_thread::yield();
    }
  }
  applying.join();
  CHECK(opened.store.snapshot().top("ns", all, 10) == std::vector<NamedCount>{{"a", 2}, {"b", 1}, {"c", 1}});
}
