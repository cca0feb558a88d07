// SPDX-License-Identifier: BSL-1.0
// Keeps, for each period type, the bucket that was asked for last and how long it holds, so that the calendar
// is asked once a bucket and not once an update.
#pragma once

#include <array>

#include "../calendar.hpp"
#include "../detail/hash.hpp"
#include "../detail/sync.hpp"

namespace livecount::inline v0_1::detail {

template <class Sync>
class BucketClock {
 public:
  struct Place {
    Bucket bucket;
    std::uint64_t salt;  // what tells the hash of a name in this bucket from the others': to be xored
  };

  explicit BucketClock(const Calendar& calendar) : calendar_(calendar) {}

  /// Throws Error{time_out_of_range}. Any thread. Wait-free while the time stays in the bucket asked for last.
  [[nodiscard, gnu::always_inline]] Place place(PeriodType type, Time time) {
    Place place;
    return recall(type, time, place) ? place : look_up(type, time);
  }

  /// The same, if the time is in the bucket asked for last; else false.
  [[nodiscard, gnu::always_inline]] bool recall(PeriodType type, Time time, Place& place) const noexcept {
    if (type == PeriodType::all) {
      place = {{type, 0}, 0};
      return true;
    }
    const Slot& slot = slots_[static_cast<std::size_t>(type)];
    const std::int64_t at = time.seconds().time_since_epoch().count();

    // A sequence lock made of atomics: an odd version is being written; the acquire loads keep (2) behind the
    // fields.
    const std::uint32_t version = slot.version.load(std::memory_order_acquire);  // (1) pairs with (3)
    const std::int64_t from = slot.from.load(std::memory_order_acquire);
    const std::int64_t until = slot.until.load(std::memory_order_acquire);
    const std::int64_t start = slot.start.load(std::memory_order_acquire);
    const std::uint64_t salt = slot.salt.load(std::memory_order_acquire);
    place = {{type, start}, salt};
    return version % 2 == 0 && from <= at && at < until &&
           slot.version.load(std::memory_order_relaxed) == version;  // (2)
  }

 private:
  template <class T>
  using atomic = typename Sync::template atomic<T>;

  struct alignas(cache_line) Slot {
    atomic<std::uint32_t> version{0};
    atomic<std::int64_t> from{0};  // [0, 0): holds no time
    atomic<std::int64_t> until{0};
    atomic<std::int64_t> start{0};
    atomic<std::uint64_t> salt{0};
  };

  [[gnu::noinline]] Place look_up(PeriodType type, Time time) {
    Slot& slot = slots_[static_cast<std::size_t>(type)];
    const Calendar::Segment segment = calendar_.segment(type, time);
    const std::uint64_t salt = mix(0, static_cast<std::uint64_t>(pack(segment.bucket)));
    std::uint32_t version = slot.version.load(std::memory_order_relaxed);
    // Who finds another writer leaves it at that: the slot is only a memory of the last answer.
    if (version % 2 == 0 &&
        slot.version.compare_exchange_strong(version, version + 1, std::memory_order_acquire)) {
      // release: a reader that sees one of these sees the odd version in (2).
      slot.from.store(segment.from.seconds().time_since_epoch().count(), std::memory_order_release);
      slot.until.store(segment.until.seconds().time_since_epoch().count(), std::memory_order_release);
      slot.start.store(segment.bucket.start, std::memory_order_release);
      slot.salt.store(salt, std::memory_order_release);
      slot.version.store(version + 2, std::memory_order_release);  // (3)
    }
    return {segment.bucket, salt};
  }

  const Calendar calendar_;
  std::array<Slot, 8> slots_;
};

}  // namespace livecount::inline v0_1::detail
