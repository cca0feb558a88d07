// SPDX-License-Identifier: BSL-1.0
//
// SqliteStore: counts in an SQLite database that a person can query.
//
// One transaction a batch: the records and the writer's row in the ledger, so a batch is applied exactly
// once. Several processes may count into one file. The table livecount_counts has names as bytes; the view
// `counts` shows text:
//
//     $ sqlite3 hits.db "select period, name, count from counts
//                        where namespace = 'path' and period_type = 'day' order by count desc limit 10"
//
// With Synchronous::full (the default) an applied batch survives a power cut. With normal, and with off, a
// killed process costs nothing that was applied, but a power cut may take the newest batches, with their rows
// in the ledger; with off it may also damage the database.
//
//     livecount::FastCounter<livecount::SqliteStore> hits{{.store = {.path = "hits.db"}}};
//
// Where many counters change at random, a batch rewrites nearly as many pages as it has rows. With `log_rows`, batches that
// only add are appended to a log in the file instead. At so many rows it is folded into the table, in the table's order, so
// that a page is written once for all its rows. A fifth of all counters is a good length. Counts are right in every process,
// with `log_rows` or without, and in the view `counts`; livecount_counts alone lacks the log. What it costs, about:
//     a read        2 µs for each row that has come since this connection's last one
//     a question    1 to 3 µs for each row of the log
//     memory        130 bytes and the name for each counter in the log, in each connection that reads: two or more
//     folding       6 to 9 µs a row. The batch that fills the log returns after it, and others' batches wait for it: with more
//                   than 500,000 rows for longer than their busy_timeout. The write-ahead log may grow to the size of the table
//     folds first   a batch with a floored decrement, get_and_reset, a reset or a removal; one of a process without
//                   `log_rows`; letting buckets go
// The first batch makes the log, for which it reads the whole table once; it stays. Folding that fails (a full disk) is tried
// again after the next batch; until then the log grows. A version of livecount that knows no log refuses the file when it opens
// it; stop processes of such a version before.
//
// After a commit that failed, the file is opened anew, and nothing is acknowledged before the write-ahead log has been
// written back.
// Each start of a Counter leaves a row in the ledger; those of dead writers are removed after `ledger_grace`, by a process
// that has lived for so long itself. A batch that comes later than that is refused (store_rolled_back), never applied.
// In a forked child of a process that had a database open, there is no SqliteStore (Errc::forked_child).
//
// Threads: as StorePolicy; settings, questions and backup from any thread, each on a connection of its own. Progress: all wait
// for the disk; what writes also for other writers, busy_timeout at the longest. Requires SQLite 3.37 or newer (STRICT
// tables).
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../concepts.hpp"
#include "../detail/quote.hpp"
#include "../detail/sqlite_handle.hpp"
#include "settings.hpp"
#include "sqlite_backup.hpp"
#include "sqlite_check.hpp"
#include "sqlite_ledger.hpp"
#include "sqlite_reader.hpp"
#include "sqlite_settings.hpp"
#include "sqlite_snapshot.hpp"
#include "sqlite_writer.hpp"

namespace livecount::inline v0_1 {

/// What SQLite syncs, and so what a power cut may cost: PRAGMA synchronous.
enum class Synchronous : std::uint8_t { full, normal, off };

class SqliteStore {
 public:
  struct Options {
    std::string path = "livecount.db";
    Synchronous synchronous = Synchronous::full;
    std::chrono::milliseconds busy_timeout{5000};  // how long one attempt waits for other processes
    bool read_only = false;                        // for questions only; the file must exist
    std::size_t log_rows = 0;  // the log is folded when it has so many rows; 0: nothing is appended
    // A row of the ledger that has not changed for so long, at least 48 h, is of a dead writer and goes.
    std::chrono::hours ledger_grace{7 * 24};
  };
  using guarantee = exactly_once;
  static constexpr bool removes = true;

