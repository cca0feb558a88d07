// SPDX-License-Identifier: BSL-1.0
//
// Memory: what a load of an atomic may see, by the rules of C++ for acquire, release, relaxed and sequentially
// consistent operations.
//
// Each atomic has a history: its last few values in the order in which they were written. A load may see the newest,
// or an older one, unless
//
//   - the thread has itself written, or already seen, a later one (coherence);
//   - a later one was written, or seen by somebody, before something that the thread has synchronised with;
//   - both are sequentially consistent, and the load comes after a later one of that kind.
//
// A read-modify-write sees the newest. What happens before what is kept as vector clocks (Lamport's "happened before"
// with the clocks of Mattern and Fidge). It also shows misuse of memory: an atomic that a thread uses although nothing
// orders its construction before, and one that is destroyed although nothing orders somebody's use before.
//
// Not shown: a load that sees what will only be written later (load buffering), a failing compare-and-swap that sees an
// old value, and all that plain memory could do (that is for ThreadSanitizer).
//
// Threads: one.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

namespace livecount::inline v0_1::testing {

inline constexpr std::size_t most_threads = 8;  // of one execution, with the one that sets it up

[[nodiscard]] constexpr bool acquires(std::memory_order order) noexcept {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}
[[nodiscard]] constexpr bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

/// How far a thread knows each thread: a vector clock.
struct VectorClock {
  std::array<std::uint32_t, most_threads> times{};

  void join(const VectorClock& other) noexcept {
    for (std::size_t i = 0; i < most_threads; ++i) times[i] = std::max(times[i], other.times[i]);
  }
  [[nodiscard]] bool knows(std::size_t thread, std::uint32_t time) const noexcept {
    return times[thread] >= time;
  }
};

/// Which threads have ever read and written a place, as bits: where nobody else writes, the order does not matter.
struct Sharing {
  std::uint32_t readers = 0;
  std::uint32_t writers = 0;
};

struct Write {
  std::uint64_t bits = 0;
  VectorClock released;                            // what an acquiring reader gets to know
  std::array<std::uint32_t, most_threads> seen{};  // when each thread first saw it; 0: not yet
  std::uint8_t thread = 0;
  std::uint32_t time = 0;
  bool sequential = false;
};

/// The place of one atomic.
struct Location {
  void* address = nullptr;
  std::size_t size = 0;
  std::uint64_t initial = 0;
  bool alive = true;
  bool outlives = true;  // it was there before the execution, and gets its value back after it
  std::uint8_t creator = 0;
  std::uint32_t created = 0;
  Sharing* sharing = nullptr;
  std::vector<Write> writes;
  std::uint32_t forgotten = 0;                      // so many writes are not kept any more
  std::array<std::uint32_t, most_threads> floor{};  // the earliest write each thread may still see
  VectorClock used;                                 // when each thread used it last
};

class Memory {
 public:
  /// `history`: how many values of a place are remembered.
  void begin(std::size_t history) {
    history_ = history;
    ++round_;
    count_ = 0;
    constructed_ = 0;
    constructed_by_ = {};
  }

  /// Gives all that outlives the execution the value that it had before.
  void end() {
    for (std::size_t i = 0; i < count_; ++i) {
      const Location& at = locations_[i];
      if (at.alive && at.outlives) std::memcpy(at.address, &at.initial, at.size);
    }
  }

  [[nodiscard]] Location& at(void* address, std::size_t size) {
    Location* found = find(address);
    if (!found) {
      found = &add(address, size);
      found->sharing = &outliving_[address];
    }
    return *found;
  }

  void construct(void* address, std::size_t size, std::size_t thread, std::uint32_t time, bool set_up) {
    Location& at = add(address, size);
    at.outlives = false;
    at.creator = static_cast<std::uint8_t>(thread);
    at.created = set_up ? 0 : time;
    // The same place in another execution has the same number.
    const std::uint64_t number = set_up ? constructed_++ : (thread + 1) << 32 | constructed_by_[thread]++;
    at.sharing = set_up ? set_up_sharing(number) : &made_[number];
  }

  [[nodiscard]] Location* find(void* address) noexcept {
    for (std::size_t i = slot_of(address);; i = (i + 1) % table_.size()) {
      const Slot& slot = table_[i];
      if (slot.round != round_) return nullptr;
      if (slot.address == address) return &locations_[slot.index];
    }
  }

  // ---- while threads run

