// SPDX-License-Identifier: BSL-1.0
// The laws of StorePolicy (concepts.hpp), one function each: what is done with a store to see whether it keeps one of them.
// From the simplest to those that build on others, so that the first one broken says most.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "conformance_trial.hpp"

namespace livecount::inline v0_1::testing {

template <class Place>
class ConformanceLaws {
 public:
  using Trial = ConformanceTrial<Place>;
  using Store = typename Place::Store;
  struct Law {
    std::string name;
    bool asked;
    std::function<void(Trial&, std::uint64_t size)> check;
  };

  [[nodiscard]] static std::vector<Law> all() {
    constexpr bool once = Trial::is_exactly_once;
    return {
        {"there is no counter before one is applied", true, none_before},
        {"a record makes its counter, also when it changes nothing", true, makes_counter},
        {"a count becomes the larger of count + sum and low, from 0 if it is new", true, arithmetic},
        {"a batch is applied whole", true, whole},
        {"names and namespaces are bytes, and buckets of their own", true, bytes},
        {"a record whose count would leave the range is put aside and named, and the rest is applied", true,
         range},
        {"after a removal there is no counter, until a record makes it anew, from 0", RemovingStore<Store>,
         removed},
        {"a horizon never moves back", ExpiringStore<Store>, horizon_stays},
        {"nothing of the period all is let go, and who asks for it is refused: invalid_option",
         ExpiringStore<Store>, all_stays},
        {"what is before a horizon goes, and what comes later for it is left out and named",
         ExpiringStore<Store>, expires},
        {"what was acknowledged is there when the store is opened again", true,
         [](Trial& t, auto n) { durable(t, n, &Trial::reopen); }},
        {"what was acknowledged is there after a kill", true,
         [](Trial& t, auto n) { durable(t, n, &Trial::kill); }},
        {"what was acknowledged is there after a power cut", true,
         [](Trial& t, auto n) { durable(t, n, &Trial::cut_power); }},
        {"a batch that comes again is applied once", once, applied_once},
        {"a batch that comes again is told anew what was put aside", once, told_anew},
        {"an older batch is acknowledged and changes nothing", once, older},
        {"the number of the last batch with other records is refused: writer_duplicated", once, duplicated},
        {"a batch that does not follow the last one is refused: store_rolled_back", once, gap},
        {"writers and shards number their batches each for itself", once, writers},
        {"the last number of a writer is kept with the data", once, ledger_is_durable},
        {"horizons are kept with the data", ExpiringStore<Store>, horizons_are_durable},
        {"settings are kept with the data, and others refused", SettingsStore<Store>, settings},
        {"answers to questions agree with what can be read", QuestionStore<Store>, questions},
    };
  }

 private:
  static void none_before(Trial& t, std::uint64_t) { t.check(t.key()); }

  static void arithmetic(Trial& t, std::uint64_t size) {
    auto writer = t.writer("a writer");
    const Key key = t.key();
    for (std::uint64_t i = 0; i < size && !t.broken; ++i) {
      const Count small = static_cast<Count>(t.below(41)) - 20;
      const Count low = static_cast<Count>(t.below(21)) - 10;
      const Transform change{t.below(6) == 0 ? no_floor : small, t.below(2) == 0 ? low : no_floor};
      t.send(writer, {{key, change.sum == no_floor ? Transform{no_floor, low} : change}});
      t.check(key);
    }
  }

  static void makes_counter(Trial& t, std::uint64_t) {
    auto writer = t.writer("a writer");
    const Key key = t.key();
    constexpr std::array<Transform, 3> nothing = {{{0, no_floor}, {0, 0}, {no_floor, 0}}};
    t.send(writer, {{key, nothing[t.below(nothing.size())]}});
    t.check(key);
  }

  static void removed(Trial& t, std::uint64_t size) {
    auto writer = t.writer("a writer");
    for (std::uint64_t i = 0; i < size && !t.broken; ++i) {
      const Key key = t.key();
      t.send(writer, {{key, {1 + static_cast<Count>(i), no_floor}}});
      t.send(writer, {{key, removal}});
      t.check(key);
      if (t.below(2) == 0) t.send(writer, {{key, {2, no_floor}}});
      t.check_all();
    }
  }