  /// Opens the database, and makes it unless read_only. Throws: Error with not_livecount, version_too_new,
  /// store_unavailable, invalid_option; then the file is as it was.
  explicit SqliteStore(Options options) : options_(std::move(options)), cleaner_(options_.ledger_grace) {
    if (options_.ledger_grace < std::chrono::hours(48)) {
      throw Error(Errc::invalid_option,
                  "SqliteStore: a ledger_grace of " + std::to_string(options_.ledger_grace.count()) +
                      " h: at least 48 h, as a writer may keep its identity for a day without a batch",
                  "SqliteStore");
    }
    if (options_.path.empty() || options_.path.find(":memory:") != std::string::npos ||
        options_.path.find('\0') != std::string::npos) {
      throw Error(Errc::invalid_option,
                  "SqliteStore needs the path of a file, not " + detail::quote(options_.path) +
                      "; for counts in memory there is MemoryStore",
                  "SqliteStore");
    }
    // Later connections must open the same file, wherever the process has gone meanwhile.
    options_.path = std::filesystem::absolute(options_.path).string();
    if (!options_.read_only) open_writer(true);
    open_reader();
    spare_reader_ = std::make_shared<detail::SqliteSpareReader>(options_.path, options_.busy_timeout);
  }

  // ---- StorePolicy

  /// Throws: as settings.
  [[nodiscard]] std::optional<Count> read(const KeyView& key) {
    const std::lock_guard lock(reader_mutex_);
    if (!reader_) open_reader();
    try {
      if (together_ != 0) begin_reads();
      return reader_->read(key);
    } catch (...) {
      reader_.reset();
      throw;
    }
  }

  /// While it lives, reads share a transaction: each costs two system calls less. Threads: any.
  class ReadsTogether {
   public:
    explicit ReadsTogether(SqliteStore& store) : store_(&store) {
      const std::lock_guard lock(store_->reader_mutex_);
      ++store_->together_;
    }
    ~ReadsTogether() {
      const std::lock_guard lock(store_->reader_mutex_);
      if (--store_->together_ == 0) store_->end_reads();
    }
    ReadsTogether(const ReadsTogether&) = delete;
    ReadsTogether& operator=(const ReadsTogether&) = delete;

   private:
    SqliteStore* store_;
  };
  [[nodiscard]] ReadsTogether reads_together() { return ReadsTogether(*this); }

  /// Throws: std::bad_alloc; what SQLite says is in the answer.
  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    const std::lock_guard lock(writer_mutex_);
    if (options_.read_only) {
      return {Outcome::not_applied, Errc::store_failed, options_.path + " was opened to be read only"};
    }
    try {
      ApplyResult result = Outcome::applied;
      const bool committed = transact([&] {
        version_.store(version(*writer_), std::memory_order_relaxed);  // readers find the writer busy
        auto answer = writer_->check_ledger(batch);
        result = answer ? *std::move(answer) : writer_->write(batch);
        return !answer;
      });
      if (!committed) return result;
      if (has_lost_file()) return {Outcome::unknown, Errc::store_failed, lost_file_message()};
      if (writer_->has_long_log()) fold_log();
      if (writer_) clean_ledger();
      return result;
    } catch (const Error& error) {
      return {in_doubt_ ? Outcome::unknown : Outcome::not_applied, error.code(), error.what()};
    }
  }

  // ---- ExpiringStore

  /// Throws: as settings.
  [[nodiscard]] Horizons horizons() const {
    auto reader = spare_reader_->take();
    const Horizons horizons = detail::read_horizons(reader->connection());
    spare_reader_->give_back(std::move(reader));
    return horizons;
  }
  /// Looks at each namespace. The file does not shrink: its free pages are used again. Throws: as settings, invalid_option.
  [[nodiscard]] bool expire(Bucket first, std::size_t most) {
    require_ends(first);
    const std::lock_guard lock(writer_mutex_);
    if (options_.read_only) {
      throw Error(Errc::store_failed, options_.path + " was opened to be read only", options_.path);
    }
    bool more = false;
    (void)transact([&] {
      more = writer_->expire(first, most);
      return true;
    });
    if (has_lost_file()) throw Error(Errc::store_failed, lost_file_message(), options_.path);
    return more;
  }