  /// How many of the newest values the load may see.
  [[nodiscard]] std::size_t readable(Location& at, std::size_t thread, const VectorClock& clock,
                                     bool sequential) {
    ensure_history(at);
    const std::size_t size = at.writes.size();
    for (std::size_t age = 0; age < size; ++age) {
      const Write& write = at.writes[size - 1 - age];
      const std::size_t index = at.forgotten + size - 1 - age;
      if (index <= at.floor[thread] || clock.knows(write.thread, write.time) ||
          (sequential && write.sequential)) {
        return age + 1;
      }
      for (std::size_t other = 0; other < most_threads; ++other) {
        if (write.seen[other] != 0 && clock.knows(other, write.seen[other])) return age + 1;
      }
    }
    return size;
  }

  std::uint64_t read(Location& at, std::size_t age, std::size_t thread, VectorClock& clock,
                     std::memory_order order) {
    ensure_history(at);
    Write& write = at.writes[at.writes.size() - 1 - age];
    at.floor[thread] =
        std::max(at.floor[thread], static_cast<std::uint32_t>(at.forgotten + at.writes.size() - 1 - age));
    if (write.seen[thread] == 0) write.seen[thread] = clock.times[thread];
    if (acquires(order)) clock.join(write.released);
    return write.bits;
  }

  /// `modifies`: the write belongs to a read-modify-write, and so goes on with the release sequence it has read.
  void write(Location& at, std::uint64_t bits, std::size_t thread, const VectorClock& clock,
             std::memory_order order, bool modifies) {
    ensure_history(at);
    Write write;
    write.bits = bits;
    if (modifies) write.released = at.writes.back().released;
    if (releases(order)) write.released.join(clock);
    write.thread = static_cast<std::uint8_t>(thread);
    write.time = clock.times[thread];
    write.sequential = order == std::memory_order_seq_cst;
    if (at.writes.size() >= history_) {
      at.writes.erase(at.writes.begin());
      ++at.forgotten;
    }
    at.writes.push_back(write);
    at.floor[thread] = static_cast<std::uint32_t>(at.forgotten + at.writes.size() - 1);
  }

 private:
  struct Slot {
    void* address = nullptr;
    std::uint32_t index = 0;
    std::uint32_t round = 0;
  };

  [[nodiscard]] std::size_t slot_of(void* address) const noexcept {
    const auto bits = reinterpret_cast<std::uintptr_t>(address);
    return (bits * 0x9E37'79B9'7F4A'7C15ULL >> 20) % table_.size();
  }

  Location& add(void* address, std::size_t size) {
    if (2 * count_ >= table_.size()) grow();
    std::size_t i = slot_of(address);
    while (table_[i].round == round_ && table_[i].address != address) i = (i + 1) % table_.size();
    if (table_[i].round != round_) {
      if (count_ == locations_.size()) locations_.emplace_back();
      table_[i] = {address, static_cast<std::uint32_t>(count_++), round_};
    }
    Location& at = locations_[table_[i].index];
    at.address = address;
    at.size = size;
    at.initial = 0;
    std::memcpy(&at.initial, address, size);
    at.alive = at.outlives = true;
    at.creator = 0;
    at.created = 0;
    at.writes.clear();
    at.forgotten = 0;
    at.floor = {};
    at.used = {};
    return at;
  }

  void grow() {
    std::vector<Slot> old(std::max<std::size_t>(2 * table_.size(), 4096));
    old.swap(table_);
    for (const Slot& slot : old) {
      if (slot.round != round_) continue;
      std::size_t i = slot_of(slot.address);
      while (table_[i].round == round_) i = (i + 1) % table_.size();
      table_[i] = slot;
    }
  }

  /// The value it had before the threads began, or was constructed with.
  static void ensure_history(Location& at) {
    if (!at.writes.empty()) return;
    Write& first = at.writes.emplace_back();
    std::memcpy(&first.bits, at.address, at.size);
    first.thread = at.creator;
    first.time = at.created;
  }

  [[nodiscard]] Sharing* set_up_sharing(std::uint64_t number) {
    while (set_up_.size() <= number) set_up_.push_back(std::make_unique<Sharing>());
    return set_up_[number].get();
  }

  std::size_t history_ = 1;
  std::uint32_t round_ = 1;
  std::vector<Slot> table_ = std::vector<Slot>(4096);
  std::deque<Location> locations_;
  std::size_t count_ = 0;
  std::uint64_t constructed_ = 0;
  std::array<std::uint64_t, most_threads> constructed_by_{};
  std::vector<std::unique_ptr<Sharing>> set_up_;
  std::unordered_map<std::uint64_t, Sharing> made_;
  std::unordered_map<void*, Sharing> outliving_;
};

}  // namespace livecount::inline v0_1::testing
