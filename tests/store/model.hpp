// SPDX-License-Identifier: BSL-1.0
// A store as plain as can be, which the others are compared with, and batches of all kinds.
#pragma once

#include <livecount/record.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "store/writer.hpp"

namespace livecount::tests {

/// What a store should do, put plainly.
struct Model {
  struct Ledger {
    std::uint64_t sequence = 0;
    std::vector<std::pair<Key, Transform>> records;
  };

  ApplyResult apply(const Batch& batch) {
    Ledger& last = ledger[{batch.writer, batch.shard}];
    std::vector<std::pair<Key, Transform>> records;
    for (const auto& [key, change] : batch.records) {
      records.push_back({{std::string(key.ns), key.bucket, std::string(key.name)}, change});
    }
    if (batch.sequence == last.sequence && records != last.records) {
      return {Outcome::not_applied, Errc::writer_duplicated, ""};
    }
    if (batch.sequence <= last.sequence) return Outcome::applied;
    if (batch.sequence > last.sequence + 1) return {Outcome::not_applied, Errc::store_rolled_back, ""};
    last = {batch.sequence, records};
    ApplyResult result = Outcome::applied;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& [key, change] = records[i];
      if (change.sum == no_floor && change.low == no_floor) {
        counts.erase(key);
        continue;
      }
      const auto found = counts.find(key);
      const Count old = found == counts.end() ? 0 : found->second;
      const Count count = change.sum == no_floor ? change.low : std::max(old + change.sum, change.low);
      if (count < min_count || count > max_count) {
        result.quarantined.push_back(i);
      } else {
        counts[key] = count;
      }
    }
    return result;
  }

  std::map<Key, Count> counts;
  std::map<std::pair<WriterId, std::uint32_t>, Ledger> ledger;
};

/// Keys of all kinds, few enough to be met often.
inline std::vector<Key> some_keys() {
  std::vector<Key> keys;
  for (const std::string& ns : {std::string(), std::string("ns"), std::string("\0\xff", 2)}) {
    for (const Bucket& bucket : {all, day, next_day, Bucket{PeriodType::week, day.start}}) {
      for (const std::string& name :
           {std::string(), std::string("a"), std::string("\0", 1), std::string("\xfe:")}) {
        keys.push_back({ns, bucket, name});
      }
    }
  }
  return keys;
}

inline Transform draw_change(std::mt19937_64& random) {
  const Count small = static_cast<Count>(random() % 19) - 9;
  constexpr std::array<Count, 4> lows = {no_floor, no_floor, 0, -3};
  switch (random() % 12) {
    case 0: return {no_floor, small};
    case 1: return {max_count - 2 + small, no_floor};
    case 3: return {no_floor, no_floor};
    case 2: return {min_count + 2 + small, lows[random() % 4]};
    default: return {small, lows[random() % 4]};
  }
}

inline std::vector<Record> draw_records(std::mt19937_64& random, const std::vector<Key>& keys) {
  std::vector<Record> records;
  for (std::uint64_t i = random() % 12; i > 0; --i) {
    const Key& key = keys[random() % keys.size()];
    const auto same = [&](const Record& record) { return record.key == KeyView(key); };
    if (std::none_of(records.begin(), records.end(), same)) records.push_back({key, draw_change(random)});
  }
  return records;
}

}  // namespace livecount::tests
