// SPDX-License-Identifier: BSL-1.0
// What the counts of an SQLite database mean, and since when they are kept: the table livecount_settings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "../detail/sqlite_handle.hpp"
#include "../record.hpp"
#include "../retention.hpp"
#include "settings.hpp"

namespace livecount::inline v0_1::detail {

/// A horizon is the row "horizon_" and its period type, with Bucket::start as text.
inline constexpr std::string_view horizon_prefix = "horizon_";

[[nodiscard]] inline Horizons read_horizons(SqliteConnection& connection) {
  SqliteStatement select(connection,
                         "SELECT substr(name, 9), CAST(value AS INTEGER) FROM livecount_settings "
                         "WHERE name BETWEEN 'horizon_' AND 'horizon_z'");
  Horizons horizons;
  while (select.step()) horizons.raise({parse_period_type(select.bytes(0)), select.integer(1)});
  return horizons;
}

/// Never back.
inline void raise_horizon(SqliteConnection& connection, Bucket first) {
  SqliteStatement insert(
      connection,
      "INSERT INTO livecount_settings (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET "
      "value = ?2 WHERE CAST(value AS INTEGER) < CAST(?2 AS INTEGER)");
  const std::string name = std::string(horizon_prefix).append(to_string(first.type));
  const std::string value = std::to_string(first.start);
  insert.bind_text(1, name).bind_text(2, value).run();
}

/// Nothing in a new database.
[[nodiscard]] inline std::optional<Settings> read_settings(SqliteConnection& connection) {
  SqliteStatement select(connection, "SELECT name, value FROM livecount_settings");
  std::optional<Settings> settings;
  while (select.step()) {
    const std::string_view name = select.bytes(0);
    if (name.substr(0, horizon_prefix.size()) == horizon_prefix) continue;
    if (!settings) settings.emplace();
    const std::string_view value = select.bytes(1);
    if (name == "calendar") settings->calendar = value;
    if (name == "week_start")
      settings->week_start = value == "monday" ? WeekStart::monday : WeekStart::sunday;
    if (name == "floor") settings->floor = value == "zero" ? Floor::zero : Floor::none;
  }
  return settings;
}

inline void write_settings(SqliteConnection& connection, const Settings& settings) {
  SqliteStatement insert(connection, "INSERT INTO livecount_settings (name, value) VALUES (?, ?)");
  insert.bind_text(1, "calendar").bind_text(2, settings.calendar).run();
  insert.bind_text(1, "week_start").bind_text(2, week_start_text(settings.week_start)).run();
  insert.bind_text(1, "floor").bind_text(2, floor_text(settings.floor)).run();
}

}  // namespace livecount::inline v0_1::detail
