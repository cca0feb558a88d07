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
// Threads: as StorePolicy; questions (settings, scan, top, namespaces) from any thread, each on a connection
// of its own. Requires SQLite 3.37 or newer (STRICT tables).
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../concepts.hpp"
#include "../detail/quote.hpp"
#include "../detail/sqlite_handle.hpp"
#include "../detail/sqlite_schema.hpp"

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
  };
  using guarantee = exactly_once;

  /// Opens the database, and makes it unless read_only. Throws: Error with not_livecount, version_too_new,
  /// store_unavailable, invalid_option; then the file is as it was.
  explicit SqliteStore(Options options) : options_(std::move(options)) {
    if (options_.path.empty() || options_.path.find(":memory:") != std::string::npos ||
        options_.path.find('\0') != std::string::npos) {
      throw Error(Errc::invalid_option,
                  "SqliteStore needs the path of a file, not " + detail::quote(options_.path) +
                      "; for counts in memory there is MemoryStore",
                  "SqliteStore");
    }
    // Later connections must open the same file, wherever the process has gone meanwhile.
    options_.path = std::filesystem::absolute(options_.path).string();
    if (!options_.read_only) {
      writer_.emplace(options_, true);
    } else {
      auto connection = connect(options_);
      detail::require_sqlite_schema(connection, options_.path);
    }
    reader_.emplace(options_);
  }

  // ---- StorePolicy

  [[nodiscard]] std::optional<Count> read(const KeyView& key) {
    const std::lock_guard lock(reader_mutex_);
    if (!reader_) reader_.emplace(options_);
    detail::SqliteStatement& select = reader_->select;
    bind_key(select, key);
    std::optional<Count> count;
    if (select.step()) count = select.integer(0);
    select.reset();
    return count;
  }

  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    const std::lock_guard lock(writer_mutex_);
    if (options_.read_only) {
      return {Outcome::not_applied, Errc::store_failed, options_.path + " was opened to be read only"};
    }
    bool committing = false;
    try {
      if (!writer_) reopen();
      ApplyResult result = Outcome::applied;
      {
        detail::SqliteTransaction transaction(writer_->connection);
        version_.store(version(writer_->version), std::memory_order_relaxed);  // readers find the writer busy
        if (auto answer = check_ledger(batch)) return *std::move(answer);
        for (std::size_t i = 0; i < batch.records.size(); ++i) {
          if (apply(batch.records[i])) continue;
          put_aside(batch, batch.records[i]);
          result.quarantined.push_back(i);
        }
        write_ledger(batch);
        committing = true;
        transaction.commit();
      }
      if (!writer_->connection.has_moved()) return result;
      writer_.reset();
      const std::lock_guard reading(reader_mutex_);
      reader_.reset();
      return {Outcome::unknown, Errc::store_failed,
              options_.path + ": the file was deleted, renamed or replaced while it was in use"};
    } catch (const Error& error) {
      // After an error of its own a connection may go on with what never reached the disk: begin anew.
      if (committing || error.code() != Errc::store_unavailable) writer_.reset();
      return {committing ? Outcome::unknown : Outcome::not_applied, error.code(), error.what()};
    }
  }

  // ---- SettingsStore, SharedStore

  /// What the data was made with; nothing in a new file.
  [[nodiscard]] std::optional<Settings> settings() const {
    auto connection = connect(options_);
    return settings(connection);
  }

  void adopt(const Settings& wanted) {
    if (options_.read_only) {
      if (const auto kept = settings()) require_same(*kept, wanted);
      return;
    }
    const std::lock_guard lock(writer_mutex_);
    if (!writer_) reopen();
    detail::SqliteTransaction transaction(writer_->connection);
    if (const auto kept = settings(writer_->connection)) return require_same(*kept, wanted);
    detail::SqliteStatement insert(writer_->connection,
                                   "INSERT INTO livecount_settings (name, value) VALUES (?, ?)");
    insert.bind_text(1, "calendar").bind_text(2, wanted.calendar).run();
    insert.bind_text(1, "week_start").bind_text(2, week_start_text(wanted.week_start)).run();
    insert.bind_text(1, "floor").bind_text(2, floor_text(wanted.floor)).run();
    transaction.commit();
  }

  /// Moves when another connection than this store's own has committed. While a batch is being applied it may
  /// be late.
  [[nodiscard]] std::uint64_t version() {
    if (options_.read_only) {
      const std::lock_guard lock(reader_mutex_);
      if (!reader_) reader_.emplace(options_);
      return version(reader_->version);
    }
    const std::unique_lock lock(writer_mutex_, std::try_to_lock);
    if (lock && writer_) version_.store(version(writer_->version), std::memory_order_relaxed);
    return version_.load(std::memory_order_relaxed);
  }

  // ---- questions

  /// Calls f(const KeyView&, Count) for each counter of the namespace and period type, of one bucket or of
  /// all, ordered by period and name. Costs the rows it tells. Throws: Error, what f throws.
  template <class F>
  void scan(std::string_view ns, PeriodType type, std::optional<Bucket> bucket, F f) const {
    auto connection = connect(options_);
    detail::SqliteStatement select(
        connection,
        "SELECT period, name, count FROM livecount_counts WHERE namespace = ?1 AND "
        "period_type = ?2" +
            std::string(bucket ? " AND period = ?3" : "") + " ORDER BY period, name");
    select.bind_blob(1, ns).bind(2, static_cast<std::int64_t>(type));
    if (bucket) select.bind(3, bucket->start);
    while (select.step())
      f(KeyView{ns, {type, select.integer(0)}, select.bytes(1)}, Count{select.integer(2)});
  }

  /// The largest counts of one bucket, ties by name. Reads the whole bucket: no index is kept for it, as
  /// every write would pay for that.
  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
    auto connection = connect(options_);
    detail::SqliteStatement select(
        connection,
        "SELECT name, count FROM livecount_counts WHERE namespace = ?1 AND period_type = ?2 "
        "AND period = ?3 ORDER BY count DESC, name LIMIT ?4");
    select.bind_blob(1, ns).bind(2, static_cast<std::int64_t>(bucket.type)).bind(3, bucket.start);
    select.bind(4, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
    std::vector<NamedCount> rows;
    while (select.step()) rows.push_back({std::string(select.bytes(0)), select.integer(1)});
    return rows;
  }

  /// All namespaces that have a counter, in order. Costs one look-up each.
  [[nodiscard]] std::vector<std::string> namespaces() const {
    auto connection = connect(options_);
    detail::SqliteStatement select(
        connection,
        "WITH RECURSIVE found(ns) AS (SELECT min(namespace) FROM livecount_counts UNION ALL "
        "SELECT (SELECT min(namespace) FROM livecount_counts WHERE namespace > ns) FROM found WHERE ns IS "
        "NOT NULL) "
        "SELECT ns FROM found WHERE ns IS NOT NULL");
    std::vector<std::string> names;
    while (select.step()) names.emplace_back(select.bytes(0));
    return names;
  }

 private:
  struct Writer {
    Writer(const Options& options, bool create)
        : connection(open(options, create)),
          version(connection, "PRAGMA data_version"),
          // A count moves to max(count + sum, low), and not at all if it would leave its range: then no row
          // changes.
          insert(connection,
                 "INSERT INTO livecount_counts (namespace, period_type, period, name, count) "
                 "SELECT ?1, ?2, ?3, ?4, max(?5, ?6) WHERE max(?5, ?6) BETWEEN ?7 AND ?8 "
                 "ON CONFLICT DO UPDATE SET count = max(count + ?5, ?6) "
                 "WHERE max(count + ?5, ?6) BETWEEN ?7 AND ?8"),
          update(connection,
                 "UPDATE livecount_counts SET count = max(count + ?5, ?6) WHERE namespace = ?1 AND "
                 "period_type = ?2 "
                 "AND period = ?3 AND name = ?4 AND max(count + ?5, ?6) BETWEEN ?7 AND ?8"),
          reset(connection,
                "INSERT INTO livecount_counts (namespace, period_type, period, name, count) VALUES (?1, ?2, "
                "?3, ?4, ?5) "
                "ON CONFLICT DO UPDATE SET count = ?5"),
          select_ledger(connection,
                        "SELECT sequence, digest FROM livecount_ledger WHERE writer = ? AND shard = ?"),
          insert_ledger(connection,
                        "INSERT INTO livecount_ledger (writer, shard, sequence, digest, touched) VALUES (?, "
                        "?, ?, ?, ?) "
                        "ON CONFLICT DO UPDATE SET sequence = excluded.sequence, digest = excluded.digest, "
                        "touched = excluded.touched") {}

    detail::SqliteConnection connection;
    detail::SqliteStatement version, insert, update, reset, select_ledger, insert_ledger;
  };

  struct Reader {
    explicit Reader(const Options& options)
        : connection(connect(options)),
          version(connection, "PRAGMA data_version"),
          select(connection,
                 "SELECT count FROM livecount_counts WHERE namespace = ?1 AND period_type = ?2 AND period = "
                 "?3 AND "
                 "name = ?4") {}
    detail::SqliteConnection connection;
    detail::SqliteStatement version, select;
  };

  // ---- opening

  [[nodiscard]] static detail::SqliteConnection connect(const Options& options) {
    return {options.path, SQLITE_OPEN_READONLY, options.busy_timeout};
  }

  /// A connection's version says nothing about another's, so the number of connections so far goes before it.
  [[nodiscard]] std::uint64_t version(detail::SqliteStatement& query) const {
    query.step();
    const auto version = static_cast<std::uint64_t>(query.integer(0));
    query.reset();
    return reopened_ << 32 | version;
  }

  /// Never makes the file anew: that one would lack what is counted and settled in the one that was opened.
  void reopen() {
    writer_.emplace(options_, false);
    ++reopened_;
  }

  [[nodiscard]] static detail::SqliteConnection open(const Options& options, bool create) {
    detail::SqliteConnection connection(
        options.path, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), options.busy_timeout);
    if (create) {
      detail::make_sqlite_schema(connection, options.path);
    } else {
      detail::require_sqlite_schema(connection, options.path);
    }
    // Long checkpoints: a page that many batches change is then copied once (fewer than 64 MiB of log).
    connection.execute("PRAGMA wal_autocheckpoint = 16384");
    connection.execute("PRAGMA cache_size = -65536");
    connection.execute("PRAGMA synchronous = " + std::string(options.synchronous == Synchronous::full ? "FULL"
                                                             : options.synchronous == Synchronous::normal
                                                                 ? "NORMAL"
                                                                 : "OFF"));
    return connection;
  }

  // ---- applying

  static detail::SqliteStatement& bind_key(detail::SqliteStatement& statement, const KeyView& key) {
    return statement.bind_blob(1, key.ns)
        .bind(2, static_cast<std::int64_t>(key.bucket.type))
        .bind(3, key.bucket.start)
        .bind_blob(4, key.name);
  }

  [[nodiscard]] static std::string_view bytes_of(const WriterId& writer) noexcept {
    return {reinterpret_cast<const char*>(writer.data()), writer.size()};
  }

  /// The answer, if the batch need not or must not be applied.
  [[nodiscard]] std::optional<ApplyResult> check_ledger(const Batch& batch) {
    detail::SqliteStatement& select = writer_->select_ledger;
    select.bind_blob(1, bytes_of(batch.writer)).bind(2, batch.shard);
    const bool known = select.step();
    const auto last = known ? static_cast<std::uint64_t>(select.integer(0)) : 0;
    const auto last_digest = known ? static_cast<std::uint64_t>(select.integer(1)) : 0;
    select.reset();
    if (batch.sequence == last + 1) return std::nullopt;
    const std::string number = "batch " + std::to_string(batch.sequence);
    if (!known) {
      return ApplyResult{Outcome::not_applied, Errc::store_rolled_back,
                         options_.path + " knows nothing of this writer, who sends " + number};
    }
    if (batch.sequence > last) {
      return ApplyResult{Outcome::not_applied, Errc::store_rolled_back,
                         options_.path + ": " + number + " does not follow batch " + std::to_string(last)};
    }
    if (batch.sequence == last && digest(batch) != last_digest) {
      return ApplyResult{Outcome::not_applied, Errc::writer_duplicated,
                         options_.path + ": " + number + " was applied before with other records"};
    }
    ApplyResult result = Outcome::applied;
    if (batch.sequence == last) result.quarantined = put_aside_before(batch);
    return result;
  }

  void write_ledger(const Batch& batch) {
    writer_->insert_ledger.bind_blob(1, bytes_of(batch.writer))
        .bind(2, batch.shard)
        .bind(3, static_cast<std::int64_t>(batch.sequence))
        .bind(4, static_cast<std::int64_t>(digest(batch)))
        .bind(5, static_cast<std::int64_t>(std::time(nullptr)))
        .run();
  }

  /// False if the count would leave its range.
  [[nodiscard]] bool apply(const Record& record) {
    const Transform change = record.change;
    if (change.sum == no_floor) {
      if (!in_range(change.low)) return false;
      bind_key(writer_->reset, record.key).bind(5, change.low).run();
      return true;
    }
    // The sum of one record lies within the range of a count, twice over: the addition cannot leave 64 bits.
    const auto bind = [&](detail::SqliteStatement& statement) -> detail::SqliteStatement& {
      return bind_key(statement, record.key)
          .bind(5, change.sum)
          .bind(6, change.low)
          .bind(7, min_count)
          .bind(8, max_count);
    };
    bind(writer_->insert).run();
    if (writer_->connection.changes() != 0) return true;
    // Out of range as a new count, but there may be an old one to set it against.
    bind(writer_->update).run();
    return writer_->connection.changes() != 0;
  }

  void put_aside(const Batch& batch, const Record& record) {
    detail::SqliteStatement insert(
        writer_->connection,
        "INSERT INTO livecount_quarantine (namespace, period_type, period, name, sum, low, "
        "writer, sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    bind_key(insert, record.key).bind(5, record.change.sum).bind(6, record.change.low);
    insert.bind_blob(7, bytes_of(batch.writer)).bind(8, static_cast<std::int64_t>(batch.sequence)).run();
  }

  /// Which records of a batch that has been applied were put aside then.
  [[nodiscard]] std::vector<std::size_t> put_aside_before(const Batch& batch) {
    detail::SqliteStatement select(
        writer_->connection,
        "SELECT 1 FROM livecount_quarantine WHERE namespace = ?1 AND period_type = ?2 AND period = ?3 AND "
        "name = ?4 AND writer = ?5 AND sequence = ?6");
    select.bind_blob(5, bytes_of(batch.writer)).bind(6, static_cast<std::int64_t>(batch.sequence));
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      if (bind_key(select, batch.records[i].key).step()) indices.push_back(i);
      select.reset();
    }
    return indices;
  }

  // ---- settings

  [[nodiscard]] static std::string_view week_start_text(WeekStart start) noexcept {
    return start == WeekStart::monday ? "monday" : "sunday";
  }
  [[nodiscard]] static std::string_view floor_text(Floor floor) noexcept {
    return floor == Floor::zero ? "zero" : "none";
  }
  [[nodiscard]] static std::string describe(const Settings& settings) {
    return "calendar " + detail::quote(settings.calendar) + ", weeks from " +
           std::string(week_start_text(settings.week_start)) + ", floor " +
           std::string(floor_text(settings.floor));
  }

  void require_same(const Settings& kept, const Settings& wanted) const {
    if (kept == wanted) return;
    throw Error(Errc::settings_mismatch,
                options_.path + " was made with " + describe(kept) + " and cannot be opened with " +
                    describe(wanted) + ": counts would fall into other buckets or follow another floor",
                options_.path);
  }

  [[nodiscard]] static std::optional<Settings> settings(detail::SqliteConnection& connection) {
    detail::SqliteStatement select(connection, "SELECT name, value FROM livecount_settings");
    std::optional<Settings> settings;
    while (select.step()) {
      if (!settings) settings.emplace();
      const std::string_view name = select.bytes(0);
      const std::string_view value = select.bytes(1);
      if (name == "calendar") settings->calendar = value;
      if (name == "week_start")
        settings->week_start = value == "monday" ? WeekStart::monday : WeekStart::sunday;
      if (name == "floor") settings->floor = value == "zero" ? Floor::zero : Floor::none;
    }
    return settings;
  }

  Options options_;  // set once
  std::mutex writer_mutex_;
  std::optional<Writer> writer_;           // under writer_mutex_; none when it has to be opened anew
  std::uint64_t reopened_ = 0;             // under writer_mutex_
  std::atomic<std::uint64_t> version_{0};  // as it was told last
  std::mutex reader_mutex_;
  std::optional<Reader> reader_;  // under reader_mutex_
};

static_assert(SettingsStore<SqliteStore> && SharedStore<SqliteStore>);

}  // namespace livecount::inline v0_1
