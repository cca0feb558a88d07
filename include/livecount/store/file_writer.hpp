// SPDX-License-Identifier: BSL-1.0
//
// The files of a FileStore that is open for writing: appends to the journal, writes them anew when they cannot
// be trusted, compacts them beside the writes.
//
// Every step leaves files that can be opened, whatever of what was not yet synced the disk then holds:
//
//     compaction      a snapshot beside the old one, synced; the journal synced, as far as the snapshot reaches;
//                     renamed over the old one, folder synced; a journal that begins where the snapshot began,
//                     with copies of all frames since, synced; renamed over the old one, folder synced
//     writing anew    a snapshot and an empty journal beside the old ones, synced, folder synced; the snapshot
//                     renamed, folder synced; the journal renamed, folder synced. Between the two renames the
//                     new journal waits under another name, and opening takes it (finish_fresh_files)
//
// Threads: everything but compact() and sync_beside() under the writer's mutex, which these two take.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "../detail/file_system.hpp"
#include "file_journal.hpp"
#include "file_recovery.hpp"
#include "file_snapshot.hpp"

namespace livecount::inline v0_1 {

namespace detail {

template <class FileSystem>
class FileWriter {
 public:
  using File = typename FileSystem::File;
  using Journal = FileJournal<File>;

  FileWriter(const FileSystem& files, FilePaths paths, FileState& state, std::mutex& mutex,
             std::shared_mutex& table_mutex)
      : files_(files), paths_(std::move(paths)), state_(&state), mutex_(mutex), table_mutex_(table_mutex) {}

  FileStatus status;

  /// Takes over a journal whose sound part ends at `size`. If it was not closed, what was read need not be on the
  /// disk: an earlier process may have been killed between write and sync, and after a sync that failed the system
  /// shows bytes that it will never write. So it goes on with a copy.
  void open(File file, std::uint64_t size, const Chain& chain, std::uint64_t snapshot_bytes, bool closed) {
    status.snapshot_bytes = snapshot_bytes;
    auto journal = std::make_shared<Journal>(std::move(file), size, chain);
    journal->closed = closed;
    if (!closed) {
      File copied = make_file(paths_.new_journal);
      copy_bytes(journal->file, 0, size, copied, 0);
      copied.sync();
      put_in_place(std::make_shared<Journal>(std::move(copied), size, chain), paths_.new_journal);
    } else {
      // A process that was killed while it closed may have written the last frame and not synced it. It is written again,
      // as another sync does not make one good that has failed.
      std::string last(frame_overhead + 1, '\0');
      const std::uint64_t at = size - last.size();
      (void)journal->file.read(at, last.data(), last.size());
      journal->file.write(at, last);
      journal->file.sync();
      files_.sync_folder_of(paths_.journal);
      journal_ = std::move(journal);
    }
  }
  /// Begins with files that hold what is in memory.
  void open_fresh(const Chain& chain) { write_fresh_files(chain); }

  [[nodiscard]] std::uint64_t journal_size() const noexcept { return journal_ ? journal_->size : 0; }

  /// Whether the journal is longer than `bytes` and than the snapshot.
  [[nodiscard]] bool wants_compaction(std::uint64_t bytes) const noexcept {
    return journal_->size > std::max({bytes, status.snapshot_bytes, not_before_});
  }

  /// Appends a frame that begin_frame has begun. Unless the answer is `applied`, it must be sent again.
  [[nodiscard]] ApplyResult append(std::string& frame, bool sync) {
    if (frame.size() - frame_header_size > 0xffff'ffffU) {
      return {
          Outcome::not_applied, Errc::store_failed,
          paths_.journal + ": a batch of " + std::to_string(frame.size()) + " bytes is too large for a file"};
    }
    Journal& journal = *journal_;
    const std::uint64_t sum = seal_frame(frame, journal.chain);
    journal.trusted = false;
    try {
      journal.file.write(journal.size, frame);
    } catch (const Error& error) {
      journal.take_back();
      return {Outcome::not_applied, error.code(), error.what()};
    }
    try {
      journal.unsynced = !sync;
      if (sync) journal.sync();
      if (!journal.file.is_at(paths_.journal)) {
        throw Error(Errc::store_unavailable,
                    paths_.journal + " was deleted, renamed or replaced while in use");
      }
    } catch (const Error& error) {
      return {Outcome::unknown, error.code(), error.what()};
    }
    journal.trusted = true;
    journal.size += frame.size();
    journal.chain.take(sum);
    journal.closed = false;
    return Outcome::applied;
  }

  /// After a failure that leaves the journal in doubt: writes the files anew. Throws: Error.
  void ensure_trusted() {
    if (journal_->trusted) return;
    require_in_place();
    write_fresh_files(journal_->chain);
  }

  /// Marks the journal as closed.
  void close() {
    ensure_trusted();
    if (journal_->closed) return;
    std::string frame;
    begin_frame(frame);
    put(frame, static_cast<std::uint8_t>(FrameKind::closed));
    if (append(frame, true).outcome != Outcome::applied) journal_->take_back();
  }

