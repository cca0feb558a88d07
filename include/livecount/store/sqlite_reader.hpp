// SPDX-License-Identifier: BSL-1.0
// A connection by which a SqliteStore reads: one count, and the questions over many.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

/// Moves when another connection than the statement's own has committed.
[[nodiscard]] inline std::uint32_t data_version(SqliteStatement& pragma) {
  pragma.step();
  const auto version = static_cast<std::uint32_t>(pragma.integer(0));
  pragma.reset();
  return version;
}

class SqliteReader {
 public:
  SqliteReader(const std::string& path, std::chrono::milliseconds busy_timeout)
      : connection_(open(path, busy_timeout)),
        version_(connection_, "PRAGMA data_version"),
        select_(connection_,
                "SELECT count FROM livecount_counts WHERE namespace = ?1 AND period_type = ?2 AND "
                "period = ?3 AND name = ?4") {}

  SqliteReader(const SqliteReader&) = delete;  // the statements refer to the connection
  SqliteReader& operator=(const SqliteReader&) = delete;

  [[nodiscard]] SqliteConnection& connection() noexcept { return connection_; }
  [[nodiscard]] std::uint32_t version() { return data_version(version_); }

  [[nodiscard]] std::optional<Count> read(const KeyView& key) {
    std::optional<Count> count;
    if (bind_key(select_, key).step()) count = select_.integer(0);
    select_.reset();
    return count;
  }

  template <class F>
  void scan(std::string_view ns, PeriodType type, std::optional<Bucket> bucket, F f) {
    SqliteStatement select(connection_,
                           "SELECT period, name, count FROM livecount_counts WHERE namespace = ?1 AND "
                           "period_type = ?2" +
                               std::string(bucket ? " AND period = ?3" : "") + " ORDER BY period, name");
    select.bind_blob(1, ns).bind(2, static_cast<std::int64_t>(type));
    if (bucket) select.bind(3, bucket->start);
    while (select.step())
      f(KeyView{ns, {type, select.integer(0)}, select.bytes(1)}, Count{select.integer(2)});
  }

  [[nodiscard]] std::vector<NamedCount> top(std::string_view ns, Bucket bucket, std::size_t limit) {
    SqliteStatement select(
        connection_,
        "SELECT name, count FROM livecount_counts WHERE namespace = ?1 AND period_type = ?2 "
        "AND period = ?3 ORDER BY count DESC, name LIMIT ?4");
    select.bind_blob(1, ns).bind(2, static_cast<std::int64_t>(bucket.type)).bind(3, bucket.start);
    select.bind(4, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
    std::vector<NamedCount> rows;
    while (select.step()) rows.push_back({std::string(select.bytes(0)), select.integer(1)});
    return rows;
  }

  [[nodiscard]] std::vector<std::string> namespaces() {
    SqliteStatement select(
        connection_,
        "WITH RECURSIVE found(ns) AS (SELECT min(namespace) FROM livecount_counts UNION ALL "
        "SELECT (SELECT min(namespace) FROM livecount_counts WHERE namespace > ns) FROM found WHERE ns IS "
        "NOT NULL) "
        "SELECT ns FROM found WHERE ns IS NOT NULL");
    std::vector<std::string> names;
    while (select.step()) names.emplace_back(select.bytes(0));
    return names;
  }

 private:
  [[nodiscard]] static SqliteConnection open(const std::string& path,
                                             std::chrono::milliseconds busy_timeout) {
    SqliteConnection connection(path, SQLITE_OPEN_READONLY, busy_timeout);
    require_sqlite_schema(connection, path);
    return connection;
  }

  SqliteConnection connection_;
  SqliteStatement version_, select_;
};

}  // namespace livecount::inline v0_1::detail
