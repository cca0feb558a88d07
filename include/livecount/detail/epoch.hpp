// SPDX-License-Identifier: BSL-1.0
//
// Epochs: when may memory be freed that other threads can still be reading? (Epoch-based reclamation after
// Keir Fraser, "Practical lock-freedom", 2004, in the form with one global counter and a minimum over the
// readers.)
//
// A reader holds a Guard while it looks at shared entries. Who has unlinked an entry takes a `stamp()`, and
// may free the entry once `oldest_reader()` is larger than that stamp. There is one set of epochs a process
// and Sync.
//
// Invariants
//   1. A reader publishes the epoch it saw before it reads anything shared, and 0 when it is done.
//   2. `oldest_reader()` first moves the epoch on, so a reader that enters later publishes a larger number
//      than any stamp taken before the call.
//   3. A reader that this call did not see has entered after it, and then sees what was unlinked before it.
//      This is a store-load order between the reader's publishing and its first look, had in one of two ways:
//      - heavy: `oldest_reader()` makes every thread run a barrier (membarrier); the reader pays nothing;
//      - light: both sides do a read-modify-write on the reader's own record. Either the reader's comes
//        first, and its epoch is seen; or it comes second, reads what the other released, and so sees the
//        unlinking.
//   4. Nobody waits for I/O, or for a Guard to go, while holding one.
//
// A Crossing is a guard that somebody may wait for who has to keep others out (counter/gate.hpp): by 3, each of them
// sees what he has stored before, or is seen by him.
//
// Progress: entering and leaving are wait-free after a thread's first time.
#pragma once

#include <cstdint>

#include "sync.hpp"

namespace livecount::inline v0_1::detail {

template <class Sync>
class Epochs {
  template <class T>
  using atomic = typename Sync::template atomic<T>;

  struct alignas(cache_line) Record {
    atomic<std::uint64_t> epoch{0};  // 0: not reading; with `crossing` in a Crossing
    atomic<bool> used{true};
    std::uint32_t index = 0;
    Record* next = nullptr;  // set once
  };

 public:
  class Guard {
   public:
    [[gnu::always_inline]] Guard() noexcept
        : record_(mine()), outermost_(record_.epoch.load(std::memory_order_relaxed) == 0) {
      if (outermost_) enter(record_);
    }
    [[gnu::always_inline]] ~Guard() {
      // (1) release: what was read happens before the free that follows the acquire in (2).
      if (outermost_) record_.epoch.store(0, std::memory_order_release);
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    /// A small number that no other living thread has.
    [[nodiscard]] std::uint32_t thread_index() const noexcept { return record_.index; }

   private:
    Record& record_;
    const bool outermost_;
  };

  /// The same for the usual case: false, and no Guard, in a thread's first one and inside of another. It calls nothing.
  class QuickGuard {
   public:
    [[gnu::always_inline]] QuickGuard() noexcept : QuickGuard(0) {}
    [[gnu::always_inline]] ~QuickGuard() {
      if (record_) [[likely]]
        record_->epoch.store(0, std::memory_order_release);  // (1)
    }
    QuickGuard(const QuickGuard&) = delete;
    QuickGuard& operator=(const QuickGuard&) = delete;

    [[nodiscard]] explicit operator bool() const noexcept { return record_ != nullptr; }
    /// As of a Guard. Requires: it is one.
    [[nodiscard]] std::uint32_t thread_index() const noexcept { return record_->index; }

   protected:
    [[gnu::always_inline]] explicit QuickGuard(std::uint64_t flag) noexcept
        : record_(Sync::template local<Record*>()) {
      if (record_ && record_->epoch.load(std::memory_order_relaxed) == 0) [[likely]] {
        enter(*record_, flag);
      } else {
        record_ = nullptr;
      }
    }

   private:
    Record* record_;
  };

  /// A QuickGuard that wait_for_crossings waits for. Its holder waits for nothing.
  class Crossing : public QuickGuard {
   public:
    [[gnu::always_inline]] Crossing() noexcept : QuickGuard(crossing) {}
  };

  /// Asks the kernel for what heavy guards need. A thread's first guard would, too; but with several threads the kernel
  /// makes them wait for each other (10 ms were seen), and while there is one it does not.
  static void prepare() noexcept {
    if (chosen_.load(std::memory_order_acquire)) return;  // (9) pairs with (10)
    // Two threads at once ask the kernel the same.
    heavy_.store(Sync::register_heavy_barrier(), std::memory_order_relaxed);
    chosen_.store(true, std::memory_order_release);  // (10)
  }

  /// For other store-load pairs of a frequent and a rare side. True: the frequent one needs no instruction between its
  /// store and its load, as the rare one calls barrier() between its own. False: both do read-modify-writes on one
  /// variable.
  [[nodiscard]] static bool heavy() noexcept { return heavy_.load(std::memory_order_relaxed); }
  static void barrier() noexcept {
    if (heavy()) Sync::heavy_barrier();
  }

  /// To be taken after unlinking. A read-modify-write, so that whoever moves the epoch on after it, and any reader
  /// that has seen that, sees the unlinking: no reader of what was unlinked has an epoch above the stamp.
  [[nodiscard]] static std::uint64_t stamp() noexcept {
    return epoch_.fetch_add(0, std::memory_order_acq_rel);
  }

