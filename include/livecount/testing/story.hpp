// SPDX-License-Identifier: BSL-1.0
//
// Story: what happens in one simulated execution, step by step, drawn from a seed. A step says everything that it needs,
// so any part of a story is one, too: that is how the shortest story that breaks a law is found.
//
// Threads: values.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "../counter/options.hpp"
#include "faulty_store.hpp"

namespace livecount::inline v0_1::testing {

enum class Act : std::uint8_t {
  add,          // through the Counter
  add_and_get,  // the same, and asks for the count
  add_pinned,   // through a handle
  get_and_reset,
  reset,
  remove,
  get,
  pump,         // what is ripe is written
  flush,        // everything is
  let_go,       // old minutes are let go
  evict,        // every clean counter leaves the cache
  crowd,        // many other counters are looked for
  pass,         // time passes
  next_minute,  // the clock comes to the next minute
  tend,         // upkeep of the store
  store_fault,  // of the store's next call
  disk_errors,  // some calls of the file system end in errors
  disk_full,
  disk_freed,
  stop_later,  // the machine stops at a later call of the file system
  kill,        // a process is killed and started again
  cut_power,   // all are, and what was not synced may be gone
  reopen,      // a process closes its Counter and opens it anew
};
inline constexpr std::size_t acts = 23;

struct Step {
  Act act = Act::add;
  std::uint8_t process = 0;
  std::uint8_t name = 0;
  std::int16_t delta = 1;
  std::uint8_t ago = 0;      // minutes, if it is about a minute
  std::uint32_t amount = 0;  // milliseconds, calls or bytes
  StoreFault fault = StoreFault::refuse;
  std::uint32_t pause_after = 0;  // points; 0: it is not left in the middle
  std::uint32_t paused_for = 0;   // steps
};

struct Story {
  std::uint64_t seed = 0;  // of what is not in the steps: hashes, identities, what a power cut leaves

