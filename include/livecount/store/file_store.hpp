// SPDX-License-Identifier: BSL-1.0
//
// FileStore: counts in memory, and every batch appended to a journal before it counts.
//
// No database is needed. All counts are kept in memory: about 50 bytes each, and the name. One process at a time opens the
// files; others may read them.
//
//     livecount::FastCounter<livecount::FileStore> hits{{.store = {.path = "hits.journal"}}};
//
// A batch is one frame of the journal, with a checksum: it is there whole or not at all, with the writer's
// number, so it is applied exactly once. What a crash may cost of what was applied:
//
//     sync               process killed   power cut
//     every_batch        nothing          nothing
//     interval           nothing          what was written in the last sync_interval, and one sync
//     never              nothing          what the operating system had not yet written
//
// When the journal has grown long, a thread writes a snapshot beside the writes, and cuts it: see store/FORMAT.md.
//
// A sync that fails makes its file worthless: nothing is sure of what was written since the last one. The batch
// is then answered with Outcome::unknown, and before the next one is applied the store writes new files from
// memory. Damage that a crash does not explain is refused; see OnDamage.
//
// Threads: as StorePolicy; questions, compact() and backup() from any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../concepts.hpp"
#include "../detail/background_task.hpp"
#include "../detail/file_system.hpp"
#include "file_backup.hpp"
#include "file_batch.hpp"
#include "file_opening.hpp"
#include "file_questions.hpp"
#include "file_writer.hpp"
#include "settings.hpp"

namespace livecount::inline v0_1 {

/// When what was written is made sure to be on the disk. (Not named Sync: so policies call the threads they run on.)
enum class FileSync : std::uint8_t {
  every_batch,  // before a batch is acknowledged
  interval,     // at the latest sync_interval after
  never,        // when the operating system likes, and when the store is closed
};

/// What to do about damage that a crash does not explain.
enum class OnDamage : std::uint8_t {
  refuse,   // Error{corrupt}; the files stay as they are
  salvage,  // keep copies of the damaged files, go on with what lies before the damage: see Recovery
};

/// As compact_bytes: only when compact() is called.
inline constexpr std::uint64_t never_compact = static_cast<std::uint64_t>(-1);

template <class FileSystem>
class BasicFileStore {
 public:
  struct Options {
    std::string path = "livecount.journal";
    FileSync sync = FileSync::every_batch;
    std::chrono::milliseconds sync_interval{1000};  // at least 1 ms
    /// The journal is cut when it is longer than this, and than the snapshot was.
    std::uint64_t compact_bytes = std::uint64_t{64} << 20;
    bool read_only = false;  // for questions only, also while another process counts; the files must exist
    OnDamage on_damage = OnDamage::refuse;
    /// An earlier process's writer not heard of for so long is forgotten at the next compaction, and later refused.
    std::chrono::seconds forget_writers_after = std::chrono::hours(7 * 24);
    FileSystem file_system{};
  };
  using guarantee = exactly_once;
  static constexpr bool removes = true;

  /// Opens the files, and makes them unless read_only. Throws: Error with locked, unsafe_path, not_livecount,
  /// version_too_new, corrupt, store_unavailable, invalid_option; then the files are as they were.
  explicit BasicFileStore(Options options) : options_(std::move(options)), files_(options_.file_system) {
    if (options_.path.empty() || options_.path.find('\0') != std::string::npos) {
      throw Error(Errc::invalid_option,
                  "FileStore needs the path of a file, not " + detail::quote(options_.path), "FileStore");
    }
    // Later files must be made beside the first ones, wherever the process has gone meanwhile.
    options_.path = std::filesystem::absolute(options_.path).string();
    const detail::FilePaths paths{options_.path};
    const detail::FileOpening<FileSystem> opening(files_, paths, options_.on_damage == OnDamage::salvage);
    if (options_.read_only) {
      recovered_ = opening.open_to_read(state_);
      return;
    }
    lock_.emplace(opening.lock());
    writer_ = std::make_unique<Writer>(files_, paths, state_, writer_mutex_, table_mutex_);
    recovered_ = opening.open_to_write(state_, *writer_);
    start_tasks();
  }