  // ---- SettingsStore, SharedStore

  /// What the data was made with; nothing in a new file.
  /// Throws: Error with store_unavailable, store_failed, corrupt, not_livecount, version_too_new.
  [[nodiscard]] std::optional<Settings> settings() const {
    detail::SqliteReader reader(options_.path, options_.busy_timeout);
    return detail::read_settings(reader.connection());
  }

  /// Keeps the settings in a new file. Throws: as settings, and settings_mismatch if it was made with others.
  void adopt(const Settings& wanted) {
    if (options_.read_only) {
      if (const auto kept = settings()) detail::require_same(options_.path, *kept, wanted);
      return;
    }
    const std::lock_guard lock(writer_mutex_);
    if (!writer_) reopen();
    detail::SqliteTransaction transaction(writer_->connection());
    if (const auto kept = detail::read_settings(writer_->connection())) {
      return detail::require_same(options_.path, *kept, wanted);
    }
    detail::write_settings(writer_->connection(), wanted);
    transaction.commit();
  }

  /// Moves when another connection than this store's own has committed. While a batch is being applied, or the log
  /// folded, it may be late. Throws: as settings.
  [[nodiscard]] std::uint64_t version() {
    if (options_.read_only) {
      const std::lock_guard lock(reader_mutex_);
      if (!reader_) open_reader();
      return version(*reader_);
    }
    const std::unique_lock lock(writer_mutex_, std::try_to_lock);
    if (lock && writer_) version_.store(version(*writer_), std::memory_order_relaxed);
    return version_.load(std::memory_order_relaxed);
  }

  // ---- questions

  /// One moment of the data, on a connection of its own, one of which is kept for the next time: commits go on beside it. Costs: scan and names the rows of
  /// what is selected (names of several buckets: of all of them); top the rows of the bucket, since no index is kept
  /// for it that every write would pay for; namespaces one look-up each. Throws: as settings.
  [[nodiscard]] detail::SqliteSnapshot snapshot() const { return detail::SqliteSnapshot(spare_reader_); }

  /// Questions to a moment of their own. Throws: as settings, and what f throws.
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

  /// What is wrong with the database, in sentences; empty if nothing is: its pages, tables, ledger and settings,
  /// and rows that could not have been written here. Reads all of it, beside whoever writes. SQLite keeps no
  /// checksums: a count that was changed to another possible count is not found.
  /// Throws: Error, if it cannot even be read.
  [[nodiscard]] std::vector<std::string> verify() const {
    detail::SqliteReader reader(options_.path, options_.busy_timeout);
    return detail::check_database(reader.connection());
  }

  /// Copies the database as it is at one moment to a new file, by SQLite's backup interface, beside whoever writes: a
  /// SqliteStore of its own, on the disk when this returns. As for any copy: whoever goes on counting into it must have
  /// been started anew. Throws: as settings, and invalid_option if the file exists; then no file is left.
  void backup(const std::string& path) const {
    detail::SqliteReader reader(options_.path, options_.busy_timeout);
    detail::back_up_database(reader.connection(), path, options_.busy_timeout);
  }

 private:
  void open_writer(bool create) {
    const char* const synchronous = options_.synchronous == Synchronous::full     ? "FULL"
                                    : options_.synchronous == Synchronous::normal ? "NORMAL"
                                                                                  : "OFF";
    writer_.emplace(options_.path, options_.busy_timeout, synchronous, options_.log_rows, create);
  }
  /// One transaction of what f does to the writer; commits if it returns true, and says so. Throws: Error; then
  /// `in_doubt_` tells whether it may have been committed.
  template <class F>
  bool transact(F f) {
    bool committing = false;
    try {
      if (!writer_) reopen();
      if (in_doubt_) {  // what the write-ahead log seems to hold may never have reached the disk
        writer_->checkpoint();
        in_doubt_ = false;
      }
      detail::SqliteTransaction transaction(writer_->connection());
      if (!f()) return false;
      committing = true;
      transaction.commit();
      commits_.fetch_add(1, std::memory_order_release);  // (1) after the commit, before its answer
      return true;
    } catch (const Error& error) {
      // After an error of its own a connection may go on with what never reached the disk: begin anew.
      if (committing || error.code() != Errc::store_unavailable ||
          (writer_ && writer_->connection().reads_only())) {
        writer_.reset();
      }
      in_doubt_ = in_doubt_ || committing;
      if (committing) commits_.fetch_add(1, std::memory_order_release);  // (1)
      throw;
    }
  }

