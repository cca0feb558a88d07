// SPDX-License-Identifier: BSL-1.0
//
// Entry: one counter in memory. Caches hold entries, a Counter counts in them.
//
// The word is `8 * count` plus three flags in its low bits:
//
//     live    the entry is in the cache; without it, it has left ("sealed"), and what is added is void
//     queued  changed since it was last frozen into a batch, and chained for the next one, or about to be
//     busy    held by exactly one of: a batch in flight, a loader, an evictor
//
// so one fetch_add of `8 * delta` and one look at the returned old word are a whole increment. Invariants:
//
//   1. The holder of busy, and nobody else, moves the watermark. (Freezing, too, makes queued into busy in
//      the same read-modify-write that fetches the count.)
//   2. count - watermark is what has been counted and is not in a batch. The watermark moves when a batch is
//      formed, not when it is answered: the batch is kept and sent again until it is applied, so what is in
//      it is never counted back into the entry, and a window of floored decrements always begins at the
//      watermark.
//   3. An add whose old word had live but not queued must set queued. It did count: should the entry be
//      sealed in between, then all adds that were not yet marked cancelled out, and each of them starts over
//      with a delta of 0.
//   4. An entry is sealed only under busy, only from count == watermark without queued, and only while not
//      pinned. So nothing is ever handed over at an eviction. Adds to a sealed word are multiples of 8 and
//      change no flag.
//   5. queued is set and cleared, and busy is taken by loaders and by freezing, inside the gate of the
//      entry's name (counter/write_behind.hpp). While the worker has the gate closed only an evictor can
//      take busy, and an evictor never takes it from a queued word.
//
// `state` tells whether the stored part has been added: until then the count is what this process has added
// itself.
//
// Threads: as the comment of each member says.
#pragma once

#include <cstring>
#include <new>

#include "detail/sync.hpp"
#include "key.hpp"
#include "record.hpp"

namespace livecount::inline v0_1 {

/// A key with the hash by which caches find it.
struct HashedKey {
  KeyView key;
  std::uint64_t hash = 0;
};

/// What floored decrements have done since the last batch. With `sum` the unfloored sum of the window, its
/// Transform is {sum, sum - lowest}: after the decrement at the lowest point the count was at least 0, and
/// the rest came on top.
struct Window {
  Count clipped = 0;  // by how much floors have stopped decrements
  Count lowest = 0;   // the smallest sum, unfloored, right after a decrement
  bool floored = false;
};

/// What freezing an entry gives: the change to be written, and by how much the count itself has moved.
struct Frozen {
  Transform change;
  Count net = 0;
};

template <class SyncPolicy>
class BasicEntry {
 public:
  using Sync = SyncPolicy;
  using Word = std::int64_t;
  template <class T>
  using atomic = typename Sync::template atomic<T>;

  static constexpr Word live = 1;
  static constexpr Word queued = 2;
  static constexpr Word busy = 4;
  static constexpr Word unit = 8;
  static constexpr int patience =
      10'000;  // looks at a word that is out of range, before it is taken as it is

  enum class State : std::uint8_t {
    unloaded,  // the stored part is not known
    absent,    // the store has no such counter, and none was counted yet
    present,   // the count is the whole count
  };

  [[nodiscard]] static BasicEntry* create(const HashedKey& key) {
    void* const memory = ::operator new(sizeof(BasicEntry) + key.key.ns.size() + key.key.name.size());
    return new (memory) BasicEntry(key);
  }
  static void destroy(BasicEntry* entry) noexcept {
    delete entry->window;
    entry->~BasicEntry();
    ::operator delete(entry);
  }
  BasicEntry(const BasicEntry&) = delete;
  BasicEntry& operator=(const BasicEntry&) = delete;

  // ---- the word: any thread

  [[nodiscard]] static constexpr Count count_of(Word word) noexcept { return word >> 3; }
  [[nodiscard]] static constexpr bool is_live(Word word) noexcept { return (word & live) != 0; }
  [[nodiscard]] static constexpr bool is_queued(Word word) noexcept { return (word & queued) != 0; }
  [[nodiscard]] static constexpr bool is_busy(Word word) noexcept { return (word & busy) != 0; }

  // (1) acquire: pairs with the releases of (2), (3), (4): who sees a flag or a count sees what came before
  // it.
  [[nodiscard]] Word load() const noexcept { return word_.load(std::memory_order_acquire); }

  /// Adds blindly and returns the old word.
  Word add(Count delta) noexcept { return word_.fetch_add(delta * unit, std::memory_order_acq_rel); }  // (2)

  /// Replaces the word if it is unchanged; `expected` then holds what it is.
  bool replace(Word& expected, Word desired) noexcept {
    return word_.compare_exchange_weak(expected, desired, std::memory_order_acq_rel,
                                       std::memory_order_acquire);  // (3)
  }

  /// Sets queued and returns the old word. Requires: inside the gate.
  Word mark() noexcept { return word_.fetch_or(queued, std::memory_order_acq_rel); }

  /// Takes busy for a loader. Requires: inside the gate.
  [[nodiscard]] bool try_take() noexcept {
    Word word = load();
    while (is_live(word) && !is_busy(word)) {
      if (replace(word, word | busy)) return true;
    }
    return false;
  }

  /// Gives busy back. After this the entry may be evicted and freed by others, unless it is pinned.
  void release() noexcept { word_.fetch_and(~busy, std::memory_order_acq_rel); }  // (4)

