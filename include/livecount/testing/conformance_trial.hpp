// SPDX-License-Identifier: BSL-1.0
// What one trial of a store's conformance (conformance.hpp) does: it opens a store in a place of its own, sends batches,
// closes and kills, compares what it reads with a model, and writes down what it did.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "faulty_store.hpp"
#include "store_model.hpp"

namespace livecount::inline v0_1::testing {

/// What one trial does with a store, and what it tells of it.
template <class Place>
class ConformanceTrial {
 public:
  using Store = typename Place::Store;
  static constexpr bool is_exactly_once = std::same_as<typename Store::guarantee, exactly_once>;
  struct Sender {
    std::string name;
    WriterId id{};
    std::uint32_t shard = 0;
    std::uint64_t sequence = 0;  // of its last batch
  };
  struct Change {
    Key key;
    Transform change;
  };

  explicit ConformanceTrial(std::uint64_t seed) : random(seed) { open(); }

  std::mt19937_64 random;
  std::vector<std::string> story;
  bool broken = false;
  StoreModel model;

  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random() % bound; }

  void say(std::string what) { story.push_back(std::move(what)); }
  void require(bool law, const std::string& otherwise) {
    if (law || broken) return;
    broken = true;
    say("but " + otherwise);
  }

  // ---- what is sent

  [[nodiscard]] Sender writer(const std::string& name) {
    Sender sender{name};
    for (auto& byte : sender.id) byte = static_cast<std::uint8_t>(random());
    return sender;
  }
  /// A key in one namespace; few enough to meet often.
  [[nodiscard]] Key key() {
    constexpr std::array<const char*, 4> names = {"a", "b", "c", "d"};
    const bool day = below(3) == 0;
    return {"ns", {day ? PeriodType::day : PeriodType::all, day ? 86'400 : 0}, names[below(names.size())]};
  }
  /// Changes of different counters that stay within the range.
  [[nodiscard]] std::vector<Change> changes(std::uint64_t most) {
    std::vector<Change> changes;
    for (std::uint64_t left = 1 + below(most); left > 0; --left) {
      const Key key = this->key();
      const bool again =
          std::any_of(changes.begin(), changes.end(), [&](const Change& c) { return c.key == key; });
      if (again) continue;
      const Count sum = static_cast<Count>(below(21)) - 10;
      constexpr std::array<Count, 4> lows = {no_floor, no_floor, 0, 3};
      changes.push_back({key, {sum, lows[below(lows.size())]}});
    }
    return changes;
  }

  ApplyResult send(Sender& sender, const std::vector<Change>& changes) {
    ++sender.sequence;
    return send_as(sender, sender.sequence, changes, true);
  }
  /// `counts`: the model is told; else a refusal, or an acknowledgement that changes nothing, is expected.
  ApplyResult send_as(const Sender& sender, std::uint64_t sequence, const std::vector<Change>& changes,
                      bool counts) {
    std::vector<Record> records;
    std::string text = sender.name + " sends batch " + std::to_string(sequence) + ":";
    for (const Change& change : changes) {
      records.push_back({change.key, change.change});
      text +=
          (records.size() == 1 ? " " : ", ") + describe(change.key) +
          (change.change.is_removal() ? " removed"
           : change.change.sum == no_floor
               ? " set to " + std::to_string(change.change.low)
               : " by " + std::to_string(change.change.sum) +
                     (change.change.low == no_floor ? ""
                                                    : ", but at least " + std::to_string(change.change.low)));
    }
    say(text);
    const Batch batch{sender.id, sender.shard, sequence, records};
    ApplyResult result = Outcome::unknown;
    try {
      result = store_->apply(batch);
    } catch (const std::exception& error) {
      result = {Outcome::unknown, Errc::store_unavailable, std::string("apply throws: ") + error.what()};
    }
    story.back() += "; " + describe(result);
    if (!counts) return result;
    require(result.outcome == Outcome::applied, "it should have been applied");
    StoreModel::State state = model.states().front();
    const ApplyResult right = StoreModel::apply(batch, state);
    require(result.quarantined == right.quarantined,
            "it should have put aside the records that leave the range, and no others");
    require(result.late == right.late,
            "it should have left out, and named, the records before the horizon, and no others");
    (void)model.take(batch, result);
    return result;
  }

  [[nodiscard]] static std::string describe(const ApplyResult& result) {
    std::string text = result.outcome == Outcome::applied       ? "applied"
                       : result.outcome == Outcome::not_applied ? "not applied"
                                                                : "unknown";
    if (result.error != Errc::ok) text += " (" + std::string(to_string(result.error)) + ")";
    for (const std::size_t i : result.quarantined) text += ", record " + std::to_string(i) + " put aside";
    for (const std::size_t i : result.late) text += ", record " + std::to_string(i) + " late";
    return text;
  }
  [[nodiscard]] static std::string describe(const KeyView& key) { return testing::describe(key); }

  /// Lets all before this bucket go, in pieces.
  void expire(Bucket first, std::size_t most) requires ExpiringStore<Store> {
    say("what is before " + describe(KeyView{"...", first, "..."}) + " is let go, " + std::to_string(most) +
        " at a time");
    try {
      for (int calls = 0; store_->expire(first, most) && !broken; ++calls)
        require(calls < 1000, "there is always more to be removed");
    } catch (const std::exception& error) {
      require(false, std::string("expire throws: ") + error.what());
    }
    model.expire(first);
    require(store_->horizons() == model.states().front().horizons, "it tells other horizons");
  }

  /// The store must not let these go.
  void refuse_to_expire(Bucket first) requires ExpiringStore<Store> {
    say("what is before " + describe(KeyView{"...", first, "..."}) + " is to go");
    Errc code = Errc::ok;
    try {
      (void)store_->expire(first, 10);
    } catch (const Error& error) {
      code = error.code();
    }
    require(code == Errc::invalid_option,
            "it should be refused with invalid_option, not end in " + std::string(to_string(code)));
    require(store_->horizons() == model.states().front().horizons, "it tells other horizons");
  }

  // ---- what is there

  void check(const KeyView& key) {
    try {
      const std::optional<Count> count = store_->read(key);
      if (broken) return;
      const std::string expected = model.expected(key);
      if (!model.see(key, count)) {
        say("reading " + describe(key) + " gives " + testing::describe(count));
        require(false, "it should be " + expected);
      }
    } catch (const std::exception& error) {
      require(false, "reading " + describe(key) + " throws: " + error.what());
    }
  }
  void check_all() {
    for (const Key& key : model.keys()) check(key);
  }

  // ---- processes

  void reopen() {
    say("the store is closed and opened");
    store_.reset();
    open();
  }
  void kill() {
    say("the process is killed, and the store opened");
    place_.kill();
    store_.reset();
    open();
  }
  void cut_power() {
    say("the power goes, and the store is opened");
    place_.cut_power(random);
    store_.reset();
    open();
  }

 private:
  void open() { store_ = place_.open(); }

  Place place_;
  std::shared_ptr<Store> store_;
};

}  // namespace livecount::inline v0_1::testing
