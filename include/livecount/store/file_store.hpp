// SPDX-License-Identifier: BSL-1.0
//
// FileStore: counts in memory, and every batch appended to a journal before it counts.
//
// No database is needed, and writing is as fast as appending to a file. All counts ever made are kept in
// memory: about 50 bytes each, and the name. One process at a time opens the files; others may read them.
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
// When the journal has grown long, a thread writes a snapshot of all counts beside the writes, and cuts the
// journal: store/FORMAT.md describes the files. Beside `path` there are path.snapshot and path.lock.
//
// A sync that fails makes its file worthless: nothing is sure of what was written since the last one. The batch
// is then answered with Outcome::unknown, and before the next one is applied the store writes new files from
// memory. Damage that a crash does not explain is refused; see OnDamage.
//
// Threads: as StorePolicy; questions and compact() from any thread.
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
#include "file_recovery.hpp"
#include "file_writer.hpp"
#include "settings.hpp"

namespace livecount::inline v0_1 {

/// When a FileStore makes sure that what was written is on the disk. (Not named Sync: that is what policies
/// call the threads they run on.)
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
    std::chrono::milliseconds sync_interval{1000};
    /// The journal is cut when it is longer than this, and than the snapshot was.
    std::uint64_t compact_bytes = std::uint64_t{64} << 20;
    bool read_only = false;  // for questions only, also while another process counts; the files must exist
    OnDamage on_damage = OnDamage::refuse;
    /// An earlier process's writer, of whom open stores heard nothing for so long, is forgotten at the next
    /// compaction; a batch that it sends later is refused.
    std::chrono::seconds forget_writers_after = std::chrono::hours(7 * 24);
    FileSystem file_system{};
  };
  using guarantee = exactly_once;

  /// Opens the files, and makes them unless read_only. Throws: Error with locked, unsafe_path, not_livecount,
  /// version_too_new, corrupt, store_unavailable, invalid_option; then the files are as they were.
  explicit BasicFileStore(Options options) : options_(std::move(options)), files_(options_.file_system) {
    if (options_.path.empty() || options_.path.find('\0') != std::string::npos) {
      throw Error(Errc::invalid_option,
                  "FileStore needs the path of a file, not " + detail::quote(options_.path), "FileStore");
    }
    // Later files must be made beside the first ones, wherever the process has gone meanwhile.
    options_.path = std::filesystem::absolute(options_.path).string();
    paths_ = detail::FilePaths{options_.path};
    if (options_.read_only) {
      read_files();
    } else {
      lock_files();
      open_files();
      start_tasks();
    }
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

  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    require_own_process();
    const std::shared_lock lock(table_mutex_);
    const detail::FileNode* node = state_.table.find(key);
    return node != nullptr && node->is_present() ? std::optional(node->count) : std::nullopt;
  }

  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    if (is_forked_child()) return {Outcome::not_applied, Errc::forked_child, forked_child_message()};
    const std::lock_guard lock(writer_mutex_);
    if (auto answer = check(batch)) return *std::move(answer);
    detail::LedgerRow& row = state_.ledger[{batch.writer, batch.shard}];
    if (auto answer = check_ledger(batch, row)) return *std::move(answer);
    try {
      writer_->ensure_trusted();
    } catch (const Error& error) {
      return {Outcome::unknown, error.code(), error.what()};
    }
    stage(batch);
    detail::LedgerRow next{batch.sequence, digest(batch), positions_, 0, true};
    write_frame(batch, next);
    state_.quarantined.reserve(state_.quarantined.size() + positions_.size());
    ApplyResult result = writer_->append(frame_, options_.sync == FileSync::every_batch);
    if (result.outcome != Outcome::applied) return result;

    result.quarantined = positions_;
    row = std::move(next);
    for (const std::size_t position : positions_)
      state_.quarantined.push_back(set_aside(batch.records[position]));
    {
      const std::lock_guard publish(table_mutex_);
      for (const Staged& staged : staged_) staged.node->count = staged.count;
    }
    if (compactor_ && writer_->wants_compaction(options_.compact_bytes)) compactor_->wake();
    return result;
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

  /// Calls f(const KeyView&, Count) for each counter of the namespace and period type, of one bucket or of
  /// all, ordered by period and name, as they all were at one moment. f may call the store.
  template <class F>
  void scan(std::string_view ns, PeriodType type, std::optional<Bucket> bucket, F f) const {
    std::vector<Row> rows = rows_of(ns, type, bucket);
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return a.bucket != b.bucket ? a.bucket < b.bucket : a.name < b.name;
    });
    for (const Row& row : rows) f(KeyView{ns, row.bucket, row.name}, Count{row.count});
  }

  /// The largest counts of one bucket, ties by name.
  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
    std::vector<Row> found = rows_of(ns, bucket.type, bucket);
    const std::size_t size = std::min(limit, found.size());
    std::partial_sort(
        found.begin(), found.begin() + static_cast<std::ptrdiff_t>(size), found.end(),
        [](const Row& a, const Row& b) { return a.count != b.count ? a.count > b.count : a.name < b.name; });
    std::vector<NamedCount> top;
    for (std::size_t i = 0; i < size; ++i) top.push_back({std::string(found[i].name), found[i].count});
    return top;
  }

  /// The namespaces that have counters, in order.
  [[nodiscard]] std::vector<std::string> namespaces() const {
    require_own_process();
    const std::shared_lock lock(table_mutex_);
    std::vector<std::string> names;
    state_.table.for_each_shelf([&](const detail::FileShelf& shelf) {
      if (!names.empty() && names.back() == shelf.ns()) return;
      detail::FileShelf::Position position;
      const detail::FileNode* node = shelf.next(position);
      while (node != nullptr && !node->is_present()) node = shelf.next(position);
      if (node != nullptr) names.push_back(shelf.ns());
    });
    return names;
  }

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
      throw Error(Errc::store_failed, options_.path + " was opened to be read only", options_.path);
    }
    writer_->compact([this] { forget_writers(); });
  }

 private:
  using File = typename FileSystem::File;
  using Recoverer = detail::FileRecovery<FileSystem>;
  using Writer = detail::FileWriter<FileSystem>;
  using Task = detail::BackgroundTask<StdSync>;

  /// The count of a counter after a batch that is being applied.
  struct Staged {
    const detail::FileShelf* shelf;
    detail::FileNode* node;
    Count count;
  };
  struct Row {
    Bucket bucket;
    std::string_view name;  // the node's: it stays
    Count count;
  };

  // ---- opening

  void lock_files() {
    lock_.emplace(files_.open(paths_.lock, detail::FileAccess::make));
    if (!lock_->try_lock()) {
      std::string holder(200, '\0');
      holder.resize(lock_->read(0, holder.data(), holder.size()));
      holder = holder.substr(0, holder.find('\n'));
      throw Error(Errc::locked,
                  options_.path + " is in use by " + (holder.empty() ? "another process" : holder) +
                      "; one process at a time may count into it, others may open it read_only",
                  options_.path);
    }
    const std::string holder = files_.describe_process() + '\n';
    lock_->truncate(0);
    lock_->write(0, holder);
  }

  void open_files() {
    Writer::finish_fresh_files(files_, paths_);
    std::optional<File> journal;
    if (files_.exists(paths_.journal)) {
      journal.emplace(files_.open(paths_.journal, detail::FileAccess::write));
      // A lock file may have been deleted while its holder runs: the journal itself tells, too.
      if (!journal->try_lock()) {
        throw Error(Errc::locked, options_.path + " is in use by another process, whose lock file is gone",
                    options_.path);
      }
    }
    Recoverer found(files_, paths_, detail::FileAccess::write, options_.on_damage == OnDamage::salvage,
                    state_);
    found.run(journal ? &*journal : nullptr);
    recovered_ = std::move(found.report);
    writer_ = std::make_unique<Writer>(files_, paths_, state_, writer_mutex_, table_mutex_);
    if (found.is_new()) {
      writer_->open_fresh({StdSync::random(), 0, StdSync::random()});
    } else if (!recovered_.damage.empty()) {
      keep_copies(journal);
      // Frames of before must not follow those that come now: another seed. Number 0 would need no snapshot.
      writer_->open_fresh({StdSync::random(), 1, StdSync::random()});
    } else {
      if (recovered_.torn_bytes != 0) keep_torn_tail(*journal, found.end());
      writer_->open(std::move(*journal), found.end(), found.chain(), found.snapshot_bytes(),
                    recovered_.closed);
    }
  }

  void keep_torn_tail(const File& journal, std::uint64_t end) {
    recovered_.torn_copy = unused_path(paths_.journal + ".torn-");
    Writer::copy(files_, journal, end, end + recovered_.torn_bytes, recovered_.torn_copy);
  }

  void keep_copies(const std::optional<File>& journal) {
    const auto keep = [&](const File& file, const std::string& path) {
      recovered_.copies.push_back(unused_path(path + ".damaged-"));
      Writer::copy(files_, file, 0, file.size(), recovered_.copies.back());
    };
    if (journal) keep(*journal, paths_.journal);
    if (files_.exists(paths_.snapshot)) {
      keep(files_.open(paths_.snapshot, detail::FileAccess::read), paths_.snapshot);
    }
  }

  [[nodiscard]] std::string unused_path(const std::string& stem) const {
    int number = 1;
    while (files_.exists(stem + std::to_string(number))) ++number;
    return stem + std::to_string(number);
  }

  void read_files() {
    detail::FilePaths paths = paths_;
    if (Writer::is_fresh_journal_needed(files_, paths)) paths.journal = paths.fresh_journal;
    const File journal = files_.open(paths.journal, detail::FileAccess::read);
    Recoverer found(files_, paths, detail::FileAccess::read, options_.on_damage == OnDamage::salvage, state_);
    found.run(&journal);
    recovered_ = std::move(found.report);
  }

  void start_tasks() {
    if (options_.sync == FileSync::interval) {
      syncer_.emplace(options_.sync_interval, [this] { writer_->sync_beside(); });
    }
    if (options_.compact_bytes == never_compact) return;
    compactor_.emplace(std::nullopt, [this] {
      try {
        compact();
      } catch (const std::exception&) {
        // The status tells.
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
      return ApplyResult{Outcome::not_applied, Errc::store_failed,
                         options_.path + " was opened to be read only"};
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
    if (batch.sequence == row.sequence) result.quarantined = row.quarantined;
    return result;
  }

  /// Finds the counters and computes their counts. Counters that are not there are made, absent.
  void stage(const Batch& batch) {
    staged_.clear();
    positions_.clear();
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      const auto& [key, change] = batch.records[i];
      detail::FileShelf* shelf = state_.table.find(key.ns, key.bucket);
      if (shelf == nullptr) {
        const std::lock_guard lock(table_mutex_);
        shelf = &state_.table.insert(key.ns, key.bucket);
      }
      const std::uint64_t hash = state_.table.hash(key.name);
      detail::FileNode* node = shelf->find(key.name, hash);
      if (node == nullptr) {
        const std::lock_guard lock(table_mutex_);
        node = &shelf->insert(key.name, hash);
      }
      const bool again = node->staged < staged_.size() && staged_[node->staged].node == node;
      const Count before = again ? staged_[node->staged].count : node->is_present() ? node->count : 0;
      const Count after = change.apply(before);
      if (!in_range(after)) {
        positions_.push_back(i);
      } else if (again) {
        staged_[node->staged].count = after;
      } else {
        node->staged = static_cast<std::uint32_t>(staged_.size());
        staged_.push_back({shelf, node, after});
      }
    }
  }

  void write_frame(const Batch& batch, const detail::LedgerRow& row) {
    detail::begin_frame(frame_);
    detail::put(frame_, static_cast<std::uint8_t>(detail::FrameKind::batch));
    detail::put_ledger_row(frame_, {batch.writer, batch.shard}, row);
    for (const std::size_t position : positions_) {
      const Record& record = batch.records[position];
      detail::put_quarantined(frame_, record.key, record.change);
    }
    detail::RunWriter runs(frame_);
    const detail::FileShelf* last = nullptr;
    for (const Staged& staged : staged_) {
      runs.add(staged.shelf == last, staged.shelf->ns(), staged.shelf->bucket(), staged.node->name(),
               staged.count);
      last = staged.shelf;
    }
  }

  [[nodiscard]] static detail::Quarantined set_aside(const Record& record) {
    return {{std::string(record.key.ns), record.key.bucket, std::string(record.key.name)}, record.change};
  }

  /// Removes the rows of writers of whom open stores have not heard for long. One that has sent something since
  /// this store was opened is in this process, and may be idle for as long as it likes. Requires: the mutex.
  void forget_writers() {
    const auto now = StdSync::now();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - watched_since_);
    watched_since_ = now;
    for (auto entry = state_.ledger.begin(); entry != state_.ledger.end();) {
      detail::LedgerRow& row = entry->second;
      row.idle = row.heard ? 0 : row.idle + static_cast<std::uint32_t>(seconds.count());
      const bool forgotten = !row.heard && std::chrono::seconds(row.idle) >= options_.forget_writers_after;
      entry = forgotten ? state_.ledger.erase(entry) : std::next(entry);
    }
  }

  // ---- questions

  [[nodiscard]] std::vector<Row> rows_of(std::string_view ns, PeriodType type,
                                         std::optional<Bucket> bucket) const {
    require_own_process();
    std::vector<Row> rows;
    const auto take = [&](const detail::FileShelf& shelf) {
      detail::FileShelf::Position position;
      while (const detail::FileNode* node = shelf.next(position)) {
        if (node->is_present()) rows.push_back({shelf.bucket(), node->name(), node->count});
      }
    };
    const std::shared_lock lock(table_mutex_);
    if (!bucket) {
      state_.table.for_each_shelf(ns, type, take);
    } else if (const detail::FileShelf* shelf = state_.table.find(ns, *bucket)) {
      if (bucket->type == type) take(*shelf);
    }
    return rows;
  }

  // ---- processes

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
  detail::FilePaths paths_;
  Recovery recovered_;
  std::optional<File> lock_;
  mutable std::mutex writer_mutex_;
  mutable std::shared_mutex table_mutex_;               // taken after writer_mutex_
  detail::FileState state_;                             // the table: see there; all else under writer_mutex_
  std::unique_ptr<Writer> writer_;                      // null if read_only
  StdSync::time_point watched_since_ = StdSync::now();  // under writer_mutex_
  // Of the batch that is being applied, under writer_mutex_:
  std::vector<Staged> staged_;
  std::vector<std::size_t> positions_;  // of records to be set aside
  std::string frame_;
  std::optional<Task> syncer_;
  std::optional<Task> compactor_;
};

using FileStore = BasicFileStore<detail::PosixFileSystem>;

static_assert(SettingsStore<FileStore>);

}  // namespace livecount::inline v0_1
