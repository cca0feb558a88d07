// SPDX-License-Identifier: BSL-1.0
#include <livecount/testing/conformance.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <string>

#include "support/catch.hpp"
#include "support/simulated_sqlite.hpp"

// The example's store, without its main.
#define main example_main
#include "../../examples/custom_store.cpp"
#undef main

using namespace livecount;
using namespace livecount::testing;

namespace {

template <class Place>
void expect_conformance(std::uint64_t trials) {
  const ConformanceReport report = check_conformance<Place>({.trials = trials});
  INFO(report.text());
  CHECK(report.passed());
  for (const Verdict& verdict : report.verdicts) {
    if (verdict.outcome == Verdict::Outcome::kept) CHECK(verdict.trials == trials);
  }
}

// ---- stores that are wrong

enum class Lie {
  none,
  has_counters_of_nobody,
  floors_the_sum,
  forgets_what_changes_nothing,
  loses_the_last_record,
  joins_keys_with_colons,
  counts_beyond_the_range,
  keeps_what_is_removed,
  counts_what_is_late,
  moves_horizons_back,
  lets_all_go,
  forgets_when_closed,
  forgets_when_killed,
  forgets_in_a_power_cut,
  applies_again,
  tells_once_what_was_put_aside,
  refuses_older_ones,
  takes_duplicates,
  takes_gaps,
  mixes_shards,
  forgets_the_ledger,
  forgets_horizons,
  takes_other_settings,
  counts_down_the_top,
};

/// What is there when nobody has it open. A store that tells one lie.
struct Data {
  std::map<std::string, Count> counts;
  struct Row {
    std::uint64_t sequence = 0, digest = 0;
    std::vector<std::size_t> quarantined{};
  };
  std::map<std::pair<WriterId, std::uint32_t>, Row> ledger;
  std::map<Key, Count> rows;
  Horizons horizons;
  std::optional<Settings> settings;
};

template <Lie lie>
class WrongStore {
 public:
  struct Options {
    std::shared_ptr<Data> data{};
  };
  using guarantee = exactly_once;
  static constexpr bool removes = true;

