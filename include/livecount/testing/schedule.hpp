// SPDX-License-Identifier: BSL-1.0
//
// Schedule: what is decided in one execution, and how the next one is found.
//
// An execution asks, whenever more than one thing may happen, "which of n?". 0 is the usual thing: the running thread
// goes on, a load sees the newest value, a weak compare-and-swap does not fail for nothing. All else is a deviation. A
// schedule is written as its deviations, each with the step at which it happens:
//
//     57t2 80o1 91f1       at step 57 thread 2 goes on; the load of step 80 sees the value before the newest; ...
//
// Threads: one.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace livecount::inline v0_1::testing {

/// What is decided. The letters are those of a written schedule.
enum class Kind : char {
  thread = 't',  // another thread takes over from one that could go on
  next = 'n',    // who goes on after one that cannot
  old = 'o',     // how old the value is that a load sees
  fail = 'f',    // whether a weak compare-and-swap fails although it need not
  time = 'd',    // whose deadline comes although others could go on
};

/// The deviations of an execution: (step, kind) and what was taken.
using Deviations = std::map<std::pair<std::uint32_t, Kind>, std::uint32_t>;

[[nodiscard]] inline std::string to_string(const Deviations& deviations) {
  std::string text;
  for (const auto& [at, taken] : deviations) {
    text += (text.empty() ? "" : " ") + std::to_string(at.first) + static_cast<char>(at.second) +
            std::to_string(taken);
  }
  return text;
}

/// Throws: std::invalid_argument.
[[nodiscard]] inline Deviations parse_schedule(const std::string& text) {
  Deviations deviations;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    std::istringstream parts(word);
    std::uint32_t step = 0;
    char kind = 0;
    std::uint32_t taken = 0;
    if (!(parts >> step >> kind >> taken) || !parts.eof() ||
        std::string("tnofd").find(kind) == std::string::npos) {
      throw std::invalid_argument(
          "a schedule is written like 57t2 80o1, with one of t, n, o, f, d; this is not: " + word);
    }
    deviations[{step, static_cast<Kind>(kind)}] = taken;
  }
  return deviations;
}

/// How many deviations of each sort one execution may have. Who goes on after a thread that cannot is free to choose.
struct Bounds {
  std::uint32_t preemptions = 3;
  std::uint32_t old_values = 0;
  std::uint32_t failures = 0;   // of weak compare-and-swaps
  std::uint32_t deadlines = 0;  // that come although somebody could go on
};

class Schedule {
 public:
  // ---- the next execution

  /// The first of all executions within the bounds; next() goes on.
  void begin_all(Bounds bounds) {
    mode_ = Mode::all;
    bounds_ = bounds;
    prefix_.clear();
    restart();
  }
  /// False if there is none left.
  [[nodiscard]] bool next() {
    while (!taken_.empty() && taken_.back().first + 1 >= taken_.back().second) taken_.pop_back();
    if (taken_.empty()) return false;
    ++taken_.back().first;
    prefix_ = std::move(taken_);
    restart();
    return true;
  }
  /// An execution in which all is decided by chance.
  void begin_random(std::uint64_t seed, Bounds bounds) {
    mode_ = Mode::random;
    bounds_ = bounds;
    random_.seed(seed);
    rarity_ = 2U << random_() % 6;  // how seldom a thread is interrupted: from every other step to every 64th
    restart();
  }
  /// An execution that has been written down.
  void begin_written(Deviations deviations) {
    mode_ = Mode::written;
    bounds_ = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    written_ = std::move(deviations);
    restart();
  }

  // ---- within an execution

  /// Which of `options` (at least 1) is taken.
  [[nodiscard]] std::uint32_t choose(std::uint32_t step, Kind kind, std::uint32_t options) {
    std::uint32_t* const left = left_of(kind);
    if (options < 2 || (left && *left == 0)) return 0;
    const std::uint32_t taken = take(step, kind, options);
    if (taken == 0) return 0;
    if (left) --*left;
    deviations_[{step, kind}] = taken;
    return taken;
  }
  [[nodiscard]] const Deviations& deviations() const noexcept { return deviations_; }
  [[nodiscard]] bool follows_writing() const noexcept { return mode_ == Mode::written; }

 private:
  enum class Mode : std::uint8_t { all, random, written };

  void restart() {
    taken_.clear();
    deviations_.clear();
    left_ = bounds_;
  }

  [[nodiscard]] std::uint32_t* left_of(Kind kind) noexcept {
    switch (kind) {
      case Kind::thread: return &left_.preemptions;
      case Kind::old: return &left_.old_values;
      case Kind::fail: return &left_.failures;
      case Kind::time: return &left_.deadlines;
      case Kind::next: break;
    }
    return nullptr;
  }

  [[nodiscard]] std::uint32_t take(std::uint32_t step, Kind kind, std::uint32_t options) {
    std::uint32_t taken = 0;
    switch (mode_) {
      case Mode::all: {
        const std::size_t depth = taken_.size();
        if (depth < prefix_.size()) taken = prefix_[depth].first;
        // The code under test is not deterministic if this is not so.
        if (depth < prefix_.size() && prefix_[depth].second != options) std::abort();
        taken_.emplace_back(taken, options);
        break;
      }
      case Mode::random: {
        const bool usual = kind != Kind::next && random_() % (kind == Kind::thread ? rarity_ : 4) != 0;
        if (!usual) taken = static_cast<std::uint32_t>(random_() % options);
        break;
      }
      case Mode::written: {
        const auto found = written_.find({step, kind});
        if (found != written_.end()) taken = found->second % options;
        break;
      }
    }
    return taken;
  }

  Mode mode_ = Mode::all;
  Bounds bounds_;
  Bounds left_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>>
      prefix_;  // what the next execution takes first, of how many
  std::vector<std::pair<std::uint32_t, std::uint32_t>> taken_;
  std::mt19937_64 random_;
  std::uint32_t rarity_ = 2;
  Deviations written_;
  Deviations deviations_;
};

}  // namespace livecount::inline v0_1::testing
