// SPDX-License-Identifier: BSL-1.0
//
// Counting that can be broken off at any moment, also by SIGKILL or a power cut, and begun again until it is
// done, with each line counted once. An input is counted in chunks that end at the end of a line. All counts of
// a chunk and the new position (positions.hpp) are one batch, which the store applies once, whole or not at
// all; a chunk is so small that its counters are certain to find room in the cache. So whatever became of the
// last batch, the store's position says which lines it has.
//
//     Resumption resumption(counter, choices, limits...);
//     if (!resumption.begin(input, path)) return;           // reads up to the position
//     ... count lines until resumption.add(events) or resumption.is_due(), wait for workers, then
//     resumption.commit(rejected);
//
// The counter's store is shut but within commit: nothing else ever writes a part of a chunk.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "input.hpp"
#include "positions.hpp"
#include "store_url.hpp"
#include "text.hpp"

namespace program {

/// Where the cache has so many times more room than a chunk has counters, none of them is ever refused: two
/// buckets of eight places would have to be full of what is not yet written.
inline constexpr std::size_t cache_entries_for_each_counter = 16;
inline constexpr std::size_t smallest_resumed_cache = 1000;

/// Locks inputs, so that no two processes count one input into one store at the same time. The locks end with
/// the object, or the process. Threads: one.
class InputLocks {
 public:
  /// `path`: a file to lock in, made if need be; empty: nothing is locked.
  explicit InputLocks(const std::string& path) {
    if (path.empty()) return;
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ >= 0) return;
    throw livecount::Error(livecount::Errc::store_unavailable,
                           path + ": cannot open it to lock inputs: " + std::strerror(errno));
  }
  ~InputLocks() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  InputLocks(const InputLocks&) = delete;
  InputLocks& operator=(const InputLocks&) = delete;

  /// False if another process has it.
  [[nodiscard]] bool lock(const std::string& identity) {
    if (descriptor_ < 0) return true;
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = static_cast<off_t>(std::stoull(identity, nullptr, 16) >> 2);
    range.l_len = 1;
    if (::fcntl(descriptor_, F_OFD_SETLK, &range) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw livecount::Error(livecount::Errc::store_unavailable,
                           std::string("cannot lock an input: ") + std::strerror(errno));
  }

 private:
  int descriptor_ = -1;
};

/// What of each line counts: kept with a position, as a line must not be counted by one choice in one run and
/// by another in the next. Bits 0 to 7 are the periods, from second to all; then tsv, path, status, bytes.
struct Choices {
  static constexpr livecount::Count tsv = 1 << 8, path = 1 << 9, status = 1 << 10, bytes = 1 << 11;

  [[nodiscard]] static livecount::Count of(livecount::Periods periods) {
    livecount::Count bits = 0;
    for (const livecount::PeriodType type : periods) bits |= 1 << static_cast<int>(type);
    return bits;
  }

  /// As options of the command line.
  [[nodiscard]] static std::string describe(livecount::Count bits) {
    std::string periods, namespaces;
    for (const livecount::PeriodType type : livecount::Periods::every()) {
      if ((bits >> static_cast<int>(type) & 1) != 0) periods += "," + std::string(to_string(type));
    }
    if ((bits & path) != 0) namespaces += ",path";
    if ((bits & status) != 0) namespaces += ",status";
    if ((bits & bytes) != 0) namespaces += ",bytes";
    const std::string format = (bits & tsv) != 0 ? "tsv" : "combined --namespaces " + namespaces.erase(0, 1);
    return "--periods " + periods.erase(0, 1) + " --format " + format;
  }
};

template <class Counter>
class Resumption {
 public:
  struct Options {
    std::string url;           // of the counter's store
    livecount::Count choices;  // Choices
    std::size_t counters;      // of a chunk, at most
    bool complete = false;     // a last line without a line feed counts, too
    bool acknowledge = false;  // each commit, on standard output
  };

  Resumption(Counter& counter, const Options& options)
      : counter_(counter), options_(options), locks_(lock_path(options.url)) {}

  /// Reads up to where the input has been counted. False if there is nothing to count: not even one line has
  /// been finished, or the program was asked to stop. Throws InputError if it is not what was counted, Error.
  [[nodiscard]] bool begin(Input& input, const std::string& path) {
    path_ = path;
    begun_ = false;
    extent_ = {};
    chunk_ = 0;
    rejected_before_ = 0;
    if (!identify(input)) return false;
    if (!locks_.lock(identity_)) {
      throw InputError(path_ + ": another livecount is counting it into " + options_.url +
                       "; wait until that has ended");
    }
    const auto position = read_position(counter_.store(), identity_);
    committed_ = position.value_or(InputPosition{});
    if (position) {
      require_same_choices();
      if (!skip_counted(input)) return false;
      acknowledge();
    }
    begun_ = true;
    return true;
  }

  /// The text counted so far. The reader of lines moves it.
  [[nodiscard]] Extent& extent() noexcept { return extent_; }
  [[nodiscard]] const InputPosition& committed() const noexcept { return committed_; }