  explicit WrongStore(Options options) : data_(std::move(options.data)) {}

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    const auto found = data_->counts.find(text(key));
    if (found != data_->counts.end()) return found->second;
    return lie == Lie::has_counters_of_nobody ? std::optional<Count>(0) : std::nullopt;
  }

  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    Data::Row& row = data_->ledger[{batch.writer, lie == Lie::mixes_shards ? 0 : batch.shard}];
    if (lie == Lie::applies_again && batch.sequence == row.sequence) --row.sequence;
    if (batch.sequence == row.sequence) {
      if (digest(batch) != row.digest && lie != Lie::takes_duplicates)
        return {Outcome::not_applied, Errc::writer_duplicated, "another batch"};
      ApplyResult result = Outcome::applied;
      if (lie != Lie::tells_once_what_was_put_aside) result.quarantined = row.quarantined;
      result.late = late_records(batch, data_->horizons);
      return result;
    }
    if (batch.sequence < row.sequence) {
      if (lie == Lie::refuses_older_ones) return {Outcome::not_applied, Errc::store_failed, "old"};
      return Outcome::applied;
    }
    if (batch.sequence > row.sequence + 1 && lie != Lie::takes_gaps)
      return {Outcome::not_applied, Errc::store_rolled_back, "a gap"};
    ApplyResult result = Outcome::applied;
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      if (lie == Lie::loses_the_last_record && i > 0 && i + 1 == batch.records.size()) break;
      if (lie != Lie::counts_what_is_late && !data_->horizons.keeps(batch.records[i].key.bucket)) continue;
      if (!count(batch.records[i])) result.quarantined.push_back(i);
    }
    result.late = late_records(batch, data_->horizons);
    row = {batch.sequence, digest(batch), result.quarantined};
    return result;
  }

  [[nodiscard]] Horizons horizons() const { return data_->horizons; }
  [[nodiscard]] bool expire(Bucket first, std::size_t) {
    if (lie != Lie::lets_all_go) require_ends(first);
    if (lie == Lie::moves_horizons_back) data_->horizons = {};
    data_->horizons.raise(first);
    std::erase_if(data_->rows, [&](const auto& row) {
      if (data_->horizons.keeps(row.first.bucket)) return false;
      data_->counts.erase(text(row.first));
      return true;
    });
    return false;
  }

  void adopt(const Settings& settings) {
    if (lie != Lie::takes_other_settings && data_->settings && *data_->settings != settings)
      throw Error(Errc::settings_mismatch, "other settings", "WrongStore");
    data_->settings = settings;
  }

  struct Snapshot {
    const Data& data;
    [[nodiscard]] std::uint64_t applied(const WriterId& writer, std::uint32_t shard) const {
      const auto found = data.ledger.find({writer, shard});
      return found == data.ledger.end() ? 0 : found->second.sequence;
    }
    [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
      const auto found = data.rows.find(owned(key));
      return found == data.rows.end() ? std::nullopt : std::optional(found->second);
    }
    template <class F>
    void scan(const Selection& selection, F f) const {
      for (const auto& [key, count] : data.rows) {
        if (selection.contains(key) && !f(key, count)) return;
      }
    }
    [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
      std::vector<NamedCount> rows;
      scan(only(ns, bucket), [&](const KeyView& key, Count count) {
        rows.push_back({std::string(key.name), lie == Lie::counts_down_the_top ? -count : count});
        return true;
      });
      sort_top(rows, limit);
      return rows;
    }
    [[nodiscard]] std::vector<std::string> names(const Selection& selection, std::optional<std::string_view>,
                                                 std::size_t) const {
      std::vector<std::string> names;
      scan(selection, [&](const KeyView& key, Count) {
        names.emplace_back(key.name);
        return true;
      });
      return names;
    }
    [[nodiscard]] std::vector<std::string> namespaces() const {
      std::vector<std::string> names;
      for (const auto& [key, count] : data.rows) names.push_back(key.ns);
      names.erase(std::unique(names.begin(), names.end()), names.end());
      return names;
    }
  };
  [[nodiscard]] Snapshot snapshot() const { return {*data_}; }

 private:
  [[nodiscard]] static std::string text(const KeyView& key) {
    std::string text = to_text(key).text;
    if (lie != Lie::joins_keys_with_colons) text += '/' + std::to_string(key.ns.size());
    return text;
  }
  [[nodiscard]] bool count(const Record& record) {
    if (record.change.is_removal()) {
      if (lie == Lie::keeps_what_is_removed) return true;
      data_->counts.erase(text(record.key));
      data_->rows.erase(owned(record.key));
      return true;
    }
    const auto found = data_->counts.find(text(record.key));
    const Count before = found == data_->counts.end() ? 0 : found->second;
    Count after = record.change.apply(before);
    if (lie == Lie::floors_the_sum && record.change.sum != no_floor)
      after = before + std::max(record.change.sum, record.change.low);
    if (!in_range(after) && lie != Lie::counts_beyond_the_range) return false;
    if (lie == Lie::forgets_what_changes_nothing && after == before && before == 0) return true;
    data_->counts[text(record.key)] = after;
    data_->rows[owned(record.key)] = after;
    return true;
  }

  std::shared_ptr<Data> data_;
};

template <Lie lie>
class WrongPlace {
 public:
  using Store = WrongStore<lie>;
  static constexpr bool shared = false;
  [[nodiscard]] std::shared_ptr<Store> open() {
    const bool first = std::exchange(opened_, true) == false;
    if (!first && !killed_ && lie == Lie::forgets_when_closed) *data_ = {};
    if (lie == Lie::forgets_the_ledger) data_->ledger.clear();
    if (lie == Lie::forgets_horizons) data_->horizons = {};
    killed_ = false;
    return std::make_shared<Store>(typename Store::Options{data_});
  }
  void kill() {
    killed_ = true;
    if (lie == Lie::forgets_when_killed) *data_ = {};
  }
  void cut_power(std::mt19937_64&) {
    killed_ = true;
    if (lie == Lie::forgets_in_a_power_cut) *data_ = {};
  }
  [[nodiscard]] static MemoryDisk* disk() noexcept { return nullptr; }
  void tend(Store&) {}

