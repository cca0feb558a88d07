// SPDX-License-Identifier: BSL-1.0
// Hashes and checksums by XXH3 (Yann Collet's xxHash). The only file that includes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

#if defined(__GNUC__) && !defined(__clang__)
// Declared once more: a name is hashed for each update, and g++ would call this.
[[gnu::always_inline]] static inline XXH64_hash_t XXH3_64bits_withSeed(const void* data, std::size_t size,
                                                                       XXH64_hash_t seed);
#endif

namespace livecount::inline v0_1::detail {

/// The seed with which the names of a namespace are hashed. The first seed is drawn for each process, so nobody
/// can choose names that collide.
[[nodiscard, gnu::noinline]] inline std::uint64_t seed_of(std::string_view ns, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(ns.data(), ns.size(), seed);
}
[[nodiscard, gnu::always_inline]] inline std::uint64_t hash_bytes(std::string_view bytes,
                                                                  std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}
/// Hash of a name within a namespace.
[[nodiscard]] inline std::uint64_t hash_name(std::string_view ns, std::string_view name,
                                             std::uint64_t seed) noexcept {
  return hash_bytes(name, seed_of(ns, seed));
}

/// Of bytes that lie in one piece: for files, and for names in a table of their own.
[[nodiscard]] inline std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

/// Spreads a number into a hash: what a period adds to the hash of its name (the finalizer of splitmix64).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  std::uint64_t x = hash ^ (value * 0x9E3779B97F4A7C15ULL);
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93ULL;
  return x ^ (x >> 32);
}

/// A running XXH3-64 checksum over fields; byte strings go in with their length, so fields cannot run
/// together.
class Digest {
 public:
  Digest() noexcept { XXH3_64bits_reset(&state_); }
  void add_number(std::int64_t value) noexcept {
    if (gathered_.size() - size_ < sizeof value) flush();
    std::memcpy(gathered_.data() + size_, &value, sizeof value);
    size_ += sizeof value;
  }
  void add_bytes(std::string_view bytes) noexcept {
    add_number(static_cast<std::int64_t>(bytes.size()));
    add_piece(bytes);
  }
  /// Without its length: however a text is cut, its pieces give the same digest.
  void add_piece(std::string_view bytes) noexcept {
    if (bytes.size() > gathered_.size() - size_) flush();
    if (bytes.size() > gathered_.size()) {
      XXH3_64bits_update(&state_, bytes.data(), bytes.size());
    } else {
      bytes.copy(gathered_.data() + size_, bytes.size());
      size_ += bytes.size();
    }
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    XXH3_state_t all = state_;
    XXH3_64bits_update(&all, gathered_.data(), size_);
    return XXH3_64bits_digest(&all);
  }

 private:
  void flush() noexcept {
    XXH3_64bits_update(&state_, gathered_.data(), size_);
    size_ = 0;
  }

  XXH3_state_t state_;
  std::array<char, 1024> gathered_;  // short pieces: each update has a price of its own
  std::size_t size_ = 0;
};

}  // namespace livecount::inline v0_1::detail
