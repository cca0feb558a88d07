// SPDX-License-Identifier: BSL-1.0
// A copy of a FileStore's files, made beside the writes.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <string>

#include "../detail/sync.hpp"
#include "file_recovery.hpp"
#include "file_writer.hpp"

namespace livecount::inline v0_1::detail {

/// The journal comes into its place last, when everything is on the disk: without it there is no store there. Throws:
/// Error.
template <class FileSystem>
class FileBackup {
 public:
  using File = typename FileSystem::File;
  using Writer = FileWriter<FileSystem>;

  /// Throws also: Error{invalid_option} if there are such files.
  FileBackup(const FileSystem& files, const std::string& path) : files_(files), to_{path} {
    for (const std::string& taken : {to_.journal, to_.snapshot}) {
      if (!files_.exists(taken)) continue;
      throw Error(Errc::invalid_option, taken + " exists; give a backup a path of its own", taken);
    }
  }

  /// What a store has written up to a moment, as it was written.
  void copy(const typename Writer::Written& written) {
    if (written.snapshot) {
      Writer::copy(files_, *written.snapshot, 0, written.snapshot->size(), to_.new_snapshot);
    }
    File journal = files_.open(to_.new_journal, FileAccess::make_empty);
    copy_bytes(written.journal->file, 0, written.size, journal, 0);
    if (!written.closed) {
      // A copy that is cut short later must not pass for one that a crash has cut.
      std::string frame;
      begin_frame(frame);
      put(frame, static_cast<std::uint8_t>(FrameKind::closed));
      (void)seal_frame(frame, written.chain);
      journal.write(written.size, frame);
    }
    journal.sync();
    if (written.snapshot) files_.rename(to_.new_snapshot, to_.snapshot);
    files_.sync_folder_of(to_.journal);
    files_.rename(to_.new_journal, to_.journal);
    files_.sync_folder_of(to_.journal);
  }

  /// What was read from files that others write. Requires: nobody changes the state.
  void write(FileState& state, std::mutex& mutex, std::shared_mutex& table_mutex) {
    Writer writer(files_, to_, state, mutex, table_mutex);
    writer.open_fresh({StdSync::random(), 1, StdSync::random()});
    writer.close();
  }

 private:
  FileSystem files_;
  FilePaths to_;
};

}  // namespace livecount::inline v0_1::detail
