// SPDX-License-Identifier: BSL-1.0
// One moment of an SQLite database: a read transaction on a connection of its own. Writers go on beside it; while it
// lives, the write-ahead log cannot be cut behind it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sqlite_reader.hpp"
#include "sqlite_settings.hpp"

namespace livecount::inline v0_1::detail {

class SqliteSnapshot {
 public:
  SqliteSnapshot(const std::string& path, std::chrono::milliseconds busy_timeout)
      : reader_(std::make_unique<SqliteReader>(path, busy_timeout)) {
    reader_->connection().execute("BEGIN");
    (void)query_number(reader_->connection(),
                       "SELECT count(*) FROM livecount_settings");  // the moment is now
  }

  [[nodiscard]] std::uint64_t applied(const WriterId& writer, std::uint32_t shard) const {
    return reader_->applied(writer, shard);
  }
  [[nodiscard]] Horizons horizons() const { return read_horizons(reader_->connection()); }
  [[nodiscard]] std::optional<Count> read(const KeyView& key) const { return reader_->read(key); }
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
  std::unique_ptr<SqliteReader> reader_;  // closing the connection ends the transaction
};

}  // namespace livecount::inline v0_1::detail