  /// What the files held at a moment: it can be read while others write.
  struct Written {
    std::shared_ptr<Journal> journal;
    std::uint64_t size;  // of what counts in it
    Chain chain;         // where the next frame goes
    bool closed;
    std::optional<File> snapshot;
  };
  [[nodiscard]] Written written() {
    ensure_trusted();
    Written written{journal_, journal_->size, journal_->chain, journal_->closed, std::nullopt};
    if (files_.exists(paths_.snapshot)) {
      written.snapshot.emplace(files_.open(paths_.snapshot, FileAccess::read));
    }
    return written;
  }

  /// Syncs what has been written, while others write.
  void sync_beside() noexcept {
    std::shared_ptr<Journal> journal;
    try {
      {
        const std::lock_guard lock(mutex_);
        ensure_trusted();
        if (!std::exchange(journal_->unsynced, false)) return;
        journal = journal_;
      }
      journal->sync();
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex_);
      if (journal) journal->trusted = false;
      note_failure(error);
    }
  }

  /// `forget`: is called under the mutex, when the snapshot begins. Throws: Error.
  template <class Forget>
  void compact(Forget forget) {
    const std::lock_guard one(compaction_mutex_);
    try {
      if (const auto begun = begin_compaction(forget)) {
        write_snapshot(*begun);
        cut_journal(*begun);
        const std::lock_guard lock(mutex_);
        ++status.compactions;
      }
    } catch (const std::exception& error) {
      remove_quietly(paths_.new_snapshot);
      remove_quietly(paths_.new_journal);
      const std::lock_guard lock(mutex_);
      note_failure(error);
      not_before_ = journal_->size + journal_->size / 8;
      throw;
    }
  }

  /// What was left by a process that was killed while it wrote files anew or compacted.
  static void finish_fresh_files(const FileSystem& files, const FilePaths& paths) {
    if (is_fresh_journal_needed(files, paths)) {
      files.rename(paths.fresh_journal, paths.journal);
      files.sync_folder_of(paths.journal);
    }
    for (const std::string* left :
         {&paths.new_journal, &paths.new_snapshot, &paths.fresh_journal, &paths.fresh_snapshot}) {
      files.remove(*left);
    }
  }

  /// Whether the snapshot in place is of a pair of which the journal still waits to be renamed.
  [[nodiscard]] static bool is_fresh_journal_needed(const FileSystem& files, const FilePaths& paths) {
    if (!files.exists(paths.fresh_journal) || !files.exists(paths.snapshot)) return false;
    try {
      const File journal = files.open(paths.fresh_journal, FileAccess::read);
      const File snapshot = files.open(paths.snapshot, FileAccess::read);
      return read_file_header(read_start(journal), FileKind::journal, paths.fresh_journal) ==
             read_file_header(read_start(snapshot), FileKind::snapshot, paths.snapshot);
    } catch (const Error& error) {
      if (error.code() == Errc::store_unavailable) throw;
      return false;  // it was not yet written, so its snapshot is not in place
    }
  }

  /// A file with these bytes of another, synced.
  static void copy(const FileSystem& files, const File& from, std::uint64_t begin, std::uint64_t end,
                   const std::string& to) {
    File file = files.open(to, FileAccess::make_empty);
    copy_bytes(from, begin, end, file, 0);
    file.sync();
    files.sync_folder_of(to);
  }

 private:
  struct Compaction {
    std::shared_ptr<Journal> journal;
    std::uint64_t offset;  // of the first frame that the snapshot need not hold
    SnapshotHead head;
  };

  [[nodiscard]] static std::string read_start(const File& file) {
    std::string header(file_header_size, '\0');
    header.resize(file.read(0, header.data(), header.size()));
    return header;
  }

  void remove_quietly(const std::string& path) noexcept {
    try {
      files_.remove(path);
    } catch (const std::exception&) {
      // It will be tried again when the store is opened.
    }
  }

  void note_failure(const std::exception& error) noexcept {
    ++status.failures;
    try {
      status.last_failure = error.what();
    } catch (const std::bad_alloc&) {
      status.last_failure.clear();
    }
  }

  [[nodiscard]] SnapshotHead head(const Chain& first) const {
    SnapshotHead head{first, state_->settings, state_->horizons, state_->ledger, state_->quarantined};
    std::erase_if(head.ledger,
                  [](const auto& row) { return row.second.sequence == 0; });  // of nothing applied
    return head;
  }

  /// An empty file, locked.
  [[nodiscard]] File make_file(const std::string& path) {
    File file = files_.open(path, FileAccess::make_empty);
    if (!file.try_lock()) throw Error(Errc::locked, path + " is in use by another process", path);
    return file;
  }
  /// Nothing may be renamed over a file that somebody else has put in the place of the journal.
  void require_in_place() const {
    if (!files_.exists(paths_.journal) || journal_->file.is_at(paths_.journal)) return;
    throw Error(Errc::store_failed,
                paths_.journal +
                    " is another file than the one that was opened; put that back, or open the store anew",
                paths_.journal);
  }

