// SPDX-License-Identifier: BSL-1.0
// A connection by which a SqliteStore reads: one count, and the questions over many, which leave out what is in the log.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/sqlite_handle.hpp"
#include "../detail/sqlite_schema.hpp"
#include "../record.hpp"
#include "../selection.hpp"
#include "sqlite_log.hpp"

namespace livecount::inline v0_1::detail {

/// The table found(ns): each namespace, by one look-up, and NULL at the end. For WITH RECURSIVE.
inline constexpr std::string_view sqlite_namespaces =
    " found(ns) AS (SELECT min(namespace) FROM livecount_counts UNION ALL "
    "SELECT (SELECT min(namespace) FROM livecount_counts WHERE namespace > ns) FROM found WHERE ns IS NOT "
    "NULL) ";

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
        log_(connection_),
        select_(connection_,
                "SELECT count FROM livecount_counts WHERE namespace = ?1 AND period_type = ?2 AND "
                "period = ?3 AND name = ?4") {}

  SqliteReader(const SqliteReader&) = delete;  // the statements refer to the connection
  SqliteReader& operator=(const SqliteReader&) = delete;

  [[nodiscard]] SqliteConnection& connection() noexcept { return connection_; }
  [[nodiscard]] std::uint32_t version() { return data_version(version_); }

  /// A transaction, until end(): all that is read is of this moment. If it throws, the reader is to be dropped.
  void begin() {
    connection_.execute("BEGIN");
    log_.catch_up();
  }
  void end() { connection_.execute("COMMIT"); }

  [[nodiscard]] std::optional<Count> read(const KeyView& key) {
    if (connection_.in_transaction()) return read_now(key);
    if (!log_.exists()) {
      const std::optional<Count> count = read_table(key);
      if (!select_.was_prepared_again()) return count;  // else it may have been made in between
    }
    const SqliteTransaction moment(connection_, "BEGIN");
    log_.catch_up();
    return read_now(key);
  }

  // ---- without what is in the log

  [[nodiscard]] const SqliteLogReader::Sums& log() const noexcept { return log_.sums(); }

  [[nodiscard]] std::optional<Count> read_table(const KeyView& key) {
    std::optional<Count> count;
    if (bind_key(select_, key).step()) count = select_.integer(0);
    select_.reset();
    return count;
  }

  [[nodiscard]] std::uint64_t applied(const WriterId& writer, std::uint32_t shard) {
    SqliteStatement select(connection_,
                           "SELECT sequence FROM livecount_ledger WHERE writer = ?1 AND shard = ?2");
    select.bind_blob(1, {reinterpret_cast<const char*>(writer.data()), writer.size()}).bind(2, shard);
    return select.step() ? static_cast<std::uint64_t>(select.integer(0)) : 0;
  }

  /// f(key, count) by bucket and name, until it returns false.
  template <class F>
  void scan(const Selection& selection, F f) {
    const Condition where(selection);
    SqliteStatement select(connection_, "SELECT period, name, count FROM livecount_counts" + where.sql +
                                            " ORDER BY period, name");
    where.bind(select);
    while (select.step()) {
      if (!f(KeyView{selection.ns, {selection.type, select.integer(0)}, select.bytes(1)},
             Count{select.integer(2)}))
        return;
    }
  }

  [[nodiscard]] std::vector<std::string> names(const Selection& selection,
                                               std::optional<std::string_view> after, std::size_t limit) {
    const Condition where(selection);
    // In one bucket no name comes twice.
    const std::string distinct = selection.first == selection.last ? "" : "DISTINCT ";
    SqliteStatement select(connection_, "SELECT " + distinct + "name FROM livecount_counts" + where.sql +
                                            (after ? " AND name > ?7" : "") + " ORDER BY name LIMIT ?8");
    where.bind(select);
    if (after) select.bind_blob(7, *after);
    select.bind(8, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
    return strings(select);
  }

  /// Nothing if it does not fit into 64 bits.
  [[nodiscard]] std::optional<Count> sum(const Selection& selection) {
    const Condition where(selection);
    const auto query = [&](const std::string& sums) {
      SqliteStatement select(connection_, "SELECT " + sums + " FROM livecount_counts" + where.sql);
      where.bind(select);
      select.step();
      return std::pair(select.integer(0), select.integer(1));  // of no rows NULL, which is read as 0
    };
    try {
      return query("sum(count), 0").first;
    } catch (const Error& error) {  // SQLite gives up half-way, even where it fits in the end
      if (error.code() != Errc::store_failed) throw;
    }
    const auto [high, low] = query("sum(count >> 31), sum(count & 2147483647)");
    Count sum = 0;
    const bool fits =
        !__builtin_mul_overflow(high, Count{1} << 31, &sum) && !__builtin_add_overflow(sum, low, &sum);
    return fits ? std::optional(sum) : std::nullopt;
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
    SqliteStatement select(connection_, "WITH RECURSIVE" + std::string(sqlite_namespaces) +
                                            "SELECT ns FROM found WHERE ns IS NOT NULL");
    return strings(select);
  }

 private:
  [[nodiscard]] std::optional<Count> read_now(const KeyView& key) {
    const auto logged = log_.sums().find(key);
    const std::optional<Count> count = read_table(key);
    return logged == log_.sums().end() ? count : count.value_or(0) + logged->second;
  }

  /// A selection as SQL. Parts that do not restrict are left out, so that SQLite sees which index serves.
  struct Condition {
    explicit Condition(const Selection& what) : selection(what), end(after_prefix(what.prefix)) {
      sql = " WHERE namespace = ?1 AND period_type = ?2";
      sql += what.first == what.last ? " AND period = ?3" : " AND period BETWEEN ?3 AND ?4";
      if (!what.prefix.empty()) sql += " AND name >= ?5";
      if (end) sql += " AND name < ?6";
    }
    void bind(SqliteStatement& statement) const {
      statement.bind_blob(1, selection.ns).bind(2, static_cast<std::int64_t>(selection.type));
      statement.bind(3, selection.first);
      if (selection.first != selection.last) statement.bind(4, selection.last);
      if (!selection.prefix.empty()) statement.bind_blob(5, selection.prefix);
      if (end) statement.bind_blob(6, *end);
    }
    const Selection& selection;
    const std::optional<std::string> end;
    std::string sql;
  };

  [[nodiscard]] static std::vector<std::string> strings(SqliteStatement& select) {
    std::vector<std::string> strings;
    while (select.step()) strings.emplace_back(select.bytes(0));
    return strings;
  }

  [[nodiscard]] static SqliteConnection open(const std::string& path,
                                             std::chrono::milliseconds busy_timeout) {
    SqliteConnection connection(path, SQLITE_OPEN_READONLY, busy_timeout);
    require_sqlite_schema(connection, path);
    return connection;
  }

  SqliteConnection connection_;
  SqliteStatement version_;
  SqliteLogReader log_;
  SqliteStatement select_;
};

}  // namespace livecount::inline v0_1::detail