 private:
  std::shared_ptr<Data> data_ = std::make_shared<Data>();
  bool opened_ = false;
  bool killed_ = false;
};

template <Lie lie>
std::string first_broken() {
  const ConformanceReport report = check_conformance<WrongPlace<lie>>();
  std::cout << report.text() << '\n';
  return report.passed() ? "" : report.broken().front();
}

}  // namespace

TEST_CASE("the library's stores keep every law") {
  expect_conformance<ServerPlace<MemoryStore>>(200);
  expect_conformance<DiskPlace<>>(200);
  expect_conformance<tests::SimulatedSqlite<>>(12);
  expect_conformance<tests::SimulatedSqlite<tests::LoggedSqliteStore>>(12);
}

TEST_CASE("the example of a store of one's own keeps every law that is asked of it") {
  expect_conformance<ServerPlace<MapStore>>(200);
}

TEST_CASE("a store that tells no lie keeps every law") { CHECK(first_broken<Lie::none>() == ""); }

TEST_CASE("of a store that breaks one law, that law is named first") {
  CHECK(first_broken<Lie::has_counters_of_nobody>() == "there is no counter before one is applied");
  CHECK(first_broken<Lie::floors_the_sum>() ==
        "a count becomes the larger of count + sum and low, from 0 if it is new");
  CHECK(first_broken<Lie::forgets_what_changes_nothing>() ==
        "a record makes its counter, also when it changes nothing");
  CHECK(first_broken<Lie::loses_the_last_record>() == "a batch is applied whole");
  CHECK(first_broken<Lie::joins_keys_with_colons>() ==
        "names and namespaces are bytes, and buckets of their own");
  CHECK(first_broken<Lie::counts_beyond_the_range>() ==
        "a record whose count would leave the range is put aside and named, and the rest is applied");
  CHECK(first_broken<Lie::keeps_what_is_removed>() ==
        "after a removal there is no counter, until a record makes it anew, from 0");
  CHECK(first_broken<Lie::counts_what_is_late>() ==
        "what is before a horizon goes, and what comes later for it is left out and named");
  CHECK(first_broken<Lie::moves_horizons_back>() == "a horizon never moves back");
  CHECK(first_broken<Lie::lets_all_go>() ==
        "nothing of the period all is let go, and who asks for it is refused: invalid_option");
  CHECK(first_broken<Lie::forgets_horizons>() == "horizons are kept with the data");
  CHECK(first_broken<Lie::forgets_when_closed>() ==
        "what was acknowledged is there when the store is opened again");
  CHECK(first_broken<Lie::forgets_when_killed>() == "what was acknowledged is there after a kill");
  CHECK(first_broken<Lie::forgets_in_a_power_cut>() == "what was acknowledged is there after a power cut");
  CHECK(first_broken<Lie::applies_again>() == "a batch that comes again is applied once");
  CHECK(first_broken<Lie::tells_once_what_was_put_aside>() ==
        "a batch that comes again is told anew what was put aside");
  CHECK(first_broken<Lie::refuses_older_ones>() == "an older batch is acknowledged and changes nothing");
  CHECK(first_broken<Lie::takes_duplicates>() ==
        "the number of the last batch with other records is refused: writer_duplicated");
  CHECK(first_broken<Lie::takes_gaps>() ==
        "a batch that does not follow the last one is refused: store_rolled_back");
  CHECK(first_broken<Lie::mixes_shards>() == "writers and shards number their batches each for itself");
  CHECK(first_broken<Lie::forgets_the_ledger>() == "the last number of a writer is kept with the data");
  CHECK(first_broken<Lie::takes_other_settings>() == "settings are kept with the data, and others refused");
  CHECK(first_broken<Lie::counts_down_the_top>() == "answers to questions agree with what can be read");
}
