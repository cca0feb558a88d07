// SPDX-License-Identifier: BSL-1.0
// The connection by which a SqliteStore writes: a batch's records, its row in the ledger, what is put aside.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../detail/sqlite_handle.hpp"
#include "../detail/sqlite_schema.hpp"
#include "../record.hpp"
#include "sqlite_log.hpp"
#include "sqlite_reader.hpp"
#include "sqlite_settings.hpp"

namespace livecount::inline v0_1::detail {

class SqliteWriter {
 public:
  /// `synchronous` as PRAGMA synchronous has it. `log_rows` as SqliteStore::Options has it. Makes the tables if `create`
  /// and the database is empty.
  SqliteWriter(const std::string& path, std::chrono::milliseconds busy_timeout,
               const std::string& synchronous, std::size_t log_rows, bool create)
      : path_(path),
        log_rows_(log_rows),
        connection_(open(path, busy_timeout, synchronous, create)),
        version_(connection_, "PRAGMA data_version"),
        log_finder_(connection_),
        // A count moves to max(count + sum, low), and not at all if it would leave its range: then no row
        // changes.
        insert_(connection_,
                "INSERT INTO livecount_counts (namespace, period_type, period, name, count) "
                "SELECT ?1, ?2, ?3, ?4, max(?5, ?6) WHERE max(?5, ?6) BETWEEN ?7 AND ?8 "
                "ON CONFLICT DO UPDATE SET count = max(count + ?5, ?6) "
                "WHERE max(count + ?5, ?6) BETWEEN ?7 AND ?8"),
        update_(connection_,
                "UPDATE livecount_counts SET count = max(count + ?5, ?6) WHERE namespace = ?1 AND "
                "period_type = ?2 AND period = ?3 AND name = ?4 AND max(count + ?5, ?6) BETWEEN ?7 AND ?8"),
        reset_(connection_,
               "INSERT INTO livecount_counts (namespace, period_type, period, name, count) "
               "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET count = ?5"),
        remove_(connection_,
                "DELETE FROM livecount_counts WHERE namespace = ?1 AND period_type = ?2 AND period = ?3 AND "
                "name = ?4"),
        select_ledger_(connection_,
                       "SELECT sequence, digest FROM livecount_ledger WHERE writer = ? AND shard = ?"),
        insert_ledger_(connection_,
                       "INSERT INTO livecount_ledger (writer, shard, sequence, digest, touched) "
                       "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence, "
                       "digest = excluded.digest, touched = excluded.touched") {}

  SqliteWriter(const SqliteWriter&) = delete;  // the statements refer to the connection
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  [[nodiscard]] SqliteConnection& connection() noexcept { return connection_; }

  /// Moves when another connection has committed; says nothing about another SqliteWriter's.
  [[nodiscard]] std::uint32_t version() { return data_version(version_); }

  /// Brings the whole write-ahead log into the database, synced, and cuts it. Throws: Error, also while others read.
  void checkpoint() {
    SqliteStatement checkpoint(connection_, "PRAGMA wal_checkpoint(TRUNCATE)");
    if (checkpoint.step() && checkpoint.integer(0) == 0) return;
    throw Error(
        Errc::store_unavailable,
        path_ +
            ": the write-ahead log cannot be written back after a commit that failed, as long as others read",
        path_);
  }

  /// The answer, if the batch need not or must not be applied. In a transaction, as all that follows.
  [[nodiscard]] std::optional<ApplyResult> check_ledger(const Batch& batch) {
    SqliteStatement& select = select_ledger_;
    select.bind_blob(1, bytes_of(batch.writer)).bind(2, batch.shard);
    const bool known = select.step();
    const auto last = known ? static_cast<std::uint64_t>(select.integer(0)) : 0;
    const auto last_digest = known ? static_cast<std::uint64_t>(select.integer(1)) : 0;
    select.reset();
    if (batch.sequence == last + 1) return std::nullopt;
    const std::string number = "batch " + std::to_string(batch.sequence);
    if (!known) {
      return ApplyResult{Outcome::not_applied, Errc::store_rolled_back,
                         path_ + " knows nothing of this writer, who sends " + number};
    }
    if (batch.sequence > last) {
      return ApplyResult{Outcome::not_applied, Errc::store_rolled_back,
                         path_ + ": " + number + " does not follow batch " + std::to_string(last)};
    }
    if (batch.sequence == last && digest(batch) != last_digest) {
      return ApplyResult{Outcome::not_applied, Errc::writer_duplicated,
                         path_ + ": " + number + " was applied before with other records"};
    }
    ApplyResult result = Outcome::applied;
    if (batch.sequence == last) {
      result.quarantined = put_aside_before(batch);
      result.late = late_records(batch, read_horizons(connection_));
    }
    return result;
  }

  /// The answer names the records that were left out, and those that were put aside, as their counts would have left
  /// the range.
  [[nodiscard]] ApplyResult write(const Batch& batch) {
    ApplyResult result = Outcome::applied;
    const Horizons horizons = read_horizons(connection_);
    const bool logged = goes_to_log(batch.records);
    for (const std::size_t i : in_order_of_keys(batch.records)) {
      if (!horizons.keeps(batch.records[i].key.bucket)) {
        result.late.push_back(i);
      } else if (logged) {
        log_->append(batch.records[i]);
      } else if (!write(batch.records[i])) {
        put_aside(batch, batch.records[i]);
        result.quarantined.push_back(i);
      }
    }
    std::sort(result.late.begin(), result.late.end());
    std::sort(result.quarantined.begin(), result.quarantined.end());
    write_ledger(batch);
    return result;
  }