  /// Waits for what runs in the background, and marks the journal as closed.
  ~BasicFileStore() {
    if (is_forked_child()) {
      if (syncer_) syncer_->abandon();
      if (compactor_) compactor_->abandon();
      return;
    }
    syncer_.reset();
    compactor_.reset();
    if (writer_) close();
  }
  BasicFileStore(const BasicFileStore&) = delete;
  BasicFileStore& operator=(const BasicFileStore&) = delete;

  // ---- StorePolicy

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const { return snapshot().read(key); }

  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    if (is_forked_child()) return {Outcome::not_applied, Errc::forked_child, forked_child_message()};
    const std::lock_guard lock(writer_mutex_);
    if (auto answer = check(batch)) return *std::move(answer);
    detail::LedgerRow& row = ledger_row({batch.writer, batch.shard});
    if (auto answer = check_ledger(batch, row)) return *std::move(answer);
    try {
      writer_->ensure_trusted();
    } catch (const Error& error) {
      return {Outcome::unknown, error.code(), error.what()};
    }
    std::vector<std::size_t> late = late_records(batch, state_.horizons);
    batch_.stage(batch, state_.horizons, state_.table, table_mutex_);
    detail::LedgerRow next{batch.sequence, digest(batch), batch_.positions(), 0, true};
    detail::begin_frame(frame_);
    batch_.put(frame_, {batch.writer, batch.shard}, next);
    state_.quarantined.reserve(state_.quarantined.size() + batch_.positions().size());
    std::vector<std::size_t> positions = batch_.positions();
    ApplyResult result = writer_->append(frame_, options_.sync == FileSync::every_batch);
    if (result.outcome != Outcome::applied) return result;

    // Now it counts: nothing from here on needs memory.
    result.quarantined = std::move(positions);
    result.late = std::move(late);
    for (detail::Quarantined& one : batch_.set_aside()) state_.quarantined.push_back(std::move(one));
    {
      const std::lock_guard publish(table_mutex_);
      row = std::move(next);
      batch_.publish();
    }
    if (compactor_ && writer_->wants_compaction(options_.compact_bytes)) compactor_->wake();
    return result;
  }

  // ---- ExpiringStore

  [[nodiscard]] Horizons horizons() const { return snapshot().horizons(); }
  /// Whole buckets go at once; the journal shrinks at the next compaction. Throws: as compact, invalid_option.
  [[nodiscard]] bool expire(Bucket first, std::size_t) {
    require_ends(first);
    require_own_process();
    const std::lock_guard lock(writer_mutex_);
    if (!writer_) throw Error(Errc::store_failed, read_only_message(), options_.path);
    if (first.start <= state_.horizons[first.type]) return false;
    writer_->ensure_trusted();
    detail::begin_frame(frame_);
    detail::put_horizon(frame_, first);
    const ApplyResult result = writer_->append(frame_, options_.sync == FileSync::every_batch);
    if (result.outcome != Outcome::applied) throw Error(result.error, result.message, options_.path);
    const std::lock_guard publish(table_mutex_);
    state_.horizons.raise(first);
    state_.table.erase_before(first);
    return false;
  }

  // ---- SettingsStore

  /// What the data was made with; nothing in a new file.
  [[nodiscard]] std::optional<Settings> settings() const {
    require_own_process();
    const std::lock_guard lock(writer_mutex_);
    return state_.settings;
  }

  void adopt(const Settings& wanted) {
    require_own_process();
    const std::lock_guard lock(writer_mutex_);
    if (state_.settings) return detail::require_same(options_.path, *state_.settings, wanted);
    if (!writer_) return;
    if (wanted.calendar.size() > detail::longest_in_file) {
      throw Error(Errc::invalid_option, "the text of the calendar is too long for a file", options_.path);
    }
    writer_->ensure_trusted();
    detail::begin_frame(frame_);
    detail::put_settings(frame_, wanted);
    const ApplyResult result = writer_->append(frame_, true);
    if (result.outcome != Outcome::applied) throw Error(result.error, result.message, options_.path);
    state_.settings = wanted;
  }

