// SPDX-License-Identifier: BSL-1.0
//
// What a Counter is told and what it tells: updates, look-ups, limits, statistics.
//
//     hits.increment(url, {.periods = PeriodType::day | PeriodType::week, .ns = "starred", .delta = 2});
//     hits.get(url, {.period = PeriodType::day, .ns = "starred"});
//
// Threads: all types here are values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "../calendar.hpp"
#include "../error.hpp"
#include "../period.hpp"
#include "../record.hpp"
#include "../retention.hpp"

namespace livecount::inline v0_1 {

/// Names and namespaces are bytes, compared bytewise; both may be empty. These are the longest ones.
inline constexpr std::size_t max_name_bytes = 1024;
inline constexpr std::size_t max_namespace_bytes = 255;

/// An update of one name: the same delta in one bucket of each period, all of them or none. Name the fields in this
/// order, as C++ asks.
struct Update {
  Periods periods = PeriodType::all;
  std::string_view ns = default_namespace;
  Count delta = 1;
  std::optional<Time> at = std::nullopt;  // nothing: now, by the Counter's clock
};

/// One of many updates.
struct NamedUpdate {
  std::string_view name;
  Update update{};
};

/// A question for one counter.
struct Lookup {
  PeriodType period = PeriodType::all;
  std::string_view ns = default_namespace;
  std::optional<Time> at = std::nullopt;
};

/// What a handle is bound to.
struct Binding {
  Periods periods = PeriodType::all;
  std::string_view ns = default_namespace;
};

/// What an update does when `max_pending` counters are dirty, or the cache has no room for another one.
enum class Limit : std::uint8_t {
  block,   // waits for the store, up to `block_timeout`, and is then refused (Errc::backpressure)
  refuse,  // is refused at once
  flush,   // writes what is pending itself
};

/// What close() could not write.
struct CloseReport {
  bool clean = true;              // everything is in the store
  std::size_t counters_left = 0;  // counters with changes that are not
  std::string message;            // why
};

/// Where a Counter stands. Figures of one moment, taken one after the other: exact when nothing is running. Then every
/// change is accounted for: attempted = accepted + refused, and
///
///     accepted_sum = stored_sum + in_flight_sum + unflushed_sum + quarantined_sum + expired_sum + discarded_sum
///
/// where an update of three periods adds its delta three times, or less if a bucket of its is not kept any more, and
/// get_and_reset takes away what it returns. A reset or removal moves the whole count to discarded_sum, also what was stored
/// before the start. The sums wrap at 2^64.
struct Stats {
  std::uint64_t accepted = 0;  // updates that counted
  std::uint64_t refused = 0;   // updates that changed nothing

  Count accepted_sum = 0;   // of the deltas of accepted updates
  Count stored_sum = 0;     // ... that are in batches applied
  Count in_flight_sum = 0;  // ... in the batch that the store is being sent, until it takes it
  std::optional<Count>
      unflushed_sum;          // ... in no batch yet, entry by entry; nothing while a drain is at work
  Count quarantined_sum = 0;  // ... that the store put aside
  Count expired_sum = 0;      // ... that came to the store after their bucket had gone
  Count discarded_sum = 0;    // ... that resets and removals took, less what the floor took from decrements

  std::size_t pending = 0;        // counters with changes that are not yet in the store
  std::uint64_t batches = 0;      // batches applied
  std::uint64_t records = 0;      // records in them: one record stands for many updates
  std::uint64_t failures = 0;     // attempts to write a batch that failed; the batch is kept and sent again
  Errc error = Errc::ok;          // why the last attempt failed; ok if it did not
  std::uint64_t quarantined = 0;  // records that the store put aside, as the count would have left its range
  std::uint64_t late = 0;         // changes of a bucket that had gone: left out at once, or at the store
  std::uint64_t overflowed = 0;   // records of names over max_names: they went to an overflow counter
  std::uint64_t loads = 0;        // counts read from the store
  std::size_t capacity = 0;       // of the cache, in entries
  std::size_t entries = 0;        // in the cache now
  std::uint64_t inserted = 0;     // entries made
  std::uint64_t evicted = 0;      // entries that have left
};

/// The wall clock by default: time(), which is the kernel's coarse clock on Linux, at most 10 ms behind.
struct CoarseClock {
  [[nodiscard]] Time now() const noexcept {
    return std::chrono::sys_seconds(std::chrono::seconds(std::time(nullptr)));
  }
};

namespace detail {

/// The update that touches just this counter.
[[nodiscard]] inline Update update_of(const Lookup& lookup) noexcept {
  return {.periods = lookup.period, .ns = lookup.ns, .at = lookup.at};
}

/// What the protocol is told, whatever the policies. Counter::Options explains each.
struct CoreOptions {
  Calendar calendar;
  Floor floor = Floor::zero;
  Limit when_full = Limit::block;
  std::chrono::milliseconds block_timeout{};
  std::chrono::milliseconds refresh{};
  Retention retention{};
  std::size_t max_pending = 0;
  std::size_t max_names = 0;
  std::size_t max_batch = 0;
  std::function<void(const Error&)> on_error;
};

}  // namespace detail

}  // namespace livecount::inline v0_1