  /// Whether the log has reached the length at which it is to be folded. Out of a transaction, too.
  [[nodiscard]] bool has_long_log() const noexcept {
    return log_ && log_rows_ != 0 && log_->rows() >= log_rows_;
  }
  /// Empties the log, if there is one, into the table of counts.
  void fold_log() {
    if (find_log()) log_->fold();
  }

  /// Moves the horizon, and removes at most so many counters before it. True if there may be more.
  [[nodiscard]] bool expire(Bucket first, std::size_t most) {
    fold_log();
    raise_horizon(connection_, first);
    SqliteStatement remove(connection_,
                           "WITH RECURSIVE" + std::string(sqlite_namespaces) +
                               "DELETE FROM livecount_counts WHERE (namespace, period_type, period, name) IN "
                               "(SELECT c.namespace, c.period_type, c.period, c.name FROM found CROSS JOIN "
                               "livecount_counts AS c "
                               "WHERE c.namespace = ns AND c.period_type = ?1 AND c.period < ?2 LIMIT ?3)");
    remove.bind(1, static_cast<std::int64_t>(first.type));
    remove.bind(2, read_horizons(connection_)[first.type]).bind(3, static_cast<std::int64_t>(most)).run();
    return static_cast<std::size_t>(connection_.changes()) == most;
  }

 private:
  [[nodiscard]] static SqliteConnection open(const std::string& path, std::chrono::milliseconds busy_timeout,
                                             const std::string& synchronous, bool create) {
    SqliteConnection connection(path, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0),
                                busy_timeout);
    if (create) {
      make_sqlite_schema(connection, path);
    } else {
      require_sqlite_schema(connection, path);
    }
    // Long checkpoints: a page that many batches change is then copied once.
    const std::int64_t longest = (std::int64_t{64} << 20) / query_number(connection, "PRAGMA page_size");
    connection.execute("PRAGMA wal_autocheckpoint = " + std::to_string(longest));
    connection.execute("PRAGMA cache_size = -65536");
    connection.execute("PRAGMA synchronous = " + synchronous);
    return connection;
  }

  [[nodiscard]] static std::string_view bytes_of(const WriterId& writer) noexcept {
    return {reinterpret_cast<const char*>(writer.data()), writer.size()};
  }

  /// Another process may have made it since the last time.
  [[nodiscard]] bool find_log() {
    if (!log_finder_.exists()) {
      log_.reset();  // of a transaction that was rolled back
    } else if (!log_) {
      log_.emplace(connection_);
    }
    return log_.has_value();
  }
  /// Whether the records are to be appended to the log. If not, it is empty.
  [[nodiscard]] bool goes_to_log(std::span<const Record> records) {
    if (!find_log()) {
      if (log_rows_ == 0) return false;
      make_sqlite_log(connection_);
      log_.emplace(connection_);
    }
    const bool admitted = log_->admit(records);
    if (admitted && log_rows_ != 0) return true;
    log_->fold();
    return false;
  }

  /// Rows that are neighbours in the table are then written one after the other. Those of one counter stay in their order.
  [[nodiscard]] static std::vector<std::size_t> in_order_of_keys(std::span<const Record> records) {
    std::vector<std::size_t> order(records.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return records[a].key < records[b].key; });
    return order;
  }

  void write_ledger(const Batch& batch) {
    insert_ledger_.bind_blob(1, bytes_of(batch.writer))
        .bind(2, batch.shard)
        .bind(3, static_cast<std::int64_t>(batch.sequence))
        .bind(4, static_cast<std::int64_t>(digest(batch)))
        .bind(5, static_cast<std::int64_t>(std::time(nullptr)))
        .run();
  }

  /// False if the count would leave its range.
  [[nodiscard]] bool write(const Record& record) {
    const Transform change = record.change;
    if (change.is_removal()) {
      bind_key(remove_, record.key).run();
      return true;
    }
    if (change.sum == no_floor) {
      if (!in_range(change.low)) return false;
      bind_key(reset_, record.key).bind(5, change.low).run();
      return true;
    }
    // The sum of one record lies within the range of a count, twice over: the addition cannot leave 64 bits.
    const auto bind = [&](SqliteStatement& statement) -> SqliteStatement& {
      return bind_key(statement, record.key)
          .bind(5, change.sum)
          .bind(6, change.low)
          .bind(7, min_count)
          .bind(8, max_count);
    };
    bind(insert_).run();
    if (connection_.changes() != 0) return true;
    // Out of range as a new count, but there may be an old one to set it against.
    bind(update_).run();
    return connection_.changes() != 0;
  }

  void put_aside(const Batch& batch, const Record& record) {
    SqliteStatement insert(
        connection_,
        "INSERT INTO livecount_quarantine (namespace, period_type, period, name, sum, low, "
        "writer, sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    bind_key(insert, record.key).bind(5, record.change.sum).bind(6, record.change.low);
    insert.bind_blob(7, bytes_of(batch.writer)).bind(8, static_cast<std::int64_t>(batch.sequence)).run();
  }

  /// Which records of a batch that has been applied were put aside then.
  [[nodiscard]] std::vector<std::size_t> put_aside_before(const Batch& batch) {
    SqliteStatement select(
        connection_,
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

  std::string path_;
  std::size_t log_rows_;
  SqliteConnection connection_;
  SqliteStatement version_;
  SqliteLogFinder log_finder_;
  std::optional<SqliteLog> log_;  // as the last transaction found it
  SqliteStatement insert_, update_, reset_, remove_, select_ledger_, insert_ledger_;
};

}  // namespace livecount::inline v0_1::detail