  /// Seals a clean entry; false, and nothing changed, if it is dirty or in use. Requires: not pinned, and no
  /// pin can come now; the entry's memory is safe (a guard, or the cache's lock).
  [[nodiscard]] bool try_seal() noexcept {
    Word word = load();
    if ((word & (live | queued | busy)) != live || count_of(word) != watermark()) return false;
    if (!replace_strong(word, word | busy)) return false;
    // Only now can the watermark not move any more.
    Word clean = watermark() * unit | live | busy;
    if (replace_strong(clean, watermark() * unit)) return true;
    release();
    return false;
  }

  // ---- the holder of busy

  [[nodiscard]] Count watermark() const noexcept {
    return watermark_.load(std::memory_order_relaxed);
  }  // invariant 1
  void set_watermark(Count count) noexcept { watermark_.store(count, std::memory_order_relaxed); }

  /// Adds the stored part, or what other processes have added to it, to count and watermark alike; false, and
  /// nothing changed, if the count would leave its range. The state comes last: who sees it in (6) sees the
  /// whole count in (1).
  [[nodiscard]] bool add_stored(Count difference, State state) noexcept {
    Word word = load();
    do {
      if (!in_range(count_of(word) + difference)) return false;
    } while (!replace(word, word + difference * unit));
    set_watermark(watermark() + difference);
    state_.store(state, std::memory_order_release);  // (5)
    return true;
  }

  /// Takes from count and watermark what the store has put aside instead of adding it.
  void take_back(Count difference) noexcept {
    set_watermark(watermark() - difference);
    add(-difference);
  }

  /// Takes the count for a batch: queued becomes busy, the watermark moves. Returns the change since the last
  /// batch. Requires: the gate closed by the caller, queued set, busy not set.
  [[nodiscard]] Frozen freeze() noexcept {
    // Before queued is cleared: a reader that sees neither takes the counter for missing.
    if (state() == State::absent) state_.store(State::present, std::memory_order_release);  // (5)
    Word word = load();
    // An add past the range is about to be undone by its own thread: wait for that, it must not get into a
    // batch.
    int left = patience;
    while ((!in_range(count_of(word)) && left > 0) || !replace(word, (word & ~queued) | busy)) {
      if (!in_range(count_of(word)) && --left > 0) {
        Sync::yield();
        word = load();
      }
    }
    const Frozen frozen{change_to(word), count_of(word) - watermark()};
    if (window) *window = {};
    set_watermark(count_of(word));
    changes.store(0, std::memory_order_relaxed);
    return frozen;
  }

  /// What freeze would take now. Requires: the gate closed by the caller, so that nobody moves the watermark.
  [[nodiscard]] Transform pending() const noexcept {
    Word word = load();
    for (int left = patience; !in_range(count_of(word)) && left > 0; --left) {
      Sync::yield();
      word = load();
    }
    return change_to(word);
  }

  // ---- state

  [[nodiscard]] State state() const noexcept {
    return state_.load(std::memory_order_acquire);
  }  // (6) pairs with (5)

  // ---- the key: constant

  [[nodiscard]] KeyView key() const noexcept {
    const char* const bytes = reinterpret_cast<const char*>(this + 1);
    return {{bytes, namespace_size_}, bucket_, {bytes + namespace_size_, name_size_}};
  }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] bool has(const KeyView& other) const noexcept {
    const KeyView mine = key();
    return mine.bucket == other.bucket && mine.name == other.name && mine.ns == other.ns;
  }

  // ---- members with an owner

  BasicEntry* next = nullptr;  // in the chain of dirty entries: who marked it, then the worker
  Window* window = nullptr;    // inside the gate, under the name's latch; or the gate's closer
  atomic<std::uint32_t> pins{
      0};  // raised under the cache's lock only, so an evictor that holds it can trust 0
  atomic<std::uint32_t> changes{0};  // since the last batch; counted only where the queue has a batch size
  atomic<bool> used{true};  // second chance: set by readers, cleared by evictors; a hint, nothing hangs on it
  atomic<std::uint32_t> generation{0};  // of the store's contents when it was loaded: set by the loader

 private:
  explicit BasicEntry(const HashedKey& hashed) noexcept : BasicEntry(hashed.key, hashed.hash) {}
  BasicEntry(const KeyView& key, std::uint64_t hash) noexcept
      : hash_(hash),
        bucket_(key.bucket),
        name_size_(static_cast<std::uint16_t>(key.name.size())),
        namespace_size_(static_cast<std::uint16_t>(key.ns.size())) {
    char* const bytes = reinterpret_cast<char*>(this + 1);
    if (!key.ns.empty()) std::memcpy(bytes, key.ns.data(), key.ns.size());
    if (!key.name.empty()) std::memcpy(bytes + key.ns.size(), key.name.data(), key.name.size());
  }
  ~BasicEntry() = default;

  /// The change since the last batch, up to this word.
  [[nodiscard]] Transform change_to(Word word) const noexcept {
    Transform change{count_of(word) - watermark(), no_floor};
    if (window && window->floored) {
      change.sum -= window->clipped;
      change.low = change.sum - window->lowest;
    }
    return change;
  }

  bool replace_strong(Word& expected, Word desired) noexcept {
    return word_.compare_exchange_strong(expected, desired, std::memory_order_acq_rel,
                                         std::memory_order_acquire);
  }

  atomic<Word> word_{live};
  atomic<Count> watermark_{0};
  atomic<State> state_{State::unloaded};
  const std::uint64_t hash_;
  const Bucket bucket_;
  const std::uint16_t name_size_;
  const std::uint16_t namespace_size_;
};

}  // namespace livecount::inline v0_1
