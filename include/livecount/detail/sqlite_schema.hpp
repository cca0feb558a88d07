// SPDX-License-Identifier: BSL-1.0
// The tables of SqliteStore: what they hold, how they are made, and how a database is known to be one of ours.
#pragma once

#include <cstdint>
#include <string>

#include "sqlite_handle.hpp"

namespace livecount::inline v0_1::detail {

// These reach the disk: never change one.
inline constexpr std::int64_t sqlite_application_id = 0x4C564354;  // "LVCT"
inline constexpr std::int64_t sqlite_plain_version = 1;
inline constexpr std::int64_t sqlite_log_version = 2;  // of a database that has a log, too

inline constexpr const char* sqlite_tables = R"(
CREATE TABLE livecount_counts (
  namespace   BLOB    NOT NULL,
  period_type INTEGER NOT NULL,  -- 0 second, 1 minute, 2 hour, 3 day, 4 week, 5 month, 6 year, 7 all
  period      INTEGER NOT NULL,  -- civil time at which the period begins, seconds since 1970
  name        BLOB    NOT NULL,
  count       INTEGER NOT NULL,
  PRIMARY KEY (namespace, period_type, period, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE livecount_ledger (
  writer   BLOB    NOT NULL,     -- drawn at each start of a writer
  shard    INTEGER NOT NULL,
  sequence INTEGER NOT NULL,     -- of the last batch applied
  digest   INTEGER NOT NULL,     -- of its records
  touched  INTEGER NOT NULL,     -- when, seconds since 1970 UTC
  PRIMARY KEY (writer, shard)
) STRICT, WITHOUT ROWID;
CREATE TABLE livecount_quarantine (  -- changes that would have taken a count out of its range
  namespace BLOB NOT NULL, period_type INTEGER NOT NULL, period INTEGER NOT NULL, name BLOB NOT NULL,
  sum INTEGER NOT NULL, low INTEGER NOT NULL, writer BLOB NOT NULL, sequence INTEGER NOT NULL
) STRICT;
CREATE TABLE livecount_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
)";
/// Only where a store keeps a log: changes that are not yet in livecount_counts.
inline constexpr const char* sqlite_log_tables = R"(
CREATE TABLE livecount_log (
  id          INTEGER PRIMARY KEY,  -- 1, 2, 3, ... since the last fold
  namespace   BLOB    NOT NULL,
  period_type INTEGER NOT NULL,
  period      INTEGER NOT NULL,
  name        BLOB    NOT NULL,
  sum         INTEGER NOT NULL      -- to be added to the count
) STRICT;
CREATE TABLE livecount_log_state (  -- one row
  folds INTEGER NOT NULL,           -- how often the log has been emptied
  bound INTEGER NOT NULL            -- how far from 0 a count can be at most
) STRICT;
CREATE VIEW livecount_all_counts AS
SELECT namespace, period_type, period, name, sum(count) AS count
FROM (SELECT namespace, period_type, period, name, count FROM livecount_counts
      UNION ALL SELECT namespace, period_type, period, name, sum FROM livecount_log)
GROUP BY 1, 2, 3, 4;
)";
/// The view for people, over this table.
[[nodiscard]] inline std::string sqlite_view_of(const std::string& counts) {
  return R"(
CREATE VIEW counts AS
SELECT CAST(namespace AS TEXT) AS namespace,
       CASE period_type WHEN 0 THEN 'second' WHEN 1 THEN 'minute' WHEN 2 THEN 'hour' WHEN 3 THEN 'day'
                        WHEN 4 THEN 'week' WHEN 5 THEN 'month' WHEN 6 THEN 'year' ELSE 'all' END AS period_type,
       CASE period_type WHEN 7 THEN 'all' ELSE
         strftime(CASE period_type WHEN 0 THEN '%Y-%m-%d %H:%M:%S' WHEN 1 THEN '%Y-%m-%d %H:%M'
                                   WHEN 2 THEN '%Y-%m-%d %H' WHEN 3 THEN '%Y-%m-%d' WHEN 4 THEN '%Y-%m-%dweek'
                                   WHEN 5 THEN '%Y-%m' ELSE '%Y' END, period, 'unixepoch') END AS period,
       CAST(name AS TEXT) AS name, count
FROM )" + counts +
         ";\n";
}
/// The whole schema, with a log or without.
[[nodiscard]] inline std::string sqlite_schema(std::int64_t version) {
  if (version == sqlite_plain_version) return sqlite_tables + sqlite_view_of("livecount_counts");
  return std::string(sqlite_tables) + sqlite_log_tables + sqlite_view_of("livecount_all_counts");
}

[[nodiscard]] inline std::int64_t query_number(SqliteConnection& connection, const std::string& sql) {
  SqliteStatement query(connection, sql);
  return query.step() ? query.integer(0) : 0;
}

/// Throws: Error with not_livecount or version_too_new; then nothing has been changed.
inline void require_sqlite_schema(SqliteConnection& connection, const std::string& path) {
  if (query_number(connection, "PRAGMA application_id") != sqlite_application_id) {
    throw Error(Errc::not_livecount,
                path + " is an SQLite database, but not one of livecount; choose another path", path);
  }
  const std::int64_t version = query_number(connection, "PRAGMA user_version");
  if (version == sqlite_plain_version || version == sqlite_log_version) return;
  throw Error(Errc::version_too_new,
              path + " has schema version " + std::to_string(version) +
                  ", this livecount reads versions up to " + std::to_string(sqlite_log_version) +
                  "; use a newer livecount",
              path);
}

/// Makes the tables in an empty database; in another one, requires them. Processes may do so at the same time.
inline void make_sqlite_schema(SqliteConnection& connection, const std::string& path) {
  const auto is_empty = [&] { return query_number(connection, "SELECT count(*) FROM sqlite_schema") == 0; };
  if (is_empty()) {
    // A row that changes costs a page. With 2 KiB a drain of random rows is a quarter faster than with SQLite's 4, and a
    // question that reads all rows a quarter slower; with 1 KiB half as fast again, and 1.7 times slower (bench/README.md).
    connection.execute("PRAGMA page_size = 2048");
    connection.use_write_ahead_log();
    SqliteTransaction transaction(connection);
    if (is_empty()) {  // nobody was quicker
      connection.execute(sqlite_schema(sqlite_plain_version));
      connection.execute("PRAGMA application_id = " + std::to_string(sqlite_application_id));
      connection.execute("PRAGMA user_version = " + std::to_string(sqlite_plain_version));
      transaction.commit();
    }
  }
  require_sqlite_schema(connection, path);
}

/// Makes the tables of a log where there are none. Requires: a transaction.
inline void make_sqlite_log(SqliteConnection& connection) {
  connection.execute("DROP VIEW IF EXISTS counts");
  connection.execute(sqlite_log_tables + sqlite_view_of("livecount_all_counts"));
  connection.execute(
      "INSERT INTO livecount_log_state SELECT 0, coalesce(max(abs(count)), 0) FROM livecount_counts");
  connection.execute("PRAGMA user_version = " + std::to_string(sqlite_log_version));
}

}  // namespace livecount::inline v0_1::detail
