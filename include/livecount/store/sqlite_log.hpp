// SPDX-License-Identifier: BSL-1.0
//
// The log of a SqliteStore: additions that are in the database, but not yet in its table of counts.
//
// A row that changes costs a page of the table: where counters change at random, a batch costs nearly as many pages as it
// has records. At the end of the log it costs a few. A log that has grown long is folded into the table, in the order of
// the table, so that a page is written once for all its rows. (A log-structured merge tree of one level; Patrick O'Neil
// and others, "The log-structured merge-tree", 1996.)
//
// Only additions go there. A change that has to see the count (a floor, a reset, a removal) finds the log folded, in its own
// transaction; so does one that may leave the range of a count: `bound` is how far from 0 a count can be after all
// that was changed since the writer opened the file: it only grows, and when it has reached the end of the range (changes by 2^58,
// in sum), nothing is appended any more. Who reads a count adds what the log has of it, in one transaction with the table.
//
// Threads: as the connection.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "../detail/sqlite_handle.hpp"
#include "../detail/sqlite_schema.hpp"
#include "../record.hpp"

namespace livecount::inline v0_1::detail {

inline SqliteStatement& bind_key(SqliteStatement& statement, const KeyView& key) {
  return statement.bind_blob(1, key.ns)
      .bind(2, static_cast<std::int64_t>(key.bucket.type))
      .bind(3, key.bucket.start)
      .bind_blob(4, key.name);
}

/// Whether a database has a log, as a connection sees it. One that has it never loses it.
class SqliteLogFinder {
 public:
  explicit SqliteLogFinder(SqliteConnection& connection) : version_(connection, "PRAGMA user_version") {}
  [[nodiscard]] bool exists() {
    version_.step();
    const std::int64_t version = version_.integer(0);
    version_.reset();
    return version == sqlite_log_version;
  }

 private:
  SqliteStatement version_;
};

/// For the writer. Requires: a transaction, but for rows().
class SqliteLog {
 public:
  explicit SqliteLog(SqliteConnection& connection)
      : connection_(&connection),
        append_(connection,
                "INSERT INTO livecount_log (namespace, period_type, period, name, sum) "
                "VALUES (?1, ?2, ?3, ?4, ?5)"),
        widen_(connection, "UPDATE livecount_log_state SET bound = min(bound + ?1, ?2) RETURNING bound") {
    // What it is now, if that may matter.
    SqliteStatement look(connection,
                         "UPDATE livecount_log_state SET bound = "
                         "(SELECT coalesce(max(abs(count)), 0) FROM livecount_counts) + "
                         "(SELECT coalesce(sum(abs(sum)), 0) FROM livecount_log) WHERE bound > ?");
    look.bind(1, max_count / 2).run();
  }

  /// Notes what the records may do to the counts, and says whether all of them may be appended.
  [[nodiscard]] bool admit(std::span<const Record> records) {
    widen_.bind(1, reach_of(records)).bind(2, farthest);
    const bool within = widen_.step() && widen_.integer(0) <= max_count;
    widen_.reset();
    return within && std::all_of(records.begin(), records.end(), [](const Record& record) {
             return record.change.sum != no_floor && record.change.low == no_floor;
           });
  }

  void append(const Record& record) {
    bind_key(append_, record.key).bind(5, record.change.sum).run();
    rows_ = static_cast<std::size_t>(connection_->last_row());
  }
  /// How many rows there were after the last append.
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

  void fold() {
    rows_ = 0;
    if (query_number(*connection_, "SELECT EXISTS (SELECT 1 FROM livecount_log)") == 0) return;
    // WHERE true: else SQLite takes ON CONFLICT for a part of a join.
    connection_->execute(
        "INSERT INTO livecount_counts (namespace, period_type, period, name, count) "
        "SELECT namespace, period_type, period, name, sum(sum) FROM livecount_log WHERE true "
        "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 "
        "ON CONFLICT DO UPDATE SET count = count + excluded.count;"
        "DELETE FROM livecount_log;"
        "UPDATE livecount_log_state SET folds = folds + 1");
  }

 private:
  // Beyond max_count all bounds do the same; this one keeps sums of bounds within 64 bits.
  static constexpr Count farthest = 2 * max_count;

  /// By how much they can take a count away from 0.
  [[nodiscard]] static Count reach_of(std::span<const Record> records) noexcept {
    Count reach = 0;
    for (const auto& [key, change] : records) {
      if (change.sum != no_floor)
        reach += change.low == no_floor ? std::abs(change.sum) : std::max<Count>(change.sum, 0);
      if (change.low != no_floor) reach += std::abs(change.low);
      reach = std::min(reach, farthest);
    }
    return reach;
  }

  SqliteConnection* connection_;
  SqliteStatement append_, widen_;
  std::size_t rows_ = 0;
};

/// For who reads: what is in the log, in memory.
class SqliteLogReader {
 public:
  explicit SqliteLogReader(SqliteConnection& connection)
      : connection_(&connection), finder_(connection), exists_(finder_.exists()) {}

  /// Whether there was a log when this was made, or caught up.
  [[nodiscard]] bool exists() const noexcept { return exists_; }

  /// Reads what has come since the last time. Requires: a transaction has begun; what follows is for this one.
  /// Throws: Error, also corrupt; std::bad_alloc.
  void catch_up() {
    exists_ = finder_.exists();
    if (!exists_) return;
    if (!rows_) {
      state_.emplace(*connection_, "SELECT folds FROM livecount_log_state");
      rows_.emplace(*connection_,
                    "SELECT id, namespace, period_type, period, name, sum FROM livecount_log WHERE id > ?");
    }
    state_->reset();
    if (!state_->step()) throw Error(Errc::corrupt, "livecount_log_state has no row", "livecount_log_state");
    const std::int64_t folds = state_->integer(0);
    state_->reset();
    if (folds != folds_) {
      sums_.clear();
      last_ = 0;
      folds_ = folds;
    }
    rows_->reset();
    rows_->bind(1, last_);
    while (rows_->step()) {
      add_row();
      last_ = rows_->integer(0);
    }
    rows_->reset();
  }

  /// What the log adds to each count; a counter that the table lacks begins at 0.
  using Sums = std::map<Key, Count, KeyLess>;
  [[nodiscard]] const Sums& sums() const noexcept { return sums_; }

 private:
  void add_row() {
    const std::int64_t type = rows_->integer(2);
    const Count change = rows_->integer(5);
    if (type >= 0 && type <= static_cast<std::int64_t>(PeriodType::all) && in_range(change)) {
      const Bucket bucket{static_cast<PeriodType>(type), rows_->integer(3)};
      Count& sum = sums_[Key{std::string(rows_->bytes(1)), bucket, std::string(rows_->bytes(4))}];
      if (in_range(sum + change)) {
        sum += change;
        return;
      }
    }
    throw Error(Errc::corrupt,
                "row " + std::to_string(rows_->integer(0)) + " of livecount_log is not possible",
                "livecount_log");
  }

  SqliteConnection* connection_;
  SqliteLogFinder finder_;
  bool exists_;
  std::optional<SqliteStatement> state_, rows_;
  std::int64_t folds_ = -1;  // of which log
  std::int64_t last_ = 0;    // the row of it that was read last
  Sums sums_;
};

}  // namespace livecount::inline v0_1::detail
