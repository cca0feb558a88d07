// SPDX-License-Identifier: BSL-1.0
// How a FileStore comes by its files: locks them, reads them, keeps what is torn or damaged, goes on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "../detail/sync.hpp"
#include "file_recovery.hpp"
#include "file_writer.hpp"

namespace livecount::inline v0_1::detail {

/// Threads: used by one. `salvage`: see OnDamage.
template <class FileSystem>
class FileOpening {
 public:
  using File = typename FileSystem::File;
  using Writer = FileWriter<FileSystem>;

  FileOpening(const FileSystem& files, FilePaths paths, bool salvage)
      : files_(files), paths_(std::move(paths)), salvage_(salvage) {}

  /// The lock file, which is to be kept open. Throws: Error{locked} that names the holder.
  [[nodiscard]] File lock() const {
    File lock = files_.open(paths_.lock, FileAccess::make);
    if (!lock.try_lock()) {
      std::string holder(200, '\0');
      holder.resize(lock.read(0, holder.data(), holder.size()));
      holder = holder.substr(0, holder.find('\n'));
      throw Error(Errc::locked,
                  paths_.journal + " is in use by " + (holder.empty() ? "another process" : holder) +
                      "; one process at a time may count into it, others may open it read_only",
                  paths_.journal);
    }
    lock.truncate(0);
    lock.write(0, files_.describe_process() + '\n');
    return lock;
  }

  /// Requires: lock().
  Recovery open_to_write(FileState& state, Writer& writer) const {
    Writer::finish_fresh_files(files_, paths_);
    std::optional<File> journal;
    if (files_.exists(paths_.journal)) {
      journal.emplace(files_.open(paths_.journal, FileAccess::write));
      // A lock file may have been deleted while its holder runs: the journal itself tells, too.
      if (!journal->try_lock()) {
        throw Error(
            Errc::locked,
            paths_.journal + " is in use by another process, whose lock file " + paths_.lock + " is gone",
            paths_.journal);
      }
    }
    FileRecovery<FileSystem> found(files_, paths_, FileAccess::write, salvage_, state);
    found.run(journal ? &*journal : nullptr);
    Recovery& report = found.report;
    if (found.is_new()) {
      writer.open_fresh({StdSync::random(), 0, StdSync::random()});
    } else if (!report.damage.empty()) {
      keep_copies(journal, report);
      // No frame of before may seem to follow those that come now: another seed. Number 0 would need no snapshot.
      writer.open_fresh({StdSync::random(), 1, StdSync::random()});
    } else {
      if (report.torn_bytes != 0) {
        report.torn_copy = unused_path(paths_.journal + ".torn-");
        Writer::copy(files_, *journal, found.end(), found.end() + report.torn_bytes, report.torn_copy);
      }
      writer.open(std::move(*journal), found.end(), found.chain(), found.snapshot_bytes(), report.closed);
    }
    return report;
  }

  /// Without a lock: up to the last sound batch.
  Recovery open_to_read(FileState& state) const {
    for (int attempts_left = 5;; --attempts_left) {
      try {
        return read(state);
      } catch (const Error& error) {
        // A process that compacts meanwhile may have replaced one file after the other was opened.
        if (attempts_left == 0 || error.code() != Errc::corrupt) throw;
        state = FileState();
      }
    }
  }

 private:
  [[nodiscard]] Recovery read(FileState& state) const {
    FilePaths paths = paths_;
    if (Writer::is_fresh_journal_needed(files_, paths)) paths.journal = paths.fresh_journal;
    const File journal = files_.open(paths.journal, FileAccess::read);
    FileRecovery<FileSystem> found(files_, paths, FileAccess::read, salvage_, state);
    found.run(&journal);
    return std::move(found.report);
  }

  void keep_copies(const std::optional<File>& journal, Recovery& report) const {
    const auto keep = [&](const File& file, const std::string& path) {
      report.copies.push_back(unused_path(path + ".damaged-"));
      Writer::copy(files_, file, 0, file.size(), report.copies.back());
    };
    if (journal) keep(*journal, paths_.journal);
    if (files_.exists(paths_.snapshot)) keep(files_.open(paths_.snapshot, FileAccess::read), paths_.snapshot);
  }

  [[nodiscard]] std::string unused_path(const std::string& stem) const {
    int number = 1;
    while (files_.exists(stem + std::to_string(number))) ++number;
    return stem + std::to_string(number);
  }

  FileSystem files_;
  FilePaths paths_;
  bool salvage_;
};

}  // namespace livecount::inline v0_1::detail
