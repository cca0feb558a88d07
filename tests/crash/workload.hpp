// SPDX-License-Identifier: BSL-1.0
// What a crash_writer counts: some names, what the n-th update of each is, and the counts these make.
//
// Most names belong to one thread, and the n-th update of such a name depends on the seed, the name and n alone: so
// whoever knows the count before, and how many updates took place, knows the count. It must be the one after some
// number of updates between those that were acknowledged and those that were attempted, floors or not. The shared
// names are only incremented, by all threads.
#pragma once

#include <livecount/calendar.hpp>
#include <livecount/key.hpp>
#include <livecount/period.hpp>
#include <livecount/record.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace livecount::crash {

inline constexpr std::size_t most_threads = 3;
inline constexpr std::size_t most_names = 64;
inline constexpr std::size_t most_keys = 128;
inline constexpr std::size_t everybody = most_threads;  // as an owner
inline constexpr Periods one_period = PeriodType::all;
inline constexpr Periods three_periods = PeriodType::day | PeriodType::month | PeriodType::all;

struct Name {
  std::string text;
  std::size_t owner;  // the thread that alone changes it, or everybody
  Periods periods;    // of every update of it
  std::size_t first_key = 0;
};

/// All names and their keys: more keys than the writer's cache has entries.
class Vocabulary {
 public:
  Vocabulary() {
    for (std::size_t thread = 0; thread < most_threads; ++thread) {
      for (int i = 0; i < 12; ++i) add("one", thread, i, one_period);
      for (int i = 0; i < 4; ++i) add("three", thread, i, three_periods);
    }
    for (int i = 0; i < 6; ++i) add("one", everybody, i, one_period);
    for (int i = 0; i < 3; ++i) add("three", everybody, i, three_periods);
  }

  [[nodiscard]] const std::vector<Name>& names() const noexcept { return names_; }
  [[nodiscard]] std::size_t keys() const noexcept { return keys_.size(); }
  [[nodiscard]] KeyView key(std::size_t index) const { return keys_.at(index); }
  [[nodiscard]] std::size_t index_of(const KeyView& key) const {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (KeyView(keys_[i]) == key) return i;
    }
    throw Error(Errc::corrupt, "a key that nobody counts: " + std::string(key.name));
  }

  [[nodiscard]] static Time moment() { return std::chrono::sys_days(std::chrono::January / 31 / 2024); }

 private:
  void add(const char* kind, std::size_t owner, int number, Periods periods) {
    const std::string whose = owner == everybody ? "everybody" : "thread " + std::to_string(owner);
    names_.push_back({whose + ", " + kind + ", " + std::to_string(number), owner, periods, keys_.size()});
    for (const PeriodType type : periods) {
      keys_.push_back({"crash", Calendar().bucket(type, moment()), names_.back().text});
    }
  }

  std::vector<Name> names_;
  std::vector<Key> keys_;
};

[[nodiscard]] inline const Vocabulary& vocabulary() {
  static const Vocabulary vocabulary;
  return vocabulary;
}

/// A few well-mixed bits of three numbers.
[[nodiscard]] constexpr std::uint64_t bits_of(std::uint64_t seed, std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t bits = seed ^ (a * 0x9E3779B97F4A7C15) ^ (b * 0xC2B2AE3D27D4EB4F);
  bits = (bits ^ (bits >> 31)) * 0xBF58476D1CE4E5B9;
  return bits ^ (bits >> 29);
}

/// The n-th update of a name that one thread owns: increments mostly, decrements that meet the floor, now and then 0.
[[nodiscard]] constexpr Count delta_of(std::uint64_t seed, std::size_t name, std::uint64_t n) noexcept {
  const std::uint64_t bits = bits_of(seed, name, n);
  if (bits % 2 == 0) return 1;
  return static_cast<Count>((bits >> 8) % 20) - 9;
}

using MaybeCount = std::optional<Count>;

[[nodiscard]] constexpr Count after(MaybeCount count, Count delta, Floor floor) noexcept {
  return Transform{delta, floor == Floor::zero && delta < 0 ? 0 : no_floor}.apply(count.value_or(0));
}

}  // namespace livecount::crash