  // ---- questions

  /// One moment of the store: batches wait until it goes, so take it, ask, and let it go.
  [[nodiscard]] detail::FileQuestions snapshot() const {
    require_own_process();
    return {state_, table_mutex_};
  }

  /// Questions to a moment of their own. f must not call the store.
  template <class F>
  void scan(std::string_view ns, PeriodType type, std::optional<Bucket> bucket, F f) const {
    snapshot().scan(bucket ? only(ns, *bucket) : Selection{ns, type}, [&](const KeyView& key, Count count) {
      f(key, count);
      return true;
    });
  }
  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
    return snapshot().top(ns, bucket, limit);
  }
  [[nodiscard]] std::vector<std::string> namespaces() const { return snapshot().namespaces(); }

  /// The changes that would have taken a count out of its range: all that were ever set aside.
  [[nodiscard]] std::vector<std::pair<Key, Transform>> quarantined() const {
    require_own_process();
    const std::lock_guard lock(writer_mutex_);
    std::vector<std::pair<Key, Transform>> changes;
    for (const detail::Quarantined& one : state_.quarantined) changes.emplace_back(one.key, one.change);
    return changes;
  }

  /// What opening found.
  [[nodiscard]] const Recovery& recovered() const noexcept { return recovered_; }

  [[nodiscard]] FileStatus status() const {
    require_own_process();
    const std::lock_guard lock(writer_mutex_);
    if (!writer_) return {};
    FileStatus status = writer_->status;
    status.journal_bytes = writer_->journal_size();
    return status;
  }

  /// Writes a snapshot and cuts the journal, beside the writes. It is done by itself when the journal is long.
  /// Needs room for a snapshot, and for what is written to the journal meanwhile, twice.
  /// Throws: Error{store_unavailable, store_failed}; then the files are as good as before.
  void compact() {
    require_own_process();
    if (!writer_) {
      throw Error(Errc::store_failed, read_only_message(), options_.path);
    }
    writer_->compact([this] { forget_writers(); });
  }

  /// Copies the files as they are at one moment, while batches go on, to `path` and `path`.snapshot: a FileStore of its
  /// own, on the disk when this returns. A store that is read_only writes what it had read. As for any copy: whoever
  /// goes on counting into it must have been started anew.
  /// Throws: Error with invalid_option if there is such a file, unsafe_path, store_unavailable; then there is no store
  /// at `path`, but perhaps files beside it, which another attempt replaces.
  void backup(const std::string& path) {
    require_own_process();
    detail::FileBackup<FileSystem> backup(files_, std::filesystem::absolute(path).string());
    if (!writer_) return backup.write(state_, writer_mutex_, table_mutex_);
    std::unique_lock lock(writer_mutex_);
    const auto written = writer_->written();
    lock.unlock();
    backup.copy(written);
  }

 private:
  using File = typename FileSystem::File;
  using Writer = detail::FileWriter<FileSystem>;
  using Task = detail::BackgroundTask<StdSync>;

  // ---- background

  void start_tasks() {
    if (options_.sync == FileSync::interval) {
      syncer_.emplace(std::max(options_.sync_interval, std::chrono::milliseconds(1)),
                      [this] { writer_->sync_beside(); });
    }
    if (options_.compact_bytes == never_compact) return;
    compactor_.emplace(std::nullopt, [this] {
      try {
        compact();
      } catch (const std::exception&) {  // the status tells
      }
    });
  }

  void close() noexcept {
    try {
      const std::lock_guard lock(writer_mutex_);
      writer_->close();
    } catch (const std::exception&) {
      // Then the journal is not marked as closed; what was applied is there as if the process had been killed.
    }
  }

  // ---- applying

  /// The answer, if the batch cannot be applied, whatever its number.
  [[nodiscard]] std::optional<ApplyResult> check(const Batch& batch) const {
    if (!writer_) {
      return ApplyResult{Outcome::not_applied, Errc::store_failed, read_only_message()};
    }
    for (const Record& record : batch.records) {
      const bool ns = record.key.ns.size() > detail::longest_in_file;
      if (!ns && record.key.name.size() <= detail::longest_in_file) continue;
      return ApplyResult{Outcome::not_applied, ns ? Errc::namespace_too_long : Errc::name_too_long,
                         options_.path + ": " + detail::quote(ns ? record.key.ns : record.key.name) +
                             " is too long for a file, which takes " +
                             std::to_string(detail::longest_in_file) + " bytes"};
    }
    return std::nullopt;
  }

  /// It stays where it is. With sequence 0 if nothing was applied.
  [[nodiscard]] detail::LedgerRow& ledger_row(const detail::LedgerKey& key) {
    const auto found = state_.ledger.find(key);
    if (found != state_.ledger.end()) return found->second;
    const std::lock_guard lock(table_mutex_);
    return state_.ledger[key];
  }

  /// The answer, if the batch need not or must not be applied.
  [[nodiscard]] std::optional<ApplyResult> check_ledger(const Batch& batch,
                                                        const detail::LedgerRow& row) const {
    if (batch.sequence == row.sequence + 1) return std::nullopt;
    const std::string number = options_.path + ": batch " + std::to_string(batch.sequence);
    if (batch.sequence > row.sequence) {
      return ApplyResult{Outcome::not_applied, Errc::store_rolled_back,
                         number + " does not follow batch " + std::to_string(row.sequence)};
    }
    if (batch.sequence == row.sequence && digest(batch) != row.digest) {
      return ApplyResult{Outcome::not_applied, Errc::writer_duplicated,
                         number + " was applied before with other records"};
    }
    ApplyResult result = Outcome::applied;
    if (batch.sequence == row.sequence) {
      result.quarantined = row.quarantined;
      result.late = late_records(batch, state_.horizons);
    }
    return result;
  }

  /// Removes the rows of writers of whom open stores have not heard for long. One that has sent something since
  /// this store was opened is in this process, and may be idle for as long as it likes. Requires: the mutex.
  void forget_writers() {
    const auto now = StdSync::now();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - watched_since_);
    watched_since_ = now;
    const std::lock_guard lock(table_mutex_);
    for (auto entry = state_.ledger.begin(); entry != state_.ledger.end();) {
      detail::LedgerRow& row = entry->second;
      row.idle = row.heard ? 0 : row.idle + static_cast<std::uint32_t>(seconds.count());
      const bool forgotten = !row.heard && std::chrono::seconds(row.idle) >= options_.forget_writers_after;
      entry = forgotten ? state_.ledger.erase(entry) : std::next(entry);
    }
  }

  // ---- processes

  [[nodiscard]] std::string read_only_message() const {
    return options_.path + " was opened to be read only";
  }

  [[nodiscard]] bool is_forked_child() const noexcept { return files_.process() != process_; }
  [[nodiscard]] std::string forked_child_message() const {
    return options_.path + " was opened by the parent process; a child has to open it anew";
  }
  /// Before any lock: in a child it may be held for ever.
  void require_own_process() const {
    if (is_forked_child()) throw Error(Errc::forked_child, forked_child_message(), options_.path);
  }

  Options options_;  // set once
  FileSystem files_;
  std::int64_t process_ = files_.process();
  Recovery recovered_;
  std::optional<File> lock_;
  mutable std::mutex writer_mutex_;
  mutable std::shared_mutex table_mutex_;               // taken after writer_mutex_
  detail::FileState state_;                             // the table: see there; all else under writer_mutex_
  std::unique_ptr<Writer> writer_;                      // null if read_only
  StdSync::time_point watched_since_ = StdSync::now();  // under writer_mutex_
  detail::FileBatch batch_;                             // under writer_mutex_
  std::string frame_;                                   // under writer_mutex_
  std::optional<Task> syncer_;
  std::optional<Task> compactor_;
};

using FileStore = BasicFileStore<detail::PosixFileSystem>;

static_assert(SettingsStore<FileStore> && QuestionStore<FileStore> && RemovingStore<FileStore> &&
              ExpiringStore<FileStore>);

}  // namespace livecount::inline v0_1
