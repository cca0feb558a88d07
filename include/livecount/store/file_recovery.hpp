// SPDX-License-Identifier: BSL-1.0
//
// Opening the files of a FileStore: reads the snapshot, then the journal over it, and judges what is damaged.
//
// A journal that ends within its last frame is what a crash leaves: the torn tail is left out, and the report
// tells. Any other damage is refused with Errc::corrupt, or, where the program has said OnDamage::salvage, passed
// over: then what lies before it counts. store/FORMAT.md has the rules.
//
// Threads: a FileRecovery is used by one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../detail/file_system.hpp"
#include "file_format.hpp"
#include "file_state.hpp"

namespace livecount::inline v0_1 {

/// What opening a FileStore found.
struct Recovery {
  std::uint64_t counters = 0;         // read from the snapshot
  std::uint64_t batches = 0;          // read from the journal, over the snapshot
  bool closed = false;                // the store had been closed
  std::uint64_t torn_bytes = 0;       // at the end of the journal: a write that a crash had cut short
  std::string torn_copy{};            // where they are kept, since they have been cut off
  std::vector<std::string> damage{};  // what OnDamage::salvage passed over, in sentences
  std::vector<std::string> copies{};  // the damaged files as they were
};

namespace detail {

/// The names of a store's files.
struct FilePaths {
  std::string journal;
  std::string snapshot = journal + ".snapshot";
  std::string lock = journal + ".lock";
  std::string new_journal = journal + ".new";        // compaction
  std::string new_snapshot = snapshot + ".new";      // compaction
  std::string fresh_journal = journal + ".fresh";    // after a failed sync, and salvage
  std::string fresh_snapshot = snapshot + ".fresh";  // the same
};

template <class FileSystem>
class FileRecovery {
 public:
  using File = typename FileSystem::File;

  FileRecovery(const FileSystem& files, FilePaths paths, FileAccess access, bool salvage, FileState& state)
      : files_(files), paths_(std::move(paths)), access_(access), salvage_(salvage), state_(&state) {}

  /// Reads all. Throws: Error with corrupt, not_livecount, version_too_new, store_unavailable, unsafe_path.
  /// `journal`: null if there is none.
  void run(const File* journal) {
    const bool has_snapshot = files_.exists(paths_.snapshot);
    if (has_snapshot) read_snapshot();
    const std::uint64_t size = journal == nullptr ? 0 : journal->size();
    if (size != 0) {
      read_journal(*journal, size);
    } else if (has_snapshot) {
      damage(paths_.journal, 0,
             journal == nullptr ? "there is no such file, but there is its snapshot"
                                : "it is empty, but there is its snapshot");
    }
    if (snapshot_ && chain_.sequence < snapshot_->reached) {
      damage(paths_.journal, end_,
             "it ends with frame " + std::to_string(chain_.sequence) +
                 ", and its snapshot needs those before " + std::to_string(snapshot_->reached));
    }
  }

