// SPDX-License-Identifier: BSL-1.0
//
// Writing a FileStore's snapshot, beside a store in use.
//
// The counters are written some at a time, each time under the lock that readers share; between two times the
// store goes on. So a snapshot may hold counts of batches that came after it was begun. That does no harm: it
// says with which frame of the journal it was begun, and reading that frame and all later ones over it sets
// every count that has moved meanwhile. It says too which frame it has reached; the journal must reach it too.
//
// Threads: a SnapshotWriter is used by one, beside the one that changes the table.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "../retention.hpp"
#include "file_format.hpp"
#include "file_table.hpp"

namespace livecount::inline v0_1::detail {

/// What a snapshot holds beside the counters, as of the frame it begins with.
struct SnapshotHead {
  Chain first;
  std::optional<Settings> settings;
  Horizons horizons;
  std::map<LedgerKey, LedgerRow> ledger;
  std::vector<Quarantined> quarantined;
};

template <class File>
class SnapshotWriter {
 public:
  SnapshotWriter(File& file, const SnapshotHead& head) : file_(&file), chain_(head.first) {
    write(file_header(FileKind::snapshot, chain_));
    begin_frame(frame_);
    if (head.settings) {
      put_settings(frame_, *head.settings);
      write_frame();
    }
    for (const PeriodType type : Periods::every()) {
      if (head.horizons[type] == Horizons::none) continue;
      put_horizon(frame_, {type, head.horizons[type]});
      write_frame();
    }
    write_all(FrameKind::ledger, head.ledger,
              [&](const auto& row) { put_ledger_row(frame_, row.first, row.second); });
    write_all(FrameKind::quarantine, head.quarantined,
              [&](const Quarantined& change) { put_quarantined(frame_, change.key, change.change); });
  }

  template <class Mutex>
  void write_counters(const FileTable& table, Mutex& mutex) {
    constexpr std::size_t at_a_time = 1024;
    put(frame_, static_cast<std::uint8_t>(FrameKind::counters));
    RunWriter runs(frame_);
    // The shelf, and the place on it. A shelf may go between two times, with all that is on it.
    std::string ns;
    Bucket bucket{PeriodType::second, Horizons::none};
    FileShelf::Position position;
    bool same_run = false;
    while (true) {
      {
        const std::shared_lock lock(mutex);
        const FileShelf* shelf = table.next_shelf(ns, bucket);
        for (std::size_t looked_at = 0; looked_at < at_a_time && shelf != nullptr; ++looked_at) {
          if (shelf->bucket() != bucket || shelf->ns() != ns) {
            ns = shelf->ns();
            bucket = shelf->bucket();
            position = {};
            same_run = false;
          }
          const FileNode* node = shelf->next(position);
          if (node == nullptr) {
            ++bucket.start;
            position = {};
            same_run = false;
            shelf = table.next_shelf(ns, bucket);
          } else if (node->is_present()) {
            runs.add(same_run, ns, bucket, node->name(), node->count);
            same_run = true;
            ++counters_;
          }
        }
        if (shelf == nullptr) break;
      }
      if (frame_.size() < frame_size) continue;
      write_frame();
      put(frame_, static_cast<std::uint8_t>(FrameKind::counters));
      runs = RunWriter(frame_);
    }
    write_frame();
  }

  /// `reached`: the number of the frame that follows all whose counts may have been written.
  void finish(std::uint64_t reached) {
    put(frame_, static_cast<std::uint8_t>(FrameKind::complete));
    put(frame_, reached);
    put(frame_, counters_);
    write_frame();
    file_->sync();
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t frame_size = std::size_t{1} << 18;

  template <class Rows, class Put>
  void write_all(FrameKind kind, const Rows& rows, Put put_row) {
    std::size_t left = rows.size();
    for (const auto& row : rows) {
      if (frame_.size() == frame_header_size) put(frame_, static_cast<std::uint8_t>(kind));
      put_row(row);
      if (--left == 0 || frame_.size() >= frame_size) write_frame();
    }
  }

  void write_frame() {
    const std::uint64_t sum = seal_frame(frame_, chain_);
    chain_.take(sum);
    write(frame_);
    begin_frame(frame_);
  }
  void write(std::string_view bytes) {
    file_->write(size_, bytes);
    size_ += bytes.size();
  }

  File* file_;
  Chain chain_;
  std::string frame_;
  std::uint64_t size_ = 0;
  std::uint64_t counters_ = 0;
};

}  // namespace livecount::inline v0_1::detail
