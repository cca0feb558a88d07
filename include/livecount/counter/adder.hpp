// SPDX-License-Identifier: BSL-1.0
//
// How a delta gets into an entry: blindly, or by compare-and-swap.
//
// Out of range: a blind add may pass the range. It then takes itself back by compare-and-swap, without any lock,
// so that others may wait for it. (Where many meet at the very end of the range, a word may stay outside of it; so
// they wait for a while only, and the store puts aside what does not fit.) Of several periods that are counted together all
// are taken back if one does not fit. If a floored decrement or a take has used up what another of them had got in between,
// that one ends below the floor. It takes a thread that carries a count to the end of its range at that moment.
#pragma once

#include <algorithm>
#include <cstdint>

#include "../entry.hpp"
#include "write_behind.hpp"

namespace livecount::inline v0_1::detail {

enum class Added : std::uint8_t {
  yes,         // counted
  marked,      // counted, and the entry is newly dirty
  ripe,        // counted, and the counter has gathered batch_size changes
  no,          // not counted
  taken_back,  // not counted, but the entry is newly dirty
  cancelled,   // counted, but the entry left when its unmarked adds had cancelled out: repeat with a delta of
               // 0
};
[[nodiscard]] constexpr bool is_done(Added added) noexcept { return added <= Added::ripe; }

template <class Cache, class Store>
class Adder {
 public:
  using Sync = typename Cache::Sync;
  using Entry = BasicEntry<Sync>;
  using Word = typename Entry::Word;

  Adder(WriteBehind<Cache, Store>& write_behind, Floor floor)
      : write_behind_(write_behind),
        floor_(floor),
        least_plain_(floor == Floor::none ? -large : 0),
        batch_size_(write_behind.pace().batch_size) {}

  /// Whether a blind add will do. Large deltas go by compare-and-swap, so that blind ones of many threads
  /// together cannot carry the count into the flags' neighbourhood: 2^16 threads times 2^40 stay below 2^58.
  [[nodiscard]] bool is_plain(Count delta) const noexcept {
    return delta <= large && delta >= least_plain_ && !write_behind_.room().full();
  }
  /// Whether the floor can bite.
  [[nodiscard]] bool is_floored(Count delta) const noexcept { return floor_ == Floor::zero && delta < 0; }

  /// The blind add. Requires: is_plain(delta); a Guard, or a pin. Lock-free, and a moment in the gate for a
  /// clean entry.
  [[nodiscard, gnu::always_inline]] Added add(Entry& entry, std::uint64_t name_hash, Count delta) noexcept {
    const Word old = entry.add(delta);
    Added added = Added::yes;
    if (!Entry::is_usual(old)) [[unlikely]] {
      if (!Entry::is_live(old)) return Added::no;
      added = finish(entry, name_hash, delta, old);
      if (!is_done(added)) return added;
    }
    return note_change(entry) ? Added::ripe : added;
  }

  /// Counts a change towards batch_size; true if that is reached.
  [[nodiscard]] bool note_change(Entry& entry) const noexcept {
    return batch_size_ != 0 && entry.changes.fetch_add(1, std::memory_order_relaxed) + 1 == batch_size_;
  }

  /// Adds by compare-and-swap; false if the count would leave its range. Requires: inside the gate, pinned. A
  /// floored delta also: under the latch, loaded, with the entry's window; it never fails.
  [[nodiscard]] bool change(Entry& entry, Count delta, Window* window, Count* result) noexcept {
    if (is_floored(delta)) {
      decrement(entry, delta, *window, result);
      return true;
    }
    Word word = entry.load();
    int left = Entry::patience;
    do {
      while (entry.wait_for_range(word, left)) continue;
      if (!in_range(Entry::count_of(word) + delta)) return false;
    } while (!entry.replace(word, word + delta * Entry::unit));
    if (result) *result = visible(Entry::count_of(word) + delta);
    return true;
  }

