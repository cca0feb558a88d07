// SPDX-License-Identifier: BSL-1.0
//
// ProcessLaws: what one process has counted, compared with what it sends, and with what it shows.
//
// A count is a chain of changes in the order in which they were made (a simulator does not let two changes of one counter
// overlap). Each record sent must be the composition of the next changes of its counter, however they were gathered: the
// floor included, since changes under a floor compose exactly. So nothing is lost, counted twice or floored at another
// place on the way to the store, and StoreModel says what is there afterwards.
//
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store_model.hpp"

namespace livecount::inline v0_1::testing {

class ProcessLaws {
 public:
  /// `state`: of the store when the process starts. `alone`: nobody else writes, so every read is known.
  ProcessLaws(std::map<Key, Count> state, bool alone) : base_(std::move(state)), alone_(alone) {}

  /// What the process keeps. Of buckets that have gone nothing is judged: of a call beside their going nobody says whether it
  /// was counted in them.
  void know(const Horizons& horizons) { horizons_ = horizons; }
  [[nodiscard]] bool keeps(Bucket bucket) const { return horizons_.keeps(bucket); }

  // ---- changes

  /// Before the change is made. It is taken back if it did not count. `minute`: in which it is made by one call,
  /// and of all time.
  void begin(const KeyView& key, const Transform& change, std::optional<Bucket> minute) {
    of(key).push(change, minute);
  }
  [[nodiscard]] std::string end(const KeyView& key, bool counted) {
    Counter& counter = of(key);
    if (counted) {
      counter.finished = counter.changes.size();
      return "";
    }
    counter.pop();
    for (auto* const numbers : {&counter.sent, &counter.stored})
      std::erase_if(*numbers, [&](std::size_t number) { return number > counter.changes.size(); });
    return !counter.sent.empty() && !counter.stored.empty()
               ? ""
               : "no double count: a change of " + describe(key) + " was refused, and sent";
  }

  /// The count is taken: a decrement by what `taken` tells before the change can be in a batch.
  void begin_taking(const KeyView& key, const std::optional<Count>& taken, Count low) {
    of(key).taking = {&taken, low};
  }
  [[nodiscard]] std::string end_taking(const KeyView& key, const std::optional<Count>& taken, bool counted) {
    Counter& counter = of(key);
    counter.note_taken();
    counter.taking = {};
    counter.finished = counter.changes.size();
    if (taken && !counted)
      return "no loss: " + describe(key) + " was taken, and the call says that it was not";
    const auto before = value(key, counter.changes.size() - (taken ? 1 : 0));
    return !counted || !alone_ || !keeps(key.bucket) || taken == before
               ? ""
               : "a count is taken whole: of " + describe(key) + " " + describe(taken) +
                     " was taken, and it had " + describe(before);
  }

  // ---- batches; each returns the law that is broken, or nothing

  [[nodiscard]] std::string send(const Batch& batch, std::set<WriterId>& writers) {
    if (batch.writer != writer_) {
      if (!writers.insert(batch.writer).second)
        return "identity: a process sends batches under an identity that was used before";
      if (in_flight_) return "ledger: a batch without an answer is sent under another identity";
      writer_ = batch.writer;
      sequence_ = 0;
    }
    const std::uint64_t content = digest(batch);
    if (in_flight_) {
      if (batch.sequence != sequence_ + 1)
        return "ledger: batch " + std::to_string(batch.sequence) + " is sent before batch " +
               std::to_string(sequence_ + 1) + " is acknowledged";
      return content == digest_ ? ""
                                : "no double count: batch " + std::to_string(batch.sequence) +
                                      " is sent again with other records";
    }
    if (batch.sequence != sequence_ + 1)
      return "ledger: after batch " + std::to_string(sequence_) + " comes batch " +
             std::to_string(batch.sequence);
    in_flight_ = true;
    digest_ = content;
    for (const Record& record : batch.records) {
      if (!keeps(record.key.bucket)) continue;
      Counter& counter = of(record.key);
      counter.note_taken();
      std::vector<std::size_t> next;
      for (const std::size_t from : counter.sent) {
        Transform sum;
        for (std::size_t to = from;; ++to) {
          if (sum == record.change) next.push_back(to);
          if (to == counter.changes.size()) break;
          sum = sum.then(counter.changes[to]);
        }
      }
      if (next.empty()) return "no loss, no double count, floor exact: " + why_wrong(record, counter);
      std::sort(next.begin(), next.end());
      next.erase(std::unique(next.begin(), next.end()), next.end());
      counter.sent = std::move(next);
    }
    for (const Record& record : batch.records) {
      for (const auto& [key, other] : counters_) {
        if (key.name != record.key.name || key.bucket.type == record.key.bucket.type) continue;
        const Bucket minute = key.bucket.type == PeriodType::all ? record.key.bucket : key.bucket;
        if (keeps(minute) && !is_whole(of(record.key), other, minute))
          return "a call of two periods is sent whole or not at all: " + describe(record.key);
      }
    }
    return "";
  }

  /// The process was told that the batch is in the store.
  void acknowledge(const Batch& batch) {
    in_flight_ = false;
    sequence_ = batch.sequence;
    for (const Record& record : batch.records) of(record.key).stored = of(record.key).sent;
  }

  // ---- what is durable

  /// How many changes of each counter have been made.
  [[nodiscard]] std::map<Key, std::size_t> finished() const {
    std::map<Key, std::size_t> finished;
    for (const auto& [key, counter] : counters_) finished[key] = counter.finished;
    return finished;
  }
  /// The store must have acknowledged so many.
  [[nodiscard]] std::string require_stored(const std::map<Key, std::size_t>& changes) const {
    for (const auto& [key, number] : changes) {
      if (keeps(key.bucket) && largest(counters_.at(key).stored) < number)
        return "no loss: what was said to be written of " + describe(key) +
               " was not acknowledged by the store";
    }
    return "";
  }
  [[nodiscard]] std::string require_stored(const KeyView& key) {
    return require_stored({{owned(key), of(key).finished}});
  }

