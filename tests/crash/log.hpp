// SPDX-License-Identifier: BSL-1.0
// What a crash_writer tells, in memory that it shares with its driver.
//
// A page that two processes share outlives a SIGKILL as what was written to a pipe does, it costs no system call (so
// the system calls of a crash_writer are its store's alone, and can be numbered), and what was stored first is there
// first. An update is noted as attempted before the call, as acknowledged after the store has it.
#pragma once

#include <livecount/concepts.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash/workload.hpp"

namespace livecount::crash {

inline constexpr Count absent = no_floor;  // stands for "no such counter"

/// The counts of all keys; absent where there is none.
using Counts = std::array<Count, most_keys>;

template <class Store>
[[nodiscard]] Counts read_all(Store& store) {
  Counts counts;
  counts.fill(absent);
  for (std::size_t i = 0; i < vocabulary().keys(); ++i) {
    counts[i] = store.read(vocabulary().key(i)).value_or(absent);
  }
  return counts;
}

struct SentRecord {
  std::size_t key;
  Transform change;
};

struct SentBatch {
  Counts counts_after;
  std::size_t size;
  std::array<SentRecord, most_keys> records;
};

struct Log {
  // By the driver, before the start
  std::uint64_t seed;
  Floor floor;
  std::atomic<bool> stop;  // ... and later: end in good order

  // By the writer
  std::atomic<bool> opened;  // `before` is complete
  Counts before;             // what the store had when it was opened
  std::array<std::array<std::atomic<std::uint64_t>, most_names>, most_threads> attempted, acknowledged;
  std::atomic<std::uint64_t> refused;   // updates that changed nothing, for want of room or of the store
  std::atomic<std::uint64_t> failures;  // calls of on_error
  std::array<char, 1024> told;          // what it said last

  // By the store's witness: the batch that is on its way, and the one before it
  WriterId writer;
  std::atomic<std::uint64_t> sent, applied;
  std::array<SentBatch, 2> batches;  // by sequence % 2
  [[nodiscard]] SentBatch& batch(std::uint64_t sequence) noexcept { return batches[sequence % 2]; }
  [[nodiscard]] const SentBatch& batch(std::uint64_t sequence) const noexcept {
    return batches[sequence % 2];
  }

  void tell(const std::string& message) noexcept {
    std::snprintf(told.data(), told.size(), "%s", message.c_str());
    failures.fetch_add(1);
  }
};

/// A Log in a file that is mapped: name the file to a crash_writer.
class SharedLog {
 public:
  enum class Access { make, open };

  explicit SharedLog(std::string path, Access access = Access::make) : path_(std::move(path)) {
    const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    // Anybody may write: a writer may run as somebody else.
    if (file < 0 ||
        (access == Access::make && (::fchmod(file, 0666) != 0 || ::ftruncate(file, sizeof(Log)) != 0))) {
      throw std::runtime_error("cannot make " + path_);
    }
    void* const memory = ::mmap(nullptr, sizeof(Log), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (memory == MAP_FAILED) throw std::runtime_error("cannot map " + path_);
    log_ = static_cast<Log*>(memory);
  }
  ~SharedLog() { ::munmap(log_, sizeof(Log)); }
  SharedLog(const SharedLog&) = delete;
  SharedLog& operator=(const SharedLog&) = delete;

  Log* operator->() const noexcept { return log_; }
  Log& operator*() const noexcept { return *log_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  Log* log_ = nullptr;
};

/// A store that notes each batch before it is sent and after it has been applied.
template <class Store>
class Witness : public Store {
 public:
  struct Options {
    typename Store::Options store{};
    Log* log = nullptr;
  };

  explicit Witness(Options options) : Store(std::move(options.store)), log_(*options.log) {
    log_.before = read_all(static_cast<Store&>(*this));
    log_.batch(0).counts_after = log_.before;
    log_.opened = true;
  }

  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    // A note that is written anew could be killed half-way: a batch that is sent again has its own.
    if (log_.sent != batch.sequence || log_.writer != batch.writer) note(batch);
    ApplyResult result = Store::apply(batch);
    if (result.outcome == Outcome::applied) log_.applied = batch.sequence;
    return result;
  }

 private:
  void note(const Batch& batch) {
    SentBatch& note = log_.batch(batch.sequence);
    note.counts_after = log_.batch(batch.sequence - 1).counts_after;
    note.size = 0;
    for (const Record& record : batch.records) {
      const std::size_t key = vocabulary().index_of(record.key);
      Count& count = note.counts_after.at(key);
      count = record.change.apply(count == absent ? 0 : count);
      note.records.at(note.size++) = {key, record.change};
    }
    log_.writer = batch.writer;
    log_.sent = batch.sequence;
  }

  Log& log_;
};

}  // namespace livecount::crash
