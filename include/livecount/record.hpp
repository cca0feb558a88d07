// SPDX-License-Identifier: BSL-1.0
//
// What travels from a Counter to a store: transforms of counts, gathered into numbered batches.
//
// A Transform is the effect of many updates on one count: `x -> max(x + sum, low)`. The pair composes
// exactly, so one record stands for any number of increments and floored decrements (a sum floored at the end
// would not do):
//
//     Transform t;                       // nothing
//     t = t.then({-5, 0}).then({3, no_floor});
//     t.apply(1) == 3;                   // 1 - 5 floors at 0, then + 3
//
// Two changes do not look at the count: a reset, after which it is 0, and a removal, after which there is no such
// counter; what comes next makes it anew, from 0.
//
// A Batch carries records under an identity (writer, shard, sequence). A store that keeps the last sequence
// of each writer in the same transaction as the records applies a batch once, however often it is sent.
//
// Threads: all types here are values; a Batch refers to records and names that its sender keeps alive.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "calendar.hpp"
#include "detail/bytes.hpp"
#include "detail/hash.hpp"
#include "key.hpp"

namespace livecount::inline v0_1 {

using Count = std::int64_t;

/// The range of a count. An update whose result would leave it is refused with Errc::overflow.
inline constexpr Count max_count = Count{1} << 58;
inline constexpr Count min_count = -max_count;
[[nodiscard]] constexpr bool in_range(Count count) noexcept {
  return min_count <= count && count <= max_count;
}

/// Stands for minus infinity: as `low` it means "no floor", as `sum` it means "whatever it was" (a reset).
inline constexpr Count no_floor = std::numeric_limits<Count>::min();

/// Whether counts stop at zero. Stored with the data: a store opened with another floor refuses.
enum class Floor : std::uint8_t {
  zero,  // a decrement below zero leaves zero (the default)
  none,  // counts are signed
};

struct Transform {
  Count sum = 0;
  Count low = no_floor;

  /// After it there is no such counter. A store that takes removals (RemovingStore) has to ask before it applies.
  [[nodiscard]] constexpr bool is_removal() const noexcept { return sum == no_floor && low == no_floor; }

  /// The count after this change, given the count before it (0 where there was none). Requires: no removal.
  [[nodiscard]] constexpr Count apply(Count count) const noexcept {
    return sum == no_floor ? low : std::max(count + sum, low);
  }
  /// This change and, after it, the next one, as one.
  [[nodiscard]] constexpr Transform then(Transform next) const noexcept {
    if (next.sum == no_floor) return next;
    if (is_removal()) return {no_floor, next.apply(0)};
    const Count shifted = low == no_floor ? no_floor : low + next.sum;
    return {sum == no_floor ? no_floor : sum + next.sum, std::max(shifted, next.low)};
  }
  friend constexpr bool operator==(const Transform&, const Transform&) = default;
};

inline constexpr Transform reset_to_zero{no_floor, 0};
inline constexpr Transform removal{no_floor, no_floor};

struct Record {
  KeyView key;
  Transform change;
};

/// A writer's identity: 128 random bits, drawn anew each time a Counter starts.
using WriterId = std::array<std::uint8_t, 16>;

struct Batch {
  WriterId writer{};
  std::uint32_t shard = 0;
  std::uint64_t sequence = 0;  // 1, 2, 3, ... for each (writer, shard)
  std::span<const Record> records;
};

/// A checksum of what a batch does (not of its identity): the same number with another digest is another
/// batch.
[[nodiscard]] inline std::uint64_t digest(const Batch& batch) noexcept {
  detail::Digest digest;
  const KeyView* last = nullptr;
  for (const Record& record : batch.records) {
    // Namespace and bucket once for those that follow each other.
    if (last == nullptr || last->bucket != record.key.bucket || !detail::same_text(last->ns, record.key.ns)) {
      digest.add_number(-1);
      digest.add_bytes(record.key.ns);
      digest.add_number(static_cast<std::int64_t>(record.key.bucket.type));
      digest.add_number(record.key.bucket.start);
    }
    last = &record.key;
    digest.add_number(static_cast<std::int64_t>(detail::hash_bytes(record.key.name, 0)));  // less to gather
    digest.add_number(record.change.sum);
    digest.add_number(record.change.low);
  }
  return digest.value();
}

/// What became of a batch that was handed to a store.
enum class Outcome : std::uint8_t {
  applied,      // it is in the store, by this call or an earlier one
  not_applied,  // it is certainly not in the store
  unknown,      // it may or may not be: send it again under the same number
};

/// A store's answer. A record whose result would leave the range of a count is kept aside by the store, in
/// the same transaction, and named here by its position in the batch; the others are applied. So is a record of a bucket
/// before the store's horizon, which is left out.
struct ApplyResult {
  // NOLINTNEXTLINE(google-explicit-constructor): a store may return a bare Outcome
  ApplyResult(Outcome result) : outcome(result) {}
  ApplyResult(Outcome result, Errc code, std::string reason)
      : outcome(result), error(code), message(std::move(reason)) {}

  Outcome outcome;
  Errc error = Errc::ok;  // why it was not applied: store_unavailable is worth repeating, others are not
  std::string message;
  std::vector<std::size_t> quarantined;
  std::vector<std::size_t> late;
};

/// What a store promises about a batch that is sent again after an unclear answer.
struct exactly_once {};   // the number is committed with the records: it is applied once
struct at_least_once {};  // it may be applied again: counts may be too high after a failure

/// What the counts mean; kept with the data.
struct Settings {
  std::string calendar = "UTC";
  WeekStart week_start = WeekStart::monday;
  Floor floor = Floor::zero;
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// One row of an answer.
struct NamedCount {
  std::string name;
  Count count = 0;
  friend bool operator==(const NamedCount&, const NamedCount&) = default;
};

/// Leaves the largest counts, ties by name, in that order.
inline void sort_top(std::vector<NamedCount>& rows, std::size_t limit) {
  const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(limit, rows.size()));
  std::partial_sort(rows.begin(), end, rows.end(), [](const NamedCount& a, const NamedCount& b) {
    return a.count != b.count ? a.count > b.count : a.name < b.name;
  });
  rows.erase(end, rows.end());
}

}  // namespace livecount::inline v0_1