  /// A journal without frames, synced.
  [[nodiscard]] std::shared_ptr<Journal> make_journal(const std::string& path, const Chain& first) {
    File file = make_file(path);
    file.write(0, file_header(FileKind::journal, first));
    file.sync();
    return std::make_shared<Journal>(std::move(file), file_header_size, first);
  }

  void write_fresh_files(const Chain& chain) {
    auto journal = make_journal(paths_.fresh_journal, chain);
    if (chain.sequence != 0) {  // else there is nothing that a snapshot could hold
      File file = files_.open(paths_.fresh_snapshot, FileAccess::make_empty);
      SnapshotWriter<File> snapshot(file, head(chain));
      snapshot.write_counters(state_->table, table_mutex_);
      snapshot.finish(chain.sequence);
      files_.sync_folder_of(paths_.journal);
      files_.rename(paths_.fresh_snapshot, paths_.snapshot);
      files_.sync_folder_of(paths_.journal);
      status.snapshot_bytes = snapshot.size();
    }
    put_in_place(std::move(journal), paths_.fresh_journal);
  }

  /// Until the folder is synced it is not sure which journal a crash would leave: so none is trusted.
  void put_in_place(std::shared_ptr<Journal> journal, const std::string& from) {
    if (journal_) {
      require_in_place();
      journal_->trusted = false;
    }
    journal->trusted = false;
    files_.rename(from, paths_.journal);
    journal_ = std::move(journal);
    files_.sync_folder_of(paths_.journal);
    journal_->trusted = true;
  }

  // ---- compaction

  /// Nothing if there is nothing to cut.
  template <class Forget>
  [[nodiscard]] std::optional<Compaction> begin_compaction(Forget forget) {
    const std::lock_guard lock(mutex_);
    ensure_trusted();
    if (journal_->size == file_header_size) return std::nullopt;
    forget();
    return Compaction{journal_, journal_->size, head(journal_->chain)};
  }

  /// Requires: the mutex. Throws if the files were written anew since the compaction began.
  void require_same_journal(const Compaction& begun) const {
    if (journal_ != begun.journal || !journal_->trusted) {
      throw Error(Errc::store_unavailable, paths_.journal + ": a sync failed while it was compacted");
    }
    require_in_place();
  }

  void write_snapshot(const Compaction& begun) {
    File file = files_.open(paths_.new_snapshot, FileAccess::make_empty);
    SnapshotWriter<File> snapshot(file, begun.head);
    snapshot.write_counters(state_->table, table_mutex_);
    std::uint64_t reached = 0;
    {
      const std::lock_guard lock(mutex_);
      reached = begun.journal->chain.sequence;
    }
    snapshot.finish(reached);
    sync_for_snapshot(*begun.journal);
    const std::lock_guard lock(mutex_);
    require_same_journal(begun);
    files_.rename(paths_.new_snapshot, paths_.snapshot);
    status.snapshot_bytes = snapshot.size();
    files_.sync_folder_of(paths_.snapshot);
  }

  /// The snapshot may hold counts of all frames that have been written: they must not be lost before it.
  void sync_for_snapshot(Journal& journal) {
    try {
      journal.sync();
    } catch (const Error&) {
      const std::lock_guard lock(mutex_);
      journal.trusted = false;
      throw;
    }
  }

  void cut_journal(const Compaction& begun) {
    auto journal = make_journal(paths_.new_journal, begun.head.first);
    std::uint64_t copied = begun.offset;
    const auto copy_to = [&](std::uint64_t end) {
      copy_bytes(begun.journal->file, copied, end, journal->file, file_header_size + copied - begun.offset);
      copied = end;
    };
    copy_to(size_of(*begun.journal));
    journal->file.sync();
    const std::lock_guard lock(mutex_);  // what has come meanwhile is little
    require_same_journal(begun);
    copy_to(journal_->size);
    journal->size = file_header_size + copied - begun.offset;
    journal->chain = journal_->chain;
    journal->file.sync();
    put_in_place(std::move(journal), paths_.new_journal);
  }

  [[nodiscard]] std::uint64_t size_of(const Journal& journal) {
    const std::lock_guard lock(mutex_);
    return journal.size;
  }

  FileSystem files_;
  FilePaths paths_;
  FileState* state_;
  std::mutex& mutex_;
  std::shared_mutex& table_mutex_;
  std::shared_ptr<Journal> journal_;  // under mutex_
  std::uint64_t not_before_ = 0;  // under mutex_; the size at which to try again, after a failed compaction
  std::mutex compaction_mutex_;   // taken before mutex_
};

}  // namespace detail
}  // namespace livecount::inline v0_1