  std::uint8_t processes = 1;
  Floor floor = Floor::zero;
  bool growing = false;  // no decrements, and no count begins anew
  bool retains = false;  // minutes are kept for one more
  Limit when_full = Limit::block;
  std::size_t max_pending = 8;
  std::size_t max_batch = 1000;
  std::uint32_t batch_size = 0;
  std::vector<Step> steps{};
};

/// The names that are counted. Every third one is always counted in two periods at once.
inline constexpr std::array<const char*, 7> story_names = {"a", "b", "c", "d", "e", "f", "g"};
[[nodiscard]] constexpr bool has_two_periods(std::size_t name) noexcept { return name % 3 == 2; }
/// Of a step that is about one period of a name that has two: whether it is the minute.
[[nodiscard]] constexpr bool is_of_minute(const Step& step) noexcept {
  return has_two_periods(step.name) && (step.delta & 1) != 0;
}

/// Where a story is to happen.
struct Scene {
  std::uint8_t most_processes = 1;  // at a time
  bool disk = false;                // there is a file system to disturb
  bool removes = false;             // the store is a RemovingStore
  bool expires = false;             // ... an ExpiringStore
};

[[nodiscard]] inline Story draw_story(std::uint64_t seed, const Scene& scene) {
  std::mt19937_64 random(seed);
  const auto below = [&random](std::uint64_t bound) { return static_cast<std::uint32_t>(random() % bound); };
  Story story;
  story.seed = random();
  story.processes = static_cast<std::uint8_t>(1 + below(scene.most_processes));
  story.floor = below(2) == 0 ? Floor::zero : Floor::none;
  story.growing = below(3) == 0;
  story.retains = scene.expires && below(2) == 0;
  story.when_full = static_cast<Limit>(below(3));
  story.max_pending = 8 + below(3);
  story.max_batch = below(2) == 0 ? 1 + below(4) : 1000;
  story.batch_size = below(4) == 0 ? 2 + below(3) : 0;

  // Each story likes some acts more than others, and leaves some out.
  std::array<std::uint32_t, acts> liking = {12, 4, 3, 2, 2, 2, 6, 6, 3, 2, 4, 1,
                                            2,  2, 2, 4, 2, 1, 1, 2, 2, 2, 2};
  for (std::uint32_t& weight : liking) weight *= below(4);
  liking[0] += 6;
  const auto leave_out = [&liking](std::initializer_list<Act> some) {
    for (const Act one : some) liking[static_cast<std::size_t>(one)] = 0;
  };
  if (story.retains) {
    for (const Act one : {Act::let_go, Act::next_minute}) liking[static_cast<std::size_t>(one)] += 4;
  } else {
    leave_out({Act::let_go});
  }
  if (!scene.disk) {
    leave_out(
        {Act::tend, Act::disk_errors, Act::disk_full, Act::disk_freed, Act::stop_later, Act::cut_power});
  }
  if (story.growing) leave_out({Act::get_and_reset, Act::reset, Act::remove});
  if (!scene.removes) leave_out({Act::remove});
  std::discrete_distribution<std::size_t> act(liking.begin(), liking.end());
  const std::uint32_t rarity = 1U << below(4);         // of steps that are left in the middle
  const std::uint32_t fewest = story.retains ? 3 : 1;  // the third has minutes
  const std::uint32_t names = fewest + below(story_names.size() + 1 - fewest);
  for (std::uint32_t left = 8 + below(40); left > 0; --left) {
    Step step;
    step.act = static_cast<Act>(act(random));
    step.process = static_cast<std::uint8_t>(below(story.processes));
    step.name = static_cast<std::uint8_t>(below(names));
    step.delta = static_cast<std::int16_t>(below(12) == 0 ? 0 : 1 + below(9));
    if (!story.growing && below(3) == 0) step.delta = static_cast<std::int16_t>(-step.delta);
    if (below(2) == 0) step.ago = static_cast<std::uint8_t>(1 + below(3));
    step.fault = static_cast<StoreFault>(below(8));
    if (step.act == Act::pass) step.amount = 1U << below(13);
    if (step.act == Act::disk_errors) step.amount = 1 + below(4);
    if (step.act == Act::disk_full) step.amount = below(400);
    if (step.act == Act::stop_later) step.amount = 1 + below(12);
    if (step.act <= Act::evict && below(rarity) == 0) {
      step.pause_after = 1 + below(below(3) == 0 ? 400 : 40);
      step.paused_for = 1 + below(3);
    }
    story.steps.push_back(step);
  }
  return story;
}

/// A step in words; "the process" is not named if there is one only.
[[nodiscard]] inline std::string to_string(const Step& step, bool several) {
  const std::string who = several ? "process " + std::to_string(step.process + 1) : "the process";
  const std::string minute =
      step.ago == 0 ? "this minute" : "the minute " + std::to_string(step.ago) + " before this one";
  const std::string name = std::string("\"") + story_names[step.name] + "\"" +
                           (has_two_periods(step.name) ? " (of " + minute + ", and of all time)" : "");
  const std::string one = std::string("\"") + story_names[step.name] + "\"" +
                          (is_of_minute(step)           ? " of " + minute
                           : has_two_periods(step.name) ? " of all time"
                                                        : "");
  const std::string by = name + " by " + std::to_string(step.delta);
  const std::string number = std::to_string(step.amount);
  const std::string paused = step.pause_after == 0
                                 ? ""
                                 : ", and is left after " + std::to_string(step.pause_after) +
                                       " points for " + std::to_string(step.paused_for) +
                                       (step.paused_for == 1 ? " step" : " steps");
  switch (step.act) {
    case Act::add: return who + " changes " + by + paused;
    case Act::add_and_get: return who + " changes " + by + " and asks for the count" + paused;
    case Act::add_pinned: return who + " changes " + by + " through a handle" + paused;
    case Act::get_and_reset: return who + " takes " + one + paused;
    case Act::reset: return who + " resets " + one + paused;
    case Act::remove: return who + " removes " + one + paused;
    case Act::get: return who + " reads " + one + paused;
    case Act::pump: return who + " writes what is ripe" + paused;
    case Act::flush: return who + " flushes" + paused;
    case Act::let_go: return who + " lets old minutes go" + paused;
    case Act::evict: return who + " drops what is clean" + paused;
    case Act::crowd: return who + " looks for many other counters";
    case Act::pass: return number + " ms pass";
    case Act::next_minute: return "the next minute begins";
    case Act::tend: return "the store of " + who + " is tended";
    case Act::store_fault: return std::string(to_string(step.fault)) + (several ? ", of " + who : "");
    case Act::disk_errors: return "the next " + number + " calls of the file system will fail";
    case Act::disk_full: return "the disk has room for " + number + " bytes";
    case Act::disk_freed: return "the disk has room again";
    case Act::stop_later:
      return std::string(step.delta < 0 ? "the power goes" : "the processes are killed") + " at call " +
             number + " of the file system from here";
    case Act::kill: return who + " is killed and started again";
    case Act::cut_power: return "the power goes, and comes back";
    case Act::reopen: return who + " closes and opens anew";
  }
  return "";
}

}  // namespace livecount::inline v0_1::testing