  /// Moves the epoch on. What was unlinked under a stamp smaller than the answer may be freed.
  [[nodiscard]] static std::uint64_t oldest_reader() noexcept {
    // (3) release: a reader that sees the new epoch in (4) sees what was unlinked before.
    prepare();
    std::uint64_t oldest = epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
    barrier();
    for (Record* record = records_.load(std::memory_order_acquire); record;
         record = record->next) {  // pairs with (5)
      const std::uint64_t epoch = epoch_of(*record) & ~crossing;
      if (epoch != 0 && epoch < oldest) oldest = epoch;
    }
    return oldest;
  }

  /// Waits until every Guard that existed at the call is gone. The caller holds none.
  static void synchronize() noexcept {
    const std::uint64_t now = stamp();
    while (oldest_reader() <= now) Sync::yield();
  }

  /// Waits for each Crossing whose holder may have missed what the caller has stored before. The caller holds none.
  static void wait_for_crossings() noexcept {
    prepare();
    // (3), too: who sees this epoch in (4) sees what the caller has stored, and need not be waited for.
    const std::uint64_t now = epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
    barrier();
    const auto crosses = [&](Record& record) {
      const std::uint64_t epoch = epoch_of(record);
      return (epoch & crossing) != 0 && (epoch & ~crossing) < now;
    };
    for (Record* record = records_.load(std::memory_order_acquire); record;
         record = record->next) {  // pairs with (5)
      while (crosses(*record)) Sync::yield();
    }
  }

  /// In a forked child, where they are gone: their guards must not hold up anybody, and their records are free.
  static void forget_other_threads() noexcept {
    for (Record* record = records_.load(std::memory_order_relaxed); record; record = record->next) {
      if (record == Sync::template local<Record*>()) continue;
      record->epoch.store(0, std::memory_order_relaxed);
      record->used.store(false, std::memory_order_relaxed);
    }
    if (heavy()) heavy_.store(Sync::register_heavy_barrier(), std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t crossing = std::uint64_t{1} << 63;

  /// What the record's thread has published. The other side of enter().
  [[nodiscard]] static std::uint64_t epoch_of(Record& record) noexcept {
    // (2) acquire: pairs with (1); as a read-modify-write it is ordered with the exchange in (6).
    return heavy() ? record.epoch.load(std::memory_order_acquire)
                   : record.epoch.fetch_add(0, std::memory_order_acq_rel);
  }

  [[gnu::always_inline]] static void enter(Record& record, std::uint64_t flag = 0) noexcept {
    const std::uint64_t epoch = epoch_.load(std::memory_order_acquire) | flag;  // (4) pairs with (3)
    if (heavy()) [[likely]] {
      // Ordered with what follows by the barrier that the other side imposes. release: who sees it in (2) instead of the
      // 0 of (1) must see what was read before (1), too; a relaxed store would end that release sequence.
      record.epoch.store(epoch, std::memory_order_release);
      std::atomic_signal_fence(std::memory_order_seq_cst);  // ... and here against the compiler only
    } else {
      record.epoch.exchange(epoch, std::memory_order_acq_rel);  // (6) pairs with (2)
    }
  }

  [[nodiscard, gnu::always_inline]] static Record& mine() noexcept {
    Record*& mine = Sync::template local<Record*>();
    if (!mine) [[unlikely]]
      enlist(mine);
    return *mine;
  }

  // Finds a record that a finished thread has left, or makes one. Records are never freed.
  [[gnu::noinline]] static void enlist(Record*& mine) noexcept {
    struct Leave {
      Record* record = nullptr;
      ~Leave() {
        if (!record) return;
        Sync::template local<Record*>() = nullptr;
        record->used.store(false, std::memory_order_release);  // (7) pairs with (8)
      }
    };

    prepare();  // so that no guard has seen another answer; not as a static initialiser, as it may come too late
    Record* record = records_.load(std::memory_order_acquire);
    for (; record; record = record->next) {
      bool free = false;
      if (record->used.compare_exchange_strong(free, true, std::memory_order_acquire))
        break;  // (8) pairs with (7)
    }
    if (!record) {
      // Without memory for this the process ends, as it does without memory for a thread's stack.
      record = new Record;  // NOLINT(bugprone-unhandled-exception-at-new)
      record->index =
          count_.fetch_add(1, std::memory_order_relaxed);  // a number for each, nothing is ordered by it
      record->next = records_.load(std::memory_order_relaxed);
      while (!records_.compare_exchange_weak(record->next, record, std::memory_order_release,  // (5)
                                             std::memory_order_relaxed)) {
      }
    }
    Sync::template local<Leave>().record = record;
    mine = record;
  }

  static inline atomic<std::uint64_t> epoch_{1};
  static inline atomic<Record*> records_{nullptr};
  static inline atomic<std::uint32_t> count_{0};
  static inline atomic<bool> heavy_{false};
  static inline atomic<bool> chosen_{false};
};

}  // namespace livecount::inline v0_1::detail
