// SPDX-License-Identifier: BSL-1.0
// One store over many crashes: starts writers on it, and judges what is in it after each.
//
// The counts are judged when the next one opens the store: the next crash_writer, which notes what it found, or the
// driver itself. The driver may also send the batch that was on its way again, as a writer that had lived would have:
// twice, and it must have been applied once.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "crash/judge.hpp"
#include "crash/process.hpp"
#include "crash/stores.hpp"
#include "support/policies.hpp"

namespace livecount::crash {

using livecount::tests::TemporaryDirectory;

/// A program that was built beside this one.
[[nodiscard]] inline std::string sibling(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

/// What happened at least once in a run: a test in which nothing ever was in doubt would show nothing.
struct Seen {
  std::uint64_t kills = 0;
  std::uint64_t before_opening = 0;  // killed before the store was open
  std::uint64_t by_writer = 0;       // checked by the next writer's opening
  std::uint64_t in_flight_lost = 0;  // a batch was on its way, and is not in the store
  std::uint64_t in_flight_kept = 0;  // ... and is
  std::uint64_t sent_again = 0;
  std::uint64_t updates = 0;  // acknowledged

  void print(std::string_view what) const {
    std::cout << what << ": " << kills << " kills, " << before_opening << " before the store was open; "
              << in_flight_lost + in_flight_kept << " with a batch on its way, of which " << in_flight_kept
              << " had been applied; " << sent_again << " batches sent again, " << by_writer
              << " stores opened by the next writer; " << updates << " updates acknowledged\n"
              << std::flush;
  }
};

struct Wrong : std::runtime_error {
  using runtime_error::runtime_error;
};
/// What the machine does not allow.
struct Skipped : std::runtime_error {
  using runtime_error::runtime_error;
};

/// Runs a case, and returns what its program ends with: 0, 1 when something was wrong, 77 when it was skipped.
template <class F>
int conclude(F test) {
  try {
    test();
    return 0;
  } catch (const Skipped& reason) {
    std::cout << "skipped: " << reason.what() << '\n';
    return 77;
  } catch (const std::exception& error) {
    std::cout << "FAILED: " << error.what() << '\n';
    return 1;
  }
}

inline void require_strace() {
  if (run({"sh", "-c", "strace -f -qq -o /dev/null -e trace=fsync true 2>/dev/null"}) != 0) {
    throw Skipped("strace is not installed, or may not trace here");
  }
}

/// One store, over many crashes.
template <class Store>
class Site {
 public:
  Site(std::string store, std::string folder, Floor floor, Seen& seen, Loss loss = Loss::nothing)
      : store_(std::move(store)), path_(folder + "/counts"), floor_(floor), seen_(seen), loss_(loss) {
    Counts none;
    none.fill(absent);
    begin(*logs_[0], none, 0, floor);
  }

  /// A command that counts into the store; `finished` must be called when it has ended.
  [[nodiscard]] std::vector<std::string> command(const std::string& queue, std::size_t threads,
                                                 std::uint64_t updates, std::uint64_t seed,
                                                 std::size_t entries = 64) {
    begin(current(), last().before, seed, floor_);
    return {sibling("crash_writer"),
            store_,
            queue,
            path_,
            current_log().path(),
            std::to_string(threads),
            std::to_string(updates),
            std::to_string(entries)};
  }

  /// The process has ended. If it had opened the store, what it found there is judged.
  void finished() {
    if (!current().opened) {
      ++seen_.before_opening;
      return;
    }
    if (unjudged_) {
      ++seen_.by_writer;
      judge_last(current().before, "the next writer");
    } else if (current().before != last().batch(0).counts_after) {
      throw Wrong("a writer found other counts than were there before it started");
    }
    for (const auto& thread : current().acknowledged) {
      for (const auto& count : thread) seen_.updates += count;
    }
    last_ = 1 - last_;
    unjudged_ = true;
  }

  /// Opens the store and judges what is there; sends the last batch again, if asked to.
  void check(bool send_again) {
    Store store(store_options<Store>(store_, path_));
    Counts found = read_all(store);
    judge_last(found, "opened by the driver");
    if (send_again && loss_ == Loss::nothing && last().sent != 0) {
      ++seen_.sent_again;
      send_last_again(store);
      found = last().batch(last().sent).counts_after;
    }
    begin(last(), found, 0, floor_);
    unjudged_ = false;
  }

  [[nodiscard]] const std::string& current_log_path() { return current_log().path(); }
  [[nodiscard]] Log& current() { return *current_log(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  [[nodiscard]] SharedLog& current_log() { return logs_[1 - last_]; }
  [[nodiscard]] Log& last() { return *logs_[last_]; }

  void judge_last(const Counts& found, const std::string& by) {
    const Log& log = last();
    if (log.sent > log.applied && loss_ == Loss::nothing) {
      ++(found == log.batch(log.sent).counts_after ? seen_.in_flight_kept : seen_.in_flight_lost);
    }
    const Problems problems = judge(log, found, loss_);
    if (problems.empty()) return;
    std::string message = by + ", floor " + (floor_ == Floor::zero ? "zero" : "none") + ":";
    for (const std::string& problem : problems) message += "\n  " + problem;
    throw Wrong(message);
  }

  void send_last_again(Store& store) {
    const SentBatch& batch = last().batch(last().sent);
    std::vector<Record> records;
    for (const SentRecord& record : std::span(batch.records).first(batch.size)) {
      records.push_back({vocabulary().key(record.key), record.change});
    }
    for (int i = 0; i < 2; ++i) {
      const ApplyResult result = store.apply(Batch{last().writer, 0, last().sent, records});
      if (result.outcome != Outcome::applied) {
        throw Wrong("batch " + std::to_string(last().sent) +
                    " was sent again and refused: " + result.message);
      }
      if (read_all(store) != batch.counts_after) {
        throw Wrong("batch " + std::to_string(last().sent) +
                    " was sent again, and the counts are not those after it");
      }
    }
  }

  const std::string store_;
  const std::string path_;  // of the store
  const Floor floor_;
  Seen& seen_;
  const Loss loss_;
  TemporaryDirectory logs_folder_;
  std::array<SharedLog, 2> logs_{SharedLog((logs_folder_.path() / "a").string()),
                                 SharedLog((logs_folder_.path() / "b").string())};
  std::size_t last_ = 0;   // the log of the last writer that opened the store
  bool unjudged_ = false;  // ... whose counts nobody has judged yet
};

}  // namespace livecount::crash