  /// Whether what was committed just now went into a file that is no longer there; then all is opened anew.
  [[nodiscard]] bool has_lost_file() {
    if (!writer_->connection().has_moved()) return false;
    writer_.reset();
    const std::lock_guard reading(reader_mutex_);
    reader_.reset();
    return true;
  }
  [[nodiscard]] std::string lost_file_message() const {
    return options_.path + ": the file was deleted, renamed or replaced while it was in use";
  }

  /// As clean_ledger. If it fails, it is tried again after the next batch.
  void fold_log() noexcept {
    try {
      (void)transact([&] {
        writer_->fold_log();
        return true;
      });
    } catch (const std::exception&) {
    }
  }

  /// For its own sake: the batch before it is committed, whatever becomes of this.
  void clean_ledger() noexcept {
    try {
      cleaner_.run(writer_->connection(), std::chrono::steady_clock::now());
    } catch (const std::exception&) {  // at another time
      writer_.reset();
    }
  }

  /// A transaction that has begun after the last commit of this store. What of it a counter in memory has is then in what
  /// is read, as its loader has taken it before. Requires: the reader's mutex.
  void begin_reads() {
    const std::uint64_t commits = commits_.load(std::memory_order_acquire);  // pairs with (1)
    if (reader_->connection().in_transaction()) {
      if (commits == commits_read_) return;
      reader_->end();
    }
    commits_read_ = commits;
    reader_->begin();
  }
  void end_reads() noexcept {
    if (!reader_ || !reader_->connection().in_transaction()) return;
    try {
      reader_->end();
    } catch (const std::exception&) {
      reader_.reset();
    }
  }

  void open_reader() { reader_.emplace(options_.path, options_.busy_timeout); }

  /// Never makes the file anew: that one would lack what is counted and settled in the one that was opened.
  void reopen() {
    open_writer(false);
    ++reopened_;
  }

  /// A connection's version says nothing about another's, so the number of connections so far goes before it.
  template <class Connection>
  [[nodiscard]] std::uint64_t version(Connection& connection) const {
    return reopened_ << 32 | connection.version();
  }

  Options options_;  // set once
  std::mutex writer_mutex_;
  std::optional<detail::SqliteWriter> writer_;  // under writer_mutex_; none when it has to be opened anew
  std::uint64_t reopened_ = 0;                  // under writer_mutex_
  bool in_doubt_ = false;                       // under writer_mutex_: a commit has failed
  detail::SqliteLedgerCleaner cleaner_;         // under writer_mutex_
  std::atomic<std::uint64_t> version_{0};       // as it was told last
  std::mutex reader_mutex_;
  std::optional<detail::SqliteReader> reader_;  // under reader_mutex_
  std::size_t together_ = 0;                    // under reader_mutex_: of ReadsTogether
  std::uint64_t commits_read_ = 0;              // under reader_mutex_: commits_ when its transaction began
  std::atomic<std::uint64_t> commits_{0};       // done, or in doubt
  std::shared_ptr<detail::SqliteSpareReader> spare_reader_;  // for questions
};

static_assert(SettingsStore<SqliteStore> && SharedStore<SqliteStore> && QuestionStore<SqliteStore> &&
              RemovingStore<SqliteStore> && ExpiringStore<SqliteStore>);

}  // namespace livecount::inline v0_1