  [[nodiscard]] static Bucket some_day(Trial& t) {
    return {PeriodType::day, 86'400 * static_cast<std::int64_t>(t.below(4))};
  }
  static void count_days(Trial& t, typename Trial::Sender& writer) {
    std::vector<typename Trial::Change> changes;
    for (std::int64_t day = 0; day < 4; ++day)
      changes.push_back({{"ns", {PeriodType::day, 86'400 * day}, t.key().name}, {1, no_floor}});
    changes.push_back({{"ns", {PeriodType::hour, 0}, "a"}, {1, no_floor}});
    t.send(writer, changes);
    for (const auto& change : changes) t.check(change.key);
  }

  static void expires(Trial& t, std::uint64_t size) {
    if constexpr (ExpiringStore<Store>) {
      auto writer = t.writer("a writer");
      for (std::uint64_t i = 0; i < size && !t.broken; ++i) {
        count_days(t, writer);
        const auto keys = t.model.keys();
        t.expire(some_day(t), 1 + t.below(3));
        for (const Key& key : keys) t.check(key);
      }
    }
  }

  static void horizon_stays(Trial& t, std::uint64_t) {
    if constexpr (ExpiringStore<Store>) {
      t.expire({PeriodType::day, 172'800}, 10);
      t.expire({PeriodType::day, 86'400}, 10);
    }
  }

  static void all_stays(Trial& t, std::uint64_t) {
    if constexpr (ExpiringStore<Store>) {
      auto writer = t.writer("a writer");
      const Key key{"ns", {}, "a"};
      t.send(writer, {{key, {1, no_floor}}});
      t.refuse_to_expire({PeriodType::all, 1});
      t.check(key);
    }
  }

  static void horizons_are_durable(Trial& t, std::uint64_t) {
    if constexpr (ExpiringStore<Store>) {
      auto writer = t.writer("a writer");
      count_days(t, writer);
      t.expire(some_day(t), 10);
      if (t.below(2) == 0) count_days(t, writer);
      switch (t.below(3)) {
        case 0: t.reopen(); break;
        case 1: t.kill(); break;
        default: t.cut_power();
      }
      t.require(t.store().horizons() == t.model.states().front().horizons, "it tells other horizons");
      writer = t.writer("another writer");
      count_days(t, writer);
      t.check_all();
    }
  }

  static void whole(Trial& t, std::uint64_t size) {
    auto writer = t.writer("a writer");
    for (std::uint64_t i = 0; i < size && !t.broken; ++i) {
      t.send(writer, t.changes(6));
      t.check_all();
    }
  }

  static void bytes(Trial& t, std::uint64_t) {
    // Parts that are joined, cut at a NUL, trimmed, folded or taken for text end in one counter.
    static const std::vector<std::string> texts = {"",
                                                   "a",
                                                   "A",
                                                   "a ",
                                                   std::string("a\0b", 3),
                                                   std::string(1, '\0'),
                                                   ":",
                                                   "a:",
                                                   "'",
                                                   "%",
                                                   "a:all:all:a",
                                                   "\xff",
                                                   "\xc3\xa9",
                                                   "all:all:a",
                                                   "default",
                                                   std::string(1024, 'x')};
    auto writer = t.writer("a writer");
    for (int i = 0; i < 6 && !t.broken; ++i) {
      const std::string& ns = texts[t.below(texts.size() - 1)];
      const std::string& name = texts[t.below(texts.size())];
      constexpr std::array<Bucket, 4> buckets = {{{PeriodType::all, 0},
                                                  {PeriodType::day, 0},
                                                  {PeriodType::day, 86'400},
                                                  {PeriodType::week, 345'600}}};
      t.send(writer, {{{ns, buckets[t.below(buckets.size())], name}, {i + 1, no_floor}}});
      t.check_all();
      t.check(KeyView{ns, {PeriodType::month, 0}, name});
    }
    // The shortest pairs that joining with a colon confuses.
    t.send(writer, {{{"a", {PeriodType::all, 0}, "all:all:b"}, {100, no_floor}}});
    t.send(writer, {{{"a:all:all", {PeriodType::all, 0}, "b"}, {200, no_floor}}});
    t.check_all();
  }

  static void range(Trial& t, std::uint64_t) {
    auto writer = t.writer("a writer");
    const bool high = t.below(2) == 0;
    const Count most = high ? max_count : min_count;
    const Count beyond = high ? 1 : -1;
    const Bucket all{PeriodType::all, 0};
    t.send(writer, {{{"ns", all, "full"}, {most, no_floor}}});
    t.send(writer, {{{"ns", all, "before"}, {1, no_floor}},
                    {{"ns", all, "full"}, {beyond, no_floor}},
                    {{"ns", all, "new"}, {most + beyond, no_floor}},
                    {{"ns", all, "behind"}, {2, no_floor}}});
    t.check_all();
    t.check(KeyView{"ns", all, "new"});
    t.send(writer, {{{"ns", all, "full"}, {-beyond, no_floor}}});
    t.check_all();
  }

  static void durable(Trial& t, std::uint64_t size, void (Trial::*ends)()) {
    auto writer = t.writer("a writer");
    for (std::uint64_t i = 0; i < size && !t.broken; ++i) {
      for (std::uint64_t left = 1 + t.below(3); left > 0; --left) t.send(writer, t.changes(4));
      (t.*ends)();
      t.check_all();
      writer = t.writer("another writer");  // a process that starts has an identity of its own
    }
  }

  static void applied_once(Trial& t, std::uint64_t size) {
    auto writer = t.writer("a writer");
    for (std::uint64_t i = 0; i < size && !t.broken; ++i) {
      const auto changes = t.changes(3);
      t.send(writer, changes);
      acknowledged(t, t.send_as(writer, writer.sequence, changes, false));
      t.check_all();
    }
  }

  static void told_anew(Trial& t, std::uint64_t) {
    auto writer = t.writer("a writer");
    const Key full{"ns", {PeriodType::all, 0}, "full"};
    t.send(writer, {{full, {max_count, no_floor}}});
    const std::vector<typename Trial::Change> changes = {{t.key(), {1, no_floor}}, {full, {1, no_floor}}};
    t.send(writer, changes);
    const ApplyResult again = t.send_as(writer, writer.sequence, changes, false);
    acknowledged(t, again);
    t.require(again.quarantined == std::vector<std::size_t>{1}, "record 1 had been put aside");
    t.check_all();
  }

  static void older(Trial& t, std::uint64_t size) {
    auto writer = t.writer("a writer");
    for (std::uint64_t i = 0; i < size + 1 && !t.broken; ++i) t.send(writer, t.changes(3));
    if (t.broken) return;
    acknowledged(t, t.send_as(writer, 1 + t.below(writer.sequence - 1), t.changes(3), false));
    t.check_all();
    t.send(writer, t.changes(3));
    t.check_all();
  }

  static void duplicated(Trial& t, std::uint64_t size) {
    auto writer = t.writer("a writer");
    for (std::uint64_t i = 0; i < size && !t.broken; ++i) t.send(writer, {{t.key(), {1, no_floor}}});
    refused(t, t.send_as(writer, writer.sequence, {{t.key(), {2, no_floor}}}, false),
            Errc::writer_duplicated);
    t.check_all();
  }

  static void gap(Trial& t, std::uint64_t size) {
    auto writer = t.writer("a writer");
    for (std::uint64_t i = 0; i < size && !t.broken; ++i) t.send(writer, t.changes(3));
    const auto& sender = t.below(2) == 0 ? writer : t.writer("an unknown writer");
    refused(t, t.send_as(sender, sender.sequence + 2 + t.below(3), t.changes(3), false),
            Errc::store_rolled_back);
    t.check_all();
    t.send(writer, t.changes(3));  // nothing was noted of it
    t.check_all();
  }

  static void writers(Trial& t, std::uint64_t size) {
    std::vector<typename Trial::Sender> senders = {t.writer("writer 1"), t.writer("writer 2")};
    senders.push_back(senders[0]);
    senders[2].name += " in another shard";
    senders[2].shard = 4'000'000'000U;
    senders.push_back(senders[0]);
    senders[3].name = "a writer with one bit different";
    senders[3].id.back() ^= 1U;
    for (std::uint64_t i = 0; i < size + 2 && !t.broken; ++i) {
      auto& sender = senders[t.below(senders.size())];
      const auto changes = t.changes(2);
      t.send(sender, changes);
      if (t.below(2) == 0) acknowledged(t, t.send_as(sender, sender.sequence, changes, false));
      t.check_all();
    }
  }

  static void ledger_is_durable(Trial& t, std::uint64_t size) {
    auto writer = t.writer("a writer");
    for (std::uint64_t i = 0; i < size && !t.broken; ++i) {
      const auto changes = t.changes(3);
      t.send(writer, changes);
      switch (t.below(3)) {
        case 0: t.reopen(); break;
        case 1: t.kill(); break;
        default: t.cut_power();
      }
      acknowledged(t, t.send_as(writer, writer.sequence, changes, false));
      t.check_all();
    }
  }

  static void settings(Trial& t, std::uint64_t) {
    if constexpr (SettingsStore<Store>) {
      const Settings kept{"CET-1CEST,M3.5.0,M10.5.0/3", WeekStart::sunday, Floor::none};
      std::vector<Settings> others(3, kept);
      others[0].calendar = "UTC";
      others[1].week_start = WeekStart::monday;
      others[2].floor = Floor::zero;
      t.say("settings are adopted");
      t.store().adopt(kept);
      if (t.below(2) == 0) t.reopen();
      try {
        t.store().adopt(kept);
      } catch (const Error& error) {
        t.require(false, std::string("the same settings are refused: ") + error.what());
      }
      try {
        t.say("other settings are adopted");
        t.store().adopt(others[t.below(others.size())]);
        t.require(false, "they should be refused");
      } catch (const Error& error) {
        t.require(error.code() == Errc::settings_mismatch, std::string("the refusal is: ") + error.what());
      }
    }
  }

  static void questions(Trial& t, std::uint64_t size) {
    if constexpr (QuestionStore<Store>) {
      auto writer = t.writer("a writer");
      for (std::uint64_t i = 0; i < size; ++i) t.send(writer, t.changes(6));
      const Bucket bucket = t.key().bucket;
      const auto& counts = t.model.states().front().counts;
      std::vector<NamedCount> expected;
      for (const auto& [key, count] : counts) {
        if (key.bucket == bucket) expected.push_back({key.name, count});
      }
      t.say("it is asked about " + to_partial_text({"ns", bucket, "..."}));
      auto snapshot = t.store().snapshot();
      std::vector<NamedCount> scanned;
      snapshot.scan(only("ns", bucket), [&](const KeyView& key, Count count) {
        scanned.push_back({std::string(key.name), count});
        return true;
      });
      t.require(scanned == expected, "a scan tells other counters, or in another order");
      const auto names = snapshot.names(only("ns", bucket), std::nullopt, 100);
      t.require(std::equal(names.begin(), names.end(), expected.begin(), expected.end(),
                           [](const std::string& name, const NamedCount& row) { return name == row.name; }),
                "it tells other names");
      sort_top(expected, 2);
      t.require(snapshot.top("ns", bucket, 2) == expected, "the top is another one");
      t.require(snapshot.namespaces() == std::vector<std::string>{"ns"}, "it tells other namespaces");
      t.require(snapshot.applied(writer.id, writer.shard) == writer.sequence,
                "it tells another number of the writer");
    }
  }

  static void acknowledged(Trial& t, const ApplyResult& result) {
    t.require(result.outcome == Outcome::applied, "it should have been acknowledged: it is in");
  }
  static void refused(Trial& t, const ApplyResult& result, Errc code) {
    t.require(result.outcome == Outcome::not_applied && result.error == code,
              "it should have been refused with " + std::string(to_string(code)));
  }
};

}  // namespace livecount::inline v0_1::testing
