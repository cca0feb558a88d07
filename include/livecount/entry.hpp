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
// Layout: what an increment looks at (word, bucket, sizes, name) lies together, behind what only others need.
// The default namespace is not written out.
//
// Threads: as the comment of each member says.
#pragma once

#include <cstring>
#include <new>

#include "detail/bytes.hpp"
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
  /// Looks at a word that is out of range, before it is taken as it is: about a second, so that a thread that has lost
  /// its processor there gets it back.
  static constexpr int patience = 1'000'000;

  enum class State : std::uint8_t {
    unloaded,  // the stored part is not known
    absent,    // the store has no such counter, and none was counted yet
    present,   // the count is the whole count
  };

  /// In memory of its own.
  [[nodiscard, gnu::noinline]] static BasicEntry* create(const KeyView& key) {
    return create(key, ::operator new(bytes_for(key)));
  }
  static void destroy(BasicEntry* entry) noexcept {
    entry->~BasicEntry();
    ::operator delete(entry);
  }
  /// In memory of the caller's, of bytes_for(key), aligned as BasicEntry. It is ended by its destructor.
  [[nodiscard]] static BasicEntry* create(const KeyView& key, void* memory) noexcept {
    return new (memory) BasicEntry(key);
  }
  [[nodiscard]] static std::size_t bytes_for(const KeyView& key) noexcept {
    return sizeof(BasicEntry) + key.name.size() + (detail::is_default(key.ns) ? 0 : key.ns.size());
  }
  ~BasicEntry() = default;
  BasicEntry(const BasicEntry&) = delete;
  BasicEntry& operator=(const BasicEntry&) = delete;

  // ---- the word: any thread

  [[nodiscard]] static constexpr Count count_of(Word word) noexcept { return word >> 3; }
  [[nodiscard]] static constexpr bool is_live(Word word) noexcept { return (word & live) != 0; }
  [[nodiscard]] static constexpr bool is_queued(Word word) noexcept { return (word & queued) != 0; }
  [[nodiscard]] static constexpr bool is_busy(Word word) noexcept { return (word & busy) != 0; }
  /// Live, queued, and the count in the middle half of its range: a blind add of a plain delta to it is whole.
  [[nodiscard]] static constexpr bool is_usual(Word word) noexcept {
    constexpr auto half = static_cast<std::uint64_t>(max_count / 2 * unit);
    constexpr auto flags = static_cast<std::uint64_t>(live | queued);
    static_assert(max_count == Count{1} << 58, "the test below needs a range that ends at a power of two");
    return ((static_cast<std::uint64_t>(word) + half) & (~(2 * half - 1) | flags)) == flags;
  }

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

  /// Waits a moment and loads the word anew, if its count is out of range: an add is about to take itself back, and
  /// should be seen by nobody. False if it is in range, or has been out of it for `left` looks, at first `patience`.
  [[nodiscard]] bool wait_for_range(Word& word, int& left) const noexcept {
    if (in_range(count_of(word)) || left <= 0) return false;
    --left;
    Sync::yield();
    word = load();
    return true;
  }

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
    int left = patience;
    do {
      while (wait_for_range(word, left)) continue;
      if (!in_range(count_of(word) + difference)) return false;
    } while (!replace(word, word + difference * unit));
    set_watermark(watermark() + difference);
    set_state(state);
    return true;
  }

  /// Takes from count and watermark what the store has put aside instead of adding it.
  void take_back(Count difference) noexcept {
    set_watermark(watermark() - difference);
    add(-difference);
  }

  /// Takes the count for a batch: queued becomes busy, the watermark moves. Returns the change since the last
  /// batch. `window`: of its floored decrements, or null. Requires: the gate closed by the caller, queued set,
  /// busy not set.
  [[nodiscard]] Frozen freeze(const Window* window = nullptr) noexcept {
    // Before queued is cleared: a reader that sees neither takes the counter for missing.
    if (state() == State::absent) set_state(State::present);
    Word word = load();
    int left = patience;
    do {
      while (wait_for_range(word, left)) continue;
    } while (!replace(word, (word & ~queued) | busy));
    const Frozen frozen{change_to(word, window), count_of(word) - watermark()};
    set_watermark(count_of(word));
    changes.store(0, std::memory_order_relaxed);
    return frozen;
  }

  /// Lets the count begin anew, at 0, and returns the one that is gone; the batch that the caller forms has the record
  /// of that. `state`: whether there is a counter then. Queued becomes busy, if it was set. Requires: the gate closed by
  /// the caller, busy not set, pinned, loaded.
  Count begin_anew(State state) noexcept {
    // Before the word: a reader that sees the new word sees the new state when it looks for the second time.
    set_state(state);
    Word word = load();
    while (!replace(word, live | busy)) {  // an add past the range, if there is one, finds room now
    }
    set_watermark(0);
    changes.store(0, std::memory_order_relaxed);
    return count_of(word);
  }

  /// What freeze would take now. Requires: the gate closed by the caller, so that nobody moves the watermark.
  [[nodiscard]] Transform pending(const Window* window = nullptr) const noexcept {
    Word word = load();
    for (int left = patience; wait_for_range(word, left);) continue;
    return change_to(word, window);
  }

  // ---- state

  [[nodiscard]] State state() const noexcept { return state_in(loaded()); }
  /// State and generation together, for who looks twice.
  [[nodiscard]] std::uint32_t loaded() const noexcept {
    return loaded_.load(std::memory_order_acquire);  // (6) pairs with (5)
  }
  [[nodiscard]] static constexpr State state_in(std::uint32_t loaded) noexcept {
    return static_cast<State>(loaded & 3U);
  }

  /// Which of the store's contents it was loaded from, as the loader numbers them, up to this number.
  static constexpr std::uint32_t last_generation = (1U << 30U) - 1U;
  [[nodiscard]] std::uint32_t generation() const noexcept {
    return loaded_.load(std::memory_order_relaxed) >> 2U;
  }
  /// By the holder of busy.
  void set_generation(std::uint32_t generation) noexcept {
    const std::uint32_t state = loaded_.load(std::memory_order_relaxed) & 3U;
    loaded_.store(generation << 2U | state, std::memory_order_release);  // (5), as it carries the state
  }

  // ---- second chance: any thread

  [[gnu::always_inline]] void use() noexcept {
    if ((marks_.load(std::memory_order_relaxed) & is_used) == 0)
      marks_.fetch_or(is_used, std::memory_order_relaxed);
  }
  /// Whether it was used since this was asked last.
  [[nodiscard]] bool take_used() noexcept {
    return (marks_.fetch_and(static_cast<std::uint8_t>(~is_used), std::memory_order_relaxed) & is_used) != 0;
  }

  // ---- stripes (counter/stripes.hpp)

  /// Any thread. Who knows of an update of a stripe sees that there are stripes; or it sees (7) that there are none any
  /// more, and then finds the update in the word.
  [[nodiscard]] bool is_striped() const noexcept {
    return (marks_.load(std::memory_order_acquire) & has_stripes) != 0;  // (7) pairs with (8)
  }
  /// Requires: pinned, the lock of its stripes.
  void set_striped(bool striped) noexcept {
    if (striped) {
      marks_.fetch_or(has_stripes, std::memory_order_relaxed);
    } else {
      marks_.fetch_and(static_cast<std::uint8_t>(~has_stripes), std::memory_order_release);  // (8)
    }
  }

  // ---- the key: constant

  [[nodiscard]] KeyView key() const noexcept {
    const std::size_t name = name_size_ % in_default_namespace;
    const std::string_view ns =
        name == name_size_ ? std::string_view(bytes() + name, namespace_size_) : default_namespace;
    return {ns, detail::unpack(bucket_), {bytes(), name}};
  }
  [[nodiscard, gnu::always_inline]] bool has(const KeyView& other) const noexcept {
    if (bucket_ != detail::pack(other.bucket) || name_size_ != sized(other)) return false;
    if (!detail::same_bytes(bytes(), other.name.data(), other.name.size())) return false;
    return (name_size_ & in_default_namespace) != 0 ||
           (namespace_size_ == other.ns.size() &&
            detail::same_bytes(bytes() + other.name.size(), other.ns.data(), other.ns.size()));
  }
  /// The same for a name in the default namespace; `bucket` is packed.
  [[nodiscard, gnu::always_inline]] bool has(std::string_view name, std::int64_t bucket) const noexcept {
    return bucket_ == bucket && name_size_ == (name.size() | in_default_namespace) &&
           detail::same_bytes(bytes(), name.data(), name.size());
  }
  /// What it takes in memory.
  [[nodiscard]] std::size_t bytes_taken() const noexcept { return bytes_for(key()); }

  // ---- members with an owner: first those that an increment leaves alone

 private:
  atomic<Count> watermark_{0};

 public:
  BasicEntry* next = nullptr;  // in the chain of dirty entries: who marked it, then the worker
  atomic<std::uint32_t> pins{
      0};  // raised under the cache's lock only, so an evictor that holds it can trust 0
  atomic<std::uint32_t> changes{0};  // since the last batch; counted only where the queue has a batch size

 private:
  static constexpr std::uint16_t in_default_namespace = 1U << 15U;  // in name_size_; names are far shorter
  // In marks_. The first is a hint, nothing hangs on it.
  static constexpr std::uint8_t is_used = 1;
  static constexpr std::uint8_t has_stripes = 2;

  explicit BasicEntry(const KeyView& key) noexcept
      : bucket_(detail::pack(key.bucket)),
        name_size_(sized(key)),
        namespace_size_(static_cast<std::uint8_t>(key.ns.size())) {
    if (!key.name.empty()) std::memcpy(bytes(), key.name.data(), key.name.size());
    if ((name_size_ & in_default_namespace) == 0 && !key.ns.empty()) {
      std::memcpy(bytes() + key.name.size(), key.ns.data(), key.ns.size());
    }
  }

  [[nodiscard]] static std::uint16_t sized(const KeyView& key) noexcept {
    return static_cast<std::uint16_t>(key.name.size() |
                                      (detail::is_default(key.ns) ? in_default_namespace : 0U));
  }
  // Of the name, then those of the namespace.
  [[nodiscard]] const char* bytes() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  [[nodiscard]] char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }

  // By the holder of busy, or while the gate is closed and nobody holds it.
  void set_state(State state) noexcept {
    const std::uint32_t loaded = loaded_.load(std::memory_order_relaxed);
    loaded_.store((loaded & ~3U) | static_cast<std::uint32_t>(state), std::memory_order_release);  // (5)
  }

  /// The change since the last batch, up to this word.
  [[nodiscard]] Transform change_to(Word word, const Window* window) const noexcept {
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
  const std::int64_t bucket_;        // packed
  atomic<std::uint32_t> loaded_{0};  // generation << 2 | state
  const std::uint16_t name_size_;    // and the flag
  const std::uint8_t namespace_size_;
  atomic<std::uint8_t> marks_{is_used};
};

static_assert(sizeof(BasicEntry<StdSync>) == 48, "what a counter takes beside its name");

}  // namespace livecount::inline v0_1