  /// Takes the whole count, as a decrement by exactly what it returns: adds that come in between are in it or stay.
  /// Requires: inside the gate, pinned, under the latch, loaded; the entry's window if counts are floored.
  [[nodiscard]] Count take(Entry& entry, Window* window) noexcept {
    Word word = entry.load();
    Count taken = 0;
    int left = Entry::patience;
    do {
      while (entry.wait_for_range(word, left)) continue;
      taken = visible(Entry::count_of(word));
    } while (!entry.replace(word, word - taken * Entry::unit));
    if (window) note_decrement(entry, *window, Entry::count_of(word) - taken);
    return taken;
  }

  /// A reset or removal has taken this from a count.
  void discard(Count count) noexcept {
    discarded_sum_.fetch_add(static_cast<std::uint64_t>(count), std::memory_order_relaxed);
  }

  /// The sum of what resets have taken from counts, less what the floor has taken from decrements, modulo 2^64.
  [[nodiscard]] std::uint64_t discarded_sum() const noexcept {
    return discarded_sum_.load(std::memory_order_relaxed);
  }

  /// What a reader is shown. With several processes on one store, changes of theirs that come in beside
  /// floored decrements of ours may take our count below the floor, until our batch has been applied.
  [[nodiscard]] Count visible(Count count) const noexcept {
    return floor_ == Floor::zero ? std::max<Count>(count, 0) : count;
  }

 private:
  using Inside = typename Gate<Sync>::Inside;
  static constexpr Count large = Count{1} << 40;

  /// The rest of an add whose old word was clean, or not in the middle of the range.
  [[nodiscard, gnu::noinline]] Added finish(Entry& entry, std::uint64_t name_hash, Count delta,
                                            Word old) noexcept {
    bool taken_back = false;
    if (in_range(Entry::count_of(old) + delta)) {
      if (Entry::is_queued(old)) return Added::yes;
    } else {
      Word word = entry.load();
      // Somebody may meanwhile have made room: then it counts after all.
      while (Entry::is_live(word) && !in_range(Entry::count_of(word)) && !taken_back) {
        taken_back = entry.replace(word, word - delta * Entry::unit);
      }
      if (!Entry::is_live(word)) return Added::cancelled;
      if (taken_back && Entry::is_queued(word)) return Added::no;
    }
    // Also after taking back: a batch may have been formed between the two, and then holds what is gone now.
    const Inside inside(write_behind_.gate(name_hash));
    const Word word = entry.load();
    if (!Entry::is_live(word)) return taken_back ? Added::no : Added::cancelled;
    if (Entry::is_queued(word)) return taken_back ? Added::no : Added::yes;
    write_behind_.room().reserve_by_force();
    const Word before = write_behind_.mark(entry, name_hash);
    if (taken_back) return Added::taken_back;
    if (!Entry::is_live(before)) return Added::cancelled;
    return Entry::is_queued(before) ? Added::yes : Added::marked;
  }

  void decrement(Entry& entry, Count delta, Window& window, Count* result) noexcept {
    Word word = entry.load();
    Count after = 0;
    do {
      after = std::max<Count>(Entry::count_of(word) + delta, 0);
    } while (!entry.replace(word, (word & (Entry::unit - 1)) + after * Entry::unit));
    const Count clip = after - (Entry::count_of(word) + delta);
    if (clip != 0) discarded_sum_.fetch_sub(static_cast<std::uint64_t>(clip), std::memory_order_relaxed);
    window.clipped += clip;
    note_decrement(entry, window, after);
    if (result) *result = after;
  }

  /// `after`: the count after the decrement.
  static void note_decrement(const Entry& entry, Window& window, Count after) noexcept {
    Count sum = after - entry.watermark() - window.clipped;
    if (sum < min_count) {  // no count survives this anyway: exact, and it cannot grow without bound
      window.clipped -= min_count - sum;
      sum = min_count;
    }
    window.lowest = window.floored ? std::min(window.lowest, sum) : sum;
    window.floored = true;
  }

  WriteBehind<Cache, Store>& write_behind_;
  const Floor floor_;
  const Count least_plain_;
  const std::uint32_t batch_size_;
  typename Sync::template atomic<std::uint64_t> discarded_sum_{0};
};

}  // namespace livecount::inline v0_1::detail