  Recovery report;
  [[nodiscard]] bool is_new() const noexcept { return !snapshot_ && end_ == 0 && report.damage.empty(); }
  /// Where the next frame goes.
  [[nodiscard]] const Chain& chain() const noexcept { return chain_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  [[nodiscard]] std::uint64_t snapshot_bytes() const noexcept { return snapshot_ ? snapshot_->bytes : 0; }

 private:
  using Reader = FrameReader<File>;
  struct Snapshot {
    Chain first;                // of the frames that it does not hold
    std::uint64_t reached = 0;  // some of its counts may be as late as the frame before this one
    std::uint64_t bytes = 0;
  };

  void damage(const std::string& path, std::uint64_t offset, const std::string& reason) {
    const std::string found = path + " is damaged at offset " + std::to_string(offset) + ": " + reason;
    if (!salvage_) {
      throw Error(
          Errc::corrupt,
          found +
              ". Restore the store's files from a copy, or open it with on_damage = salvage, which keeps "
              "copies, drops what lies behind the damage and goes on with what lies before it",
          path);
    }
    report.damage.push_back(found);
  }

  [[nodiscard]] static std::string read_header(const File& file) {
    std::string header(file_header_size, '\0');
    header.resize(file.read(0, header.data(), header.size()));
    return header;
  }

  // ---- the snapshot

  void read_snapshot() {
    const File file = files_.open(paths_.snapshot, access_);
    Snapshot snapshot;
    snapshot.bytes = file.size();
    try {
      snapshot.first = read_file_header(read_header(file), FileKind::snapshot, paths_.snapshot);
    } catch (const Error& error) {
      // By its name it is one of ours.
      if (error.code() != Errc::corrupt && error.code() != Errc::not_livecount) throw;
      return damage(paths_.snapshot, 0, "its header is not sound");
    }
    Reader reader(file, file_header_size, snapshot.bytes, snapshot.first);
    std::string_view payload;
    std::string reason = "it ends before it is complete";
    while (true) {
      const std::uint64_t at = reader.offset();
      const auto next = reader.next(payload);
      if (next == Reader::Next::damage) return damage(paths_.snapshot, at, reader.reason());
      if (next == Reader::Next::end) {
        if (reason.empty()) break;
        return damage(paths_.snapshot, at, reason);
      }
      if (reason.empty()) return damage(paths_.snapshot, at, "something follows its last frame");
      ByteView fields(payload);
      const auto kind = FrameKind{fields.take<std::uint8_t>()};
      if (kind == FrameKind::complete) {
        snapshot.reached = fields.take<std::uint64_t>();
        if (fields.take<std::uint64_t>() == report.counters) reason.clear();
        if (!reason.empty())
          return damage(paths_.snapshot, at, "it has another number of counters than it says");
      } else {
        take_snapshot_frame(kind, fields);
      }
      if (!fields.sound() || !fields.empty()) return damage(paths_.snapshot, at, contradiction);
    }
    snapshot_ = snapshot;
    chain_ = snapshot.first;
  }

  void take_snapshot_frame(FrameKind kind, ByteView& fields) {
    switch (kind) {
      case FrameKind::settings: state_->settings = take_settings(fields); break;
      case FrameKind::horizon: take_horizon_frame(fields); break;
      case FrameKind::counters: report.counters += take_runs(fields, false); break;
      case FrameKind::ledger:
        while (!fields.empty() && fields.sound()) state_->ledger.insert(take_ledger_row(fields));
        break;
      case FrameKind::quarantine:
        while (!fields.empty() && fields.sound()) state_->quarantined.push_back(take_quarantined(fields));
        break;
      default: break;  // what is left of the payload tells
    }
  }

  // ---- the journal

  void read_journal(const File& file, std::uint64_t size) {
    Chain first;
    try {
      first = read_file_header(read_header(file), FileKind::journal, paths_.journal);
    } catch (const Error& error) {
      if (error.code() != Errc::corrupt) throw;
      return damage(paths_.journal, 0, "its header is not sound");
    }
    end_ = file_header_size;
    if (!snapshot_ && report.damage.empty() && first.sequence != 0) {
      damage(paths_.snapshot, 0,
             "there is no such file, and the journal begins with frame " + std::to_string(first.sequence));
    }
    if (snapshot_ && (first.seed != snapshot_->first.seed || first.sequence > snapshot_->first.sequence)) {
      return damage(paths_.journal, 0,
                    first.seed != snapshot_->first.seed
                        ? "it belongs to another store than its snapshot"
                        : "it begins with frame " + std::to_string(first.sequence) +
                              ", and its snapshot ends before frame " +
                              std::to_string(snapshot_->first.sequence));
    }
    read_frames(file, size, first);
  }

  void read_frames(const File& file, std::uint64_t size, const Chain& first) {
    Reader reader(file, file_header_size, size, first);
    std::string_view payload;
    while (true) {
      if (snapshot_ && reader.chain().sequence == snapshot_->first.sequence &&
          reader.chain() != snapshot_->first) {
        return damage(paths_.journal, reader.offset(), "what follows does not follow its snapshot");
      }
      end_ = reader.offset();
      if (!snapshot_ || reader.chain().sequence >= snapshot_->first.sequence) chain_ = reader.chain();
      const std::uint64_t sequence = reader.chain().sequence;
      const auto next = reader.next(payload);
      if (next == Reader::Next::end) return;
      if (next == Reader::Next::damage) {
        const std::string reason = reader.reason();
        if (reader.sound_frame_behind()) {
          return damage(paths_.journal, end_, reason + ", and there are sound frames behind it");
        }
        report.closed = false;
        report.torn_bytes = size - end_;
        return;
      }
      if (snapshot_ && sequence < snapshot_->first.sequence) continue;
      ByteView fields(payload);
      take_journal_frame(FrameKind{fields.take<std::uint8_t>()}, fields);
      if (!fields.sound() || !fields.empty()) return damage(paths_.journal, end_, contradiction);
    }
  }

  void take_journal_frame(FrameKind kind, ByteView& fields) {
    report.closed = kind == FrameKind::closed;
    if (kind == FrameKind::settings) state_->settings = take_settings(fields);
    if (kind == FrameKind::horizon) take_horizon_frame(fields);
    if (kind != FrameKind::batch) return;
    auto [key, row] = take_ledger_row(fields);
    for (std::size_t i = 0; i < row.quarantined.size(); ++i) {
      state_->quarantined.push_back(take_quarantined(fields));
    }
    state_->ledger[key] = std::move(row);
    (void)take_runs(fields, true);
    ++report.batches;
  }

  void take_horizon_frame(ByteView& fields) {
    const Bucket first = take_horizon(fields);
    if (!fields.sound() || first.type >= PeriodType::all) return fields.spoil();
    state_->horizons.raise(first);
    state_->table.erase_before(first);
    shelf_ = nullptr;
  }

  // ---- counters

  /// Returns: how many. It stops before the end of the fields where they make no sense.
  std::uint64_t take_runs(ByteView& fields, bool removals) {
    std::uint64_t counters = 0;
    while (!fields.empty()) {
      const RunHeading run = take_run_heading(fields);
      if (!fields.sound() || run.bucket.type > PeriodType::all) break;
      if (shelf_ == nullptr || shelf_->ns() != run.ns || shelf_->bucket() != run.bucket) {
        shelf_ = &state_->table.insert(run.ns, run.bucket);
      }
      if (!take_counters(fields, run.counters, removals)) break;
      counters += run.counters;
    }
    return counters;
  }

  /// Looks for several at once: each look-up waits for memory.
  [[nodiscard]] bool take_counters(ByteView& fields, std::uint32_t left, bool removals) {
    constexpr std::uint32_t together = 16;
    struct Counter {
      Count count;
      std::string_view name;
      std::uint64_t hash;
    };
    std::array<Counter, together> counters;
    while (left > 0) {
      const std::uint32_t size = std::min(left, together);
      for (std::uint32_t i = 0; i < size; ++i) {
        Counter& counter = counters[i];
        counter.count = fields.take<Count>();
        counter.name = take_short_bytes(fields);
        const bool possible = in_range(counter.count) || (removals && counter.count == FileNode::absent);
        if (!fields.sound() || !possible) return false;
        counter.hash = state_->table.hash(counter.name);
        shelf_->prefetch(counter.hash);
      }
      for (std::uint32_t i = 0; i < size; ++i) {
        shelf_->insert(counters[i].name, counters[i].hash).count = counters[i].count;
      }
      left -= size;
    }
    return true;
  }

  static constexpr const char* contradiction = "the frame is whole, but what it says makes no sense";

  FileSystem files_;
  FilePaths paths_;
  FileAccess access_;
  bool salvage_;
  FileState* state_;
  FileShelf* shelf_ = nullptr;  // of the last run
  std::optional<Snapshot> snapshot_;
  Chain chain_;
  std::uint64_t end_ = 0;  // of what is sound in the journal
};

}  // namespace detail
}  // namespace livecount::inline v0_1
