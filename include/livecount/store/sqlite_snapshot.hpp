// SPDX-License-Identifier: BSL-1.0
// One moment of an SQLite database: a read transaction on a connection of its own. Writers go on beside it; while it
// lives, the write-ahead log cannot be cut behind it.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../moment.hpp"
#include "sqlite_reader.hpp"
#include "sqlite_settings.hpp"

namespace livecount::inline v0_1::detail {

/// A connection that waits for the next snapshot: to open one, and to see that it is one of ours, costs more than many a
/// question. Any thread.
class SqliteSpareReader {
 public:
  SqliteSpareReader(std::string path, std::chrono::milliseconds busy_timeout)
      : path_(std::move(path)), busy_timeout_(busy_timeout) {}

  /// One of its own for the caller. Throws: Error.
  [[nodiscard]] std::unique_ptr<SqliteReader> take() {
    std::unique_ptr<SqliteReader> reader;
    {
      const std::lock_guard lock(mutex_);
      reader = std::move(spare_);
    }
    if (!reader || reader->connection().has_moved())
      reader = std::make_unique<SqliteReader>(path_, busy_timeout_);
    return reader;
  }
  void give_back(std::unique_ptr<SqliteReader> reader) noexcept {
    const std::lock_guard lock(mutex_);
    spare_ = std::move(reader);
  }

 private:
  const std::string path_;
  const std::chrono::milliseconds busy_timeout_;
  std::mutex mutex_;
  std::unique_ptr<SqliteReader> spare_;  // under mutex_
};

/// The table of counts at one moment, and the log.
class SqliteTableSnapshot {
 public:
  explicit SqliteTableSnapshot(std::shared_ptr<SqliteSpareReader> spare)
      : spare_(std::move(spare)), reader_(spare_->take()) {
    reader_->begin();
    horizons_ = read_horizons(reader_->connection());  // the moment is now
  }
  ~SqliteTableSnapshot() {
    if (!reader_) return;
    try {
      reader_->end();
      spare_->give_back(std::move(reader_));
    } catch (const std::exception&) {
      // Closing the connection ends the transaction.
    }
  }
  SqliteTableSnapshot(SqliteTableSnapshot&&) = default;
  SqliteTableSnapshot& operator=(SqliteTableSnapshot&&) = delete;

  [[nodiscard]] std::uint64_t applied(const WriterId& writer, std::uint32_t shard) const {
    return reader_->applied(writer, shard);
  }
  /// Not `horizons`: Moment would leave out what is before them, and read() does not.
  [[nodiscard]] Horizons stored_horizons() const noexcept { return horizons_; }
  /// What the log adds; the functions below leave it out.
  [[nodiscard]] const SqliteLogReader::Sums& log() const noexcept { return reader_->log(); }
  [[nodiscard]] std::optional<Count> read(const KeyView& key) const { return reader_->read_table(key); }
  template <class F>
  void scan(const Selection& selection, F f) const {
    reader_->scan(selection, std::move(f));
  }
  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) const {
    return reader_->top(ns, bucket, limit);
  }
  [[nodiscard]] std::optional<Count> sum(const Selection& selection) const { return reader_->sum(selection); }
  [[nodiscard]] std::vector<std::string> names(const Selection& selection,
                                               std::optional<std::string_view> after,
                                               std::size_t limit) const {
    return reader_->names(selection, after, limit);
  }
  [[nodiscard]] std::vector<std::string> namespaces() const { return reader_->namespaces(); }

 private:
  std::shared_ptr<SqliteSpareReader> spare_;
  std::unique_ptr<SqliteReader> reader_;
  Horizons horizons_;
};

/// The counts at one moment.
class SqliteSnapshot : public Moment<SqliteTableSnapshot> {
 public:
  explicit SqliteSnapshot(const std::shared_ptr<SqliteSpareReader>& spare)
      : Moment(Horizons(), [&](auto add) {
          SqliteTableSnapshot table(spare);
          for (const auto& [key, sum] : table.log()) add(key, Transform{sum, no_floor});
          return table;
        }) {}

  [[nodiscard]] std::uint64_t applied(const WriterId& writer, std::uint32_t shard) const {
    return snapshot().applied(writer, shard);
  }
  [[nodiscard]] Horizons horizons() const noexcept { return snapshot().stored_horizons(); }
};

}  // namespace livecount::inline v0_1::detail
