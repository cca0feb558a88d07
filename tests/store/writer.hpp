// SPDX-License-Identifier: BSL-1.0
// What tests of stores work with: a store in a place of its own, a writer that numbers its batches, short ways to say
// what is in them.
#pragma once

#include <livecount/concepts.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/policies.hpp"

namespace livecount::tests {

inline constexpr Bucket all{PeriodType::all, 0};
inline constexpr Bucket day{PeriodType::day, 1'308'096'000};
inline constexpr Bucket next_day{PeriodType::day, day.start + 86'400};

/// A store in a place of its own.
template <class Store>
struct Opened {
  StorePlace<Store> place;
  Store store{place.options()};
};

constexpr KeyView named(std::string_view name, Bucket bucket = all) { return {"ns", bucket, name}; }
constexpr Record plus(std::string_view name, Count sum, Count low = no_floor) {
  return {named(name), {sum, low}};
}

/// Numbers its batches.
struct Writer {
  explicit Writer(std::uint8_t byte, std::uint32_t in_shard = 0) : shard(in_shard) { id.fill(byte); }

  template <class Store>
  ApplyResult send(Store& store, const std::vector<Record>& records) {
    ++sequence;
    return send_again(store, records);
  }
  template <class Store>
  ApplyResult send_again(Store& store, const std::vector<Record>& records) const {
    return send_as(store, sequence, records);
  }
  template <class Store>
  ApplyResult send_as(Store& store, std::uint64_t number, const std::vector<Record>& records) const {
    return store.apply(Batch{id, shard, number, records});
  }

  WriterId id{};
  std::uint32_t shard;
  std::uint64_t sequence = 0;
};

inline bool is_applied(const ApplyResult& result) {
  return result.outcome == Outcome::applied && result.error == Errc::ok && result.quarantined.empty();
}
inline bool is_refused(const ApplyResult& result, Errc error) {
  return result.outcome == Outcome::not_applied && result.error == error && !result.message.empty();
}

template <class Store>
std::vector<std::pair<Key, Count>> rows(const Store& store, std::string_view ns, PeriodType type,
                                        std::optional<Bucket> bucket = std::nullopt) {
  std::vector<std::pair<Key, Count>> rows;
  store.scan(ns, type, bucket, [&](const KeyView& key, Count count) {
    rows.push_back({{std::string(key.ns), key.bucket, std::string(key.name)}, count});
  });
  return rows;
}

}  // namespace livecount::tests