  // ---- reads

  struct Moment {
    std::size_t finished = 0;
    Count seen = 0;    // by the largest of the reads that have returned
    Count others = 0;  // that must be in it: what others had stored so long ago that it must be seen
  };
  [[nodiscard]] Moment before_read(const KeyView& key) { return {of(key).finished, of(key).last_seen, 0}; }

  /// A read that began at the moment. `most`: what everybody has counted, if nobody ever decrements.
  [[nodiscard]] std::string read(const KeyView& key, const Moment& moment, const std::optional<Count>& seen,
                                 std::optional<Count> most) {
    Counter& counter = of(key);
    const std::string what = describe(key) + " is shown as " + describe(seen);
    if (alone_) {
      for (std::size_t i = moment.finished; i <= counter.changes.size(); ++i) {
        if (value(key, i) == seen) return "";
      }
      if (counter.taking.taken && seen == 0 && value(key, counter.changes.size())) return "";
      return "a read shows all that was counted before it: " + what + " instead of " +
             describe(value(key, counter.changes.size()));
    }
    if (!most) return "";
    const Count count = seen.value_or(0);
    if (count < moment.seen) return "reads never go back: " + what + ", after " + std::to_string(moment.seen);
    counter.last_seen = std::max(counter.last_seen, count);
    const Count least = std::max(value(key, moment.finished).value_or(0), moment.others);
    if (count < least)
      return "a read shows what was counted before it: " + what + ", at least " + std::to_string(least) +
             " must be there";
    return count <= *most ? "" : "no double count: " + what + ", of " + std::to_string(*most) + " counted";
  }
  /// The answer to the last change of the counter.
  [[nodiscard]] std::string answer(const KeyView& key, Count told) {
    if (!alone_ || value(key, of(key).changes.size()) == told) return "";
    return "a change is told the count that it makes: " + describe(key) + " is told as " +
           std::to_string(told) + " instead of " + describe(value(key, of(key).changes.size()));
  }

 private:
  struct Counter {
    std::vector<Transform> changes{};
    std::vector<std::optional<Bucket>> minutes{};  // parallel: of calls of two periods
    std::size_t finished = 0;                      // of them
    std::vector<std::size_t> sent{0};    // how many may be in batches; several where changes do nothing
    std::vector<std::size_t> stored{0};  // ... in batches acknowledged
    Count last_seen = 0;
    struct {
      const std::optional<Count>* taken = nullptr;  // null: no taking is under way, or it is in the changes
      Count low = no_floor;
    } taking{};

    void push(const Transform& change, std::optional<Bucket> minute) {
      changes.push_back(change);
      minutes.push_back(minute);
    }
    void pop() {
      changes.pop_back();
      minutes.pop_back();
    }
    void note_taken() {
      if (!taking.taken || !*taking.taken) return;
      push({-**taking.taken, taking.low}, std::nullopt);
      taking.taken = nullptr;
    }
  };

  [[nodiscard]] Counter& of(const KeyView& key) { return counters_[owned(key)]; }
  [[nodiscard]] static std::size_t largest(const std::vector<std::size_t>& numbers) {
    return *std::max_element(numbers.begin(), numbers.end());
  }
  /// Whether as many of the calls that changed both, in that minute, have been sent of one as of the other.
  [[nodiscard]] static bool is_whole(const Counter& one, const Counter& other, Bucket minute) {
    const auto calls = [&](const Counter& counter, std::size_t changes) {
      const auto begin = counter.minutes.begin();
      return std::count(begin, begin + static_cast<std::ptrdiff_t>(changes), minute);
    };
    return std::any_of(one.sent.begin(), one.sent.end(), [&](std::size_t a) {
      return std::any_of(other.sent.begin(), other.sent.end(),
                         [&](std::size_t b) { return calls(one, a) == calls(other, b); });
    });
  }
  /// After so many changes, as far as this process makes them.
  [[nodiscard]] std::optional<Count> value(const KeyView& key, std::size_t changes) {
    const auto found = base_.find(owned(key));
    std::optional<Count> count = found == base_.end() ? std::nullopt : std::optional(found->second);
    const Counter& counter = of(key);
    for (std::size_t i = 0; i < changes; ++i) {
      const Transform& change = counter.changes[i];
      count = change.is_removal() ? std::nullopt : std::optional(change.apply(count.value_or(0)));
    }
    return count;
  }
  [[nodiscard]] static std::string why_wrong(const Record& record, const Counter& counter) {
    const auto text = [](const Transform& change) -> std::string {
      if (change.is_removal()) return "(a removal)";
      if (change.sum == no_floor) return "(a reset to " + std::to_string(change.low) + ")";
      return std::to_string(change.sum) +
             (change.low == no_floor ? "" : " (but at least " + std::to_string(change.low) + ")");
    };
    std::string changes;
    for (std::size_t i = counter.sent.front(); i < counter.changes.size(); ++i)
      changes += " " + text(counter.changes[i]);
    return "a batch changes " + describe(record.key) + " by " + text(record.change) +
           ", and what was counted since the batch before it is" + (changes.empty() ? " nothing" : changes);
  }

  std::map<Key, Count> base_;
  Horizons horizons_;
  bool alone_;
  std::map<Key, Counter> counters_;
  std::optional<WriterId> writer_;
  std::uint64_t sequence_ = 0;  // acknowledged
  bool in_flight_ = false;
  std::uint64_t digest_ = 0;
};

}  // namespace livecount::inline v0_1::testing