  /// Notes counters that a line changes. True if the chunk has no room for a further line, which changes at most
  /// `next`.
  [[nodiscard]] bool add(std::size_t counters, std::size_t next) noexcept {
    if (chunk_ == 0) since_ = Clock::now();
    chunk_ += counters;
    return chunk_ + next + position_updates > options_.counters;
  }
  /// Whether the chunk has been waiting for long.
  [[nodiscard]] bool is_due() const { return chunk_ > 0 && Clock::now() - since_ > std::chrono::seconds(1); }

  /// Writes the chunk: everything counted since the last commit, and the position behind it. `rejected`: lines of
  /// this input, since begin. Requires: nobody is counting. Throws Error: it may be in the store or not.
  void commit(std::uint64_t rejected) {
    if (!begun_ || extent_.offset() == static_cast<std::uint64_t>(committed_.offset)) return;
    const auto count = [](std::uint64_t number) { return static_cast<livecount::Count>(number); };
    const InputPosition reached{count(extent_.offset()), count(extent_.digest()), count(extent_.lines()),
                                rejected_before_ + count(rejected), options_.choices};
    move_position(counter_, identity_, committed_, reached);
    updates_ += position_updates;
    write();
    committed_ = reached;
    chunk_ = 0;
    acknowledge();
  }

  /// How many updates were made to move positions.
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// Looks at the first line. False if it has no end yet.
  [[nodiscard]] bool identify(Input& input) {
    std::string head;
    std::size_t end = std::string::npos;
    bool ended = false;
    while (end == std::string::npos && head.size() < identity_bytes && !ended) {
      const std::size_t begin = head.size();
      head.resize(begin + identity_bytes);
      const std::size_t got = input.read(head.data() + begin, identity_bytes);
      head.resize(begin + got);
      end = head.find('\n', begin);
      ended = got == 0;
    }
    if (stop_requested()) return false;
    input.put_back(head);
    if (head.empty() || (ended && end == std::string::npos && !options_.complete)) return false;
    identity_ = identity_of(std::string_view(head).substr(0, end));
    return true;
  }

  void require_same_choices() const {
    if (committed_.choices == options_.choices) return;
    throw InputError(path_ + ": it was counted with " + Choices::describe(committed_.choices) +
                     " so far, not " + Choices::describe(options_.choices) +
                     "; go on with the same, or count it into another store from its beginning");
  }

  /// Reads what has been counted. False if the program was asked to stop.
  [[nodiscard]] bool skip_counted(Input& input) {
    rejected_before_ = committed_.rejected;
    const auto offset = static_cast<std::uint64_t>(committed_.offset);
    std::vector<char> buffer(256 * 1024);
    char last = '\n';
    while (extent_.offset() < offset) {
      const std::size_t size = std::min<std::uint64_t>(buffer.size(), offset - extent_.offset());
      const std::size_t got = input.read(buffer.data(), size);
      if (stop_requested()) return false;
      if (got == 0) refuse("it has only " + quantity(extent_.offset(), "byte") + " now");
      extent_.add({buffer.data(), got});
      last = buffer[got - 1];
    }
    if (extent_.digest() != static_cast<std::uint64_t>(committed_.digest)) refuse("these bytes differ now");
    extent_.set_lines(static_cast<std::uint64_t>(committed_.lines));
    if (last != '\n') require_end_of_line(input);
    return !stop_requested();
  }

  /// The last line that was counted had no line feed: nothing but that may have followed.
  void require_end_of_line(Input& input) {
    char next = 0;
    if (input.read(&next, 1) == 0) return;
    if (next != '\n') {
      refuse("the last line had no line feed then, and has grown since");
    }
    extent_.add("\n");
  }

  [[noreturn]] void refuse(const std::string& difference) const {
    throw InputError(path_ + ": a file with the same first line was counted up to byte " +
                     std::to_string(committed_.offset) + " (line " + std::to_string(committed_.lines) +
                     "), but " + difference +
                     ": nothing of it is counted. Put back the file that was counted, or "
                     "count this one into another store");
  }

  /// As one batch. Tries for a while if the store does not take it.
  void write() {
    struct Opening {
      Store& store;
      explicit Opening(Store& it) : store(it) { store.take_batches(true); }
      ~Opening() { store.take_batches(false); }
    } const opening(counter_.store());
    for (const auto deadline = Clock::now() + std::chrono::seconds(10);;) {
      try {
        return counter_.flush();
      } catch (const livecount::Error& error) {
        const bool may_heal = error.code() == livecount::Errc::store_unavailable;
        if (!may_heal || stop_requested() || Clock::now() >= deadline) throw;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  /// Throws std::runtime_error when nobody reads it any more.
  void acknowledge() const {
    if (!options_.acknowledge) return;
    std::string line;
    append_tsv(line, path_);
    line += "\t" + std::to_string(committed_.lines) + "\n";
    if (std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fflush(stdout) == 0) return;
    throw std::runtime_error("cannot write to standard output: stopped; " + path_ +
                             " is counted up to line " + std::to_string(committed_.lines));
  }

  Counter& counter_;
  const Options options_;
  InputLocks locks_;
  std::string path_;  // of the input, as the following
  std::string identity_;
  InputPosition committed_;
  livecount::Count rejected_before_ = 0;
  Extent extent_;
  std::size_t chunk_ = 0;  // counters changed since the last commit
  Clock::time_point since_;
  bool begun_ = false;
  std::uint64_t updates_ = 0;
};

}  // namespace program
