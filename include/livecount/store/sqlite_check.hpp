// SPDX-License-Identifier: BSL-1.0
// What can be wrong with the database of a SqliteStore: pages, tables, ledger, rows that no livecount wrote.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../detail/sqlite_handle.hpp"
#include "../detail/sqlite_schema.hpp"
#include "../record.hpp"
#include "sqlite_log.hpp"

namespace livecount::inline v0_1::detail {

/// Rows that are wrong: what they are, and the condition by which they are found.
struct WrongRows {
  const char* table;
  const char* condition;
  const char* what;
};

// The numbers are those of record.hpp and of the type Update.
inline constexpr std::array<WrongRows, 11> wrong_rows{{
    {"livecount_counts", "period_type NOT BETWEEN 0 AND 7", "have an unknown period type"},
    {"livecount_counts", "count NOT BETWEEN -(1 << 58) AND 1 << 58", "have a count outside its range"},
    {"livecount_counts", "length(namespace) > 255 OR length(name) > 1024", "have a name that is too long"},
    {"livecount_counts", "count < 0 AND (SELECT value FROM livecount_settings WHERE name = 'floor') = 'zero'",
     "have a count below zero, where counts stop"},
    {"livecount_ledger", "length(writer) <> 16", "are of no writer: an identity has 16 bytes"},
    {"livecount_ledger", "sequence < 1 OR shard NOT BETWEEN 0 AND 4294967295", "have an impossible number"},
    {"livecount_quarantine", "period_type NOT BETWEEN 0 AND 7", "have an unknown period type"},
    {"livecount_quarantine", "length(writer) <> 16 OR sequence < 1", "are of no batch"},
    {"livecount_settings",
     "name NOT IN ('calendar', 'week_start', 'floor', 'horizon_second', 'horizon_minute', 'horizon_hour', "
     "'horizon_day', 'horizon_week', 'horizon_month', 'horizon_year')",
     "are unknown"},
    {"livecount_settings", "name GLOB 'horizon_*' AND value <> CAST(CAST(value AS INTEGER) AS TEXT)",
     "have an unknown value"},
    {"livecount_settings",
     "name = 'week_start' AND value NOT IN ('monday', 'sunday') OR "
     "name = 'floor' AND value NOT IN ('zero', 'none')",
     "have an unknown value"},
}};
static_assert(max_count == Count{1} << 58 && min_count == -max_count);

inline constexpr std::array<WrongRows, 4> wrong_rows_of_log{{
    {"livecount_log", "period_type NOT BETWEEN 0 AND 7", "have an unknown period type"},
    {"livecount_log", "length(namespace) > 255 OR length(name) > 1024", "have a name that is too long"},
    {"livecount_log",
     "sum NOT BETWEEN -(SELECT bound FROM livecount_log_state) AND (SELECT bound FROM livecount_log_state)",
     "have a sum beyond the bound"},
    {"livecount_counts",
     "count NOT BETWEEN -(SELECT bound FROM livecount_log_state) AND (SELECT bound FROM livecount_log_state)",
     "have a count beyond the bound of the log"},
}};

/// The tables and the view, against those of a new database.
inline void check_schema(SqliteConnection& connection, std::vector<std::string>& findings) {
  SqliteConnection fresh(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                         std::chrono::milliseconds(0));
  fresh.execute(sqlite_schema(query_number(connection, "PRAGMA user_version")));
  SqliteStatement wanted(fresh, "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  SqliteStatement found(connection, "SELECT sql FROM sqlite_schema WHERE type = ? AND name = ?");
  while (wanted.step()) {
    const std::string type(wanted.bytes(0)), name(wanted.bytes(1));
    if (!found.bind_text(1, type).bind_text(2, name).step()) {
      findings.push_back("there is no " + type + " " + name);
    } else if (found.bytes(0) != wanted.bytes(2)) {
      findings.push_back("the " + type + " " + name + " is not as livecount makes it");
    }
    found.reset();
  }
  SqliteStatement triggers(
      connection,
      "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name GLOB "
      "'livecount_*'");
  while (triggers.step()) {
    findings.push_back("a trigger " + std::string(triggers.bytes(0)) + " acts when " +
                       std::string(triggers.bytes(1)) + " is written");
  }
}

/// What is wrong, in sentences, as it is at one moment; nothing if the database is sound. Reads all of it.
/// Throws: Error, if it cannot even be read.
[[nodiscard]] inline std::vector<std::string> check_database(SqliteConnection& connection) {
  connection.execute("BEGIN");  // ends with the connection
  std::vector<std::string> findings;
  SqliteStatement pages(connection, "PRAGMA integrity_check");
  while (pages.step()) {
    if (pages.bytes(0) != "ok") findings.push_back("SQLite finds: " + std::string(pages.bytes(0)));
  }
  check_schema(connection, findings);
  if (!findings.empty()) return findings;  // rows of such tables say nothing

  const auto look_for = [&](std::span<const WrongRows> wrong) {
    for (const WrongRows& rows : wrong) {
      const std::int64_t number = query_number(
          connection, std::string("SELECT count(*) FROM ") + rows.table + " WHERE " + rows.condition);
      if (number == 0) continue;
      findings.push_back(std::to_string(number) + " rows of " + rows.table + " " + rows.what);
    }
  };
  look_for(wrong_rows);
  if (SqliteLogFinder(connection).exists()) {
    look_for(wrong_rows_of_log);
    if (query_number(connection, "SELECT count(*) FROM livecount_log_state") != 1)
      findings.emplace_back("livecount_log_state has not one row");
  }
  const std::int64_t settings =
      query_number(connection, "SELECT count(*) FROM livecount_settings WHERE name NOT GLOB 'horizon_*'");
  if (settings != 0 && settings != 3) {
    findings.push_back("there are " + std::to_string(settings) + " settings, not all three or none");
  }
  return findings;
}

}  // namespace livecount::inline v0_1::detail
